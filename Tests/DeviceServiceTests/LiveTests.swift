import Base
import DeviceService
import DeviceStore
import FHIRService
import Foundation
import FoundationNetworking
import HTTPServer
import JSONCore
import Server
import Testing
import Workspace

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
      let fhir = FHIRMount(workspace: "default", name: "fhir", service: devices.fhir)
      let mount = DeviceMount(name: "devices", service: devices.service, destination: fhir)
      let server = Server(
        [fhir], devices: [mount], configuration,
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

  /// Sends a request below the service's address and looks at the answer's status.
  private func check(
    _ port: Int, _ status: Int, _ method: String, _ path: String, _ body: String? = nil,
    _ type: String = "application/json", _ fields: [String: String] = [:]
  ) async throws {
    let answer = try await ask(port, method, "/default/devices" + path, body, type, fields)
    #expect(answer.status == status, "\(method) \(path): \(answer.text)")
  }

  @Test func eachInterfaceHasItsStatus() async throws {
    try await run { port, devices in
      try await check(port, 202, "POST", "/messages", "[{},{}]")
      try await check(port, 202, "POST", "/messages", "{}\n{}", "application/x-ndjson")
      try await check(port, 201, "POST", "/messages", #"[{"Body":"{}"}]"#, "application/vnd.microsoft.servicebus.json")
      try await check(port, 204, "POST", "/devices/d1/messages/events?api-version=2020-03-13", "{}")
      try await check(port, 400, "POST", "/messages", "{")
      try await check(port, 415, "POST", "/messages", "x", "text/plain")
      try await check(port, 413, "POST", "/messages", "\"" + String(repeating: "x", count: 1 << 20) + "\"")
      try await check(port, 405, "GET", "/messages")
      try await check(port, 404, "GET", "/nowhere")
      try await check(port, 200, "GET", "")
      try await check(port, 200, "GET", "/mappings/device")
      try await check(port, 400, "PUT", "/mappings/device", "{}")
      try await check(port, 200, "GET", "/quarantine")
      try await check(port, 404, "GET", "/quarantine/7")
      try await check(port, 400, "POST", "/$replay")
      try await check(port, 202, "POST", "/$replay?from=2000-01-01")
      try await check(port, 200, "POST", "/$debug-mapping", "{}")
      let appended = try devices.service.store.progress().appended
      #expect(appended == 6)
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
      try await check(port, 403, "POST", "/messages", "{}", "application/octet-stream", origin)
      try await check(port, 403, "POST", "/quarantine/$replay", nil, "", origin)
      let appended = try devices.service.store.progress().appended
      #expect(appended == 0)
    }
  }
}
