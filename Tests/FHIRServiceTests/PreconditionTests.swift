import Base
import FHIRService
import Foundation
import JSONCore
import Testing

/// What a write may demand of the version that stands: RFC 9110 §13, FHIR R4 http#concurrency.
@Suite struct PreconditionTests {
  private static func patient(_ number: Int) -> String {
    #"{"resourceType":"Patient","id":"p","multipleBirthInteger":\#(number)}"#
  }

  @Test func ifNoneMatchAnyMakesAnUpdateACreate() async throws {
    try await withService { service in
      func put(_ number: Int) async throws -> TestService.Reply {
        try await service.send(.put, "Patient/p", Self.patient(number), ifNoneMatch: "*")
      }
      #expect(try await put(1).status == 201)
      let second = try await put(2)
      #expect(second.status == 412)
      #expect(second.body?["issue"]?[0]?["code"]?.string == "conflict")
      #expect(second.diagnostics == ["The resource exists, which the header 'If-None-Match: *' rules out."])
      // The same content is refused as well.
      #expect(try await put(1).status == 412)
      #expect(try await service.send(.get, "Patient/p").answer?.version == 1)
      let conditional = try await service.send(.put, "Patient?_id=p", Self.patient(3), ifNoneMatch: "*")
      #expect(conditional.status == 412)
      // What is deleted is not there.
      try await service.send(.delete, "Patient/p")
      #expect(try await put(4).status == 201)
      #expect(try await service.send(.delete, "Patient/p", ifNoneMatch: "*").status == 412)
    }
  }

