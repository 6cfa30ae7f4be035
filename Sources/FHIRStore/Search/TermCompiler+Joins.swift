import Base
import FHIRModel
import FHIRSearch
import Storage

extension TermCompiler {
  /// What must hold of a resource that a reference leads to, and that the caller may see it.
  private func reached(_ criteria: [SearchCriterion], _ type: Schema.TypeID, depth: Int) throws -> SearchTerm {
    let sight = restriction.reach(type).criterion.map { [SearchCriterion.all([$0])] } ?? []
    return try conjunction(criteria + sight, type, depth: depth)
  }

  /// A search that reaches only for what the caller may not see is refused: it could find nothing.
  private func checkReach(_ types: [Schema.TypeID]) throws(Fault) {
    guard restriction.refusesJoins || !types.contains(where: { restriction.reach($0).isSomething }) else { return }
    throw Fault(.forbidden, "The search reaches into resources that the access token does not allow to search.")
  }

  /// `subject:Patient.name=…`
  func term(_ chain: SearchChain, _ type: Schema.TypeID, depth: Int) throws -> SearchTerm {
    if !chain.targets.isEmpty { try checkReach(chain.targets.map(\.type)) }
    let label = chain.parameters.first?.code ?? ""
    let alias = try alias(depth)
    var names: [String] = []
    var sets: [SQL] = []
    var links: [(tables: SQL, condition: SQL, key: SQL, inner: SearchTerm)] = []
    var counted: [SQL] = []
    var stretches: [IndexStretch] = []
    var cost = SearchTerm.Cost(rows: nil, fanOut: 0, listing: 2, probing: 0)
    for parameter in indexed(chain.parameters, type) {
      let base = try ownURLs(chain.base, [parameter])
      for target in chain.targets
      where restriction.reach(target.type).isSomething && parameter.soleTarget.map({ $0 == target.type }) ?? true {
        let inner = try searching(.resources).reached(target.criteria, target.type, depth: depth + 1)
        let number = numbers.number(target.type)
        names.append("\(label):\(store.schema.name(target.type)).\(inner.label)")
        let referrers = try resourceCount(type) / max(1, resourceCount(target.type))
        counted.append(inner.cost.rows ?? resources(target.type))
        cost.fanOut = max(cost.fanOut, max(1, referrers) * inner.cost.fanOut)
        cost.listing = max(cost.listing, 2 + inner.cost.listing / max(1, referrers))
        cost.probing += 2 + inner.cost.probing
        let keys = searching(.resources).keys(inner, target.type)
        let forms = referenceForms(target.type, below: base)
        sets.append(
          """
          SELECT i.key FROM (\(keys)) AS k \(SQL.join) resource AS r \
          ON r.key = k.key AND r.method <> 3\(forms.table("f"))
            \(SQL.join) index_reference AS i
            ON i.parameter = \(Int64(parameter.number)) AND \(forms.leads(from: "i", to: "r.id", "f"))
          """)
        if depth == 0 && forms.isOne {
          stretches.append(
            try inOrderOfTargets(parameter, .typed(number), target.type, keys, inner, depth: depth))
        }
        let row = alias.row
        let resource = alias.resource
        links.append(
          (
            "index_reference AS \(row) CROSS JOIN resource AS \(resource)",
            """
            \(row).parameter = \(Int64(parameter.number)) AND \(forms.isAny(row)) AND \(resource).type = \(number)
              AND \(resource).id = \(forms.id(row)) AND \(resource).method <> 3
            """, "\(resource).key", inner
          ))
      }
    }
    let local = try localLinks(chain, type, depth: depth)
    for link in local {
      names.append("\(label):contained \(store.schema.name(link.type)).\(link.inner.label)")
      sets.append(link.set)
      counted.append(link.inner.cost.rows ?? link.keys)
      cost.fanOut = max(cost.fanOut, link.inner.cost.fanOut)
      cost.listing = max(cost.listing, 2 + link.inner.cost.listing)
      cost.probing += 1 + link.inner.cost.probing
    }
    guard let set = SQL.union(sets) else { return .never(label) }
    let row = alias.row
    let all =
      links + local.map { (tables: $0.tables(row), condition: $0.condition(row), key: $0.key(row), inner: $0.inner) }
    let count = all.reduce(0) { $0 + $1.inner.joinCount }
    let nesting = all.map(\.inner.nestingOfJoin).max() ?? 0
    var term = SearchTerm(names.joined(separator: " or "), set: set, count: count, depth: nesting) { key in
      all.flatMap { link in
        link.inner.joins(from: link.tables, where: "\(row).key = \(key) AND \(link.condition)", at: link.key)
      }
    }
    cost.rows = SQL.union(counted)
    cost.telling = 3
    cost.isListedFirst = true
    term.cost = cost
    if let only = stretches.first, stretches.count == 1, sets.count == 1 { term.stretching = { [only] } }
    return term
  }

