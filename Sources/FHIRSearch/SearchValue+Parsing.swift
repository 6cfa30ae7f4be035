import Base
import FHIRModel

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
    /// The service's address; see `SearchQuery.base`.
    let base: String?

    init(
      _ parameter: SearchParameter, _ modifier: SearchModifier, _ schema: Schema, now: Instant, base: String? = nil
    ) {
      code = parameter.code
      kind = parameter.kind
      self.modifier = modifier.modifier
      targetType = modifier.targetType
      components = (parameter.components ?? []).map {
        Form(component: $0, of: parameter.code, schema, now: now, base: base)
      }
      self.schema = schema
      self.now = now
      self.base = base
    }

    private init(
      component: SearchParameterDefinition, of code: String, _ schema: Schema, now: Instant, base: String?
    ) {
      self.code = code
      kind = component.type
      modifier = nil
      targetType = nil
      components = []
      self.schema = schema
      self.now = now
      self.base = base
    }

    func invalid(_ text: String, _ expected: String) -> Fault {
      Fault(
        .invalid,
        "The value '\(SearchText.excerpt(text))' of the search parameter '\(code)' is invalid; expected \(expected).")
    }

    /// The index keeps the beginning of what is longer: a value beyond that would be found nowhere, or in vain.
    func check(_ text: String, bytesMax: Int) throws(Fault) {
      guard text.utf8.count > bytesMax else { return }
      throw Fault(
        .invalid,
        "A value of the search parameter '\(code)' is longer than \(bytesMax) bytes, which is the most that it can be "
          + "found by.", code: "too-long")
    }

    /// A URL of one of the service's own resources as a relative reference; anything else as it is.
    func relative(_ path: String) -> String {
      guard let base, path.utf8.starts(with: base.utf8) else { return path }
      let reference = FHIRReference(path, schema: schema)
      guard reference.kind == .absolute, reference.base == 0..<base.utf8.count else { return path }
      return String(decoding: path.utf8.dropFirst(base.utf8.count + 1), as: UTF8.self)
    }
  }

  /// Reads one alternative as its parameter's kind and modifier demand (FHIR R4 search §2.1.1.4).
  init(_ text: String, _ form: Form) throws(Fault) {
    switch (form.kind, form.modifier) {
    case (.token, .text), (.string, _): self = try Self.string(SearchText.unescape(text), form, form.modifier)
    case (.token, .in), (.token, .notIn): self = .uri(SearchText.unescape(text))
    case (.token, .ofType): self = try Self.ofType(text, form)
    case (.token, .above), (.token, .below): self = try Self.token(text, form, needsCode: true)
    case (.token, _), (.reference, .identifier): self = try Self.token(text, form)
    case (.reference, _): self = try Self.reference(SearchText.unescape(text), form)
    case (.uri, _): self = try Self.uri(SearchText.unescape(text), form)
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
      let amount = try amount(text, comparator, form, whole: whole)
      return .number(comparator == .ap ? .eq : comparator, low: amount.low, high: amount.high, exact: amount.exact)
    }
  }

  /// FHIR R4 search#prefix: the first two letters, where they are one.
  private static func comparator(_ text: String) -> (SearchComparator, String) {
    if let comparator = SearchComparator(rawValue: String(text.prefix(2))) {
      return (comparator, String(text.dropFirst(2)))
    }
    return (.eq, text)
  }

  // MARK: Texts

  /// A text to be found as a whole is no longer than one that the index keeps whole; a part of one no longer than what
  /// it keeps of one.
  static func string(_ text: String, _ form: Form, _ modifier: SearchCondition.Modifier?) throws(Fault) -> SearchValue {
    switch modifier {
    case .exact: try form.check(text, bytesMax: IndexText.wholeBytesMax)
    case .equals: try form.check(TextFolding.fold(text), bytesMax: IndexText.wholeBytesMax)
    default: try form.check(TextFolding.fold(text), bytesMax: IndexText.bytesMax)
    }
    return .string(text)
  }

  static func uri(_ text: String, _ form: Form) throws(Fault) -> SearchValue {
    try form.check(text, bytesMax: IndexText.wholeBytesMax)
    return .uri(text)
  }

  // MARK: Tokens and references

  static func token(_ text: String, _ form: Form, needsCode: Bool = false) throws(Fault) -> SearchValue {
    let pieces = SearchText.split(text, at: UInt8(ascii: "|")).map(SearchText.unescape)
    let last = pieces[pieces.count - 1]
    guard pieces.count <= 2, !last.isEmpty || (pieces.count == 2 && !pieces[0].isEmpty && !needsCode) else {
      throw form.invalid(
        text, needsCode ? "[code] or [system]|[code]" : "[code], [system]|[code], |[code] or [system]|")
    }
    try form.check(last, bytesMax: IndexText.wholeBytesMax)
    if pieces.count == 1 { return .token(system: .any, code: last) }
    return .token(system: pieces[0].isEmpty ? .none : .uri(pieces[0]), code: last.isEmpty ? nil : last)
  }

  /// FHIR R4 search#token: all three parts must be there.
  private static func ofType(_ text: String, _ form: Form) throws(Fault) -> SearchValue {
    let pieces = SearchText.split(text, at: UInt8(ascii: "|")).map(SearchText.unescape)
    guard pieces.count == 3, pieces.allSatisfy({ !$0.isEmpty }) else {
      throw form.invalid(text, "[system]|[code]|[value] of an identifier's type and value")
    }
    try form.check(pieces[2], bytesMax: IndexText.wholeBytesMax)
    return .ofType(system: pieces[0], code: pieces[1], value: pieces[2])
  }

  static func reference(_ text: String, _ form: Form) throws(Fault) -> SearchValue {
    try form.check(text, bytesMax: IndexText.wholeBytesMax)
    let (schema, targetType) = (form.schema, form.targetType)
    // Versions do not count: a reference parameter finds the resource (FHIR R4 search §2.1.1.4.13).
    let path = form.relative(text.components(before: "/_history/"))
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

  private static func amount(
    _ text: String, _ comparator: SearchComparator, _ form: Form, whole: String
  ) throws(Fault) -> SearchAmount {
    guard let decimal = FHIRDecimal(text), decimal.isExact, decimal.double.isFinite else {
      throw form.invalid(whole, "[prefix] and a number of at most \(FHIRDecimal.digitsMax) digits")
    }
    return SearchAmount(decimal, isApproximate: comparator == .ap)
  }

  private static func quantity(
    _ text: String, _ comparator: SearchComparator, _ form: Form, whole: String
  ) throws(Fault) -> SearchValue {
    let pieces = SearchText.split(text, at: UInt8(ascii: "|")).map(SearchText.unescape)
    guard pieces.count <= 3, pieces.count != 2 || pieces[1].isEmpty == false else {
      throw form.invalid(whole, "[prefix][number]|[system]|[code]")
    }
    return .quantity(
      comparator == .ap ? .eq : comparator, try amount(pieces[0], comparator, form, whole: whole),
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
