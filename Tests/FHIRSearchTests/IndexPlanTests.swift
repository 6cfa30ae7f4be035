import Base
import FHIRModel
import FHIRPath
import Foundation
import JSONCore
import Testing

@testable import FHIRSearch
import TestSupport

/// Every published search parameter is indexed, or is named here with the reason.
@Suite struct IndexPlanTests {
  /// Parameters that the resource's own row answers.
  private static let ownRow: Set<String> = ["_id", "_lastUpdated"]

  @Test func everyParameterCompiles() {
    var plans = 0
    var failures: [String] = []
    for type in Schema.r4.resourceTypes {
      for parameter in Extraction.parameters.parameters(type) where !Self.ownRow.contains(parameter.code) {
        do {
          if try IndexPlan(parameter, .r4) == nil {
            failures.append("\(Schema.r4.name(type)).\(parameter.code): no plan")
          } else {
            plans += 1
          }
        } catch {
          failures.append("\(Schema.r4.name(type)).\(parameter.code): \(error)")
        }
      }
    }
    #expect(failures == [])
    // R4 has about 1,400 definitions; with those of Resource on 146 types there are many more.
    #expect(plans > 2_000)
    print("search parameters: \(plans) plans over \(Schema.r4.resourceTypes.count) resource types")
  }

  /// Every definition of the release belongs to some type, but for those that are a query's own.
  @Test func everyDefinitionIsUsed() {
    let queryOnly: Set<String> = ["_text", "_content", "_query", "_filter", "_has", "_list", "_type"]
    var used: Set<String> = []
    for type in Schema.r4.resourceTypes {
      for parameter in Extraction.parameters.parameters(type) { used.insert(parameter.definition.url) }
    }
    let unused = Schema.r4.searchParameters.filter { !used.contains($0.url) && !queryOnly.contains($0.code) }
    #expect(unused.map(\.url) == [])
  }

  @Test(arguments: [
    ("Patient.name | Practitioner.name", "Patient", ["Patient.name"]),
    (
      "(Observation.value as Quantity) | (Observation.value as SampledData)", "Observation",
      ["(Observation.value as Quantity)", "(Observation.value as SampledData)"]
    ),
    ("Patient.a.where(b = 'x|y') | Person.a", "Patient", ["Patient.a.where(b = 'x|y')"]),
    ("Resource.id", "Patient", ["Resource.id"]),
    ("PatientX.a | Patient.b", "Patient", ["Patient.b"]),
  ])
  func branches(expression: String, type: String, expected: [String]) {
    #expect(IndexPlan.branches(of: expression, for: type) == expected)
  }
}

/// Over all official R4 examples: which parameters yield rows, and which never do though their expression selects.
@Suite(.enabled(if: ConformanceData.has("fhir-r4-examples/json"), "needs data set fhir-r4-examples"))
struct IndexCoverageTests {
  /// Parameters whose expression selects what has no value of their kind.
  static let known = [
    "Bundle.composition": "the first entry is a resource in the bundle: there is no reference to index",
    "Bundle.message": "the first entry is a resource in the bundle: there is no reference to index",
  ]

  @Test func coverage() throws {
    var selected: [String: Int] = [:]
    var indexed: [String: Int] = [:]
    var programs: [Schema.TypeID: [(code: String, program: FHIRPathProgram)]] = [:]
    var parameters = 0
    var resources = 0
    for file in try ConformanceData.files("fhir-r4-examples/json") {
      guard let document = try? JSONDocument([UInt8](Data(contentsOf: file))),
        let name = document.value["resourceType"]?.string, let type = Schema.r4.resourceType(name)
      else { continue }
      resources += 1
      let rows = try Extraction.extractor.rows(of: document, document.root, type)
      var found: Set<Int32> = []
      for number in Set(rows.filter { !$0.isMissing && Extraction.isOwn($0) }.map(\.parameter)) {
        indexed["\(name).\(Extraction.names[Int(number) - 1].code)", default: 0] += 1
        found.insert(number)
      }
      // What has no rows of its own is found by those of its parts.
      for parameter in Extraction.parameters.parameters(type) {
        let parts = Extraction.parameters.indexed(parameter).map(\.number)
        if parts != [parameter.number], parts.contains(where: found.contains) {
          indexed["\(name).\(parameter.code)", default: 0] += 1
        }
      }
      if programs[type] == nil {
        programs[type] = try Self.programs(type)
        parameters += Extraction.parameters.parameters(type).count
      }
      let context = FHIRPathContext(document: document, node: document.root, type: type, now: Instant(milliseconds: 0))
      for (code, program) in programs[type] ?? [] {
        if let items = try? program.evaluate(in: context), items.contains(where: Self.hasValue) {
          selected["\(name).\(code)", default: 0] += 1
        }
      }
    }
    let never = selected.keys.filter { indexed[$0] == nil }.sorted()
    print(
      "index coverage: \(resources) examples of \(programs.count) types; \(indexed.count) of \(parameters) parameters have",
      "rows, \(selected.count) select something, \(never.count) select but never yield:", never.joined(separator: " "))
    #expect(Set(never).subtracting(Self.known.keys) == [])
    #expect(indexed.count > 1_000)
  }

  /// Whether an item says something that can be searched for: not only words for display, nor what is contained.
  private static func hasValue(_ item: FHIRPathItem) -> Bool {
    guard case .node(let node) = item, let place = node.value else { return true }
    let value = JSONValue(node.document, place)
    if let text = value.string, text.hasPrefix("#") { return false }
    guard value.kind == .object else { return true }
    if value["resourceType"] != nil { return true }
    if let reference = value["reference"]?.string { return !reference.hasPrefix("#") }
    let codings = value["coding"]?.elements ?? []
    let names: [JSONKey] = [
      "code", "value", "start", "end", "event", "repeat", "low", "high", "family", "given", "line", "city",
    ]
    return codings.contains { $0["code"] != nil } || names.contains { value[$0] != nil }
  }

  /// The parameters' expressions as published, but for composites, which select whole elements.
  private static func programs(_ type: Schema.TypeID) throws -> [(code: String, program: FHIRPathProgram)] {
    try Extraction.parameters.parameters(type).compactMap { parameter in
      guard parameter.kind != .composite, !parameter.isAnsweredByResource,
        let expression = parameter.definition.expression
      else { return nil }
      return (parameter.code, try FHIRPathProgram(expression, schema: .r4, context: type))
    }
  }
}

extension IndexRow {
  fileprivate var isMissing: Bool { if case .missing = self { true } else { false } }
}