  /// What refers to some resources, one of these after the other: a page of it needs no list of all.
  private func inOrderOfTargets(
    _ parameter: SearchParameter, _ form: ReferenceForm, _ target: Schema.TypeID, _ keys: SQL, _ inner: SearchTerm,
    depth: Int
  ) throws -> IndexStretch {
    let own: SQL = "parameter = \(Int64(parameter.number))"
    let alias = try alias(depth)
    let links = SQL(
      sqlite: """
        (SELECT t.key AS target, j.key AS key FROM resource AS t
         CROSS JOIN index_reference AS j ON j.\(own) AND \(form.leads(from: "j", to: "t.id"))
         WHERE t.key IN (\(keys)) AND t.method <> 3)
        """,
      // One target after the other: as a join PostgreSQL would rather read all references.
      postgreSQL: """
        (SELECT k.key AS target, j.key AS key
         FROM (SELECT DISTINCT key FROM (\(keys) OFFSET 0) AS d ORDER BY key OFFSET 0) AS k
         CROSS JOIN LATERAL (SELECT r.id FROM resource AS r WHERE r.key = k.key AND r.method <> 3 OFFSET 0) AS t
         CROSS JOIN LATERAL (SELECT r.key FROM index_reference AS r
           WHERE r.\(own) AND \(form.leads(from: "r", to: "t.id")) OFFSET 0) AS j)
        """)
    // A resource may refer to several of them: the first counts.
    let isFirst: SQL = """
      NOT EXISTS (SELECT 1 FROM index_reference AS q CROSS JOIN resource AS \(alias.resource)
                  WHERE q.key = i.key AND q.\(own) AND \(form.isAny("q"))
                    AND \(alias.resource).type = \(numbers.number(target)) AND \(alias.resource).id = \(form.id("q"))
                    AND \(alias.resource).method <> 3 AND \(alias.resource).key < i.target
                    AND \(inner.probe("\(alias.resource).key"))\(SQL.fence))
      """
    return IndexStretch(
      name: .integer(0), range: IndexRange(table: links, condition: "1 = 1"), column: "target", isFirst: isFirst)
  }

  private static let countRow = Statement("SELECT live FROM resource_count WHERE type = ?")

  private func resourceCount(_ type: Schema.TypeID) throws -> Double {
    Double(try reader.first(Self.countRow, [.integer(numbers.number(type))]) { $0.integer(0) } ?? 0)
  }

  /// The keys of a type.
  private func resources(_ type: Schema.TypeID) -> SQL {
    "SELECT key FROM resource WHERE type = \(numbers.number(type)) AND method <> 3"
  }

