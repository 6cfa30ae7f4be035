import Base
import FHIRModel
import FHIRSearch
import FHIRService
import FHIRStore
import Foundation
import JSONCore
import Storage
import TestSupport
import Testing

/// Contained resources of the official R4 examples: a search finds of them what it finds of the same resources when
/// they stand alone.
@Suite(
  .enabled(if: ConformanceData.has("fhir-r4-examples/json"), "needs data set fhir-r4-examples"), .serialized)
struct ContainedExampleTests {
  /// A contained resource; it was also stored alone, under an id that begins with `alone-`.
  private struct Inner {
    let example: ExampleTests.Example
    let type: Schema.TypeID
    let name: String
    let id: String
    let rows: [IndexRow]
  }

  private static func inner(_ service: TestService, _ examples: [ExampleTests.Example]) async throws -> [Inner] {
    let extractor = IndexExtractor(service.store.parameters, limits: Limits())
    var all: [Inner] = []
    for example in examples {
      for (place, resource) in (example.document.value["contained"]?.elements ?? []).enumerated() {
        let typeName = try #require(resource["resourceType"]?.string)
        let type = try #require(Schema.r4.resourceType(typeName))
        var members = [#""id":"alone-\#(all.count)""#]
        for (name, value) in resource.members where name != "id" {
          members.append(#""\#(name)":"# + String(decoding: value.json, as: UTF8.self))
        }
        let json = "{\(members.joined(separator: ","))}"
        let reply = try await service.send(.put, "\(typeName)/alone-\(all.count)", json)
        guard reply.status == 201 else {
          Issue.record("\(example.file) \(place): \(reply.status) \(reply.diagnostics)")
          continue
        }
        let document = try JSONDocument(json)
        all.append(
          Inner(
            example: example, type: type, name: typeName, id: resource["id"]?.string ?? "",
            rows: try extractor.rows(of: document, document.root, type)))
      }
    }
    return all
  }

  @Test func areFoundAsIfTheyStoodAlone() async throws {
    try await withService { service in
      let examples = try await ExampleTests.load(service).examples
      let inner = try await Self.inner(service, examples)
      #expect(inner.count > 200)
      let places = Dictionary(grouping: inner.indices) { "\(inner[$0].example.typeName)/\(inner[$0].example.id)" }
      let parameters = service.store.parameters
      let parser = SearchQueryParser(parameters, limits: Limits(), clock: .system, isStrict: true)
      var queries: [Schema.TypeID: Set<String>] = [:]
      for resource in inner {
        let own = parameters.parameters(resource.type)
        let byNumber = Dictionary(own.map { ($0.number, $0) }, uniquingKeysWith: { first, _ in first })
        var one: [String] = []
        for row in resource.rows where !ExampleTests.isOpen(row) {
          guard let parameter = byNumber[row.parameter], parameter.isSearchable(.r4) else { continue }
          let found = ExampleTests.queries(row, parameter.code, parameter.kind, parameter.definition.targets)
          queries[resource.type, default: []].formUnion(found)
          if let first = found.first { one.append(first) }
        }
        // Two at once, and one less another.
        for (a, b) in zip(one, one.dropFirst().shuffled()) {
          queries[resource.type, default: []].insert("\(a)&\(b)")
          queries[resource.type, default: []].insert("\(a)&_sort=_id")
        }
        for parameter in own where parameter.isSearchable(.r4) && !parameter.isAnsweredByResource {
          let isSortable = parameter.kind != .composite && parameter.kind != .special
          queries[resource.type, default: []].insert("\(parameter.code):missing=true")
          let sort = isSortable ? "&_sort=\(parameter.code)" : ""
          queries[resource.type, default: []].insert("\(parameter.code):missing=false\(sort)")
        }
      }
      var asked = 0
      var complaints: [String] = []
      for (type, texts) in queries {
        for text in texts.sorted() {
          asked += 1
          do {
            func find(_ more: String) async throws -> SearchPage {
              let query = try parser.parse(QueryString(parsing: text + more), types: [type])
              return try await service.store.read(within: .none) {
                try $0.search(query, count: 10_000, bytesMax: .max, withTotal: true)
              }
            }
            let alone = Set(
              try await find("").matches.compactMap { $0.id.hasPrefix("alone-") ? Int($0.id.dropFirst(6)) : nil })
            let page = try await find("&_contained=true&_containedType=contained")
            // Which of the container's resources it is, the bytes tell; those with equal bytes match together.
            var found: Set<Int> = []
            for (match, contained) in zip(page.matches, page.contained) {
              let places = places["\(match.typeName)/\(match.id)"] ?? []
              found.formUnion(places.filter { inner[$0].type == type && inner[$0].id == contained?.id })
            }
            if found != alone || page.total != page.matches.count {
              complaints.append("\(Schema.r4.name(type))?\(text): \(found.sorted()), alone \(alone.sorted())")
            }
            let containers = try await find("&_contained=true")
            let expected = Set(alone.map { "\(inner[$0].example.typeName)/\(inner[$0].example.id)" })
            let names = containers.matches.map { "\($0.typeName)/\($0.id)" }
            if names.count != expected.count || Set(names) != expected || containers.total != names.count {
              complaints.append("containers of \(Schema.r4.name(type))?\(text): \(names.sorted())")
            }
          } catch {
            complaints.append("\(text): \((error as? Fault)?.reasons.first?.diagnostics ?? "\(error)")")
          }
        }
      }
      print("contained: \(inner.count) resources, \(asked) queries")
      #expect(asked > 3_000)
      #expect(complaints.prefix(20).isEmpty, "\(complaints.count): \(complaints.prefix(20).joined(separator: "\n"))")
    }
  }

  /// They come back as they stand in their container, under its URL.
  @Test func comeBackAsTheyAre() async throws {
    try await withService { service in
      let text = try String(
        contentsOf: try #require(
          try ConformanceData.files("fhir-r4-examples/json").first {
            $0.lastPathComponent == "MedicationRequest-medrx0301.json"
          }), encoding: .utf8)
      #expect(try await service.send(.put, "MedicationRequest/medrx0301", text).status == 201)
      let own = try #require(try JSONDocument(text).value["contained"]?.elements.first)
      let reply = try await service.send(.get, "Medication?_contained=true&_containedType=contained")
      #expect(reply.entries.count == 1)
      let url = "\(TestService.base)/MedicationRequest/medrx0301"
      #expect(reply.entries.first?["fullUrl"]?.string == "\(url)#med0310")
      #expect(reply.entries.first?["resource"]?.json == own.json)
      #expect(reply.entries.first?["search"]?["mode"]?.string == "match")
      let container = try await service.send(.get, "Medication?_contained=true")
      #expect(container.entries.first?["fullUrl"]?.string == url)
      #expect(container.entries.first?["resource"]?["resourceType"]?.string == "MedicationRequest")
      let short = try await service.send(.get, "Medication?_contained=true&_containedType=contained&_elements=code")
      #expect(short.entries.first?["resource"]?["code"]?.json == own["code"]?.json)
      #expect(short.entries.first?["resource"]?["ingredient"] == nil)
    }
  }
}
