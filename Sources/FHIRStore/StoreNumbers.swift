import FHIRModel
import Storage
import Synchronization

/// The dictionaries of a store: resource types, systems and units as small numbers. (Search parameters have theirs in
/// the `SearchCatalog`.)
///
/// Types are complete after opening. Systems and units grow with the data: a number is cached only
/// after the commit that wrote it, so that a rollback leaves nothing behind. A number is never given to anything else,
/// so what is known here is right whatever other processes add; what is not known is looked up.
final class StoreNumbers: Sendable {
  /// By `TypeID.rawValue`; 0 for types that are not stored.
  let typeNumbers: [Int64]
  let types: [Int64: Schema.TypeID]
  let typeNumbersByName: [String: Int64]
  let dialect: Dialect
  private let grown: Mutex<Grown>

  /// What grows with the data. System 0 is "none".
  struct Grown: Sendable {
    var systems: [String: Int64] = ["": 0]
    var systemURIs: [Int64: String] = [0: ""]
    var parameterSystems: [Int32: Set<Int64>] = [:]
    var parameterUnits: [Int32: Set<Unit>] = [:]
  }

  struct Unit: Hashable, Sendable {
    var system: Int64
    var code: String
    var numberClass: NumberClass
  }

  private static let typeRows = Statement("SELECT number, name FROM resource_type")
  private static let insertType = Statement("INSERT INTO resource_type (number, name) VALUES (?, ?)")
  private static let insertTypeIndex = Statement.insertNew(
    "type_index (type, generation, through, next) VALUES (?, 0, 0, 0)")
  private static let systemRows = Statement("SELECT number, uri FROM system LIMIT 100000")
  private static let parameterSystemRows = Statement("SELECT parameter, system FROM parameter_system")
  private static let parameterUnitRows = Statement("SELECT parameter, system, code, class FROM parameter_unit")

  private init(
    typeNumbers: [Int64], types: [Int64: Schema.TypeID], byName: [String: Int64], grown: Grown, _ dialect: Dialect
  ) {
    self.typeNumbers = typeNumbers
    self.types = types
    self.typeNumbersByName = byName
    self.grown = Mutex(grown)
    self.dialect = dialect
  }

  /// Reads the dictionaries, after giving numbers to types that have none yet.
  static func open(_ database: any Database, _ schema: Schema) async throws -> StoreNumbers {
    let typeNames = schema.resourceTypes.map { schema.name($0) }
    var types = try await database.read { try readTypes($0) }
    if typeNames.contains(where: { types[$0] == nil }) {
      types = try await database.write { try addTypes(typeNames, $0) }
    }
    let grown = try await database.read { try readGrown($0) }
    var typeNumbers = [Int64](repeating: 0, count: schema.allTypes.count)
    var byNumber: [Int64: Schema.TypeID] = [:]
    for type in schema.resourceTypes {
      guard let number = types[schema.name(type)] else { continue }
      typeNumbers[Int(type.rawValue)] = number
      byNumber[number] = type
    }
    return StoreNumbers(typeNumbers: typeNumbers, types: byNumber, byName: types, grown: grown, database.dialect)
  }

  func number(_ type: Schema.TypeID) -> Int64 { typeNumbers[Int(type.rawValue)] }

  /// Reads what grows again. What a commit added a moment ago may be missing then: it is looked up where it is needed.
  func reload(_ database: any Database) async throws {
    let fresh = try await database.read { try Self.readGrown($0) }
    grown.withLock { $0 = fresh }
  }

  // MARK: What grows

  func system(_ uri: String) -> Int64? { grown.withLock { $0.systems[uri] } }

  /// The URI of a system's number, where it was read already.
  func systemURI(_ number: Int64) -> String? { grown.withLock { $0.systemURIs[number] } }

  func systems(of parameter: Int32) -> Set<Int64> { grown.withLock { $0.parameterSystems[parameter] ?? [] } }

  func units(of parameter: Int32) -> Set<Unit> { grown.withLock { $0.parameterUnits[parameter] ?? [] } }

  func isKnown(_ parameter: Int32, system: Int64) -> Bool {
    grown.withLock { $0.parameterSystems[parameter]?.contains(system) ?? false }
  }

  func isKnown(_ parameter: Int32, unit: Unit) -> Bool {
    grown.withLock { $0.parameterUnits[parameter]?.contains(unit) ?? false }
  }

  /// Takes over what a commit added.
  func merge(_ added: Grown) {
    if added.systems.isEmpty && added.parameterSystems.isEmpty && added.parameterUnits.isEmpty { return }
    grown.withLock { grown in
      grown.systems.merge(added.systems) { _, new in new }
      for (uri, number) in added.systems { grown.systemURIs[number] = uri }
      grown.parameterSystems.merge(added.parameterSystems) { $0.union($1) }
      grown.parameterUnits.merge(added.parameterUnits) { $0.union($1) }
    }
  }

  // MARK: Reading and adding

  private static func readTypes(_ reader: any Reader) throws -> [String: Int64] {
    Dictionary(
      try reader.all(typeRows) { ($0.text(1), $0.integer(0)) }, uniquingKeysWith: { first, _ in first })
  }

  private static func readGrown(_ reader: any Reader) throws -> Grown {
    var grown = Grown()
    try reader.query(systemRows, []) { row in
      grown.systems[row.text(1)] = row.integer(0)
      grown.systemURIs[row.integer(0)] = row.text(1)
      return true
    }
    try reader.query(parameterSystemRows, []) { row in
      grown.parameterSystems[Int32(truncatingIfNeeded: row.integer(0)), default: []].insert(row.integer(1))
      return true
    }
    try reader.query(parameterUnitRows, []) { row in
      let unit = Unit(
        system: row.integer(1), code: row.text(2), numberClass: NumberClass(rawValue: row.integer(3)))
      grown.parameterUnits[Int32(truncatingIfNeeded: row.integer(0)), default: []].insert(unit)
      return true
    }
    return grown
  }

  private static func addTypes(_ names: [String], _ transaction: any Transaction) throws -> [String: Int64] {
    var numbers = try readTypes(transaction)
    var next = (numbers.values.max() ?? 0) + 1
    var rows = RowBatch(columns: 2)
    for name in names where numbers[name] == nil {
      numbers[name] = next
      rows.append(.integer(next), .text(name))
      next += 1
    }
    try transaction.execute(insertType, rows: rows)
    var indexes = RowBatch(columns: 1)
    for number in numbers.values.sorted() { indexes.append(.integer(number)) }
    try transaction.execute(insertTypeIndex, rows: indexes)
    return numbers
  }
}