  /// `_has:Observation:patient:code=…`
  func term(_ chain: SearchReverseChain, _ type: Schema.TypeID, depth: Int) throws -> SearchTerm {
    let source = chain.parameter.resourceType
    let label = "_has:\(store.schema.name(source)):\(chain.parameter.code)"
    try checkReach([source])
    if searched == .contained { return try localTerm(chain, type, label, depth: depth) }
    let alias = try alias(depth)
    let inner = try reached(chain.criteria, source, depth: depth + 1)
    let own = numbers.number(type)
    let indexed = store.catalog.indexed.indexed(chain.parameter).filter { $0.mayRefer(to: type) }
    guard !indexed.isEmpty else { return .never(label) }
    let parameters = indexed.map { SQLValue.integer(Int64($0.number)) }
    let forms = referenceForms(type, below: try ownURLs(chain.base, indexed))
    let keys = inner.set == nil ? nil : keys(inner, source)
    let target: SQL = "\(SQL.join) resource AS r ON r.type = \(own) AND r.id = \(forms.id("j"))"
    let there: SQL = "\(target) AND r.method <> 3"
    let link: (SQL) -> SQL = { test in "j.parameter IN (\(list: parameters)) AND \(test)" }
    let set: SQL
    var unchecked: SQL?
    if let keys {
      let links: SQL = """
        FROM (\(keys)) AS k \(SQL.join) index_reference AS j ON j.key = k.key AND \(link(forms.isAny("j")))
        """
      // Chains multiply what is found twice; whoever takes the keys out of order does not mind.
      set = "SELECT DISTINCT r.key \(links) \(there)"
      unchecked = "SELECT r.key \(links) \(target)"
    } else {
      // Each form is a range of its own.
      let ranges = forms.all.map { form -> SQL in
        """
        SELECT DISTINCT r.key FROM index_reference AS j \(there)
        WHERE \(link(form.isAny("j"))) AND \(inner.probe("j.key"))
        """
      }
      set = ranges.joined(separator: " UNION ALL ")
    }
    let tables: SQL = """
      resource AS \(alias.resource)\(forms.table(alias.form)) CROSS JOIN index_reference AS \(alias.row)
      """
    var term = SearchTerm("\(label):\(inner.label)", set: set, count: inner.joinCount, depth: inner.nestingOfJoin) {
      key in
      inner.joins(
        from: tables,
        where: """
          \(alias.resource).key = \(key) AND \(alias.row).parameter IN (\(list: parameters))
            AND \(forms.leads(from: alias.row, to: "\(alias.resource).id", alias.form))
          """, at: "\(alias.row).key")
    }
    term.unchecked = unchecked
    let referrers = try max(1, resourceCount(source) / max(1, resourceCount(type)))
    term.cost.rows = inner.cost.rows ?? resources(source)
    term.cost.fanOut = inner.cost.fanOut
    term.cost.listing = 3 + inner.cost.listing
    // About half of the referrers are asked before one answers.
    term.cost.probing = 1 + referrers / 2 * (1 + inner.cost.probing)
    if depth == 0, forms.isOne, let keys {
      let stretch = inOrderOfReferrers(parameters, forms.all[0], own, keys, inner, alias)
      term.cost.telling = term.cost.probing
      term.cost.isListedFirst = true
      term.stretching = { [stretch] }
    }
    return term
  }

  /// What is referred to by some resources, one of these after the other: a page of it needs no list of all.
  private func inOrderOfReferrers(
    _ parameters: [SQLValue], _ form: ReferenceForm, _ type: Int64, _ keys: SQL, _ inner: SearchTerm,
    _ alias: ProbeAlias
  ) -> IndexStretch {
    let own: SQL = "parameter IN (\(list: parameters))"
    let links = SQL(
      sqlite: """
        (SELECT t.key AS referrer, r.key AS key FROM resource AS t
         CROSS JOIN index_reference AS j ON j.key = t.key AND j.\(own) AND \(form.isAny("j"))
         CROSS JOIN resource AS r ON r.type = \(type) AND r.id = \(form.id("j"))
         WHERE t.key IN (\(keys)) AND r.method <> 3)
        """,
      postgreSQL: """
        (SELECT k.key AS referrer, r.key AS key
         FROM (SELECT DISTINCT key FROM (\(keys) OFFSET 0) AS d ORDER BY key OFFSET 0) AS k
         CROSS JOIN LATERAL (SELECT \(form.id("i")) AS id FROM index_reference AS i
           WHERE i.key = k.key AND i.\(own) AND \(form.isAny("i")) OFFSET 0) AS j
         CROSS JOIN LATERAL (SELECT t.key FROM resource AS t
           WHERE t.type = \(type) AND t.id = j.id AND t.method <> 3 OFFSET 0) AS r)
        """)
    // Several of them may refer to a resource: the first counts.
    let isFirst: SQL = """
      NOT EXISTS (SELECT 1 FROM resource AS \(alias.resource) CROSS JOIN index_reference AS \(alias.row)
                  WHERE \(alias.resource).key = i.key AND \(alias.row).\(own)
                    AND \(form.leads(from: alias.row, to: "\(alias.resource).id"))
                    AND \(alias.row).key < i.referrer AND \(inner.probe("\(alias.row).key"))\(SQL.fence))
      """
    return IndexStretch(
      name: .integer(0), range: IndexRange(table: links, condition: "1 = 1"), column: "referrer", isFirst: isFirst)
  }

