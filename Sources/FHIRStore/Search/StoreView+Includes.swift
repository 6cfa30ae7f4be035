import FHIRModel
public import FHIRSearch
import Storage

/// What a page's matches bring along.
public struct IncludedPage: Sendable {
  public var resources: [StoredVersion] = []
  /// The last resource's key when more follow.
  public var next: Int64?
  /// Whether more resources are included than are looked for at all.
  public var isTruncated = false

  public init() {}
}

extension StoreView {
  /// What `_include` and `_revinclude` bring along to a page's matches, in order of creation; never a match again.
  ///
  /// Iterative includes apply to what was included as well, until nothing new is found.
  /// - Parameters:
  ///   - contained: the contained resources among the matches.
  ///   - after: the key behind which the page begins.
  ///   - count: the page's length.
  ///   - keysMax: looking ends when so many are found.
  ///   - base: the service's address, if references may have been stored as URLs below it.
  public func included(
    _ includes: [SearchInclude], with matches: [StoredVersion], contained: [ContainedMatch] = [], after: Int64 = 0,
    count: Int, keysMax: Int, bytesMax: Int, base: String?
  ) throws -> IncludedPage {
    let links = try includes.map { include in
      (include: include, byURL: try parametersWithURLs(include, below: base, isContained: !contained.isEmpty))
    }
    var seen = Set(matches.map(\.key))
    var found: [Int64] = []
    var frontier = matches.map { Linked(key: $0.key, type: store.numbers.number($0.type)) }
    frontier += contained.map { Linked(key: $0.key, type: $0.type) }
    var applied = links
    var page = IncludedPage()
    while !frontier.isEmpty && !applied.isEmpty && !page.isTruncated {
      var next: [Linked] = []
      for (include, byURL) in applied {
        next += try linked(include, with: frontier).filter { seen.insert($0.key).inserted }
        guard let base, !byURL.isEmpty else { continue }
        next += try linked(include, byURL, with: frontier, below: base).filter { seen.insert($0.key).inserted }
      }
      found += next.map(\.key)
      page.isTruncated = found.count > keysMax
      frontier = next
      applied = links.filter(\.include.isIterative)
    }
    let wanted = found.sorted().filter { $0 > after }
    page.resources = try current(keys: Array(wanted.prefix(count)), bytesMax: bytesMax)
    if page.resources.count < wanted.count { page.next = page.resources.last?.key }
    return page
  }

  struct Linked {
    let key: Int64
    let type: Int64
  }

  /// Keys in one statement.
  static let keysPerStatement = 500

  /// Only resources of the named type refer, or are referred to.
  func concerned(_ include: SearchInclude, _ resources: [Linked]) -> [Linked] {
    guard let type = include.isReverse ? include.target : include.source else { return resources }
    let own = store.numbers.number(type)
    return resources.filter { $0.type == own }
  }

  /// The types of which the caller may see something.
  var visible: SQL {
    if restriction.isUnrestricted { return "n.method <> 3" }
    let allowed = store.schema.resourceTypes.filter { restriction.reach($0).isSomething }
    return "n.type IN (\(list: allowed.map { .integer(store.numbers.number($0)) })) AND n.method <> 3"
  }

  private func linked(_ include: SearchInclude, with resources: [Linked]) throws -> [Linked] {
    let keys = concerned(include, resources).map { SQLValue.integer($0.key) }
    var linked: [Linked] = []
    for start in stride(from: 0, to: keys.count, by: Self.keysPerStatement) {
      let some = Array(keys[start..<min(start + Self.keysPerStatement, keys.count)])
      guard let sql = include.isReverse ? reverse(include, some) : forward(include, some) else { return [] }
      try reader.query("\(sql) AND \(visible)") { row in
        linked.append(Linked(key: row.integer(0), type: row.integer(1)))
        return true
      }
    }
    return try reachable(linked)
  }

  /// What resources refer to.
  private func forward(_ include: SearchInclude, _ keys: [SQLValue]) -> SQL? {
    var sql: SQL = """
      SELECT DISTINCT n.key, n.type
      FROM index_reference AS j \(SQL.join) resource AS n ON n.type = j.type AND n.id = j.id
      WHERE j.key IN (\(list: keys))
      """
    if include.code != nil || include.source != nil {
      guard let parameters = parameters(include, isContained: keys.contains(where: \.isContained)) else { return nil }
      sql += " AND \(parameters)"
    }
    if let target = include.target { sql += " AND j.type = \(store.numbers.number(target))" }
    return sql
  }

  /// What refers to resources.
  private func reverse(_ include: SearchInclude, _ keys: [SQLValue]) -> SQL? {
    guard let parameters = parameters(include, isContained: false) else { return nil }
    return """
      SELECT DISTINCT n.key, n.type FROM resource AS t
        \(SQL.join) index_reference AS j ON j.type = t.type AND j.id = t.id AND \(parameters)
        \(SQL.join) resource AS n ON n.key = j.key
      WHERE t.key IN (\(list: keys))
      """
  }

  /// The reference parameters meant, each with rows of its own.
  /// - Parameter isContained: whether those of contained resources are meant too.
  func referenceParameters(_ include: SearchInclude, isContained: Bool = false) -> [SearchParameter] {
    let types = include.source.map { [$0] } ?? store.schema.resourceTypes.filter { restriction.reach($0).isSomething }
    return types.flatMap { type in
      store.parameters.parameters(type).filter { parameter in
        parameter.kind == .reference && (include.code.map { $0 == parameter.code } ?? true)
      }
      .flatMap { store.catalog.indexed.indexed($0) }.flatMap { isContained ? [$0, $0.contained()] : [$0] }
    }
  }

  /// Rows of the reference parameters meant; nil for none.
  private func parameters(_ include: SearchInclude, isContained: Bool) -> SQL? {
    let found = referenceParameters(include, isContained: isContained)
    let whole = Set(found.filter { $0.soleTarget == nil }.map(\.number))
    var tests: [SQL] = []
    if !whole.isEmpty { tests.append("j.parameter IN (\(list: whole.sorted().map { .integer(Int64($0)) }))") }
    for part in found where !whole.contains(part.number) {
      guard let target = part.soleTarget else { continue }
      tests.append("(j.parameter = \(Int64(part.number)) AND j.type = \(store.numbers.number(target)))")
    }
    return tests.isEmpty ? nil : SQL.anyOf(tests)
  }
}

extension SQLValue {
  fileprivate var isContained: Bool {
    if case .integer(let key) = self { ContainedKey.isContained(key) } else { false }
  }
}
