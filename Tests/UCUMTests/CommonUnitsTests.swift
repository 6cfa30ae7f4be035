import Foundation
import JSONCore
import TestSupport
import Testing
import UCUM

@Suite("Published lists of units in use")
struct CommonUnitsTests {
  static let valueSet = "fhir-r4-core/package/ValueSet-ucum-common.json"
  static let examples = "ucum/ucumvert-vendor/ucum_examples.tsv"

  static func invalid(_ codes: [String]) -> [String: UnitError] {
    var result: [String: UnitError] = [:]
    for code in codes {
      do throws(UnitError) { _ = try UCUM.unit(code) } catch { result[code] = error }
    }
    return result
  }

  @Test("FHIR R4's value set ucum-common", .enabled(if: ConformanceData.has(valueSet), "needs data set fhir-r4-core"))
  func common() throws {
    let document = try ConformanceData.read(Self.valueSet).value
    let codes = (document["compose"]?["include"]?.elements ?? []).flatMap { include in
      (include["concept"]?.elements ?? []).compactMap { $0["code"]?.string }
    }
    #expect(codes.count == 1364)
    let invalid = Self.invalid(codes)
    #expect(invalid.isEmpty, "\(invalid)")
  }

  @Test("UCUM's table of example codes", .enabled(if: ConformanceData.has(examples), "needs data set ucum"))
  func table() throws {
    let text = try String(contentsOfFile: ConformanceData.path(Self.examples), encoding: .utf8)
    let codes = text.split(separator: "\n").dropFirst().compactMap { line -> String? in
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
      return fields.count > 1 ? String(fields[1]) : nil
    }
    #expect(codes.count == 848)
    let invalid = Self.invalid(codes)
    // It is in the table, but UCUM does not define it.
    #expect(invalid == ["Torr": UnitError(.unknownSymbol, offset: 0)])
  }
}
