import FHIRService
import JSONCore
import Testing

/// Includes along references that were stored as absolute URLs of this very server (FHIR R4 search#include,
/// search#reference).
@Suite struct IncludedURLTests {
  private static func filled(_ body: (TestService) async throws -> Void) async throws {
    try await withService { service in
      func observation(_ id: String, _ subject: String) -> (String, String) {
        (
          "Observation/\(id)",
          """
          {"resourceType":"Observation","id":"\(id)","status":"final","code":{"text":"x"},
           "subject":{"reference":"\(subject)"}}
          """
        )
      }
      let all = [
        (
          "Patient/p",
          #"{"resourceType":"Patient","id":"p","managingOrganization":{"reference":"\#(TestService.base)/Organization/o"}}"#
        ),
        ("Organization/o", #"{"resourceType":"Organization","id":"o","name":"o"}"#),
        ("Group/p", #"{"resourceType":"Group","id":"p","type":"person","actual":true}"#),
        observation("own", "\(TestService.base)/Patient/p"),
        observation("version", "\(TestService.base)/Patient/p/_history/1"),
        observation("group", "\(TestService.base)/Group/p"), observation("relative", "Patient/p"),
        observation("other", "http://other.example/fhir/Patient/p"),
        observation("gone", "\(TestService.base)/Patient/gone"),
      ]
      for (url, json) in all {
        let reply = try await service.send(.put, url, json)
        #expect(reply.status == 201, "\(reply.text)")
      }
      try await body(service)
    }
  }

  private static func included(_ service: TestService, _ query: String) async throws -> [String] {
    let reply = try await service.send(.get, query)
    #expect(reply.status == 200, "\(query): \(reply.text)")
    return reply.entries.filter { $0["search"]?["mode"]?.string == "include" }.compactMap { entry in
      entry["resource"].map { "\($0["resourceType"]?.string ?? "")/\($0["id"]?.string ?? "")" }
    }
    .sorted()
  }

  @Test func forwards() async throws {
    try await Self.filled { service in
      for include in [
        "Observation:subject", "Observation:subject:Patient", "Observation:patient", "Observation:*", "*",
      ] {
        for id in ["own", "version", "relative"] {
          let found = try await Self.included(service, "Observation?_id=\(id)&_include=\(include)")
          #expect(found == ["Patient/p"], "\(id) \(include)")
        }
        for id in ["other", "gone"] {
          let found = try await Self.included(service, "Observation?_id=\(id)&_include=\(include)")
          #expect(found.isEmpty, "\(id) \(include)")
        }
      }
      #expect(try await Self.included(service, "Observation?_id=group&_include=Observation:subject") == ["Group/p"])
      #expect(try await Self.included(service, "Observation?_id=group&_include=Observation:patient").isEmpty)
      #expect(try await Self.included(service, "Observation?_id=group&_include=Observation:subject:Patient").isEmpty)
      let iterated = "Observation?_id=own&_include=Observation:subject&_include:iterate=Patient:organization"
      #expect(try await Self.included(service, iterated) == ["Organization/o", "Patient/p"])
    }
  }

  @Test func backwards() async throws {
    try await Self.filled { service in
      let own = ["Observation/own", "Observation/relative", "Observation/version"]
      for include in [
        "Observation:subject", "Observation:patient", "Observation:subject:Patient", "Observation:*", "*:*",
      ] {
        let found = try await Self.included(service, "Patient?_id=p&_revinclude=\(include)")
        #expect(found == own, "\(include)")
      }
      #expect(try await Self.included(service, "Group?_id=p&_revinclude=Observation:subject") == ["Observation/group"])
      #expect(try await Self.included(service, "Group?_id=p&_revinclude=Observation:patient").isEmpty)
      let iterated = "Organization?_revinclude=Patient:organization&_revinclude:iterate=Observation:subject:Patient"
      #expect(try await Self.included(service, iterated) == own + ["Patient/p"])
    }
  }
}
