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
    // The generation is read first: rows written in between belong to a later one, which the check then finds.
    let generation = try reader.first(Self.indexedRow, [.integer(resource.key)]) { $0.integer(0) } ?? 0
    guard !resource.isDeleted else { return IndexedRows(rows: [], generation: generation) }
    return IndexedRows(rows: try indexRows(of: resource.key), generation: generation)
  }

  /// The index rows of a resource, as they were extracted, with those of what it contains.
  func indexRows(of key: Int64) throws -> [IndexRow] {
    var rows = try ownRows(of: key)
    let range = [SQLValue.integer(ContainedKey.key(key, place: 0)), .integer(ContainedKey.key(key + 1, place: 0))]
    let contained = try reader.all(Self.contained, range) { row in
      let (key, place) = (row.integer(0), ContainedKey.place(of: row.integer(0)))
      let (container, type) = (typeName(row.integer(1)) ?? "", typeName(row.integer(2)) ?? "")
      return (key, place, IndexRow.contained(place: place, container: container, type: type, id: row.text(3)))
    }
    for (key, place, resource) in contained {
      rows.append(resource)
      for row in try ownRows(of: key) { rows.append(.within(place: place, row)) }
    }
    return rows
  }

  /// The index rows under one key.
  private func ownRows(of key: Int64) throws -> [IndexRow] {
    var rows: [IndexRow] = []
    rows.reserveCapacity(48)
    let key = [SQLValue.integer(key)]
    func read(_ statement: Statement, _ make: (any Row) throws -> IndexRow) throws {
      try reader.query(statement, key) { row in
        rows.append(try make(row))
        return true
      }
    }
    try read(Self.tokens) { .token(parameter: $0.int32(0), system: try uri($0.integer(1)), code: $0.text(2)) }
    try read(Self.strings) {
      .string(parameter: $0.int32(0), folded: $0.text(1), text: $0.text(2), several: $0.integer(3) != 0)
    }
    try read(Self.references) {
      .reference(parameter: $0.int32(0), type: typeName($0.integer(1)) ?? "", id: $0.text(2))
    }
    try read(Self.dates) {
      .date(
        parameter: $0.int32(0), low: $0.integer(2), high: $0.integer(3),
        several: $0.integer(1) >= DateClass.several[0].rawValue)
    }
    try read(Self.numbers) {
      .number(
        parameter: $0.int32(0), low: $0.real(2), high: $0.real(3),
        several: NumberClass(rawValue: $0.integer(1)).isOneOfSeveral)
    }
    try read(Self.quantities) {
      .quantity(
        parameter: $0.int32(0), system: try uri($0.integer(1)), code: $0.text(2), low: $0.real(4), high: $0.real(5),
        several: NumberClass(rawValue: $0.integer(3)).isOneOfSeveral)
    }
    try read(Self.uris) { .uri(parameter: $0.int32(0), value: $0.text(1)) }
    try read(Self.composites) { .composite(try composite($0)) }
    try read(Self.positions) { .position(parameter: $0.int32(0), latitude: $0.real(1), longitude: $0.real(2)) }
    try read(Self.missing) { .missing(parameter: $0.int32(0)) }
    return rows
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
    return try reader.first(Self.systemRow, [.integer(number)]) { $0.text(0) } ?? ""
  }
}

extension Row {
  fileprivate func int32(_ column: Int) -> Int32 { Int32(truncatingIfNeeded: integer(column)) }
}
