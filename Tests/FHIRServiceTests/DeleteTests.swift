import FHIRService
import Foundation
import JSONCore
import Testing

/// Hard and conditional deletion, purged histories, and versions that change nothing but meta.
@Suite struct DeleteTests {
  private static func patient(_ service: TestService, tag: String, count: Int) async throws -> [String] {
    var ids: [String] = []
    for number in 0..<count {
      ids.append(
        try await service.create(
          "Patient",
          #"{"resourceType":"Patient","meta":{"tag":[{"code":"\#(tag)"}]},"multipleBirthInteger":\#(number)}"#))
    }
    return ids
  }

  @Test(arguments: ["_hardDelete", "hardDelete"])
  func hardDeleteLeavesNothing(name: String) async throws {
    try await withService { service in
      let id = try await service.create("Patient", #"{"resourceType":"Patient","active":true}"#)
      let other = try await service.create("Patient", #"{"resourceType":"Patient","active":true}"#)
      try await service.send(.put, "Patient/\(id)", #"{"resourceType":"Patient","id":"\#(id)"}"#)
      try await service.send(.delete, "Patient/\(id)")
      try await service.send(.put, "Patient/\(id)", #"{"resourceType":"Patient","id":"\#(id)","active":true}"#)
      #expect(try await service.send(.delete, "Patient/\(id)?\(name)=true").status == 204)
      for url in ["Patient/\(id)", "Patient/\(id)/_history/1", "Patient/\(id)/_history/2", "Patient/\(id)/_history"] {
        #expect(try await service.send(.get, url).status == 404, "\(url)")
      }
      #expect(try await service.send(.get, "Patient?active=true").ids == [other])
      #expect(try await service.send(.get, "Patient/_history").body?["total"]?.integer == 1)
      // The id may be used again, and begins anew.
      let again = try await service.send(.put, "Patient/\(id)", #"{"resourceType":"Patient","id":"\#(id)"}"#)
      #expect(again.status == 201)
      #expect(again.answer?.version == 1)
    }
  }

  @Test func purgeHistoryKeepsTheNewest() async throws {
    try await withService { service in
      let id = try await service.create("Patient", #"{"resourceType":"Patient","active":true}"#)
      for number in 0..<5 {
        try await service.send(
          .put, "Patient/\(id)", #"{"resourceType":"Patient","id":"\#(id)","multipleBirthInteger":\#(number)}"#)
      }
      #expect(try await service.send(.delete, "Patient/\(id)/$purge-history").status == 204)
      let read = try await service.send(.get, "Patient/\(id)")
      #expect(read.answer?.version == 6)
      #expect(try await service.send(.get, "Patient/\(id)/_history/6").status == 200)
      #expect(try await service.send(.get, "Patient/\(id)/_history/5").status == 404)
      #expect(try await service.send(.get, "Patient/\(id)/_history").body?["total"]?.integer == 1)
      #expect(try await service.send(.get, "_history").body?["total"]?.integer == 1)
      #expect(try await service.send(.get, "Patient/\(id)/$purge-history").status == 405)
    }
  }

  @Test func conditionalDelete() async throws {
    try await withService { service in
      _ = try await Self.patient(service, tag: "other", count: 2)
      let empty = try await service.send(.delete, "Patient?_tag=")
      #expect(empty.status == 412)
      #expect(
        empty.diagnostics == [
          "Conditional operation on Patient was not attempted because search criteria was not selective enough."
        ])
      #expect(try await service.send(.delete, "Patient?_tag=none").status == 204)
      #expect(try await service.send(.delete, "Patient?_tag=none&_count=100").status == 204)
      _ = try await Self.patient(service, tag: "one", count: 1)
      let one = try await service.send(.delete, "Patient?_tag=one")
      #expect(one.status == 204)
      #expect(try await service.send(.get, "Patient?_tag=one&_summary=count").body?["total"]?.integer == 0)
      let ids = try await Self.patient(service, tag: "many", count: 8)
      #expect(try await service.send(.delete, "Patient?_tag=many").status == 412)
      for count in ["-1", "0", "2147483647", "101", "x"] {
        #expect(try await service.send(.delete, "Patient?_tag=many&_count=\(count)").status == 400, "\(count)")
      }
      let five = try await service.send(.delete, "Patient?_tag=many&_count=5")
      #expect(five.status == 204)
      #expect(five.answer?.itemsDeleted == 5)
      #expect(try await service.send(.get, "Patient?_tag=many&_summary=count").body?["total"]?.integer == 3)
      let rest = try await service.send(.delete, "Patient?_tag=many&_count=100&_hardDelete=true")
      #expect(rest.answer?.itemsDeleted == 3)
      let last = try #require(ids.last)
      #expect(try await service.send(.get, "Patient/\(last)").status == 404)
      #expect(try await service.send(.get, "Patient/\(ids[0])").status == 410)
      #expect(try await service.send(.get, "Patient?_tag=other").ids.count == 2)
      #expect(try await service.send(.delete, "Patient?id=x").status == 412)
    }
  }

  /// `_meta-history=false`: the version counts on, its predecessor is not kept; any other change keeps it.
  @Test func metaHistory() async throws {
    try await withService { service in
      func put(_ id: String, _ tag: String, _ active: Bool, _ query: String) async throws -> TestService.Reply {
        try await service.send(
          .put, "Patient/\(id)\(query)",
          #"{"resourceType":"Patient","id":"\#(id)","meta":{"tag":[{"code":"\#(tag)"}]},"active":\#(active)}"#)
      }
      func versions(_ id: String) async throws -> Int? {
        try await service.send(.get, "Patient/\(id)/_history").body?["total"]?.integer
      }
      for (id, query, count) in [("a", "?_meta-history=false", 1), ("b", "?_meta-history=true", 2), ("c", "", 2)] {
        _ = try await put(id, "one", true, "")
        let second = try await put(id, "two", true, query)
        #expect(second.status == 200)
        #expect(second.answer?.version == 2)
        #expect(try await versions(id) == count, "\(query)")
        #expect(try await service.send(.get, "Patient?_tag=two&_id=\(id)").ids == [id])
        #expect(try await service.send(.get, "Patient?_tag=one&_id=\(id)").ids == [])
      }
      _ = try await put("a", "three", false, "?_meta-history=false")
      #expect(try await versions("a") == 2)
      #expect(try await service.send(.get, "Patient/a/_history/1").status == 404)
    }
  }

  @Test func deletionsInBundles() async throws {
    try await withService { service in
      _ = try await Self.patient(service, tag: "x", count: 3)
      let bundle = """
        {"resourceType":"Bundle","type":"transaction","entry":[
          {"request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Patient","active":true}},
          {"request":{"method":"DELETE","url":"Patient?_tag=x&_count=10"}}]}
        """
      let reply = try await service.send(.post, "", bundle)
      #expect(reply.status == 200, "\(reply.text)")
      #expect(reply.entries.map { $0["response"]?["status"]?.string } == ["201", "204"])
      #expect(try await service.send(.get, "Patient?_summary=count").body?["total"]?.integer == 1)
    }
  }
}
