import Base
import FHIRModel
import FHIRService
import Foundation
import JSONCore
import Testing

@Suite struct MetadataTests {
  /// The statement is strictly valid R4 and lists exactly the types and parameters that work.
  @Test func capabilityStatement() async throws {
    try await withService { service in
      let reply = try await service.send(.get, "metadata")
      #expect(reply.status == 200)
      let body = try #require(reply.body)
      #expect(body["fhirVersion"]?.string == "4.0.1")
      let document = try JSONDocument(body.json)
      #expect(StructureCheck(schema: .r4).issues(of: document, node: document.root).map(\.diagnostics) == [])
      let resources = body["rest"]?[0]?["resource"]?.elements ?? []
      #expect(resources.count == 145)
      for resource in resources {
        let type = try #require(resource["type"]?.string)
        for parameter in resource["searchParam"]?.elements ?? [] {
          let name = try #require(parameter["name"]?.string)
          let values = [
            "date": "=2020", "number": "=1", "quantity": "=1", "composite": ":missing=false", "special": "=1|1",
          ]
          let value = values[parameter["type"]?.string ?? ""] ?? "=x"
          let search = try await service.send(.get, "\(type)?\(name)\(value)", prefer: "handling=strict")
          #expect(search.status == 200, "\(type)?\(name): \(search.text)")
        }
      }
    }
  }

  /// What is listed is where a client finds it, under the standard's definitions.
  @Test func operations() async throws {
    try await withService { service in
      let rest = try await service.send(.get, "metadata").body?["rest"]?[0]
      #expect(
        Set(rest?["operation"]?.elements.compactMap { $0["name"]?.string } ?? []) == [
          "versions", "fhirpath", "meta", "includes", "reindex",
        ])
      #expect(rest?["compartment"]?.count == 5)
      let all: Set<String> = ["validate", "meta", "meta-add", "meta-delete", "includes", "reindex"]
      let more: [String: Set<String>] = [
        "Patient": ["everything", "member-match"], "Encounter": ["everything"], "Group": ["everything"],
        "DocumentReference": ["docref"], "SearchParameter": ["status"],
      ]
      for resource in rest?["resource"]?.elements ?? [] {
        let type = try #require(resource["type"]?.string)
        let names = Set(resource["operation"]?.elements.compactMap { $0["name"]?.string } ?? [])
        #expect(names == all.union(more[type] ?? []), "\(type)")
        #expect(try await service.send(.get, "\(type)/$meta").status == 200)
      }
    }
  }

  @Test func versions() async throws {
    try await withService { service in
      let reply = try await service.send(.get, "$versions")
      #expect(reply.body?["parameter"]?[0]?["valueString"]?.string == "4.0")
      #expect(reply.body?["parameter"]?[1]?["name"]?.string == "default")
    }
  }
}
