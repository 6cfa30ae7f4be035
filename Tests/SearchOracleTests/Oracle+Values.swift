import FHIRModel
import Foundation

/// One parameter's values against what a resource says.
extension Oracle {
  typealias Test = (_ place: Int) -> Bool

  func test(_ definition: Definition, _ modifier: String?, _ value: String) throws -> Test {
    let isType = modifier.map { data.schema.resourceType($0) != nil } ?? false
    if let modifier, !Self.modifiers(definition, modifier, isType: isType) { throw Refusal(":\(modifier)") }
    if modifier == "missing" {
      guard value == "true" || value == "false" else { throw Refusal(":missing") }
      return { self.isMissing($0, definition) == (value == "true") }
    }
    let pieces = OracleText.split(value, at: ",").filter { !$0.isEmpty }
    guard !pieces.isEmpty else { throw Refusal("no value") }
    let tests = try pieces.map { try alternative(definition, modifier, $0) }
    let any: Test = { place in tests.contains { $0(place) } }
    return modifier == "not" || modifier == "not-in" ? { !any($0) } : any
  }

  /// FHIR R4 search §2.1.1.5.
  private static func modifiers(_ definition: Definition, _ modifier: String, isType: Bool) -> Bool {
    if modifier == "missing" { return true }
    switch definition.type {
    case .string: return ["exact", "contains"].contains(modifier)
    case .token: return definition.code == "_id" ? modifier == "not" : Self.tokenModifiers.contains(modifier)
    case .reference: return isType || ["identifier", "above", "below"].contains(modifier)
    case .uri: return ["above", "below"].contains(modifier)
    default: return false
    }
  }

  private static let tokenModifiers: Set<String> = ["text", "not", "of-type", "in", "not-in", "above", "below"]

  private func isMissing(_ place: Int, _ definition: Definition) -> Bool {
    if definition.code == "_id" || definition.code == "_lastUpdated" { return false }
    if definition.type == .composite { return data.combinations(place, definition).isEmpty }
    return data.values(place, definition).isEmpty
  }

  /// One alternative.
  private func alternative(_ definition: Definition, _ modifier: String?, _ text: String) throws -> Test {
    if definition.code == "_id" {
      let token = try Token(text)
      return { token.matches("", self.data.resources[$0].id) }
    }
    if definition.code == "_lastUpdated" {
      let date = try dateTest(text)
      return { place in
        let updated = self.data.resources[place].updated
        return date(OraclePeriod(low: updated, high: updated))
      }
    }
    if definition.type == .composite { return try composite(definition, text) }
    let test = try valueTest(definition, definition.type, modifier, text)
    return { place in self.data.values(place, definition).contains(where: test) }
  }

  private func composite(_ definition: Definition, _ text: String) throws -> Test {
    let pieces = OracleText.split(text, at: "$")
    let parts = definition.components.compactMap { data.schema.searchParameter(url: $0.definition) }
    guard pieces.count == parts.count, pieces.allSatisfy({ !$0.isEmpty }) else { throw Refusal("components") }
    let tests = try zip(pieces, parts).map { try valueTest($1, $1.type, nil, $0) }
    return { place in
      // All of one element.
      self.data.combinations(place, definition).contains { values in
        zip(values, tests).allSatisfy { values, test in values.contains(where: test) }
      }
    }
  }

  func valueTest(
    _ definition: Definition, _ kind: Definition.Kind, _ modifier: String?, _ text: String
  ) throws -> (OracleValue) -> Bool {
    switch kind {
    case .string: return try stringTest(modifier, OracleText.unescape(text))
    case .token: return try tokenTest(modifier, text)
    case .reference: return try referenceTest(definition, modifier, text)
    case .uri: return uriTest(modifier, OracleText.unescape(text))
    case .date:
      let test = try dateTest(text)
      return { if case .date(let period) = $0 { test(period) } else { false } }
    case .number:
      let test = try numberTest(text)
      return { if case .number(let range) = $0 { test(range) } else { false } }
    case .quantity: return try quantityTest(text)
    case .special:
      guard let near = Near(text) else { throw Refusal("near") }
      return { if case .position(let x, let y) = $0 { near.distance(x, y) <= near.meters } else { false } }
    case .composite: throw Refusal("a composite in a composite")
    }
  }

  // MARK: Strings and URIs

