import Base
import FHIRModel
public import FHIRSearch
import Storage

/// What the index says about a resource, and the catalog's generation that it is of.
public struct IndexedRows: Sendable {
  public let rows: [IndexRow]
  let generation: Int64
}

extension StoreView {
  private static let indexedRow = Statement(
    """
    SELECT \(SQL.greatest)(r.indexed, CASE WHEN r.key <= t.through THEN t.next ELSE t.generation END)
    FROM resource AS r JOIN type_index AS t ON t.type = r.type WHERE r.key = ?
    """)
  private static let tokens = Statement("SELECT parameter, system, code FROM index_token WHERE key = ?")
  private static let strings = Statement("SELECT parameter, folded, text, several FROM index_string WHERE key = ?")
  private static let references = Statement("SELECT parameter, type, id FROM index_reference WHERE key = ?")
  private static let dates = Statement("SELECT parameter, class, low, high FROM index_date WHERE key = ?")
  private static let numbers = Statement("SELECT parameter, class, low, high FROM index_number WHERE key = ?")
  private static let quantities = Statement(
    "SELECT parameter, system, code, class, low, high FROM index_quantity WHERE key = ?")
  private static let uris = Statement("SELECT parameter, value FROM index_uri WHERE key = ?")
  private static let composites = Statement(
    """
    SELECT parameter, system1, code1, system2, text2, low2, high2, low3, high3 FROM index_composite WHERE key = ?
    """)
  private static let positions = Statement("SELECT parameter, latitude, longitude FROM index_position WHERE key = ?")
  private static let missing = Statement("SELECT parameter FROM index_missing WHERE key = ?")
  private static let contained = Statement(
    "SELECT key, container, type, id FROM contained WHERE key >= ? AND key < ?")
  private static let systemRow = Statement("SELECT uri FROM system WHERE number = ?")

  /// What the index says about a resource. It may be a mixture of two versions' rows where the view is no snapshot; a
  /// change that is built upon it is checked when it is written.
  public func indexed(_ resource: StoredVersion) throws -> IndexedRows {
    if let known = foresight?.indexed(resource) { return known }
    return try indexed([resource]).first ?? IndexedRows(rows: [], generation: 0)
  }

  /// The same for several resources, in one round trip.
  func indexed(_ resources: [StoredVersion]) throws -> [IndexedRows] {
    var generations = [Int64](repeating: 0, count: resources.count)
    var keys = RowBatch(columns: 1)
    for resource in resources { keys.append(.integer(resource.key)) }
    // The generation is read first: rows written in between belong to a later one, which the check then finds.
    let rows = try indexRows(
      of: resources.filter { !$0.isDeleted }.map(\.key), behind: Question(Self.indexedRow, rows: keys)
    ) { generations[$0] = $1.integer(0) }
    return zip(resources, generations).map { IndexedRows(rows: rows[$0.key] ?? [], generation: $1) }
  }

  /// The index rows of a resource, as they were extracted, with those of what it contains.
  func indexRows(of key: Int64) throws -> [IndexRow] { try indexRows(of: [key])[key] ?? [] }

  /// The index rows of resources by their keys.
  /// - Parameter first: what is asked before, in the same round trip, with what takes its rows.
  private func indexRows(
    of keys: [Int64], behind first: Question? = nil, _ take: (Int, any Row) throws -> Void = { _, _ in }
  ) throws -> [Int64: [IndexRow]] {
    var found: [Int64: [IndexRow]] = [:]
    var contained: [(key: Int64, place: Int, container: Int64)] = []
    var ranges = RowBatch(columns: 2)
    for key in keys {
      ranges.append(.integer(ContainedKey.key(key, place: 0)), .integer(ContainedKey.key(key + 1, place: 0)))
    }
    let own = keys.isEmpty ? [] : Self.questions(keys) + [Question(Self.contained, rows: ranges)]
    let offset = first == nil ? 0 : 1
    try reader.query((first.map { [$0] } ?? []) + own) { question, index, row in
      let table = question - offset
      if table < 0 { return try take(index, row) }
      if table < Self.tables.count {
        found[keys[index], default: []].append(try indexRow(table, row))
        return
      }
      let place = ContainedKey.place(of: row.integer(0))
      contained.append((row.integer(0), place, keys[index]))
      found[keys[index], default: []].append(
        .contained(
          place: place, container: typeName(row.integer(1)) ?? "", type: typeName(row.integer(2)) ?? "", id: row.text(3)
        ))
    }
    if contained.isEmpty { return found }
    try reader.query(Self.questions(contained.map(\.key))) { table, index, row in
      let (_, place, container) = contained[index]
      found[container, default: []].append(.within(place: place, try indexRow(table, row)))
    }
    return found
  }

