import FHIRModel
import FHIRSearch
import Storage

/// Includes along references that were stored as absolute URLs of this very service; see `ReferenceForm`.
extension StoreView {
  private static let byID = Statement("SELECT key, type FROM resource WHERE type = ? AND id = ? AND method <> 3")

  /// The parameters of an include under which such URLs stand: mostly none.
  /// - Parameter isContained: whether those of contained resources are meant too.
  func parametersWithURLs(_ include: SearchInclude, below base: String?, isContained: Bool) throws
    -> [SearchParameter]
  {
    guard let base else { return [] }
    let compiler = TermCompiler(self)
    return try referenceParameters(include, isContained: isContained).filter { try compiler.ownURLs(base, [$0]) != nil }
  }

  /// What resources are linked with by URLs, under some parameters.
  func linked(
    _ include: SearchInclude, _ parameters: [SearchParameter], with resources: [Linked], below base: String
  ) throws -> [Linked] {
    var linked: [Linked] = []
    for (type, some) in Dictionary(grouping: concerned(include, resources), by: \.type) {
      let keys = some.map { SQLValue.integer($0.key) }
      for start in stride(from: 0, to: keys.count, by: Self.keysPerStatement) {
        let some = Array(keys[start..<min(start + Self.keysPerStatement, keys.count)])
        linked +=
          include.isReverse
          ? try referring(parameters, to: store.numbers.types[type], some, below: base)
          : try referred(include, parameters, some, below: base)
      }
    }
    return try reachable(linked)
  }

  /// What resources refer to.
  private func referred(
    _ include: SearchInclude, _ parameters: [SearchParameter], _ keys: [SQLValue], below base: String
  )
    throws -> [Linked]
  {
    let soleTargets = Dictionary(grouping: parameters, by: \.number).mapValues { $0.map(\.soleTarget) }
    let numbers = soleTargets.keys.sorted().map { SQLValue.integer(Int64($0)) }
    let (first, end) = ("\(base)/", "\(base)0")
    // The plus keeps to the rows of these resources instead of all below the address.
    let sql: SQL = """
      SELECT DISTINCT j.parameter, j.id FROM index_reference AS j
      WHERE j.key IN (\(list: keys)) AND j.parameter IN (\(list: numbers))
        AND +j.type = 0 AND \(SQL.unindexed)j.id >= \(first) AND \(SQL.unindexed)j.id < \(end)
      """
    var targets = RowBatch(columns: 2)
    try reader.query(sql) { row in
      let path = row.text(1).utf8.dropFirst(first.utf8.count).split(separator: UInt8(ascii: "/"))
      guard path.count == 2, let type = store.schema.resourceType(String(decoding: path[0], as: UTF8.self)),
        restriction.reach(type).isSomething, include.target.map({ $0 == type }) ?? true,
        soleTargets[Int32(truncatingIfNeeded: row.integer(0))]?.contains(where: { $0 == nil || $0 == type }) ?? false
      else { return true }
      targets.append(.integer(store.numbers.number(type)), .text(String(decoding: path[1], as: UTF8.self)))
      return true
    }
    var linked: [Linked] = []
    try reader.query(Self.byID, rows: targets) { _, row in
      linked.append(Linked(key: row.integer(0), type: row.integer(1)))
    }
    return linked
  }

  /// What refers to resources of one type.
  private func referring(
    _ parameters: [SearchParameter], to type: Schema.TypeID?, _ keys: [SQLValue], below base: String
  ) throws -> [Linked] {
    guard let type else { return [] }
    let numbers = Set(parameters.filter { $0.mayRefer(to: type) }.map(\.number)).sorted()
    guard !numbers.isEmpty else { return [] }
    let form = ReferenceForm.url(ReferenceForm.prefix(base, store.schema.name(type)))
    let sql: SQL = """
      SELECT DISTINCT n.key, n.type FROM resource AS t
        \(SQL.join) index_reference AS j
          ON \(form.leads(from: "j", to: "t.id")) AND j.parameter IN (\(list: numbers.map { .integer(Int64($0)) }))
        \(SQL.join) resource AS n ON n.key = j.key
      WHERE t.key IN (\(list: keys)) AND \(visible)
      """
    return try reader.all(sql) { Linked(key: $0.integer(0), type: $0.integer(1)) }
  }
}
