import Base
import DeviceMQTT
import DeviceService
import DeviceStore
import FHIRModel
import FHIRService
import FHIRStore
import Foundation
import Storage
import TestStores
import Testing

/// Messages come from Mosquitto.
@Suite(.serialized, .enabled(if: Mosquitto.isInstalled, "needs mosquitto: apt install mosquitto mosquitto-clients"))
struct MosquittoTests {
  private func withService(_ body: (DeviceService) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("aceso-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let store = try await FHIRStore(
      try TestStores.open(folder + "/store.sqlite", syncs: false), schema: .r4, clock: .system)
    let fhir = FHIRService(
      store, limits: Limits(), clock: .system, ids: IdentifierSource(clock: .system),
      software: FHIRService.Software(name: "Aceso", version: "test"))
    let service = try await DeviceService(fhir, store, name: "default/devices", clock: .system)
    do { try await body(service) } catch {
      await store.close()
      throw error
    }
    await store.close()
  }

  private func eventually(_ what: String, _ condition: () throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(30)
    while try !condition() {
      try #require(ContinuousClock.now < end, "\(what)")
      try await Task.sleep(for: .milliseconds(10))
    }
  }

  private func numbers(_ service: DeviceService) async throws -> [Int] {
    try await service.store.messages(after: 0, max: .max).compactMap {
      Int(String(decoding: $0.content.body, as: UTF8.self))
    }
  }

  @Test func messagesComeInTheirOrder() async throws {
    let broker = try Mosquitto()
    try await withService { service in
      let source = MQTTSource(broker.configuration, for: service)
      source.start()
      try await eventually("a subscription") { source.isConnected }
      try broker.publish((0..<2_000).map(String.init))
      try await eventually("all messages") { try service.store.progress().appended >= 2_000 }
      #expect(try await numbers(service) == Array(0..<2_000))
      await source.stop()
    }
  }

  /// Clients that come and go while messages come, and a broker that ends and begins: nothing is lost.
  @Test func nothingIsLostWhileNobodyIsThere() async throws {
    let broker = try Mosquitto()
    try await withService { service in
      let first = MQTTSource(broker.configuration, for: service)
      first.start()
      try await eventually("a subscription") { first.isConnected }
      await first.stop()
      var sent = 0
      for turn in 0..<3 {
        try broker.publish((sent..<(sent + 500)).map(String.init))
        sent += 500
        let source = MQTTSource(broker.configuration, for: service)
        source.start()
        try await eventually("some messages") { try service.store.progress().appended > Int64(turn * 500 + 100) }
        await source.stop()
      }
      let last = MQTTSource(broker.configuration, for: service)
      last.start()
      try await eventually("all messages") { try service.store.progress().appended >= Int64(sent) }
      try broker.restart()
      try await eventually("the subscription again") { last.isConnected }
      try broker.publish([String(sent)])
      try await eventually("the last message") { try service.store.messagesHold(sent) }
      await last.stop()
      #expect(Set(try await numbers(service)) == Set(0...sent))
    }
  }
}

extension DeviceStore {
  /// Whether so many messages are there, and one more.
  fileprivate func messagesHold(_ count: Int) throws -> Bool { try progress().appended > count }
}

/// A broker on a port of its own, which keeps sessions on its disk.
final class Mosquitto: @unchecked Sendable {
  // Used from one test at a time.
  static let path = "/usr/sbin/mosquitto"
  static let publisher = "/usr/bin/mosquitto_pub"
  static let isInstalled = [path, publisher].allSatisfy { FileManager.default.isExecutableFile(atPath: $0) }

  private let folder: URL
  private let port: Int
  private var process = Process()

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("mosquitto-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    port = Int.random(in: 21_000..<29_000)
    let text = """
      listener \(port) 127.0.0.1
      allow_anonymous true
      persistence true
      persistence_location \(folder.path)/
      autosave_on_changes true
      autosave_interval 1
      max_queued_messages 100000
      user root
      """
    try Data(text.utf8).write(to: folder.appendingPathComponent("mosquitto.conf"))
    try start()
  }

  deinit {
    stop()
    try? FileManager.default.removeItem(at: folder)
  }

  var configuration: MQTTConfiguration {
    MQTTConfiguration(host: "127.0.0.1", port: port, filters: ["test/#"], clientID: "aceso-test")
  }

  private func start() throws {
    process = Process()
    process.executableURL = URL(fileURLWithPath: Self.path)
    process.arguments = ["-c", folder.appendingPathComponent("mosquitto.conf").path]
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    for _ in 0..<200 {
      if (try? publish(["ready"], topic: "other")) != nil { return }
      usleep(25_000)
    }
    throw TestFailure(description: "mosquitto does not start")
  }

  private func stop() {
    process.terminate()
    process.waitUntilExit()
  }

  func restart() throws {
    stop()
    try start()
  }

  /// Sends messages with quality of service 1, one after the other.
  func publish(_ messages: [String], topic: String = "test/a") throws {
    let client = Process()
    client.executableURL = URL(fileURLWithPath: Self.publisher)
    client.arguments = ["-h", "127.0.0.1", "-p", "\(port)", "-q", "1", "-t", topic, "-l"]
    let input = Pipe()
    client.standardInput = input
    client.standardError = FileHandle.nullDevice
    try client.run()
    input.fileHandleForWriting.write(Data((messages.joined(separator: "\n") + "\n").utf8))
    try input.fileHandleForWriting.close()
    client.waitUntilExit()
    guard client.terminationStatus == 0 else { throw TestFailure(description: "a message was not taken") }
  }
}

struct TestFailure: Error, CustomStringConvertible {
  let description: String
}
