import FHIRSearch
import Storage

/// One criterion for one type of resource, in the forms a plan can use.
///
/// A *set* lists the keys that satisfy it; a *walk* lists them in the page's order, so that a page costs what it shows;
/// a *probe* tests a key at hand. A negation has a probe only.
struct SearchTerm {
  /// What the criterion is about, for explanations: the parameter as asked, without its values.
  let label: String
  /// `SELECT` of one column of keys, with repetitions; nil where only the whole type could be gone through.
  let set: SQL?
  /// The set, and deleted resources besides: for whoever looks at each resource's row anyway.
  var unchecked: SQL?
  /// Keys in ascending order, each once.
  let walk: IndexRange?
  /// The set as stretches of an index, each in the order of a column: what is too much to list can be gone through.
  /// Nil where there are none. They are made when asked for.
  var stretching: (@Sendable () -> [IndexStretch])?
  /// Tells it from the search's other terms, on every page of it.
  var place = 0
  /// Whether it is about time, which goes with the order of creation: what is recent was created late.
  var isChronological = false
  /// The date parameter of which it is all that is asked: an index in that parameter's order is bounded by it.
  var dateParameter: Int32?
  /// What it costs.
  var cost: Cost
  /// How deep its probe and its set nest.
  var nesting = Nesting()
  /// The probe as joins, of which one has a row for the key: what follows a reference to this takes them into its own,
  /// so that a chain is one join however long it is. Nil where the probe is no join.
  var paths: (@Sendable (_ key: SQL) -> [ProbePath])?
  var pathCount = 1
  /// Alternatives of which one is met by the key: `EXISTS …`.
  private let probing: @Sendable (_ key: SQL) -> SQL

  init(
    _ label: String, set: SQL?, walk: IndexRange? = nil, probe: @escaping @Sendable (_ key: SQL) -> SQL
  ) {
    self.label = label
    self.set = set ?? walk?.keys
    self.walk = walk
    self.probing = probe
    self.cost = Cost(rows: self.set)
  }

  /// In rows visited.
  struct Cost {
    /// A set that is quick to count and about as large as the term's, up to `fanOut`: a join would cost more to count
    /// than to do without.
    var rows: SQL?
    /// How many there are, where that is known without counting.
    var known: Int?
    /// Keys of the term for each of these rows.
    var fanOut = 1.0
    /// To list one key.
    var listing = 1.0
    /// To test one key.
    var probing = 1.0
    /// To tell a resource's first row in a stretch from its others.
    var telling = 0.0
    /// Whether its stretches begin with a list of what they start from, `rows`.
    var isListedFirst = false
  }

  /// An engine's parser takes only so much that stands open at once: SQLite's 100 symbols of its grammar, of which a
  /// statement around a term and a single condition within it take some 50 together.
  struct Nesting {
    /// Symbols that the probe opens around its innermost condition.
    var probe = 0
    /// The same for the probe as joins.
    var paths = 0
    /// Whether the set has another one inside.
    var isNestedSet = false

    /// What is past this is made a list before the statement.
    static let probeMax = 32
    /// `EXISTS (SELECT 1 FROM … WHERE … AND`, one of several.
    static let join = 11
    /// `(… OR`
    static let group = 3
    static let not = 1
  }

  /// A probe that visits more rows than this for one key is a list, made once for the statement.
  static let probingMax = 100_000.0
  /// Chains that fork more often are not written as one join for each of their ends.
  static let pathsMax = 16

  func probe(_ key: SQL) -> SQL { probing(key) }

  /// What a join opens that goes on to this term.
  var nestingOfJoin: Int { joinable == nil ? Nesting.join + nesting.probe : nesting.paths }

  /// The joins on which a row goes on to this term, which tests the key.
  func joins(from tables: SQL, where condition: SQL, at key: SQL) -> [ProbePath] {
    guard let joinable else { return [ProbePath(tables: tables, condition: "\(condition) AND \(probe(key))")] }
    return joinable(key).map {
      ProbePath(tables: "\(tables) CROSS JOIN \($0.tables)", condition: "\(condition) AND \($0.condition)")
    }
  }

  /// How many these are.
  var joinCount: Int { joinable == nil ? 1 : pathCount }

  /// The probe as joins, where these are not too many.
  var joinable: (@Sendable (_ key: SQL) -> [ProbePath])? { pathCount <= Self.pathsMax ? paths : nil }

  /// In the order of their names.
  var stretches: [IndexStretch] { (stretching.map { $0() } ?? []).sorted { $0.name.compare($1.name) < 0 } }

  /// Nothing satisfies it.
  static func never(_ label: String) -> SearchTerm {
    SearchTerm(label, set: "SELECT 0 AS key WHERE 1 = 0") { _ in "1 = 0" }
  }

  /// Everything satisfies it.
  static func always(_ label: String) -> SearchTerm { SearchTerm(label, set: nil) { _ in "1 = 1" } }
}

