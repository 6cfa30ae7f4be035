import FHIRModel
import FHIRSearch
import Storage

extension TermCompiler {
  /// The alternatives of one condition; many of a kind are asked for together.
  func conditions(_ values: [SearchValue], _ modifier: SearchCondition.Modifier?, _ parameter: SearchParameter) throws
    -> [ValueCondition]
  {
    let found = try Self.reduced(values).compactMap { try condition($0, modifier, parameter) }
    return found.count > Self.listedMax ? ValueCondition.merged(found) : found
  }

  /// More alternatives than this are merged where they can be.
  private static let listedMax = 8

  /// Of several bounds to the same side the widest says it all.
  private static func reduced(_ values: [SearchValue]) -> [SearchValue] {
    var widest: [SearchComparator: SearchValue] = [:]
    var others: [SearchValue] = []
    for value in values {
      guard case .date(let comparator, let low, let high) = value, comparator.isOpen else {
        others.append(value)
        continue
      }
      guard case .date(_, let known, let knownHigh)? = widest[comparator] else {
        widest[comparator] = value
        continue
      }
      let isWider = comparator.isLower ? high < knownHigh : low > known
      if isWider { widest[comparator] = value }
    }
    return others + SearchComparator.allCases.compactMap { widest[$0] }
  }

  /// nil where nothing can match.
  private func condition(_ value: SearchValue, _ modifier: SearchCondition.Modifier?, _ parameter: SearchParameter)
    throws
    -> ValueCondition?
  {
    switch value {
    case .token(let system, let code): return try token(system, code, parameter)
    case .ofType(let system, let code, let value):
      guard let number = try systemNumber(IndexRow.ofType(system: system, code: code)) else { return nil }
      return ValueCondition("index_token", [.init("system = \(number)", "code", value)])
    case .string(let text): return string(text, modifier)
    case .reference(let type, let id): return reference(type, id, parameter)
    case .uri(let uri): return self.uri(uri, modifier)
    case .date: return Self.date(value)
    case .number(let comparator, let low, let high, let exact):
      return number(Self.number(comparator, low, high, exact))
    case .quantity(let comparator, let low, let high, let exact, let system, let code):
      return try quantity(Self.number(comparator, low, high, exact), system, code, parameter)
    case .composite(let components): return try composite(components, parameter)
    case .near(let latitude, let longitude, let meters): return Self.near(latitude, longitude, meters)
    case .missing: return nil
    }
  }

  private func token(_ system: SearchValue.TokenSystem, _ code: String?, _ parameter: SearchParameter) throws
    -> ValueCondition?
  {
    switch (system, code) {
    case (.any, let code?):
      // The systems that occur under a parameter are few: one seek each, and often it is one.
      let systems = try systems(parameter.number)
      guard !systems.isEmpty else { return nil }
      return ValueCondition("index_token", systems.map { .init("system = \($0)", "code", code) })
    case (.none, let code?): return ValueCondition("index_token", [.init("system = 0", "code", code)])
    case (.uri(let uri), let code):
      guard let number = try systemNumber(uri) else { return nil }
      guard let code else { return ValueCondition("index_token", "system = \(number)", column: "code") }
      return ValueCondition("index_token", [.init("system = \(number)", "code", code)])
    case (.any, nil), (.none, nil): return nil
    }
  }

  private func string(_ text: String, _ modifier: SearchCondition.Modifier?) -> ValueCondition {
    let folded = TextFolding.fold(text)
    switch modifier {
    case .exact: return ValueCondition("index_string", "folded = \(folded) AND text = \(text)")
    case .contains: return ValueCondition("index_string", "instr(folded, \(folded)) > 0")
    case .equals: return ValueCondition("index_string", "folded = \(folded)")
    case .endsWith: return ValueCondition("index_string", "substr(folded, -\(folded.unicodeScalars.count)) = \(folded)")
    case .less: return ValueCondition("index_string", "folded < \(folded)", column: "folded")
    case .lessOrEqual: return ValueCondition("index_string", "folded <= \(folded)", column: "folded")
    case .greater: return ValueCondition("index_string", "folded > \(folded)", column: "folded")
    case .greaterOrEqual: return ValueCondition("index_string", "folded >= \(folded)", column: "folded")
    default:
      // A prefix is a range: from the text itself to the text followed by the last code point.
      return ValueCondition(
        "index_string", "folded >= \(folded) AND folded < \(folded + "\u{10FFFF}")", column: "folded")
    }
  }

