import Base
public import FHIRModel
public import FHIRSearch
import Storage

/// A range's resources as they are stored, with what the index says about them where that matters.
struct ReindexBatch: Sendable {
  struct Item: Sendable {
    let key: Int64
    let id: String
    let version: Int64
    let packed: [UInt8]
    /// What the index lacks; nil where the resource is indexed anew as a whole.
    let missing: Set<Int32>?
    /// What the index says, where the whole is made anew.
    let indexed: IndexedRows
  }

  let type: Schema.TypeID
  let typeName: String
  private(set) var items: [Item] = []

  private static let rows = Statement(
    """
    SELECT r.key, r.id, r.version, \(SQL.greatest)(r.indexed, t.generation), r.body
    FROM resource AS r\(SQL.byLiveIndex) \(SQL.join) type_index AS t ON t.type = r.type
    WHERE r.type = ? AND r.method <> 3 AND r.key > ? AND r.key <= ? ORDER BY r.key
    """)

  init(_ range: ReindexRange, _ catalog: SearchCatalog, _ view: StoreView) throws {
    let store = view.store
    type = range.type
    typeName = store.schema.name(range.type)
    let needed = catalog.needed(type)
    let binds: [SQLValue] = [.integer(store.numbers.number(type)), .integer(range.after), .integer(range.through)]
    items.reserveCapacity(range.count)
    try view.reader.query(Self.rows, binds) { row in
      let generation = row.integer(3)
      if generation >= needed { return true }
      let missing = catalog.missing(range.type, since: generation)
      let indexed = try missing == nil ? view.indexRows(of: row.integer(0)) : []
      items.append(
        Item(
          key: row.integer(0), id: row.text(1), version: row.integer(2), packed: row.blob(4), missing: missing,
          indexed: IndexedRows(rows: indexed, generation: generation)))
      return true
    }
  }
}

/// What the index must be told about a range's resources, in the order of their keys.
public struct ReindexRows: Sendable {
  /// One resource, with the version that says so.
  struct Resource: Sendable {
    let key: Int64
    let version: Int64
    var added: [IndexRow] = []
    var removed: [IndexRow] = []
    /// Why it cannot be indexed.
    var failure: String?
  }

  let range: ReindexRange
  var resources: ArraySlice<Resource>
  /// What making them took.
  var duration: Duration
}

extension FHIRStore {
  /// Reads a range's resources and asks what each says for search. Only one of them is unpacked at a time.
  /// - Parameter extract: what a resource says under some parameters, or all.
  public func reindexRows(
    _ range: ReindexRange, _ catalog: SearchCatalog,
    _ extract: @escaping @Sendable (ResourceBody, Schema.TypeID, _ only: Set<Int32>?) throws -> [IndexRow]
  ) async throws -> ReindexRows {
    let start = ContinuousClock.now
    guard range.count > 0 else { return ReindexRows(range: range, resources: [], duration: .zero) }
    let batch = try await faulting {
      try await database.read { reader in
        try ReindexBatch(range, catalog, StoreView(store: self, reader: reader, restriction: .none))
      }
    }
    var resources: [ReindexRows.Resource] = []
    resources.reserveCapacity(batch.items.count)
    for item in batch.items {
      try Task.checkCancellation()
      resources.append(resource(item, batch, extract))
      // Whatever else wants a thread has its turn.
      await Task.yield()
    }
    return ReindexRows(range: range, resources: resources[...], duration: .now - start)
  }

  private func resource(
    _ item: ReindexBatch.Item, _ batch: ReindexBatch,
    _ extract: (ResourceBody, Schema.TypeID, Set<Int32>?) throws -> [IndexRow]
  ) -> ReindexRows.Resource {
    var resource = ReindexRows.Resource(key: item.key, version: item.version)
    do {
      let body = ResourceBody(stored: try item.packed.withUnsafeBytes { try compression.decompress($0) })
      let rows = try extract(body, batch.type, item.missing)
      (resource.added, resource.removed) = item.missing == nil ? item.indexed.difference(to: rows) : (rows, [])
    } catch {
      let reason = (error as? Fault)?.reasons.first?.diagnostics ?? "The resource cannot be read."
      resource.failure = "\(batch.typeName)/\(item.id): \(reason)"
    }
    return resource
  }
}
