import FHIRModel
import Foundation
import JSONCore
import Testing
import TestSupport

@Suite("Schema R4: official examples")
struct SchemaExamplesTests {
  /// Walks objects with their types, and notes what does not resolve.
  struct Walk {
    let schema: Schema
    let document: JSONDocument
    var keys = 0
    var codes = 0
    var faults: [String] = []

    mutating func object(_ node: JSONNode, type: Schema.TypeID, depth: Int = 0) {
      guard depth < 64 else { return faults.append("too deep") }
      for (key, value) in document.members(node) {
        var name = document.lexeme(key)
        if schema.kind(type) == .resource, document.keyEquals(key, "resourceType") { continue }
        let isExtra = name.first == UInt8(ascii: "_")
        if isExtra { name = UnsafeBufferPointer(rebasing: name.dropFirst()) }
        guard let found = schema.element(type, key: name) else {
          faults.append("\(schema.name(type)).\(document.string(key) ?? "")")
          continue
        }
        keys += 1
        let element = schema[found.element]
        let isArray = document.kind(value) == .array
        if isArray != element.isArray { faults.append("\(element.path): array or not") }
        for item in isArray ? Array(document.elements(value)) : [value] {
          check(item, type: found.type, element: element, isExtra: isExtra, depth: depth)
        }
      }
    }

    mutating func check(_ item: JSONNode, type: Schema.TypeID, element: Schema.Element, isExtra: Bool, depth: Int) {
      switch (schema.kind(type), document.kind(item)) {
      case (.resource, .object):
        let name = document.member(item, "resourceType").map { document.lexeme($0) }
        guard let name, let resource = schema.resourceType(utf8: name) else { return faults.append("no resource") }
        object(item, type: resource, depth: depth + 1)
      case (.complexType, .object), (.backbone, .object): object(item, type: type, depth: depth + 1)
      case (.primitive, .object) where isExtra: object(item, type: type, depth: depth + 1)
      // A null keeps the places of values and their extensions in step (FHIR R4 json#primitive).
      case (.primitive, .null) where element.isArray: break
      case (.primitive, .string), (.primitive, .number), (.primitive, .true), (.primitive, .false):
        if isExtra { faults.append("\(element.path): value in _") }
        if let binding = element.binding {
          codes += 1
          if !schema.allows(document.lexeme(item), in: binding), document.kind(item) == .string {
            faults.append("\(element.path): code \(document.string(item) ?? "")")
          }
        }
      default: faults.append("\(element.path): \(document.kind(item))")
      }
    }
  }

  @Test(
    "every member name and every required code of every example is in the schema",
    .enabled(if: ConformanceData.has("fhir-r4-examples/json"), "needs data set fhir-r4-examples"))
  func examples() throws {
    var (files, keys, codes) = (0, 0, 0)
    let folders = ["fhir-r4-examples/json", "fhir-r4-examples/generated-questionnaires"]
    for file in try folders.flatMap(ConformanceData.files) {
      let document = try JSONDocument([UInt8](Data(contentsOf: file)))
      let name = try #require(document.member(document.root, "resourceType"), "\(file.lastPathComponent)")
      let type = try #require(Schema.r4.resourceType(utf8: document.lexeme(name)))
      var walk = Walk(schema: .r4, document: document)
      walk.object(document.root, type: type)
      #expect(walk.faults.isEmpty, "\(file.lastPathComponent): \(walk.faults)")
      (files, keys, codes) = (files + 1, keys + walk.keys, codes + walk.codes)
    }
    #expect(files > 800)
    print("examples: \(files) files, \(keys) members, \(codes) required codes")
  }
}
