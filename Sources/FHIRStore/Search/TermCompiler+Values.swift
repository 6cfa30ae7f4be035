import FHIRModel
import FHIRSearch
import Storage

extension TermCompiler {
  /// The alternatives of one condition; many of a kind are asked for together.
  func conditions(_ condition: SearchCondition, _ parameter: SearchParameter) throws -> [ValueCondition] {
    let base = condition.kind == .reference ? try ownURLs(condition.base, [parameter]) : condition.base
    let values = Self.reduced(condition.values)
    let found = try values.enumerated().compactMap { place, value in
      let found = try self.condition(value, condition.modifier, parameter, base)
      return values.count == 1 ? found : found?.alternative(place)
    }
    guard found.count > Self.listedMax else { return found }
    return ValueCondition.merged(found, parameter.kind == .date ? try dateClasses(parameter) : [])
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
  /// - Parameter base: the service's address, where references may have been stored as URLs below it.
  private func condition(
    _ value: SearchValue, _ modifier: SearchCondition.Modifier?, _ parameter: SearchParameter, _ base: String?
  ) throws -> ValueCondition? {
    switch value {
    case .token(let system, let code): return try token(system, code, parameter)
    case .ofType(let system, let code, let value):
      guard let number = try systemNumber(IndexRow.ofType(system: system, code: code)) else { return nil }
      return ValueCondition("index_token", [.init("system = \(number)", "code", value)])
    case .string(let text): return string(text, modifier)
    case .reference(let type, let id): return try reference(type, id, parameter, base)
    case .uri(let uri): return self.uri(uri, modifier)
    case .date(_, let low, let high) where modifier == .covers:
      return Self.covering(low, high, try dateClasses(parameter))
    case .date: return Self.date(value, try dateClasses(parameter))
    case .number(_, _, _, let exact) where modifier == .covers:
      return try number(parameter) { _ in "low <= \(exact) AND high >= \(exact)" }
    case .number(let comparator, let low, let high, let exact):
      return try number(parameter) { Self.number(comparator, "\(low)", "\(high)", "\(exact)", isRange: $0) }
    case .quantity: return try quantity(value, parameter)
    case .composite(let components): return try composite(components, parameter, base)
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
    let folded = IndexText.folded(text)
    switch modifier {
    case .exact: return ValueCondition("index_string", "folded = \(IndexedText.sql(folded)) AND text = \(text)")
    case .contains: return ValueCondition("index_string", "\(SQL.place)(\(Self.wholeFolded), \(folded)) > 0")
    case .equals: return ValueCondition("index_string", "folded = \(IndexedText.sql(folded))")
    case .endsWith:
      let end = folded.unicodeScalars.count
      let test = SQL(
        sqlite: "substr(folded, -\(end))", postgreSQL: "right(\(Self.wholeFolded), CAST(\(end) AS integer))")
      return ValueCondition("index_string", "\(test) = \(folded)")
    case .less: return ValueCondition("index_string", "folded < \(folded)", column: "folded")
    case .lessOrEqual: return ValueCondition("index_string", "folded <= \(folded)", column: "folded")
    case .greater: return ValueCondition("index_string", "folded > \(folded)", column: "folded")
    case .greaterOrEqual: return ValueCondition("index_string", "folded >= \(folded)", column: "folded")
    default:
      // A prefix is a range: from the text itself to the text followed by the last code point.
      let range: SQL = "folded >= \(folded) AND folded < \(folded + "\u{10FFFF}")"
      let head = IndexedText.head(folded)
      if head == folded { return ValueCondition("index_string", range, column: "folded") }
      let own: SQL = """
        folded >= \(head) AND folded < \(head + "\u{10FFFF}") AND starts_with(\(Self.wholeFolded), \(folded))
        """
      return ValueCondition("index_string", SQL(sqlite: range, postgreSQL: own), column: "folded")
    }
  }

  /// All of a folded text: PostgreSQL's index has the beginning of a long one.
  private static let wholeFolded = SQL(sqlite: "folded", postgreSQL: "coalesce(whole, folded)")

  private func reference(_ type: String, _ id: String, _ parameter: SearchParameter, _ base: String?) throws
    -> ValueCondition?
  {
    let types: [Int64]
    if !type.isEmpty {
      guard let number = numbers.typeNumbersByName[type] else { return nil }
      if let sole = parameter.soleTarget, numbers.number(sole) != number { return nil }
      types = [number]
    } else if id.contains(":") || id.contains("/") {
      // An address names the type before the id; other URIs do not tell.
      if let sole = parameter.soleTarget, !id.hasPrefix("http") || !id.contains("/\(store.schema.name(sole))/") {
        return nil
      }
      types = [0]
    } else {
      // An id alone: any type the parameter may point to, or a reference that was stored without a type. Where there
      // is one target only, references without a type were stored as that.
      let targets = parameter.targets.map { numbers.number($0) }
      types = targets.count == 1 ? targets : [0] + (targets.isEmpty ? numbers.types.keys.sorted() : targets.sorted())
    }
    let urls = try urls(of: id, types, parameter, below: base)
    return ValueCondition(
      "index_reference", types.map { .init("type = \($0)", "id", id) } + urls.map { .init("type = 0", "id", $0) })
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
      let values = places.flatMap { place -> [String] in
        let head = String(uri[..<place])
        return place == uri.endIndex ? [head] : [head, head + "/"]
      }
      return ValueCondition("index_uri", "value IN (\(IndexedText.sql(list: values)))")
    default: return ValueCondition("index_uri", [.init("1 = 1", "value", uri)])
    }
  }

  private static let hierarchical = ["http://", "https://"]

  // MARK: Dates

  /// One range of the index for each class that occurs.
  private static func date(_ value: SearchValue, _ classes: [DateClass]) -> ValueCondition {
    var condition = ValueCondition(
      "index_date",
      ranges: classes.map {
        .init(
          condition: "class = \($0.rawValue) AND \(date(value, in: $0))", isKeyOrdered: false,
          isSole: !$0.isOneOfSeveral, name: .integer($0.rawValue))
      },
      probe: date(value, in: DateClass(span: .longer, isOneOfSeveral: true)), column: "low")
    if case .date(.eq, let low, let high) = value { condition.period = (low, high) }
    return condition
  }

  /// Periods that hold the searched one.
  private static func covering(_ low: Int64, _ high: Int64, _ classes: [DateClass]) -> ValueCondition {
    let test: SQL = "low <= \(low) AND high >= \(high)"
    return ValueCondition(
      "index_date",
      ranges: classes.map { dateClass in
        let first = dateClass.earliestLow(endingAt: high)
        return .init(
          condition: "class = \(dateClass.rawValue) AND low >= \(first) AND \(test)", isKeyOrdered: false,
          isSole: !dateClass.isOneOfSeveral, name: .integer(dateClass.rawValue))
      }, probe: test, column: "low")
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

  /// The searched range against a pair of columns; of a point both have the same value.
  static func number(
    _ comparator: SearchComparator, _ from: SQL, _ to: SQL, _ exact: SQL, isRange: Bool = true,
    _ low: SQL = "low", _ high: SQL = "high"
  ) -> SQL {
    switch comparator {
    case .eq, .ap:
      isRange ? "\(low) >= \(from) AND \(low) < \(to) AND \(high) < \(to)" : "\(low) >= \(from) AND \(low) < \(to)"
    case .ne: "(\(low) < \(from) OR \(high) >= \(to))"
    case .gt: isRange ? "\(high) > \(exact)" : "\(low) > \(exact)"
    case .lt: "\(low) < \(exact)"
    case .ge: isRange ? "\(high) >= \(exact)" : "\(low) >= \(exact)"
    case .le: "\(low) <= \(exact)"
    case .sa: "\(low) > \(exact)"
    case .eb: isRange ? "\(high) < \(exact)" : "\(low) < \(exact)"
    }
  }

  /// One range of the index for each class that occurs.
  private func number(_ parameter: SearchParameter, _ test: (_ isRange: Bool) -> SQL) throws -> ValueCondition {
    ValueCondition(
      "index_number",
      ranges: try numberClasses(parameter).map { numberClass in
        .init(
          condition: "class = \(numberClass.rawValue) AND \(test(numberClass.isRange))", isKeyOrdered: false,
          isSole: !numberClass.isOneOfSeveral, name: .integer(numberClass.rawValue))
      }, probe: test(true), column: "low")
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
    (12742017.6 * asin(\(SQL.least)(1, sqrt(
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
