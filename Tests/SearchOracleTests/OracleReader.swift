import FHIRModel
import FHIRPath
import JSONCore

/// Reads an element for one kind of parameter: the tables of FHIR R4 search.html, row by row.
struct OracleReader {
  /// The system of codes whose value set the oracle does not know; nobody asks for it.
  static let unknownSystem = "\u{0}"

  let schema: Schema
  /// The system of a `code` element under the parameter.
  var codeSystem = Self.unknownSystem
  /// The only type that references may point to: what an id without a type means.
  var soleTarget: String?
  /// Whether for a composite, which pairs values alone, without the words and identifiers that go with them.
  var isComponent = false

  func values(_ item: FHIRPathItem, _ kind: SearchParameterDefinition.Kind) -> [OracleValue] {
    let all = allValues(item, kind)
    guard isComponent else { return all }
    return all.filter { value in
      switch value {
      case .words, .typed, .identifier: false
      default: true
      }
    }
  }

  private func allValues(_ item: FHIRPathItem, _ kind: SearchParameterDefinition.Kind) -> [OracleValue] {
    switch item {
    case .boolean(let value): return kind == .token ? [.token(system: "", code: value ? "true" : "false")] : []
    case .string(let text): return kind == .string ? [.string(text)] : []
    case .node(let node):
      guard let place = node.value else { return [] }
      let value = JSONValue(node.document, place)
      let type = schema.name(node.type)
      switch kind {
      case .token: return tokens(value, type)
      case .string: return strings(value, type)
      case .reference: return references(value, type)
      case .uri: return uris(value, type)
      case .date: return dates(value, type).map { .date($0) }
      case .number: return numbers(value, type)
      case .quantity: return quantities(value, type)
      case .special: return positions(value, type)
      case .composite: return []
      }
    default: return []
    }
  }

  // MARK: Tokens

  private func tokens(_ value: JSONValue, _ type: String) -> [OracleValue] {
    switch type {
    case "boolean": return value.bool.map { [.token(system: "", code: $0 ? "true" : "false")] } ?? []
    case "code": return value.string.map { [.token(system: codeSystem, code: $0)] } ?? []
    case "string", "uri", "id", "canonical", "markdown":
      return value.string.map { [.token(system: "", code: $0)] } ?? []
    case "Coding": return coding(value)
    case "CodeableConcept": return concept(value)
    case "Identifier":
      var found = identifier(value).map { [OracleValue.token(system: $0.system, code: $0.value)] } ?? []
      guard let type = value["type"] else { return found }
      found += concept(type).compactMap { if case .words = $0 { $0 } else { nil } }
      for coding in type["coding"]?.elements ?? [] {
        guard let system = coding["system"]?.string, let code = coding["code"]?.string,
          let text = value["value"]?.string
        else { continue }
        found.append(.typed(system: system, code: code, value: text))
      }
      return found
    case "ContactPoint": return value["value"]?.string.map { [.token(system: "", code: $0)] } ?? []
    default: return []
    }
  }

  private func identifier(_ value: JSONValue) -> (system: String, value: String)? {
    value["value"]?.string.map { (value["system"]?.string ?? "", $0) }
  }

  private func coding(_ value: JSONValue) -> [OracleValue] {
    var found: [OracleValue] = []
    if let code = value["code"]?.string { found.append(.token(system: value["system"]?.string ?? "", code: code)) }
    if let display = value["display"]?.string { found.append(.words(display)) }
    return found
  }

  private func concept(_ value: JSONValue) -> [OracleValue] {
    (value["coding"]?.elements ?? []).flatMap(coding) + (value["text"]?.string.map { [.words($0)] } ?? [])
  }

  // MARK: Strings, references, URIs

  private func strings(_ value: JSONValue, _ type: String) -> [OracleValue] {
    func parts(_ keys: [JSONKey]) -> [OracleValue] {
      keys.flatMap { key -> [OracleValue] in
        guard let part = value[key] else { return [] }
        return (part.kind == .array ? part.elements : [part]).compactMap(\.string).map { .string($0) }
      }
    }
    switch type {
    case "string", "markdown", "code", "uri", "id": return value.string.map { [.string($0)] } ?? []
    case "HumanName": return parts(["text", "family", "given", "prefix", "suffix"])
    case "Address": return parts(["text", "line", "city", "district", "state", "postalCode", "country"])
    case "CodeableConcept": return value["text"]?.string.map { [.string($0)] } ?? []
    default: return []
    }
  }

  private func references(_ value: JSONValue, _ type: String) -> [OracleValue] {
    switch type {
    case "Reference":
      var found: [OracleValue] = []
      if let text = value["reference"]?.string, let link = reference(text) { found.append(link) }
      if let identifier = value["identifier"].flatMap(identifier) {
        found.append(.identifier(system: identifier.system, value: identifier.value))
      }
      return found
    case "canonical", "uri": return value.string.map { [.reference(type: "", id: $0)] } ?? []
    default: return []
    }
  }

