import Base
import FHIRModel
import Foundation
import JSONCore
import Testing

/// STU3, R4B and R5: what their own official examples and definitions say.
@Suite struct ReleaseTests {
  @Test func rejections() throws {
    for (name, schema) in [("stu3", Schema.stu3), ("r4b", .r4b), ("r5", .r5)] {
      let check = StructureCheck(schema: schema)
      var files = 0
      var kinds: [String: Int] = [:]
      var bad = 0
      for folder in ["fhir-\(name)-examples/json", "fhir-\(name)-examples/generated-questionnaires", "fhir-\(name)-core/package"] {
        guard ConformanceData.has(folder) else { continue }
        for url in try ConformanceData.files(folder) {
          if [".index.json", "package.json"].contains(url.lastPathComponent) { continue }
          files += 1
          let issues = check.issues(of: try JSONDocument(StructureCheckCorpusTests.bytes(url)))
          if !issues.isEmpty { bad += 1 }
          for issue in issues {
            let place = (issue.expression ?? "").replacing(/\[\d+\]/, with: "")
            kinds["\(folder) \(issue.code ?? "") \(place) \(issue.diagnostics.prefix(150)) \(url.lastPathComponent)", default: 0] += 1
          }
        }
      }
      print("##", name, files, bad)
      for (kind, count) in kinds.sorted(by: { $0.key < $1.key }) { print("##", name, count, kind) }
    }
  }
}
