import FHIRModel
import JSONCore

/// Reads an element's values for one kind of parameter, as FHIR R4 search's tables for each kind say.
struct ValueReader {
  let document: JSONDocument
  let schema: Schema
  /// The binding of the element a plain path leads to: it gives a `code` its system.
  private var binding: Schema.BindingID?
  /// The only type that the parameter's references may point to: what an id without a type means.
  private var soleTarget: String?
  var values: [ExtractedValue] = []

  init(document: JSONDocument, schema: Schema) {
    self.document = document
    self.schema = schema
  }

  mutating func begin(binding: Schema.BindingID?, soleTarget: String?) {
    self.binding = binding
    self.soleTarget = soleTarget
    values.removeAll(keepingCapacity: true)
  }

  /// Longer text is indexed by its beginning.
  static let stringBytesMax = 4_096

  enum Key {
    static let system: JSONKey = "system"
    static let code: JSONKey = "code"
    static let value: JSONKey = "value"
    static let coding: JSONKey = "coding"
    static let concept: JSONKey = "concept"
    static let text: JSONKey = "text"
    static let reference: JSONKey = "reference"
    static let start: JSONKey = "start"
    static let end: JSONKey = "end"
    static let low: JSONKey = "low"
    static let high: JSONKey = "high"
    static let unit: JSONKey = "unit"
    static let currency: JSONKey = "currency"
    static let comparator: JSONKey = "comparator"
    static let event: JSONKey = "event"
    static let origin: JSONKey = "origin"
    static let data: JSONKey = "data"
    static let factor: JSONKey = "factor"
    static let repeatKey: JSONKey = "repeat"
    static let boundsPeriod: JSONKey = "boundsPeriod"
    static let latitude: JSONKey = "latitude"
    static let longitude: JSONKey = "longitude"
    static let name: [JSONKey] = ["text", "family", "given", "prefix", "suffix"]
    static let address: [JSONKey] = ["text", "line", "city", "district", "state", "postalCode", "country"]
  }

  mutating func read(_ node: JSONNode, _ shape: ElementShape, as kind: SearchParameter.Kind) {
    switch kind {
    case .token: readToken(node, shape)
    case .string: readString(node, shape)
    case .reference: readReference(node, shape)
    case .date: readDate(node, shape)
    case .number: readNumber(node, shape)
    case .quantity: readQuantity(node, shape)
    case .uri: readURI(node, shape)
    case .special: readPosition(node, shape)
    case .composite: return
    }
  }

  func string(_ object: JSONNode, _ key: JSONKey) -> String? {
    document.member(object, key).flatMap { document.string($0) }
  }

  // MARK: Token

  private mutating func readToken(_ node: JSONNode, _ shape: ElementShape) {
    switch shape {
    case .boolean:
      if let value = document.bool(node) { append(system: "", code: value ? "true" : "false") }
    case .code:
      guard let code = document.string(node) else { return }
      append(system: binding.flatMap { schema.system(ofCode: document.lexeme(node), in: $0) } ?? "", code: code)
    case .string, .uri, .canonical:
      if let text = document.string(node) { append(system: "", code: text) }
    case .integer, .decimal:
      append(system: "", code: String(decoding: document.lexeme(node), as: UTF8.self))
    case .coding: readCoding(node)
    case .codeableConcept:
      if let codings = document.member(node, Key.coding) {
        for coding in document.elements(codings) { readCoding(coding) }
      }
    case .codeableReference:
      if let concept = document.member(node, Key.concept) { readToken(concept, .codeableConcept) }
    case .identifier:
      // The value alone decides; a system without a value says nothing (FHIR R4 search §2.1.1.4.10).
      if let value = string(node, Key.value) { append(system: string(node, Key.system) ?? "", code: value) }
    case .contactPoint:
      if let value = string(node, Key.value) { append(system: "", code: value) }
    case .quantity:
      if let code = string(node, Key.code) { append(system: string(node, Key.system) ?? "", code: code) }
    default: return
    }
  }

  private mutating func readCoding(_ node: JSONNode) {
    let system = string(node, Key.system) ?? ""
    if let code = string(node, Key.code) { append(system: system, code: code) }
  }

  private mutating func append(system: String, code: String) {
    values.append(.token(system: system, code: Self.cut(code)))
  }

  // MARK: String

