import Foundation
import TableGeneration
import TestSupport
import Testing
@testable import UCUM

private let essencePath = "ucum/ucum-essence.xml"

@Suite("The table of units")
struct UnitTableTests {
  static let tableFile = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Sources/CUCUMTable/ucum.table")

  @Test("is up to date", .enabled(if: ConformanceData.has(essencePath), "needs data set ucum"))
  func upToDate() throws {
    let essence = try String(contentsOfFile: ConformanceData.path(essencePath), encoding: .utf8)
    let committed = try String(contentsOf: Self.tableFile, encoding: .utf8)
    let isSame = try UnitTableGenerator(essence: essence).table() == committed
    #expect(isSame, "run generate-tables ucum")
    #expect(committed.contains("Copyright 1999-2024 Regenstrief Institute, Inc. All rights reserved."))
    #expect(committed.contains("https://unitsofmeasure.org/license"))
  }

  /// Counted by other means than the generator's.
  @Test("has every prefix and atom", .enabled(if: ConformanceData.has(essencePath), "needs data set ucum"))
  func complete() throws {
    let essence = try String(contentsOfFile: ConformanceData.path(essencePath), encoding: .utf8)
    let table = UnitSystem.standard.table
    #expect(table.prefixes.count == essence.components(separatedBy: "<prefix ").count - 1)
    #expect(
      table.atoms.count == essence.components(separatedBy: "<unit ").count
        + essence.components(separatedBy: "<base-unit ").count - 2)
    for line in essence.components(separatedBy: "\n") {
      guard let start = line.range(of: "nit Code=\"") else { continue }
      let code = String(line[start.upperBound...].prefix { $0 != "\"" })
      #expect(UCUM.canonical(code) != nil, "\(code)")
    }
  }

  @Test(
    "files that are no essence",
    arguments: ["", "<root>", "<root version=\"2\">", "<value value=\"1\">", "<unit Code=", "<!--"])
  func malformed(essence: String) {
    #expect(throws: (any Error).self) { try UnitTableGenerator(essence: essence).table() }
  }

  @Test("loads in less than 2 ms in a release build, and looks up in nanoseconds (printed)")
  func speed() throws {
    let bytes = [UInt8](try Data(contentsOf: Self.tableFile))
    let clock = ContinuousClock()
    let load = try (0..<10).map { _ in
      try clock.measure {
        _ = try bytes.withUnsafeBufferPointer { bytes in
          Result { () throws(UnitError) in try UnitSystem(table: bytes) }
        }.get()
      }
    }
    print("units: \(bytes.count) bytes, load \(load.min() ?? .zero) best, \(load.max() ?? .zero) worst of 10")
    let code = Array("mmol/L".utf8)
    let rounds = 100_000
    let system = UnitSystem.standard
    try code.withUnsafeBufferPointer { code in
      var units = 0
      let known = clock.measure { for _ in 0..<rounds { units += UCUM.canonical(utf8: code) == nil ? 0 : 1 } }
      let computed = clock.measure { for _ in 0..<rounds { units += (try? system.compute(code)) == nil ? 0 : 1 } }
      #expect(units == 2 * rounds)
      let (unit, celsius) = (try UCUM.unit("mmol/L"), try UCUM.unit("Cel"))
      var sum = 0.0
      let value = clock.measure { for n in 0..<rounds { sum += unit.value(significand: Int128(n), scale: 2) } }
      let temperature = clock.measure { for n in 0..<rounds { sum += celsius.value(significand: Int128(n), scale: 1) } }
      #expect(sum > 0)
      print(
        "known \(known / rounds), computed \(computed / rounds), value \(value / rounds), Cel \(temperature / rounds)")
    }
  }
}
