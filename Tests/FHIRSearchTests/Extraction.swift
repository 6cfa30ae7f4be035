import Base
import FHIRModel
import FHIRSearch
import Foundation
import JSONCore

/// Index rows as lines that can be read: `gender token http://hl7.org/fhir/administrative-gender|male`.
struct Extraction {
  static let parameters = SearchParameters(
    .r4,
    numbers: Dictionary(
      uniqueKeysWithValues: SearchParameters.names(.r4).enumerated().map { ($0.element, Int32($0.offset + 1)) }))
  static let names = SearchParameters.names(.r4)
  static let extractor = IndexExtractor(parameters, limits: Limits())

  static func rows(_ json: String, extractor: IndexExtractor = extractor) throws -> [IndexRow] {
    let document = try JSONDocument(json)
    guard let name = document.value["resourceType"]?.string, let type = Schema.r4.resourceType(name) else { return [] }
    return try extractor.rows(of: document, document.root, type)
  }

  /// Every row that answers for one parameter, sorted, each once: a derived one's are those of its parts. Rows that tell
  /// what a token or reference cannot be sorted by are left out.
  static func lines(_ json: String, _ code: String) throws -> [String] {
    let document = try JSONDocument(json)
    guard let type = document.value["resourceType"]?.string.flatMap({ Schema.r4.resourceType($0) }),
      let parameter = parameters.parameter(type, code)
    else { return [] }
    let parts = parameters.indexed(parameter)
    return Set(
      try rows(json).filter { row in parts.contains { $0.number == row.parameter && isMeant(row, $0.soleTarget) } }
        .map(line)
    ).sorted()
  }

  /// Where only references to one type are meant: an address may tell the type of what it refers to.
  private static func isMeant(_ row: IndexRow, _ target: Schema.TypeID?) -> Bool {
    if case .missing(let number) = row, [.token, .reference].contains(kinds[number]) { return false }
    guard let target, case .reference(_, let type, let id) = row else { return true }
    if !type.isEmpty { return type == Schema.r4.name(target) }
    return id.hasPrefix("http") && id.contains("/\(Schema.r4.name(target))/")
  }

  private static let kinds: [Int32: SearchParameter.Kind] = Dictionary(
    uniqueKeysWithValues: Schema.r4.resourceTypes.flatMap { type in
      parameters.parameters(type).map { ($0.number, $0.kind) }
    })

  /// Whether it is about the resource itself: not about what it contains, nor a reference to that.
  static func isOwn(_ row: IndexRow) -> Bool { names.indices.contains(Int(row.parameter) - 1) }

  static func code(_ row: IndexRow) -> String { names[Int(row.parameter) - 1].code }

  static func line(_ row: IndexRow) -> String {
    switch row {
    case .token(_, let system, let code): "token \(shown(system))|\(code)"
    case .string(_, let folded, let text, let several): "string \(text) (\(folded))\(mark(several))"
    case .reference(_, let type, let id): "reference \(type)/\(id)"
    case .date(_, let low, let high, let several): "date \(time(low))…\(time(high))\(mark(several))"
    case .number(_, let low, let high, let several): "number \(low)…\(high)\(mark(several))"
    case .quantity(_, let system, let code, let low, let high, let several):
      "quantity \(low)…\(high) \(shown(system))|\(code)\(mark(several))"
    case .uri(_, let value): "uri \(value)"
    case .position(_, let latitude, let longitude): "position \(latitude) \(longitude)"
    case .missing: "missing"
    case .contained(let place, let container, let type, let id): "\(place): \(type) \(id) in \(container)"
    case .within(let place, let row): "\(place): \(line(row))"
    case .composite(let row):
      "composite \(row.system1)|\(row.code1) $ \(shown(row.system2))|\(row.text2)\(bounds(row.bounds2))\(bounds(row.bounds3))"
    }
  }

  /// One of several.
  private static func mark(_ several: Bool) -> String { several ? " +" : "" }

  /// Pseudo systems with a visible beginning.
  private static func shown(_ system: String) -> String {
    IndexRow.isPseudoSystem(system) ? "~" + system.dropFirst() : system
  }

  private static func bounds(_ bounds: CompositeRow.Bounds) -> String {
    switch bounds {
    case .none: ""
    case .date(let low, let high): " \(time(low))…\(time(high))"
    case .number(let low, let high): " \(low)…\(high)"
    }
  }

  /// Foundation's calendar as the oracle; `Δ` for an open end.
  static func time(_ microseconds: Int64) -> String {
    if microseconds == .min || microseconds == .max { return "Δ" }
    let fraction = ((microseconds % 1_000_000) + 1_000_000) % 1_000_000
    let seconds = (microseconds - fraction) / 1_000_000
    let formatter = ISO8601DateFormatter()
    formatter.formatOptions = [.withFullDate, .withTime, .withColonSeparatorInTime]
    let text = formatter.string(from: Date(timeIntervalSince1970: TimeInterval(seconds)))
    return fraction == 0 ? text : text + "." + String(String(1_000_000 + fraction).dropFirst())
  }
}
