import JSONCore
import Testing

/// Role × scope × interaction × whose data, asked of a live server: some 9,000 cells, each with the answer that the
/// standards say (`AccessModel`).
@Suite struct AccessMatrixTests {
  private static let roles: [[String]] = [
    [], ["FHIR Data Reader"], ["FHIR Data Writer"], ["FHIR Data Contributor"], ["FHIR Data Exporter"],
    ["FHIR Data Converter"], ["FHIR SMART User"], ["FHIR Data Reader", "FHIR Data Converter"],
  ]
  private static let laboratory =
    "category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory"
  private static let scopes: [String?] = [
    nil, "patient/*.rs", "patient/*.read", "patient/*.write", "patient/*.*", "patient/*.cruds",
    "patient/Observation.rs", "patient/Observation.r", "patient/Observation.s", "patient/Patient.rs",
    "patient/Observation.cruds?\(laboratory)", "patient/Patient.rs patient/Observation.rs?\(laboratory)",
    "user/*.rs", "user/*.cruds", "user/Encounter.rs", "system/*.rs", "system/*.cruds", "system/Observation.rs",
    "system/Patient.r",
  ]

  /// One column of the matrix.
  private struct Caller {
    let roles: [String]
    let scope: String?
    let token: String
    let model: AccessModel

    init(_ roles: [String], _ scope: String?) throws {
      self.roles = roles
      self.scope = scope
      model = AccessModel(roles: roles, scope: scope)
      token = try TestIssuer.token {
        $0.roles = roles
        $0.scope = scope
        if scope?.hasPrefix("patient/") == true { $0.patient = "p1" }
        if scope?.hasPrefix("user/") == true { $0.fhirUser = "Practitioner/d1" }
      }
    }
  }

  /// What was compared, and where it differed.
  private struct Tally {
    var cells = 0
    var faults: [String] = []

    mutating func check<Value: Equatable>(
      _ caller: Caller, _ what: String, _ value: Value, is expected: Value
    ) {
      cells += 1
      guard value != expected else { return }
      faults.append("\(caller.roles) \(caller.scope ?? "no scope"): \(what): \(value) instead of \(expected)")
    }

    func report(atLeast count: Int) {
      #expect(faults.isEmpty, "\(faults.count) of \(cells) cells: \(faults.prefix(20).joined(separator: "\n"))")
      #expect(cells >= count)
    }
  }

  private static func status(_ expectation: AccessModel.Expectation, absent: Int = 404, allowed: Int = 200) -> Int {
    switch expectation {
    case .allowed: allowed
    case .forbidden: 403
    case .absent: absent
    }
  }

  // MARK: Reading

  @Test(arguments: roles) func reads(_ roles: [String]) async throws {
    try await LiveServer.run(access: TestIssuer.access()) { live in
      try await live.put(AccessData.json)
      var tally = Tally()
      for scope in Self.scopes {
        let caller = try Caller(roles, scope)
        for item in AccessData.items {
          let path = "/\(item.type)/\(item.id)"
          let read = Self.status(caller.model.read(item))
          for end in ["", "/_history/1", "/_history"] {
            tally.check(
              caller, "GET \(path)\(end)", try await live.ask("GET", path + end, token: caller.token).status, is: read)
          }
          try await search(item, caller, live, &tally)
        }
        try await batch(caller, live, &tally)
        try await wholes(caller, live, &tally)
      }
      tally.report(atLeast: 1_000)
    }
  }

  private func search(
    _ item: AccessData.Item, _ caller: Caller, _ live: LiveServer, _ tally: inout Tally
  ) async throws {
    let expected = caller.model.search(item)
    let reply = try await live.ask("GET", "/\(item.type)?_id=\(item.id)&_total=accurate", token: caller.token)
    tally.check(caller, "search \(item.type)", reply.status, is: expected == .forbidden ? 403 : 200)
    guard reply.status == 200 else { return }
    tally.check(
      caller, "search \(item.type)/\(item.id)", try found(reply),
      is: expected == .allowed ? ["\(item.type)/\(item.id)"] : [])
    tally.check(
      caller, "total of \(item.type)/\(item.id)", try reply.json()["total"]?.integer,
      is: expected == .allowed ? 1 : 0)
  }

