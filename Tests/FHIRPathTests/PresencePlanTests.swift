import Base
import FHIRModel
import FHIRPath
import Foundation
import JSONCore
import Testing
import TestSupport

/// What the presence of members decides about a condition must be what an evaluation says.
@Suite struct PresencePlanTests {
  @Test(arguments: [
    // qty-3, cpt-2, obs-6 and their kind: presence alone decides.
    ("code.empty() or system.exists()", "", PresencePlan.Verdict.kept),
    ("code.empty() or system.exists()", "code", .broken),
    ("code.empty() or system.exists()", "code system", .kept), ("a.exists() xor b.exists()", "a", .kept),
    ("a.exists() xor b.exists()", "a b", .broken), ("a.exists() implies b.exists()", "a", .broken),
    ("a.exists().not() or b.empty()", "a b", .broken), ("(a.count() + b.count()) > 0", "", .broken),
    // What more is asked of a member is open only where it is there.
    ("a.b.empty() and a.c.empty()", "", .kept), ("a.b.empty() and a.c.empty()", "a", .open),
    ("a.empty() or b.where(c = 'x').exists()", "a", .broken), ("a.empty() or b.where(c = 'x').exists()", "a b", .open),
    ("a.where(%resource.b.exists()).empty()", "", .kept), ("a.where(%resource.b.exists()).empty()", "a", .open),
    ("a.startsWith('#').not()", "", .kept), ("a = 'x' or b.exists()", "b", .kept), ("a = 'x'", "a", .open),
    // What looks elsewhere is open.
    ("%resource.a.exists() or b.exists()", "", .open), ("%resource.a.exists() or b.exists()", "b", .kept),
    ("a.exists() or descendants().exists()", "", .open), ("a.exists() or now() > today()", "", .open),
    ("a.all($this = 'x') and ('y').exists()", "", .open), ("iif(a.exists(), true, false) or b.empty()", "b", .open),
  ])
  func verdicts(expression: String, members: String, expected: PresencePlan.Verdict) throws {
    let program = try FHIRPathProgram(expression, schema: .r4)
    var seen = MembersSeen()
    let plan = program.presence
    for name in members.split(separator: " ") {
      if let place = plan?.names.firstIndex(of: String(name)) { seen.present |= 1 << UInt64(place) }
    }
    #expect((plan?.verdict(seen) { _, _ in nil } ?? .open) == expected)
  }

  @Test func orderOfTwoMembers() throws {
    let rule = "start.hasValue().not() or end.hasValue().not() or (start <= end)"
    let plan = try #require(try FHIRPathProgram(rule, schema: .r4).presence)
    #expect(plan.names == ["start", "end"])
    var seen = MembersSeen()
    #expect(plan.verdict(seen) { _, _ in nil } == .kept)
    seen.present = 0b11
    #expect(plan.verdict(seen) { _, _ in false } == .open)
    seen.valued = 0b11
    for (isOrdered, expected) in [(true, PresencePlan.Verdict.kept), (false, .broken), (nil, .open)] {
      #expect(plan.verdict(seen) { $0 == 0 && $1 == 1 ? isOrdered : nil } == expected)
    }
    seen.valued = 0b01
    #expect(plan.verdict(seen) { _, _ in false } == .open)
  }

  @Test func costsOfAnElement() throws {
    for (expression, isLocal) in [
      ("code.empty() or system.exists()", true), ("contained.meta.versionId.empty()", true), ("a.all(b = %ucum)", true),
      ("contained.descendants().empty()", false), ("reference.resolve().exists()", false), ("a.matches('x')", false),
      ("a in %resource.b", false), ("a.where(b in %rootResource.c).empty()", false), ("repeat(a).exists()", false),
    ] {
      #expect(try FHIRPathProgram(expression, schema: .r4).isLocal == isLocal, "\(expression)")
    }
  }

  private static let folder = "fhir-r4-examples/json"

  /// Every rule of the standard at every element of its examples, whole and with members left out at random.
  @Test(.enabled(if: ConformanceData.has(folder), "needs data set fhir-r4-examples"))
  func agreesWithEvaluation() throws {
    var random = SystemRandomNumberGenerator()
    var decided = 0
    var programs: [Schema.TypeID: [(Invariant, FHIRPathProgram, PresencePlan)]] = [:]
    for file in try ConformanceData.files(Self.folder) where file.pathExtension == "json" {
      let bytes = [UInt8](try Data(contentsOf: file))
      guard bytes.count < 60_000 else { continue }
      let document = try JSONDocument(bytes)
      guard let type = Schema.r4.resourceType(document.value["resourceType"]?.string ?? "") else { continue }
      var open = [(document.root, type)]
      while let (node, type) = open.popLast() {
        let rules =
          programs[type]
          ?? Schema.r4.invariants(type).compactMap { invariant in
            guard invariant.element == nil, let expression = invariant.expression,
              let program = try? FHIRPathProgram(expression, schema: .r4), let plan = program.presence
            else { return nil }
            return (invariant, program, plan)
          }
        programs[type] = rules
        for keeps in [1.0, 0.5, 0.3] {
          let part = try Self.part(of: document, node, keeping: keeps, &random)
          for (invariant, program, plan) in rules {
            decided += Self.compare(invariant, program, plan, part, type) ? 1 : 0
          }
        }
        for (key, value) in document.members(node) {
          guard let (_, type) = Schema.r4.element(type, key: document.lexeme(key)), Schema.r4.kind(type) != .resource
          else { continue }
          let items = document.kind(value) == .array ? Array(document.elements(value)) : [value]
          open += items.filter { document.kind($0) == .object }.map { ($0, type) }
        }
      }
    }
    #expect(decided > 20_000)
  }

  /// Whether the plan decided; then the evaluation must say the same.
  private static func compare(
    _ invariant: Invariant, _ program: FHIRPathProgram, _ plan: PresencePlan, _ part: JSONDocument,
    _ type: Schema.TypeID
  ) -> Bool {
    var seen = MembersSeen()
    for (key, value) in part.members(part.root) {
      guard let (element, _) = Schema.r4.element(type, key: part.lexeme(key)) else { continue }
      guard let place = plan.names.firstIndex(of: Schema.r4[element].name) else { continue }
      seen.present |= 1 << UInt64(place)
      if part.kind(value) != .object && part.kind(value) != .array { seen.valued |= 1 << UInt64(place) }
    }
    let verdict = plan.verdict(seen) { _, _ in nil }
    if verdict == .open { return false }
    let context = FHIRPathContext(document: part, node: part.root, type: type, now: Instant(milliseconds: 0))
    guard let result = try? program.evaluate(in: context) else { return false }
    var isBroken = false
    if case .boolean(false)? = result.first { isBroken = true }
    #expect(
      isBroken == (verdict == .broken),
      "\(invariant.key) \(invariant.expression ?? "") \(String(decoding: part.value.json, as: UTF8.self))")
    return true
  }

  private static func part(
    of document: JSONDocument, _ node: JSONNode, keeping: Double, _ random: inout SystemRandomNumberGenerator
  ) throws -> JSONDocument {
    var writer = JSONWriter(reserving: 256)
    writer.beginObject()
    for (key, value) in document.members(node) {
      // Members of extensions alone are for the evaluation, whatever the plan says.
      if document.lexeme(key).first == UInt8(ascii: "_") { continue }
      let isKept =
        keeping == 1 || document.keyEquals(key, "resourceType") || Double.random(in: 0..<1, using: &random) < keeping
      guard isKept else { continue }
      writer.key(document, key)
      writer.value(document, value)
    }
    writer.endObject()
    return try JSONDocument(writer.bytes)
  }
}
