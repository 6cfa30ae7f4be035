import FHIRModel
import FHIRSearch
import Storage

/// References to contained resources: chains lead into them as into any other (FHIR R4 search §2.1.1.5.6, "a chained
/// condition will be evaluated inside contained resources").
///
/// Only a container and what else it contains refer to a contained resource, and the reference's row has its place: the
/// keys of both follow from one another.
extension TermCompiler {
  /// One way from the searched resources to those that they contain, or to others in their container.
  struct LocalLink {
    let type: Schema.TypeID
    /// What must hold of the contained resource.
    let inner: SearchTerm
    /// Contained resources of which it holds.
    let keys: SQL
    /// What refers to these.
    let set: SQL
    /// Rows of the reference, under an alias.
    let condition: @Sendable (_ row: SQL) -> SQL
    /// The key that such a row leads to.
    let key: @Sendable (_ row: SQL) -> SQL

    func tables(_ row: SQL) -> SQL { "index_reference AS \(row)" }
  }

  func localLinks(_ chain: SearchChain, _ type: Schema.TypeID, depth: Int) throws -> [LocalLink] {
    let searched = searched
    var links: [LocalLink] = []
    for parameter in indexed(chain.parameters, type) {
      let types = try systems(parameter.local().number)
      for target in chain.targets
      where restriction.reach(target.type).isSomething && parameter.mayRefer(to: target.type) {
        let number = numbers.number(target.type)
        guard types.contains(number) else { continue }
        let inner = try searching(.contained).conjunction(target.criteria, target.type, depth: depth + 1)
        let keys = searching(.contained).keys(inner, target.type)
        let own = rows(parameter, number)
        links.append(
          LocalLink(
            type: target.type, inner: inner, keys: keys,
            set: """
              SELECT j.key AS key FROM (\(keys)) AS k \(SQL.join) index_reference AS j
                ON \(ContainedKey.isSource("j.key", of: "k.key", from: searched)) AND \(own("j"))
                AND j.id = \(ContainedKey.place(of: "k.key"))
              """,
            condition: own, key: { ContainedKey.target($0, from: searched) }))
      }
    }
    return links
  }

  /// `_has` of contained resources: what refers to them from their container.
  func localTerm(_ chain: SearchReverseChain, _ type: Schema.TypeID, _ label: String, depth: Int) throws -> SearchTerm {
    let row = try alias(depth).row
    let source = chain.parameter.resourceType
    let number = numbers.number(type)
    var sets: [SQL] = []
    var links: [(condition: @Sendable (_ key: SQL) -> SQL, inner: SearchTerm)] = []
    for from in [SearchedRows.resources, .contained] {
      let compiler = searching(from)
      for parameter in compiler.rows(of: chain.parameter) where parameter.mayRefer(to: type) {
        guard try systems(parameter.local().number).contains(number) else { continue }
        let inner = try compiler.conjunction(chain.criteria, source, depth: depth + 1)
        let own = rows(parameter, number)
        sets.append(
          """
          SELECT \(ContainedKey.target("j", from: from)) AS key FROM (\(compiler.keys(inner, source))) AS k
            \(SQL.join) index_reference AS j ON j.key = k.key AND \(own("j"))
          """)
        links.append(
          (
            { key in
              """
              \(ContainedKey.isSource("\(row).key", of: key, from: from)) AND \(own(row))
                AND \(row).id = \(ContainedKey.place(of: key))
              """
            }, inner
          ))
      }
    }
    guard let set = SQL.union(sets) else { return .never(label) }
    let all = links
    let count = all.reduce(0) { $0 + $1.inner.joinCount }
    let nesting = all.map(\.inner.nestingOfJoin).max() ?? 0
    return SearchTerm(label, set: set, count: count, depth: nesting) { key in
      all.flatMap { $0.inner.joins(from: "index_reference AS \(row)", where: $0.condition(key), at: "\(row).key") }
    }
  }

  /// Rows of a reference parameter that lead to contained resources of a type.
  private func rows(_ parameter: SearchParameter, _ type: Int64) -> @Sendable (_ alias: SQL) -> SQL {
    let number = Int64(parameter.local().number)
    return { alias in "\(alias).parameter = \(number) AND \(alias).type = \(type)" }
  }
}
