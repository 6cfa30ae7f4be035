import Base
import FHIRModel
import Foundation
import JSONCore
import Testing
import TestSupport

/// STU3, R4B and R5: what their own official examples and definitions say.
@Suite struct ReleaseTests {
  @Test(arguments: [
    ("3.0", "3.0.1", 117, "Sequence"), ("4.0", "4.0.1", 146, "Media"), ("4.3", "4.3.0", 141, "SubscriptionStatus"),
    ("5.0", "5.0.0", 158, "ActorDefinition"),
  ])
  func looksUpAndLoads(release: String, version: String, resources: Int, own: String) throws {
    let schema = try #require(Schema.release(release))
    #expect(schema.fhirVersion == version)
    #expect(Schema.release(version) === schema)
    #expect(schema.resourceTypes.count == resources)
    #expect(schema.resourceType(own) != nil)
    #expect(schema.compartments.count == 5)
    let observation = try #require(schema.type("Observation"))
    let value = try #require(schema.element(observation, key: "valueQuantity"))
    #expect(schema.name(value.type) == "Quantity")
    #expect(schema.element(observation, key: "id").map { schema.name($0.type) } == "id")
    // Element.id is a string, so that an element may be called "Extension.value[x]".
    let name = try #require(schema.type("HumanName"))
    #expect(schema.element(name, key: "id").map { schema.name($0.type) } == "string")
  }

  @Test(arguments: ["", "4", "4.1", "1.0", "4.0.1.0", "4.", "4.0.", "4.0-ballot", "R4", "5.0.0-snapshot1", "٤.0"])
  func knowsNoOtherRelease(_ name: String) {
    #expect(Schema.release(name) == nil)
  }

  @Test func releasesAreThoseThatLoad() {
    #expect(Schema.releases.compactMap { Schema.release($0)?.fhirVersion } == ["3.0.1", "4.0.1", "4.3.0", "5.0.0"])
  }

  /// Which official files are refused, and for what.
  private func rejected(_ folder: String, _ schema: Schema) throws -> [String: Set<String>] {
    let check = StructureCheck(schema: schema)
    var rejected: [String: Set<String>] = [:]
    for url in try ConformanceData.files(folder)
    where url.lastPathComponent != ".index.json" && url.lastPathComponent != "package.json" {
      for issue in check.issues(of: try JSONDocument(StructureCheckCorpusTests.bytes(url))) {
        let integer64 = issue.diagnostics.contains("(integer64)") ? " integer64" : ""
        rejected[url.deletingPathExtension().lastPathComponent, default: []].insert(
          (issue.code ?? "") + " " + (issue.expression ?? "").replacing(/\[\d+\]/, with: "") + integer64)
      }
    }
    return rejected
  }

  /// Required elements are missing, codes are from another system, elements are R4's, base64 is cut off.
  @Test(.enabled(if: ConformanceData.has("fhir-stu3-examples/json"), "needs data set fhir-stu3-examples"))
  func acceptsTheExamplesOfSTU3() throws {
    let linkId = (2...4).map { "required Questionnaire" + String(repeating: ".item", count: $0) + ".linkId" }
    let feeding = (1...4).map { "PlanDefinition-exclusive-breastfeeding-intervention-0\($0)" }
    let guide: Set = ["required ImplementationGuide.name", "required ImplementationGuide.status"]
    var expected: [String: Set<String>] = [
      "ImplementationGuide-fhir": guide,
      "ig-r4": guide.union(["license", "manifest", "packageId"].map { "structure ImplementationGuide.\($0)" }),
      "Questionnaire-qs1": Set(linkId), "patient-example-b": ["value Patient.photo.data"],
    ]
    for name in feeding { expected[name] = ["code-invalid PlanDefinition.action.action.type"] }
    #expect(try rejected("fhir-stu3-examples/json", .stu3) == expected)
  }

  @Test(.enabled(if: ConformanceData.has("fhir-r4b-examples/json"), "needs data set fhir-r4b-examples"))
  func acceptsTheExamplesOfR4B() throws {
    #expect(try rejected("fhir-r4b-examples/json", .r4b).isEmpty)
    #expect(try rejected("fhir-r4b-examples/generated-questionnaires", .r4b).isEmpty)
  }

