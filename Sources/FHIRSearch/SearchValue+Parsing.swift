import Base
import FHIRModel

extension SearchValue {
  /// Reads one alternative as its parameter's kind demands (FHIR R4 search §2.1.1.4).
  init(_ text: String, _ parameter: SearchParameter, targetType: String?, schema: Schema, now: Instant) throws(Fault) {
    switch parameter.kind {
    case .token: self = try Self.token(text, parameter)
    case .string: self = .string(SearchText.unescape(text))
    case .uri: self = .uri(SearchText.unescape(text))
    case .reference: self = Self.reference(SearchText.unescape(text), targetType, schema)
    case .date: self = try Self.date(text, parameter, now)
    case .number:
      let (comparator, rest) = Self.comparator(text)
      let range = try Self.range(rest, comparator, parameter)
      self = .number(comparator == .ap ? .eq : comparator, low: range.low, high: range.high, exact: range.exact)
    case .quantity: self = try Self.quantity(text, parameter)
    case .composite, .special:
      throw Fault(.invalid, "The search parameter '\(parameter.code)' is not supported.", code: "not-supported")
    }
  }

  private static func invalid(_ text: String, _ parameter: SearchParameter, _ expected: String) -> Fault {
    Fault(
      .invalid, "The value '\(text)' of the search parameter '\(parameter.code)' is invalid; expected \(expected).")
  }

  private static func token(_ text: String, _ parameter: SearchParameter) throws(Fault) -> SearchValue {
    let pieces = SearchText.split(text, at: UInt8(ascii: "|")).map(SearchText.unescape)
    switch pieces.count {
    case 1: return .token(system: .any, code: pieces[0])
    case 2:
      if pieces[0].isEmpty && pieces[1].isEmpty { throw invalid(text, parameter, "[system]|[code]") }
      return .token(
        system: pieces[0].isEmpty ? .none : .uri(pieces[0]), code: pieces[1].isEmpty ? nil : pieces[1])
    default: throw invalid(text, parameter, "[code], [system]|[code], |[code] or [system]|")
    }
  }

  private static func reference(_ text: String, _ targetType: String?, _ schema: Schema) -> SearchValue {
    // Versions do not count: a reference parameter finds the resource (FHIR R4 search §2.1.1.4.13).
    let path = text.components(before: "/_history/")
    if let targetType, path.contains("/") {
      // The modifier says the type; another type beside the id matches nothing.
      let prefix = targetType + "/"
      return .reference(type: targetType, id: path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path)
    }
    if let slash = path.firstIndex(of: "/"), schema.resourceType(String(path[..<slash])) != nil {
      return .reference(type: String(path[..<slash]), id: String(path[path.index(after: slash)...]))
    }
    return .reference(type: targetType ?? "", id: path)
  }

  private static func comparator(_ text: String) -> (SearchComparator, String) {
    if let comparator = SearchComparator(rawValue: String(text.prefix(2))) {
      return (comparator, String(text.dropFirst(2)))
    }
    return (.eq, text)
  }

  private static func date(_ text: String, _ parameter: SearchParameter, _ now: Instant) throws(Fault) -> SearchValue {
    let (comparator, rest) = comparator(text)
    guard let date = FHIRDateTime(rest, as: .search) else {
      throw invalid(text, parameter, "[prefix]yyyy[-MM[-dd[Thh:mm[:ss[.fff]][Z|±hh:mm]]]]")
    }
    guard comparator == .ap else { return .date(comparator, low: date.low, high: date.high) }
    // "Approximately" is ours to choose: a tenth of the distance from now, as the standard recommends.
    let gap = abs(now.milliseconds &* 1_000 &- date.low) / 10
    return .date(.ap, low: date.low &- gap, high: date.high &+ gap)
  }

  private static func range(_ text: String, _ comparator: SearchComparator, _ parameter: SearchParameter) throws(Fault)
    -> (low: Double, high: Double, exact: Double)
  {
    guard let decimal = FHIRDecimal(text), decimal.double.isFinite else {
      throw invalid(text, parameter, "a number")
    }
    // What the written precision stands for (FHIR R4 search#number), or a tenth to either side for `ap`.
    let (low, high) = comparator == .ap ? decimal.approximateRange : decimal.implicitRange
    // Written finer than a double can tell, the range would be empty: it holds the nearest double at least.
    let exact = decimal.double
    return (min(low.double, exact), max(high.double, exact.nextUp), exact)
  }

  private static func quantity(_ text: String, _ parameter: SearchParameter) throws(Fault) -> SearchValue {
    let pieces = SearchText.split(text, at: UInt8(ascii: "|")).map(SearchText.unescape)
    let (comparator, number) = comparator(pieces[0])
    guard pieces.count <= 3, pieces.count != 2 || pieces[1].isEmpty == false else {
      throw invalid(text, parameter, "[prefix][number]|[system]|[code]")
    }
    let range = try range(number, comparator, parameter)
    return .quantity(
      comparator == .ap ? .eq : comparator, low: range.low, high: range.high, exact: range.exact,
      system: pieces.count > 1 && !pieces[1].isEmpty ? pieces[1] : nil,
      code: pieces.count > 2 && !pieces[2].isEmpty ? pieces[2] : nil)
  }
}

extension String {
  /// The text before the first occurrence of `separator`, all of it without one.
  func components(before separator: String) -> String {
    guard let first = separator.utf8.first else { return self }
    var start = utf8.startIndex
    while let place = utf8[start...].firstIndex(of: first) {
      if utf8[place...].starts(with: separator.utf8) { return String(self[..<place]) }
      start = utf8.index(after: place)
    }
    return self
  }
}
