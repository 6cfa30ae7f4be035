import Base
import FHIRModel
import FHIRPath
import Foundation
import JSONCore
import TestSupport

/// The official FHIRPath suite for R4 (FHIR/fhir-test-cases, r4/fhirpath/tests-fhir-r4.xml).
struct OfficialSuite {
  struct Test {
    let group: String
    let name: String
    let input: String?
    let expression: String
    /// "semantic", "execution", …; nil for expressions that must be evaluated.
    let invalid: String?
    let isPredicate: Bool
    let outputs: [(type: String?, text: String)]

    var id: String { "\(group)/\(name)" }
  }

  enum Verdict: Equatable {
    case passed
    case failed(String)
    case skipped(String)
  }

  static let file = "tests-fhir-cases/r4/fhirpath/tests-fhir-r4.xml"
  static let fileR5 = "tests-fhir-cases/r5/fhirpath/tests-fhir-r5.xml"
  static let now = Instant(milliseconds: 1_795_000_000_000)

  let tests: [Test]
  private var inputs: [String: (document: JSONDocument, type: Schema.TypeID)] = [:]

  init(path: String = OfficialSuite.file) throws {
    let root = try XMLReader.read(String(contentsOfFile: ConformanceData.path(path), encoding: .utf8))
    tests = root.all("group").flatMap { group in
      group.all("test").map { test in
        let expression = test.first("expression")
        return Test(
          group: group.attributes["name"] ?? "", name: test.attributes["name"] ?? "",
          input: test.attributes["inputfile"], expression: expression?.text ?? "",
          invalid: expression?.attributes["invalid"] ?? test.attributes["invalid"],
          isPredicate: test.attributes["predicate"] == "true",
          outputs: test.all("output").map { ($0.attributes["type"], $0.text) })
      }
    }
  }

  /// Where inputs are that the suite's folder does not have as they are named.
  private static let elsewhere = [
    "valueset-example-expansion.xml": "fhir-r4b-core/package/ValueSet-example-expansion.json",
    "appointment-examplereq.json": "fhir-r4-examples/json/Appointment-examplereq.json",
    "parameters-example-types.xml": "tests-fhir-cases/r5/examples/parameters-example-types.json",
  ]

  mutating func input(_ name: String) throws -> (document: JSONDocument, type: Schema.TypeID)? {
    if let known = inputs[name] { return known }
    let folder = "tests-fhir-cases/r4/examples/"
    let twin = folder + name.replacing(".xml", with: ".json")
    let document: JSONDocument
    if name.hasSuffix(".xml"), ConformanceData.has(folder + name) {
      let text = try String(contentsOfFile: ConformanceData.path(folder + name), encoding: .utf8)
      document = try FHIRXML(schema: .r4).document(text)
    } else if ConformanceData.has(twin) {
      document = try ConformanceData.read(twin)
    } else if let path = OfficialSuite.elsewhere[name], ConformanceData.has(path) {
      document = try ConformanceData.read(path)
    } else {
      return nil
    }
    guard let name = document.member(document.root, "resourceType").flatMap({ document.string($0) }),
      let type = Schema.r4.type(name)
    else { return nil }
    inputs[name] = (document, type)
    return (document, type)
  }

  // MARK: - Running

  mutating func run(_ test: Test) throws -> Verdict {
    var focus: (document: JSONDocument, type: Schema.TypeID)?
    if let name = test.input {
      focus = try input(name)
      if focus == nil { return .skipped("the data set has no \(name)") }
    }
    let items: [FHIRPathItem]
    do {
      let program = try FHIRPathProgram(test.expression, schema: .r4, context: focus?.type, isStrict: true)
      var context = FHIRPathContext(focus: [], now: OfficialSuite.now)
      if let focus {
        context.focus = [.node(FHIRPathNode(document: focus.document, value: focus.document.root, type: focus.type))]
      }
      items = try program.evaluate(in: context)
    } catch {
      return test.invalid == nil ? .failed("error: \(error.message)") : .passed
    }
    let actual = items.map { Rendering.text($0) }
    if test.invalid != nil { return .failed("no error, but \(actual)") }
    if test.isPredicate {
      let value = items.isEmpty ? "false" : items.count == 1 && actual[0] == "false" ? "false" : "true"
      return value == test.outputs.first?.text ? .passed : .failed("predicate \(value)")
    }
    guard items.count == test.outputs.count else {
      return .failed("\(items.count) items \(actual), expected \(test.outputs.map(\.text))")
    }
    for (item, output) in zip(items, test.outputs) {
      let expected = Rendering.expected(output.text)
      if !Rendering.isSame(Rendering.text(item), expected) {
        return .failed("\(Rendering.text(item)), expected \(expected)")
      }
      if let type = output.type, !Rendering.isType(item, type) { return .failed("type is not \(type)") }
    }
    return .passed
  }
}

/// Items as the suite writes its outputs.
enum Rendering {
  static func text(_ item: FHIRPathItem) -> String {
    switch item {
    case .node(let node):
      guard let value = node.value else { return "(no value)" }
      return node.document.string(value) ?? String(decoding: node.document.lexeme(value), as: UTF8.self)
    case .boolean(let value): return value ? "true" : "false"
    case .integer(let value): return String(value)
    case .decimal(let value): return value.plainText
    case .string(let value): return value
    case .temporal(let value): return value.description
    case .quantity(let value): return value.description
    case .type(let value): return "\(value.namespace).\(value.name)"
    }
  }

  /// Without the signs of a literal.
  static func expected(_ text: String) -> String {
    if text.hasPrefix("@T") { return String(text.dropFirst(2)) }
    return text.hasPrefix("@") ? String(text.dropFirst()) : text
  }

  /// Decimals may differ in a zero's sign only; their digits count, since boundaries are about digits.
  static func isSame(_ actual: String, _ expected: String) -> Bool {
    if actual == expected { return true }
    guard let a = FHIRDecimal(actual), let b = FHIRDecimal(expected) else { return false }
    return a == b && (a.isZero || actual.count == expected.count || !expected.contains("."))
  }

  static func isType(_ item: FHIRPathItem, _ type: String) -> Bool {
    switch item {
    case .node(let node): Schema.r4.name(node.type) == type || Schema.r4.name(node.type) == "System." + type.capitalized
    case .boolean: type == "boolean"
    case .integer: type == "integer" || type == "decimal"
    // The suite calls 2 / 2 a decimal and prints 1.
    case .decimal: type == "decimal"
    case .string: type == "string" || type == "code" || type == "id"
    case .temporal(let value):
      switch value.kind {
      case .date: type == "date"
      case .dateTime: type == "dateTime"
      case .time: type == "time"
      }
    case .quantity: type == "Quantity"
    case .type: type == "string"
    }
  }
}
