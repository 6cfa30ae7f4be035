import Base
import FHIRModel
import FHIRSearch
import Storage
import TestStores
import TestSupport
import Testing

@testable import FHIRStore

/// Rows of contained resources come, change and go with their container, and are seen by whom may see both.
@Suite struct ContainedTests {
  private static func medication(_ id: String, _ code: String, _ more: String = "") -> String {
    #"{"resourceType":"Medication","id":"\#(id)","code":{"coding":[{"system":"urn:s","code":"\#(code)"}]}\#(more)}"#
  }

  private static func request(_ contained: String...) -> String {
    #""status":"active","intent":"order","contained":[\#(contained.joined(separator: ","))]"#
  }

  private static func withStore(_ body: (StoreFixture, any Database) async throws -> Void) async throws {
    let folder = try TemporaryFolder()
    let database = try TestStores.open(folder.file("store"))
    let fixture = try await StoreFixture(database)
    try await body(fixture, database)
    await fixture.close()
  }

  /// What the index says of contained resources is what the newest version says, and nothing else.
  private static func check(_ fixture: StoreFixture, _ type: String, _ id: String) async throws {
    let current = try #require(try fixture.current(type, id))
    let rows = try await fixture.store.read(within: .none) { try $0.indexed(current).rows }
    let expected = try current.body.map { try fixture.rows($0, current.type) } ?? []
    #expect(Set(rows) == Set(expected))
    #expect(rows.count == Set(expected).count)
  }

  private static func count(_ database: any Database) async throws -> Int64 {
    try await database.read { reader in
      var count: Int64 = 0
      for sql: SQL in [
        "SELECT count(*) FROM contained", "SELECT count(*) FROM index_token WHERE key >= 70368744177664",
        "SELECT count(*) FROM index_token WHERE parameter >= 1073741824",
        "SELECT count(*) FROM index_string WHERE key >= 70368744177664",
        "SELECT count(*) FROM index_reference WHERE parameter >= 536870912",
      ] { count += try reader.first(sql) { $0.integer(0) } ?? 0 }
      return count
    }
  }