  private func batch(_ caller: Caller, _ live: LiveServer, _ tally: inout Tally) async throws {
    let entries = AccessData.items.map { #"{"request":{"method":"GET","url":"\#($0.type)/\#($0.id)"}}"# }
    let body = #"{"resourceType":"Bundle","type":"batch","entry":[\#(entries.joined(separator: ","))]}"#
    let reply = try await live.ask("POST", "", token: caller.token, body: body)
    let isAnybody = !caller.roles.isEmpty || caller.scope != nil
    guard isAnybody, caller.scope != nil || caller.roles != ["FHIR SMART User"] else {
      tally.check(caller, "batch", reply.status, is: 403)
      return
    }
    tally.check(caller, "batch", reply.status, is: 200)
    let statuses = (try reply.json()["entry"]?.elements ?? []).map { $0["response"]?["status"]?.string?.prefix(3) }
    for (item, status) in zip(AccessData.items, statuses) {
      tally.check(
        caller, "batch GET \(item.type)/\(item.id)", status.flatMap { Int($0) },
        is: Self.status(caller.model.read(item)))
    }
  }

  /// Searches and histories of everything, and compartments.
  private func wholes(_ caller: Caller, _ live: LiveServer, _ tally: inout Tally) async throws {
    let seen = AccessData.items.filter { caller.model.search($0) == .allowed }.map { "\($0.type)/\($0.id)" }.sorted()
    let isRefused = AccessData.items.allSatisfy { caller.model.search($0) == .forbidden }
    for path in ["/?_count=100", "/_history?_count=100"] {
      let reply = try await live.ask("GET", path, token: caller.token)
      tally.check(caller, "GET \(path)", reply.status, is: isRefused ? 403 : 200)
      guard reply.status == 200 else { continue }
      tally.check(caller, "found by \(path)", try found(reply), is: seen)
    }
    // FHIR R4 compartmentdefinition-patient: Observation by subject and performer, Encounter by patient.
    for patient in ["p1", "p2"] {
      let reply = try await live.ask("GET", "/Patient/\(patient)/*", token: caller.token)
      tally.check(caller, "GET Patient/\(patient)/*", reply.status, is: isRefused ? 403 : 200)
      guard reply.status == 200 else { continue }
      let members = AccessData.items.filter {
        $0.patient == patient && ["Observation", "Encounter"].contains($0.type) && caller.model.search($0) == .allowed
      }
      tally.check(
        caller, "members of Patient/\(patient)", try found(reply), is: members.map { "\($0.type)/\($0.id)" }.sorted())
    }
    try await joins(caller, live, &tally)
  }

  /// What is reached from what is found: includes, chains, `_has`.
  private func joins(_ caller: Caller, _ live: LiveServer, _ tally: inout Tally) async throws {
    let model = caller.model
    func sees(_ id: String) -> Bool {
      AccessData.items.contains { $0.id == id && model.search($0) == .allowed }
    }
    let mayObservations = model.permits("Observation", action: "read", letter: "s")
    let mayPatients = model.permits("Patient", action: "read", letter: "s")
    for (observation, patient) in [("o1-lab", "p1"), ("o2-lab", "p2")] {
      let isRefused = !mayObservations || model.refusesJoins
      let included = try await live.ask(
        "GET", "/Observation?_id=\(observation)&_include=Observation:subject", token: caller.token)
      tally.check(caller, "include \(patient)", included.status, is: isRefused ? 403 : 200)
      if included.status == 200 {
        tally.check(
          caller, "included \(patient)", try found(included, mode: "include"),
          is: sees(observation) && sees(patient) ? ["Patient/\(patient)"] : [])
      }
      let chained = try await live.ask(
        "GET", "/Observation?_id=\(observation)&subject:Patient.name=a", token: caller.token)
      tally.check(caller, "chain to \(patient)", chained.status, is: isRefused || !mayPatients ? 403 : 200)
      if chained.status == 200 {
        tally.check(
          caller, "found by the chain to \(patient)", try found(chained),
          is: sees(observation) && sees(patient) ? ["Observation/\(observation)"] : [])
      }
      let reverse = try await live.ask(
        "GET", "/Patient?_id=\(patient)&_has:Observation:patient:_id=\(observation)", token: caller.token)
      tally.check(caller, "_has \(observation)", reverse.status, is: isRefused || !mayPatients ? 403 : 200)
      if reverse.status == 200 {
        tally.check(
          caller, "found by _has \(observation)", try found(reverse),
          is: sees(observation) && sees(patient) ? ["Patient/\(patient)"] : [])
      }
    }
  }

  // MARK: Writing

  private static let writers: [[String]] = [
    [], ["FHIR Data Reader"], ["FHIR Data Writer"], ["FHIR Data Contributor"], ["FHIR SMART User"],
  ]
  private static let written: [AccessData.Item] = AccessData.items.filter {
    ["o1-vital", "o1-lab", "o2-vital", "o2-lab", "o0", "e1", "e2", "v1", "g1"].contains($0.id)
  }

  @Test(arguments: writers) func writes(_ roles: [String]) async throws {
    try await LiveServer.run(access: TestIssuer.access()) { live in
      try await live.put(AccessData.json)
      var tally = Tally()
      for (place, scope) in Self.scopes.enumerated() {
        let caller = try Caller(roles, scope)
        for item in Self.written {
          let own = item.with(id: "\(item.id)-\(place)")
          try await live.put([own.json()])
          try await change(own, caller, live, &tally)
          try await create(own, caller, live, &tally)
          try await remove(own, caller, live, &tally)
        }
      }
      tally.report(atLeast: 500)
    }
  }

  private func change(
    _ item: AccessData.Item, _ caller: Caller, _ live: LiveServer, _ tally: inout Tally
  ) async throws {
    let path = "/\(item.type)/\(item.id)"
    let before = try await live.stored(item.type, item.id)?["meta"]?["versionId"]?.string
    let patch = caller.model.patch(item)
    let operation = #"[{"op":"add","path":"/language","value":"en"}]"#
    let patched = try await live.ask(
      "PATCH", path, token: caller.token, ["Content-Type": "application/json-patch+json"], body: operation)
    tally.check(caller, "PATCH \(path)", patched.status, is: Self.status(patch))
    let update = caller.model.update(item)
    let updated = try await live.ask("PUT", path, token: caller.token, body: item.json(marker: "b"))
    tally.check(caller, "PUT \(path)", updated.status, is: Self.status(update))
    let after = try await live.stored(item.type, item.id)?["meta"]?["versionId"]?.string
    let expected = 1 + (patch == .allowed ? 1 : 0) + (update == .allowed ? 1 : 0)
    tally.check(caller, "version of \(path)", [before, after], is: ["1", String(expected)])
  }

  private func create(
    _ item: AccessData.Item, _ caller: Caller, _ live: LiveServer, _ tally: inout Tally
  ) async throws {
    let expected = Self.status(caller.model.create(item), allowed: 201)
    let created = try await live.ask("POST", "/\(item.type)", token: caller.token, body: item.json())
    tally.check(caller, "POST \(item.type) of \(item.patient ?? "nobody")", created.status, is: expected)
    let entry = #"{"resource":\#(item.json()),"request":{"method":"POST","url":"\#(item.type)"}}"#
    let bundle = #"{"resourceType":"Bundle","type":"transaction","entry":[\#(entry)]}"#
    let transaction = try await live.ask("POST", "", token: caller.token, body: bundle)
    tally.check(
      caller, "transaction of \(item.type) of \(item.patient ?? "nobody")", transaction.status,
      is: expected == 201 ? 200 : 403)
  }

  private func remove(
    _ item: AccessData.Item, _ caller: Caller, _ live: LiveServer, _ tally: inout Tally
  ) async throws {
    let path = "/\(item.type)/\(item.id)"
    let hard = caller.model.delete(item, isHard: true)
    // What may be deleted softly is tried so first.
    let soft = caller.model.delete(item)
    let deleted = try await live.ask("DELETE", path, token: caller.token)
    tally.check(caller, "DELETE \(path)", deleted.status, is: Self.status(soft, absent: 204, allowed: 204))
    let isThere = try await live.stored(item.type, item.id) != nil
    tally.check(caller, "\(path) stands", isThere, is: soft != .allowed)
    try await live.put([item.json(marker: "c")])
    let purged = try await live.ask("DELETE", path + "?_hardDelete=true", token: caller.token)
    tally.check(caller, "hard DELETE \(path)", purged.status, is: Self.status(hard, absent: 204, allowed: 204))
    let remains = try await live.stored(item.type, item.id) != nil
    tally.check(caller, "\(path) remains", remains, is: hard != .allowed)
  }
}
