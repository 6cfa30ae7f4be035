public import FHIRSearch
import Storage

extension StoreView {
  private static let systemRows = Statement(
    """
    SELECT s.uri FROM parameter_system AS p JOIN system AS s ON s.number = p.system
    WHERE p.parameter IN (?, ?) AND p.system <> 0 LIMIT ?
    """)

  /// The code systems in use under token parameters.
  /// - Parameter max: one more than this is given where there are more.
  public func systems(under parameters: [SearchParameter], max: Int) throws -> [String] {
    var systems: Set<String> = []
    // What is derived has no rows of its own: its parts tell.
    let indexed = parameters.flatMap { store.catalog.indexed.indexed($0) }
    for parameter in indexed
    where (restriction.allows(parameter.resourceType) || restriction.reach(parameter.resourceType).isSomething)
      && systems.count <= max
    {
      let own = [parameter, parameter.contained()].map { SQLValue.integer(Int64($0.number)) }
      try reader.query(Self.systemRows, own + [.integer(max + 1)]) { row in
        systems.insert(row.text(0))
        return true
      }
    }
    return systems.sorted()
  }
}