extension SearchTerm {
  /// A term whose probe is one of several joins.
  /// - Parameters:
  ///   - count: how many joins there are.
  ///   - depth: what the deepest of them opens.
  init(
    _ label: String, set: SQL?, count: Int, depth: Int, paths: @escaping @Sendable (_ key: SQL) -> [ProbePath]
  ) {
    self.init(label, set: set) { key in SQL.anyOf(paths(key).map(\.exists)) }
    self.paths = paths
    pathCount = count
    nesting = Nesting(probe: depth, paths: depth, isNestedSet: true)
  }
}

/// A join that has a row where a key is met: its tables, and what holds of them.
struct ProbePath {
  let tables: SQL
  let condition: SQL

  var exists: SQL { "EXISTS (SELECT 1 FROM \(tables) WHERE \(condition)\(SQL.fence))" }
}

/// A range of an index table in the order of one column, under the alias `i`.
struct IndexStretch {
  /// Tells it from the others, and is their order: new ones may come between two pages of a search.
  let name: SortValue
  let range: IndexRange
  let column: SQL
  /// Tells a resource's first row in the stretch from its others; nil where each occurs once.
  let isFirst: SQL?
}

/// A range of an index table under the alias `i`.
struct IndexRange {
  let table: SQL
  let condition: SQL

  var keys: SQL { "SELECT i.key FROM \(table) AS i WHERE \(condition)" }
}

/// Names of tables inside probes: a probe refers to the row around it, so each floor has names of its own.
struct ProbeAlias {
  let row: SQL
  let resource: SQL
  let form: SQL

  /// Chains are no deeper than this.
  static let depthMax = names.count

  private static let names: [ProbeAlias] = [
    ProbeAlias(row: "p0", resource: "r0", form: "f0"), ProbeAlias(row: "p1", resource: "r1", form: "f1"),
    ProbeAlias(row: "p2", resource: "r2", form: "f2"), ProbeAlias(row: "p3", resource: "r3", form: "f3"),
    ProbeAlias(row: "p4", resource: "r4", form: "f4"), ProbeAlias(row: "p5", resource: "r5", form: "f5"),
    ProbeAlias(row: "p6", resource: "r6", form: "f6"), ProbeAlias(row: "p7", resource: "r7", form: "f7"),
    ProbeAlias(row: "p8", resource: "r8", form: "f8"), ProbeAlias(row: "p9", resource: "r9", form: "f9"),
    ProbeAlias(row: "p10", resource: "r10", form: "f10"), ProbeAlias(row: "p11", resource: "r11", form: "f11"),
    ProbeAlias(row: "p12", resource: "r12", form: "f12"), ProbeAlias(row: "p13", resource: "r13", form: "f13"),
    ProbeAlias(row: "p14", resource: "r14", form: "f14"), ProbeAlias(row: "p15", resource: "r15", form: "f15"),
  ]

  /// nil where a search is nested too deep.
  static func at(_ depth: Int) -> ProbeAlias? { names.indices.contains(depth) ? names[depth] : nil }
}

/// Alternatives past this many are grouped: SQLite takes 500 terms in a compound SELECT and a tree of conditions
/// 1,000 deep, and a search may name more values than that (`Limits.searchValuesMax`).
private let alternativesMax = 100

extension SQL {
  /// All keys of several sets; nil for none.
  static func union(_ sets: [SQL]) -> SQL? {
    guard !sets.isEmpty else { return nil }
    guard sets.count > alternativesMax else { return sets.joined(separator: " UNION ALL ") }
    return groups(sets).map { "SELECT key FROM (\($0.joined(separator: " UNION ALL ")))\(SQL.unnamed)" }
      .joined(separator: " UNION ALL ")
  }

  static func anyOf(_ alternatives: [SQL]) -> SQL {
    guard let only = alternatives.first else { return "1 = 0" }
    if alternatives.count == 1 { return only }
    guard alternatives.count > alternativesMax else { return "(\(alternatives.joined(separator: " OR ")))" }
    let groups = groups(alternatives).map { group -> SQL in "(\(group.joined(separator: " OR ")))" }
    return "(\(groups.joined(separator: " OR ")))"
  }

  static func allOf(_ conditions: [SQL]) -> SQL {
    guard let only = conditions.first else { return "1 = 1" }
    if conditions.count == 1 { return only }
    guard conditions.count > alternativesMax else { return "(\(conditions.joined(separator: " AND ")))" }
    let groups = groups(conditions).map { group -> SQL in "(\(group.joined(separator: " AND ")))" }
    return "(\(groups.joined(separator: " AND ")))"
  }

  private static func groups(_ pieces: [SQL]) -> [ArraySlice<SQL>] {
    stride(from: 0, to: pieces.count, by: alternativesMax).map {
      pieces[$0..<min($0 + alternativesMax, pieces.count)]
    }
  }
}