  /// `_not-referenced`
  func notReferenced(
    _ parameters: [SearchParameter], base: String?, _ type: Schema.TypeID, depth: Int
  ) throws -> SearchTerm {
    let alias = try alias(depth)
    let indexed = parameters.flatMap { store.catalog.indexed.indexed($0) }.filter {
      restriction.reach($0.resourceType).isSomething && $0.mayRefer(to: type)
    }
    // Each kind of referrer of which the caller sees a part is asked for by itself.
    let groups = try Dictionary(grouping: indexed) { parameter in
      restriction.reach(parameter.resourceType).criterion == nil ? nil : parameter.resourceType
    }.map { source, parameters -> (parameters: [SQLValue], sight: SearchTerm?) in
      let sight = try source.flatMap { source in
        try restriction.reach(source).criterion.map { try term($0, source, depth: depth + 1) }
      }
      return (parameters.map { .integer(Int64($0.number)) }, sight)
    }
    let forms = referenceForms(type, below: try ownURLs(base, indexed))
    return SearchTerm("_not-referenced", set: nil) { key in
      SQL.allOf(
        groups.flatMap { group in
          forms.all.map { form in
            """
            NOT EXISTS (SELECT 1 FROM resource AS \(alias.resource) CROSS JOIN index_reference AS \(alias.row)
                        WHERE \(alias.resource).key = \(key) AND \(alias.row).parameter IN (\(list: group.parameters))
                          AND \(form.leads(from: alias.row, to: "\(alias.resource).id"))
                          AND \(group.sight?.probe("\(alias.row).key") ?? "1 = 1")\(SQL.fence))
            """
          }
        })
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
        let targets = parameter.targets
        guard let target = store.schema.resourceType(typeName) ?? (targets.count == 1 ? targets[0] : nil),
          case .all = restriction.reach(target), let link = hierarchyLink(target)
        else {
          throw Fault(
            .invalid,
            "The modifier ':\(condition.modifier?.rawValue ?? "")' of '\(condition.code)' needs a target in a "
              + "hierarchy ('partof').", code: "not-supported")
        }
        let forms = referenceForms(target, below: try ownURLs(condition.base, [parameter, link]))
        let branch = branch(of: id, target, link, forms.all, isDownward: condition.modifier == .below)
        for form in forms.all {
          let test: SQL = "parameter = \(Int64(parameter.number)) AND \(form.isAmong(branch))"
          sets.append("SELECT i.key FROM index_reference AS i WHERE \(test)")
          tests.append(test)
        }
      }
    }
    guard let set = SQL.union(sets) else { return .never(condition.label) }
    let all = tests
    var term = SearchTerm(condition.label, set: set) { key in
      SQL.anyOf(
        all.map { test in
          """
          EXISTS (SELECT 1 FROM index_reference AS \(alias.row) \
          WHERE \(test) AND \(alias.row).key = \(key)\(SQL.fence))
          """
        })
    }
    term.nesting = SearchTerm.Nesting(probe: SearchTerm.Nesting.join, isNestedSet: true)
    return term
  }

  private func hierarchyLink(_ target: Schema.TypeID) -> SearchParameter? {
    for code in ["partof", "part-of"] {
      if let parameter = store.parameters.parameter(target, code), parameter.definition.targets.contains(target) {
        return parameter
      }
    }
    return nil
  }

  /// The ids of a resource and of all below or above it; a circle ends where it began.
  private func branch(
    of id: String, _ target: Schema.TypeID, _ link: SearchParameter, _ forms: [ReferenceForm], isDownward: Bool
  ) -> SQL {
    let (type, number) = (numbers.number(target), Int64(link.number))
    let steps = forms.map { form -> SQL in
      isDownward
        ? """
        SELECT r.id FROM branch JOIN index_reference AS j
          ON j.parameter = \(number) AND \(form.leads(from: "j", to: "branch.id")) JOIN resource AS r ON r.key = j.key
        """
        : """
        SELECT \(form.id("j")) FROM branch JOIN resource AS r ON r.type = \(type) AND r.id = branch.id
          JOIN index_reference AS j ON j.key = r.key AND j.parameter = \(number) AND \(form.isAny("j"))
        """
    }
    let lateral = forms.map { form -> SQL in
      isDownward
        ? """
        SELECT r.id FROM index_reference AS j JOIN resource AS r ON r.key = j.key
        WHERE j.parameter = \(number) AND \(form.leads(from: "j", to: "branch.id"))
        """
        : """
        SELECT \(form.id("j")) FROM resource AS r
          JOIN index_reference AS j ON j.key = r.key AND j.parameter = \(number) AND \(form.isAny("j"))
        WHERE r.type = \(type) AND r.id = branch.id
        """
    }
    let all = steps.joined(separator: " UNION ")
    return SQL(
      sqlite: "WITH RECURSIVE branch (id) AS (VALUES (\(id)) UNION \(all)) SELECT id FROM branch",
      // What recurs is named once, in the order of its text.
      postgreSQL: """
        WITH RECURSIVE branch (id) AS (
          VALUES (CAST(\(id) AS text) COLLATE "C")
          UNION SELECT s.id FROM branch CROSS JOIN LATERAL (\(lateral.joined(separator: " UNION ALL "))) AS s (id))
        SELECT id FROM branch
        """)
  }
}