  /// A version that a reference names does not matter to what it refers to (FHIR R4 references#literal).
  private func reference(_ text: String) -> OracleValue? {
    if text.hasPrefix("#") { return nil }
    let bare = text.split(separator: "/", omittingEmptySubsequences: false)
    let history = bare.firstIndex(of: "_history") ?? bare.count
    let path = bare[..<history]
    if text.hasPrefix("http") { return .reference(type: "", id: path.joined(separator: "/")) }
    if text.hasPrefix("urn:") { return .reference(type: "", id: text) }
    if path.count == 2 { return .reference(type: String(path[0]), id: String(path[1])) }
    return .reference(type: soleTarget ?? "", id: text)
  }

  private func uris(_ value: JSONValue, _ type: String) -> [OracleValue] {
    guard let text = value.string else { return [] }
    guard type == "canonical" else { return [.uri(text)] }
    let whole = text.prefix { $0 != "#" }
    return [.canonical(String(whole), String(whole.prefix { $0 != "|" }))]
  }

  // MARK: Ordered values

  private func dates(_ value: JSONValue, _ type: String) -> [OraclePeriod] {
    func range(_ value: JSONValue?) -> (low: Int64, high: Int64)? { value?.string.flatMap(OracleDate.range) }
    switch type {
    case "date", "dateTime": return range(value).map { [OraclePeriod(low: $0.low, high: $0.high)] } ?? []
    // "A fixed point in time … with an effective width of 0" (FHIR R4 search#date).
    case "instant": return range(value).map { [OraclePeriod(low: $0.low, high: $0.low)] } ?? []
    case "Period":
      let (start, end) = (range(value["start"]), range(value["end"]))
      return start == nil && end == nil ? [] : [OraclePeriod(low: start?.low, high: end?.high)]
    case "Timing":
      // "the outer limits" (FHIR R4 search#date)
      var all = (value["event"]?.elements ?? []).compactMap { range($0) }.map {
        OraclePeriod(low: $0.low, high: $0.high)
      }
      if let bounds = value["repeat"]?["boundsPeriod"] { all += dates(bounds, "Period") }
      guard !all.isEmpty else { return [] }
      let isOpenLow = all.contains { $0.low == nil }
      let isOpenHigh = all.contains { $0.high == nil }
      return [
        OraclePeriod(
          low: isOpenLow ? nil : all.compactMap(\.low).min(), high: isOpenHigh ? nil : all.compactMap(\.high).max())
      ]
    default: return []
    }
  }

  private func exact(_ value: JSONValue?) -> Exact? {
    value.flatMap { Exact.parse(String(decoding: $0.json, as: UTF8.self))?.value }
  }

  private func bounds(_ value: JSONValue) -> OracleRange? {
    let range = OracleRange(low: exact(value["low"]?["value"]), high: exact(value["high"]?["value"]))
    return range.low == nil && range.high == nil ? nil : range
  }

  private func numbers(_ value: JSONValue, _ type: String) -> [OracleValue] {
    switch type {
    case "integer", "positiveInt", "unsignedInt", "decimal":
      return exact(value).map { [.number(OracleRange(low: $0, high: $0))] } ?? []
    case "Range": return bounds(value).map { [.number($0)] } ?? []
    default: return []
    }
  }

  private func quantities(_ value: JSONValue, _ type: String) -> [OracleValue] {
    func quantity(_ range: OracleRange, _ holder: JSONValue) -> OracleValue {
      .quantity(
        OracleQuantity(
          range: range, system: holder["system"]?.string ?? "", code: holder["code"]?.string,
          unit: holder["unit"]?.string))
    }
    switch type {
    case "Quantity", "Age", "Duration", "Count", "Distance", "SimpleQuantity", "MoneyQuantity":
      guard let number = exact(value["value"]) else { return [] }
      var range = OracleRange(low: number, high: number)
      switch value["comparator"]?.string {
      case "<", "<=": range.low = nil
      case ">", ">=": range.high = nil
      default: break
      }
      return [quantity(range, value)]
    case "Money":
      guard let number = exact(value["value"]) else { return [] }
      return [
        .quantity(
          OracleQuantity(
            range: OracleRange(low: number, high: number), system: "urn:iso:std:iso:4217",
            code: value["currency"]?.string))
      ]
    case "Range":
      guard let range = bounds(value), let holder = value["low"] ?? value["high"] else { return [] }
      return [quantity(range, holder)]
    case "SampledData":
      guard let origin = value["origin"], let data = value["data"]?.string else { return [] }
      let zero = exact(origin["value"]) ?? Exact(raw: 0)
      let samples = data.split(separator: " ").compactMap { Exact.parse(String($0))?.value }
      // The generator's samples have no factor but 1.
      guard let low = samples.min(), let high = samples.max() else { return [] }
      return [
        quantity(OracleRange(low: Exact(raw: low.raw + zero.raw), high: Exact(raw: high.raw + zero.raw)), origin)
      ]
    default: return []
    }
  }

  private func positions(_ value: JSONValue, _ type: String) -> [OracleValue] {
    guard type == "Location.position", let latitude = value["latitude"], let longitude = value["longitude"],
      let x = Double(String(decoding: latitude.json, as: UTF8.self)),
      let y = Double(String(decoding: longitude.json, as: UTF8.self))
    else { return [] }
    return [.position(latitude: x, longitude: y)]
  }
}
