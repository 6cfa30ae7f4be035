import DICOMCore
public import DICOMweb
import Storage

/// Finished JSON objects of some instances.
public struct MetadataPage: Sendable {
  /// The objects with commas between them: between brackets, and with a comma between pages, an array of JSON.
  public let json: [UInt8]
  /// Each object's place in `json`.
  public let objects: [Range<Int>]
}

/// The metadata of a target, page by page, in the order in which its instances were stored: of any number of them only
/// one page is in memory. For one task at a time.
public struct MetadataPages: Sendable {
  private let store: DICOMStore
  private let target: Target
  private let partition: String
  private let bulkDataRoot: String?
  private var last: Int64 = 0
  private var isAtEnd = false

  init(_ store: DICOMStore, _ target: Target, _ partition: String, bulkDataRoot: String?) {
    self.store = store
    self.target = target
    self.partition = partition
    self.bulkDataRoot = bulkDataRoot
  }

  /// The next page; nil after the last, and at once if the target is not there.
  public mutating func next() async throws -> MetadataPage? {
    if isAtEnd { return nil }
    let page = try await store.metadataPage(target, partition: partition, after: last, bulkDataRoot: bulkDataRoot)
    last = page.last
    isAtEnd = !page.hasMore
    return page.page.objects.isEmpty ? nil : page.page
  }
}

extension DICOMStore {
  private static let columns: SQL = """
    SELECT i.key, m.bulk, m.body, i.uid, i.series FROM instance i JOIN instance_metadata m ON m.key = i.key
    """
  private static let ofInstance = Statement("\(columns) WHERE i.key = ? AND i.key > ? ORDER BY i.key LIMIT ?")
  private static let ofSeries = Statement("\(columns) WHERE i.series = ? AND i.key > ? ORDER BY i.key LIMIT ?")
  private static let ofStudy = Statement("\(columns) WHERE i.study = ? AND i.key > ? ORDER BY i.key LIMIT ?")
  private static let seriesUID = Statement("SELECT uid FROM series WHERE key = ?")

  /// The metadata of a target.
  /// - Parameter bulkDataRoot: the address that `/studies/…` follows, for the standard's form, in which each stream of
  ///   bytes has its BulkDataURI `ROOT/studies/…/instances/…/bulkdata/PATH`. Nil for Microsoft's, which leaves streams
  /// out.
  public func metadata(_ target: Target, partition: String, bulkDataRoot: String? = nil) -> MetadataPages {
    MetadataPages(self, target, partition, bulkDataRoot: bulkDataRoot)
  }

  func metadataPage(
    _ target: Target, partition: String, after last: Int64, bulkDataRoot: String?
  ) async throws -> (page: MetadataPage, last: Int64, hasMore: Bool) {
    try await faulting {
      if target.level == .instance {
        return try database.point { try metadataPage($0, target, partition, last, bulkDataRoot) }
      }
      return try await database.read { [self] in try metadataPage($0, target, partition, last, bulkDataRoot) }
    }
  }

  private func metadataPage(
    _ reader: any Reader, _ target: Target, _ partition: String, _ last: Int64, _ root: String?
  ) throws -> (page: MetadataPage, last: Int64, hasMore: Bool) {
    guard let place = try place(target, partition: partition, reader) else {
      return (MetadataPage(json: [], objects: []), last, false)
    }
    let statement =
      switch place.level {
      case .study: Self.ofStudy
      case .series: Self.ofSeries
      case .instance: Self.ofInstance
      }
    var builder = MetadataPageBuilder(compression, root: root.map { "\($0)/studies/\(target.study)/series/" })
    let countMax = configuration.metadataPageInstancesMax
    var last = last
    var hasMore = false
    try reader.query(statement, [.integer(place.key), .integer(last), .integer(countMax + 1)]) { row in
      guard builder.objects.count < countMax, builder.json.count < configuration.metadataPageBytesMax else {
        hasMore = true
        return false
      }
      try builder.append(row) { series in try reader.first(Self.seriesUID, [.integer(series)]) { $0.text(0) } ?? "" }
      last = row.integer(0)
      return true
    }
    return (MetadataPage(json: builder.json, objects: builder.objects), last, hasMore)
  }
}

/// Joins rows of metadata.
private struct MetadataPageBuilder {
  private let compression: MetadataCompression
  /// What stands before a series' UID in the addresses of streams.
  private let root: String?
  private(set) var json: [UInt8] = []
  private(set) var objects: [Range<Int>] = []
  private var plain: [UInt8] = []
  private var series: (key: Int64, uid: String)?

  init(_ compression: MetadataCompression, root: String?) {
    self.compression = compression
    self.root = root
  }

  mutating func append(_ row: any Row, _ seriesUID: (Int64) throws -> String) throws {
    if !json.isEmpty { json.append(UInt8(ascii: ",")) }
    let start = json.count
    if let root, !row.isNull(1) {
      try append(row, root, seriesUID)
    } else {
      try row.withBytes(2) { try compression.decompress($0, to: &json) }
    }
    objects.append(start..<json.count)
  }

  private mutating func append(_ row: any Row, _ root: String, _ seriesUID: (Int64) throws -> String) throws {
    guard let list = BulkDataList(encoded: row.blob(1)) else {
      throw StorageError(.corrupt, detail: "a bulk data list")
    }
    let key = row.integer(4)
    if series?.key != key { series = (key, try seriesUID(key)) }
    plain.removeAll(keepingCapacity: true)
    try row.withBytes(2) { try compression.decompress($0, to: &plain) }
    list.write(plain, root: "\(root)\(series?.uid ?? "")/instances/\(row.text(3))/bulkdata/", to: &json)
  }
}
