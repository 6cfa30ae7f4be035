import FHIRModel
import FHIRSearch
import Storage

/// Turns index rows into parameter rows for the index tables, one batch for each table, sorted by key so that a
/// bundle's rows go into the trees in order.
struct IndexWriter {
  private var batches: [Batch]
  private let numbers: StoreNumbers
  /// Rows of a new resource go in unasked. To ask for each row whether it is there makes an insert a third dearer on
  /// PostgreSQL, and costs SQLite nothing.
  private let trustsNew: Bool
  private(set) var grown: StoreNumbers.Grown
  /// What the dictionaries of parameters' systems and units have to know besides.
  private var newSystems = RowBatch(columns: 2)
  private var newUnits = RowBatch(columns: 4)

  private struct Batch {
    let insert: Statement
    let insertFresh: Statement
    let delete: Statement
    /// Rows of resources that had some before, and of new ones.
    var added: RowBatch
    var fresh: RowBatch
    var removed: RowBatch

    init(_ insert: Insert, _ delete: Statement, columns: Int, removed: Int) {
      self.insert = insert.careful
      insertFresh = insert.fresh
      self.delete = delete
      added = RowBatch(columns: columns)
      fresh = RowBatch(columns: columns)
      self.removed = RowBatch(columns: removed)
    }
  }

  /// `table (columns) VALUES (…)`, for rows that may be there already, and for those that are not.
  private struct Insert {
    let careful: Statement
    let fresh: Statement

    init(_ rows: SQL) {
      careful = Statement.insertNew(rows)
      fresh = Statement("INSERT INTO \(rows)")
    }
  }

  private enum Table: Int, CaseIterable {
    case token, string, reference, date, number, quantity, uri, composite, position, missing, contained
  }

  private static let statements: [(insert: Insert, delete: Statement, columns: Int)] = Table.allCases.map {
    switch $0 {
    case .token:
      (
        Insert("index_token (parameter, system, code, key) VALUES (?, ?, ?, ?)"),
        Statement("DELETE FROM index_token WHERE parameter = ? AND system = ? AND code = ? AND key = ?"), 4
      )
    case .string:
      (
        Insert("index_string (parameter, folded, text, several, key) VALUES (?, ?, ?, ?, ?)"),
        Statement(
          "DELETE FROM index_string WHERE parameter = ? AND folded = ? AND text = ? AND several = ? AND key = ?"), 5
      )
    case .reference:
      (
        Insert("index_reference (parameter, type, id, key) VALUES (?, ?, ?, ?)"),
        Statement("DELETE FROM index_reference WHERE parameter = ? AND type = ? AND id = ? AND key = ?"), 4
      )
    case .date:
      (
        Insert("index_date (parameter, class, low, high, key) VALUES (?, ?, ?, ?, ?)"),
        Statement("DELETE FROM index_date WHERE parameter = ? AND class = ? AND low = ? AND high = ? AND key = ?"), 5
      )
    case .number:
      (
        Insert("index_number (parameter, class, low, high, key) VALUES (?, ?, ?, ?, ?)"),
        Statement(
          "DELETE FROM index_number WHERE parameter = ? AND class = ? AND low = ? AND high = ? AND key = ?"), 5
      )
    case .quantity:
      (
        Insert(
          """
          index_quantity (parameter, system, code, class, low, high, key)
          VALUES (?, ?, ?, ?, ?, ?, ?)
          """),
        Statement(
          """
          DELETE FROM index_quantity
          WHERE parameter = ? AND system = ? AND code = ? AND class = ? AND low = ? AND high = ? AND key = ?
          """), 7
      )
    case .uri:
      (
        Insert("index_uri (parameter, value, key) VALUES (?, ?, ?)"),
        Statement("DELETE FROM index_uri WHERE parameter = ? AND value = ? AND key = ?"), 3
      )
    case .composite:
      (
        Insert(
          """
          index_composite
            (parameter, system1, code1, system2, text2, low2, high2, low3, high3, key)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
          """),
        Statement(
          """
          DELETE FROM index_composite
          WHERE parameter = ? AND system1 = ? AND code1 = ? AND system2 = ? AND text2 = ?
            AND low2 = ? AND high2 = ? AND low3 = ? AND high3 = ? AND key = ?
          """), 10
      )
    case .position:
      (
        Insert("index_position (parameter, latitude, longitude, key) VALUES (?, ?, ?, ?)"),
        Statement("DELETE FROM index_position WHERE parameter = ? AND latitude = ? AND longitude = ? AND key = ?"), 4
      )
    case .missing:
      (
        Insert("index_missing (parameter, key) VALUES (?, ?)"),
        Statement("DELETE FROM index_missing WHERE parameter = ? AND key = ?"), 2
      )
    case .contained:
      (
        Insert("contained (type, container, id, key) VALUES (?, ?, ?, ?)"),
        Statement("DELETE FROM contained WHERE type = ? AND container = ? AND id = ? AND key = ?"), 4
      )
    }
  }

