import Base
import FHIRModel
import UCUM

extension SearchValue {
  /// How one alternative of a parameter is to be read.
  struct Form {
    /// The parameter's name, for errors.
    let code: String
    let kind: SearchParameter.Kind
    let modifier: SearchCondition.Modifier?
    /// The type of `subject:Patient`.
    let targetType: String?
    /// A composite's parts, in their order.
    let components: [Form]
    let schema: Schema
    let now: Instant

    init(_ parameter: SearchParameter, _ modifier: SearchModifier, _ schema: Schema, now: Instant) {
      code = parameter.code
      kind = parameter.kind
      self.modifier = modifier.modifier
      targetType = modifier.targetType
      components = (parameter.components ?? []).map {
        Form(component: $0, of: parameter.code, schema, now: now)
      }
      self.schema = schema
      self.now = now
    }

    private init(component: SearchParameterDefinition, of code: String, _ schema: Schema, now: Instant) {
      self.code = code
      kind = component.type
      modifier = nil
      targetType = nil
      components = []
      self.schema = schema
      self.now = now
    }

    func invalid(_ text: String, _ expected: String) -> Fault {
      Fault(
        .invalid,
        "The value '\(SearchText.excerpt(text))' of the search parameter '\(code)' is invalid; expected \(expected).")
    }
  }

  /// Reads one alternative as its parameter's kind and modifier demand (FHIR R4 search §2.1.1.4).
  init(_ text: String, _ form: Form) throws(Fault) {
    switch (form.kind, form.modifier) {
    case (.token, .text), (.string, _): self = .string(SearchText.unescape(text))
    case (.token, .in), (.token, .notIn): self = .uri(SearchText.unescape(text))
    case (.token, .ofType): self = try Self.ofType(text, form)
    case (.token, .above), (.token, .below): self = try Self.token(text, form, needsCode: true)
    case (.token, _), (.reference, .identifier): self = try Self.token(text, form)
    case (.reference, _): self = Self.reference(SearchText.unescape(text), form)
    case (.uri, _): self = .uri(SearchText.unescape(text))
    case (.date, _), (.number, _), (.quantity, _):
      let (comparator, rest) = Self.comparator(text)
      self = try Self.ordered(rest, comparator, form, whole: text)
    case (.composite, _): self = try Self.composite(text, form)
    case (.special, _): self = try Self.near(text, form)
    }
  }

  /// A date, number or quantity whose comparison is known.
  static func ordered(_ text: String, _ comparator: SearchComparator, _ form: Form, whole: String) throws(Fault)
    -> SearchValue
  {
    switch form.kind {
    case .date: return try date(text, comparator, form, whole: whole)
    case .quantity: return try quantity(text, comparator, form, whole: whole)
    default:
      let range = try range(text, comparator, form, whole: whole)
      return .number(comparator == .ap ? .eq : comparator, low: range.low, high: range.high, exact: range.exact)
    }
  }

  /// FHIR R4 search#prefix: the first two letters, where they are one.
  private static func comparator(_ text: String) -> (SearchComparator, String) {
    if let comparator = SearchComparator(rawValue: String(text.prefix(2))) {
      return (comparator, String(text.dropFirst(2)))
    }
    return (.eq, text)
  }

  // MARK: Tokens and references

  static func token(_ text: String, _ form: Form, needsCode: Bool = false) throws(Fault) -> SearchValue {
    let pieces = SearchText.split(text, at: UInt8(ascii: "|")).map(SearchText.unescape)
    let last = pieces[pieces.count - 1]
    guard pieces.count <= 2, !last.isEmpty || (pieces.count == 2 && !pieces[0].isEmpty && !needsCode) else {
      throw form.invalid(
        text, needsCode ? "[code] or [system]|[code]" : "[code], [system]|[code], |[code] or [system]|")
    }
    if pieces.count == 1 { return .token(system: .any, code: last) }
    return .token(system: pieces[0].isEmpty ? .none : .uri(pieces[0]), code: last.isEmpty ? nil : last)
  }

  /// FHIR R4 search#token: all three parts must be there.
  private static func ofType(_ text: String, _ form: Form) throws(Fault) -> SearchValue {
    let pieces = SearchText.split(text, at: UInt8(ascii: "|")).map(SearchText.unescape)
    guard pieces.count == 3, pieces.allSatisfy({ !$0.isEmpty }) else {
      throw form.invalid(text, "[system]|[code]|[value] of an identifier's type and value")
    }
    return .ofType(system: pieces[0], code: pieces[1], value: pieces[2])
  }

