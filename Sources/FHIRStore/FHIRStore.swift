public import Base
public import FHIRModel
public import FHIRSearch
public import Storage

/// A FHIR service's resources: versions, history and index in one database.
///
/// Reads are bound to a `Restriction`; writes are `Change`s prepared outside and applied in one transaction, which
/// shares its commit with whoever writes at the same time. What was acknowledged is on the disk.
public final class FHIRStore: Sendable {
  public let schema: Schema
  /// Seals paging tokens; the key lives in the store, so tokens hold on every node and after a restart.
  public let seal: SipHash
  let database: any Database
  let numbers: StoreNumbers
  let published: Published
  let extractionVersion: Int
  let catalogs: CatalogHolder
  let clock: Clock
  let compression = BodyCompression()
  let textIndexer: TextIndexer
  /// Rows that are sorted at once where the first of several sort keys does not tell them apart.
  let sortRunLength: Int
  /// Searches with fewer matches than this list them all, for pages in order of creation.
  let listedMax: Int
  /// What searches found about large sets.
  let estimates = Estimates.Remembered()

  /// Opens the store, bringing its schema up.
  /// - Parameters:
  ///   - extractionVersion: how resources are indexed (`IndexExtractor.version`).
  ///   - sortRunLength: rows that are sorted at once where the first of several sort keys does not tell them apart.
  ///   - listedMax: searches with fewer matches than this list them all, for pages in order of creation.
  public init(
    _ database: any Database, schema: Schema, clock: Clock, extractionVersion: Int = IndexExtractor.version,
    sortRunLength: Int = 256, listedMax: Int = 256
  ) async throws {
    self.extractionVersion = extractionVersion
    self.sortRunLength = sortRunLength
    self.listedMax = listedMax
    try await database.migrate(StoreSchema.migrations)
    try await Self.checkRelease(database, schema)
    let numbers = try await StoreNumbers.open(database, schema)
    let seal = try await Self.readSeal(database)
    let catalog = try await database.read { try SearchCatalog($0, schema) }
    self.database = database
    self.schema = schema
    self.clock = clock
    self.numbers = numbers
    self.published = Published(schema)
    self.catalogs = CatalogHolder(catalog)
    self.seal = seal
    self.textIndexer = TextIndexer(database, schema, compression)
    database.listen { [weak self] in self?.hear($0) }
    try await openCatalog()
    try await textIndexer.resume()
  }

  deinit { textIndexer.cancel() }

  /// False for good after the disk failed in a way that leaves its content uncertain.
  public var isWritable: Bool { database.isWritable }

  public var statistics: StorageStatistics { database.statistics }

  /// Ends the work in the background, finishes waiting writes and closes the database.
  public func close() async {
    await textIndexer.end()
    await database.close()
  }

  private static let releaseRow = Statement("SELECT \(SettingColumn.text) FROM setting WHERE name = 'fhir-release'")
  private static let insertRelease = Statement.insertNew(
    "setting (name, \(SettingColumn.text)) VALUES ('fhir-release', ?)")

  /// A store keeps the release it was made for: its resources and its index are of that release.
  private static func checkRelease(_ database: any Database, _ schema: Schema) async throws {
    let release = schema.release
    var stored = try await database.read { try $0.first(releaseRow) { $0.text(0) } }
    if stored == nil {
      stored = try await database.write { transaction in
        try transaction.execute(insertRelease, [.text(release)])
        // Another process that opens the store at the same time may have been first.
        return try transaction.first(releaseRow) { $0.text(0) }
      }
    }
    if let stored, stored != release {
      throw StorageError(.misuse, detail: "the store holds FHIR \(stored), not \(release)")
    }
  }

  private static let sealRow = Statement("SELECT \(SettingColumn.bytes) FROM setting WHERE name = 'paging-seal'")
  private static let insertSeal = Statement.insertNew(
    "setting (name, \(SettingColumn.bytes)) VALUES ('paging-seal', ?)")

  private static func readSeal(_ database: any Database) async throws -> SipHash {
    var stored = try await database.read { try $0.first(sealRow) { $0.blob(0) } }
    if stored == nil {
      var generator = SystemRandomNumberGenerator()
      let fresh = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
      stored = try await database.write { transaction in
        try transaction.execute(insertSeal, [.blob(fresh)])
        return try transaction.first(sealRow) { $0.blob(0) }
      }
    }
    guard let key = stored, key.count == 16 else { throw StorageError(.corrupt, detail: "the paging seal is damaged") }
    func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
    return SipHash(key0: word(key[0..<8]), key1: word(key[8..<16]))
  }
}
