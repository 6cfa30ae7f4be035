import Base
import FHIRModel
import FHIRSearch
import JSONCore
import Storage
import Synthesis
import TestStores
import Testing

@testable import FHIRStore
import TestSupport

/// What searches become: the SQL, and how SQLite carries it out on a store of more than 20,000 resources.
@Suite(.serialized, .onSQLite("its text and its plans")) struct SearchPlanTests {
  /// What a search asks of the store: the statements of a page of ten, or of its total, and how it is found.
  private static func ask(
    _ fixture: StoreFixture, _ type: String, _ text: String, after: PagePosition? = nil, isTotal: Bool = false
  ) async throws -> (statements: [SQL], plan: String) {
    let query = try fixture.query(type, text)
    let types = query.types.isEmpty ? Schema.r4.resourceTypes : query.types
    return try await fixture.store.read(within: .none) { view in
      let search = try Search(query, view)
      var statements: [SQL] = []
      var plans: [String] = []
      for type in types where try view.resourceCount(type) > 0 {
        let source = Search.Source(type: type, rows: .resources)
        let plan = isTotal ? try search.chosenForAll(source) : try search.chosen(source, limit: 10)
        statements += isTotal ? [plan.total] : plan.statements(behind: after, limit: 11)
        plans.append(plan.description)
      }
      return (statements, plans.joined(separator: "; "))
    }
  }

  /// The SQL with its numbers and texts in place, on one line.
  private static func text(_ sql: SQL) -> String {
    var binds = sql.binds[...]
    let flat = sql.text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    return flat.reduce(into: "") { text, character in
      guard character == "?", let bind = binds.popFirst() else { return text.append(character) }
      switch bind {
      case .integer(let value): text += "\(value)"
      case .real(let value): text += "\(value)"
      case .text(let value): text += "'\(value.replacing("\u{10FFFF}", with: "…"))'"
      default: text += "?"
      }
    }
  }

  @Test func readableSQL() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(path: folder.file("store"))
    try await fixture.put(
      "Patient", "a",
      #""gender":"male","name":[{"family":"Ä"}],"generalPractitioner":[{"reference":"Practitioner/1"}]"#)
    let numbers = fixture.store.numbers
    func parameter(_ code: String) throws -> Int32 {
      try #require(fixture.store.parameters.parameter(StoreFixture.type("Patient"), code)).number
    }
    let patient = numbers.number(try StoreFixture.type("Patient"))
    let practitioner = numbers.number(try StoreFixture.type("Practitioner"))
    let system = try #require(numbers.system("http://hl7.org/fhir/administrative-gender"))
    let gender = try parameter("gender")
    let family = try parameter("family")
    let expected: [(query: String, after: Int64?, sql: String)] = [
      (
        "", nil, "SELECT r.key FROM resource AS r WHERE r.type = \(patient) AND r.method <> 3 ORDER BY r.key LIMIT 11"
      ),
      (
        "gender=http://hl7.org/fhir/administrative-gender|male", nil,
        "SELECT i.key FROM index_token AS i WHERE parameter = \(gender) AND system = \(system) AND code = 'male' ORDER BY i.key LIMIT 11"
      ),
      (
        "gender=male", 5,
        "SELECT i.key FROM index_token AS i WHERE parameter = \(gender) AND system = \(system) AND code = 'male' AND i.key > 5 ORDER BY i.key LIMIT 11"
      ),
      (
        "family=Ä", nil,
        "SELECT r.key FROM resource AS r WHERE r.key IN (SELECT i.key FROM index_string AS i WHERE parameter = \(family) AND folded >= 'a' AND folded < 'a…') ORDER BY r.key LIMIT 11"
      ),
      (
        "general-practitioner:Practitioner=1&gender:not=male", nil,
        "SELECT i.key FROM index_reference AS i WHERE parameter = \(try parameter("general-practitioner")) AND type = \(practitioner) AND id = '1' AND NOT EXISTS (SELECT 1 FROM index_token AS p0 WHERE parameter = \(gender) AND (system = \(system) AND code = 'male') AND p0.key = i.key) ORDER BY i.key LIMIT 11"
      ),
    ]
    for (query, after, sql) in expected {
      let asked = try await Self.ask(fixture, "Patient", query, after: after.map { PagePosition(key: $0) })
      #expect(asked.statements.map(Self.text) == [sql], "\(query)")
    }
    await fixture.close()
  }

  // MARK: Plans

  /// A few synthetic patients, then their rows again and again under new keys and ids.
  private static func load(_ fixture: StoreFixture, _ path: String) async throws -> Int {
    let synthesis = PatientSynthesis(seed: 11)
    var edits: [StoreFixture.Edit] = []
    func add(_ type: String, _ json: ArraySlice<UInt8>) throws {
      let document = try JSONDocument(Array(json))
      guard let id = document.value["id"]?.string else { return }
      let members = document.value.members.filter { $0.name != "resourceType" && $0.name != "id" }
        .map { "\"\($0.name)\":\(String(decoding: $0.value.json, as: UTF8.self))" }
      edits.append(.put(type, id, members.joined(separator: ",")))
    }
    try synthesis.eachSharedResource(add)
    for patient in 0..<3 { try synthesis.eachResource(ofPatient: patient, add) }
    for start in stride(from: 0, to: edits.count, by: 200) {
      try await fixture.write(Array(edits[start..<min(start + 200, edits.count)]))
    }
    await fixture.close()
    let file = try StoreFile(path, isWritable: true)
    let count = try file.integer("SELECT count(*) FROM resource")
    let tables = [
      "token", "string", "reference", "date", "number", "quantity", "uri", "composite", "position", "missing",
    ]
    try file.execute("BEGIN")
    for round in 1...(20_000 / count + 1) {
      let shift = round * count
      for table in tables {
        let columns = try file.rows("SELECT name FROM pragma_table_info('index_\(table)')").map { $0[0].description }
        let values = columns.map { $0 == "key" ? "key + \(shift)" : $0 }.joined(separator: ", ")
        try file.execute(
          """
          INSERT OR IGNORE INTO index_\(table) (\(columns.joined(separator: ", ")))
          SELECT \(values) FROM index_\(table) WHERE key <= \(count)
          """)
      }
      try file.execute(
        """
        INSERT INTO resource (key, type, id, version, updated, method, position, indexed, body)
        SELECT key + \(shift), type, id || '-\(round)', version, updated + \(round), method, position + \(shift), indexed, body
        FROM resource WHERE key <= \(count);
        INSERT INTO change_log (position, key, type, version, updated)
        SELECT position + \(shift), key + \(shift), type, version, updated + \(round) FROM change_log
        WHERE position <= \(count)
        """)
    }
    try file.execute(
      """
      UPDATE resource_count SET live =
        (SELECT count(*) FROM resource AS r WHERE r.type = resource_count.type AND r.method <> 3)
      """)
    try file.execute("COMMIT")
    return try file.integer("SELECT count(*) FROM resource")
  }

  private struct Question {
    let type: String
    let query: String
    var after: Int64?
    var isTotal = false
    /// The conditions hold of nearly everything, so that walking the type in page order finds a page soon; or of
    /// nothing that could be walked.
    var mayWalk = false
  }

  private static let thereAndBack = "_has:Observation:patient:subject:Patient."

  private static let questions: [Question] = [
    Question(type: "Patient", query: "", mayWalk: true),
    Question(type: "Patient", query: "", after: 500, mayWalk: true),
    Question(type: "Patient", query: "_id=a"), Question(type: "Patient", query: "_id=a,b"),
    Question(type: "Patient", query: "gender=female"), Question(type: "Patient", query: "gender=female", after: 5_000),
    Question(type: "Patient", query: "gender=female", isTotal: true),
    Question(type: "Patient", query: "gender=female,male", mayWalk: true),
    Question(type: "Patient", query: "identifier=urn:x|1", mayWalk: true),
    Question(type: "Patient", query: "identifier=1"),
    Question(type: "Observation", query: "code=http://loinc.org|8867-4"),
    Question(type: "Observation", query: "code=http://loinc.org|", mayWalk: true),
    Question(type: "Observation", query: "code=8867-4&subject=Patient/1"),
    Question(type: "Observation", query: "subject=Patient/1"),
    Question(type: "Observation", query: "subject=1"),
    Question(type: "Observation", query: "subject=Patient/1&code=8867-4&date=ge2020"),
    Question(type: "Observation", query: "subject=Patient/1", after: 100),
    Question(type: "Patient", query: "family=sm"), Question(type: "Patient", query: "family:exact=Smith"),
    Question(type: "Patient", query: "family=sm", after: 100),
    Question(type: "Patient", query: "family=sm", isTotal: true),
    Question(type: "Patient", query: "birthdate=1970"),
    Question(type: "Patient", query: "birthdate=ge1970", mayWalk: true),
    Question(type: "Observation", query: "date=2024-05-01"), Question(type: "Observation", query: "date=gt2024-05-01"),
    Question(type: "Observation", query: "date=lt2024-05-01"),
    Question(type: "Observation", query: "date=sa2024-05-01"),
    Question(type: "Observation", query: "date=eb2024-05-01"),
    Question(type: "Observation", query: "date=ap2024-05-01"),
    Question(type: "Observation", query: "date=ge2024-01-01&date=lt2024-02-01"),
    Question(type: "Observation", query: "date=ge2024-01-01", isTotal: true),
    Question(type: "Observation", query: "value-quantity=gt5", mayWalk: true),
    Question(type: "Observation", query: "value-quantity=5.4|http://unitsofmeasure.org|mg"),
    Question(type: "Observation", query: "value-quantity=5.4||mg"),
    Question(type: "Observation", query: "value-quantity=5.4"),
    Question(type: "Patient", query: "active:missing=true", mayWalk: true),
    Question(type: "Patient", query: "gender:not=male", mayWalk: true),
    Question(type: "Patient", query: "_profile=http://x"),
    Question(type: "Patient", query: "_lastUpdated=ge2020", mayWalk: true),
    Question(type: "", query: "_tag=x"), Question(type: "", query: "_type=Patient,Observation", mayWalk: true),
    Question(type: "", query: "_type=Patient,Observation", after: 1_000, mayWalk: true),
    Question(type: "Observation", query: "subject:Patient.family=sm"),
    Question(type: "Observation", query: "code=8867-4&subject:Patient.gender=female"),
    Question(type: "Patient", query: "_has:Observation:patient:code=8867-4"),
    Question(type: "Patient", query: "\(String(repeating: thereAndBack, count: 5))family=sm"),
    Question(type: "Patient", query: "\(String(repeating: thereAndBack, count: 5))gender:not=male", mayWalk: true),
    Question(type: "Patient", query: "_id=a&\(String(repeating: thereAndBack, count: 5))gender=male", isTotal: true),
    Question(type: "Observation", query: "_sort=-date", mayWalk: true),
    Question(type: "Observation", query: "code=8867-4&_sort=-date"),
    Question(type: "Observation", query: "subject=Patient/1&_sort=-date"),
    Question(type: "Patient", query: "_sort=family,given,birthdate", mayWalk: true),
    Question(type: "Patient", query: "_sort=-_lastUpdated", mayWalk: true),
    Question(type: "", query: "", mayWalk: true), Question(type: "", query: "", after: 5_000, mayWalk: true),
  ]

  @Test func plansUseTheIndex() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("store")
    let count = try await Self.load(try await StoreFixture(path: path), path)
    #expect(count > 20_000)
    let fixture = try await StoreFixture(path: path)
    var scans: [String] = []
    var walks: [String] = []
    for question in Self.questions {
      let asked = try await Self.ask(
        fixture, question.type, question.query, after: question.after.map { PagePosition(key: $0) },
        isTotal: question.isTotal)
      let name =
        "\(question.type)?\(question.query)\(question.after.map { " after \($0)" } ?? "")\(question.isTotal ? " total" : "")"
      let start = ContinuousClock.now
      var found = 0
      var steps: [String] = []
      for sql in asked.statements {
        // Beside the store: a statement's lists stand before all else that is put into one.
        steps += try StoreFile(path).rows("EXPLAIN QUERY PLAN \(sql.text)").map { $0[3].description }
        found += try await fixture.store.database.read { reader in try reader.all(sql) { $0.integer(0) } }.count
      }
      let time = ContinuousClock.now - start
      print("plan \(name): \(found) rows, \(time): \(asked.plan): \(steps.joined(separator: " · "))")
      for step in steps where step.hasPrefix("SCAN") && !Self.isOwnTable(step) { scans.append("\(name): \(step)") }
      let walk = ["resource_live (type=?)", "resource_live (type=? AND rowid>?)", "resource_updated (type=?)"]
      for step in steps where !question.mayWalk && walk.contains(where: step.hasSuffix) { walks.append(name) }
    }
    await fixture.close()
    #expect(scans == [])
    #expect(walks == [])
  }

  /// Whether a scan is of a constant row or of rows that the statement itself made.
  private static func isOwnTable(_ step: String) -> Bool {
    ["CONSTANT ROW", "subquery", "SCAN m", "SCAN s", "SCAN i", "SCAN k", "VALUES", "branch"]
      .contains { step.contains($0) }
      && !step.contains("USING")
  }
}