  private mutating func readString(_ node: JSONNode, _ shape: ElementShape) {
    switch shape {
    case .string, .code, .uri, .canonical: appendText(node)
    case .humanName: appendParts(node, Key.name)
    case .address: appendParts(node, Key.address)
    case .codeableConcept:
      if let text = document.member(node, Key.text) { appendText(text) }
    case .codeableReference:
      if let concept = document.member(node, Key.concept) { readString(concept, .codeableConcept) }
    case .identifier:
      if let value = document.member(node, Key.value) { appendText(value) }
    default: return
    }
  }

  private mutating func appendText(_ node: JSONNode) {
    guard let text = document.string(node), !text.isEmpty else { return }
    values.append(.string(Self.cut(text)))
  }

  private mutating func appendParts(_ object: JSONNode, _ keys: [JSONKey]) {
    for key in keys {
      guard let part = document.member(object, key) else { continue }
      if document.kind(part) == .array {
        for element in document.elements(part) { appendText(element) }
      } else {
        appendText(part)
      }
    }
  }

  static func cut(_ text: String) -> String {
    guard text.utf8.count > stringBytesMax else { return text }
    var end = text.utf8.index(text.startIndex, offsetBy: stringBytesMax)
    while end > text.startIndex && String.Index(end, within: text.unicodeScalars) == nil {
      end = text.utf8.index(before: end)
    }
    return String(text[..<end])
  }

  // MARK: Reference and URI

  private mutating func readReference(_ node: JSONNode, _ shape: ElementShape) {
    switch shape {
    case .reference:
      if let reference = string(node, Key.reference) { appendReference(reference) }
    case .codeableReference:
      if let reference = document.member(node, Key.reference) { readReference(reference, .reference) }
    case .canonical, .uri:
      // A canonical or plain URL; found with and without the version it names.
      guard let url = document.string(node) else { return }
      if FHIRReference(url, schema: schema).kind == .relative { return appendReference(url) }
      values.append(.reference(type: "", id: Self.cut(url)))
      if let bar = url.firstIndex(of: "|") { values.append(.reference(type: "", id: Self.cut(String(url[..<bar])))) }
    default: return
    }
  }

  private mutating func appendReference(_ text: String) {
    let reference = FHIRReference(text, schema: schema)
    switch reference.kind {
    case .relative:
      guard let type = FHIRReference.text(reference.type, of: text), let id = FHIRReference.text(reference.id, of: text)
      else { return }
      values.append(.reference(type: type, id: id))
    case .contained: return
    case .absolute:
      // The version does not count; the address does.
      let end = reference.id?.upperBound ?? text.utf8.count
      values.append(.reference(type: "", id: Self.cut(String(decoding: text.utf8.prefix(end), as: UTF8.self))))
    case .logicalID: values.append(.reference(type: soleTarget ?? "", id: text))
    default: values.append(.reference(type: "", id: Self.cut(text)))
    }
  }

  private mutating func readURI(_ node: JSONNode, _ shape: ElementShape) {
    switch shape {
    case .uri, .canonical, .string, .code:
      guard let url = document.string(node) else { return }
      values.append(.uri(Self.cut(url)))
      if case .canonical = shape, let bar = url.firstIndex(of: "|") {
        values.append(.uri(Self.cut(String(url[..<bar]))))
      }
    default: return
    }
  }

  // MARK: Date

  private mutating func readDate(_ node: JSONNode, _ shape: ElementShape) {
    switch shape {
    case .date(let form):
      guard let date = FHIRDateTime(document.lexeme(node), as: form) else { return }
      values.append(.date(low: date.low, high: date.high))
    case .period: appendPeriod(node)
    case .timing: readTiming(node)
    default: return
    }
  }

  private mutating func appendPeriod(_ node: JSONNode) {
    if let period = period(node) { values.append(.date(low: period.low, high: period.high)) }
  }

  private func period(_ node: JSONNode) -> (low: Int64, high: Int64)? {
    let start = document.member(node, Key.start).flatMap { FHIRDateTime(document.lexeme($0), as: .dateTime) }
    let end = document.member(node, Key.end).flatMap { FHIRDateTime(document.lexeme($0), as: .dateTime) }
    guard start != nil || end != nil else { return nil }
    return (start?.low ?? .min, end?.high ?? .max)
  }

  /// A schedule is indexed by its outer bounds (FHIR R4 search §2.1.1.4.9).
  private mutating func readTiming(_ node: JSONNode) {
    var low = Int64.max
    var high = Int64.min
    if let events = document.member(node, Key.event) {
      for event in document.elements(events) {
        guard let date = FHIRDateTime(document.lexeme(event), as: .dateTime) else { continue }
        low = min(low, date.low)
        high = max(high, date.high)
      }
    }
    if let rule = document.member(node, Key.repeatKey), let bounds = document.member(rule, Key.boundsPeriod),
      let period = period(bounds)
    {
      low = min(low, period.low)
      high = max(high, period.high)
    }
    if low <= high { values.append(.date(low: low, high: high)) }
  }