  /// Container and contained id of every match.
  private static func find(
    _ fixture: StoreFixture, _ type: String, _ text: String, _ restriction: Restriction = .none, count: Int = 100
  ) async throws -> [String] {
    let query = try fixture.query(type, text)
    var after: PagePosition?
    var found: [String] = []
    repeat {
      let position = after
      let page = try await fixture.store.read(within: restriction) {
        try $0.search(query, after: position, count: count, bytesMax: .max, withTotal: position == nil)
      }
      #expect(page.matches.count == page.contained.count && page.matches.count <= count)
      for (match, contained) in zip(page.matches, page.contained) {
        let isAlone = contained?.json != nil
        #expect(isAlone == (contained != nil && query.containedType == .contained))
        found.append(match.id + (isAlone ? "#" + (contained?.id ?? "") : ""))
      }
      if let total = page.total, page.next == nil { #expect(total == found.count) }
      after = page.next
    } while after != nil
    return found
  }

  @Test func theyComeAndGoWithTheirContainer() async throws {
    try await Self.withStore { fixture, database in
      let contained = "code=urn:s|a&_contained=true&_containedType=contained"
      try await fixture.put(
        "MedicationRequest", "r", Self.request(Self.medication("m1", "a"), Self.medication("m2", "b")))
      try await Self.check(fixture, "MedicationRequest", "r")
      #expect(try await Self.find(fixture, "Medication", contained) == ["r#m1"])
      #expect(try await fixture.ids("Medication", "code=urn:s|a") == [])
      // Another order, another code, one less, one of another type in the same place.
      try await fixture.put(
        "MedicationRequest", "r", Self.request(Self.medication("m2", "b"), Self.medication("m1", "a")))
      try await Self.check(fixture, "MedicationRequest", "r")
      #expect(try await Self.find(fixture, "Medication", contained) == ["r#m1"])
      try await fixture.put("MedicationRequest", "r", Self.request(Self.medication("m2", "a")))
      try await Self.check(fixture, "MedicationRequest", "r")
      #expect(try await Self.find(fixture, "Medication", contained) == ["r#m2"])
      let patient = #"{"resourceType":"Patient","id":"m2","name":[{"family":"Ä"}]}"#
      try await fixture.put("MedicationRequest", "r", Self.request(patient))
      try await Self.check(fixture, "MedicationRequest", "r")
      #expect(try await Self.find(fixture, "Medication", contained) == [])
      #expect(try await Self.find(fixture, "Patient", "family=a&_contained=true&_containedType=contained") == ["r#m2"])
      try await fixture.put("MedicationRequest", "r", #""status":"active","intent":"order""#)
      try await Self.check(fixture, "MedicationRequest", "r")
      #expect(try await Self.count(database) == 0)
      // Deleted, and back.
      try await fixture.put("MedicationRequest", "r", Self.request(Self.medication("m1", "a"), patient))
      #expect(try await Self.count(database) > 0)
      try await fixture.delete("MedicationRequest", "r")
      #expect(try await Self.count(database) == 0)
      #expect(try await Self.find(fixture, "Medication", contained) == [])
      try await fixture.put("MedicationRequest", "r", Self.request(Self.medication("m1", "a")))
      #expect(try await Self.find(fixture, "Medication", contained) == ["r#m1"])
    }
  }

  /// Whoever may not see the container does not see what is in it, and the other way round.
  @Test func restrictionsHold() async throws {
    try await Self.withStore { fixture, _ in
      try await fixture.put("MedicationRequest", "r", Self.request(Self.medication("m", "a")))
      try await fixture.put(
        "MedicationDispense", "d", #""status":"completed","contained":[\#(Self.medication("m", "a"))]"#)
      try await fixture.put("Medication", "o", #""code":{"coding":[{"system":"urn:s","code":"a"}]}"#)
      let types = try ["Medication", "MedicationRequest", "MedicationDispense"].map { try StoreFixture.type($0) }
      let cases: [(Set<Schema.TypeID>, alone: [String], both: [String])] = [
        (Set(types), ["r#m", "d#m"], ["o", "r", "d"]), ([types[0]], [], ["o"]), ([types[1]], [], []),
        ([types[0], types[2]], ["d#m"], ["o", "d"]), ([types[1], types[2]], [], []),
      ]
      for row in cases {
        for text in ["code=a", "_id=m,o", "", "_sort=code"] {
          let restriction = Restriction.types(row.0)
          let alone = "\(text)&_contained=true&_containedType=contained"
          #expect(try await Self.find(fixture, "Medication", alone, restriction) == row.alone, "\(text)")
          #expect(try await Self.find(fixture, "Medication", "\(text)&_contained=both", restriction) == row.both)
        }
        let all = try await Self.find(fixture, "", "_contained=true&_containedType=contained", .types(row.0))
        #expect(all == row.alone)
      }
    }
  }

  /// A chain leads into no resource of a type that the caller may not see: it finds nothing, or is refused.
  @Test func restrictionsOfChainsHold() async throws {
    try await Self.withStore { fixture, _ in
      let more = ##","medicationReference":{"reference":"#m"}"##
      try await fixture.put("MedicationRequest", "r", Self.request(Self.medication("m", "a")) + more)
      let types = try ["Medication", "MedicationRequest"].map { try StoreFixture.type($0) }
      let chain = "medication.code=a"
      let reverse = "_has:MedicationRequest:medication:status=active&_contained=true"
      #expect(try await fixture.ids("MedicationRequest", chain) == ["r"])
      for (visible, isFound) in [(Set(types), true), ([types[0]], false), ([types[1]], false)] {
        for (type, text) in [("MedicationRequest", chain), ("Medication", reverse)] {
          let query = try fixture.query(type, text)
          do {
            let page = try await fixture.store.read(within: .types(visible)) {
              try $0.search(query, count: 10, bytesMax: .max, withTotal: true)
            }
            #expect(page.matches.count == (isFound ? 1 : 0) && page.total == page.matches.count, "\(type) \(visible)")
          } catch let fault as Fault {
            // A chain that can lead to nothing but what is out of sight is refused.
            #expect(!isFound && fault.category == .forbidden, "\(type) \(visible)")
          }
        }
      }
      // Another version, another reference.
      try await fixture.put(
        "MedicationRequest", "r", Self.request(Self.medication("n", "x"), Self.medication("m", "a")) + more)
      try await Self.check(fixture, "MedicationRequest", "r")
      #expect(try await fixture.ids("MedicationRequest", chain) == ["r"])
      #expect(try await fixture.ids("MedicationRequest", "medication.code=x") == [])
      try await fixture.put("MedicationRequest", "r", Self.request(Self.medication("m", "x")) + more)
      #expect(try await fixture.ids("MedicationRequest", chain) == [])
      #expect(try await fixture.ids("MedicationRequest", "medication.code=x") == ["r"])
    }
  }

  /// Every container once, whatever the length of a page; every contained resource once where these are wanted.
  @Test(arguments: [
    "", "_sort=code", "_sort=-code", "_sort=_id", "_sort=-status,code", "_sort=_lastUpdated", "_sort=-_lastUpdated",
  ])
  func pages(_ sort: String) async throws {
    try await Self.withStore { fixture, _ in
      var containers: Set<String> = []
      var alone: Set<String> = []
      for number in 0..<23 {
        let inner = (0..<number % 4).map { Self.medication("m\($0)", "\((number * 7 + $0 * 5) % 9)") }
        try await fixture.put(
          "MedicationRequest", "r\(number)",
          #""status":"active","intent":"order","contained":[\#(inner.joined(separator: ","))]"#)
        try await fixture.put("Medication", "o\(number)", #""code":{"coding":[{"code":"\#(number % 5)"}]}"#)
        if !inner.isEmpty { containers.insert("r\(number)") }
        alone.formUnion(inner.indices.map { "r\(number)#m\($0)" })
      }
      let ordinary = Set((0..<23).map { "o\($0)" })
      for count in [1, 2, 7, 100] {
        for (text, expected) in [
          ("_contained=true", containers), ("_contained=true&_containedType=contained", alone),
          ("_contained=both", containers.union(ordinary)),
          ("_contained=both&_containedType=contained", alone.union(ordinary)),
        ] {
          let found = try await Self.find(fixture, "Medication", "\(text)&\(sort)", count: count)
          #expect(found.count == expected.count, "\(text) \(count)")
          #expect(Set(found) == expected, "\(text) \(count)")
          let whole = try await Self.find(fixture, "Medication", "\(text)&\(sort)")
          #expect(found == whole)
        }
      }
    }
  }
}
