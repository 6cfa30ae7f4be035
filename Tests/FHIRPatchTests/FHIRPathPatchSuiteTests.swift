import Base
import FHIRModel
import FHIRPatch
import JSONCore
import Testing

/// The official FHIRPath Patch cases of the FHIR test suite.
@Suite struct FHIRPathPatchSuiteTests {
  static let file = "tests-fhir-cases/r4/patch/fhir-patch-tests.xml"

  /// Cases that are refused on purpose: Azure's service holds the narrative immutable, and so does this one.
  static let refused: Set<String> = ["Full Resource"]

  @Test(.enabled(if: ConformanceData.has(file), "needs data set tests-fhir-cases"))
  func official() throws {
    let root = try #require(SuiteElement.read(try ConformanceData.text(Self.file)))
    let resource = SuiteResource(schema: .r4)
    let patientType = try #require(Schema.r4.type("Patient"))
    var passed = 0
    for one in root.children {
      let name = one.attributes["name"] ?? ""
      let input = resource.json(try #require(one.first("input")?.children.first))
      let diff = resource.json(try #require(one.first("diff")?.children.first))
      let expected = resource.json(try #require(one.first("output")?.children.first))
      let patch = try FHIRPathPatch(parsing: try JSONDocument(diff), schema: .r4)
      let document = try JSONDocument(input)
      if Self.refused.contains(name) {
        let fault = #expect(throws: Fault.self) {
          try patch.apply(to: document, type: patientType, now: Patching.now)
        }
        #expect(fault?.reasons.first?.diagnostics.contains("immutable") == true)
        continue
      }
      let result = String(
        decoding: try patch.apply(to: document, type: patientType, now: Patching.now), as: UTF8.self)
      let isSame = try sameJSON(result, expected)
      #expect(isSame, "\(name): \(result)")
      passed += isSame ? 1 : 0
    }
    print(
      "FHIRPath Patch, official cases: \(passed) of \(root.children.count); refused on purpose: \(Self.refused.count)")
    #expect(root.children.count >= 18)
    #expect(passed + Self.refused.count == root.children.count)
  }
}
