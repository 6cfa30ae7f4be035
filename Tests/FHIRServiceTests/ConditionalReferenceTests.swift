import Base
import FHIRService
import Foundation
import JSONCore
import Testing

/// Conditional references (FHIR R4 http#trules): how many, in what, and that their targets are there.
@Suite struct ConditionalReferenceTests {
  private static func observation(_ reference: String, id: String? = nil) -> String {
    let member = id.map { #""id":"\#($0)","# } ?? ""
    return
      #"{"resourceType":"Observation",\#(member)"status":"final","code":{"text":"x"},"subject":{"reference":"\#(reference)"}}"#
  }

  private static func bundle(_ type: String, _ resources: [String]) -> String {
    let entries = resources.map { #"{"resource":\#($0),"request":{"method":"POST","url":"Observation"}}"# }
    return #"{"resourceType":"Bundle","type":"\#(type)","entry":[\#(entries.joined(separator: ","))]}"#
  }

  private static func fill(_ service: TestService, _ count: Int) async throws {
    for number in 1...count {
      try await service.send(
        .put, "Patient/p\(number)",
        #"{"resourceType":"Patient","id":"p\#(number)","identifier":[{"value":"\#(number)"},{"value":"all"}]}"#)
    }
  }

  /// One issue, in a transaction as well: the reference is the client's fault and no entry's.
  @Test(arguments: ["Patient?identifier=none", "Patient?identifier=all", "Practitioner?identifier=1"])
  func unresolved(reference: String) async throws {
    try await withService { service in
      try await Self.fill(service, 2)
      let expected = ["Given conditional reference '\(reference)' does not resolve to a resource."]
      let single = try await service.send(.post, "Observation", Self.observation(reference))
      #expect(single.status == 400)
      #expect(single.diagnostics == expected)
      let transaction = try await service.send(
        .post, "", Self.bundle("transaction", [Self.observation("Patient/p1"), Self.observation(reference)]))
      #expect(transaction.status == 400)
      #expect(transaction.diagnostics == expected)
      #expect(transaction.body?["issue"]?[0]?["code"]?.string == "invalid")
      let batch = try await service.send(
        .post, "", Self.bundle("batch", [Self.observation("Patient/p1"), Self.observation(reference)]))
      #expect(batch.entries.map { $0["response"]?["status"]?.string } == ["201", "400"])
      #expect(try await service.send(.get, "Observation?_summary=count").body?["total"]?.integer == 1)
    }
  }

  @Test(arguments: ["Patient?", "Patient?nonsense=1", "Patient?identifier=", "Nonsense?identifier=1"])
  func unselective(reference: String) async throws {
    try await withService { service in
      try await Self.fill(service, 1)
      #expect(try await service.send(.post, "Observation", Self.observation(reference)).status == 400)
      let bundle = Self.bundle("transaction", [Self.observation(reference)])
      #expect(try await service.send(.post, "", bundle).status == 400)
    }
  }

  @Test(arguments: ["transaction", "batch"])
  func limitOfABundle(type: String) async throws {
    var limits = Limits()
    limits.bundleConditionalReferencesMax = 2
    try await withService(limits: limits) { service in
      try await Self.fill(service, 3)
      func references(_ numbers: [Int]) -> String {
        Self.bundle(type, numbers.map { Self.observation("Patient?identifier=\($0)") })
      }
      // The same one counts once.
      let allowed = try await service.send(.post, "", references([1, 2, 1, 2]))
      #expect(
        allowed.entries.map { $0["response"]?["status"]?.string } == ["201", "201", "201", "201"], "\(allowed.text)")
      #expect(
        allowed.entries.map { $0["resource"]?["subject"]?["reference"]?.string } == [
          "Patient/p1", "Patient/p2", "Patient/p1", "Patient/p2",
        ])
      let tooMany = try await service.send(.post, "", references([1, 2, 3]))
      let text = "A bundle takes at most 2 different conditional references."
      if type == "transaction" {
        #expect(tooMany.status == 400)
        #expect(tooMany.diagnostics == [text])
      } else {
        #expect(tooMany.entries.map { $0["response"]?["status"]?.string } == ["201", "201", "400"])
        let outcome = tooMany.entries[2]["response"]?["outcome"]
        #expect(outcome?["issue"]?[0]?["diagnostics"]?.string == text)
      }
    }
  }

  /// Patches may bring conditional references as well.
  @Test func inPatches() async throws {
    try await withService { service in
      try await Self.fill(service, 1)
      try await service.send(.put, "Observation/o", Self.observation("Patient/x", id: "o"))
      func patch(_ value: String) async throws -> TestService.Reply {
        try await service.send(
          .patch, "Observation/o",
          #"[{"op":"replace","path":"/subject/reference","value":"Patient?identifier=\#(value)"}]"#)
      }
      #expect(try await patch("1").body?["subject"]?["reference"]?.string == "Patient/p1")
      #expect(try await patch("9").status == 400)
    }
  }

  /// A target that is deleted between the look-up and the commit is noticed.
  @Test func targetsThatVanish() async throws {
    try await withService { service in
      for round in 0..<20 {
        let id = "v\(round)"
        try await service.send(.put, "Patient/\(id)", #"{"resourceType":"Patient","id":"\#(id)"}"#)
        try await withThrowingTaskGroup(of: Void.self) { group in
          for number in 0..<4 {
            group.addTask {
              let one = Self.observation("Patient?_id=\(id)")
              let body = number % 2 == 0 ? one : Self.bundle("transaction", [one])
              let reply = try await service.send(.post, number % 2 == 0 ? "Observation" : "", body)
              #expect(reply.status == 201 || reply.status == 200 || reply.status == 400, "\(reply.text)")
            }
          }
          group.addTask {
            let deletion = try await service.send(.delete, "Patient/\(id)")
            #expect(deletion.status == 204)
          }
          try await group.waitForAll()
        }
        // Whatever refers to it was written while it was there, which `lastUpdated` tells.
        let deletion = try await service.send(.get, "Patient/\(id)/_history").entries.first
        let time = try #require(deletion?["response"]?["lastModified"]?.string)
        for entry in try await service.send(.get, "Observation?subject=Patient/\(id)").entries {
          let written = try #require(entry["resource"]?["meta"]?["lastUpdated"]?.string)
          #expect(written <= time)
        }
      }
    }
  }
}