  private func stringTest(_ modifier: String?, _ text: String) throws -> (OracleValue) -> Bool {
    let folded = OracleText.fold(text)
    // What the server says it finds texts by: docs/compatibility.md.
    guard modifier == "exact" ? text.utf8.count <= 4_092 : folded.utf8.count <= 4_096 else { throw Refusal("too long") }
    return { value in
      guard case .string(let stored) = value else { return false }
      switch modifier {
      case "exact": return OracleText.isSame(stored, text)
      case "contains": return OracleText.contains(OracleText.fold(stored), folded)
      default: return OracleText.hasPrefix(OracleText.fold(stored), folded)
      }
    }
  }

  private func uriTest(_ modifier: String?, _ text: String) -> (OracleValue) -> Bool {
    { value in
      let forms: [String]
      switch value {
      case .uri(let uri): forms = [uri]
      case .canonical(let whole, let url): forms = [whole, url]
      default: return false
      }
      return forms.contains { stored in
        // "The :above and :below modifiers only apply to URLs, and not URNs" (FHIR R4 search#uri).
        let isURL = stored.hasPrefix("http://") || stored.hasPrefix("https://")
        switch modifier {
        case "below": return isURL && OracleText.hasPrefix(stored, text)
        case "above":
          guard isURL, OracleText.hasPrefix(text, stored) else { return false }
          // Whole segments only: http://a/b is above http://a/b/c, not above http://a/bc.
          return text.utf8.count == stored.utf8.count || stored.hasSuffix("/")
            || text.utf8.dropFirst(stored.utf8.count).first == UInt8(ascii: "/")
        default: return OracleText.isSame(stored, text)
        }
      }
    }
  }

  // MARK: Tokens and references

  /// `code`, `system|code`, `|code`, `system|`
  struct Token {
    var system: String?
    var code: String?

    init(_ text: String) throws {
      let pieces = OracleText.split(text, at: "|").map(OracleText.unescape)
      guard pieces.count <= 2 else { throw Refusal("token") }
      if pieces.count == 2 { system = pieces[0] }
      code = pieces[pieces.count - 1]
      if code == "" { code = nil }
      guard code != nil || !(system ?? "").isEmpty else { throw Refusal("token") }
    }

    func matches(_ system: String, _ code: String) -> Bool {
      (self.system.map { OracleText.isSame($0, system) } ?? true)
        && (self.code.map { OracleText.isSame($0, code) } ?? true)
    }
  }

  private func tokenTest(_ modifier: String?, _ text: String) throws -> (OracleValue) -> Bool {
    switch modifier {
    case "text":
      let folded = OracleText.fold(OracleText.unescape(text))
      return { if case .words(let words) = $0 { OracleText.hasPrefix(OracleText.fold(words), folded) } else { false } }
    case "of-type":
      let pieces = OracleText.split(text, at: "|").map(OracleText.unescape)
      guard pieces.count == 3, pieces.allSatisfy({ !$0.isEmpty }) else { throw Refusal(":of-type") }
      return { value in
        guard case .typed(let system, let code, let value) = value else { return false }
        return [system, code, value] == pieces
      }
    case "in", "not-in":
      guard let members = OracleTerminology.valueSets[OracleText.unescape(text)] else { throw Refusal("value set") }
      return { value in
        guard case .token(let system, let code) = value else { return false }
        return members.contains { $0.system == system && ($0.code == nil || $0.code == code) }
      }
    case "above", "below":
      let token = try Token(text)
      guard let code = token.code else { throw Refusal("no code") }
      let system = token.system
      if let system, !system.isEmpty, !OracleTerminology.isKnown(system) { throw Refusal("unknown hierarchy") }
      let branch = OracleTerminology.branch(modifier ?? "", code)
      return { value in
        guard case .token(let own, let stored) = value else { return false }
        if own == OracleTerminology.codes, system ?? own == own { return branch.contains(stored) }
        return stored == code && system ?? own == own
      }
    default:
      let token = try Token(text)
      return { if case .token(let system, let code) = $0 { token.matches(system, code) } else { false } }
    }
  }

