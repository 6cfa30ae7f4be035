import Base
import FHIRStore
import FaultDisk
import Storage
import StorageSQLite
import Synchronization
import TestStores
import TestSupport
import Testing

/// The full-text index survives what the store survives: it goes on where it was ended, and finds what is there.
@Suite(.serialized) struct TextIndexTests {
  private static func edit(_ number: Int, _ word: String) -> StoreFixture.Edit {
    .put("Patient", "p\(number)", #""name":[{"family":"word\#(word)","text":"common"}]"#)
  }

  private static func load(_ fixture: StoreFixture, _ numbers: Range<Int>, _ word: (Int) -> String) async throws {
    for start in stride(from: numbers.lowerBound, to: numbers.upperBound, by: 200) {
      try await fixture.write((start..<min(start + 200, numbers.upperBound)).map { edit($0, word($0)) })
    }
  }

  @Test("a search that does not wait begins the index; a closed store goes on when it is opened again")
  func goesOnAfterClosing() async throws {
    let folder = try TemporaryFolder()
    var fixture = try await StoreFixture(path: folder.file("store"))
    try await Self.load(fixture, 0..<3_000) { "\($0 % 7)" }
    await #expect(throws: Fault.self) { try await fixture.store.bringUpText(within: 0) }
    await fixture.close()
    for _ in 0..<3 {
      fixture = try await StoreFixture(path: folder.file("store"))
      try await Self.load(fixture, 0..<200) { _ in "new" }
      await fixture.close()
    }
    fixture = try await StoreFixture(path: folder.file("store"))
    try await fixture.store.bringUpText(within: 60)
    #expect(try await fixture.ids("Patient", "_content=common").count == 3_000)
    #expect(try await fixture.ids("Patient", "_content=wordnew").count == 200)
    let threes = (200..<3_000).filter { $0 % 7 == 3 }.count
    #expect(try await fixture.ids("Patient", "_content=word3").count == threes)
    await fixture.close()
    let file = try StoreFile(folder.file("store"), isWritable: true)
    if TestStores.engine == .sqlite {
      try file.execute("INSERT INTO resource_text (resource_text) VALUES ('integrity-check')")
    }
    #expect(try file.integer("SELECT count(*) FROM resource_text") == 3_000)
  }

  @Test("without a full-text search nothing is indexed, and such a search inside a view is refused")
  func nothingBeforeTheFirstSearch() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(path: folder.file("store"))
    try await Self.load(fixture, 0..<10) { _ in "x" }
    await #expect(throws: Fault.self) { try await fixture.ids("Patient", "_content=common") }
    await fixture.close()
    #expect(try StoreFile(folder.file("store")).integer("SELECT count(*) FROM resource_text") == 0)
  }

  @Test("writers and searches at once: every search finds what was acknowledged before it")
  func whileWritersAreBusy() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(path: folder.file("store"))
    await withTaskGroup(of: Void.self) { group in
      for writer in 0..<4 {
        group.addTask {
          for number in 0..<60 {
            do {
              let id = writer * 1_000 + number % 20
              try await fixture.write([Self.edit(id, "w\(writer)n\(number)")])
              try await fixture.store.bringUpText(within: 30)
              let found = try await fixture.ids("Patient", "_content=wordw\(writer)n\(number)")
              #expect(found == ["p\(id)"])
            } catch {
              Issue.record(error)
            }
          }
        }
      }
    }
    #expect(try await fixture.ids("Patient", "_content=common").count == 80)
    await fixture.close()
  }

  @Test(
    "the power is cut while the index is made: the store opens, goes on, and finds exactly what it has",
    .onSQLite("what its files survive"))
  func powerCuts() async throws {
    let seed = UInt64.random(in: 0..<1_000_000)
    var generator = SeededGenerator(seed: seed)
    var unfinished = 0
    for cut in 0..<25 {
      let (complaint, wasUnfinished) = try await Self.cutOnce(
        seed: generator.next(), change: Int64.random(in: 10...900, using: &generator))
      #expect(complaint == nil, "seed \(seed), cut \(cut): \(complaint ?? "")")
      if wasUnfinished { unfinished += 1 }
    }
    #expect(unfinished > 0, "seed \(seed)")
  }

  /// What is wrong with the store afterwards, and whether its index was behind when the power was cut.
  private static func cutOnce(seed: UInt64, change: Int64) async throws -> (complaint: String?, isUnfinished: Bool) {
    let folder = try TemporaryFolder()
    let disk = try FaultDisk()
    let database = try SQLiteDatabase(path: folder.file("store"), configuration: disk.configuration())
    let fixture = try await StoreFixture(database)
    try await load(fixture, 0..<300) { "\($0 % 5)" }
    disk.cut(at: change)
    try? await fixture.store.bringUpText(within: 0)
    for number in 300..<400 {
      guard (try? await fixture.write([edit(number, "late")])) != nil, !disk.isCut else { break }
      _ = try? await fixture.write([edit(number % 50, "again"), .delete("Patient", "p\(number % 40 + 60)")])
      if number % 10 == 0 { try? await fixture.store.bringUpText(within: 1) }
    }
    disk.cut()
    await fixture.close()
    let target = try folder.folder("state")
    guard disk.materialise(seed: seed, into: target) else { return ("the state could not be written", false) }
    let file = try StoreFile(target + "/store", isWritable: true)
    let position = try file.integer("SELECT value FROM setting WHERE name = 'text-position'")
    let newest = try file.integer("SELECT max(position) FROM change_log")
    return (await judge(target + "/store"), position > 0 && position < newest)
  }

  /// The index says of every resource what the search by its name says.
  private static func judge(_ path: String) async -> String? {
    do {
      let fixture = try await StoreFixture(path: path)
      try await fixture.store.bringUpText(within: 30)
      for word in ["word0", "word1", "word2", "word3", "word4", "wordlate", "wordagain"] {
        let byText = try await fixture.ids("Patient", "_content=\(word)").sorted()
        let byName = try await fixture.ids("Patient", "family=\(word)").sorted()
        if byText != byName { return "\(word): \(byText.count) by text, \(byName.count) by name" }
      }
      await fixture.close()
      return nil
    } catch {
      return "does not reopen: \(error)"
    }
  }
}
