import FHIRModel
import FHIRSearch
import Storage

extension TermCompiler {
  /// A composite's values stand in one row, so they are of the same element (FHIR R4 search#composite).
  func composite(_ components: [SearchValue], _ parameter: SearchParameter) throws -> ValueCondition? {
    guard components.count >= 2, let first = try first(components[0], parameter) else { return nil }
    guard var rest = try second(components[1]) else { return nil }
    if components.count > 2 { rest += " AND \(Self.bounds(components[2], low: "low3", high: "high3"))" }
    return ValueCondition(
      "index_composite",
      ranges: first.map { .init(condition: "\($0) AND \(rest)", isKeyOrdered: false) },
      probe: "\(SQL.anyOf(first)) AND \(rest)")
  }

  /// The alternatives of the leading columns.
  private func first(_ value: SearchValue, _ parameter: SearchParameter) throws -> [SQL]? {
    switch value {
    case .token(.any, let code?):
      let systems = try systems(parameter.number)
      return systems.isEmpty ? nil : systems.map { "system1 = \($0) AND code1 = \(code)" }
    case .token(.none, let code?): return ["system1 = 0 AND code1 = \(code)"]
    case .token(.uri(let uri), let code):
      guard let number = try systemNumber(uri) else { return nil }
      return [code.map { "system1 = \(number) AND code1 = \($0)" } ?? "system1 = \(number)"]
    case .reference(let type, let id):
      // A reference's type stands as a negative number, so that it cannot meet a system's.
      if let number = numbers.typeNumbersByName[type] { return ["system1 = \(-number) AND code1 = \(id)"] }
      return try targets(parameter).map { "system1 = \(-$0) AND code1 = \(id)" }
    case .uri(let uri): return ["system1 = 0 AND code1 = \(uri)"]
    default: return nil
    }
  }

  /// The types that the leading component's references may point to, and 0 for what was stored without one.
  private func targets(_ parameter: SearchParameter) throws -> [Int64] {
    let definition = parameter.components?.first
    return [0] + (definition?.targets ?? []).map { numbers.number($0) }.sorted()
  }

  private func second(_ value: SearchValue) throws -> SQL? {
    switch value {
    case .token(.any, let code?): return "text2 = \(code)"
    case .token(.none, let code?): return "system2 = 0 AND text2 = \(code)"
    case .token(.uri(let uri), let code):
      guard let number = try systemNumber(uri) else { return nil }
      return code.map { "system2 = \(number) AND text2 = \($0)" } ?? "system2 = \(number)"
    case .string(let text):
      let folded = TextFolding.fold(text)
      return "text2 >= \(folded) AND text2 < \(folded + "\u{10FFFF}")"
    case .uri(let uri): return "text2 = \(uri)"
    case .reference(_, let id): return "text2 = \(id)"
    case .quantity(_, _, _, _, let system, let code):
      var test = Self.bounds(value, low: "low2", high: "high2")
      if let system {
        guard let number = try systemNumber(system) else { return nil }
        test = "system2 = \(number) AND \(test)"
      } else if let canonical = try systemNumber(IndexRow.canonicalUnits) {
        test = "system2 <> \(canonical) AND \(test)"
      }
      return code.map { "text2 = \($0) AND \(test)" } ?? test
    case .date, .number: return Self.bounds(value, low: "low2", high: "high2")
    default: return nil
    }
  }

  /// A date, number or quantity against a pair of columns; the columns have no affinity, so kinds do not mix.
  private static func bounds(_ value: SearchValue, low: SQL, high: SQL) -> SQL {
    switch value {
    case .date(let comparator, let from, let to):
      switch comparator {
      case .eq: "\(low) >= \(from) AND \(high) <= \(to)"
      case .ne: "(\(low) < \(from) OR \(high) > \(to))"
      case .gt: "\(high) > \(to)"
      case .lt: "\(low) < \(from)"
      case .ge: "(\(high) > \(to) OR (\(low) >= \(from) AND \(high) <= \(to)))"
      case .le: "(\(low) < \(from) OR (\(low) >= \(from) AND \(high) <= \(to)))"
      case .sa: "\(low) > \(to)"
      case .eb: "\(high) < \(from)"
      case .ap: "\(low) <= \(to) AND \(high) >= \(from)"
      }
    case .number(let comparator, let from, let to, let exact),
      .quantity(let comparator, let from, let to, let exact, _, _):
      switch comparator {
      case .eq, .ap: "\(low) >= \(from) AND \(low) < \(to) AND \(high) < \(to)"
      case .ne: "(\(low) < \(from) OR \(high) >= \(to))"
      case .gt: "\(high) > \(exact)"
      case .lt: "\(low) < \(exact)"
      case .ge: "\(high) >= \(exact)"
      case .le: "\(low) <= \(exact)"
      case .sa: "\(low) > \(exact)"
      case .eb: "\(high) < \(exact)"
      }
    default: "1 = 0"
    }
  }
}
