import FHIRModel
import FHIRSearch
import Storage

/// FHIR R4 search#quantity. The index has quantities as they were written; a unit in UCUM stands for all that measure
/// the same, so the searched amount is converted into each unit that occurs. `||unit` is the unit as it was written.
extension TermCompiler {
  private static let parameterUnits = Statement("SELECT system, code, class FROM parameter_unit WHERE parameter = ?")

  /// What conditions on one quantity say about values in one unit.
  struct UnitTest {
    let unit: StoreNumbers.Unit
    /// For each condition its alternatives.
    fileprivate(set) var conditions: [[Test]]

    struct Test {
      let comparator: SearchComparator
      let amount: SearchAmount
    }

    /// Tells a range of the index, whatever units there are besides.
    var name: SortValue {
      // FNV-1a: a position keeps no long texts.
      let text = "\(unit.system)|\(unit.code)|\(unit.numberClass.rawValue)"
      let hash = text.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
      return .integer(Int64(bitPattern: hash))
    }

    /// Rows of the unit and class.
    var isUnit: SQL {
      "system = \(unit.system) AND code = \(unit.code) AND class = \(unit.numberClass.rawValue)"
    }

    /// The same in a composite, as its second component.
    var isComposite: SQL {
      "system2 = \(unit.numberClass.isRange ? -1 - unit.system : unit.system) AND text2 = \(unit.code)"
    }

    /// Values that meet all conditions.
    func all() -> SQL { SQL.allOf(conditions.indices.map { condition($0) }) }

    /// The same in a composite, as its second component.
    var allOfComposite: SQL {
      SQL.allOf(conditions.indices.map { condition($0, "low2", "high2") { CompositeBound.sql($0) } })
    }

    /// Values that meet one condition.
    func condition(
      _ place: Int, _ low: SQL = "low", _ high: SQL = "high", _ bound: (Double) -> SQL = { "\($0)" }
    ) -> SQL {
      SQL.anyOf(
        conditions[place].map { test in
          let amount = test.amount
          let isMet = TermCompiler.number(
            test.comparator, bound(amount.low), bound(amount.high), bound(amount.exact),
            isRange: unit.numberClass.isRange, low, high)
          return "(\(isMet))"
        })
    }
  }

  /// One alternative.
  func quantity(_ value: SearchValue, _ parameter: SearchParameter) throws -> ValueCondition? {
    let units = try unitTests([[value]], parameter)
    guard !units.isEmpty else { return nil }
    return ValueCondition(
      "index_quantity",
      ranges: units.map { unit in
        .init(condition: "\(unit.isUnit) AND \(unit.all())", isKeyOrdered: false, name: unit.name)
      }, probe: SQL.anyOf(units.map { "(\($0.isUnit) AND \($0.all()))" }), column: "low")
  }

  /// Several conditions on one quantity (`gt…` and `lt…`): where a resource has one value, one range answers them all.
  func quantities(_ conditions: [SearchCondition], _ type: Schema.TypeID, depth: Int) throws -> SearchTerm {
    let terms = try conditions.map { try term($0, type, depth: depth) }
    let label = terms.map(\.label).joined(separator: " and ")
    let probe: @Sendable (SQL) -> SQL = { key in SQL.allOf(terms.map { $0.probe(key) }) }
    guard let parameter = indexed(conditions[0].parameters, type).first else { return .never(label) }
    let own: SQL = "parameter = \(Int64(parameter.number))"
    let others = SQL.allOf(terms.dropFirst().map { $0.probe("i.key") })
    let units = try unitTests(conditions.map(\.values), parameter)
    let ranges = units.map { unit -> ValueCondition.Range in
      // One of several values may meet the one condition, another the other.
      let test = unit.unit.numberClass.isOneOfSeveral ? unit.condition(0) : unit.all()
      return .init(condition: "\(unit.isUnit) AND \(test)", isKeyOrdered: false, name: unit.name)
    }
    let found = ValueCondition("index_quantity", ranges: ranges, probe: own, column: "low")
    let number = parameter.number
    let stretching: @Sendable () -> [IndexStretch] = {
      Self.stretches([found], number).map { stretch in
        IndexStretch(
          name: stretch.name,
          range: IndexRange(table: stretch.range.table, condition: "\(stretch.range.condition) AND \(others)"),
          column: stretch.column, isFirst: stretch.isFirst)
      }
    }
    let sets = zip(units, ranges).map { unit, range -> SQL in
      let set: SQL = "SELECT i.key FROM index_quantity AS i WHERE \(own) AND \(range.condition)"
      return unit.unit.numberClass.isOneOfSeveral ? "\(set) AND \(others)" : set
    }
    guard let set = SQL.union(sets) else { return .never(label) }
    var all = SearchTerm(label, set: set, probe: probe)
    all.stretching = stretching
    all.cost.probing = Double(terms.count)
    return all
  }

  /// The units under a parameter that conditions on it are compared in: those that every condition can be.
  func unitTests(_ conditions: [[SearchValue]], _ parameter: SearchParameter) throws -> [UnitTest] {
    let units = try reader.all(Self.parameterUnits, [.integer(Int64(parameter.number))]) {
      StoreNumbers.Unit(
        system: $0.integer(0), code: $0.text(1), numberClass: NumberClass(rawValue: $0.integer(2)))
    }
    var tests = units.map { UnitTest(unit: $0, conditions: []) }
    for values in conditions {
      for place in tests.indices { tests[place].conditions.append([]) }
      for value in values { try add(value, to: &tests) }
      tests.removeAll { $0.conditions.last?.isEmpty ?? true }
    }
    return tests
  }

  /// Adds an alternative to the last condition of each unit it can be compared in.
  private func add(_ value: SearchValue, to tests: inout [UnitTest]) throws {
    guard case .quantity(let comparator, let amount, let system, let code) = value else { return }
    var number: Int64?
    if let system {
      guard let known = try systemNumber(system) else { return }
      number = known
    }
    for place in tests.indices where number.map({ $0 == tests[place].unit.system }) ?? true {
      let last = tests[place].conditions.count - 1
      let own = tests[place].unit.code
      if code == nil || code == own {
        tests[place].conditions[last].append(UnitTest.Test(comparator: comparator, amount: amount))
      } else if system == SearchAmount.convertibleSystem, let code,
        let converted = amount.converted(from: code, to: own)
      {
        tests[place].conditions[last].append(UnitTest.Test(comparator: comparator, amount: converted))
      }
    }
  }
}

extension SearchCondition {
  /// Whether two conditions are about the same rows: quantities that name one unit, and everything else.
  func hasSameUnit(as other: SearchCondition) -> Bool {
    guard kind == .quantity, let first = values.first else { return true }
    return (values + other.values).allSatisfy { $0.unit == first.unit }
  }
}

extension SearchValue {
  fileprivate var unit: [String?] {
    if case .quantity(_, _, let system, let code) = self { [system, code] } else { [] }
  }
}