  private func reference(_ type: String, _ id: String, _ parameter: SearchParameter) -> ValueCondition? {
    let types: [Int64]
    if !type.isEmpty {
      guard let number = numbers.typeNumbersByName[type] else { return nil }
      types = [number]
    } else if id.contains(":") || id.contains("/") {
      types = [0]
    } else {
      // An id alone: any type the parameter may point to, or a reference that was stored without a type. Where there
      // is one target only, references without a type were stored as that.
      let targets = parameter.definition.targets.map { numbers.number($0) }
      types = targets.count == 1 ? targets : [0] + (targets.isEmpty ? numbers.types.keys.sorted() : targets.sorted())
    }
    return ValueCondition("index_reference", types.map { .init("type = \($0)", "id", id) })
  }

  private func uri(_ uri: String, _ modifier: SearchCondition.Modifier?) -> ValueCondition? {
    switch modifier {
    case .below:
      // Only URLs stand below one another, not URNs (FHIR R4 search#uri).
      guard Self.hierarchical.contains(where: { uri.hasPrefix($0) || $0.hasPrefix(uri) }) else { return nil }
      return ValueCondition(
        "index_uri", "value >= \(uri) AND value < \(uri + "\u{10FFFF}")", column: "value")
    case .above:
      // What stands above a hierarchical URL are its own beginnings.
      guard let start = uri.pathStart else { return nil }
      var places = uri.utf8.indices.filter { $0 >= start && uri.utf8[$0] == UInt8(ascii: "/") }
      places.append(uri.endIndex)
      let values = places.flatMap { place -> [SQLValue] in
        let head = String(uri[..<place])
        return place == uri.endIndex ? [.text(head)] : [.text(head), .text(head + "/")]
      }
      return ValueCondition("index_uri", "value IN (\(list: values))")
    default: return ValueCondition("index_uri", [.init("1 = 1", "value", uri)])
    }
  }

  private static let hierarchical = ["http://", "https://"]

  // MARK: Dates

  /// One range of the index for each class.
  private static func date(_ value: SearchValue) -> ValueCondition {
    var condition = ValueCondition(
      "index_date",
      ranges: DateClass.all.map {
        .init(
          condition: "class = \($0.rawValue) AND \(date(value, in: $0))", isKeyOrdered: false,
          isSole: !$0.isOneOfSeveral)
      },
      probe: date(value, in: DateClass(span: .longer, isOneOfSeveral: true)), column: "low")
    if case .date(.eq, let low, let high) = value { condition.period = (low, high) }
    return condition
  }

  /// FHIR R4 search#prefix: the searched range against a stored one of a class.
  static func date(_ value: SearchValue, in dateClass: DateClass) -> SQL {
    guard case .date(let comparator, let low, let high) = value else { return "1 = 0" }
    switch comparator {
    case .eq: return "low BETWEEN \(low) AND \(high) AND high <= \(high)"
    case .ne: return "(low < \(low) OR high > \(high))"
    case .gt: return "low >= \(dateClass.earliestLow(endingAt: high)) AND high > \(high)"
    case .lt: return "low < \(low)"
    case .ge:
      return
        "low >= \(dateClass.earliestLow(endingAt: low)) AND (high > \(high) OR (low >= \(low) AND high <= \(high)))"
    case .le: return "low <= \(high) AND (low < \(low) OR high <= \(high))"
    case .sa: return "low > \(high)"
    case .eb: return "low < \(low) AND high < \(low)"
    case .ap: return "low >= \(dateClass.earliestLow(endingAt: low)) AND low <= \(high) AND high >= \(low)"
    }
  }

  // MARK: Numbers

