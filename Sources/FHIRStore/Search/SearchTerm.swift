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
  /// Keys in ascending order, each once.
  let walk: IndexRange?
  /// The set as stretches of an index, each in the order of a column: what is too much to list can be gone through.
  /// Nil where there are none. They are made when asked for.
  var stretching: (@Sendable () -> [IndexStretch])?
  /// Tells it from the search's other terms, on every page of it.
  var place = 0
  /// Whether it is about time, which goes with the order of creation: what is recent was created late.
  var isChronological = false
  /// What it costs.
  var cost: Cost
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
  }

  func probe(_ key: SQL) -> SQL { probing(key) }

  /// In the order of their names.
  var stretches: [IndexStretch] { (stretching.map { $0() } ?? []).sorted { $0.name.compare($1.name) < 0 } }

  /// Nothing satisfies it.
  static func never(_ label: String) -> SearchTerm {
    SearchTerm(label, set: "SELECT 0 AS key WHERE 1 = 0") { _ in "1 = 0" }
  }

  /// Everything satisfies it.
  static func always(_ label: String) -> SearchTerm { SearchTerm(label, set: nil) { _ in "1 = 1" } }
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

  /// Chains are no deeper than this.
  static let depthMax = names.count

  private static let names: [ProbeAlias] = [
    ProbeAlias(row: "p0", resource: "r0"), ProbeAlias(row: "p1", resource: "r1"),
    ProbeAlias(row: "p2", resource: "r2"), ProbeAlias(row: "p3", resource: "r3"),
    ProbeAlias(row: "p4", resource: "r4"), ProbeAlias(row: "p5", resource: "r5"),
    ProbeAlias(row: "p6", resource: "r6"), ProbeAlias(row: "p7", resource: "r7"),
    ProbeAlias(row: "p8", resource: "r8"), ProbeAlias(row: "p9", resource: "r9"),
    ProbeAlias(row: "p10", resource: "r10"), ProbeAlias(row: "p11", resource: "r11"),
    ProbeAlias(row: "p12", resource: "r12"), ProbeAlias(row: "p13", resource: "r13"),
    ProbeAlias(row: "p14", resource: "r14"), ProbeAlias(row: "p15", resource: "r15"),
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
    return groups(sets).map { "SELECT key FROM (\($0.joined(separator: " UNION ALL ")))" }
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
