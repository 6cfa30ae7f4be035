import Testing
import TestSupport

@Suite struct OfficialSuiteTests {
  /// Tests that do not pass, each with the reason. A failure that is not listed fails, and so does an entry that
  /// passes.
  static let exceptions: [String: String] = [:]

  /// The same for the suite of R5, run with R4's types and inputs for what the two have in common.
  static let exceptionsR5: [String: String] = [
    "defineVariable/dvConceptMapExample": "ConceptMap.group.element.target.relationship is R5's",
    "testPlus/testPlusDate19": "R4's suite expects the fraction of UCUM seconds to be dropped, R5's to be kept",
    "LowBoundary/LowBoundaryDateMonth": "R5's suite makes a dateTime of a date",
    "HighBoundary/HighBoundaryDateMonth": "R5's suite makes a dateTime of a date",
    "TerminologyTests/txTest01": "%terminologies is not in R4",
    "TerminologyTests/txTest02": "%terminologies is not in R4",
  ]

  @Test(.enabled(if: ConformanceData.has(OfficialSuite.file), "needs data set tests-fhir-cases"))
  func runsTheOfficialSuite() throws {
    let passed = try run(OfficialSuite(), "R4", exceptions: Self.exceptions)
    #expect(passed >= 0.97)
  }

  @Test(.enabled(if: ConformanceData.has(OfficialSuite.fileR5), "needs data set tests-fhir-cases"))
  func runsTheSuiteOfR5() throws {
    let passed = try run(OfficialSuite(path: OfficialSuite.fileR5), "R5", exceptions: Self.exceptionsR5)
    #expect(passed >= 0.97)
  }

  /// The share that passed of those whose input is there.
  private func run(_ given: OfficialSuite, _ name: String, exceptions: [String: String]) throws -> Double {
    var suite = given
    var passed = 0
    var skipped = 0
    for test in suite.tests {
      switch try suite.run(test) {
      case .passed:
        passed += 1
        #expect(exceptions[test.id] == nil, "\(test.id) passes now: take it off the list")
      case .skipped(let reason):
        skipped += 1
        print("FHIRPath suite \(name): \(test.id) skipped: \(reason)")
      case .failed(let reason):
        #expect(exceptions[test.id] != nil, "\(test.id): \(test.expression): \(reason)")
      }
    }
    print("FHIRPath suite \(name): \(passed) of \(suite.tests.count) passed, \(skipped) skipped")
    return Double(passed) / Double(max(1, suite.tests.count - skipped))
  }
}
