import Testing

@Suite struct OfficialSuiteTests {
  /// Tests that do not pass, each with the reason. A failure that is not listed fails, and so does an entry that passes.
  static let exceptions: [String: String] = [:]

  @Test(.enabled(if: ConformanceData.has(OfficialSuite.file), "needs data set tests-fhir-cases"))
  func runsTheOfficialSuite() throws {
    var suite = try OfficialSuite()
    var passed = 0
    var skipped = 0
    for test in suite.tests {
      switch try suite.run(test) {
      case .passed:
        passed += 1
        #expect(Self.exceptions[test.id] == nil, "\(test.id) passes now: take it off the list")
      case .skipped(let reason):
        skipped += 1
        print("FHIRPath suite: \(test.id) skipped: \(reason)")
      case .failed(let reason):
        #expect(Self.exceptions[test.id] != nil, "\(test.id): \(test.expression): \(reason)")
      }
    }
    print("FHIRPath suite: \(passed) of \(suite.tests.count) passed, \(skipped) skipped")
    #expect(passed >= suite.tests.count * 97 / 100)
  }
}
