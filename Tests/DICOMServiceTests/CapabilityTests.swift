import DICOMweb
import JSONCore
import Testing

@Suite struct CapabilityTests {
  @Test func `capabilities are WADL, or JSON`() async throws {
    try await ServiceFixture.run { service async throws in
      for accept in [[], ["application/vnd.sun.wadl+xml"], ["*/*"]] as [[String]] {
        let reply = await service.send(.options, "", .standard, accept: accept)
        #expect(reply.status == 200)
        #expect(reply.header("Content-Type") == "application/vnd.sun.wadl+xml")
        #expect(reply.text.contains("<resources base=\"https://example.org/default/dicom/\">"))
        #expect(reply.text.contains("type=&quot;application/dicom&quot;"))
      }
      let reply = await service.send(.options, "studies", .standard, accept: ["application/json"])
      #expect(reply.header("Content-Type") == "application/json")
      let document = try reply.json()
      let resources = document.member(document.root, "application").flatMap { document.member($0, "resources") }
        .flatMap { document.member($0, "resource") }
      #expect(resources.map { document.count($0) } ?? 0 > 20)
      #expect(await service.send(.options, "", .standard, accept: ["text/plain"]).status == 406)
    }
  }

  /// What is described is there: every path with its variables filled in is a route that takes the method.
  @Test func `every resource that is described is a route`() async throws {
    try await ServiceFixture.run { service async throws in
      let document = try await service.send(.options, "", .standard, accept: ["application/json"]).json()
      let resources = try #require(
        document.member(document.root, "application").flatMap { document.member($0, "resources") }
          .flatMap { document.member($0, "resource") })
      for resource in document.elements(resources) {
        var path = try #require(document.member(resource, "path").flatMap { document.string($0) })
        for (name, value) in [
          ("{study}", "1.2"), ("{series}", "3"), ("{instance}", "4"), ("{frames}", "1"), ("{path}", "7FE00010"),
        ] { path = path.replacing(name, with: value) }
        let methods = try #require(document.member(resource, "method"))
        for method in document.elements(methods) {
          let name = try #require(document.member(method, "name").flatMap { document.string($0) })
          let segments = path.split(separator: "/").map(String.init)
          #expect(throws: Never.self, "\(name) \(path)") {
            try DICOMRoute(try #require(DICOMRoute.Method(rawValue: name)), segments)
          }
        }
      }
    }
  }
}