  /// PostgreSQL's tables have the whole of a long text as well.
  private static let insertString = Insert(
    "index_string (parameter, folded, text, several, key, whole) VALUES (?, ?, ?, ?, ?, ?)")

  private static let insertSystem = Statement(
    sqlite: "INSERT INTO system (uri) VALUES (?) RETURNING number",
    // Another node may have inserted it a moment ago: then its number comes back.
    postgreSQL: """
      INSERT INTO system (uri) VALUES (?) ON CONFLICT (uri) DO UPDATE SET uri = excluded.uri RETURNING number
      """)
  private static let selectSystem = Statement("SELECT number FROM system WHERE uri = ?")
  private static let insertParameterSystem = Statement.insertNew(
    "parameter_system (parameter, system) VALUES (?, ?)")
  private static let insertParameterUnit = Statement.insertNew(
    "parameter_unit (parameter, system, code, class) VALUES (?, ?, ?, ?)")

  /// - Parameter trustsNew: whether rows of new resources are known to be as many as they look.
  init(_ numbers: StoreNumbers, trustsNew: Bool = false) {
    self.numbers = numbers
    self.trustsNew = trustsNew && numbers.dialect == .postgreSQL
    self.grown = StoreNumbers.Grown(systems: [:])
    self.batches = Self.statements.map { Batch($0.insert, $0.delete, columns: $0.columns, removed: $0.columns) }
    if numbers.dialect == .postgreSQL {
      let delete = batches[Table.string.rawValue].delete
      batches[Table.string.rawValue] = Batch(Self.insertString, delete, columns: 6, removed: 5)
    }
  }

  /// - Parameter isNew: whether nothing has the key yet.
  mutating func add(_ rows: [IndexRow], key: Int64, isNew: Bool = false, in transaction: any Transaction) throws {
    let side = isNew && trustsNew ? \Batch.fresh : \Batch.added
    for row in rows { try push(row, key, side, transaction) }
  }

  mutating func remove(_ rows: [IndexRow], key: Int64, in transaction: any Transaction) throws {
    for row in rows { try push(row, key, \Batch.removed, transaction) }
  }

  /// Below this, sorting costs more than the locality gains.
  private static let sortedRowsMin = 32

  /// Writes everything collected; removals go first.
  mutating func flush(in transaction: any Transaction) throws {
    if !newSystems.isEmpty { try transaction.send(Self.insertParameterSystem, rows: newSystems) }
    if !newUnits.isEmpty { try transaction.send(Self.insertParameterUnit, rows: newUnits) }
    for batch in batches {
      if !batch.removed.isEmpty { try transaction.send(batch.delete, rows: batch.removed) }
      if !batch.fresh.isEmpty { try transaction.send(batch.insertFresh, rows: batch.fresh.sorted().eachOnce()) }
      if batch.added.isEmpty { continue }
      let isSorted = batch.added.rowCount >= Self.sortedRowsMin
      try transaction.send(batch.insert, rows: isSorted ? batch.added.sorted() : batch.added)
    }
  }