  /// Two defects of what was published: integer64 written as a number (R5 json#primitive: a string), and an empty
  /// element (ele-1).
  @Test(.enabled(if: ConformanceData.has("fhir-r5-examples/json"), "needs data set fhir-r5-examples"))
  func acceptsTheExamplesOfR5() throws {
    let rejected = try rejected("fhir-r5-examples/json", .r5)
    let empty = rejected.filter { !$0.value.allSatisfy { $0.hasSuffix(" integer64") } }
    #expect(rejected.count - empty.count == 17)
    #expect(empty == ["Medication-med0301": ["invariant Medication.identifier"]])
    #expect(try self.rejected("fhir-r5-examples/generated-questionnaires", .r5).isEmpty)
  }

  /// Definitions without `base`, `type` or `status`, and the like: each named.
  @Test(
    .enabled(if: ConformanceData.has("fhir-r4b-core/package"), "needs data sets fhir-stu3-core, -r4b-core, -r5-core"),
    arguments: [
      ("stu3", 16, ["StructureDefinition-Definition", "StructureDefinition-Event", "StructureDefinition-Identifier"]),
      ("r4b", 13, ["CodeSystem-catalogType", "SearchParameter-valueset-extensions-ValueSet-end"]),
      ("r5", 1, ["StructureDefinition-integer64"]),
    ])
  func acceptsTheDefinitions(release: String, count: Int, some: [String]) throws {
    let schema = release == "stu3" ? Schema.stu3 : release == "r4b" ? .r4b : .r5
    let rejected = try rejected("fhir-\(release)-core/package", schema)
    #expect(rejected.count == count, "\(rejected.keys.sorted())")
    #expect(Set(some).isSubset(of: rejected.keys))
  }

  @Test(arguments: [
    ("0", true), ("-1", true), ("+5", true), ("9223372036854775807", true), ("-9223372036854775808", true),
    ("9223372036854775808", false), ("-9223372036854775809", false), ("-0", false), ("007", false), ("1.0", false),
    ("1e3", false), ("", false), ("+", false), ("-", false), ("12 ", false), ("99999999999999999999999", false),
  ])
  func integer64IsAString(_ text: String, isValid: Bool) throws {
    let check = StructureCheck(schema: .r5)
    func issues(_ size: String) throws -> Int {
      let json =
        #"{"resourceType":"DocumentReference","status":"current","content":[{"attachment":{"size":\#(size)}}]}"#
      return check.issues(of: try JSONDocument(json)).count
    }
    #expect(try issues("\"\(text)\"") == (isValid ? 0 : 1))
    #expect(try issues("12") == 1)
  }

  @Test func typesOfARelease() throws {
    let r5 = StructureCheck(schema: .r5)
    let codeable = #"""
      {"resourceType":"MedicationRequest","status":"active","intent":"order","subject":{"reference":"Patient/1"},
       "medication":{"reference":{"reference":"Medication/1"},"concept":{"text":"x"}}}
      """#
    #expect(r5.issues(of: try JSONDocument(codeable)).isEmpty)
    #expect(!StructureCheck(schema: .r4).issues(of: try JSONDocument(codeable)).isEmpty)
    let sequence = try JSONDocument(#"{"resourceType":"Sequence","coordinateSystem":0}"#)
    #expect(StructureCheck(schema: .stu3).issues(of: sequence).isEmpty)
    #expect(r5.issues(of: sequence).first?.code == "structure")
  }

  /// Microsoft's lists, as their server loads them.
  @Test(
    .enabled(if: ConformanceData.has("ms-fhir-server/Data/R4B"), "needs data set ms-fhir-server"),
    arguments: [("Stu3", "3.0"), ("R4B", "4.3"), ("R5", "5.0")])
  func searchParametersAreAzures(folder: String, release: String) throws {
    let schema = try #require(Schema.release(release))
    let list = try ConformanceData.read("ms-fhir-server/Data/\(folder)/search-parameters.json").value["entry"]
    let theirs = Set((list?.elements ?? []).compactMap { $0["resource"]?["url"]?.string })
    let ours = Set(schema.searchParameters.map(\.url))
    // Their list has Observation-value-string beside value-markdown, and not the composites without components.
    #expect(theirs.subtracting(ours).allSatisfy { $0.hasSuffix("/Observation-value-string") && folder == "R5" })
    #expect(ours.subtracting(theirs).count == (folder == "R5" ? 5 : 0))
  }
}
