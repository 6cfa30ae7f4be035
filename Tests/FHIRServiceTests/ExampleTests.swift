import Base
import FHIRModel
import FHIRSearch
import FHIRService
import FHIRStore
import Foundation
import JSONCore
import Storage
import Testing
import TestSupport

/// Every official R4 example goes in, comes out as it was, and is found by everything it says.
@Suite(
  .enabled(if: ConformanceData.has("fhir-r4-examples/json"), "needs data set fhir-r4-examples"), .serialized)
struct ExampleTests {
  /// Examples that break the structure rules of the release themselves.
  static let refused: Set<String> = ["ImplementationGuide-fhir", "Questionnaire-qs1"]

  struct Example {
    let file: String
    let type: Schema.TypeID
    let typeName: String
    let id: String
    let document: JSONDocument
  }

  static func load(_ service: TestService) async throws -> (examples: [Example], refusals: [String]) {
    var examples: [Example] = []
    var refusals: [String] = []
    for url in try ConformanceData.files("fhir-r4-examples/json") {
      let text = try String(contentsOf: url, encoding: .utf8)
      let document = try JSONDocument(text)
      let typeName = try #require(document.value["resourceType"]?.string)
      let type = try #require(Schema.r4.resourceType(typeName))
      let name = url.deletingPathExtension().lastPathComponent
      let reply: TestService.Reply
      if let id = document.value["id"]?.string {
        reply = try await service.send(.put, "\(typeName)/\(id)", text)
      } else {
        reply = try await service.send(.post, typeName, text)
      }
      guard reply.status == 201, let id = reply.body?["id"]?.string else {
        refusals.append("\(name): \(reply.status) \(reply.diagnostics)")
        continue
      }
      examples.append(Example(file: name, type: type, typeName: typeName, id: id, document: document))
    }
    return (examples, refusals)
  }

  @Test func goInComeOutAndAreFound() async throws {
    try await withService { service in
      let start = ContinuousClock.now
      let (examples, refusals) = try await Self.load(service)
      let loaded = ContinuousClock.now
      #expect(Set(refusals.map { String($0.prefix { $0 != ":" }) }) == Self.refused, "\(refusals)")
      #expect(examples.count + Self.refused.count == 721)
      var changed: [String] = []
      for example in examples {
        let reply = try await service.send(.get, "\(example.typeName)/\(example.id)")
        guard let body = reply.body, reply.status == 200 else {
          changed.append("\(example.file): \(reply.status)")
          continue
        }
        if Self.canonical(body, atRoot: true) != Self.canonical(example.document.value, atRoot: true) {
          changed.append(example.file)
        }
      }
      #expect(changed == [])
      let asked = try await Self.ask(service, examples)
      print(
        "examples: \(examples.count) stored in \(loaded - start), \(asked.queries) queries in",
        "\(ContinuousClock.now - loaded), \(asked.complaints.count) complaints")
      #expect(asked.complaints.prefix(40).isEmpty, "\(asked.complaints.prefix(40).joined(separator: "\n"))")
      #expect(asked.known.isEmpty)
    }
  }

  // MARK: Searching

