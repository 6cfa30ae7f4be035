import Base
import BlobStore
import DICOMCore
import DICOMStore
import DICOMweb
import JSONCore
import TestSupport
import Testing

/// Every file of the data set `dicom` through the real engines: read back identical, its metadata what the writer of
/// DICOM JSON says, and found by what a plain evaluation in this file finds.
@Suite(.serialized, .enabled(if: Corpus.isThere, "needs data set dicom")) struct CorpusTests {
  /// One that is stored, as the oracle sees it.
  private struct Known {
    let file: Corpus.File
    let target: Target
    let watermark: Int64
    /// With streams of bytes as addresses.
    let full: JSONDocument
  }

  private static let partition = DICOMStore.defaultPartition

  private static func fill(_ fixture: StoreFixture) async throws -> [Known] {
    var known: [Known] = []
    var seen: Set<Target> = []
    for file in try Corpus.files() {
      guard let target = file.target else { continue }
      let outcome = try #require(try await fixture.store.store([try await fixture.new(file.bytes, file.file)]).first)
      if seen.contains(target) {
        #expect(outcome == .exists, "\(file.path)")
        continue
      }
      seen.insert(target)
      guard case .stored(let watermark) = outcome else {
        Issue.record("\(file.path) is not stored")
        continue
      }
      let full = try JSONDocument(DICOMJSONWriter.json(file.file.dataSet) { _ in .uri("x") }, limits: limits)
      known.append(Known(file: file, target: target, watermark: watermark, full: full))
    }
    return known
  }

  private static var limits: JSONLimits {
    var limits = JSONLimits()
    limits.depthMax = 300
    return limits
  }

  @Test("stored, read back identical, metadata and counts right")
  func roundTrip() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    let known = try await Self.fill(fixture)
    #expect(known.count > 250)
    var streams = 0
    for one in known {
      let stored = try #require(
        try await fixture.store.instances(one.target, partition: Self.partition).first, "\(one.file.path)")
      let content = try await fixture.store.content(stored)
      #expect(try await content.read(0..<content.count) == one.file.bytes, "\(one.file.path)")
      #expect(stored.digest == XXH64.digest(one.file.bytes))
      #expect((stored.blob == nil) == (one.file.bytes.count <= NewInstance.inlineBytesMax))
      // The standard's form says what the writer says, but for the addresses; each address leads to its stream.
      let full = try #require(try await fixture.metadata(one.target, root: "http://h").first)
      #expect(Self.text(full, full.root, .mark) == Self.text(one.full, one.full.root, .mark), "\(one.file.path)")
      streams += try fixture.store.bulkData(stored).items.count
      try await Self.checkStreams(fixture, stored, full, one)
      // Microsoft's form is that without the elements.
      let plain = try #require(try await fixture.metadata(one.target).first)
      #expect(Self.text(plain, plain.root, .mark) == Self.text(one.full, one.full.root, .omit), "\(one.file.path)")
    }
    let studies = Dictionary(grouping: known) { $0.target.study }
    for (study, own) in studies {
      let version = try fixture.store.version(Target(study: study), partition: Self.partition)
      #expect(version == TargetVersion(watermark: own.map(\.watermark).max() ?? 0, count: own.count))
      let stored = try await fixture.store.instances(Target(study: study), partition: Self.partition)
      #expect(stored.map(\.watermark) == own.map(\.watermark).sorted())
      #expect(try await fixture.metadata(Target(study: study)).count == own.count)
    }
    print("store corpus: \(known.count) instances, \(studies.count) studies, \(streams) streams of bytes")
    await fixture.close()
    #expect(try IndexFile(folder.file("index")).complaints() == [])
  }

  private enum Streams { case mark, omit }

  /// JSON written anew, streams of bytes as a mark or not at all.
  private static func text(_ document: JSONDocument, _ dataSet: JSONNode, _ streams: Streams) -> String {
    var parts: [String] = []
    for (key, value) in document.members(dataSet) {
      let vr = document.member(value, "vr").flatMap { document.string($0) } ?? ""
      let isStream = document.member(value, "BulkDataURI") != nil
      let hasNoValue = document.count(value) == 1
      let isBinary = ["OB", "OD", "OF", "OL", "OV", "OW", "UN"].contains(vr)
      if isStream || isBinary && hasNoValue {
        if streams == .mark { parts.append("\(document.string(key) ?? ""):\(vr):\(isStream ? "stream" : "")") }
      } else if vr == "SQ" {
        let items = document.member(value, "Value").map { document.elements($0).map { text(document, $0, streams) } }
        parts.append("\(document.string(key) ?? ""):SQ:[\((items ?? []).joined(separator: ","))]")
      } else {
        parts.append("\(document.string(key) ?? ""):\(String(decoding: document.lexeme(value), as: UTF8.self))")
      }
    }
    return "{\(parts.joined(separator: ";"))}"
  }

  private static func checkStreams(
    _ fixture: StoreFixture, _ stored: StoredInstance, _ full: JSONDocument, _ one: Known
  ) async throws {
    let prefix = "http://h/\(one.target.path)/bulkdata/"
    let list = try fixture.store.bulkData(stored)
    for item in list.items where !item.range.isEmpty {
      #expect(list.item(item.segments) == item)
      // By its path through the data set.
      var dataSet: DataSet? = one.file.file.dataSet
      var node: JSONNode? = full.root
      for (tag, number) in stride(from: 0, to: item.path.count - 1, by: 2).map({ (item.path[$0], item.path[$0 + 1]) }) {
        dataSet = dataSet?[Tag(tag)].map { Array($0.items)[Int(number) - 1].dataSet }
        node = node.flatMap { full.member($0, JSONKey(Tag(tag).hexadecimal)) }.flatMap { full.member($0, "Value") }
          .map { Array(full.elements($0))[Int(number) - 1] }
      }
      #expect(dataSet?[item.tag]?.valueRange == item.range, "\(one.file.path) \(item.segments)")
      let value = node.flatMap { full.member($0, JSONKey(item.tag.hexadecimal)) }
      let address = value.flatMap { full.member($0, "BulkDataURI") }.flatMap { full.string($0) }
      #expect(address == prefix + item.segments.joined(separator: "/"))
    }
  }

  // MARK: Search

  /// What an entity says: of several instances the newest, but a PatientID that is not null stays.
  private struct Entity {
    let name: String
    let first: Int64
    var values: [Tag: [String]]
    var modalities: Set<String> = []
  }

  private static func values(_ document: JSONDocument) -> [Tag: [String]] {
    var values: [Tag: [String]] = [:]
    for (key, _) in document.members(document.root) {
      guard let tag = document.string(key).flatMap({ Tag(hexadecimal: $0.utf8) }) else { continue }
      values[tag] = document.texts(tag)
    }
    return values
  }

  private static func studies(_ known: [Known]) -> [Entity] {
    var entities: [UID: Entity] = [:]
    var modalities: [UID: [UID: String]] = [:]
    for one in known.sorted(by: { $0.watermark < $1.watermark }) {
      let uid = one.target.study
      var new = values(one.full)
      var entity = entities[uid] ?? Entity(name: one.target.study.value, first: one.watermark, values: [:])
      if (new[.patientID]?.first ?? "").isEmpty { new[.patientID] = entity.values[.patientID] ?? new[.patientID] }
      entity.values = new
      modalities[uid, default: [:]][one.target.series ?? ""] = new[.modality]?.first
      entity.modalities = Set(modalities[uid, default: [:]].values.filter { !$0.isEmpty })
      entities[uid] = entity
    }
    return entities.values.sorted { $0.first > $1.first }
  }

  @Test("searches find what a plain evaluation of the files finds")
  func oracle() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    let known = try await Self.fill(fixture)
    let studies = Self.studies(known)
    var searches = 0
    func check(_ condition: DICOMQuery.Condition, _ isMet: (Entity) -> Bool) async throws {
      searches += 1
      let expected = studies.filter(isMet).map(\.name)
      #expect(try await fixture.found(SearchScope(.study), condition) == expected, "\(condition)")
    }
    func ascii(_ text: String) -> Bool { text.utf8.allSatisfy { $0 < 0x80 && $0 >= 0x20 } }
    for (tag, key) in [
      (Tag.patientID, SearchKey.patientID), (.accessionNumber, .accessionNumber), (.studyID, .studyID),
      (.studyDescription, .studyDescription),
    ] {
      let all = Set(studies.compactMap { $0.values[tag]?.first }.filter { !$0.isEmpty && ascii($0) })
      for text in all.sorted() {
        try await check(.match(key, .text(text.uppercased()))) {
          $0.values[tag]?.first.map { ascii($0) && $0.lowercased() == text.lowercased() } ?? false
        }
        guard !text.contains("*"), !text.contains("?") else { continue }
        let start = String(text.prefix(2))
        try await check(.match(key, .wildcard(start + "*"))) {
          $0.values[tag]?.first.map { $0.lowercased().hasPrefix(start.lowercased()) } ?? false
        }
        let end = String(text.suffix(3))
        try await check(.match(key, .wildcard("*" + end))) {
          $0.values[tag]?.first.map { $0.lowercased().hasSuffix(end.lowercased()) } ?? false
        }
      }
      try await check(.match(key, .empty)) { ($0.values[tag]?.first ?? "").isEmpty }
    }
    for word in Set(studies.flatMap { ($0.values[.patientName]?.first ?? "").split { "^ =".contains($0) } }) {
      guard ascii(String(word)), word.utf8.count > 1 else { continue }
      let start = word.prefix(3).lowercased()
      try await check(.match(.patientName, .words([start]))) { entity in
        let name = entity.values[.patientName]?.first ?? ""
        return name.split { "^ =".contains($0) }.contains { $0.lowercased().hasPrefix(start) }
      }
    }
    // Old data sets have dots in their dates (ACR-NEMA).
    func date(_ entity: Entity) -> Int? {
      let text = (entity.values[.studyDate]?.first ?? "").filter { $0 != "." }
      return text.utf8.count == 8 ? Int(text) : nil
    }
    let dates = Set(studies.compactMap { date($0) }).sorted()
    for day in dates {
      try await check(.match(.studyDate, .range(low: day, high: day))) { date($0) == day }
      try await check(.match(.studyDate, .range(low: nil, high: day))) { date($0).map { $0 <= day } ?? false }
      try await check(.match(.studyDate, .range(low: day, high: nil))) { date($0).map { $0 >= day } ?? false }
    }
    for modality in Set(studies.flatMap(\.modalities)) {
      try await check(.match(.modalitiesInStudy, .text(modality))) { $0.modalities.contains(modality) }
    }
    print("search oracle: \(searches) searches over \(studies.count) studies")
    #expect(searches > 300)
    // Answers have the newest instance's values.
    let page = try await fixture.search(SearchScope(.study), tags: [.patientID, .studyDescription, .manufacturer])
    #expect(page.matches.count == studies.count)
    for (match, entity) in zip(page.matches, studies) {
      let answer = try JSONDocument(match.json)
      for tag in [Tag.patientID, .studyDescription, .manufacturer] {
        #expect(answer.texts(tag) == entity.values[tag] ?? [], "\(entity.name) \(tag)")
      }
    }
    await fixture.close()
  }
}
