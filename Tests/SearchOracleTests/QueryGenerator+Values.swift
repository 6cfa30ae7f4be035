import FHIRModel

/// Conditions on a type's own parameters.
extension QueryGenerator {
  mutating func plain(_ type: String, _ definition: Definition) -> (name: String, value: String) {
    let code = definition.code
    if chance(7) { return ("\(code):missing", chance(50) ? "true" : "false") }
    let modifier = self.modifier(type, definition)
    if modifier == "above" || modifier == "below", let value = hierarchy(definition) {
      return ("\(code):\(modifier ?? "")", value)
    }
    if modifier == "in" || modifier == "not-in" {
      let sets = (0...(chance(20) ? 1 : 0)).map { _ in OracleText.escape(valueSet()) }
      return ("\(code):\(modifier ?? "")", sets.joined(separator: ","))
    }
    let count = chance(20) ? 2 + number(2) : 1
    let values = (0..<count).map { _ in value(type, definition, modifier: modifier, withPrefix: true) }
    return ("\(code)\(modifier.map { ":\($0)" } ?? "")", values.filter { !$0.isEmpty }.joined(separator: ",").orX)
  }

  private mutating func modifier(_ type: String, _ definition: Definition) -> String? {
    guard chance(35) else { return nil }
    switch definition.type {
    case .string: return pick(["exact", "contains"])
    case .token:
      return definition.code == "_id"
        ? "not" : pick(["not", "not", "text", "of-type", "in", "not-in", "above", "below"])
    case .reference:
      if chance(30), hierarchicalTarget(definition) != nil { return pick(["above", "below"]) }
      return chance(40) ? "identifier" : pick(data.targets(definition))
    case .uri: return pick(["above", "below"])
    default: return nil
    }
  }

  // MARK: Value sets and hierarchies

  mutating func valueSet() -> String {
    chance(96) ? pick(OracleTerminology.valueSets.keys.sorted()) : pick(OracleTerminology.unknown)
  }

  /// A value of `:above` and `:below`; nil where URLs are meant.
  private mutating func hierarchy(_ definition: Definition) -> String? {
    switch definition.type {
    case .token:
      let code = pick(["A", "a", "b-1", "8867-4", "none"])
      return pick([code, code, "\(OracleTerminology.codes)|\(code)", "\(OracleTerminology.codes)|\(code)"])
    case .reference:
      guard let target = hierarchicalTarget(definition), let places = data.places[target] else { return nil }
      let text = "\(target)/\(data.resources[pick(places)].id)"
      return chance(20) ? "\(OracleServer.base)/\(text)" : text
    default: return nil
    }
  }

  private func hierarchicalTarget(_ definition: Definition) -> String? {
    data.targets(definition).first { ["Location", "Organization", "Encounter"].contains($0) }
  }

  // MARK: Full text

  /// Words of a resource, of those that are not the grammar's own.
  mutating func fullText(_ type: String) -> (name: String, value: String) {
    let name = chance(50) ? "_text" : "_content"
    var texts: [[String]] = []
    for _ in 0..<8 where texts.isEmpty {
      guard let place = data.places[type].map({ pick($0) }) else { break }
      texts = (name == "_text" ? data.narratives(place) : data.texts(place)).map { words in
        words.filter { !["and", "or", "not"].contains($0) }
      }
      texts.removeAll(where: \.isEmpty)
    }
    guard !texts.isEmpty else { return (name, "lung") }
    let alternatives = (0...(chance(30) ? 1 : 0)).map { _ -> String in
      let words = pick(texts)
      if name == "_text", words.count > 1, chance(30) {
        let start = number(words.count - 1)
        return "\"\(words[start]) \(words[start + 1])\""
      }
      return (0...(chance(30) ? 1 : 0)).map { _ in pick(pick(texts)) }.joined(separator: pick([" ", " AND "]))
    }
    let text = alternatives.joined(separator: pick([" OR ", ","]))
    return (name, chance(20) ? text.uppercased() : text)
  }

  /// One alternative, escaped.
  mutating func value(_ type: String, _ definition: Definition, modifier: String?, withPrefix: Bool) -> String {
    guard let place = data.places[type].map({ pick($0) }) else { return "x" }
    if definition.code == "_id" { return chance(90) ? data.resources[place].id : "none" }
    if definition.code == "_lastUpdated" { return date(data.resources[place].updated, withPrefix: withPrefix) }
    if definition.type == .composite { return composite(type, definition) }
    // Some resources say nothing: look at several.
    var values: [OracleValue] = []
    for _ in 0..<8 where values.isEmpty {
      if let other = data.places[type].map({ pick($0) }) { values = data.values(other, definition) }
    }
    return text(values, definition.type, modifier, withPrefix: withPrefix)
  }

