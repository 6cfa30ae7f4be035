import FHIRModel
public import FHIRSearch
import Storage

/// One page of matches.
public struct SearchPage: Sendable {
  public var matches: [StoredVersion] = []
  /// The last match's key when more follow.
  public var next: Int64?
  /// All matches, where asked for.
  public var total: Int?

  public init() {}
}

extension StoreView {
  /// One page of a search, in order of creation.
  /// - Parameters:
  ///   - after: the key behind which the page begins.
  ///   - count: the page's length; 0 gives none.
  ///   - bytesMax: a page whose resources reach this many bytes ends there.
  ///   - withTotal: whether to count all matches.
  public func search(
    _ query: SearchQuery, after: Int64? = nil, count: Int, bytesMax: Int, withTotal: Bool = false
  ) throws -> SearchPage {
    var page = SearchPage()
    var bytes = 0
    let types = visibleTypes(query)
    guard !types.isEmpty else {
      page.total = withTotal ? 0 : nil
      return page
    }
    let compiler = compiler
    if withTotal { page.total = try total(query, types) }
    guard count > 0 else { return page }
    let sql = try compiler.matches(
      query, types: types, columns: "r.key, r.type, r.id, r.version, r.updated, r.method, r.body", after: after,
      limit: count + 1)
    try reader.query(sql) { row in
      if page.matches.count == count || bytes >= bytesMax {
        page.next = page.matches.last?.key
        return false
      }
      guard let type = store.numbers.types[row.integer(1)] else { return true }
      page.matches.append(
        try version(
          row, key: row.integer(0), type: type, id: row.text(2), version: row.integer(3), updated: row.integer(4),
          method: row.integer(5), bodyColumn: 6))
      bytes += page.matches.last?.body?.bytes.count ?? 0
      return true
    }
    return page
  }

  /// The ids of the first matches, for conditional interactions.
  public func ids(_ query: SearchQuery, limit: Int) throws -> [String] {
    let types = visibleTypes(query)
    guard !types.isEmpty else { return [] }
    let sql = try compiler.matches(query, types: types, columns: "r.id", after: nil, limit: limit)
    return try reader.all(sql) { $0.text(0) }
  }

  private func visibleTypes(_ query: SearchQuery) -> [Schema.TypeID] {
    if query.matchesNothing { return [] }
    let types = query.types.isEmpty ? store.schema.resourceTypes : query.types
    return types.filter { restriction.allows($0) }
  }

  private func total(_ query: SearchQuery, _ types: [Schema.TypeID]) throws -> Int {
    let sql = try compiler.total(query, types: types)
    return try reader.first(sql) { Int($0.integer(0)) } ?? 0
  }

  private static let systemNumber = Statement("SELECT number FROM system WHERE uri = ?")

  private static let parameterSystems = Statement("SELECT system FROM parameter_system WHERE parameter = ?")

  private var compiler: SearchCompiler {
    SearchCompiler(
      numbers: store.numbers,
      systemNumber: { uri in
        if let known = store.numbers.system(uri) { return known }
        return try reader.first(Self.systemNumber, [.text(uri)]) { $0.integer(0) }
      },
      systems: { parameter in
        try reader.all(Self.parameterSystems, [.integer(Int64(parameter))]) { $0.integer(0) }
      })
  }
}