  // MARK: One row

  private mutating func push(
    _ row: IndexRow, _ key: Int64, _ side: WritableKeyPath<Batch, RowBatch>, _ transaction: any Transaction
  ) throws {
    let parameter = SQLValue.integer(Int64(row.parameter))
    switch row {
    case .token(_, let system, let code):
      let number = try self.system(system, transaction)
      // A code without its system is sought in real systems only.
      if !IndexRow.isPseudoSystem(system) { note(row.parameter, system: number) }
      push(.token, side, parameter, .integer(number), indexed(code), .integer(key))
    case .string(_, let folded, let text, let several):
      push(.string, side, parameter, indexed(folded), .text(text), .integer(several ? 1 : 0), .integer(key))
      if side != \Batch.removed, numbers.dialect == .postgreSQL {
        let isLong = folded.utf8.count > IndexedText.bytesMax
        batches[Table.string.rawValue][keyPath: side].push(isLong ? .text(folded) : .null)
      }
    case .reference(_, let type, let id):
      let number = numbers.typeNumbersByName[type] ?? 0
      // Few parameters have references to contained resources: a chain looks for them only where there are such.
      if SearchParameter.isLocal(row.parameter) { note(row.parameter, system: number) }
      push(.reference, side, parameter, .integer(number), indexed(id), .integer(key))
    case .date(_, let low, let high, let several):
      let dateClass = DateClass(low: low, high: high, isOneOfSeveral: several)
      note(row.parameter, system: dateClass.rawValue)
      push(.date, side, parameter, .integer(dateClass.rawValue), .integer(low), .integer(high), .integer(key))
    case .number(_, let low, let high, let several):
      let numberClass = NumberClass(low: low, high: high, isOneOfSeveral: several)
      note(row.parameter, system: numberClass.rawValue)
      push(.number, side, parameter, .integer(numberClass.rawValue), .real(low), .real(high), .integer(key))
    case .quantity(_, let system, let code, let low, let high, let several):
      let number = try self.system(system, transaction)
      let numberClass = NumberClass(low: low, high: high, isOneOfSeveral: several)
      note(row.parameter, unit: .init(system: number, code: code, numberClass: numberClass))
      push(
        .quantity, side, parameter, .integer(number), indexed(code), .integer(numberClass.rawValue), .real(low),
        .real(high), .integer(key))
    case .uri(_, let value): push(.uri, side, parameter, indexed(value), .integer(key))
    case .composite(let composite):
      batches[Table.composite.rawValue][keyPath: side].append(
        contentsOf: try self.composite(composite, key, transaction))
    case .position(_, let latitude, let longitude):
      push(.position, side, parameter, .real(latitude), .real(longitude), .integer(key))
    case .missing: push(.missing, side, parameter, .integer(key))
    case .contained(let place, let container, let type, let id):
      push(
        .contained, side, .integer(numbers.typeNumbersByName[type] ?? 0),
        .integer(numbers.typeNumbersByName[container] ?? 0), .text(id), .integer(ContainedKey.key(key, place: place)))
    case .within(let place, let row): try push(row, ContainedKey.key(key, place: place), side, transaction)
    }
  }

  private mutating func push(_ table: Table, _ side: WritableKeyPath<Batch, RowBatch>, _ row: SQLValue...) {
    for value in row { batches[table.rawValue][keyPath: side].push(value) }
  }

  /// A text in a column of an index.
  private func indexed(_ text: String) -> SQLValue {
    .text(numbers.dialect == .sqlite ? text : IndexedText.cut(text))
  }

