import Base
import FHIRModel
import FHIRSearch
import Storage

/// Writes changes inside a transaction: checks what they were built upon, then one set of rows for each table.
struct ChangeWriter {
  private static let newestRow = Statement(
    """
    SELECT \(SQL.greatest)((SELECT coalesce(max(key), 0) FROM resource),
               (SELECT coalesce(max(\(SettingColumn.number)), 0) \
    FROM setting WHERE name = 'purged-key')), position, updated
    FROM change_log ORDER BY position DESC LIMIT 1
    """)
  private static let basisRow = Statement(
    """
    SELECT r.key, r.version, r.method,\
     \(SQL.greatest)(r.indexed, CASE WHEN r.key <= t.through THEN t.next ELSE t.generation END)
    FROM resource AS r JOIN type_index AS t ON t.type = r.type WHERE r.type = ? AND r.id = ?
    """)
  private static let insertResource = Statement(
    """
    INSERT INTO resource (key, type, id, version, updated, method, position, indexed, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    """)
  private static let keepHistory = Statement(
    """
    INSERT INTO resource_history (key, version, updated, method, position, body)
    SELECT key, version, updated, method, position, body FROM resource WHERE key = ?
    """)
  private static let updateResource = Statement(
    "UPDATE resource SET version = ?, updated = ?, method = ?, position = ?, indexed = ?, body = ? WHERE key = ?")
  private static let insertChange = Statement(
    "INSERT INTO change_log (position, key, type, version, updated) VALUES (?, ?, ?, ?, ?)")
  private static let forgetNewest = Statement(
    "DELETE FROM change_log WHERE position = (SELECT position FROM resource WHERE key = ?)")
  private static let forgetHistory = Statement(
    "DELETE FROM change_log WHERE position IN (SELECT position FROM resource_history WHERE key = ?)")
  private static let deleteHistory = Statement("DELETE FROM resource_history WHERE key = ?")
  /// A key is never given twice, even if the newest resource goes for good.
  private static let rememberKey = Statement(
    sqlite: """
      INSERT INTO setting (name, value) VALUES ('purged-key', ?)
      ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)
      """,
    postgreSQL: """
      INSERT INTO setting (name, number) VALUES ('purged-key', ?)
      ON CONFLICT (name) DO UPDATE SET number = greatest(setting.number, excluded.number)
      """)
  private static let deleteResource = Statement("DELETE FROM resource WHERE key = ?")
  private static let addCount = Statement(
    sqlite: """
      INSERT INTO resource_count (type, live) VALUES (?, ?)
      ON CONFLICT (type) DO UPDATE SET live = live + excluded.live
      """,
    postgreSQL: """
      INSERT INTO resource_count (type, live) VALUES (?, ?)
      ON CONFLICT (type) DO UPDATE SET live = resource_count.live + excluded.live
      """)

  private let store: FHIRStore
  /// The catalog's generation at the beginning of the transaction: changes must be extracted for it.
  private(set) var generation: Int64?
  private var index: IndexWriter
  /// How many resources of a type there are more than before.
  private var counts: [Schema.TypeID: Int64] = [:]
  private var inserts = RowBatch(columns: 9)
  private var updates = RowBatch(columns: 7)
  private var log = RowBatch(columns: 5)
  /// Keys of resources whose newest version goes to the history, is replaced, loses its history, or goes for good.
  private var kept = RowBatch(columns: 1)
  private var replaced = RowBatch(columns: 1)
  private var historyPurged = RowBatch(columns: 1)
  private var purged = RowBatch(columns: 1)

  /// - Parameters:
  ///   - generation: nil where it is not known yet.
  ///   - trustsNew: see `IndexWriter`.
  init(_ store: FHIRStore, generation: Int64?, trustsNew: Bool) {
    self.store = store
    self.generation = generation
    self.index = IndexWriter(store.numbers, trustsNew: trustsNew)
  }

  /// Numbers given on the way; they hold once the transaction is committed.
  var grown: StoreNumbers.Grown { index.grown }
  /// Whether search parameters came, went or changed.
  private(set) var changesCatalog = false

  /// - Throws: `StaleBasis` if a change was built upon something else than what stands, `StaleCatalog` if it was
  ///   extracted for other search parameters.
  mutating func write(_ changes: [Change], in transaction: any Transaction) throws -> [Committed] {
    let systems = index.unknownSystems(changes)
    let (bases, newest, generation) = try basis(of: changes, systems, in: transaction)
    var (key, position, last) = newest
    try index.addSystems(systems.uris, in: transaction)
    // The order of commits is the order of lastUpdated, whatever the clock does.
    let updated = max(store.clock.now().milliseconds, last)
    var committed: [Committed] = []
    committed.reserveCapacity(changes.count)
    for (place, change) in changes.enumerated() {
      position += 1
      if bases[place] == nil { key += 1 }
      let basis = bases[place] ?? Basis(key: key, version: 0, isLive: false)
      count(change, from: basis)
      let version = collect(change, generation, key: basis.key, superseding: basis.version, updated, position)
      try index.remove(change.removed, key: basis.key, in: transaction)
      try index.add(change.added, key: basis.key, isNew: bases[place] == nil, in: transaction)
      committed.append(
        Committed(change: change, key: basis.key, version: version, updated: Instant(milliseconds: updated)))
    }
    let parameters = try SearchParameterWriter(committed.map { ($0.change, $0.key) }, store, transaction)
    try flush(in: transaction)
    if let parameters {
      try parameters.apply()
      changesCatalog = true
    }
    return committed
  }

