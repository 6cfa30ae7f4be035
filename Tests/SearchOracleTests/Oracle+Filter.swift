import FHIRModel

/// `_filter` (FHIR R4 search_filter.html), for filters that the generator writes: tests joined by `and` and `or`, which
/// are taken from left to right, `not (…)`, parentheses, strings in quotes.
extension Oracle {
  func filter(_ text: String, _ type: String) throws -> Set<Int> {
    var words = try Self.words(text)[...]
    let found = try expression(&words, type)
    guard words.isEmpty else { throw Refusal("filter") }
    return found
  }

  private func expression(_ words: inout ArraySlice<String>, _ type: String) throws -> Set<Int> {
    var found = try operand(&words, type)
    while let word = words.first, word == "and" || word == "or" {
      words.removeFirst()
      let next = try operand(&words, type)
      found = word == "and" ? found.intersection(next) : found.union(next)
    }
    return found
  }

  private func operand(_ words: inout ArraySlice<String>, _ type: String) throws -> Set<Int> {
    guard let word = words.popFirst() else { throw Refusal("filter") }
    if word == "not" {
      guard words.popFirst() == "(" else { throw Refusal("filter") }
      return all(type).subtracting(try closed(&words, type))
    }
    if word == "(" { return try closed(&words, type) }
    guard let operation = words.popFirst(), let value = words.popFirst() else { throw Refusal("filter") }
    return try comparison(word, operation, value.hasPrefix("\"") ? String(value.dropFirst()) : value, type)
  }

  private func closed(_ words: inout ArraySlice<String>, _ type: String) throws -> Set<Int> {
    let inner = try expression(&words, type)
    guard words.popFirst() == ")" else { throw Refusal("filter") }
    return inner
  }

  private func comparison(_ path: String, _ operation: String, _ value: String, _ type: String) throws -> Set<Int> {
    if let dot = path.firstIndex(of: ".") {
      let rest = String(path[path.index(after: dot)...])
      return try chain(String(path[..<dot]), type) { target in
        self.isKnown(rest, target) ? try self.comparison(rest, operation, value, target) : nil
      }
    }
    guard let definition = data.parameters(type)[path] else { throw Refusal("filter: \(path)") }
    if operation == "in" || operation == "ni" {
      guard definition.type == .token else { throw Refusal("operator") }
      return all(type).filter(try test(definition, operation == "in" ? "in" : "not-in", OracleText.escape(value)))
    }
    if operation == "pr" {
      return all(type).filter(try test(definition, "missing", value == "true" ? "false" : "true"))
    }
    let matches = try self.comparison(definition, operation, value)
    if definition.code == "_lastUpdated" || definition.code == "_id" {
      let found = all(type).filter(
        try test(definition, nil, operation == "ne" || operation == "eq" ? value : operation + value))
      return operation == "ne" && definition.code == "_id" ? all(type).subtracting(found) : found
    }
    return all(type).filter { place in
      let values = data.values(place, definition)
      // Unequal: there is a value, and none that is equal; of what is ordered one that is unequal is enough.
      if operation == "ne", ![.date, .number, .quantity].contains(definition.type) {
        return !values.isEmpty && !values.contains(where: matches)
      }
      return values.contains(where: matches)
    }
  }

  private func comparison(_ definition: Definition, _ operation: String, _ value: String) throws -> (OracleValue) ->
    Bool
  {
    switch definition.type {
    case .string:
      let folded = OracleText.fold(value)
      guard ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"].contains(operation) else {
        throw Refusal("operator")
      }
      return { stored in
        guard case .string(let text) = stored else { return false }
        let own = OracleText.fold(text)
        switch operation {
        case "co": return OracleText.contains(own, folded)
        case "sw": return OracleText.hasPrefix(own, folded)
        case "ew": return OracleText.hasSuffix(own, folded)
        case "gt": return OracleText.precedes(folded, own)
        case "ge": return !OracleText.precedes(own, folded)
        case "lt": return OracleText.precedes(own, folded)
        case "le": return !OracleText.precedes(folded, own)
        default: return OracleText.isSame(own, folded)
        }
      }
    case .date:
      guard Self.prefixes.contains(operation) || ["po", "co"].contains(operation) else { throw Refusal("operator") }
      let test = try dateTest(operation, value)
      return { if case .date(let period) = $0 { test(period) } else { false } }
    case .number:
      guard Self.prefixes.contains(operation) || operation == "co" else { throw Refusal("operator") }
      let test = try numberTest(operation, value)
      return { if case .number(let range) = $0 { test(range) } else { false } }
    case .quantity:
      guard Self.prefixes.contains(operation) else { throw Refusal("operator") }
      return try quantityTest(operation, value)
    case .token, .uri:
      guard operation == "eq" || operation == "ne" else { throw Refusal("operator") }
      return try valueTest(definition, definition.type, nil, value)
    case .reference:
      guard ["eq", "ne", "re"].contains(operation) else { throw Refusal("operator") }
      return try valueTest(definition, .reference, nil, value)
    case .composite, .special: throw Refusal("operator")
    }
  }

  /// A string keeps its opening quote, which tells it from a word.
  private static func words(_ text: String) throws -> [String] {
    var words: [String] = []
    var rest = Array(text)[...]
    while let character = rest.popFirst() {
      switch character {
      case " ": continue
      case "(", ")": words.append(String(character))
      case "\"":
        var word = "\""
        while let next = rest.popFirst(), next != "\"" {
          word.append(next == "\\" ? rest.popFirst() ?? "\\" : next)
        }
        words.append(word)
      default:
        var word = String(character)
        while let next = rest.first, next != " ", next != ")" {
          word.append(next)
          rest.removeFirst()
        }
        words.append(word)
      }
    }
    return words
  }
}