  private static let tables = [
    tokens, strings, references, dates, numbers, quantities, uris, composites, positions, missing,
  ]

  private static func questions(_ keys: [Int64]) -> [Question] {
    var rows = RowBatch(columns: 1)
    for key in keys { rows.append(.integer(key)) }
    return tables.map { Question($0, rows: rows) }
  }

  /// A row of one of the tables.
  private func indexRow(_ table: Int, _ row: any Row) throws -> IndexRow {
    let parameter = row.int32(0)
    return switch table {
    case 0: .token(parameter: parameter, system: try uri(row.integer(1)), code: row.text(2))
    case 1: .string(parameter: parameter, folded: row.text(1), text: row.text(2), several: row.integer(3) != 0)
    case 2: .reference(parameter: parameter, type: typeName(row.integer(1)) ?? "", id: row.text(2))
    case 3:
      .date(
        parameter: parameter, low: row.integer(2), high: row.integer(3),
        several: row.integer(1) >= DateClass.several[0].rawValue)
    case 4:
      .number(
        parameter: parameter, low: row.real(2), high: row.real(3),
        several: NumberClass(rawValue: row.integer(1)).isOneOfSeveral)
    case 5:
      .quantity(
        parameter: parameter, system: try uri(row.integer(1)), code: row.text(2), low: row.real(4), high: row.real(5),
        several: NumberClass(rawValue: row.integer(3)).isOneOfSeveral)
    case 6: .uri(parameter: parameter, value: row.text(1))
    case 7: .composite(try composite(row))
    case 8: .position(parameter: parameter, latitude: row.real(1), longitude: row.real(2))
    default: .missing(parameter: parameter)
    }
  }

  private func composite(_ row: any Row) throws -> CompositeRow {
    var composite = CompositeRow(parameter: row.int32(0))
    let first = row.integer(1)
    composite.system1 = first < 0 ? typeName(-first) ?? "" : try uri(first)
    composite.code1 = row.text(2)
    let second = row.integer(3)
    composite.system2 = try uri(second < 0 ? -1 - second : second)
    composite.text2 = row.text(4)
    composite.bounds2 = Self.bounds(row.value(5), row.value(6))
    composite.bounds3 = Self.bounds(row.value(7), row.value(8))
    return composite
  }

  private static func bounds(_ low: SQLValue, _ high: SQLValue) -> CompositeRow.Bounds {
    switch (low, high) {
    case (.integer(let low), .integer(let high)): .date(low: low, high: high)
    case (.real(let low), .real(let high)): .number(low: low, high: high)
    case (.blob(let low), .blob(let high)): CompositeBound.bounds(low, high)
    default: .none
    }
  }

  private func typeName(_ number: Int64) -> String? {
    store.numbers.types[number].map { store.schema.name($0) }
  }

  private func uri(_ number: Int64) throws -> String {
    if let known = store.numbers.systemURI(number) { return known }
    guard let uri = try reader.first(Self.systemRow, [.integer(number)], { $0.text(0) }) else { return "" }
    // Another process added it. What a transaction of our own added may be taken back yet.
    if !isUncommitted { store.numbers.merge(StoreNumbers.Grown(systems: [uri: number])) }
    return uri
  }
}

extension Row {
  fileprivate func int32(_ column: Int) -> Int32 { Int32(truncatingIfNeeded: integer(column)) }
}
