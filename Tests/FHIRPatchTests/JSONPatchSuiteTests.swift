import Base
import FHIRPatch
import JSONCore
import Testing

/// The official JSON Patch cases of the FHIR test suite.
@Suite struct JSONPatchSuiteTests {
  static let file = "tests-fhir-cases/r4/patch/json-patch-tests.json"

  @Test(.enabled(if: ConformanceData.has(file), "needs data set tests-fhir-cases"))
  func official() throws {
    let cases = try JSONDocument(try ConformanceData.text(Self.file)).value.elements
    var passed = 0
    for one in cases {
      let name = one["comment"]?.string ?? ""
      let document = try JSONDocument(try #require(one["doc"]?.json))
      let patch = try #require(one["patch"]?.json)
      let result: String?
      do {
        result = String(
          decoding: try JSONPatch(parsing: try JSONDocument(patch)).apply(to: document), as: UTF8.self)
      } catch is Fault {
        result = nil
      }
      if let expected = one["expected"]?.json {
        let isSame = try result.map { try sameJSON($0, String(decoding: expected, as: UTF8.self)) } ?? false
        #expect(isSame, "\(name): \(result ?? "a fault")")
        passed += isSame ? 1 : 0
      } else {
        #expect(result == nil, "\(name)")
        passed += result == nil ? 1 : 0
      }
    }
    print("JSON Patch, official cases: \(passed) of \(cases.count)")
    #expect(cases.count >= 15)
    #expect(passed == cases.count)
  }
}
