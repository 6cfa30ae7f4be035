import Base
public import FHIRModel
import FHIRSearch
import Storage

/// Applying what the caller may see to resources at hand.
extension StoreView {
  /// The same moment under another restriction: for a request of several parts, each of which was decided by itself.
  public func within(_ restriction: Restriction) -> StoreView {
    StoreView(
      store: store, reader: reader, restriction: restriction, isUncommitted: isUncommitted, foresight: foresight)
  }

  /// The same moment, with what may be reached by references in the place of what may be found.
  public var reached: StoreView { within(restriction.ofJoined) }

  /// What of a type may be found.
  public func extent(_ type: Schema.TypeID) -> Restriction.Extent { restriction.extent(type) }

  /// Whether a resource that is there, or was deleted, is out of the caller's sight.
  public func hides(_ type: Schema.TypeID, _ id: String) throws -> Bool {
    if restriction.isUnrestricted { return false }
    guard try within(.none).current(type, id) != nil else { return false }
    return try current(type, id) == nil
  }

  /// Whether a resource may be found.
  func shows(_ key: Int64, _ type: Schema.TypeID) throws -> Bool {
    switch restriction.extent(type) {
    case .nothing: return false
    case .all: return true
    case .matching(let criterion):
      let test = try TermCompiler(self).term(criterion, type).probe("\(key)")
      return try reader.first("SELECT 1 WHERE \(test)") { _ in true } ?? false
    }
  }

  /// Those of some resources that may be reached.
  func reachable(_ linked: [Linked]) throws -> [Linked] {
    if restriction.isUnrestricted { return linked }
    var shown: [Linked] = []
    for (number, some) in Dictionary(grouping: linked, by: \.type) {
      guard let type = store.numbers.types[number] else { continue }
      switch restriction.reach(type) {
      case .nothing: continue
      case .all: shown += some
      case .matching(let criterion):
        let test = try TermCompiler(self).term(criterion, type).probe("n.key")
        let keys = some.map { SQLValue.integer($0.key) }
        for start in stride(from: 0, to: keys.count, by: Self.keysPerStatement) {
          let part = Array(keys[start..<min(start + Self.keysPerStatement, keys.count)])
          let sql: SQL = "SELECT n.key FROM resource AS n WHERE n.key IN (\(list: part)) AND \(test)"
          shown += try reader.all(sql) { Linked(key: $0.integer(0), type: number) }
        }
      }
    }
    return shown
  }

  /// Whether a row of resources is of one that may be found: a condition on its type and key.
  func isFound(type column: SQL, key: SQL) throws -> SQL {
    if restriction.isUnrestricted { return "1 = 1" }
    var whole: [SQLValue] = []
    var tests: [SQL] = []
    let compiler = TermCompiler(self)
    for type in store.schema.resourceTypes {
      let number = store.numbers.number(type)
      switch restriction.extent(type) {
      case .nothing: continue
      case .all: whole.append(.integer(number))
      case .matching(let criterion):
        tests.append("(\(column) = \(number) AND \(try compiler.term(criterion, type).probe(key)))")
      }
    }
    if !whole.isEmpty { tests.append("\(column) IN (\(list: whole))") }
    return SQL.anyOf(tests)
  }
}
