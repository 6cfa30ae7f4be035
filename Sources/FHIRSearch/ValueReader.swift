import FHIRModel
import JSONCore

/// Reads an element's values for one kind of parameter, as FHIR R4 search's tables for each kind say.
struct ValueReader {
  let document: JSONDocument
  let schema: Schema
  /// The resources that the document's resource contains, by their ids: what references may mean.
  var contained: [String: (type: String, place: Int)] = [:]
  /// What is asked for.
  private var source: IndexPlan.Source?
  var values: [ExtractedValue] = []
  /// Elements read since `begin`.
  private(set) var elementCount = 0
  /// Several parameters ask the same element (`code`, `combo-code`, and composites with it).
  private var readings: [Reading] = []
  private var remembered: [ExtractedValue] = []
  /// The element's words last read: a concept's text is mostly its code's display again.
  private var lastText: UnsafeBufferPointer<UInt8>?

  init(document: JSONDocument, schema: Schema) {
    self.document = document
    self.schema = schema
  }

  /// Whether only the values themselves are asked for: a composite pairs them.
  var isComponent: Bool { source?.isComponent ?? false }
  /// The only type that the parameter's references may point to: what an id without a type means.
  var soleTarget: String? { source?.soleTarget }

  mutating func begin(_ source: IndexPlan.Source) {
    self.source = source
    elementCount = 0
    values.removeAll(keepingCapacity: true)
  }

  enum Key {
    static let system: JSONKey = "system"
    static let code: JSONKey = "code"
    static let value: JSONKey = "value"
    static let coding: JSONKey = "coding"
    static let display: JSONKey = "display"
    static let type: JSONKey = "type"
    static let identifier: JSONKey = "identifier"
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

  /// Appends the element's values to `values`.
  mutating func read(_ node: JSONNode, _ shape: ElementShape, as kind: SearchParameter.Kind) {
    elementCount += 1
    guard shape.isReadOften else { return readAnew(node, shape, as: kind) }
    for past in readings where past.node == node && past.kind == kind {
      values += remembered[past.values]
      return
    }
    let start = values.count
    readAnew(node, shape, as: kind)
    if readings.count < Self.readingsMax {
      let place = remembered.count
      remembered += values[start...]
      readings.append(Reading(node: node, kind: kind, values: place..<remembered.count))
    }
  }

  /// What one element said.
  private struct Reading {
    let node: JSONNode
    let kind: SearchParameter.Kind
    let values: Range<Int>
  }

  /// Elements remembered; what the parameters share is about the beginning of a resource.
  private static let readingsMax = 16

  private mutating func readAnew(_ node: JSONNode, _ shape: ElementShape, as kind: SearchParameter.Kind) {
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

  /// The `system` of a coding, identifier or quantity; empty where there is none.
  func system(_ object: JSONNode) -> String {
    guard let system = string(object, Key.system), !IndexRow.isPseudoSystem(system) else { return "" }
    return system
  }

  // MARK: Token

  private mutating func readToken(_ node: JSONNode, _ shape: ElementShape) {
    switch shape {
    case .boolean:
      if let value = document.bool(node) { append(system: "", code: value ? "true" : "false") }
    case .code:
      guard let code = document.string(node) else { return }
      append(system: source?.binding.flatMap { schema.system(ofCode: document.lexeme(node), in: $0) } ?? "", code: code)
    case .string, .uri, .canonical:
      if let text = document.string(node) { append(system: "", code: text) }
    case .integer, .decimal:
      append(system: "", code: String(decoding: document.lexeme(node), as: UTF8.self))
    case .coding:
      lastText = nil
      readCoding(node)
    case .codeableConcept:
      lastText = nil
      if let codings = document.member(node, Key.coding) {
        for coding in document.elements(codings) { readCoding(coding) }
      }
      appendWords(node, Key.text)
    case .codeableReference:
      if let concept = document.member(node, Key.concept) { readToken(concept, .codeableConcept) }
    case .identifier: readIdentifier(node)
    case .contactPoint:
      if let value = string(node, Key.value) { append(system: "", code: value) }
    case .quantity:
      if let code = string(node, Key.code) { append(system: system(node), code: code) }
    default: return
    }
  }

  private mutating func readCoding(_ node: JSONNode) {
    if let code = string(node, Key.code) { append(system: system(node), code: code) }
    appendWords(node, Key.display)
  }

  /// The value alone decides; a system without a value says nothing (FHIR R4 search#token).
  private mutating func readIdentifier(_ node: JSONNode) {
    appendIdentifier(node)
    lastText = nil
    guard !isComponent, let type = document.member(node, Key.type) else { return }
    appendWords(type, Key.text)
    guard let codings = document.member(type, Key.coding) else { return }
    let value = string(node, Key.value)
    for coding in document.elements(codings) {
      appendWords(coding, Key.display)
      // `:of-type=system|code|value`: all three must be there.
      let system = system(coding)
      guard let value, !system.isEmpty, let code = string(coding, Key.code) else { continue }
      append(system: IndexRow.ofType(system: system, code: code), code: value)
    }
  }

  /// The words of a token (FHIR R4 search#token, `:text`).
  private mutating func appendWords(_ object: JSONNode, _ key: JSONKey) {
    guard let node = document.member(object, key), document.kind(node) == .string else { return }
    let lexeme = document.lexeme(node)
    if let lastText, lastText.elementsEqual(lexeme) { return }
    lastText = lexeme
    guard let text = document.string(node), !text.isEmpty else { return }
    values.append(.text(FoldedText(text)))
  }

  /// An identifier's value with its system.
  mutating func appendIdentifier(_ node: JSONNode) {
    if let value = string(node, Key.value) { append(system: system(node), code: value) }
  }

  private mutating func append(system: String, code: String) {
    values.append(.token(system: system, code: IndexText.cut(code)))
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
    values.append(.string(FoldedText(text)))
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
}
