import Foundation
import TestSupport
import Testing
import UCUM

private let functionalTests = "tests-ucum/src/test/resources/UcumFunctionalTests.xml"

/// The functional tests that go with the Java library of FHIR's validator.
@Suite("UcumFunctionalTests.xml", .enabled(if: ConformanceData.has(functionalTests), "needs data set tests-ucum"))
struct FunctionalSuiteTests {
  /// The attributes of every `<case …/>` of a section. Each is on a line of its own.
  static func cases(_ section: String) throws -> [[String: String]] {
    let text = try String(contentsOfFile: ConformanceData.path(functionalTests), encoding: .utf8)
    let start = try #require(text.range(of: "<\(section)>"))
    let end = try #require(text.range(of: "</\(section)>"))
    return text[start.upperBound..<end.lowerBound].split(separator: "\n").filter { $0.contains("<case ") }.map { line in
      var attributes: [String: String] = [:]
      let pieces = line.split(separator: "\"", omittingEmptySubsequences: false)
      for index in stride(from: 0, to: pieces.count - 1, by: 2) {
        let name = pieces[index].split(separator: " ").last ?? ""
        attributes[String(name.dropLast())] = String(pieces[index + 1])
      }
      return attributes
    }
  }

  @Test("validation")
  func validation() throws {
    let cases = try Self.cases("validation")
    for item in cases {
      let (code, isValid) = (item["unit"] ?? "", item["valid"] == "true")
      #expect((UCUM.canonical(code) != nil) == isValid, "\(item["id"] ?? "") \(code)")
    }
    print("validation: \(cases.count) cases, \(cases.count { $0["valid"] == "false" }) of them not valid")
  }

  /// Outcomes are written with fewer digits than the values have: 6.300 [in_i] is "16.0" cm. So each is compared in
  /// its own digits.
  @Test("conversion")
  func conversion() throws {
    let cases = try Self.cases("conversion")
    #expect(!cases.isEmpty)
    for item in cases {
      let source = try Quantity(value: item["value"] ?? "", code: item["srcUnit"] ?? "")
      let outcome = try Quantity(value: item["outcome"] ?? "", code: item["dstUnit"] ?? "")
      let result = try #require(source.value(in: outcome.unit))
      let half = try #require(Double("5e\(-outcome.scale - 1)"))
      #expect(abs(result - outcome.double) <= max(half, outcome.double * 1e-15), "\(item["id"] ?? ""): \(result)")
    }
    print("conversion: \(cases.count) cases")
  }

  /// Quantities are not multiplied here, but their units are.
  @Test("units of the products and quotients")
  func products() throws {
    for (section, sign) in [("multiplication", "."), ("division", "/")] {
      let cases = try Self.cases(section)
      #expect(!cases.isEmpty)
      for item in cases {
        let product = try UCUM.unit("(\(item["u1"] ?? ""))\(sign)(\(item["u2"] ?? ""))")
        #expect(try product == UCUM.unit(item["uRes"] ?? ""))
      }
    }
  }
}
