import JSONCore
import Server
import Testing
import Workspace

/// No request reaches another service than the one that its address names.
@Suite struct ServicePathTests {
  /// `a/fhir`, `a/fhir2`, `ab/fhir` and a DICOM service `a/images`, each with a patient of its own.
  private func run(
    configure: (inout ServerConfiguration) -> Void = { _ in }, _ body: (LiveRegistry) async throws -> Void
  ) async throws {
    var (a, ab) = (Workspace(name: "a"), Workspace(name: "ab"))
    a.services = [
      ServiceDefinition(name: "fhir", .fhir(FHIRProperties())),
      ServiceDefinition(name: "fhir2", .fhir(FHIRProperties())),
      ServiceDefinition(name: "images", .dicom(DICOMProperties())),
    ]
    ab.services = [ServiceDefinition(name: "fhir", .fhir(FHIRProperties()))]
    try await LiveRegistry.run(fixed: [a, ab], configure: configure) { live async throws in
      for base in ["/a/fhir", "/a/fhir2", "/ab/fhir"] {
        let family = base.filter { $0 != "/" }
        let body = #"{"resourceType":"Patient","id":"p","name":[{"family":"\#(family)"}]}"#
        let made = try await live.ask(
          "PUT", "\(base)/Patient/p", ["Content-Type": "application/fhir+json"], body: body)
        #expect(made.status == 201)
      }
      try await body(live)
    }
  }

  @Test(arguments: [
    "/A/fhir/Patient/p", "/a/FHIR/Patient/p", "/a//fhir/Patient/p", "//a/fhir/Patient/p", "/a/./fhir/Patient/p",
    "/a/x/../fhir/Patient/p", "/a%2Ffhir/Patient/p", "/a%2ffhir/Patient/p", "/a/fhir%2FPatient/p", "/a\\fhir/Patient/p",
    "/a/fhir%5CPatient/p", "/a/%2e%2e/a/fhir/Patient/p", "/a/fhir%00/Patient/p", "/a/fhir%20/Patient/p",
    "/a/fhi%C5%95/Patient/p", "/a/fhir;x/Patient/p", "/afhir/Patient/p", "/a-fhir/Patient/p",
    "/ab/fhir2/Patient/p", "/b/fhir/Patient/p", "/a/fhir/../fhir2/Patient/p", "/a/fhir/%2e%2e/fhir2/Patient/p",
    "/a/images/../fhir/Patient/p", "/a/images/Patient/p", "/a/fhir.json/Patient/p", "/%61%2Ffhir/Patient/p",
    "/admin/workspaces/../../a/fhir/Patient/p", "/a/fhir/a/fhir2/Patient/p",
  ])
  func whatIsNotTheAddressLeadsNowhere(target: String) async throws {
    try await run { live async throws in
      let reply = try await live.ask("GET", target)
      #expect(reply.status == 404 || reply.status == 400, "\(reply.status)")
      #expect(!reply.text.contains("family"))
    }
  }

  /// RFC 3986 §6.2.2.2: letters that are escaped are the same letters.
  @Test(arguments: [
    ("/a/fhir/Patient/p", "afhir"), ("/%61/fhi%72/Patient/p", "afhir"), ("/a/fhir2/Patient/p", "afhir2"),
    ("/ab/fhir/Patient/p", "abfhir"),
  ])
  func eachAddressLeadsToItsService(target: String, family: String) async throws {
    try await run { live async throws in
      let reply = try await live.ask("GET", target)
      #expect(reply.status == 200)
      #expect(try reply.json()["name"]?[0]?["family"]?.string == family)
    }
  }

  private static let below: @Sendable (inout ServerConfiguration) -> Void = { $0.domain = "health.example" }

  @Test(arguments: [
    ("a-fhir.fhir.health.example", "afhir"), ("A-FHIR.fhir.Health.EXAMPLE:8443", "afhir"),
    ("a-fhir2.fhir.health.example", "afhir2"), ("ab-fhir.fhir.health.example", "abfhir"),
  ])
  func aServiceHasAHostOfItsOwn(host: String, family: String) async throws {
    try await run(configure: Self.below) { live async throws in
      let reply = try await live.ask("GET", "/Patient/p", ["Host": host])
      #expect(reply.status == 200)
      #expect(try reply.json()["name"]?[0]?["family"]?.string == family)
      let found = try await live.ask("GET", "/Patient?_count=1", ["Host": host]).json()
      #expect(found["entry"]?[0]?["fullUrl"]?.string == "http://\(host)/Patient/p")
      #expect(found["link"]?[0]?["url"]?.string?.hasPrefix("http://\(host)/Patient?") == true)
      #expect(try await live.ask("GET", "/health/check", ["Host": host]).json()["details"]?.count == 1)
      // It is that service's alone.
      for path in ["/a/fhir/Patient/p", "/ab/fhir/Patient/p", "/admin/workspaces", "/metrics"] {
        let other = try await live.ask("GET", path, ["Host": host])
        #expect(other.status == 404, "\(path)")
        #expect(!other.text.contains("family"))
      }
    }
  }

  @Test func aDICOMServiceHasOneToo() async throws {
    try await run(configure: Self.below) { live async throws in
      let headers = ["Host": "a-images.dicom.health.example", "Accept": "application/dicom+json"]
      #expect(try await live.ask("GET", "/v2/studies", headers).status == 204)
      #expect(try await live.ask("GET", "/v2/studies/1%002", headers).status != 400)
      #expect(try await live.ask("GET", "/v2/studies", ["Host": "a-images.fhir.health.example"]).status == 404)
      #expect(try await live.ask("GET", "/Patient/p", ["Host": "a-fhir.dicom.health.example"]).status == 404)
    }
  }

  @Test(arguments: [
    "a-none.fhir.health.example", ".fhir.health.example", "x.a-fhir.fhir.health.example", "afhir.fhir.health.example",
    "a--fhir.fhir.health.example",
  ])
  func aHostOfNoServiceLeadsNowhere(host: String) async throws {
    try await run(configure: Self.below) { live async throws in
      for path in ["/Patient/p", "/a/fhir/Patient/p"] {
        #expect(try await live.ask("GET", path, ["Host": host]).status == 404)
      }
    }
  }

  @Test(arguments: [
    "health.example", "a-fhir.fhir.health.example.evil", "a-fhir.fhir.other.example", "ahealth.example", "127.0.0.1",
  ])
  func atOtherHostsThePathCounts(host: String) async throws {
    try await run(configure: Self.below) { live async throws in
      #expect(try await live.ask("GET", "/Patient/p", ["Host": host]).status == 404)
      let reply = try await live.ask("GET", "/a/fhir/Patient?_count=1", ["Host": host])
      #expect(try reply.json()["entry"]?[0]?["fullUrl"]?.string == "http://\(host)/a/fhir/Patient/p")
    }
  }

  /// A forwarded host is a trusted proxy's to tell.
  @Test func aForwardedHostIsBelievedOfProxiesOnly() async throws {
    let headers = ["X-Forwarded-Host": "a-fhir.fhir.health.example"]
    try await run(configure: Self.below) { live async throws in
      #expect(try await live.ask("GET", "/Patient/p", headers).status == 404)
    }
    try await run { configuration in
      Self.below(&configuration)
      configuration.trustedProxies = [AddressRange("127.0.0.1")].compactMap { $0 }
    } _: { live async throws in
      #expect(try await live.ask("GET", "/Patient/p", headers).status == 200)
    }
  }
}
