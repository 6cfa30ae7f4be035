import Base
import DeviceMapping
import DeviceService
import DeviceStore
import FHIRModel
import FHIRSearch
import FHIRService
import FHIRStore
import Foundation
import JSONCore
import Storage
import Synchronization
import TestStores
import Testing

/// A device service over a real store in a folder of its own, and the FHIR service that its Observations go to.
final class TestDevices: Sendable {
  static let base = "http://test.example/fhir"
  let folder: String
  let database: any Database
  let store: FHIRStore
  let fhir: FHIRService
  let service: DeviceService

  private init(_ folder: String, name: String, mapping: String?, _ configuration: DeviceConfiguration) async throws {
    self.folder = folder
    database = try TestStores.open(folder + "/store.sqlite", syncs: false)
    store = try await FHIRStore(database, schema: .r4, clock: .system)
    fhir = FHIRService(
      store, limits: Limits(), clock: .system, ids: IdentifierSource(clock: .system),
      software: FHIRService.Software(name: "Aceso", version: "test"))
    service = try await DeviceService(fhir, store, name: name, configuration: configuration, clock: .system)
    if let mapping {
      let ready = try #require(ReadyMapping.named(mapping))
      try await service.setMapping(.device, ready.device)
      try await service.setMapping(.fhir, ready.fhir)
    }
  }

  static func fresh() throws -> String {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("aceso-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    return folder
  }

  /// Runs a test with a device service; nothing is worked through until `drain` or `service.start`.
  /// - Parameter folder: of a store that was closed; it is kept. nil for a fresh one.
  static func run<R>(
    mapping: String? = "vitals", folder: String? = nil, configure: (inout DeviceConfiguration) -> Void = { _ in },
    _ body: (TestDevices) async throws -> R
  ) async throws -> R {
    var configuration = DeviceConfiguration()
    configuration.limits.lingerMilliseconds = 0
    configure(&configuration)
    let place = try folder ?? fresh()
    let devices = try await TestDevices(
      place, name: "default/devices", mapping: folder == nil ? mapping : nil, configuration)
    let result: Result<R, any Error>
    do { result = .success(try await body(devices)) } catch { result = .failure(error) }
    await devices.service.stop()
    await devices.store.close()
    if folder == nil { try? FileManager.default.removeItem(atPath: place) }
    return try result.get()
  }

  // MARK: Messages

  func send(_ messages: String...) async throws { try await send(messages) }

  func send(_ messages: [String]) async throws {
    try await service.accept(messages.map { MessageContent(body: Array($0.utf8)) })
  }

  /// Works through all that waits.
  func drain() async throws {
    service.start()
    let end = ContinuousClock.now + .seconds(60)
    while true {
      let isReplaying = try service.store.nextReplay() != nil
      if try service.store.progress().waiting == 0, !isReplaying { break }
      try #require(ContinuousClock.now < end, "the messages are not worked through in time")
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  func sendAll(_ messages: String...) async throws {
    try await send(messages)
    try await drain()
  }

  var quarantine: [QuarantinedMessage] {
    get async throws { try await service.store.quarantined(max: 10_000) }
  }

  func ask(
    _ interaction: DeviceInteraction, _ body: String = "", type: String? = nil, _ parameters: [String: String] = [:]
  )
    async throws -> (status: Int, body: JSONValue?)
  {
    var call = DeviceCall(interaction)
    call.body = Array(body.utf8)
    call.contentType = type
    call.parameters = parameters
    let answer = try await service.perform(call)
    return (answer.status, try answer.body.map { try JSONDocument($0).value })
  }

  // MARK: Resources

  /// All resources that a search finds, as JSON.
  func search(_ type: String, _ query: String = "") async throws -> [JSONValue] {
    var found: [JSONValue] = []
    var next: String? = "_count=1000&\(query)"
    while let query = next {
      let parsed = QueryString(parsing: query)
      let schemaType = try #require(fhir.schema.resourceType(type))
      var call = Call(.search(schemaType, parsed), base: Self.base)
      call.query = parsed
      let answer = try await fhir.perform(call, .everything)
      let bundle = try JSONDocument(try #require(answer.resource)).value
      found += (bundle["entry"]?.elements ?? []).compactMap { $0["resource"] }
      let link = bundle["link"]?.elements.first { $0["relation"]?.string == "next" }?["url"]?.string
      next = link.flatMap { $0.split(separator: "?").last.map(String.init) }
    }
    return found
  }

  @discardableResult
  func put(_ json: String) async throws -> Int {
    let document = try JSONDocument(json)
    let type = try #require(fhir.schema.resourceType(document.value["resourceType"]?.string ?? ""))
    var call = Call(.update(type, id: document.value["id"]?.string ?? ""), base: Self.base)
    call.resource = ResourceNode(document)
    return try await fhir.perform(call, .everything).status
  }

  /// What Observations say, without what depends on when they were written.
  func observations() async throws -> [String: String] {
    var all: [String: String] = [:]
    for observation in try await search("Observation") {
      var writer = JSONWriter()
      writer.beginObject()
      for (name, value) in observation.members where !["meta", "issued", "status"].contains(name) {
        writer.key(name)
        writer.raw(value.json)
      }
      writer.endObject()
      all[observation["id"]?.string ?? ""] = String(decoding: writer.bytes, as: UTF8.self)
    }
    return all
  }
}

/// A heart rate in the form of the ready mapping `vitals`.
func heartRate(_ rate: String, device: String = "d1", patient: String? = "p1", at time: String, more: String = "")
  -> String
{
  let patient = patient.map { #","patientId":"\#($0)""# } ?? ""
  return #"{"deviceId":"\#(device)"\#(patient),"timestamp":"\#(time)","heartRate":\#(rate)\#(more)}"#
}
