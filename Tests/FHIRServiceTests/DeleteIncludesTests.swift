import FHIRService
import JSONCore
import Testing

/// Conditional deletions that take along what the matches include (`_include`, as Azure's FHIR service has it).
@Suite struct DeleteIncludesTests {
  private static func group(_ service: TestService, _ name: String, members: Int) async throws {
    var references: [String] = []
    for number in 0..<members {
      let id = "\(name)-\(number)"
      #expect(
        try await service.send(.put, "Patient/\(id)", #"{"resourceType":"Patient","id":"\#(id)"}"#).status == 201)
      references.append(#"{"entity":{"reference":"Patient/\#(id)"}}"#)
    }
    let body = """
      {"resourceType":"Group","id":"\(name)","type":"person","actual":true,"meta":{"tag":[{"code":"t"}]},
       "member":[\(references.joined(separator: ","))]}
      """
    #expect(try await service.send(.put, "Group/\(name)", body).status == 201)
  }

  @Test(arguments: [("", 6), ("&hardDelete=true", 6)])
  func oneGroupWithItsMembers(more: String, deleted: Int) async throws {
    try await withService { service in
      try await Self.group(service, "a", members: 5)
      try await Self.group(service, "b", members: 2)
      let reply = try await service.send(.delete, "Group?_id=a&_count=1&_include=Group:member\(more)")
      #expect(reply.status == 204)
      #expect(reply.answer?.itemsDeleted == deleted)
      #expect(try await service.send(.get, "Patient?_summary=count").body?["total"]?.integer == 2)
      #expect(try await service.send(.get, "Group?_summary=count").body?["total"]?.integer == 1)
    }
  }

  @Test func moreThanMayBeDeletedIsRefused() async throws {
    try await withService { service in
      try await Self.group(service, "a", members: 4)
      let reply = try await service.send(.delete, "Group?_tag=t&_count=1&_include=Group:member&_includesCount=3")
      #expect(reply.status == 400)
      #expect(try await service.send(.get, "Patient?_summary=count").body?["total"]?.integer == 4)
    }
  }
}
