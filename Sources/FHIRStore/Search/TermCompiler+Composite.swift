import FHIRModel
import FHIRSearch
import Storage

extension TermCompiler {
  /// A composite's values stand in one row, so they are of the same element (FHIR R4 search#composite).
  func composite(_ components: [SearchValue], _ parameter: SearchParameter, _ base: String?) throws -> ValueCondition? {
    guard components.count >= 2, let first = try first(components[0], parameter, base) else { return nil }
    guard let second = try second(components[1], parameter) else { return nil }
    let third: SQL = components.count > 2 ? " AND \(Self.bounds(components[2], low: "low3", high: "high3"))" : ""
    let alternatives = first.flatMap { first in second.map { second -> SQL in "\(first) AND \(second)\(third)" } }
    return ValueCondition(
      "index_composite", ranges: alternatives.map { .init(condition: $0, isKeyOrdered: false) },
      probe: SQL.anyOf(alternatives.map { "(\($0))" }))
  }

  /// The alternatives of the leading columns.
  private func first(_ value: SearchValue, _ parameter: SearchParameter, _ base: String?) throws -> [SQL]? {
    switch value {
    case .token(.any, let code?):
      let systems = try systems(parameter.number)
      return systems.isEmpty ? nil : systems.map { "system1 = \($0) AND code1 = \(IndexedText.sql(code))" }
    case .token(.none, let code?): return ["system1 = 0 AND code1 = \(IndexedText.sql(code))"]
    case .token(.uri(let uri), let code):
      guard let number = try systemNumber(uri) else { return nil }
      return [code.map { "system1 = \(number) AND code1 = \(IndexedText.sql($0))" } ?? "system1 = \(number)"]
    case .reference(let type, let id):
      // A reference's type stands as a negative number, so that it cannot meet a system's.
      let types = try numbers.typeNumbersByName[type].map { [$0] } ?? targets(parameter)
      let urls = urls(of: id, types, below: base)
      return types.map { "system1 = \(-$0) AND code1 = \(IndexedText.sql(id))" }
        + urls.map { "system1 = 0 AND code1 = \(IndexedText.sql($0))" }
    case .uri(let uri): return ["system1 = 0 AND code1 = \(IndexedText.sql(uri))"]
    default: return nil
    }
  }

  /// The types that the leading component's references may point to, and 0 for what was stored without one.
  private func targets(_ parameter: SearchParameter) throws -> [Int64] {
    let definition = parameter.components?.first
    return [0] + (definition?.targets ?? []).map { numbers.number($0) }.sorted()
  }

  /// The alternatives of the columns behind.
  private func second(_ value: SearchValue, _ parameter: SearchParameter) throws -> [SQL]? {
    switch value {
    case .token(.any, let code?): return ["text2 = \(IndexedText.sql(code))"]
    case .token(.none, let code?): return ["system2 = 0 AND text2 = \(IndexedText.sql(code))"]
    case .token(.uri(let uri), let code):
      guard let number = try systemNumber(uri) else { return nil }
      return [code.map { "system2 = \(number) AND text2 = \(IndexedText.sql($0))" } ?? "system2 = \(number)"]
    case .string(let text):
      let folded = TextFolding.fold(text)
      return ["text2 >= \(folded) AND text2 < \(folded + "\u{10FFFF}")"]
    case .uri(let uri): return ["text2 = \(IndexedText.sql(uri))"]
    case .reference(_, let id): return ["text2 = \(IndexedText.sql(id))"]
    case .quantity:
      let tests = try unitTests([[value]], parameter).map { unit -> SQL in
        "\(unit.isComposite) AND \(unit.allOfComposite)"
      }
      return tests.isEmpty ? nil : tests
    case .date, .number: return [Self.bounds(value, low: "low2", high: "high2")]
    default: return nil
    }
  }

