import Base
import FHIRService
import Foundation
import JSONCore
import Testing

/// `_remove-references=true` of a deletion.
@Suite struct RemoveReferencesTests {
  private static func observation(_ id: String, _ subject: String, more: String = "") -> String {
    """
    {"resourceType":"Observation","id":"\(id)","status":"final","code":{"text":"x"},
     "subject":{"reference":"\(subject)","display":"Peter","type":"Patient"}\(more)}
    """
  }

  private static func fill(_ service: TestService) async throws {
    for id in ["p", "q"] { try await service.send(.put, "Patient/\(id)", #"{"resourceType":"Patient","id":"\#(id)"}"#) }
    for (id, subject) in [
      ("plain", "Patient/p"), ("versioned", "Patient/p/_history/1"), ("absolute", "\(TestService.base)/Patient/p"),
      ("other", "Patient/q"), ("elsewhere", "http://elsewhere.example/fhir/Patient/p"),
    ] {
      let reply = try await service.send(.put, "Observation/\(id)", observation(id, subject))
      #expect(reply.status == 201, "\(reply.text)")
    }
  }

  @Test(arguments: ["_hardDelete=true&_remove-references=true", "_remove-references=true"])
  func referencesGo(query: String) async throws {
    try await withService { service in
      try await Self.fill(service)
      // Every reference goes, also where no search parameter looks.
      let more = """
        ,"performer":[{"reference":"Patient/p","identifier":{"value":"7","assigner":{"reference":"Organization/o"}}},
                      {"reference":"Patient/q"}],
         "extension":[{"url":"urn:e","valueReference":{"reference":"Patient/p"}}]
        """
      try await service.send(.put, "Observation/deep", Self.observation("deep", "Patient/p", more: more))
      let reply = try await service.send(.delete, "Patient/p?\(query)")
      #expect(reply.status == 204)
      #expect(reply.answer?.itemsDeleted == nil)
      for id in ["plain", "versioned", "absolute"] {
        let read = try await service.send(.get, "Observation/\(id)")
        #expect(read.answer?.version == 2, "\(id): \(read.text)")
        let subject = try #require(read.body?["subject"])
        #expect(
          String(decoding: subject.json, as: UTF8.self)
            == #"{"type":"Patient","display":"Referenced resource deleted"}"#)
        #expect(try await service.send(.get, "Observation/\(id)/_history/1").status == 200)
      }
      for id in ["other", "elsewhere"] {
        #expect(try await service.send(.get, "Observation/\(id)").answer?.version == 1)
      }
      let deep = try await service.send(.get, "Observation/deep")
      #expect(!deep.text.contains("Patient/p"), "\(deep.text)")
      #expect(deep.body?["performer"]?[0]?["identifier"]?["assigner"]?["reference"]?.string == "Organization/o")
      #expect(deep.body?["performer"]?[1]?["reference"]?.string == "Patient/q")
      #expect(try await service.send(.get, "Observation?subject=Patient/p").ids == [])
      #expect(try await service.send(.get, "Observation?subject=Patient/q").ids == ["other"])
    }
  }

  @Test func withoutItTheyStay() async throws {
    try await withService { service in
      try await Self.fill(service)
      #expect(try await service.send(.delete, "Patient/p?_remove-references=false").status == 204)
      #expect(try await service.send(.get, "Observation/plain").answer?.version == 1)
      for query in ["_remove-references=yes", "_remove-references="] {
        #expect(try await service.send(.delete, "Patient/q?\(query)").status == 400, "\(query)")
      }
      #expect(try await service.send(.delete, "Patient/q/$purge-history?_remove-references=true").status == 400)
      #expect(try await service.send(.get, "Patient/q").status == 200)
      // Nothing to delete, nothing to remove.
      #expect(try await service.send(.delete, "Patient/none?_remove-references=true").status == 204)
    }
  }

  /// Several resources, referring to each other, and to what stays.
  @Test func conditionalDeletion() async throws {
    try await withService { service in
      try await Self.fill(service)
      try await service.send(
        .put, "Patient/q",
        #"{"resourceType":"Patient","id":"q","link":[{"type":"seealso","other":{"reference":"Patient/p"}}]}"#)
      try await service.send(
        .put, "Observation/both",
        Self.observation("both", "Patient/p", more: #","performer":[{"reference":"Patient/q"}]"#))
      let reply = try await service.send(.delete, "Patient?_id=p,q&_count=5&_remove-references=true")
      #expect(reply.status == 204)
      #expect(reply.answer?.itemsDeleted == 2)
      let both = try await service.send(.get, "Observation/both")
      #expect(both.answer?.version == 2)
      #expect(!both.text.contains("Patient/"))
      #expect(try await service.send(.get, "Patient/q").status == 410)
      #expect(try await service.send(.get, "Patient/q/_history").body?["total"]?.integer == 3)
    }
  }

  @Test func limit() async throws {
    var limits = Limits()
    limits.referrersMax = 3
    try await withService(limits: limits) { service in
      try await Self.fill(service)
      #expect(try await service.send(.put, "Observation/fourth", Self.observation("fourth", "Patient/p")).status == 201)
      let tooMany = try await service.send(.delete, "Patient/p?_remove-references=true")
      #expect(tooMany.status == 422)
      #expect(tooMany.diagnostics == ["More than 3 resources refer to what is to be deleted."])
      #expect(try await service.send(.get, "Patient/p").status == 200)
      #expect(try await service.send(.get, "Observation/plain").answer?.version == 1)
      try await service.send(.delete, "Observation/fourth")
      #expect(try await service.send(.delete, "Patient/p?_remove-references=true").status == 204)
    }
  }

  @Test func inBundles() async throws {
    try await withService { service in
      try await Self.fill(service)
      func bundle(_ type: String, _ id: String) -> String {
        #"""
        {"resourceType":"Bundle","type":"\#(type)","entry":[
          {"request":{"method":"DELETE","url":"Patient/\#(id)?_remove-references=true"}},
          {"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}]}
        """#
      }
      for (type, id, observation) in [("transaction", "p", "plain"), ("batch", "q", "other")] {
        let reply = try await service.send(.post, "", bundle(type, id))
        #expect(reply.entries.map { $0["response"]?["status"]?.string } == ["204", "201"], "\(reply.text)")
        let read = try await service.send(.get, "Observation/\(observation)")
        #expect(read.body?["subject"]?["display"]?.string == "Referenced resource deleted")
      }
    }
  }

  /// Who begins to refer while it is deleted is seen, or came later.
  @Test func races() async throws {
    try await withService { service in
      for round in 0..<10 {
        let id = "r\(round)"
        try await service.send(.put, "Patient/\(id)", #"{"resourceType":"Patient","id":"\#(id)"}"#)
        try await withThrowingTaskGroup(of: Void.self) { group in
          for number in 0..<8 {
            group.addTask {
              let name = "\(id)-\(number)"
              let reply = try await service.send(
                .put, "Observation/\(name)", Self.observation(name, "Patient?_id=\(id)"))
              #expect(reply.status == 201 || reply.status == 400, "\(reply.text)")
            }
          }
          group.addTask {
            let query = "_hardDelete=true&_remove-references=true"
            let deletion = try await service.send(.delete, "Patient/\(id)?\(query)")
            #expect(deletion.status == 204)
          }
          try await group.waitForAll()
        }
        // A conditional reference holds its target, and a deletion removes all that stand: so nothing dangles.
        #expect(try await service.send(.get, "Observation?subject=Patient/\(id)").ids == [])
      }
    }
  }
}
