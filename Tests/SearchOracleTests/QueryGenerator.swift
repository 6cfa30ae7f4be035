import FHIRModel
import TestSupport

/// Writes random searches by the grammar of R4, with values drawn from the data, so that they match, and near misses.
struct QueryGenerator {
  typealias Definition = SearchParameterDefinition

  /// References that one parameter follows.
  private static let joinsMax = 10

  let data: OracleData
  var random: SeededGenerator
  /// For each type the parameters that some resource has values for.
  private let answered: [String: [Definition]]
  private let types: [String]
  /// Whether joins lead on to joins.
  private var isDeep = false

  init(_ data: OracleData, seed: UInt64) {
    self.data = data
    random = SeededGenerator(seed: seed)
    var answered: [String: [Definition]] = [:]
    for (type, places) in data.places {
      answered[type] = data.parameters(type).values.sorted { $0.code < $1.code }.filter { definition in
        guard definition.expression != nil else { return false }
        if definition.type == .composite { return places.contains { !data.combinations($0, definition).isEmpty } }
        return places.contains { !data.values($0, definition).isEmpty }
      }
    }
    self.answered = answered
    types = data.places.keys.sorted().flatMap { type in
      Array(repeating: type, count: (data.places[type]?.count ?? 0) > 20 ? 3 : 1)
    }
  }

  // MARK: Choices

  mutating func number(_ bound: Int) -> Int { bound < 1 ? 0 : Int(random.next() % UInt64(bound)) }
  mutating func chance(_ percent: Int) -> Bool { number(100) < percent }
  mutating func pick<T>(_ list: [T]) -> T { list[number(list.count)] }

  /// A search without `_count`.
  mutating func query() -> (type: String?, parameters: [(name: String, value: String)]) {
    if chance(5) { return (nil, systemQuery()) }
    let type = pick(types)
    isDeep = chance(8)
    defer { isDeep = false }
    var parameters: [(name: String, value: String)] = []
    for _ in 0..<pick([0, 1, 1, 1, 1, 1, 1, 2, 2, 3]) { parameters.append(criterion(type, depth: 0)) }
    if chance(35) { parameters.append(("_sort", sort(type))) }
    if chance(20) {
      for _ in 0...number(2) { parameters.append(include(type)) }
      if chance(40) { parameters.append(("_includesCount", "\(1 + number(12))")) }
    }
    if chance(20) { parameters.append(("_total", "accurate")) }
    if chance(4) { parameters.append(("_summary", "count")) }
    if chance(2) { parameters.append(("unknown-parameter", "1")) }
    return (type, parameters)
  }

  /// A search of everything, of a type, or of a compartment.
  mutating func run(_ world: OracleWorld, seed: UInt64) -> OracleRun {
    guard chance(7) else {
      let (type, parameters) = query()
      return OracleRun(world: world, type: type, parameters: parameters, seed: seed)
    }
    let type = chance(75) ? pick(["Observation", "Observation", "Encounter", "Condition", pick(types)]) : nil
    var parameters = type == nil ? systemQuery() : []
    if chance(60) { parameters = [] }
    if let type, chance(40) { parameters.append(criterion(type, depth: 0)) }
    if let type, chance(40) { parameters.append(("_sort", sort(type))) }
    if let type, chance(20) { parameters.append(include(type)) }
    return OracleRun(world: world, type: type, compartment: compartment(), parameters: parameters, seed: seed)
  }

  private mutating func compartment() -> OracleCompartment {
    let type = pick(["Patient", "Patient", "Patient", "Encounter", "Practitioner"])
    let id = data.places[type].map { data.resources[pick($0)].id } ?? "none"
    return OracleCompartment(type: type, id: chance(95) ? id : "none")
  }