  private mutating func composite(_ type: String, _ definition: Definition) -> String {
    func parts(_ place: Int) -> [[OracleValue]]? { data.combinations(place, definition).first }
    var found: [[OracleValue]] = []
    var other: [[OracleValue]] = []
    for _ in 0..<12 where found.isEmpty || other.isEmpty {
      guard let place = data.places[type].map({ pick($0) }), let next = data.combinations(place, definition).first
      else { continue }
      if found.isEmpty { found = next } else { other = next }
    }
    if other.isEmpty { other = found }
    return definition.components.indices.map { index -> String in
      guard let part = data.schema.searchParameter(url: definition.components[index].definition) else { return "x" }
      let source = chance(85) ? found : other
      let values = source.indices.contains(index) ? source[index] : []
      return text(values, part.type, nil, withPrefix: true).orX
    }
    .joined(separator: "$")
  }

  private mutating func text(
    _ values: [OracleValue], _ kind: Definition.Kind, _ modifier: String?, withPrefix: Bool
  ) -> String {
    switch kind {
    case .string:
      let strings = values.compactMap { if case .string(let text) = $0 { text } else { nil } }
      return OracleText.escape(string(strings.isEmpty ? "mul" : pick(strings), modifier))
    case .token: return token(values, modifier)
    case .reference: return reference(values, modifier)
    case .uri: return uri(values, modifier)
    case .date:
      let dates = values.compactMap { if case .date(let period) = $0 { period } else { nil } }
      let period = dates.isEmpty ? OraclePeriod(low: 326_851_200_000_000) : pick(dates)
      return date((chance(50) ? period.low : period.high) ?? period.low ?? period.high ?? 0, withPrefix: withPrefix)
    case .number:
      let ranges = values.compactMap { if case .number(let range) = $0 { range } else { nil } }
      return decimal(ranges.isEmpty ? OracleRange() : pick(ranges), withPrefix: withPrefix)
    case .quantity: return quantity(values, withPrefix: withPrefix)
    case .special: return near(values)
    case .composite: return "x"
    }
  }

  // MARK: Text

  private mutating func string(_ text: String, _ modifier: String?) -> String {
    let characters = Array(text)
    // Longer values have a test of their own.
    let limit = min(characters.count, 300)
    var piece: [Character]
    switch modifier {
    case "exact": piece = text.utf8.count > 4_000 || chance(15) ? Array(characters.prefix(limit)) : characters
    case "contains":
      let start = number(limit)
      piece = Array(characters[start..<min(limit, start + 1 + number(6))])
    default: piece = Array(characters.prefix(1 + number(chance(70) ? min(8, limit) : limit)))
    }
    if modifier != "exact", chance(30) { piece = Array(OracleText.fold(String(piece))) }
    if chance(20) { piece = Array(String(piece).uppercased()) }
    if chance(6) { piece.append("x") }
    return String(piece)
  }

  private mutating func token(_ values: [OracleValue], _ modifier: String?) -> String {
    switch modifier {
    case "text":
      let words = values.compactMap { if case .words(let text) = $0 { text } else { nil } }
      return OracleText.escape(string(words.isEmpty ? "heart" : pick(words), nil))
    case "of-type":
      let typed = values.compactMap { value -> String? in
        guard case .typed(let system, let code, let text) = value else { return nil }
        return [system, code, text].map(OracleText.escape).joined(separator: "|")
      }
      return typed.isEmpty ? "http://terminology.hl7.org/CodeSystem/v2-0203|MR|1" : pick(typed)
    default:
      let tokens = values.compactMap { value -> (system: String, code: String)? in
        switch value {
        case .token(let system, let code): (system, code)
        case .identifier(let system, let code): (system, code)
        default: nil
        }
      }
      guard !tokens.isEmpty else { return "none" }
      let (system, code) = pick(tokens)
      var form = number(4)
      // The standard never says what a boolean's system is.
      if system == OracleReader.unknownSystem || code == "true" || code == "false" { form = 0 }
      let text = OracleText.escape(chance(94) ? code : code.uppercased())
      switch form {
      case 0, 1: return text
      case 2: return "\(OracleText.escape(chance(95) ? system : "http://none.example"))|\(text)"
      default: return system.isEmpty ? "|\(text)" : "\(OracleText.escape(system))|"
      }
    }
  }

  private mutating func reference(_ values: [OracleValue], _ modifier: String?) -> String {
    if modifier == "identifier" { return token(values, nil) }
    let references = values.compactMap { value -> (type: String, id: String)? in
      if case .reference(let type, let id) = value { (type, id) } else { nil }
    }
    guard !references.isEmpty else { return "pati-1" }
    let stored = pick(references)
    let (type, id) = data.own(stored.type, stored.id)
    if !type.isEmpty, chance(20) { return OracleText.escape("\(OracleServer.base)/\(type)/\(id)") }
    if id.contains(":") && modifier != nil { return "pati-1" }
    return OracleText.escape(type.isEmpty || chance(35) ? id : "\(type)/\(id)")
  }

