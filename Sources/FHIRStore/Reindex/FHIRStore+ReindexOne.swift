public import FHIRSearch
import Base
import Storage

extension FHIRStore {
  private static let setIndexed = Statement("UPDATE resource SET indexed = ? WHERE key = ?")

  /// Indexes one resource anew.
  /// - Parameter rows: what it says under the parameters of `catalog`.
  /// - Returns: false where the resource, its index or the parameters changed meanwhile; nothing is written then.
  public func reindex(
    _ resource: StoredVersion, _ indexed: IndexedRows, rows: [IndexRow], for catalog: SearchCatalog
  ) async throws -> Bool {
    var anew = ReindexRows.Resource(key: resource.key, version: resource.version)
    (anew.added, anew.removed) = indexed.difference(to: rows)
    let result = anew
    let grown: StoreNumbers.Grown? = try await faulting {
      try await database.write { transaction in
        let view = StoreView(store: self, reader: transaction, restriction: .none)
        guard try SearchCatalog.generation(transaction) == catalog.generation,
          let now = try view.current(resource.type, resource.id), now.version == resource.version, !now.isDeleted,
          try view.indexed(now).generation == indexed.generation
        else { return nil }
        let grown = try self.index([result], transaction)
        try transaction.execute(Self.setIndexed, [.integer(catalog.generation), .integer(resource.key)])
        return grown
      }
    }
    if let grown { numbers.merge(grown) } else { try await refreshCatalog() }
    return grown != nil
  }
}