  /// However many clients race, one creates.
  @Test func races() async throws {
    try await withService { service in
      let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
        for number in 0..<32 {
          group.addTask { try await service.send(.put, "Patient/p", Self.patient(number), ifNoneMatch: "*").status }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(statuses.filter { $0 == 201 }.count == 1)
      #expect(statuses.filter { $0 == 412 }.count == 31)
    }
  }

  @Test func ifNoneMatchOfVersions() async throws {
    try await withService { service in
      try await service.send(.put, "Patient/p", Self.patient(1))
      for (tag, status) in [
        ("W/\"1\"", 412), ("W/\"7\", W/\"1\"", 412), ("W/\"2\"", 200), ("W/\"2\"", 412), ("W/\"1\",W/\"3\"", 200),
        ("\"1\"", 400), ("1", 400), ("", 400), ("W/\"0\"", 400), ("W/\"1\",", 400), ("*, W/\"1\"", 400), ("**", 400),
      ] {
        let reply = try await service.send(
          .put, "Patient/p", Self.patient(Int.random(in: 2...1_000_000)), ifNoneMatch: tag)
        #expect(reply.status == status, "\(tag): \(reply.text)")
      }
      let patch = #"[{"op":"add","path":"/active","value":true}]"#
      #expect(try await service.send(.patch, "Patient/p", patch, ifNoneMatch: "W/\"3\"").status == 412)
      #expect(try await service.send(.patch, "Patient/p", patch, ifNoneMatch: "W/\"1\"").status == 200)
    }
  }

  @Test func contradictions() async throws {
    try await withService { service in
      try await service.send(.put, "Patient/p", Self.patient(1))
      let patch = #"[{"op":"add","path":"/active","value":true}]"#
      let any = "*"
      let first = "W/\"1\""
      let cases: [(Route.Method, String, String?, match: String?, noneMatch: String?, noneExist: String?)] = [
        (.put, "Patient/p", Self.patient(2), first, any, nil), (.put, "Patient/p", Self.patient(2), nil, nil, "_id=p"),
        (.put, "Patient?_id=p", Self.patient(2), nil, nil, "_id=p"), (.patch, "Patient/p", patch, nil, nil, "_id=p"),
        (.patch, "Patient/p", patch, first, any, nil), (.delete, "Patient/p", nil, nil, nil, "_id=p"),
        (.delete, "Patient/p", nil, first, any, nil), (.post, "Patient", Self.patient(2), first, nil, nil),
        (.post, "Patient", Self.patient(2), nil, any, nil), (.post, "Patient", Self.patient(2), first, nil, "_id=x"),
        (.put, "Patient/p", Self.patient(2), any, nil, nil), (.delete, "Patient?_id=p&_count=2", nil, first, nil, nil),
      ]
      for (method, url, body, match, noneMatch, noneExist) in cases {
        let reply = try await service.send(
          method, url, body, ifMatch: match, ifNoneMatch: noneMatch, ifNoneExist: noneExist)
        #expect(reply.status == 400, "\(method) \(url) \(match ?? "") \(noneMatch ?? "") \(reply.text)")
      }
      #expect(try await service.send(.get, "Patient?_summary=count").body?["total"]?.integer == 1)
      #expect(try await service.send(.get, "Patient/p").answer?.version == 1)
    }
  }

  @Test func ifMatchOfDeletions() async throws {
    try await withService { service in
      try await service.send(.put, "Patient/p", Self.patient(1))
      #expect(try await service.send(.delete, "Patient?_id=p", ifMatch: "W/\"2\"").status == 412)
      #expect(try await service.send(.delete, "Patient?_id=none", ifMatch: "W/\"2\"").status == 412)
      #expect(try await service.send(.delete, "Patient/p", ifMatch: "W/\"2\"").status == 412)
      #expect(try await service.send(.delete, "Patient?_id=p", ifMatch: "W/\"1\"").status == 204)
      // The answer of a deletion, and of reading what is deleted, names the deletion's version.
      #expect(try await service.send(.get, "Patient/p").answer?.etag == "W/\"2\"")
      #expect(try await service.send(.delete, "Patient/p").answer?.etag == "W/\"2\"")
      #expect(try await service.send(.put, "Patient/p", Self.patient(2), ifMatch: "W/\"1\"").status == 412)
      #expect(try await service.send(.put, "Patient/p", Self.patient(2), ifMatch: "W/\"2\"").status == 201)
    }
  }

  @Test(arguments: ["batch", "transaction"])
  func inBundles(type: String) async throws {
    try await withService { service in
      func put(_ number: Int, _ more: String) async throws -> TestService.Reply {
        let json = #"""
          {"resourceType":"Bundle","type":"\#(type)","entry":[
            {"resource":\#(Self.patient(number)),"request":{"method":"PUT","url":"Patient/p"\#(more)}}]}
          """#
        return try await service.send(.post, "", json)
      }
      for (number, more, expected) in [
        (1, #","ifNoneMatch":"*""#, 201), (2, #","ifNoneMatch":"*""#, 412), (2, #","ifNoneMatch":"W/\"1\"""#, 412),
        (2, #","ifNoneMatch":"W/\"9\"""#, 200), (3, #","ifNoneMatch":"*","ifMatch":"W/\"2\"""#, 400),
        (3, #","ifNoneExist":"_id=p""#, 400), (3, #","ifMatch":"W/\"2\"""#, 200),
      ] {
        let reply = try await put(number, more)
        // A transaction's failure is the whole answer's.
        let status = reply.entries.first?["response"]?["status"]?.string.flatMap { Int($0) } ?? reply.status
        #expect(status == expected, "\(more): \(reply.text)")
      }
    }
  }

  /// Bundle.entry.request has an instant where HTTP has a date.
  @Test func conditionalReadsInBundles() async throws {
    try await withService { service in
      let created = try await service.send(.put, "Patient/p", Self.patient(1))
      let updated = try #require(created.body?["meta"]?["lastUpdated"]?.string)
      let reply = try await service.send(
        .post, "",
        #"""
        {"resourceType":"Bundle","type":"batch","entry":[
          {"request":{"method":"GET","url":"Patient/p","ifNoneMatch":"W/\"1\""}},
          {"request":{"method":"GET","url":"Patient/p","ifNoneMatch":"W/\"2\""}},
          {"request":{"method":"GET","url":"Patient/p","ifModifiedSince":"\#(updated)"}},
          {"request":{"method":"GET","url":"Patient/p","ifModifiedSince":"2000-01-01T00:00:00Z"}}]}
        """#)
      #expect(reply.entries.map { $0["response"]?["status"]?.string } == ["304", "200", "304", "200"], "\(reply.text)")
      #expect(reply.entries[0]["resource"] == nil)
    }
  }
}
