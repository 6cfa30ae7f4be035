public import Base
public import FHIRModel
public import Storage

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
  public var isAscending = false
  /// The position behind which the page begins.
  public var after: Int64?
  /// The page's length.
  public var count: Int

  public init(count: Int) { self.count = count }
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

extension FHIRStore {
  /// Versions in commit order, newest first unless asked otherwise. nil where there never was such a resource.
  public func history(_ scope: HistoryScope, _ window: HistoryWindow, within restriction: Restriction) async throws
    -> HistoryPage?
  {
    try await database.read { try self.history(scope, window, within: restriction, $0) }
  }

  /// The same inside a transaction or snapshot.
  public func history(
    _ scope: HistoryScope, _ window: HistoryWindow, within restriction: Restriction, _ reader: any Reader
  ) throws -> HistoryPage? {
    guard let condition = try condition(scope, restriction, reader) else { return nil }
    var range: SQL = "\(condition)"
    if let since = window.since { range += " AND c.updated >= \(since.milliseconds)" }
    if let before = window.before { range += " AND c.updated < \(before.milliseconds)" }
    var page = HistoryPage()
    page.total = try reader.first("SELECT count(*) FROM change_log AS c WHERE \(range)") { Int($0.integer(0)) } ?? 0
    guard window.count > 0 else { return page }
    if let after = window.after {
      range += window.isAscending ? " AND c.position > \(after)" : " AND c.position < \(after)"
    }
    let order: SQL = window.isAscending ? "ASC" : "DESC"
    var last: Int64 = 0
    try reader.query(
      """
      SELECT c.position, c.key, c.type, r.id, c.version, c.updated,
             CASE WHEN r.version = c.version THEN r.method ELSE h.method END,
             CASE WHEN r.version = c.version THEN r.body ELSE h.body END
      FROM change_log AS c
      JOIN resource AS r ON r.key = c.key
      LEFT JOIN resource_history AS h ON h.key = c.key AND h.version = c.version
      WHERE \(range) AND (r.version = c.version OR h.version IS NOT NULL)
      ORDER BY c.position \(order) LIMIT \(window.count + 1)
      """
    ) { row in
      if page.versions.count == window.count {
        page.next = last
        return false
      }
      guard let type = numbers.types[row.integer(2)] else { return true }
      page.versions.append(
        try version(
          row, key: row.integer(1), type: type, id: row.text(3), version: row.integer(4), updated: row.integer(5),
          method: row.integer(6), bodyColumn: 7))
      last = row.integer(0)
      return true
    }
    return page
  }

  private func condition(_ scope: HistoryScope, _ restriction: Restriction, _ reader: any Reader) throws -> SQL? {
    switch scope {
    case .system:
      if restriction.isUnrestricted { return "1 = 1" }
      let visible = schema.resourceTypes.filter { restriction.allows($0) }
      return "c.type IN (\(list: visible.map { .integer(numbers.number($0)) }))"
    case .type(let type):
      return restriction.allows(type) ? "c.type = \(numbers.number(type))" : "1 = 0"
    case .instance(let type, let id):
      guard let newest = try current(type, id, within: restriction, reader) else { return nil }
      return "c.key = \(newest.key)"
    }
  }
}
