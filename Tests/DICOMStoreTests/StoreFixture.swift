import Base
import BlobStore
import DICOMCore
import DICOMStore
import DICOMweb
import Foundation
import JSONCore
import Storage
import Synchronization
import TestStores
import TestSupport

/// A store in a folder, on the real engines, with a clock that the test moves.
final class StoreFixture: Sendable {
  let store: DICOMStore
  let blobs: FolderBlobStore
  private let time: TestTime

  init(
    _ folder: String, database: (any Database)? = nil,
    configuration: DICOMStoreConfiguration = DICOMStoreConfiguration()
  ) async throws {
    let time = TestTime()
    let database = try database ?? TestStores.open(folder + "/index")
    blobs = try FolderBlobStore(path: folder + "/blobs")
    store = try await DICOMStore(
      database, blobs: blobs, clock: Clock { time.now }, configuration: configuration)
    self.time = time
  }

  func pass(milliseconds: Int64) { time.pass(milliseconds) }
  var now: Instant { time.now }

  func close() async { await store.close() }

  // MARK: Writing

  @discardableResult
  func store(
    _ instances: TestInstance..., partition: String = DICOMStore.defaultPartition
  ) async throws -> [StoreOutcome] {
    try await store.store(instances.map { try $0.new(partition) })
  }

  /// A file as a service stores it: in the row, or as a blob.
  func new(
    _ bytes: [UInt8], _ file: DICOMFile, partition: String = DICOMStore.defaultPartition, dropping: Set<Tag> = []
  ) async throws -> NewInstance {
    guard bytes.count > NewInstance.inlineBytesMax else {
      return try InstanceExtractor.extract(
        file, partition: partition, dropping: dropping, content: .inline(bytes), digest: XXH64.digest(bytes))
    }
    let put = try await blobs.put([bytes[...]])
    return try InstanceExtractor.extract(
      file, partition: partition, dropping: dropping, content: .blob(put.name, count: bytes.count), digest: put.digest)
  }

  // MARK: Reading

  func metadata(_ target: Target, partition: String = DICOMStore.defaultPartition, root: String? = nil) async throws
    -> [JSONDocument]
  {
    var objects: [JSONDocument] = []
    var pages = store.metadata(target, partition: partition, bulkDataRoot: root)
    while let page = try await pages.next() {
      objects += try page.objects.map { try JSONDocument(Array(page.json[$0])) }
    }
    return objects
  }

  func search(
    _ scope: SearchScope, _ conditions: [DICOMQuery.Condition] = [], tags: [Tag] = [], limit: Int = 1_000,
    offset: Int = 0, partition: String = DICOMStore.defaultPartition
  ) async throws -> SearchResult {
    var query = DICOMQuery(
      scope, conditions: conditions, matchSet: MatchSet(tags), limit: limit, offset: offset)
    query.retrieveRoot = "http://host/dicom"
    return try await store.search(query, partition: partition)
  }

  /// What was found, as `study`, `study/series` or `study/series/instance`.
  func found(
    _ scope: SearchScope, _ conditions: DICOMQuery.Condition..., partition: String = DICOMStore.defaultPartition
  ) async throws -> [String] {
    try await search(scope, conditions, partition: partition).matches.map { $0.target.short }
  }
}

extension Target {
  var short: String { [study.value, series?.value, instance?.value].compactMap { $0 }.joined(separator: "/") }
}

extension SearchMatch {
  /// The first value of an attribute, as text; nil if it has none.
  func text(_ tag: Tag) throws -> String? { try JSONDocument(json).texts(tag).first }
}

extension JSONDocument {
  /// All values of an attribute of the outermost data set, as text; names in their alphabetic group.
  func texts(_ tag: Tag) -> [String] {
    guard let attribute = member(root, JSONKey(tag.hexadecimal)), let values = member(attribute, "Value") else {
      return []
    }
    return elements(values).map { value in
      switch kind(value) {
      case .string: string(value) ?? ""
      case .object: member(value, "Alphabetic").flatMap { string($0) } ?? ""
      case .null: ""
      default: String(decoding: lexeme(value), as: UTF8.self)
      }
    }
  }

  var tags: [String] { members(root).map { string($0.key) ?? "" } }
}

final class TestTime: Sendable {
  private let value = Mutex<Int64>(1_800_000_000_000)
  var now: Instant { Instant(milliseconds: value.withLock { $0 }) }
  func pass(_ milliseconds: Int64) { value.withLock { $0 += milliseconds } }
}

/// The files of others that a store takes: those of the data set `dicom` with all UIDs.
enum Corpus {
  static let isThere = ConformanceData.has("dicom")
  static let root = ConformanceData.path("dicom")

  struct File {
    let path: String
    let bytes: [UInt8]
    let file: DICOMFile

    var target: Target? {
      guard let study = file.studyInstanceUID, let series = file.seriesInstanceUID, let instance = file.sopInstanceUID
      else { return nil }
      return Target(study: study, series: series, instance: instance)
    }
  }

  static func files() throws -> [File] {
    let all = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
    return all.sorted().compactMap { path in
      let place = root + "/" + path
      guard (try? FileManager.default.attributesOfItem(atPath: place)[.type] as? FileAttributeType) == .typeRegular,
        let data = FileManager.default.contents(atPath: place)
      else { return nil }
      let bytes = [UInt8](data)
      guard let file = try? DICOMFile(bytes), !file.isDirectory else { return nil }
      let found = File(path: path, bytes: bytes, file: file)
      guard found.target != nil, file.sopClassUID != nil else { return nil }
      return found
    }
  }
}