  private func referenceTest(_ definition: Definition, _ modifier: String?, _ text: String) throws -> (OracleValue)
    -> Bool
  {
    if modifier == "identifier" {
      let token = try Token(text)
      return { if case .identifier(let system, let value) = $0 { token.matches(system, value) } else { false } }
    }
    let named = data.own("", OracleText.unescape(text))
    let text = named.type.isEmpty ? named.id : "\(named.type)/\(named.id)"
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    let isTyped = parts.count == 2 && data.schema.resourceType(parts[0]) != nil
    if let modifier, modifier == "above" || modifier == "below" {
      let targets = data.targets(definition)
      guard isTyped || targets.count == 1 else { throw Refusal("no type") }
      let target = isTyped ? parts[0] : targets[0]
      let branch = try branch(modifier, of: parts[parts.count - 1], target)
      return { value in
        guard case .reference(let type, let id) = value else { return false }
        let own = self.data.own(type, id)
        return own.type == target && branch.contains(own.id)
      }
    }
    return { value in
      guard case .reference(let storedType, let storedID) = value else { return false }
      let (type, id) = self.data.own(storedType, storedID)
      if let modifier { return type == modifier && (isTyped ? parts == [type, id] : id == text) }
      if isTyped { return parts == [type, id] }
      return OracleText.isSame(id, text)
    }
  }

  // MARK: Dates, numbers, quantities

  static let prefixes: Set<String> = ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]

  private static func prefix(_ text: String) -> (String, String) {
    let start = String(text.prefix(2))
    return prefixes.contains(start) ? (start, String(text.dropFirst(2))) : ("eq", text)
  }

  /// FHIR R4 search#prefix: the range of the value searched against the range of the value in the resource.
  func dateTest(_ text: String) throws -> (OraclePeriod) -> Bool {
    let (prefix, rest) = Self.prefix(text)
    return try dateTest(prefix, rest)
  }

  func dateTest(_ prefix: String, _ text: String) throws -> (OraclePeriod) -> Bool {
    guard let searched = OracleDate.range(text) else { throw Refusal("date") }
    return { target in
      let (low, high) = (target.low ?? .min, target.high ?? .max)
      let isWithin = searched.low <= low && high <= searched.high
      // "the range above the search value intersects (i.e. overlaps) with the range of the target value"
      let reachesAbove = high > searched.high
      let reachesBelow = low < searched.low
      switch prefix {
      case "eq": return isWithin
      case "ne": return !isWithin
      case "gt": return reachesAbove
      case "lt": return reachesBelow
      case "ge": return reachesAbove || isWithin
      case "le": return reachesBelow || isWithin
      case "sa": return low > searched.high
      case "eb": return high < searched.low
      case "po": return low <= searched.high && high >= searched.low
      case "co": return low <= searched.low && high >= searched.high
      default:
        // "10% of the gap between now and the date"
        let gap = abs(self.now - searched.low) / 10
        return low <= searched.high + gap && high >= searched.low - gap
      }
    }
  }

  func numberTest(_ text: String) throws -> (OracleRange) -> Bool {
    let (prefix, rest) = Self.prefix(text)
    return try numberTest(prefix, rest)
  }

  /// FHIR R4 search#number: equality by the precision written, order by the value itself.
  func numberTest(_ prefix: String, _ text: String, scale: Int128 = 1) throws -> (OracleRange) -> Bool {
    guard let (value, places) = Exact.parse(text) else { throw Refusal("number") }
    // 1e2 stands for [95, 105), as the standard says, and so has two digits.
    let isOneDigit = places < 0 && abs(value.raw) < Exact.unit(places) * 10
    let half = Exact.unit(isOneDigit ? places + 1 : places) / 2
    let tenth = prefix == "ap" ? max(half, abs(value.raw) / 10) : half
    return { target in
      let low = target.low?.raw ?? Int128.min
      let high = target.high?.raw ?? Int128.max
      let from = (value.raw - tenth) * scale
      let to = (value.raw + tenth) * scale
      let exact = value.raw * scale
      let isWithin = from <= low && low < to && high < to
      switch prefix {
      case "eq", "ap": return isWithin
      case "ne": return !isWithin
      case "gt": return high > exact
      case "lt": return low < exact
      case "ge": return high >= exact
      case "le": return low <= exact
      case "sa": return low > exact
      case "eb": return high < exact
      case "co": return low <= exact && high >= exact
      default: return false
      }
    }
  }

  /// `[prefix]number|system|code`, `number||code`, `number`
  func quantityTest(_ text: String) throws -> (OracleValue) -> Bool {
    let (prefix, rest) = Self.prefix(text)
    return try quantityTest(prefix, rest)
  }

  func quantityTest(_ prefix: String, _ text: String) throws -> (OracleValue) -> Bool {
    let pieces = OracleText.split(text, at: "|").map(OracleText.unescape)
    guard pieces.count == 1 || pieces.count == 3 else { throw Refusal("quantity") }
    let test = try numberTest(prefix, pieces[0])
    let system = pieces.count == 3 && !pieces[1].isEmpty ? pieces[1] : nil
    let code = pieces.count == 3 && !pieces[2].isEmpty ? pieces[2] : nil
    return { value in
      guard case .quantity(let quantity) = value else { return false }
      if let system, let code {
        if quantity.system == system, quantity.code == code, test(quantity.range) { return true }
        return self.isConverted(quantity, prefix, pieces[0], system, code)
      }
      if let system, quantity.system != system { return false }
      if let code, quantity.code != code && quantity.unit != code { return false }
      return test(quantity.range)
    }
  }

  /// Units of the data, as so many of the smallest of their kind (UCUM). An amount of substance is a kind of its own
  /// here, as in the SI: who searches for cells does not look for molecules.
  private static let units: [String: (kind: String, factor: Int128)] = [
    "mg": ("mass", 1), "g": ("mass", 1_000), "kg": ("mass", 1_000_000), "cm": ("length", 1), "m": ("length", 100),
    "s": ("time", 1), "min": ("time", 60), "h": ("time", 3_600), "d": ("time", 86_400), "a": ("time", 31_557_600),
    "mg/dL": ("density", 1), "g/dL": ("density", 1_000), "mg/g": ("ratio", 1), "%": ("ratio", 10),
    "10*3/uL": ("count", 1), "10*6/uL": ("count", 1_000), "mmol/L": ("amount", 1),
  ]

  private func isConverted(
    _ quantity: OracleQuantity, _ prefix: String, _ number: String, _ system: String, _ code: String
  ) -> Bool {
    guard convertsUnits, system == "http://unitsofmeasure.org", quantity.system == system, let own = quantity.code,
      let stored = Self.units[own], let wanted = Self.units[code], stored.kind == wanted.kind,
      let test = try? numberTest(prefix, number, scale: wanted.factor)
    else { return false }
    return test(
      OracleRange(
        low: quantity.range.low.map { Exact(raw: $0.raw * stored.factor) },
        high: quantity.range.high.map { Exact(raw: $0.raw * stored.factor) }))
  }
}

