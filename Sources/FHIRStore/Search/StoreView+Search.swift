import FHIRModel
public import FHIRSearch
import Storage

/// One page of matches.
public struct SearchPage: Sendable {
  public var matches: [StoredVersion] = []
  /// How well they match a full-text search, between 0 and 1, by their keys; empty where there is none.
  public var scores: [Int64: Double] = [:]
  /// Where contained resources are searched: for each match the contained resource that it is for, if it is.
  public var contained: [ContainedMatch?] = []
  /// The last match's place when more follow.
  public var next: PagePosition?
  /// All matches, where asked for.
  public var total: Int?
  /// How the page was found, where asked for.
  public var explanation: SearchExplanation?

  public init() {}

  /// The last match's key: a contained resource has one of its own.
  public var lastKey: Int64? { contained.last.flatMap { $0?.key } ?? matches.last?.key }

  /// The page up to the match with a key; all of it where it has none such.
  public func through(_ key: Int64) -> SearchPage {
    let place = matches.indices.last { place in
      let inner = contained.indices.contains(place) ? contained[place]?.key : nil
      return (inner ?? matches[place].key) == key
    }
    guard let place else { return self }
    var page = self
    page.matches.removeLast(matches.count - place - 1)
    if !contained.isEmpty { page.contained.removeLast(contained.count - place - 1) }
    return page
  }
}

/// A contained resource that a search found.
public struct ContainedMatch: Sendable {
  /// See `ContainedKey`.
  let key: Int64
  let type: Int64
  /// Its id in the container; empty where it has none.
  public let id: String
  /// The resource, where it is wanted and not its container.
  public let json: [UInt8]?
}

extension StoreView {
  /// Values of a position in an order of the store's own (`isFree`).
  public static let freeOrderValues = SearchPlan.stretchValues

  /// One page of a search, in the order asked for; in order of creation where none is.
  /// - Parameters:
  ///   - after: the place behind which the page begins.
  ///   - count: the page's length; 0 gives none.
  ///   - bytesMax: a page whose resources reach this many bytes ends there.
  ///   - withTotal: whether to count all matches.
  ///   - isFree: whether any order will do where none is asked for; else it is the order of creation.
  public func search(
    _ query: SearchQuery, after: PagePosition? = nil, count: Int, bytesMax: Int, withTotal: Bool = false,
    isFree: Bool = true
  ) throws -> SearchPage {
    var page = SearchPage()
    var search = try Search(query, self)
    if withTotal { page.total = try search.total() }
    if count > 0 {
      let (rows, isLast) = try search.rows(
        after: after.map { try whole($0, search.order(of: $0.key)) }, limit: count, isFree: isFree)
      let began = ContinuousClock.now
      let (last, work) = try search.measured { try read(rows.map(\.key), query, into: &page, bytesMax: bytesMax) }
      search.trace.add("read the page's resources", rows: page.matches.count, work, since: began)
      if query.contained == .false {
        let scored = ContinuousClock.now
        let (scores, scoring) = try search.measured { try self.scores(query, page.matches) }
        page.scores = scores
        if !scores.isEmpty {
          search.trace.add("score the page's resources", rows: scores.count, scoring, since: scored)
        }
      }
      if let last, !isLast || page.matches.count < rows.count {
        page.next = rows.first { $0.key == last }
      }
    }
    if search.trace.isOn { page.explanation = search.trace.explanation }
    return page
  }

  /// The ids of the first matches, for conditional interactions.
  public func ids(_ query: SearchQuery, limit: Int) throws -> [String] {
    var search = try Search(query, self)
    let keys = try search.rows(after: nil, limit: limit).rows.map(\.key)
    var batch = RowBatch(columns: 1)
    for key in keys { batch.append(.integer(key)) }
    var ids: [String] = []
    try reader.query(Self.idRow, rows: batch) { _, row in ids.append(row.text(0)) }
    return ids
  }

  private static let idRow = Statement("SELECT id FROM resource WHERE key = ?")
  /// Resources read in one statement: all of them are in memory before the page is cut.
  private static let bodiesPerStatement = 20

  /// The newest versions of these resources, in this order; what reaches past `bytesMax` is left out, but never all.
  func current(keys: [Int64], bytesMax: Int) throws -> [StoredVersion] {
    var found: [StoredVersion] = []
    var bytes = 0
    for start in stride(from: 0, to: keys.count, by: Self.bodiesPerStatement) where bytes < bytesMax {
      let some = keys[start..<min(start + Self.bodiesPerStatement, keys.count)]
      let places = Dictionary(zip(some, 0...)) { first, _ in first }
      var read = [StoredVersion?](repeating: nil, count: some.count)
      let sql: SQL = """
        SELECT key, type, id, version, updated, method, body FROM resource
        WHERE key IN (\(list: some.map { .integer($0) })) AND method <> 3
        """
      try reader.query(sql) { row in
        guard let place = places[row.integer(0)], let type = store.numbers.types[row.integer(1)] else { return true }
        read[place] = try version(
          row, key: row.integer(0), type: type, id: row.text(2), version: row.integer(3), updated: row.integer(4),
          method: row.integer(5), bodyColumn: 6)
        return true
      }
      for case let version? in read where bytes < bytesMax {
        found.append(version)
        bytes += version.body?.bytes.count ?? 0
      }
    }
    return found
  }

  // MARK: Long texts in positions

  /// A position with its texts whole again, as long as its resource says the same.
  private func whole(_ position: PagePosition, _ order: PageOrder) throws -> PagePosition {
    var whole = position
    for (place, value) in position.values.enumerated() where place < order.keys.count {
      guard case .text(let text) = value, text.unicodeScalars.count >= PagePosition.textScalarsMax
      else { continue }
      let now = try reader.first("SELECT \(order.keys[place].value(of: "\(position.key)"))") { $0.text(0) }
      if let now, now.utf8.starts(with: text.utf8) { whole.values[place] = .text(now) }
    }
    return whole
  }
}