  /// Over several types, by what all of them have.
  private mutating func systemQuery() -> [(name: String, value: String)] {
    var parameters: [(name: String, value: String)] = []
    let chosen = chance(70) ? [pick(types), pick(types)] : []
    if !chosen.isEmpty { parameters.append(("_type", chosen.joined(separator: ","))) }
    let type = chosen.first ?? pick(types)
    let resourceWide = ["_id", "_lastUpdated", "_tag", "_profile", "_source"]
    for _ in 0..<(1 + number(2)) {
      guard let definition = data.parameters(type)[pick(resourceWide)] else { continue }
      parameters.append(plain(type, definition))
    }
    if !chosen.isEmpty, chance(40) { parameters.append(criterion(type, depth: 0)) }
    if chance(30) { parameters.append(("_sort", pick(["_id", "-_id", "_lastUpdated", "-_lastUpdated", "_tag,-_id"]))) }
    return parameters
  }

  mutating func criterion(_ type: String, depth: Int) -> (name: String, value: String) {
    switch number(isDeep && depth < Self.joinsMax ? 23 : 100) {
    case 0..<12 where depth < Self.joinsMax: return chain(type, depth: depth) ?? plain(type, definition(type))
    case 12..<20 where depth < Self.joinsMax: return reverseChain(type, depth: depth) ?? plain(type, definition(type))
    case 20..<26 where depth == 0: return ("_filter", filter(type, depth: 0))
    case 26..<28 where depth == 0: return ("_list", pick(["list-1", "list-2,list-3", "list-9"]))
    case 28..<31 where depth == 0: return malformed()
    case 31..<36: return fullText(type)
    default: return plain(type, definition(type))
    }
  }

  mutating func definition(_ type: String) -> Definition {
    let all = data.parameters(type)
    let wide = ["_id", "_lastUpdated", "_tag", "_profile", "_source"].compactMap { all[$0] }
    if chance(12) { return pick(wide) }
    if chance(6) { return pick(all.values.filter { $0.type != .special }.sorted { $0.code < $1.code }) }
    let own = answered[type] ?? []
    return own.isEmpty ? pick(wide) : pick(own)
  }

  // MARK: Joins

  private mutating func chain(_ type: String, depth: Int) -> (name: String, value: String)? {
    let references = (answered[type] ?? []).filter { $0.type == .reference }
    guard !references.isEmpty else { return nil }
    let definition = pick(references)
    let targets = data.targets(definition).filter { data.places[$0] != nil }
    guard !targets.isEmpty else { return nil }
    let target = pick(targets)
    let inner = criterion(target, depth: depth + 1)
    if inner.name.hasPrefix("_filter") || inner.name.hasPrefix("_list") { return nil }
    // Without a type every target that knows the rest counts.
    let isTyped = chance(70) || data.targets(definition).count > 20
    return ("\(definition.code)\(isTyped ? ":\(target)" : "").\(inner.name)", inner.value)
  }

  private mutating func reverseChain(_ type: String, depth: Int) -> (name: String, value: String)? {
    let sources = data.places.keys.sorted().flatMap { source in
      (answered[source] ?? []).filter { $0.type == .reference && data.targets($0).contains(type) }.map { (source, $0) }
    }
    guard !sources.isEmpty else { return nil }
    let (source, definition) = pick(sources)
    let inner = criterion(source, depth: depth + 1)
    if inner.name.hasPrefix("_filter") || inner.name.hasPrefix("_list") { return nil }
    return ("_has:\(source):\(definition.code):\(inner.name)", inner.value)
  }

  private mutating func include(_ type: String) -> (name: String, value: String) {
    let isReverse = chance(40)
    let isIterative = chance(25)
    let name = "_\(isReverse ? "rev" : "")include\(isIterative ? ":iterate" : "")"
    if chance(8), !isIterative || !isReverse { return (name, isReverse ? "*:*" : pick(["*", "\(type):*"])) }
    let source = isReverse || isIterative ? pick(types) : type
    let references = (answered[source] ?? []).filter { $0.type == .reference }
    guard !references.isEmpty else { return ("_include", "*") }
    let definition = pick(references)
    let targets = data.targets(definition)
    // What leads back to its own type is executed once only, and what has several targets must name one.
    if isIterative && targets.contains(source) { return ("_include", "*") }
    let needsTarget = isReverse && isIterative && targets.count > 1
    let target = needsTarget || chance(30) ? ":\(pick(targets.filter { data.places[$0] != nil } + [targets[0]]))" : ""
    if isIterative, !target.isEmpty, target.dropFirst() == source { return ("_include", "*") }
    return (name, "\(source):\(definition.code)\(target)")
  }