  private mutating func composite(_ row: CompositeRow, _ key: Int64, _ transaction: any Transaction) throws
    -> [SQLValue]
  {
    // A reference's type stands as a negative number, so that it cannot meet a system's.
    let system1: Int64
    if let type = numbers.typeNumbersByName[row.system1] {
      system1 = -type
    } else {
      system1 = try system(row.system1, transaction)
      note(row.parameter, system: system1)
    }
    var system2 = try system(row.system2, transaction)
    if case .number(let low, let high) = row.bounds2 {
      let numberClass = NumberClass(low: low, high: high, isOneOfSeveral: false)
      note(row.parameter, unit: .init(system: system2, code: row.text2, numberClass: numberClass))
      if numberClass.isRange { system2 = -1 - system2 }
    }
    let (low2, high2) = bounds(row.bounds2)
    let (low3, high3) = bounds(row.bounds3)
    return [
      .integer(Int64(row.parameter)), .integer(system1), indexed(row.code1), .integer(system2), indexed(row.text2),
      low2,
      high2, low3, high3, .integer(key),
    ]
  }

  private func bounds(_ bounds: CompositeRow.Bounds) -> (SQLValue, SQLValue) {
    if numbers.dialect == .postgreSQL { return CompositeBound.values(bounds) }
    return switch bounds {
    case .none: (.text(""), .text(""))
    case .date(let low, let high): (.integer(low), .integer(high))
    case .number(let low, let high): (.real(low), .real(high))
    }
  }

  // MARK: Dictionaries

  /// The systems that changes name and that have no number here yet.
  func unknownSystems(_ changes: [Change]) -> (uris: [String], question: Question?) {
    var seen: Set<String> = []
    var uris: [String] = []
    func look(_ uri: String) {
      guard numbers.system(uri) == nil, grown.systems[uri] == nil, seen.insert(uri).inserted else { return }
      uris.append(uri)
    }
    func look(_ row: IndexRow) {
      switch row {
      case .token(_, let system, _), .quantity(_, let system, _, _, _, _): look(system)
      case .composite(let composite):
        if numbers.typeNumbersByName[composite.system1] == nil { look(composite.system1) }
        look(composite.system2)
      case .within(_, let row): look(row)
      default: break
      }
    }
    for change in changes {
      for row in change.removed { look(row) }
      for row in change.added { look(row) }
    }
    if uris.isEmpty { return ([], nil) }
    var rows = RowBatch(columns: 1)
    for uri in uris { rows.append(.text(uri)) }
    return (uris, Question(Self.selectSystem, rows: rows))
  }

  /// A system's number, as it was found.
  mutating func learn(_ uri: String, _ number: Int64) { grown.systems[uri] = number }

  /// Gives numbers to systems that were looked for and not found.
  mutating func addSystems(_ uris: [String], in transaction: any Transaction) throws {
    let new = uris.filter { grown.systems[$0] == nil }
    if new.isEmpty { return }
    var rows = RowBatch(columns: 1)
    for uri in new { rows.append(.text(uri)) }
    var added: [(String, Int64)] = []
    try transaction.query(Self.insertSystem, rows: rows) { added.append((new[$0], $1.integer(0))) }
    for (uri, number) in added { grown.systems[uri] = number }
  }

  private mutating func system(_ uri: String, _ transaction: any Transaction) throws -> Int64 {
    if let known = numbers.system(uri) ?? grown.systems[uri] { return known }
    let stored = try transaction.first(Self.selectSystem, [.text(uri)]) { $0.integer(0) }
    let number = try stored ?? transaction.first(Self.insertSystem, [.text(uri)]) { $0.integer(0) }
    guard let number else { throw StorageError(.misuse, detail: "a system got no number") }
    grown.systems[uri] = number
    return number
  }

  private mutating func note(_ parameter: Int32, system: Int64) {
    if numbers.isKnown(parameter, system: system) { return }
    guard grown.parameterSystems[parameter, default: []].insert(system).inserted else { return }
    newSystems.append(.integer(Int64(parameter)), .integer(system))
  }

  private mutating func note(_ parameter: Int32, unit: StoreNumbers.Unit) {
    if numbers.isKnown(parameter, unit: unit) { return }
    guard grown.parameterUnits[parameter, default: []].insert(unit).inserted else { return }
    newUnits.append(
      .integer(Int64(parameter)), .integer(unit.system), indexed(unit.code), .integer(unit.numberClass.rawValue))
  }
}
