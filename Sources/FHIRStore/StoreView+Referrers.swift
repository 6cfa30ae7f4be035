public import FHIRModel
import FHIRSearch
import Storage

extension StoreView {
  /// The keys, ascending, of the resources that refer to one of these by an element that a search parameter covers.
  /// - Parameters:
  ///   - base: the service's address, below which an absolute reference is one to a resource here.
  ///   - limit: as many keys are given at most.
  public func referrers(to targets: [(type: Schema.TypeID, id: String)], base: String, limit: Int) throws -> [Int64] {
    var keys: Set<Int64> = []
    for target in targets {
      let parameters = store.schema.resourceTypes.filter { restriction.allows($0) }.flatMap { type in
        store.parameters.parameters(type).filter { parameter in
          let targets = parameter.definition.targets
          return parameter.kind == .reference && (targets.isEmpty || targets.contains(target.type))
        }
      }.map { SQLValue.integer(Int64($0.number)) }
      let url = "\(base)/\(store.schema.name(target.type))/\(target.id)"
      for (type, id) in [(store.numbers.number(target.type), target.id), (0, url)] {
        let sql: SQL = """
          SELECT DISTINCT key FROM index_reference WHERE parameter IN (\(list: parameters)) AND type = \(type)
          AND id = \(id) LIMIT \(limit)
          """
        keys.formUnion(try reader.all(sql) { $0.integer(0) })
      }
    }
    return Array(keys.sorted().prefix(limit))
  }
}