  private mutating func uri(_ values: [OracleValue], _ modifier: String?) -> String {
    let uris = values.compactMap { value -> String? in
      switch value {
      case .uri(let uri): uri
      case .canonical(let whole, let url): whole.utf8.count % 2 == 0 ? whole : url
      default: nil
      }
    }
    let uri = uris.isEmpty ? "http://v.example" : pick(uris)
    switch modifier {
    case "below": return OracleText.escape(String(uri.prefix(chance(50) ? uri.count : 5 + number(uri.count))))
    case "above": return OracleText.escape(uri + pick(["", "/", "/x", "x", "/x/y"]))
    default: return OracleText.escape(chance(92) ? uri : uri + "/")
    }
  }

  // MARK: Ordered values

  private mutating func prefix(_ isWanted: Bool) -> String {
    isWanted && chance(65) ? pick(["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]) : ""
  }

  /// A moment at some precision and in some zone, sometimes a little beside.
  mutating func date(_ microseconds: Int64, withPrefix: Bool) -> String {
    var moment = microseconds
    if chance(15) { moment += Int64(number(3) - 1) * pick([1_000, 1_000_000, 86_400_000_000]) }
    let zone = pick([0, 0, 0, 120, -330])
    let local = moment + Int64(zone) * 60_000_000
    var days = Int(local / 86_400_000_000) - (local % 86_400_000_000 < 0 ? 1 : 0)
    let rest = Int(local - Int64(days) * 86_400_000_000)
    var year = 1970
    while days < 0 || days >= (OracleDate.isLeap(year) ? 366 : 365) {
      year += days < 0 ? -1 : 1
      days = Int(local / 86_400_000_000) - (local % 86_400_000_000 < 0 ? 1 : 0) - OracleDate.days(year, 1, 1)
    }
    var month = 1
    while days >= OracleDate.length(month, year) {
      days -= OracleDate.length(month, year)
      month += 1
    }
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    var text = String(repeating: "0", count: max(0, 4 - "\(year)".count)) + "\(year)"
    let precision = number(7)
    if precision > 0 { text += "-\(two(month))" }
    if precision > 1 { text += "-\(two(days + 1))" }
    if precision > 3 {
      let seconds = rest / 1_000_000
      text += "T\(two(seconds / 3_600)):\(two(seconds / 60 % 60))"
      if precision > 4 { text += ":\(two(seconds % 60))" }
      if precision > 5 {
        let milliseconds = rest / 1_000 % 1_000
        text += "." + String(repeating: "0", count: 3 - "\(milliseconds)".count) + "\(milliseconds)"
      }
      let sign = zone < 0 ? "-" : "+"
      text += zone == 0 ? pick(["Z", "", "+00:00"]) : "\(sign)\(two(abs(zone) / 60)):\(two(abs(zone) % 60))"
    }
    return prefix(withPrefix) + text
  }

  /// A number of the range, at some precision.
  private mutating func decimal(_ range: OracleRange, withPrefix: Bool) -> String {
    let value = (chance(50) ? range.low : range.high) ?? range.low ?? range.high ?? Exact(raw: Exact.unit(0) * 5)
    var digits = "\(value.raw.magnitude)"
    digits = String(repeating: "0", count: max(0, Exact.places + 1 - digits.count)) + digits
    let whole = String(digits.dropLast(Exact.places))
    var fraction = String(digits.suffix(Exact.places))
    while fraction.last == "0" { fraction.removeLast() }
    if chance(25) { fraction = String(fraction.prefix(number(3))) }
    if chance(20) { fraction += String(repeating: "0", count: min(1 + number(2), 12 - min(fraction.count, 10))) }
    var text = fraction.isEmpty ? whole : "\(whole).\(fraction)"
    if chance(6) { text += pick(["e0", "E1", "e-1", "e2"]) }
    return prefix(withPrefix) + (value.raw < 0 ? "-" : "") + text
  }

  private mutating func quantity(_ values: [OracleValue], withPrefix: Bool) -> String {
    let quantities = values.compactMap { if case .quantity(let quantity) = $0 { quantity } else { nil } }
    guard !quantities.isEmpty else { return decimal(OracleRange(), withPrefix: withPrefix) }
    let quantity = pick(quantities)
    let number = decimal(quantity.range, withPrefix: withPrefix)
    switch self.number(4) {
    case 0: return number
    case 1: return "\(number)||\(OracleText.escape(quantity.unit ?? quantity.code ?? "mg"))"
    default:
      guard let code = quantity.code, !quantity.system.isEmpty else { return number }
      return "\(number)|\(quantity.system)|\(OracleText.escape(code))"
    }
  }

  private mutating func near(_ values: [OracleValue]) -> String {
    guard case .position(let latitude, let longitude)? = values.first else { return "47.6|-122.3|100" }
    let text = "\(latitude + Double(number(3) - 1) / 10)|\(longitude)"
    let center = text.hasPrefix("90") || text.hasPrefix("-90") ? "89|0" : text
    return center + pick(["", "|1", "|15|km", "|12000|m", "|8|[mi_i]", "|20000", "|0.5"])
  }
}

extension String {
  fileprivate var orX: String { isEmpty ? "x" : self }
}
