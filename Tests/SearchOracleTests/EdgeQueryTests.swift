import Testing

/// Searches that random ones seldom hit, against the oracle.
@Suite struct EdgeQueryTests {
  /// References followed one after the other.
  private static let chainDepth = 10

  @Test(.timeLimit(.minutes(10))) func edges() async throws {
    let world = try await OracleWorld.loaded()
    for (type, parameters) in Self.queries {
      let run = OracleRun(world: world, type: type, parameters: parameters, seed: 1)
      let difference = try await run.compare().difference
      #expect(difference == nil, "\(type ?? "")?\(parameters): \(difference ?? "")")
    }
    await world.server.close()
  }

  private static var queries: [(String?, [(name: String, value: String)])] {
    var queries: [(String?, [(name: String, value: String)])] = [
      // The middle of texts that are longer than the index takes.
      ("Patient", [("name:contains", String(NastyResources.veryLong.prefix(3_000)))]),
      ("Patient", [("name", String(NastyResources.veryLong.prefix(3_000)))]),
      ("Patient", [("name", NastyResources.veryLong)]), ("Patient", [("name:exact", NastyResources.veryLong)]),
      ("Patient", [("name", String(NastyResources.veryLong.prefix(4_096)))]),
      ("Patient", [("name:contains", String(repeating: "a", count: 4_097))]),
      ("Patient", [("name", "παπαδόπουλοσ")]), ("Patient", [("name:contains", "ΌΠΟΥΛΟΣ")]),
      // Nothing has a value; few have; all have the same.
      (nil, [("_sort", "_tag")]), (nil, [("_sort", "-_profile,_id"), ("_type", "Patient,Location")]),
      ("Patient", [("_sort", "death-date,-death-date,_lastUpdated")]), ("Group", [("_sort", "-managing-entity")]),
      // One value of several must hold all of it.
      ("MedicationRequest", [("_filter", "date co \"1980-05-01T00:00:00\"")]),
      ("RiskAssessment", [("_filter", "probability co 5")]), ("Encounter", [("_filter", "date co 1980-05-12")]),
      // Open beginnings and ends.
      ("Encounter", [("date", "gt1900")]), ("Encounter", [("date", "ge2030")]),
      ("Encounter", [("date", "ap1980-05-11")]),
      ("Encounter", [("date", "gt1980"), ("date", "lt1981")]),
      ("Encounter", [("date", "eb1980-06"), ("date", "ne1980")]),
      ("Location", [("near", "47.6|-122.3|50"), ("_sort", "near")]),
      ("Location", [("near", "0|179.99|20"), ("_sort", "-near,name")]),
      ("Location", [("near", "90|0|30")]), ("Location", [("near", "47.6")]), ("Location", [("near", "91|0")]),
      ("Observation", [("combo-code-value-quantity", "8867-4$gt0,8867-4$lt0")]),
      ("Observation", [("code-value-quantity", "8867-4")]), ("Observation", [("code-value-quantity", "8867-4$")]),
      (nil, [("_type", "Observation,Encounter"), ("subject:Patient.name", "m"), ("_sort", "-date")]),
      (nil, [("_type", "Encounter,Location"), ("subject", "Patient/1")]),
      // What has no rows of its own: systems in use, targets.
      ("Observation", [("combo-code:above", "a")]), ("Observation", [("combo-code:below", "A"), ("_sort", "-_id")]),
      ("Observation", [("combo-code:not-in", "http://in.example/one")]),
      ("Encounter", [("practitioner:missing", "true")]), ("Observation", [("patient:missing", "false")]),
      ("Observation", [("_sort", "-patient")]),
      ("Organization", [("_include:iterate", "Organization:endpoint"), ("_revinclude", "*:*")]),
    ]
    for depth in 1...chainDepth {
      let chain = String(repeating: "partof:Location.", count: depth) + "name"
      let reverse = String(repeating: "_has:Location:partof:", count: depth) + "name"
      for name in [chain, reverse] {
        queries.append(("Location", [(name, "m")]))
        queries.append(("Location", [("\(name):missing", "true"), ("status:not", "active")]))
        queries.append(("Location", [(name, "m"), ("_sort", "-name"), ("_total", "accurate")]))
      }
      // There and back, as often as it goes.
      let returning = (0..<depth).map { $0 % 2 == 0 ? "partof:Location." : "_has:Location:partof:" }.joined() + "name"
      queries.append(("Location", [(returning, "m")]))
      queries.append(("Location", [(returning, "m"), ("status", "active"), ("_sort", "name")]))
    }
    return queries
  }
}