  // MARK: Results

  private mutating func sort(_ type: String) -> String {
    // The standard does not say how quantities in different units are ordered.
    let unordered: [Definition.Kind] = [.composite, .special, .quantity]
    let sortable = (answered[type] ?? []).filter { !unordered.contains($0.type) }.map(\.code)
    return (0...number(3)).map { _ in (chance(50) ? "-" : "") + pick(sortable + ["_id", "_lastUpdated"]) }
      .reduce(into: [String]()) { keys, key in
        let code = key.drop { $0 == "-" }
        if !keys.contains(where: { $0.drop { $0 == "-" } == code }) { keys.append(key) }
      }
      .joined(separator: ",")
  }

  // MARK: Filters

  private mutating func filter(_ type: String, depth: Int) -> String {
    let operand = filterOperand(type, depth: depth)
    guard depth < 3, chance(45) else { return operand }
    return "\(operand) \(pick(["and", "or"])) \(filter(type, depth: depth + 1))"
  }

  private mutating func filterOperand(_ type: String, depth: Int) -> String {
    if depth < 3, chance(15) { return "not (\(filter(type, depth: depth + 1)))" }
    if depth < 3, chance(15) { return "(\(filter(type, depth: depth + 1)))" }
    var own = (answered[type] ?? []).filter { ![.composite, .special].contains($0.type) }
    own = own.filter { !["_id", "_lastUpdated"].contains($0.code) }
    guard !own.isEmpty else { return "_id eq x" }
    let definition = pick(own)
    if chance(10) { return "\(definition.code) pr \(chance(50))" }
    let operations: [String] =
      switch definition.type {
      case .string: ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]
      case .date: ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap", "po", "co"]
      case .number: ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap", "co"]
      case .quantity: ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]
      case .reference: ["eq", "ne", "re"]
      case .token: ["eq", "ne", "eq", "ne", "in", "ni"]
      default: ["eq", "ne"]
      }
    let operation = pick(operations)
    if operation == "in" || operation == "ni" { return "\(definition.code) \(operation) \"\(valueSet())\"" }
    let value = self.value(type, definition, modifier: nil, withPrefix: false)
    // These are taken as they stand in a filter.
    let isText = [.string, .uri, .reference].contains(definition.type)
    let text = isText ? OracleText.unescape(value) : value
    let quoted = "\"" + text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined() + "\""
    return "\(definition.code) \(operation) \(quoted)"
  }

  // MARK: Refusals

  /// What must be refused whatever is stored.
  private mutating func malformed() -> (name: String, value: String) {
    pick([
      ("_lastUpdated", "yesterday"), ("_lastUpdated", "2020-13"), ("_lastUpdated", "gt"),
      ("_lastUpdated:exact", "2020"),
      ("_id:exact", "x"), ("_tag", "a|b|c"), ("_tag", "|"), ("_tag:missing", "maybe"), ("_tag:contains", "x"),
      ("_tag", ""),
      ("_has:Observation:patient", "x"), ("_has:Nothing:patient:code", "x"), ("_has:Observation:code:code", "x"),
      ("_profile:exact", "x"), ("_filter", "_id eq"), ("_filter", "(_id eq x"), ("_filter", "nothing eq x"),
      ("_total", "x"),
      ("_summary", "x"), ("_tag.code", "x"), ("_include", "Nothing:x"), ("_include", "Observation:code"),
    ])
  }
}
