import Base
import FHIRModel
import FHIRSearch
import Storage

extension TermCompiler {
  /// `subject:Patient.name=…`
  func term(_ chain: SearchChain, _ type: Schema.TypeID, depth: Int) throws -> SearchTerm {
    let label = chain.parameters.first?.code ?? ""
    let alias = try alias(depth)
    var names: [String] = []
    var sets: [SQL] = []
    var links: [(target: SQL, inner: SearchTerm)] = []
    for parameter in indexed(chain.parameters, type) {
      for target in chain.targets where restriction.allows(target.type) {
        let inner = try conjunction(target.criteria, target.type, depth: depth + 1)
        let number = numbers.number(target.type)
        names.append("\(label):\(store.schema.name(target.type)).\(inner.label)")
        let keys = inner.set ?? "SELECT r.key FROM resource AS r WHERE r.type = \(number) AND \(inner.probe("r.key"))"
        // A join and no nested IN: the engine's parser takes only so many floors.
        sets.append(
          """
          SELECT i.key FROM (\(keys)) AS k CROSS JOIN resource AS r ON r.key = k.key AND r.method <> 3
            CROSS JOIN index_reference AS i
            ON i.parameter = \(Int64(parameter.number)) AND i.type = \(number) AND i.id = r.id
          """)
        let row = alias.row
        let resource = alias.resource
        links.append(
          (
            """
            \(row).parameter = \(Int64(parameter.number)) AND \(row).type = \(number) AND \(resource).type = \(number)
              AND \(resource).id = \(row).id AND \(resource).method <> 3
            """, inner
          ))
      }
    }
    guard let set = SQL.union(sets) else { return .never(label) }
    let tests = links
    return SearchTerm(names.joined(separator: " or "), set: set) { key in
      SQL.anyOf(
        tests.map { link in
          """
          EXISTS (SELECT 1 FROM index_reference AS \(alias.row) CROSS JOIN resource AS \(alias.resource)
                  WHERE \(alias.row).key = \(key) AND \(link.target) AND \(link.inner.probe("\(alias.resource).key")))
          """
        })
    }
  }

  /// `_has:Observation:patient:code=…`
  func term(_ chain: SearchReverseChain, _ type: Schema.TypeID, depth: Int) throws -> SearchTerm {
    let source = chain.parameter.resourceType
    let label = "_has:\(store.schema.name(source)):\(chain.parameter.code)"
    guard restriction.allows(source) else { return .never(label) }
    let alias = try alias(depth)
    let inner = try conjunction(chain.criteria, source, depth: depth + 1)
    let own = numbers.number(type)
    let parameters = store.catalog.indexed.indexed(chain.parameter).map { SQLValue.integer(Int64($0.number)) }
    let set: SQL
    if let keys = inner.set {
      set = """
        SELECT DISTINCT r.key FROM (\(keys)) AS k
          CROSS JOIN index_reference AS j
          ON j.key = k.key AND j.parameter IN (\(list: parameters)) AND j.type = \(own)
          CROSS JOIN resource AS r ON r.type = \(own) AND r.id = j.id AND r.method <> 3
        """
    } else {
      set = """
        SELECT DISTINCT r.key FROM index_reference AS j
          CROSS JOIN resource AS r ON r.type = \(own) AND r.id = j.id AND r.method <> 3
        WHERE j.parameter IN (\(list: parameters)) AND j.type = \(own) AND \(inner.probe("j.key"))
        """
    }
    return SearchTerm("\(label):\(inner.label)", set: set) { key in
      """
      EXISTS (SELECT 1 FROM resource AS \(alias.resource) CROSS JOIN index_reference AS \(alias.row)
              WHERE \(alias.resource).key = \(key) AND \(alias.row).parameter IN (\(list: parameters))
                AND \(alias.row).type = \(own) AND \(alias.row).id = \(alias.resource).id
                AND \(inner.probe("\(alias.row).key")))
      """
    }
  }

  /// `_not-referenced`
  func notReferenced(_ parameters: [SearchParameter], _ type: Schema.TypeID, depth: Int) throws -> SearchTerm {
    let alias = try alias(depth)
    let visible = parameters.flatMap { store.catalog.indexed.indexed($0) }.filter {
      restriction.allows($0.resourceType)
    }.map {
      SQLValue.integer(Int64($0.number))
    }
    let own = numbers.number(type)
    return SearchTerm("_not-referenced", set: nil) { key in
      """
      NOT EXISTS (SELECT 1 FROM resource AS \(alias.resource) CROSS JOIN index_reference AS \(alias.row)
                  WHERE \(alias.resource).key = \(key) AND \(alias.row).parameter IN (\(list: visible))
                    AND \(alias.row).type = \(own) AND \(alias.row).id = \(alias.resource).id)
      """
    }
  }

  /// `location:below=Location/1`: references into a hierarchy, which the target's `partof` makes.
  func hierarchy(
    _ condition: SearchCondition, _ parameters: [SearchParameter], _ type: Schema.TypeID, depth: Int
  ) throws -> SearchTerm {
    let alias = try alias(depth)
    var sets: [SQL] = []
    var tests: [SQL] = []
    for parameter in parameters {
      for case .reference(let typeName, let id) in condition.values {
        let targets = parameter.definition.targets
        guard let target = store.schema.resourceType(typeName) ?? (targets.count == 1 ? targets[0] : nil),
          restriction.allows(target), let link = hierarchyLink(target)
        else {
          throw Fault(
            .invalid,
            "The modifier ':\(condition.modifier?.rawValue ?? "")' of '\(condition.code)' needs a target in a "
              + "hierarchy ('partof').", code: "not-supported")
        }
        let number = numbers.number(target)
        let branch = Self.branch(of: id, number, link, isDownward: condition.modifier == .below)
        let test: SQL = "parameter = \(Int64(parameter.number)) AND type = \(number) AND id IN (\(branch))"
        sets.append("SELECT i.key FROM index_reference AS i WHERE \(test)")
        tests.append(test)
      }
    }
    guard let set = SQL.union(sets) else { return .never(condition.label) }
    let all = tests
    return SearchTerm(condition.label, set: set) { key in
      SQL.anyOf(
        all.map { "EXISTS (SELECT 1 FROM index_reference AS \(alias.row) WHERE \($0) AND \(alias.row).key = \(key))" })
    }
  }

  private func hierarchyLink(_ target: Schema.TypeID) -> Int64? {
    for code in ["partof", "part-of"] {
      if let parameter = store.parameters.parameter(target, code), parameter.definition.targets.contains(target) {
        return Int64(parameter.number)
      }
    }
    return nil
  }

  /// The ids of a resource and of all below or above it; a circle ends where it began.
  private static func branch(of id: String, _ type: Int64, _ link: Int64, isDownward: Bool) -> SQL {
    let step: SQL =
      isDownward
      ? """
      SELECT r.id FROM branch JOIN index_reference AS j
        ON j.parameter = \(link) AND j.type = \(type) AND j.id = branch.id JOIN resource AS r ON r.key = j.key
      """
      : """
      SELECT j.id FROM branch JOIN resource AS r ON r.type = \(type) AND r.id = branch.id
        JOIN index_reference AS j ON j.key = r.key AND j.parameter = \(link) AND j.type = \(type)
      """
    return "WITH RECURSIVE branch (id) AS (VALUES (\(id)) UNION \(step)) SELECT id FROM branch"
  }
}