  /// Adds a change's rows; the result is the version it makes or leaves.
  private mutating func collect(
    _ change: Change, _ generation: Int64, key: Int64, superseding old: Int64, _ updated: Int64, _ position: Int64
  ) -> Int64 {
    let type = store.numbers.number(change.type)
    let body: SQLValue = change.packed.map { .blob($0) } ?? .null
    let indexed = SQLValue.integer(change.generation ?? generation)
    switch change.effect {
    case .purge, .historyPurge:
      if change.effect == .purge { purged.push(.integer(key)) } else { historyPurged.push(.integer(key)) }
      log.append(.integer(position), .integer(key), .integer(type), .integer(0), .integer(updated))
      return old
    case .version, .replacement:
      let version = old + 1
      if old == 0 {
        inserts.append(
          .integer(key), .integer(type), .text(change.id), .integer(version), .integer(updated),
          .integer(change.method.rawValue), .integer(position), indexed, body)
      } else {
        if change.effect == .version { kept.push(.integer(key)) } else { replaced.push(.integer(key)) }
        updates.append(
          .integer(version), .integer(updated), .integer(change.method.rawValue), .integer(position), indexed, body,
          .integer(key))
      }
      log.append(.integer(position), .integer(key), .integer(type), .integer(version), .integer(updated))
      return version
    }
  }

  private mutating func flush(in transaction: any Transaction) throws {
    for (statement, rows) in [
      (Self.keepHistory, kept), (Self.forgetNewest, replaced), (Self.updateResource, updates),
      (Self.insertResource, inserts), (Self.forgetHistory, historyPurged), (Self.deleteHistory, historyPurged),
      (Self.forgetHistory, purged), (Self.forgetNewest, purged), (Self.deleteHistory, purged),
      (Self.deleteResource, purged), (Self.rememberKey, purged), (Self.insertChange, log),
    ] where !rows.isEmpty {
      try transaction.send(statement, rows: rows)
    }
    var live = RowBatch(columns: 2)
    for (type, difference) in counts where difference != 0 {
      live.append(.integer(store.numbers.number(type)), .integer(difference))
    }
    if !live.isEmpty { try transaction.send(Self.addCount, rows: live) }
    try index.flush(in: transaction)
  }

  /// The row a change supersedes; version 0 where it creates one.
  private struct Basis {
    let key: Int64
    let version: Int64
    let isLive: Bool
    /// The generation of its index rows.
    var generation: Int64 = 0
  }

  private mutating func count(_ change: Change, from basis: Basis) {
    let isLive =
      switch change.effect {
      case .version, .replacement: change.method != .delete
      case .historyPurge: basis.isLive
      case .purge: false
      }
    counts[change.type, default: 0] += (isLive ? 1 : 0) - (basis.isLive ? 1 : 0)
  }

  private typealias Newest = (key: Int64, position: Int64, updated: Int64)

  /// All that must be known before anything is written, in one round trip: for each change the row it supersedes, nil
  /// where it creates one; the newest row of all; the catalog's generation; numbers of systems.
  private mutating func basis(
    of changes: [Change], _ systems: (uris: [String], question: Question?), in transaction: any Transaction
  ) throws
    -> (bases: [Basis?], newest: Newest, generation: Int64)
  {
    var bases: [Basis?] = Array(repeating: nil, count: changes.count)
    var asked: [Int] = []
    var rows = RowBatch(columns: 2)
    for (place, change) in changes.enumerated() where change.basis != .new {
      asked.append(place)
      rows.append(.integer(store.numbers.number(change.type)), .text(change.id))
    }
    var found = generation ?? 0
    var newest: Newest = (0, 0, 0)
    let questions = [
      generation == nil ? SearchCatalog.generationQuestion : nil, Question(Self.newestRow),
      rows.isEmpty ? nil : Question(Self.basisRow, rows: rows), systems.question,
    ]
    let places = questions.indices.filter { questions[$0] != nil }
    try transaction.query(questions.compactMap { $0 }) { question, row, values in
      switch places[question] {
      case 0: found = values.integer(0)
      case 1: newest = (values.integer(0), values.integer(1), values.integer(2))
      case 2:
        bases[asked[row]] = Basis(
          key: values.integer(0), version: values.integer(1),
          isLive: values.integer(2) != WriteMethod.delete.rawValue, generation: values.integer(3))
      default: index.learn(systems.uris[row], values.integer(0))
      }
    }
    generation = found
    guard changes.allSatisfy({ $0.generation == nil || $0.generation == found }) else { throw StaleCatalog() }
    for place in asked where !Self.stands(changes[place], bases[place]) { throw StaleBasis() }
    return (bases, newest, found)
  }

  /// Whether what a change was built upon is what there is.
  private static func stands(_ change: Change, _ basis: Basis?) -> Bool {
    switch (change.basis, basis) {
    case (.absent, nil): true
    case (.version(let key, let version), .some(let found)) where found.key == key && found.version == version:
      // A reindex job may have written rows since they were compared.
      change.comparedGeneration == nil || change.comparedGeneration == found.generation
    default: false
    }
  }
}
