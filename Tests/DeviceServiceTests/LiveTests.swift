import Base
import DeviceService
import FHIRService
import Foundation
import FoundationNetworking
import HTTPServer
import JSONCore
import Server
import Testing


/// Over HTTP, as a device's gateway sees it.
@Suite struct LiveTests {
  private func ask(
    _ port: Int, _ method: String, _ path: String, _ body: String? = nil, _ type: String = "application/json",
    _ fields: [String: String] = [:]
  ) async throws -> (status: Int, text: String) {
    var request = URLRequest(url: try #require(URL(string: "http://127.0.0.1:\(port)\(path)")))
    request.httpMethod = method
    if let body {
      request.httpBody = Data(body.utf8)
      request.setValue(type, forHTTPHeaderField: "Content-Type")
    }
    for (name, value) in fields { request.setValue(value, forHTTPHeaderField: name) }
    let (data, response) = try await URLSession.shared.data(for: request)
    return ((response as? HTTPURLResponse)?.statusCode ?? 0, String(decoding: data, as: UTF8.self))
  }

  private func run(_ body: (Int, TestDevices) async throws -> Void) async throws {
    try await TestDevices.run { devices in
      var configuration = ServerConfiguration()
      configuration.port = 0
      let mount = DeviceMount(workspace: "default", name: "devices", service: devices.service)
      let server = Server(
        [FHIRMount(workspace: "default", name: "fhir", service: devices.fhir)], devices: [mount], configuration,
        eventLoops: 1, software: FHIRService.Software(name: "Aceso", version: "test"),
        ids: IdentifierSource(clock: .system), log: Log(level: .error))
      let port = try await server.start().port
      do { try await body(port, devices) } catch {
        await server.shutdown()
        throw error
      }
      await server.shutdown()
    }
  }

  @Test func aMessageBecomesAnObservation() async throws {
    try await run { port, devices in
      let accepted = try await ask(
        port, "POST", "/default/devices/messages", heartRate("72", at: "2026-11-21T08:00:00Z"))
      #expect(accepted.status == 202)
      #expect(accepted.text == #"{"messages":1,"first":1,"last":1}"#)
      try await devices.drain()
      let found = try await ask(port, "GET", "/default/fhir/Observation?device.identifier=d1&_summary=count")
      #expect(found.text.contains(#""total":1"#))
      let metrics = try await ask(port, "GET", "/metrics").text
      #expect(metrics.contains(#"aceso_device_DeviceEvent_total{workspace="default",service="devices"} 1"#))
      #expect(metrics.contains(#"name="ObservationCreated"} 1"#))
    }
  }

  @Test func eachInterfaceHasItsStatus() async throws {
    try await run { port, devices in
      let base = "/default/devices"
      func status(_ method: String, _ path: String, _ body: String? = nil, _ type: String = "application/json")
        async throws -> Int
      {
        try await ask(port, method, base + path, body, type).status
      }
      #expect(try await status("POST", "/messages", "[{},{}]") == 202)
      #expect(try await status("POST", "/messages", "{}\n{}", "application/x-ndjson") == 202)
      #expect(
        try await status("POST", "/messages", #"[{"Body":"{}"}]"#, "application/vnd.microsoft.servicebus.json") == 201)
      #expect(try await status("POST", "/devices/d1/messages/events?api-version=2020-03-13", "{}") == 204)
      #expect(try await status("POST", "/messages", "{") == 400)
      #expect(try await status("POST", "/messages", "x", "text/plain") == 415)
      #expect(try await status("POST", "/messages", "\"" + String(repeating: "x", count: 1 << 20) + "\"") == 413)
      #expect(try await status("GET", "/messages") == 405)
      #expect(try await status("GET", "/nowhere") == 404)
      #expect(try await status("GET", "") == 200)
      #expect(try await status("GET", "/mappings/device") == 200)
      #expect(try await status("PUT", "/mappings/device", "{}") == 400)
      #expect(try await status("GET", "/quarantine") == 200)
      #expect(try await status("GET", "/quarantine/7") == 404)
      #expect(try await status("POST", "/$replay") == 400)
      #expect(try await status("POST", "/$replay?from=2000-01-01") == 202)
      #expect(try await status("POST", "/$debug-mapping", "{}") == 200)
      #expect(try devices.service.store.progress().appended == 6)
    }
  }

  @Test func wrongMappingsAreToldAsOutcome() async throws {
    try await run { port, _ in
      let mapping = "{\"templateType\":\"CollectionContent\",\"template\":[\n{\"templateType\":\"X\"}]}"
      let answer = try await ask(port, "PUT", "/default/devices/mappings/device", mapping)
      #expect(answer.status == 400)
      #expect(answer.text.contains("line 2, column"))
    }
  }

  @Test func pagesOfOtherOriginsWriteNothing() async throws {
    try await run { port, devices in
      let origin = ["Origin": "http://evil.example"]
      #expect(
        try await ask(port, "POST", "/default/devices/messages", "{}", "application/octet-stream", origin).status == 403
      )
      #expect(try await ask(port, "POST", "/default/devices/quarantine/$replay", nil, "", origin).status == 403)
      #expect(try devices.service.store.progress().appended == 0)
    }
  }
}
