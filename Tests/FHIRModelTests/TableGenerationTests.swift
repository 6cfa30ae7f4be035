import FHIRModel
import Foundation
import JSONCore
import TableGeneration
import Testing
import TestSupport

@Suite("Tables are what the generator makes of the official packages")
struct TableGenerationTests {
  static let r4 = "fhir-r4-core/package"

  @Test(
    "the tables are up to date",
    .enabled(
      if: ["r4", "r4b", "r5", "stu3"].allSatisfy { ConformanceData.has("fhir-\($0)-core/package") },
      "needs data sets fhir-stu3-core, fhir-r4-core, fhir-r4b-core, fhir-r5-core"),
    arguments: [("stu3", 25), ("r4", 24), ("r4b", 22), ("r5", 1)])
  func regenerate(release: String, leftOut: Int) throws {
    let generator = TableGenerator(
      try DefinitionPackage(folder: ConformanceData.path("fhir-\(release)-core/package")))
    let made = try generator.table()
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Sources/CFHIRTables/\(release).table")
    let committed = String(decoding: try Data(contentsOf: file), as: UTF8.self)
    let isSame = made == committed
    #expect(isSame, "run generate-tables, see docs/internals/tables.md")
    // What is left out searches for extensions, is an example, has no base, or is there twice.
    let left = generator.searchParametersLeftOut()
    #expect(left.count == leftOut)
    #expect(
      left.allSatisfy {
        $0.url.contains("-extensions-") || $0.url.contains("-genetic-") || $0.url.contains("/example")
          || $0.reason == "is the same as Resource-filter"
      }, "\(left)")
  }

  /// The table against the definitions, element by element, read here independently of the generator.
  @Test("every snapshot element of R4", .enabled(if: ConformanceData.has(r4), "needs data set fhir-r4-core"))
  func snapshots() throws {
    let schema = Schema.r4
    var count = 0
    for file in try ConformanceData.files(Self.r4) where file.lastPathComponent.hasPrefix("StructureDefinition-") {
      let definition = try JSONDocument([UInt8](Data(contentsOf: file))).value
      let isOwn = definition["derivation"]?.string != "constraint" && definition["kind"]?.string != "logical"
      guard isOwn else { continue }
      let name = try #require(definition["name"]?.string)
      let type = try #require(schema.type(name))
      #expect(schema.isAbstract(type) == definition["abstract"]?.bool)
      for element in (definition["snapshot"]?["element"]?.elements ?? []).dropFirst() {
        let path = try #require(element["path"]?.string)
        let dot = try #require(path.lastIndex(of: "."))
        let owner = try #require(schema.type(String(path[..<dot])), "\(path)")
        let bare = String(path[path.index(after: dot)...].replacing("[x]", with: ""))
        let id = try #require(schema.element(owner, name: bare), "\(path)")
        let found = schema[id]
        #expect(found.path == path)
        #expect(found.min == element["min"]?.integer)
        #expect(found.max == (element["max"]?.string == "*" ? Int.max : Int(element["max"]?.string ?? "")))
        #expect(found.isSummary == (element["isSummary"]?.bool ?? false))
        #expect(found.isModifier == (element["isModifier"]?.bool ?? false))
        if element["contentReference"] == nil { #expect(found.types.count == element["type"]?.count) }
        let isRequired = element["binding"]?["strength"]?.string == "required"
        let valueSet = isRequired ? element["binding"]?["valueSet"]?.string?.split(separator: "|").first : nil
        #expect(found.binding.map { schema.codes($0).url } == valueSet.map(String.init))
        count += 1
      }
    }
    #expect(count == 7466)
  }

  @Test("loading takes milliseconds (printed)")
  func loadTime() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Sources/CFHIRTables/r4.table")
    let bytes = [UInt8](try Data(contentsOf: file))
    let clock = ContinuousClock()
    let times = try (0..<5).map { _ in try clock.measure { _ = try Schema(table: bytes) } }
    print("Schema(table:) R4, \(bytes.count) bytes: \(times.min() ?? .zero) best, \(times.max() ?? .zero) worst of 5")
  }
}