  /// Asks for every distinct row of every example, by the store's own search without `_id`, and once for each
  /// parameter through the service with `_id`, and its negation.
  private static func ask(_ service: TestService, _ examples: [Example]) async throws
    -> (queries: Int, complaints: [String], known: [String])
  {
    let parameters = service.store.parameters
    let extractor = IndexExtractor(parameters, limits: Limits())
    let parser = SearchQueryParser(parameters, limits: Limits(), clock: .system, isStrict: true)
    var complaints: [String] = []
    var open: [String] = []
    var queries = 0
    var known: [String: Set<String>] = [:]
    for example in examples {
      let names = Dictionary(
        uniqueKeysWithValues: parameters.parameters(example.type).map { ($0.number, $0) })
      var asked: Set<String> = []
      let rows = try extractor.rows(of: example.document, example.document.root, example.type)
      for row in rows {
        guard let parameter = names[row.parameter], parameter.isSearchable(.r4) else { continue }
        for query in self.queries(row, parameter.code, parameter.kind, parameter.definition.targets) {
          let key = "\(example.typeName)?\(query)"
          queries += 1
          if known[key] == nil {
            do {
              let parsed = try parser.parse(QueryString(parsing: query), types: [example.type])
              known[key] = Set(try await service.store.read(within: .none) { try $0.ids(parsed, limit: 100_000) })
            } catch {
              complaints.append(
                "\(example.file): \(query): \((error as? Fault)?.reasons.first?.diagnostics ?? "\(error)")")
              known[key] = []
            }
          }
          if known[key]?.contains(example.id) != true {
            let complaint = "\(example.file) is not found by \(key)"
            if isOpen(row) { open.append(complaint) } else { complaints.append(complaint) }
          }
        }
        if isOpen(row) { continue }
        if asked.insert(parameter.code).inserted, let query = self.queries(row, parameter.code, parameter.kind).first {
          queries += 1
          let reply = try await service.send(.get, "\(example.typeName)?_id=\(example.id)&\(query)")
          if reply.ids != [example.id] { complaints.append("\(example.file): _id with \(query): \(reply.ids)") }
        }
        if case .token(_, let system, _) = row, parameter.kind == .token, !IndexRow.isPseudoSystem(system),
          let query = self.queries(row, parameter.code + ":not", parameter.kind).first
        {
          queries += 1
          let reply = try await service.send(.get, "\(example.typeName)?_id=\(example.id)&\(query)")
          if reply.ids != [] || reply.status != 200 { complaints.append("\(example.file) is found by \(query)") }
        }
      }
      for parameter in parameters.parameters(example.type)
      where parameter.isSearchable(.r4) && !parameter.isAnsweredByResource {
        let parts = parameters.indexed(parameter)
        let isMissing = !rows.contains { row in
          row != .missing(parameter: row.parameter)
            && parts.contains { $0.number == row.parameter && isMeant(row, $0.soleTarget) }
        }
        queries += 1
        let parsed = try parser.parse(
          QueryString(parsing: "_id=\(example.id)&\(parameter.code):missing=\(isMissing)"), types: [example.type])
        let found = try await service.store.read(within: .none) { try $0.ids(parsed, limit: 2) }
        if found != [example.id] { complaints.append("\(example.file): \(parameter.code):missing=\(isMissing)") }
      }
    }
    return (queries, complaints, open)
  }

  /// Where only references to one type are meant: an address may tell the type of what it refers to.
  private static func isMeant(_ row: IndexRow, _ target: Schema.TypeID?) -> Bool {
    guard let target, case .reference(_, let type, let id) = row else { return true }
    if !type.isEmpty { return type == Schema.r4.name(target) }
    return id.hasPrefix("http") && id.contains("/\(Schema.r4.name(target))/")
  }

  static func isOpen(_ row: IndexRow) -> Bool {
    switch row {
    case .reference(_, let type, let id): type.isEmpty && id.contains("/") && !id.contains(":")
    case .quantity(_, _, _, let low, _, _): "\(low)".count > 16
    default: false
    }
  }