  static func reference(_ text: String, _ form: Form) -> SearchValue {
    let (schema, targetType) = (form.schema, form.targetType)
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

  // MARK: Ordered values

  /// Digits of a second's fraction: nanoseconds.
  private static let fractionDigitsMax = 9

  private static func date(
    _ text: String, _ comparator: SearchComparator, _ form: Form, whole: String
  ) throws(Fault) -> SearchValue {
    guard let date = FHIRDateTime(text, as: .search), date.fractionDigits <= fractionDigitsMax else {
      throw form.invalid(whole, "[prefix]yyyy[-MM[-dd[Thh:mm[:ss[.fff]][Z|±hh:mm]]]]")
    }
    guard comparator == .ap else { return .date(comparator, low: date.low, high: date.high) }
    // "Approximately" is ours to choose: a tenth of the distance from now, as the standard recommends.
    let gap = abs(form.now.milliseconds &* 1_000 &- date.low) / 10
    return .date(.ap, low: date.low &- gap, high: date.high &+ gap)
  }

  /// - Parameter unit: converts to a canonical unit.
  private static func range(
    _ text: String, _ comparator: SearchComparator, _ form: Form, whole: String, in unit: CanonicalUnit? = nil
  ) throws(Fault) -> (low: Double, high: Double, exact: Double) {
    guard let decimal = FHIRDecimal(text), decimal.isExact, decimal.double.isFinite else {
      throw form.invalid(whole, "[prefix] and a number of at most \(FHIRDecimal.digitsMax) digits")
    }
    // What the written precision stands for (FHIR R4 search#number), or a tenth to either side for `ap`.
    let (low, high) = comparator == .ap ? decimal.approximateRange : decimal.implicitRange
    // Written finer than a double can tell, the range would be empty: it holds the nearest double at least.
    func double(_ value: FHIRDecimal) -> Double {
      unit?.value(significand: value.significand, scale: value.scale) ?? value.double
    }
    let exact = double(decimal)
    return (min(double(low), exact), max(double(high), exact.nextUp), exact)
  }

  private static func quantity(
    _ text: String, _ comparator: SearchComparator, _ form: Form, whole: String
  ) throws(Fault) -> SearchValue {
    let pieces = SearchText.split(text, at: UInt8(ascii: "|")).map(SearchText.unescape)
    guard pieces.count <= 3, pieces.count != 2 || pieces[1].isEmpty == false else {
      throw form.invalid(whole, "[prefix][number]|[system]|[code]")
    }
    if pieces.count == 3, pieces[1] == UCUM.system, let unit = UCUM.canonical(pieces[2]) {
      // 1 kg finds 1000 g: the index has both in grams.
      let range = try range(pieces[0], comparator, form, whole: whole, in: unit)
      return .quantity(
        comparator == .ap ? .eq : comparator, low: range.low, high: range.high, exact: range.exact,
        system: IndexRow.canonicalUnits, code: unit.code)
    }
    let range = try range(pieces[0], comparator, form, whole: whole)
    return .quantity(
      comparator == .ap ? .eq : comparator, low: range.low, high: range.high, exact: range.exact,
      system: pieces.count > 1 && !pieces[1].isEmpty ? pieces[1] : nil,
      code: pieces.count > 2 && !pieces[2].isEmpty ? pieces[2] : nil)
  }

  // MARK: Composites

  /// FHIR R4 search#composite: one value of each part, joined by `$`.
  private static func composite(_ text: String, _ form: Form) throws(Fault) -> SearchValue {
    let pieces = SearchText.split(text, at: UInt8(ascii: "$"))
    guard pieces.count == form.components.count, pieces.allSatisfy({ !$0.isEmpty }) else {
      let parts = form.components.map { "[\($0.kind.rawValue)]" }.joined(separator: "$")
      throw form.invalid(text, "\(form.components.count) values joined by '$': \(parts)")
    }
    var values: [SearchValue] = []
    for (piece, component) in zip(pieces, form.components) { values.append(try SearchValue(piece, component)) }
    return .composite(values)
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