  // MARK: Number and quantity

  /// A number, or R5's integer64, which is a string in JSON (R5 json#primitive).
  func number(_ node: JSONNode) -> Double? {
    let kind = document.kind(node)
    guard kind == .number || kind == .string, let value = FHIRDecimal(document.lexeme(node))?.double, value.isFinite
    else {
      return nil
    }
    return value
  }

  private mutating func readNumber(_ node: JSONNode, _ shape: ElementShape) {
    switch shape {
    case .integer, .decimal:
      if let value = number(node) { values.append(.number(low: value, high: value)) }
    case .range:
      let (low, high) = rangeBounds(node)
      if low.isFinite || high.isFinite { values.append(.number(low: low, high: high)) }
    case .quantity:
      if let value = document.member(node, Key.value).flatMap({ number($0) }) {
        values.append(.number(low: value, high: value))
      }
    default: return
    }
  }

  private func rangeBounds(_ node: JSONNode) -> (low: Double, high: Double) {
    func bound(_ key: JSONKey) -> Double? {
      document.member(node, key).flatMap { document.member($0, Key.value) }.flatMap { number($0) }
    }
    return (bound(Key.low) ?? -.infinity, bound(Key.high) ?? .infinity)
  }

  private mutating func readQuantity(_ node: JSONNode, _ shape: ElementShape) {
    switch shape {
    case .quantity:
      guard let value = document.member(node, Key.value).flatMap({ number($0) }) else { return }
      var (low, high) = (value, value)
      switch string(node, Key.comparator) {
      case "<", "<=": low = -.infinity
      case ">", ">=": high = .infinity
      default: break
      }
      appendQuantity(node, low, high)
    case .money:
      guard let value = document.member(node, Key.value).flatMap({ number($0) }) else { return }
      // Money.currency is bound to ISO 4217 (FHIR R4 valueset-currencies).
      values.append(
        .quantity(
          system: "urn:iso:std:iso:4217", code: string(node, Key.currency) ?? "", low: value, high: value))
    case .sampledData: readSampledData(node)
    case .range:
      let (low, high) = rangeBounds(node)
      guard low.isFinite || high.isFinite else { return }
      appendQuantity(document.member(node, Key.low) ?? document.member(node, Key.high) ?? node, low, high)
    default: return
    }
  }

  private mutating func appendQuantity(_ unitHolder: JSONNode, _ low: Double, _ high: Double) {
    let system = string(unitHolder, Key.system) ?? ""
    let code = string(unitHolder, Key.code)
    let unit = string(unitHolder, Key.unit)
    if let code { values.append(.quantity(system: system, code: code, low: low, high: high)) }
    // `value||unit` matches the human unit too (FHIR R4 search §2.1.1.4.12).
    if let unit, unit != code { values.append(.quantity(system: "", code: unit, low: low, high: high)) }
    if code == nil && unit == nil { values.append(.quantity(system: system, code: "", low: low, high: high)) }
  }

  /// The least and the greatest of the samples, in the origin's unit (FHIR R4 datatypes#SampledData; the search
  /// parameter Observation-value-quantity asks for the bounds).
  private mutating func readSampledData(_ node: JSONNode) {
    guard let origin = document.member(node, Key.origin), let data = document.member(node, Key.data) else { return }
    let zero = document.member(origin, Key.value).flatMap { number($0) } ?? 0
    let factor = document.member(node, Key.factor).flatMap { number($0) } ?? 1
    var low = Double.infinity
    var high = -Double.infinity
    for sample in document.lexeme(data).split(separator: 0x20) {
      // E, U and L stand for samples that are no numbers.
      guard let value = FHIRDecimal(UnsafeBufferPointer(rebasing: sample))?.double else { continue }
      low = min(low, value * factor + zero)
      high = max(high, value * factor + zero)
    }
    if low <= high { appendQuantity(origin, low, high) }
  }

  // MARK: Position

  private mutating func readPosition(_ node: JSONNode, _ shape: ElementShape) {
    guard case .position = shape, let latitude = document.member(node, Key.latitude).flatMap({ number($0) }),
      let longitude = document.member(node, Key.longitude).flatMap({ number($0) })
    else { return }
    values.append(.position(latitude: latitude, longitude: longitude))
  }
}
