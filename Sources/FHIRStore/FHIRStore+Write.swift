import Base
import FHIRSearch
import Storage

extension FHIRStore {
  private static let newestRow = Statement(
    """
    SELECT (SELECT coalesce(max(key), 0) FROM resource),
           (SELECT updated FROM change_log ORDER BY position DESC LIMIT 1)
    """)
  private static let basisRow = Statement("SELECT key, version FROM resource WHERE type = ? AND id = ?")
  private static let insertResource = Statement(
    "INSERT INTO resource (key, type, id, version, updated, method, body) VALUES (?, ?, ?, ?, ?, ?, ?)")
  private static let keepHistory = Statement(
    """
    INSERT INTO resource_history (key, version, updated, method, body)
    SELECT key, version, updated, method, body FROM resource WHERE key = ?
    """)
  private static let updateResource = Statement(
    "UPDATE resource SET version = ?, updated = ?, method = ?, body = ? WHERE key = ?")
  private static let insertChange = Statement(
    "INSERT INTO change_log (key, type, version, updated) VALUES (?, ?, ?, ?)")

  /// Writes changes in one transaction; all of them or none. Returns when they are on the disk.
  ///
  /// `prepare` builds the changes from what it sees. It runs first outside the writer; if what it was built upon has
  /// changed by the time of the transaction, it runs again inside it, where nothing can change.
  public func write<R: Sendable>(
    within restriction: Restriction, preparing prepare: @escaping @Sendable (StoreView) throws -> Prepared<R>
  ) async throws -> R {
    let prepared = try point(within: restriction, prepare)
    if prepared.changes.isEmpty { return try prepared.finish([]) }
    do {
      return try await writeInside(within: restriction) { scope in
        for guarded in prepared.guards where try !guarded(scope.view) { throw StaleBasis() }
        return try prepared.finish(scope.apply(prepared.changes))
      }
    } catch is StaleBasis {
      return try await writeInside(within: restriction) { scope in
        let prepared = try prepare(scope.view)
        return try prepared.finish(scope.apply(prepared.changes))
      }
    }
  }

  /// Writes changes that a transaction prepares from its own view: for bundles whose entries depend on each other.
  public func writeInside<R: Sendable>(
    within restriction: Restriction, _ body: @escaping @Sendable (WriteScope) throws -> R
  ) async throws -> R {
    let (result, grown) = try await faulting {
      try await database.write { transaction in
        let scope = WriteScope(store: self, transaction: transaction, restriction: restriction)
        let result = try body(scope)
        return (result, scope.grown)
      }
    }
    for added in grown { numbers.merge(added) }
    return result
  }

  /// Checks and writes inside a transaction.
  func apply(_ changes: [Change], in transaction: any Transaction) throws -> ([Committed], StoreNumbers.Grown) {
    let bases = try bases(of: changes, in: transaction)
    let (lastKey, lastUpdated) = try transaction.first(Self.newestRow) { ($0.integer(0), $0.integer(1)) } ?? (0, 0)
    // The order of commits is the order of lastUpdated, whatever the clock does.
    let updated = max(clock.now().milliseconds, lastUpdated)
    var committed: [Committed] = []
    committed.reserveCapacity(changes.count)
    var inserts = RowBatch(columns: 7)
    var kept = RowBatch(columns: 1)
    var updates = RowBatch(columns: 5)
    var log = RowBatch(columns: 4)
    var index = IndexWriter(numbers)
    var nextKey = lastKey
    for (place, change) in changes.enumerated() {
      let type = numbers.number(change.type)
      let body: SQLValue = change.packed.map { .blob($0) } ?? .null
      let key: Int64
      let version: Int64
      if let basis = bases[place] {
        key = basis.key
        version = basis.version + 1
        kept.append(.integer(key))
        updates.append(.integer(version), .integer(updated), .integer(change.method.rawValue), body, .integer(key))
      } else {
        nextKey += 1
        key = nextKey
        version = 1
        inserts.append(
          .integer(key), .integer(type), .text(change.id), .integer(version), .integer(updated),
          .integer(change.method.rawValue), body)
      }
      log.append(.integer(key), .integer(type), .integer(version), .integer(updated))
      try index.remove(change.removed, key: key, in: transaction)
      try index.add(change.added, key: key, in: transaction)
      committed.append(
        Committed(change: change, key: key, version: version, updated: Instant(milliseconds: updated)))
    }
    if !kept.isEmpty { try transaction.execute(Self.keepHistory, rows: kept) }
    if !updates.isEmpty { try transaction.execute(Self.updateResource, rows: updates) }
    if !inserts.isEmpty { try transaction.execute(Self.insertResource, rows: inserts) }
    try transaction.execute(Self.insertChange, rows: log)
    try index.flush(in: transaction)
    return (committed, index.grown)
  }

  /// For each change the row it supersedes, nil where it creates one.
  private func bases(of changes: [Change], in transaction: any Transaction) throws
    -> [(key: Int64, version: Int64)?]
  {
    var bases: [(key: Int64, version: Int64)?] = Array(repeating: nil, count: changes.count)
    var asked: [Int] = []
    var rows = RowBatch(columns: 2)
    for (place, change) in changes.enumerated() where change.basis != .new {
      asked.append(place)
      rows.append(.integer(numbers.number(change.type)), .text(change.id))
    }
    guard !asked.isEmpty else { return bases }
    try transaction.query(Self.basisRow, rows: rows) { index, row in
      bases[asked[index]] = (row.integer(0), row.integer(1))
    }
    for place in asked {
      switch (changes[place].basis, bases[place]) {
      case (.absent, nil): continue
      case (.version(let key, let version), .some(let found)) where found == (key, version): continue
      default: throw StaleBasis()
      }
    }
    return bases
  }
}

/// Changes, and what to make of their outcome.
public struct Prepared<R: Sendable>: Sendable {
  public let changes: [Change]
  /// What else the changes were built upon, such as a search that found nothing: asked again inside the transaction.
  public let guards: [@Sendable (StoreView) throws -> Bool]
  /// Makes the result from what was committed, one for each change, in order.
  public let finish: @Sendable ([Committed]) throws -> R

  public init(
    _ changes: [Change], guards: [@Sendable (StoreView) throws -> Bool] = [],
    finish: @escaping @Sendable ([Committed]) throws -> R
  ) {
    self.changes = changes
    self.guards = guards
    self.finish = finish
  }
}

/// A transaction under way: what its view shows is what it has written so far.
public final class WriteScope {
  public let view: StoreView
  private let transaction: any Transaction
  fileprivate var grown: [StoreNumbers.Grown] = []

  init(store: FHIRStore, transaction: any Transaction, restriction: Restriction) {
    self.view = StoreView(store: store, reader: transaction, restriction: restriction)
    self.transaction = transaction
  }

  /// Writes changes built from this transaction's view.
  /// - Throws: `StaleBasis` if they were built from another.
  public func apply(_ changes: [Change]) throws -> [Committed] {
    if changes.isEmpty { return [] }
    let (committed, added) = try view.store.apply(changes, in: transaction)
    grown.append(added)
    return committed
  }
}