  /// A date or number against a pair of columns; the columns have no affinity, so kinds do not mix.
  private static func bounds(_ value: SearchValue, low: SQL, high: SQL) -> SQL {
    switch value {
    case .date(let comparator, let from, let to):
      let (first, last) = (CompositeBound.sql(from), CompositeBound.sql(to))
      return switch comparator {
      case .eq: "\(low) >= \(first) AND \(high) <= \(last)"
      case .ne: "(\(low) < \(first) OR \(high) > \(last))"
      case .gt: "\(high) > \(last)"
      case .lt: "\(low) < \(first)"
      case .ge: "(\(high) > \(last) OR (\(low) >= \(first) AND \(high) <= \(last)))"
      case .le: "(\(low) < \(first) OR (\(low) >= \(first) AND \(high) <= \(last)))"
      case .sa: "\(low) > \(last)"
      case .eb: "\(high) < \(first)"
      case .ap: "\(low) <= \(last) AND \(high) >= \(first)"
      }
    case .number(let comparator, let from, let to, let exact):
      return number(
        comparator, CompositeBound.sql(from), CompositeBound.sql(to), CompositeBound.sql(exact), isRange: true, low,
        high)
    default: return "1 = 0"
    }
  }

  // MARK: Two conditions in one range

  /// A code and a quantity asked for at once (`code=…&value-quantity=…`): where a composite of the whole resource pairs
  /// the two, its range has what satisfies both, and nothing else is visited.
  ///
  /// SampledData is a quantity for the one and none for the other (FHIR R4 Observation search parameters); its rows are
  /// marked as having several values.
  func pair(_ code: SearchCondition, _ quantities: [SearchCondition], _ type: Schema.TypeID, depth: Int) throws
    -> SearchTerm?
  {
    guard let composite = composite(of: code, quantities, type), code.values.count <= Self.pairsMax,
      let parameter = indexed(quantities[0].parameters, type).first
    else { return nil }
    let first = try term(code, type, depth: depth)
    let second = try self.quantities(quantities, type, depth: depth)
    var sets: [SQL] = []
    let units = try unitTests(quantities.map(\.values), composite)
    for value in code.values {
      for leading in try self.first(value, composite, nil) ?? [] {
        for unit in units {
          sets.append(
            """
            SELECT i.key FROM index_composite AS i WHERE parameter = \(Int64(composite.number)) AND \(leading)
              AND \(unit.isComposite) AND \(unit.allOfComposite)
            """)
        }
      }
    }
    for unit in try unitTests([quantities[0].values], parameter) where unit.unit.numberClass.isOneOfSeveral {
      sets.append(
        """
        SELECT i.key FROM index_quantity AS i WHERE parameter = \(Int64(parameter.number)) AND \(unit.isUnit)
          AND \(unit.all()) AND \(second.probe("i.key")) AND \(first.probe("i.key"))
        """)
    }
    var both = SearchTerm("\(first.label) and \(second.label)", set: SQL.union(sets)) { key in
      "\(first.probe(key)) AND \(second.probe(key))"
    }
    both.cost.probing = first.cost.probing + second.cost.probing
    return both
  }

  private static let pairsMax = 16

  /// The composite of a whole resource that pairs a code and a quantity.
  private func composite(of first: SearchCondition, _ second: [SearchCondition], _ type: Schema.TypeID)
    -> SearchParameter?
  {
    guard first.kind == .token, first.modifier == nil,
      let code = first.parameters.first(where: { $0.resourceType == type }),
      let quantity = second.first?.parameters.first(where: { $0.resourceType == type })
    else { return nil }
    let found = store.parameters.parameters(type).first { parameter in
      let components = parameter.definition.components
      return parameter.kind == .composite && components.count == 2
        && components[0].definition == code.definition.url && components[1].definition == quantity.definition.url
        && parameter.definition.expression == store.schema.name(type)
        && store.catalog.indexed.indexed(parameter).map(\.number) == [parameter.number]
    }
    return found.flatMap { rows(of: $0).first }
  }
}
