import Base
import FHIRModel
import FHIRSearch
import JSONCore
import Storage
import StorageSQLite
import Synthesis
import Testing

@testable import FHIRStore
import TestSupport

/// What searches become: the SQL, and how SQLite carries it out on a store of more than 20,000 resources.
@Suite(.serialized) struct SearchPlanTests {
  private static let columns: StaticString = "r.id"

  private static func sql(
    _ fixture: StoreFixture, _ type: String, _ text: String, after: Int64? = nil, isTotal: Bool = false
  ) async throws -> SQL {
    let query = try fixture.query(type, text)
    let types = query.types.isEmpty ? Schema.r4.resourceTypes : query.types
    let numbers = fixture.store.numbers
    let compiler = SearchCompiler(
      numbers: numbers, systemNumber: { numbers.system($0) }, systems: { numbers.systems(of: $0).sorted() })
    if isTotal { return try compiler.total(query, types: types) }
    return try compiler.matches(query, types: types, columns: columns, after: after, limit: 11)
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
    let driven = "CROSS JOIN resource AS r ON r.key = i.key"
    let gender = try parameter("gender")
    let family = try parameter("family")
    let expected: [(query: String, after: Int64?, sql: String)] = [
      (
        "", nil, "SELECT r.id FROM resource AS r WHERE r.type IN (\(patient)) AND r.method <> 3 ORDER BY r.key LIMIT 11"
      ),
      (
        "gender=http://hl7.org/fhir/administrative-gender|male", nil,
        "SELECT r.id FROM index_token AS i \(driven) WHERE i.parameter = \(gender) AND i.system = \(system) AND i.code = 'male' ORDER BY i.key LIMIT 11"
      ),
      (
        "gender=male", 5,
        "SELECT r.id FROM index_token AS i \(driven) WHERE i.parameter = \(gender) AND i.system = \(system) AND i.code = 'male' AND i.key > 5 ORDER BY i.key LIMIT 11"
      ),
      (
        "family=Ä", nil,
        "SELECT r.id FROM resource AS r WHERE r.type IN (\(patient)) AND r.method <> 3 AND r.key IN (SELECT key FROM index_string AS i WHERE i.parameter = \(family) AND i.folded >= 'a' AND i.folded < 'a…') ORDER BY r.key LIMIT 11"
      ),
      (
        "general-practitioner:Practitioner=1&gender:not=male", nil,
        "SELECT r.id FROM index_reference AS i \(driven) WHERE i.parameter = \(try parameter("general-practitioner")) AND i.type = \(practitioner) AND i.id = '1' AND r.key NOT IN (SELECT key FROM index_token AS i WHERE i.parameter = \(gender) AND i.system = \(system) AND i.code = 'male') ORDER BY i.key LIMIT 11"
      ),
      (
        "_id=a,b", nil,
        "SELECT r.id FROM resource AS r WHERE r.type IN (\(patient)) AND r.method <> 3 AND r.key IN (SELECT key FROM resource WHERE type IN (\(patient)) AND id IN ('a', 'b')) ORDER BY r.key LIMIT 11"
      ),
    ]
    for (query, after, sql) in expected {
      #expect(Self.text(try await Self.sql(fixture, "Patient", query, after: after)) == sql, "\(query)")
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
    let tables = ["token", "string", "reference", "date", "number", "quantity", "uri", "composite", "position"]
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
        INSERT INTO resource (key, type, id, version, updated, method, position, body)
        SELECT key + \(shift), type, id || '-\(round)', version, updated + \(round), method, position + \(shift), body
        FROM resource WHERE key <= \(count);
        INSERT INTO change_log (position, key, type, version, updated)
        SELECT position + \(shift), key + \(shift), type, version, updated + \(round) FROM change_log
        WHERE position <= \(count)
        """)
    }
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

  private static let questions: [Question] = [
    Question(type: "Patient", query: "", mayWalk: true),
    Question(type: "Patient", query: "", after: 500, mayWalk: true),
    Question(type: "Patient", query: "_id=a"), Question(type: "Patient", query: "_id=a,b"),
    Question(type: "Patient", query: "gender=female"), Question(type: "Patient", query: "gender=female", after: 5_000),
    Question(type: "Patient", query: "gender=female", isTotal: true),
    Question(type: "Patient", query: "gender=female,male"),
    Question(type: "Patient", query: "identifier=urn:x|1", mayWalk: true),
    Question(type: "Patient", query: "identifier=1"),
    Question(type: "Observation", query: "code=http://loinc.org|8867-4"),
    Question(type: "Observation", query: "code=http://loinc.org|"),
    Question(type: "Observation", query: "code=8867-4&subject=Patient/1"),
    Question(type: "Observation", query: "subject=Patient/1"),
    Question(type: "Observation", query: "subject=1"),
    Question(type: "Observation", query: "subject=Patient/1&code=8867-4&date=ge2020"),
    Question(type: "Observation", query: "subject=Patient/1", after: 100),
    Question(type: "Patient", query: "family=sm"), Question(type: "Patient", query: "family:exact=Smith"),
    Question(type: "Patient", query: "family=sm", after: 100),
    Question(type: "Patient", query: "family=sm", isTotal: true),
    Question(type: "Patient", query: "birthdate=1970"), Question(type: "Patient", query: "birthdate=ge1970"),
    Question(type: "Observation", query: "date=2024-05-01"), Question(type: "Observation", query: "date=gt2024-05-01"),
    Question(type: "Observation", query: "date=lt2024-05-01"),
    Question(type: "Observation", query: "date=sa2024-05-01"),
    Question(type: "Observation", query: "date=eb2024-05-01"),
    Question(type: "Observation", query: "date=ap2024-05-01"),
    Question(type: "Observation", query: "date=ge2024-01-01&date=lt2024-02-01"),
    Question(type: "Observation", query: "date=ge2024-01-01", isTotal: true),
    Question(type: "Observation", query: "value-quantity=gt5"),
    Question(type: "Observation", query: "value-quantity=5.4|http://unitsofmeasure.org|mg"),
    Question(type: "Observation", query: "value-quantity=5.4||mg"),
    Question(type: "Observation", query: "value-quantity=5.4"),
    Question(type: "Patient", query: "active:missing=true", mayWalk: true),
    Question(type: "Patient", query: "gender:not=male", mayWalk: true),
    Question(type: "Patient", query: "_profile=http://x"),
    Question(type: "Patient", query: "_lastUpdated=ge2020"),
    Question(type: "", query: "_tag=x"), Question(type: "", query: "_type=Patient,Observation", mayWalk: true),
    Question(type: "", query: "_type=Patient,Observation", after: 1_000, mayWalk: true),
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
    var sorts: [String] = []
    for question in Self.questions {
      let sql = try await Self.sql(
        fixture, question.type, question.query, after: question.after, isTotal: question.isTotal)
      let explain: SQL = "EXPLAIN QUERY PLAN \(sql)"
      let plan = try await fixture.store.database.read { reader in try reader.all(explain) { $0.text(3) } }
      let start = ContinuousClock.now
      let found = try await fixture.store.database.read { reader in try reader.all(sql) { $0.text(0) } }
      let time = ContinuousClock.now - start
      let name =
        "\(question.type)?\(question.query)\(question.after.map { " after \($0)" } ?? "")\(question.isTotal ? " total" : "")"
      print("plan \(name): \(found.count) rows, \(time): \(plan.joined(separator: " · "))")
      for step in plan where step.hasPrefix("SCAN") && !step.contains("CONSTANT ROW") && !step.contains("subquery") {
        scans.append("\(name): \(step)")
      }
      let walk = ["resource_live (type=?)", "resource_live (type=? AND rowid>?)", "resource_updated (type=?)"]
      for step in plan where !question.mayWalk && walk.contains(where: step.hasSuffix) { walks.append(name) }
      for step in plan where step.contains("TEMP B-TREE FOR ORDER BY") { sorts.append(name) }
    }
    await fixture.close()
    print("plans that sort: \(sorts); plans that walk a whole type: \(walks)")
    // A search for everything walks the keys in the page's order.
    #expect(scans == ["?: SCAN r"])
    #expect(walks == [])
    withKnownIssue("several types are sorted for each page, as is _lastUpdated") { #expect(sorts == []) }
  }
}
