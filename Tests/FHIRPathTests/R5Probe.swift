import Testing
@Suite struct R5Probe {
  @Test func probe() throws {
    var suite = try OfficialSuite(path: "tests-fhir-cases/r5/fhirpath/tests-fhir-r5.xml")
    var n = 0
    for test in suite.tests {
      switch try suite.run(test) {
      case .passed: n += 1
      case .skipped(let r): print("R5 skip \(test.id) \(r)")
      case .failed(let r): print("R5 FAIL \(test.id): \(test.expression): \(r)")
      }
    }
    print("R5 \(n) of \(suite.tests.count)")
  }
}