  /// Queries that a row answers, as a client would write them.
  /// - Parameter targets: an id alone means one of these.
  static func queries(
    _ row: IndexRow, _ code: String, _ kind: SearchParameter.Kind, _ targets: [Schema.TypeID] = []
  ) -> [String] {
    func query(_ value: String, _ modifier: String = "") -> String { "\(code)\(modifier)=\(QueryString.encode(value))" }
    switch row {
    case .token(_, let system, let value):
      let value = escape(value)
      if IndexRow.isPseudoSystem(system) {
        return [query("\(system.dropFirst())|\(value)", ":of-type")]
      }
      if kind == .reference { return [query("\(escape(system))|\(value)", ":identifier")] }
      if code.hasSuffix(":not") { return [query(value)] }
      return system.isEmpty
        ? [query(value), query("|\(value)")]
        : [query("\(escape(system))|\(value)"), query(value), query("\(escape(system))|")]
    case .string(_, _, let text, _) where kind == .token:
      return [query(escape(String(text.prefix(12))), ":text")]
    case .string(_, _, let text, _):
      // A value longer than the index keeps is cut in the index; its beginning is found.
      let beginning = String(text.prefix(12))
      return [
        query(escape(beginning)), query(escape(beginning.uppercased())), query(escape(text), ":exact"),
        query(escape(String(text.dropFirst().prefix(8))), ":contains"),
      ].filter { !$0.hasSuffix("=") }
    case .reference(_, let type, let id):
      let id = escape(id)
      if type.isEmpty { return [query(id)] }
      let isTarget = targets.isEmpty || targets.contains { Schema.r4.name($0) == type }
      return [query("\(type)/\(id)"), "\(code):\(type)=\(id)"] + (isTarget ? [query(id)] : [])
    case .uri(_, let value): return [query(escape(value))]
    case .date(_, let low, let high, _): return dates(low, high).map { query($0) }
    case .number(_, let low, let high, _):
      return (low.isFinite ? [query("ge\(low)")] : []) + (high.isFinite ? [query("le\(high)")] : [])
        + (low == high ? [query("\(low)")] : [])
    case .quantity(_, let system, let unit, let low, let high, _):
      if IndexRow.isPseudoSystem(system) { return [] }
      let forms =
        unit.isEmpty
        ? [""]
        : system.isEmpty ? ["", "||\(escape(unit))"] : ["", "||\(escape(unit))", "|\(escape(system))|\(escape(unit))"]
      return forms.flatMap { form in
        (low.isFinite ? [query("ge\(low)\(form)")] : []) + (high.isFinite ? [query("le\(high)\(form)")] : [])
          + (low == high ? [query("\(low)\(form)")] : [])
      }
    // Of a token or reference it tells that there is nothing to sort by; words and identifiers are values, too.
    case .missing: return [.token, .reference].contains(kind) ? [] : [query("true", ":missing")]
    case .composite, .position, .contained, .within: return []
    }
  }

  private static func escape(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      if "\\,$|".contains(character) { result.append("\\") }
      result.append(character)
    }
  }

  /// The ends with every prefix that holds of them; and the whole, where it is a second, a day, a month or a year.
  private static func dates(_ low: Int64, _ high: Int64) -> [String] {
    func text(_ microseconds: Int64) -> String {
      let whole = Int64((Double(microseconds) / 1_000_000).rounded(.down))
      let formatter = ISO8601DateFormatter()
      return formatter.string(from: Date(timeIntervalSince1970: TimeInterval(whole)))
    }
    var values: [String] = []
    if low != .min {
      values += ["ge\(text(low))", "ap\(text(low))", "gt\(text(low - 1_000_000))", "sa\(text(low - 2_000_000))"]
    }
    if high != .max { values += ["le\(text(high))", "lt\(text(high + 2_000_000))", "eb\(text(high + 2_000_000))"] }
    if low != .min && high != .max {
      switch high - low {
      case 0...999_999: values.append(text(low))
      case 86_399_999_999: values.append(String(text(low).prefix(10)))
      default: break
      }
      if sameYear(low, high) { values.append("eq\(text(low).prefix(4))") }
    }
    return values
  }

  private static func sameYear(_ low: Int64, _ high: Int64) -> Bool {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = TimeZone(secondsFromGMT: 0) ?? .current
    func year(_ time: Int64) -> Int { calendar.component(.year, from: Date(timeIntervalSince1970: Double(time) / 1e6)) }
    return year(low) == year(high)
  }

  // MARK: Comparing

  /// JSON without what the server sets: members by name, texts decoded, numbers as they were written.
  private static func canonical(_ value: JSONValue, atRoot: Bool = false, inMeta: Bool = false) -> String {
    switch value.kind {
    case .object:
      let members = value.members.compactMap { name, member -> (String, String)? in
        if atRoot && name == "id" { return nil }
        if inMeta && (name == "versionId" || name == "lastUpdated") { return nil }
        let text = canonical(member, inMeta: atRoot && name == "meta")
        if atRoot && name == "meta" && text == "{}" { return nil }
        return (name, text)
      }
      return "{" + members.sorted { $0.0 < $1.0 }.map { "\($0.0.debugDescription):\($0.1)" }.joined(separator: ",")
        + "}"
    case .array: return "[" + value.elements.map { canonical($0) }.joined(separator: ",") + "]"
    case .string: return (value.string ?? "").debugDescription
    default: return String(decoding: value.json, as: UTF8.self)
    }
  }
}