  private static func number(_ comparator: SearchComparator, _ low: Double, _ high: Double, _ exact: Double) -> SQL {
    switch comparator {
    case .eq, .ap: "low >= \(low) AND low < \(high) AND high < \(high)"
    case .ne: "(low < \(low) OR high >= \(high))"
    case .gt: "high > \(exact)"
    case .lt: "low < \(exact)"
    case .ge: "high >= \(exact)"
    case .le: "low <= \(exact)"
    case .sa: "low > \(exact)"
    case .eb: "high < \(exact)"
    }
  }

  private func number(_ range: SQL) -> ValueCondition {
    ValueCondition(
      "index_number",
      ranges: [0, 1].map { .init(condition: "several = \($0) AND \(range)", isKeyOrdered: false, isSole: $0 == 0) },
      probe: range,
      column: "low")
  }

  private static let parameterUnits = Statement("SELECT system, code FROM parameter_unit WHERE parameter = ?")

  /// A unit in UCUM stands for all that measure the same; `||unit` is the unit as it was written.
  private func quantity(_ range: SQL, _ system: String?, _ code: String?, _ parameter: SearchParameter) throws
    -> ValueCondition?
  {
    var units: [(system: Int64, code: String)]
    if let system, let code {
      guard let number = try systemNumber(system) else { return nil }
      units = [(number, code)]
    } else {
      let wanted = try system.map { try systemNumber($0) ?? -1 }
      let canonical = try systemNumber(IndexRow.canonicalUnits)
      units = try reader.all(Self.parameterUnits, [.integer(Int64(parameter.number))]) { ($0.integer(0), $0.text(1)) }
      units.removeAll { unit in
        unit.system == canonical || wanted.map { $0 != unit.system } ?? false || code.map { $0 != unit.code } ?? false
      }
      guard !units.isEmpty else { return nil }
    }
    let ranges = units.flatMap { unit in
      [0, 1].map { several in
        ValueCondition.Range(
          condition: "system = \(unit.system) AND code = \(unit.code) AND several = \(several) AND \(range)",
          isKeyOrdered: false)
      }
    }
    let tests = units.map { unit -> SQL in "(system = \(unit.system) AND code = \(unit.code))" }
    return ValueCondition("index_quantity", ranges: ranges, probe: "\(SQL.anyOf(tests)) AND \(range)", column: "low")
  }

  // MARK: Positions

  /// Metres of one degree of latitude on the sphere that stands for the earth.
  private static let metersPerDegree = 6_371_008.8 * Double.pi / 180

  /// A box that holds the circle leads, the distance decides (haversine).
  private static func near(_ latitude: Double, _ longitude: Double, _ meters: Double) -> ValueCondition {
    let height = meters / metersPerDegree
    var test: SQL = "latitude BETWEEN \(latitude - height) AND \(latitude + height)"
    test += " AND \(distance(latitude, longitude)) <= \(meters)"
    return ValueCondition("index_position", test)
  }

  /// The distance of a row's position in metres.
  static func distance(_ latitude: Double, _ longitude: Double) -> SQL {
    """
    (12742017.6 * asin(min(1, sqrt(
      pow(sin(radians(latitude - \(latitude)) / 2), 2)
      + cos(radians(latitude)) * cos(radians(\(latitude))) * pow(sin(radians(longitude - \(longitude)) / 2), 2)))))
    """
  }
}

extension String {
  /// Where the path of a hierarchical URL begins (behind `http://host`), nil for others.
  fileprivate var pathStart: String.Index? {
    guard hasPrefix("http://") || hasPrefix("https://") else { return nil }
    let host = utf8.index(utf8.startIndex, offsetBy: hasPrefix("https://") ? 8 : 7)
    return host
  }
}

extension SearchComparator {
  /// Whether one end of a period alone decides.
  fileprivate var isOpen: Bool {
    switch self {
    case .gt, .sa, .lt, .eb: true
    case .eq, .ne, .ge, .le, .ap: false
    }
  }

  /// Whether it bounds from below.
  fileprivate var isLower: Bool { self == .gt || self == .sa }
}
