public import Base
public import FHIRModel
import Storage

/// What a history is of (FHIR R4 http#history).
public enum HistoryScope: Sendable {
  case system
  case type(Schema.TypeID)
  case instance(Schema.TypeID, id: String)
}

/// Which versions of a history are wanted.
public struct HistoryWindow: Sendable {
  /// Versions at or after this instant.
  public var since: Instant?
  /// Versions before this instant.
  public var before: Instant?
  /// Versions that were the newest at some time from the first to the second instant, both inclusive.
  public var current: ClosedRange<Instant>?
  public var isAscending = false
  /// The position behind which the page begins.
  public var after: Int64?
  /// The page's length.
  public var count: Int
  /// A page whose resources reach this many bytes ends there.
  public var bytesMax: Int

  public init(count: Int, bytesMax: Int) {
    self.count = count
    self.bytesMax = bytesMax
  }
}

/// One page of a history.
public struct HistoryPage: Sendable {
  public var versions: [StoredVersion] = []
  /// The last version's position when more follow.
  public var next: Int64?
  /// All versions in the window.
  public var total = 0

  public init() {}
}

extension StoreView {
  /// Versions in commit order, newest first unless asked otherwise. nil where there never was such a resource.
  public func history(_ scope: HistoryScope, _ window: HistoryWindow) throws -> HistoryPage? {
    guard let source = try source(scope) else { return nil }
    var range: SQL = "1 = 1"
    if let current = window.current {
      // A version is the newest until its successor's time; of several in one millisecond only the last one is.
      range += """
         AND v.updated <= \(current.upperBound.milliseconds) AND coalesce(
        (SELECT h.updated FROM resource_history AS h WHERE h.key = v.key AND h.version > v.version
         ORDER BY h.version LIMIT 1),
        (SELECT r.updated FROM resource AS r WHERE r.key = v.key AND r.version > v.version),
        \(Int64.max)) > \(current.lowerBound.milliseconds)
        """
    }
    if let since = window.since { range += " AND v.updated >= \(since.milliseconds)" }
    if let before = window.before { range += " AND v.updated < \(before.milliseconds)" }
    var page = HistoryPage()
    page.total = try reader.first("SELECT count(*) FROM (\(source)) AS v WHERE \(range)") { Int($0.integer(0)) } ?? 0
    guard window.count > 0 else { return page }
    if let after = window.after {
      range += window.isAscending ? " AND v.position > \(after)" : " AND v.position < \(after)"
    }
    let order: SQL = window.isAscending ? "ASC" : "DESC"
    var last: Int64 = 0
    var bytes = 0
    try reader.query(
      """
      SELECT c.position, c.key, c.type, r.id, c.version, c.updated,
             CASE WHEN r.version = c.version THEN r.method ELSE h.method END,
             CASE WHEN r.version = c.version THEN r.body ELSE h.body END
      FROM (SELECT * FROM (\(source)) AS v WHERE \(range) ORDER BY v.position \(order) LIMIT \(window.count + 1)) AS c
      JOIN resource AS r ON r.key = c.key
      LEFT JOIN resource_history AS h ON h.key = c.key AND h.version = c.version
      ORDER BY c.position \(order)
      """
    ) { row in
      if page.versions.count == window.count || bytes >= window.bytesMax {
        page.next = last
        return false
      }
      guard let type = store.numbers.types[row.integer(2)] else { return true }
      page.versions.append(
        try version(
          row, key: row.integer(1), type: type, id: row.text(3), version: row.integer(4), updated: row.integer(5),
          method: row.integer(6), bodyColumn: 7))
      last = row.integer(0)
      bytes += page.versions.last?.body?.bytes.count ?? 0
      return true
    }
    return page
  }

  /// The versions of a scope as (position, key, type, version, updated). A resource's own history is in its rows,
  /// where the version is the position; the others are in the change log.
  private func source(_ scope: HistoryScope) throws -> SQL? {
    switch scope {
    case .system:
      let isFound = try isFound(type: "change_log.type", key: "change_log.key")
      return "SELECT position, key, type, version, updated FROM change_log WHERE \(isFound) AND version > 0"
    case .type(let type):
      let extent = restriction.extent(type)
      let visible: [SQLValue] = extent.isSomething ? [.integer(store.numbers.number(type))] : []
      let isFound = try extent.criterion.map { try TermCompiler(self).term($0, type).probe("change_log.key") }
      return """
        SELECT position, key, type, version, updated FROM change_log
        WHERE type IN (\(list: visible)) AND version > 0 AND \(isFound ?? "1 = 1")
        """
    case .instance(let type, let id):
      guard let newest = try current(type, id) else { return nil }
      return """
        SELECT version AS position, key, \(store.numbers.number(type)) AS type, version, updated FROM resource_history
        WHERE key = \(newest.key)
        UNION ALL
        SELECT version, key, type, version, updated FROM resource WHERE key = \(newest.key)
        """
    }
  }
}