/// `near=latitude|longitude|distance|units` (FHIR R4 location.html#positional).
struct Near {
  let latitude: Double
  let longitude: Double
  let meters: Double

  init?(_ text: String) {
    let pieces = OracleText.split(text, at: "|")
    guard (2...4).contains(pieces.count), let x = Double(pieces[0]), let y = Double(pieces[1]), abs(x) <= 90,
      abs(y) <= 180
    else { return nil }
    (latitude, longitude) = (x, y)
    let factors = ["km": 1_000, "m": 1, "[mi_i]": 1_609.344]
    guard let factor = pieces.count == 4 ? factors[pieces[3]] : 1_000 else { return nil }
    // The standard leaves open what is near; the server says 50 km.
    guard pieces.count > 2, !pieces[2].isEmpty else {
      meters = 50_000
      return
    }
    guard let distance = Double(pieces[2]), distance >= 0 else { return nil }
    meters = distance * factor
  }

  /// The great circle's length on a sphere, by the angle between two vectors.
  func distance(_ otherLatitude: Double, _ otherLongitude: Double) -> Double {
    func vector(_ latitude: Double, _ longitude: Double) -> (Double, Double, Double) {
      let (a, b) = (latitude * .pi / 180, longitude * .pi / 180)
      return (cos(a) * cos(b), cos(a) * sin(b), sin(a))
    }
    let (a, b) = (vector(latitude, longitude), vector(otherLatitude, otherLongitude))
    let cross = (a.1 * b.2 - a.2 * b.1, a.2 * b.0 - a.0 * b.2, a.0 * b.1 - a.1 * b.0)
    let sine = (cross.0 * cross.0 + cross.1 * cross.1 + cross.2 * cross.2).squareRoot()
    return 6_371_008.8 * atan2(sine, a.0 * b.0 + a.1 * b.1 + a.2 * b.2)
  }
}
