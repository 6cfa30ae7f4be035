import FHIRModel
import FHIRPath
import Foundation
import JSONCore
import Testing
import TestSupport

/// The walk without collections finds what the evaluator finds.
@Suite struct PathWalkTests {
  private static let folder = "fhir-r4-examples/json"

  @Test(.enabled(if: ConformanceData.has(folder), "needs data set fhir-r4-examples"))
  func walksAsItEvaluates() throws {
    let schema = Schema.r4
    var programs: [(FHIRPathProgram, String)] = []
    for parameter in schema.searchParameters {
      guard let expression = parameter.expression else { continue }
      programs.append((try FHIRPathProgram(expression, schema: schema), parameter.url))
    }
    var found = 0
    for file in try ConformanceData.files(Self.folder) where file.lastPathComponent.count % 3 == 0 {
      let document = try JSONDocument([UInt8](Data(contentsOf: file)))
      guard document.byteCount < 100_000,
        let name = document.member(document.root, "resourceType").flatMap({ document.string($0) }),
        let type = schema.type(name)
      else { continue }
      for (program, url) in programs where program.isPath {
        var walked: Set<String> = []
        program.forEachNode(in: document, from: document.root, type: type) { node, type in
          walked.insert(Rendering.text(.node(FHIRPathNode(document: document, value: node, type: type))))
        }
        let context = FHIRPathContext(document: document, node: document.root, type: type, now: OfficialSuite.now)
        var evaluated: Set<String> = []
        for item in try program.evaluate(in: context) {
          if case .node(let node) = item, node.value == nil { continue }
          evaluated.insert(Rendering.text(item))
        }
        #expect(evaluated.isSubset(of: walked), "\(file.lastPathComponent) \(url)")
        // A union takes out values that are equal but written differently, such as references with other displays.
        #expect(walked.count == evaluated.count || program.expression.contains("|"), "\(file.lastPathComponent) \(url)")
        found += walked.count
      }
    }
    #expect(found > 1_000)
  }

  private func walk(_ expression: String, _ text: String, _ type: String) throws -> [String] {
    let document = try JSONDocument(text)
    let id = try #require(Schema.r4.type(type))
    let program = try FHIRPathProgram(expression, schema: .r4)
    #expect(program.isPath)
    var result: [String] = []
    program.forEachNode(in: document, from: document.root, type: id) { node, type in
      let item = FHIRPathItem.node(FHIRPathNode(document: document, value: node, type: type))
      result.append("\(Schema.r4.name(type)) \(Rendering.text(item))")
    }
    return result
  }

  @Test func findsChoicesAndTypes() throws {
    let text = #"{"resourceType":"Observation","valueQuantity":{"value":1.50},"component":[{"valueString":"x"}]}"#
    #expect(try walk("Observation.value", text, "Observation") == [#"Quantity {"value":1.50}"#])
    #expect(try walk("(Observation.value as Quantity).value", text, "Observation") == ["decimal 1.50"])
    #expect(try walk("Observation.value.as(string)", text, "Observation") == [])
    #expect(try walk("Observation.component.value.ofType(string)", text, "Observation") == ["string x"])
    #expect(try walk("Patient.name | Observation.component.value", text, "Observation") == ["string x"])
  }

  @Test func decidesReferencesByWhatTheySay() throws {
    let text = #"""
      {"resourceType":"Observation","contained":[{"resourceType":"Patient","id":"p"}],
       "performer":[{"reference":"#p"},{"reference":"Practitioner/1"},
       {"reference":"http://x.org/fhir/Patient/2/_history/3"},
       {"type":"Patient","display":"someone"},{"reference":"urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"}]}
      """#
    let found = try walk("Observation.performer.where(resolve() is Patient)", text, "Observation")
    #expect(found.count == 3)
    #expect(found.contains { $0.contains("#p") })
    #expect(found.contains { $0.contains("_history") })
    #expect(found.contains { $0.contains("someone") })
    #expect(
      try walk("Observation.performer.where(resolve() is Practitioner).reference", text, "Observation").count == 1)
  }

  @Test func resolvesInTheBundle() throws {
    let text = #"""
      {"resourceType":"Bundle","entry":[
       {"fullUrl":"urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0","resource":{"resourceType":"Patient","id":"a"}},
       {"fullUrl":"urn:uuid:1","resource":{"resourceType":"Observation",
        "subject":{"reference":"urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"}}}]}
      """#
    let path = "Bundle.entry.resource.ofType(Observation).subject.where(resolve() is Patient)"
    #expect(try walk(path, text, "Bundle").count == 1)
  }

  @Test func filtersByTextAndExtension() throws {
    let text = #"""
      {"resourceType":"Patient","telecom":[{"system":"phone","value":"1"},{"system":"email","value":"2"}],
       "extension":[{"url":"http://x.org/a","valueCode":"F"},{"url":"http://x.org/b","valueCode":"G"}],
       "birthDate":"1970-01-01","_birthDate":{"extension":[{"url":"http://x.org/t","valueTime":"11:00:00"}]}}
      """#
    #expect(try walk("Patient.telecom.where(system = 'phone').value", text, "Patient") == ["string 1"])
    #expect(try walk("Patient.extension('http://x.org/b').value", text, "Patient") == ["code G"])
    #expect(try walk("Patient.birthDate.extension('http://x.org/t').value", text, "Patient") == ["time 11:00:00"])
  }
}
