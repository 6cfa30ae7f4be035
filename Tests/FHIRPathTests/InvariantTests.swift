import FHIRModel
import FHIRPath
import Foundation
import JSONCore
import Testing
import TestSupport

/// The standard's invariants on the standard's examples.
@Suite struct InvariantTests {
  private static let folder = "fhir-r4-examples/json"

  /// Invariants that official examples break indeed.
  private static let broken = [
    "dom-6": "a warning: these examples have no narrative",
    "nsd-0": "a warning: a name without a capital letter",
    "pdf-0": "a warning: cdc-opioid-04 and its kin",
    "sdf-0": "a warning: a name without a capital letter",
    "spd-0": "a warning: a name without a capital letter",
    "tst-0": "a warning: testscript-example-multisystem",
    "que-7": "it asks for System.Boolean where the answer is FHIR's boolean; R5 corrected it",
  ]

  /// Walks a document and evaluates the invariants of each type it meets.
  private final class Checker {
    let schema = Schema.r4
    let document: JSONDocument
    var evaluated = 0
    var violations: [String: Int] = [:]
    var errors: [String: Int] = [:]
    private var programs: [String: FHIRPathProgram] = [:]

    init(_ document: JSONDocument, programs: [String: FHIRPathProgram]) {
      self.document = document
      self.programs = programs
    }

    func check(_ node: JSONNode, _ type: Schema.TypeID) {
      guard document.kind(node) == .object else { return }
      for invariant in schema.invariants(type) {
        guard let program = invariant.expression.flatMap({ programs[$0] }) else { continue }
        if let name = invariant.element {
          guard let id = schema.element(type, name: name), let child = document.member(node, JSONKey(name)),
            let childType = schema[id].types.first?.type
          else { continue }
          let places = document.kind(child) == .array ? Array(document.elements(child)) : [child]
          for place in places { evaluate(program, invariant, place, childType) }
        } else {
          evaluate(program, invariant, node, type)
        }
      }
      for (key, value) in document.members(node) {
        guard let (_, childType) = schema.element(type, key: document.lexeme(key)) else { continue }
        for place in document.kind(value) == .array ? Array(document.elements(value)) : [value] {
          let isResource = schema.kind(childType) == .resource
          let name = isResource ? document.member(place, "resourceType").flatMap { document.string($0) } : nil
          check(place, name.flatMap { schema.type($0) } ?? childType)
        }
      }
    }

    private func evaluate(
      _ program: FHIRPathProgram, _ invariant: Invariant, _ node: JSONNode, _ type: Schema.TypeID
    ) {
      evaluated += 1
      let context = FHIRPathContext(document: document, node: node, type: type, now: OfficialSuite.now)
      do {
        // An empty result does not break a rule.
        let items = try program.evaluate(in: context)
        if case .boolean(false)? = items.first { violations[invariant.key, default: 0] += 1 }
      } catch {
        errors["\(invariant.key): \(error.message)", default: 0] += 1
      }
    }
  }

  @Test(.enabled(if: ConformanceData.has(folder), "needs data set fhir-r4-examples"))
  func examplesKeepTheInvariants() throws {
    let schema = Schema.r4
    var programs: [String: FHIRPathProgram] = [:]
    for type in DefinitionTests.allTypes() {
      for expression in schema.invariants(type).compactMap(\.expression) where programs[expression] == nil {
        programs[expression] = try FHIRPathProgram(expression, schema: schema, context: type)
      }
    }
    var evaluated = 0
    var violations: [String: [String]] = [:]
    var errors: [String: [String]] = [:]
    for file in try ConformanceData.files(Self.folder) {
      let document = try JSONDocument([UInt8](Data(contentsOf: file)))
      guard let name = document.member(document.root, "resourceType").flatMap({ document.string($0) }),
        let type = schema.type(name)
      else { continue }
      let checker = Checker(document, programs: programs)
      checker.check(document.root, type)
      evaluated += checker.evaluated
      for key in checker.violations.keys { violations[key, default: []].append(file.lastPathComponent) }
      for key in checker.errors.keys { errors[key, default: []].append(file.lastPathComponent) }
    }
    let count = violations.values.reduce(0) { $0 + $1.count }
    print("FHIRPath: \(evaluated) invariants evaluated on the examples, \(count) broken")
    for (key, files) in violations.sorted(by: { $0.key < $1.key }) {
      print("  \(key): \(files.count), such as \(files.first ?? "")")
    }
    for (key, files) in errors.sorted(by: { $0.key < $1.key }) { print("  error \(key): \(files.prefix(4))") }
    #expect(errors.isEmpty)
    for key in violations.keys { #expect(Self.broken[key] != nil, "\(key) in \(violations[key] ?? [])") }
    for key in Self.broken.keys { #expect(violations[key] != nil, "\(key) is kept now: take it off the list") }
    #expect(evaluated > 100_000)
  }
}
