import FHIRService
import JSONCore
import Testing

/// Transactions at the same time that must not make a resource twice (FHIR R4 http#cond-update, http#trules).
@Suite struct TransactionRaceTests {
  private static let bundle = """
    {"resourceType":"Bundle","type":"transaction","entry":[
     {"resource":{"resourceType":"Organization","identifier":[{"system":"http://o","value":"1"}]},
      "request":{"method":"POST","url":"Organization","ifNoneExist":"identifier=http://o|1"}},
     {"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}]}
    """

  @Test func conditionalCreatesMakeOne() async throws {
    try await withService { service in
      let statuses = await withTaskGroup(of: Int.self) { group in
        for _ in 0..<32 { group.addTask { (try? await service.send(.post, "", Self.bundle).status) ?? 0 } }
        return await group.reduce(into: []) { $0.append($1) }
      }
      #expect(statuses.allSatisfy { $0 == 200 }, "\(statuses)")
      let made = try await service.send(.get, "Organization?identifier=http://o|1&_summary=count")
      #expect(made.body?["total"]?.integer == 1)
      let others = try await service.send(.get, "Patient?_summary=count")
      #expect(others.body?["total"]?.integer == 32)
    }
  }
}
