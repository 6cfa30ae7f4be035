import Base
public import FHIRSearch
import Storage

extension FHIRStore {
  /// The service's search parameters. Whoever needs them several times for one thing asks once.
  public var catalog: SearchCatalog { catalogs.current }

  /// The search parameters that answer.
  public var parameters: SearchParameters { catalog.searchable }

  /// Reads the catalog again, after it changed.
  func refreshCatalog() async throws {
    let schema = schema
    catalogs.take(try await faulting { try await database.read { try SearchCatalog($0, schema) } })
  }

  // MARK: Several processes

  /// What other processes are told of.
  static let catalogTopic = "catalog"
  static let textTopic = "text"
  /// What cannot be read again now is tried again after this.
  private static let catchUpPause = Duration.milliseconds(200)
  private static let catchUpTriesMax = 600

  /// Takes note of what other processes did.
  func hear(_ notice: Notice) {
    switch notice {
    case .announced(Self.catalogTopic): Task { [weak self] in await Self.catchUp { try await self?.refreshCatalog() } }
    case .announced(Self.textTopic): textIndexer.wake()
    case .announced, .away: return
    case .missed:
      Task { [weak self] in
        await Self.catchUp {
          guard let self else { return }
          try await self.faulting { try await self.numbers.reload(self.database) }
          try await self.refreshCatalog()
        }
      }
    }
  }

  /// Tries until it succeeds: while the database is away, and for as long as it has more important things to do.
  private static func catchUp(_ read: () async throws -> Void) async {
    for _ in 0..<catchUpTriesMax {
      if (try? await read()) != nil { return }
      try? await Task.sleep(for: catchUpPause)
    }
  }

  /// Work that one process at a time does for all that share the store.
  public enum Work: String, Sendable {
    case reindex, removal, text
  }

  /// Whether this process is the one to do it now (`Database.lease`).
  public func lease(_ work: Work) async -> Bool { await database.lease(work.rawValue) }

  /// Leaves it to another.
  public func release(_ work: Work) async { await database.release(work.rawValue) }

  /// Whether other processes may have the store open.
  public var isShared: Bool { database.isShared }

  /// False while the database is away; it comes back by itself.
  public var isReachable: Bool { database.isReachable }

  // MARK: Opening

  private static let extractionRow = Statement(
    "SELECT \(SettingColumn.number) FROM setting WHERE name = 'extraction'")
  private static let set = Statement(
    """
    INSERT INTO setting (name, \(SettingColumn.number)) VALUES (?, ?) \
    ON CONFLICT (name) DO UPDATE SET \(SettingColumn.number) = excluded.\(SettingColumn.number)
    """)

  /// Takes in what this program publishes and how it extracts; where that changed, a job indexes anew.
  func openCatalog() async throws {
    try await database.write { transaction in
      var stale = try !ParameterSwitch.open(self, transaction).isEmpty
      let extraction = try transaction.first(Self.extractionRow) { $0.integer(0) }
      if extraction != Int64(self.extractionVersion) {
        let generation = try SearchCatalog.advance(transaction)
        try transaction.execute(Self.set, [.text("extraction"), .integer(self.extractionVersion)])
        if extraction != nil {
          try transaction.execute(Self.set, [.text("extraction-since"), .integer(generation)])
          stale = true
        }
      }
      // A job of another catalog would not know what is missing now.
      let isOvertaken = try ReindexJob.cancelOvertaken(self, transaction)
      guard stale || isOvertaken else { return }
      try ReindexJob.schedule(IdentifierSource(clock: self.clock).next(), self, transaction)
    }
    try await refreshCatalog()
  }
}

extension StoreView {
  /// Whoever is told that a parameter answers now must find that it does: between a commit and the catalog that is read
  /// after it lies a moment.
  func takeCatalog() throws {
    guard !isUncommitted, try SearchCatalog.generation(reader) > store.catalog.generation else { return }
    store.catalogs.take(try SearchCatalog(reader, store.schema))
  }
}
