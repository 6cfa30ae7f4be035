import Base
import FHIRModel
import FHIRStore
import JSONCore
import Storage
import Synchronization
import TestStores
import Testing
import TestSupport

/// Versions, history, change log and index rows of single writes, judged by the file's content.
@Suite struct VersionTests {
  private static func withStore(
    clock: Clock = .system, _ body: (StoreFixture, String) async throws -> Void
  ) async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("store")
    let fixture = try await StoreFixture(path: path, clock: clock)
    do { try await body(fixture, path) } catch {
      await fixture.close()
      throw error
    }
    await fixture.close()
    #expect(try StoreFile(path).complaints() == [])
  }

  @Test func everyVersionStays() async throws {
    try await Self.withStore { fixture, path in
      let first = try #require(try await fixture.put("Patient", "a", #""gender":"male""#))
      #expect(first.version == 1)
      #expect(try await fixture.put("Patient", "a", #""gender":"female""#)?.version == 2)
      #expect(try await fixture.delete("Patient", "a")?.version == 3)
      #expect(try await fixture.put("Patient", "a", #""active":true"#)?.version == 4)
      let type = try StoreFixture.type("Patient")
      let versions = try fixture.store.point(within: .none) { view in
        try (1...4).map { try view.version(type, "a", $0) }
      }
      #expect(versions.map { $0?.isDeleted } == [false, false, true, false])
      #expect(versions.map { $0?.method } == [.put, .put, .delete, .put])
      #expect(versions.allSatisfy { $0?.key == first.key })
      #expect(
        versions[1]?.json.map {
          String(decoding: $0, as: UTF8.self).hasPrefix(
            #"{"resourceType":"Patient","id":"a","meta":{"versionId":"2","lastUpdated":""#)
        } == true)
      #expect(versions[2]?.json == nil)
      for absent: Int64 in [0, 5, -1, .max] {
        #expect(try fixture.store.point(within: .none) { try $0.version(type, "a", absent) } == nil)
      }
      #expect(try fixture.current("Patient", "b") == nil)
      #expect(try fixture.current("Practitioner", "a") == nil)
      #expect(
        try StoreFile(path).versions() == [
          "Patient/a": [
            Array(#"{"resourceType":"Patient","id":"a","meta":{},"gender":"male"}"#.utf8),
            Array(#"{"resourceType":"Patient","id":"a","meta":{},"gender":"female"}"#.utf8), nil,
            Array(#"{"resourceType":"Patient","id":"a","meta":{},"active":true}"#.utf8),
          ]
        ])
    }
  }

  @Test func restrictionsHold() async throws {
    try await Self.withStore { fixture, _ in
      try await fixture.put("Patient", "a", #""gender":"male""#)
      try await fixture.put("Group", "g", #""type":"person","actual":true"#)
      let group = try StoreFixture.type("Group")
      let patient = try StoreFixture.type("Patient")
      let restriction = Restriction.types([group])
      #expect(try fixture.store.point(within: restriction) { try $0.current(patient, "a") } == nil)
      #expect(try fixture.store.point(within: restriction) { try $0.version(patient, "a", 1) } == nil)
      let everything = try fixture.query("", "")
      let male = try fixture.query("Patient", "gender=male")
      let page = try await fixture.store.read(within: restriction) { view in
        (
          try view.search(everything, count: 10, bytesMax: .max, withTotal: true),
          try view.search(male, count: 10, bytesMax: .max, withTotal: true),
          try view.history(.system, HistoryWindow(count: 10, bytesMax: .max)),
          try view.history(.type(patient), HistoryWindow(count: 10, bytesMax: .max)),
          try view.history(.instance(patient, id: "a"), HistoryWindow(count: 10, bytesMax: .max))
        )
      }
      #expect(page.0.matches.map(\.id) == ["g"])
      #expect(page.0.total == 1)
      #expect(page.1.matches.isEmpty && page.1.total == 0)
      #expect(page.2?.versions.map(\.id) == ["g"] && page.2?.total == 1)
      #expect(page.3?.total == 0)
      #expect(page.4 == nil)
    }
  }

  @Test func historyPagesInOrder() async throws {
    try await Self.withStore { fixture, _ in
      for number in 0..<7 {
        try await fixture.write([
          .put("Patient", "a", #""multipleBirthInteger":\#(number)"#),
          .put("Group", "g\(number)", #""type":"person","actual":true"#),
        ])
      }
      try await fixture.delete("Patient", "a")
      let patient = try StoreFixture.type("Patient")
      for (scope, total) in [(HistoryScope.system, 15), (.type(patient), 8), (.instance(patient, id: "a"), 8)] {
        for isAscending in [true, false] {
          var window = HistoryWindow(count: 4, bytesMax: .max)
          window.isAscending = isAscending
          var seen: [String] = []
          repeat {
            let asked = window
            let page = try #require(try await fixture.store.read(within: .none) { try $0.history(scope, asked) })
            #expect(page.total == total)
            seen += page.versions.map { "\($0.id) \($0.version)" }
            window.after = page.next
          } while window.after != nil && seen.count < 100
          #expect(seen.count == total)
          #expect(Set(seen).count == total)
          let own = seen.filter { $0.hasPrefix("a ") }
          let expected = (1...8).map { "a \($0)" }
          #expect(own == (isAscending ? expected : expected.reversed()))
        }
      }
    }
  }

  /// The clock jumps back; the order of commits stays the order of lastUpdated.
  @Test func timesNeverFall() async throws {
    let times = Mutex([5_000, 4_000, 9_000, 1, -3, 9_001, 8_999] as [Int64])
    let clock = Clock { Instant(milliseconds: times.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }) }
    try await Self.withStore(clock: clock) { fixture, _ in
      var updated: [Int64] = []
      for number in 0..<7 {
        let committed = try await fixture.put("Patient", "\(number % 3)", #""multipleBirthInteger":\#(number)"#)
        updated.append(committed?.updated.milliseconds ?? 0)
      }
      #expect(updated == updated.sorted())
      #expect(updated == [5_000, 5_000, 9_000, 9_000, 9_000, 9_001, 9_001])
    }
  }

  /// A deletion leaves no row of any index table, and a return brings them back.
  @Test func deletionRemovesIndexRows() async throws {
    try await Self.withStore { fixture, path in
      var generator = SeededGenerator(seed: 1)
      let types = ["Patient", "Observation", "Location", "RiskAssessment", "DocumentReference", "Questionnaire"]
      for type in types { try await fixture.put(type, "x", Course.content(type, "t", &generator)) }
      let file = try StoreFile(path)
      let full = try file.indexLines()
      let kinds = Set(full.map { $0.split(separator: " ")[2] })
      #expect(
        kinds == [
          "token", "string", "reference", "date", "number", "quantity", "uri", "composite", "position", "missing",
        ])
      for type in types { try await fixture.delete(type, "x") }
      #expect(try file.indexLines() == [])
      #expect(file.complaints() == [])
      for type in types { #expect(try await fixture.ids(type, "").isEmpty) }
    }
  }

  /// What counts the rows of a table that an update touches.
  private static func triggers(_ table: String, _ dialect: Dialect) -> [String] {
    let events = [("INSERT", "NEW"), ("DELETE", "OLD"), ("UPDATE", "NEW")]
    return events.map { event, row in
      switch dialect {
      case .sqlite:
        """
        CREATE TRIGGER t_\(table)_\(event) AFTER \(event) ON index_\(table)
        BEGIN INSERT INTO touched VALUES ('\(event) \(table) ' || \(row).parameter); END
        """
      case .postgreSQL:
        """
        CREATE FUNCTION t_\(table)_\(event)() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO touched VALUES ('\(event) \(table) ' || \(row).parameter); RETURN NULL; END $$;
        CREATE TRIGGER t_\(table)_\(event) AFTER \(event) ON index_\(table)
        FOR EACH ROW EXECUTE FUNCTION t_\(table)_\(event)();
        """
      }
    }
  }

  /// The store's own triggers count what an update touches.
  @Test func onlyChangedRowsAreWritten() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("store")
    let first = try await StoreFixture(path: path)
    let names = (0..<50).map { #"{"family":"F\#($0)","given":["G\#($0)"]}"# }
    func patient(_ names: [String], _ active: Bool) -> String {
      #""active":\#(active),"name":[\#(names.joined(separator: ","))]"#
    }
    try await first.put("Patient", "a", patient(names, true))
    await first.close()
    do {
      let file = try StoreFile(path, isWritable: true)
      try file.execute("CREATE TABLE touched (what TEXT)")
      for table in [
        "token", "string", "reference", "date", "number", "quantity", "uri", "composite", "position", "missing",
      ] {
        for trigger in Self.triggers(table, file.dialect) { try file.execute(trigger) }
      }
    }
    let second = try await StoreFixture(path: path)
    try await second.put("Patient", "a", patient(names, false))
    let file = try StoreFile(path)
    #expect(try file.rows("SELECT what FROM touched").count == 2, "active: one row goes, one comes")
    try await second.put("Patient", "a", patient(Array(names.dropLast()), false))
    // family, given, name (twice; phonetic is derived from it): the rows of one name go, nothing comes.
    let strings = try file.rows("SELECT what FROM touched").dropFirst(2).map { $0[0].description }
    #expect(strings.allSatisfy { $0.hasPrefix("DELETE string") })
    #expect(strings.count == 4)
    await second.close()
    #expect(try StoreFile(path).complaints() == [])
  }

  @Test func oneResourceTwiceInATransaction() async throws {
    try await Self.withStore { fixture, path in
      try await fixture.put("Patient", "a", #""active":true"#)
      for id in ["a", "b"] {
        await #expect(throws: (any Error).self) {
          try await fixture.write([
            .put("Patient", id, #""gender":"male""#), .put("Patient", id, #""gender":"female""#),
          ])
        }
      }
      #expect(try fixture.current("Patient", "a")?.version == 1)
      #expect(try fixture.current("Patient", "b") == nil)
      #expect(try StoreFile(path).complaints() == [])
    }
  }

  /// A transaction sees what it has written, and what it threw away is gone.
  @Test func transactionsSeeThemselvesOnly() async throws {
    try await Self.withStore { fixture, _ in
      struct Refusal: Error {}
      let query = try fixture.query("Patient", "identifier=urn:new|1")
      await #expect(throws: Refusal.self) {
        try await fixture.store.writeInside(within: .none) { scope in
          let edit = StoreFixture.Edit.put("Patient", "a", #""identifier":[{"system":"urn:new","value":"1"}]"#)
          _ = try scope.apply([try fixture.change(edit, scope.view)])
          #expect(try scope.view.ids(query, limit: 10) == ["a"])
          #expect(try scope.view.current(StoreFixture.type("Patient"), "a")?.version == 1)
          throw Refusal()
        }
      }
      #expect(try fixture.current("Patient", "a") == nil)
      #expect(try await fixture.ids("Patient", "identifier=urn:new|1") == [])
      #expect(try await fixture.ids("Patient", "identifier=1") == [])
    }
  }

  /// Numbers for systems that a rolled-back transaction was given must not be used afterwards.
  @Test func systemNumbersAfterRollback() async throws {
    try await Self.withStore { fixture, path in
      struct Refusal: Error {}
      @Sendable func identified(_ system: String) -> String { #""identifier":[{"system":"\#(system)","value":"1"}]"# }
      try? await fixture.store.writeInside(within: .none) { scope in
        _ = try scope.apply([try fixture.change(.put("Patient", "a", identified("urn:first")), scope.view)])
        throw Refusal()
      }
      try await fixture.put("Patient", "b", identified("urn:second"))
      try await fixture.put("Patient", "c", identified("urn:first"))
      #expect(try await fixture.ids("Patient", "identifier=urn:first|1") == ["c"])
      #expect(try await fixture.ids("Patient", "identifier=urn:second|1") == ["b"])
      #expect(try await fixture.ids("Patient", "identifier=1") == ["b", "c"])
      #expect(try await fixture.ids("Patient", "identifier=urn:third|1") == [])
      #expect(try StoreFile(path).complaints() == [])
    }
  }
}
