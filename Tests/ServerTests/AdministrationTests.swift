import JSONCore
import Server
import Synchronization
import Testing
import Workspace

/// Workspaces and services while the server runs, in the shapes of Azure's management API.
@Suite struct AdministrationTests {
  static let patient = #"{"resourceType":"Patient"}"#

  private func code(_ reply: Reply) throws -> String? { try reply.json()["error"]?["code"]?.string }

  @Test func aServiceIsMadeChangedAndTakenAway() async throws {
    try await LiveRegistry.run { live async throws in
      #expect(try await live.admin("GET", "/workspaces").text == #"{"value":[]}"#)
      let made = try await live.admin("PUT", "/workspaces/lab", #"{"tags":{"a":"b"}}"#)
      #expect(made.status == 201)
      #expect(try made.json()["type"]?.string == "Microsoft.HealthcareApis/workspaces")
      #expect(try made.json()["properties"]?["provisioningState"]?.string == "Succeeded")
      #expect(try await live.admin("PUT", "/workspaces/lab", #"{"tags":{"a":"b"}}"#).status == 200)

      let path = "/workspaces/lab/fhirservices/records"
      let service = try await live.admin("PUT", path, #"{"kind":"fhir-R4","properties":{}}"#)
      #expect(service.status == 201)
      #expect(try service.json()["id"]?.string == path)
      #expect(try service.json()["kind"]?.string == "fhir-R4")
      let created = try await live.create("/lab/records/Patient", Self.patient)
      #expect(created.status == 201)
      #expect(created.header("location")?.contains("/lab/records/Patient/") == true)

      let origin = ["Origin": "https://app.example"]
      #expect(try await live.ask("GET", "/lab/records/Patient", origin).header("access-control-allow-origin") == nil)
      let patch = #"{"properties":{"corsConfiguration":{"origins":["https://app.example"]}}}"#
      #expect(try await live.admin("PATCH", path, patch).status == 200)
      let answer = try await live.ask("GET", "/lab/records/Patient", origin)
      #expect(answer.header("access-control-allow-origin") == "https://app.example")
      #expect(try answer.json()["entry"]?.count == 1)
      #expect(
        try await live.admin("PATCH", path, #"{"properties":{"corsConfiguration":null},"tags":{"x":"y"}}"#).status
          == 200)
      let shown = try await live.admin("GET", path).json()
      #expect(shown["properties"]?["corsConfiguration"] == nil)
      #expect(shown["tags"]?["x"]?.string == "y")
      #expect(try await live.ask("GET", "/lab/records/Patient", origin).header("access-control-allow-origin") == nil)

      #expect(try code(try await live.admin("DELETE", "/workspaces/lab")) == "CannotDeleteResource")
      #expect(try await live.admin("DELETE", path).status == 200)
      #expect(try await live.ask("GET", "/lab/records/Patient").status == 404)
      #expect(try await live.admin("GET", path).status == 404)
      #expect(try await live.admin("DELETE", path).status == 204)
      #expect(try await live.admin("DELETE", "/workspaces/lab").status == 200)
      #expect(try await live.admin("DELETE", "/workspaces/lab").status == 204)
    }
  }

  @Test func whatIsMadeIsThereAfterARestart() async throws {
    try await LiveRegistry.run { first in
      _ = try await first.admin("PUT", "/workspaces/lab", #"{"tags":{"a":"b"}}"#)
      let body = #"{"kind":"fhir-R5","properties":{"limits":{"search-count":3},"publicNetworkAccess":"Enabled"}}"#
      _ = try await first.admin("PUT", "/workspaces/lab/fhirservices/five", body)
      _ = try await first.admin("PUT", "/workspaces/lab/dicomservices/images", "{}")
      let id = try await first.create("/lab/five/Patient", Self.patient).id()
      let before = try await first.admin("GET", "/workspaces/lab/fhirservices/five").text
      let folder = first.folder
      // The store's lock is one process's; so the first server's stores are closed before.
      await first.registry.close()
      try await LiveRegistry.again(folder) { second async throws in
        #expect(try await second.admin("GET", "/workspaces/lab/fhirservices/five").text == before)
        #expect(try await second.admin("GET", "/workspaces/lab").json()["tags"]?["a"]?.string == "b")
        #expect(try await second.ask("GET", "/lab/five/Patient/\(id)").status == 200)
        #expect(try await second.ask("GET", "/lab/five/metadata").json()["fhirVersion"]?.string == "5.0.0")
        #expect(
          try await second.ask("GET", "/lab/images/v2/studies", ["Accept": "application/dicom+json"]).status == 204)
        #expect(try await second.admin("DELETE", "/workspaces/lab/dicomservices/images").status == 200)
      }
      try await LiveRegistry.again(folder) { third async throws in
        #expect(try await third.ask("GET", "/lab/images/v2/studies").status == 404)
        #expect(try await third.ask("GET", "/lab/five/Patient/\(id)").status == 200)
      }
    }
  }

  @Test func whatTheFileDeclaresIsTheFiles() async throws {
    try await LiveRegistry.run(fixed: LiveRegistry.declared) { live async throws in
      let path = "/workspaces/file/fhirservices/fhir"
      #expect(try await live.ask("GET", "/file/fhir/metadata").status == 200)
      // The same again is no change.
      #expect(try await live.admin("PUT", path, try await live.admin("GET", path).text).status == 200)
      for (method, path, body) in [
        ("PUT", path, #"{"tags":{"a":"b"}}"#), ("PATCH", path, #"{"tags":{"a":"b"}}"#), ("DELETE", path, nil),
        ("PATCH", "/workspaces/file", #"{"tags":{"a":"b"}}"#),
      ] as [(String, String, String?)] {
        let reply = try await live.admin(method, path, body)
        #expect(reply.status == 409, "\(method) \(path)")
        #expect(try reply.json()["error"]?["message"]?.string?.contains("configuration file") == true)
      }
      // But there may be more beside it, which a restart finds again.
      #expect(try await live.admin("PUT", "/workspaces/file/fhirservices/more", "{}").status == 201)
      await live.registry.close()
      try await LiveRegistry.again(live.folder, fixed: LiveRegistry.declared) { again async throws in
        #expect(try await again.ask("GET", "/file/more/metadata").status == 200)
        #expect(try await again.admin("GET", "/workspaces/file/fhirservices").json()["value"]?.count == 2)
      }
    }
  }

  @Test func severalServersOnOneDatabaseAreDeclaredByTheirFiles() async throws {
    try await LiveRegistry.run(fixed: LiveRegistry.declared, isKept: false) { live async throws in
      #expect(try await live.admin("GET", "/workspaces").status == 200)
      let reply = try await live.admin("PUT", "/workspaces/file/fhirservices/more", "{}")
      #expect(try code(reply) == "Conflict")
      #expect(try await live.ask("GET", "/file/more/metadata").status == 404)
    }
  }

  @Test(
    arguments: [
      ("GET", "/workspaces/none", nil, 404, "ResourceNotFound"), ("GET", "/nothing", nil, 404, "ResourceNotFound"),
      ("GET", "", nil, 404, "ResourceNotFound"), ("GET", "/workspaces/file/unknown/x", nil, 404, "ResourceNotFound"),
      ("GET", "/workspaces/file/fhirservices/none", nil, 404, "ResourceNotFound"),
      ("GET", "/workspaces/file/dicomservices/fhir", nil, 404, "ResourceNotFound"),
      ("PUT", "/workspaces/none/fhirservices/x", "{}", 404, "ParentResourceNotFound"),
      ("PUT", "/workspaces/a-b", "{}", 400, "InvalidRequestContent"),
      ("PUT", "/workspaces/admin", "{}", 400, "InvalidRequestContent"),
      ("PUT", "/workspaces/file/fhirservices/X", "{}", 400, "InvalidRequestContent"),
      ("PUT", "/workspaces/w", "{", 400, "InvalidRequestContent"),
      ("PUT", "/workspaces/w", "", 400, "InvalidRequestContent"),
      ("PUT", "/workspaces/w", #"{"tag":{}}"#, 400, "InvalidRequestContent"),
      ("PUT", "/workspaces/w", #"{"fhirservices":[{"name":"x"}]}"#, 400, "InvalidRequestContent"),
      ("PUT", "/workspaces/w", #"{"name":"v"}"#, 400, "InvalidRequestContent"),
      ("PUT", "/workspaces/file/fhirservices/x", #"{"kind":"fhir-R9"}"#, 400, "InvalidRequestContent"),
      (
        "PUT", "/workspaces/file/fhirservices/x", #"{"properties":{"exportConfiguration":{"storageAccountName":"x"}}}"#,
        400, "InvalidRequestContent"
      ),
      ("PUT", "/workspaces/file/dicomservices/fhir", "{}", 409, "Conflict"),
      ("PUT", "/workspaces/file/iotconnectors/x", "{}", 501, "NotImplemented"),
      ("PATCH", "/workspaces/none", "{}", 404, "ResourceNotFound"),
      ("POST", "/workspaces", "{}", 405, "MethodNotAllowed"),
      ("POST", "/workspaces/file", "{}", 405, "MethodNotAllowed"),
      ("DELETE", "/workspaces", nil, 405, "MethodNotAllowed"),
    ] as [(String, String, String?, Int, String)])
  func aRefusalHasAzuresForm(method: String, path: String, body: String?, status: Int, code: String) async throws {
    try await LiveRegistry.run(fixed: LiveRegistry.declared) { live async throws in
      let reply = try await live.admin(method, path, body)
      #expect(reply.status == status)
      #expect(try self.code(reply) == code)
      #expect(try reply.json()["error"]?["message"]?.string?.isEmpty == false)
      // Nothing is half made.
      #expect(await live.registry.workspaces.flatMap(\.services).map(\.name) == ["fhir"])
      #expect(live.host.open.count.withLock { $0 } == 1)
    }
  }

  @Test func references() async throws {
    try await LiveRegistry.run { live async throws in
      // What comes over the network reads neither the environment nor files.
      _ = try await live.admin("PUT", "/workspaces/w", #"{"tags":{"a":"${PATH}","b":"file:/etc/hostname"}}"#)
      let tags = try await live.admin("GET", "/workspaces/w").json()["tags"]
      #expect(tags?["a"]?.string == "${PATH}")
      #expect(tags?["b"]?.string == "file:/etc/hostname")
      let large = #"{"tags":{"a":""# + String(repeating: "x", count: 1 << 20) + #""}}"#
      #expect(try await live.admin("PUT", "/workspaces/w", large).status == 413)
      #expect(try await live.admin("PUT", "/workspaces/w", "{}", ["Content-Type": "text/plain"]).status == 415)
    }
  }

  @Test func theReleaseOfAServiceStays() async throws {
    try await LiveRegistry.run { live async throws in
      _ = try await live.admin("PUT", "/workspaces/w", "{}")
      _ = try await live.admin("PUT", "/workspaces/w/fhirservices/x", "{}")
      #expect(try await live.admin("PUT", "/workspaces/w/fhirservices/x", #"{"kind":"fhir-R5"}"#).status == 409)
      #expect(try await live.admin("GET", "/workspaces/w/fhirservices/x").json()["kind"]?.string == "fhir-R4")
    }
  }

  @Test(arguments: [
    ("w", "Microsoft.HealthcareApis/workspaces", true), ("file", "Microsoft.HealthcareApis/workspaces", false),
    ("a-b", "Microsoft.HealthcareApis/workspaces", false),
    ("file/x", "Microsoft.HealthcareApis/workspaces/fhirservices", true),
    ("file/fhir", "Microsoft.HealthcareApis/workspaces/dicomservices", false),
    ("x", "Microsoft.HealthcareApis/workspaces/fhirservices", false),
  ])
  func namesAreLookedUp(name: String, type: String, isFree: Bool) async throws {
    try await LiveRegistry.run(fixed: LiveRegistry.declared) { live async throws in
      let reply = try await live.admin("POST", "/checkNameAvailability", #"{"name":"\#(name)","type":"\#(type)"}"#)
      #expect(try reply.json()["nameAvailable"]?.bool == isFree)
    }
  }

  // MARK: Who may

  @Test(arguments: [
    ["X-Forwarded-For": "10.0.0.1"], ["Forwarded": "for=10.0.0.1"], ["Via": "1.1 x"], ["Origin": "http://evil.example"],
    ["Host": "evil.example"], ["Host": "127.0.0.1.evil.example"], ["X-Real-IP": "10.0.0.1"],
    ["Host": "10.0.0.1"],
  ])
  func withoutAKeyOnlyThisMachineAsks(headers: [String: String]) async throws {
    try await LiveRegistry.run { live async throws in
      let reply = try await live.admin("PUT", "/workspaces/w", "{}", headers)
      #expect(reply.status == 403)
      #expect(try code(reply) == "AuthorizationFailed")
      #expect(await live.registry.workspaces.isEmpty)
      for host in ["localhost", "127.0.0.1:1", "[::1]:80", "LOCALHOST:8080"] {
        #expect(try await live.admin("GET", "/workspaces", nil, ["Host": host]).status == 200)
      }
    }
  }

  @Test func aProxyOnThisMachineIsNotThisMachine() async throws {
    try await LiveRegistry.run { configuration in
      configuration.trustedProxies = [AddressRange("127.0.0.1")].compactMap { $0 }
    } _: { live async throws in
      #expect(try await live.admin("GET", "/workspaces").status == 403)
    }
  }

  @Test func withAKeyTheKeyCounts() async throws {
    let key = "0123456789abcdef0123456789abcdef"
    try await LiveRegistry.run(key: key) { live async throws in
      for given in [nil, "", "Bearer", "Bearer ", "Bearer x", "Bearer \(key)0", "Bearer \(key.dropLast())", key] {
        let reply = try await live.admin("GET", "/workspaces", nil, given.map { ["Authorization": $0] } ?? [:])
        #expect(reply.status == 401)
        #expect(reply.header("www-authenticate") == "Bearer")
      }
      let headers = ["Authorization": "Bearer \(key)", "X-Forwarded-For": "10.0.0.1", "Host": "a.example"]
      #expect(try await live.admin("GET", "/workspaces", nil, headers).status == 200)
    }
  }
}
