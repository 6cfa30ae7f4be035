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
