public import FHIRModel
import FHIRSearch
import Storage

extension StoreView {
  /// A profile, tag or security label in use.
  public struct Label: Sendable, Hashable {
    /// Empty where there is none.
    public let system: String
    /// The code, or a profile's URL as the index has it.
    public let code: String
  }

  private static let nextToken = Statement(
    """
    SELECT system, code FROM index_token WHERE parameter = ? AND (system, code) > (?, ?)
    ORDER BY system, code LIMIT 1
    """)
  private static let nextURI = Statement(
    "SELECT 0, value FROM index_uri WHERE parameter = ? AND value > ? ORDER BY value LIMIT 1")
  private static let systemURI = Statement("SELECT uri FROM system WHERE number = ?")

  /// The values in use under `_tag`, `_security` or `_profile` of the newest versions, in the index's order: one seek
  /// for each, however many resources have it.
  /// - Parameter max: one more than this is given where there are more.
  public func labels(_ code: String, _ types: [Schema.TypeID], max: Int) throws -> [Label] {
    var seen: Set<Label> = []
    var labels: [Label] = []
    for type in types where restriction.allows(type) {
      guard let parameter = store.parameters.parameter(type, code) else { continue }
      if let criterion = restriction.extent(type).criterion {
        for label in try self.labels(parameter, of: type, that: criterion, max: max) where labels.count <= max {
          if seen.insert(label).inserted { labels.append(label) }
        }
        continue
      }
      let number = SQLValue.integer(Int64(parameter.number))
      var last: (system: Int64, code: String) = (-1, "")
      while labels.count <= max {
        let next =
          parameter.kind == .token
          ? try reader.first(Self.nextToken, [number, .integer(last.system), .text(last.code)]) {
            ($0.integer(0), $0.text(1))
          }
          : try reader.first(Self.nextURI, [number, .text(last.code)]) { ($0.integer(0), $0.text(1)) }
        guard let next else { break }
        last = next
        let uri = next.0 == 0 ? "" : try reader.first(Self.systemURI, [.integer(next.0)]) { $0.text(0) }
        let label = Label(system: uri ?? "", code: next.1)
        if seen.insert(label).inserted { labels.append(label) }
      }
    }
    return labels
  }

  /// The values in use by some resources of a type.
  private func labels(
    _ parameter: SearchParameter, of type: Schema.TypeID, that criterion: SearchCriterion, max: Int
  ) throws -> [Label] {
    let test = try TermCompiler(self).term(criterion, type).probe("i.key")
    let own: SQL = "i.parameter = \(Int64(parameter.number)) AND \(test)"
    if parameter.kind != .token {
      let sql: SQL = "SELECT DISTINCT i.value FROM index_uri AS i WHERE \(own) ORDER BY i.value LIMIT \(max + 1)"
      return try reader.all(sql) { Label(system: "", code: $0.text(0)) }
    }
    let sql: SQL = """
      SELECT DISTINCT i.system, i.code FROM index_token AS i WHERE \(own) ORDER BY i.system, i.code LIMIT \(max + 1)
      """
    return try reader.all(sql) { ($0.integer(0), $0.text(1)) }.map { system, code in
      let uri = system == 0 ? "" : try reader.first(Self.systemURI, [.integer(system)]) { $0.text(0) }
      return Label(system: uri ?? "", code: code)
    }
  }
}
