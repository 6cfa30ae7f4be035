import Base
import CRdKafka
import DeviceKafka
import DeviceService
import DeviceStore
import FHIRModel
import FHIRService
import FHIRStore
import Foundation
import Storage
import TestStores
import Testing

/// Messages come from a Kafka cluster: that of librdkafka's own tests, in this process, over TCP.
@Suite struct KafkaSourceTests {
  private static let topic = "devicedata"

  /// A cluster of three brokers. `@unchecked Sendable`: its handles are made once, and librdkafka's calls on them may come
  /// from any thread (INTRODUCTION.md, "Threads and callbacks").
  final class Cluster: @unchecked Sendable {
    // Only made, asked and destroyed from the test that has it.
    private let producer: OpaquePointer
    private let cluster: OpaquePointer
    let brokers: String

    init(partitions: Int32) throws {
      let settings = rd_kafka_conf_new()
      var text = [CChar](repeating: 0, count: 512)
      rd_kafka_conf_set(settings, "test.mock.num.brokers", "3", &text, text.count)
      rd_kafka_conf_set(settings, "linger.ms", "5", &text, text.count)
      rd_kafka_conf_set(settings, "log_level", "0", &text, text.count)
      producer = try #require(rd_kafka_new(RD_KAFKA_PRODUCER, settings, &text, text.count))
      cluster = try #require(rd_kafka_handle_mock_cluster(producer))
      rd_kafka_mock_topic_create(cluster, KafkaSourceTests.topic, partitions, 1)
      brokers = String(cString: try #require(rd_kafka_mock_cluster_bootstraps(cluster)))
    }

    deinit { rd_kafka_destroy(producer) }

    func produce(_ messages: [String], partitions: Int32) throws {
      let handle = try #require(rd_kafka_topic_new(producer, KafkaSourceTests.topic, nil))
      for (place, message) in messages.enumerated() {
        let bytes = Array(message.utf8)
        let code = bytes.withUnsafeBytes {
          rd_kafka_produce(
            handle, Int32(place) % partitions, Int32(RD_KAFKA_MSG_F_COPY),
            UnsafeMutableRawPointer(mutating: $0.baseAddress), $0.count, "k\(place % 7)", 2, nil)
        }
        #expect(code == 0)
        if place % 1_000 == 0 { rd_kafka_poll(producer, 0) }
      }
      #expect(rd_kafka_flush(producer, 20_000) == RD_KAFKA_RESP_ERR_NO_ERROR)
      rd_kafka_topic_destroy(handle)
    }
  }

  /// Runs a test with a device service whose messages are not worked through.
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

  private func waitUntil(_ count: Int64, in service: DeviceService) async throws {
    let end = ContinuousClock.now + .seconds(60)
    while try service.store.progress().appended < count {
      try #require(ContinuousClock.now < end, "the messages do not come in time")
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  /// Consumers that come and go, some in the midst of their work: each message is in the log once, each partition's in
  /// its order.
  @Test func everyMessageIsTakenOverOnce() async throws {
    let cluster = try Cluster(partitions: 4)
    let count = 20_000
    try cluster.produce((0..<count).map { "{\"n\":\($0)}" }, partitions: 4)
    try await withService { service in
      let configuration = KafkaConfiguration(brokers: cluster.brokers, topic: Self.topic, group: "g")
      for _ in 0..<4 {
        let source = try KafkaSource(configuration, for: service)
        try source.start()
        let before = try service.store.progress().appended
        try await waitUntil(min(Int64(count), before + 3_000), in: service)
        await source.stop()
      }
      let last = try KafkaSource(configuration, for: service)
      try last.start()
      try await waitUntil(Int64(count), in: service)
      await last.stop()
      let messages = try await service.store.messages(after: 0, max: .max)
      let numbers = messages.map { String(decoding: $0.content.body.dropFirst(5).dropLast(), as: UTF8.self) }
        .compactMap { Int($0) }
      #expect(numbers.count == count)
      #expect(Set(numbers).count == count)
      for partition in 0..<4 {
        let own = numbers.filter { $0 % 4 == partition }
        #expect(own == own.sorted())
      }
      #expect(
        try await service.store.offsets()
          == Dictionary(
            uniqueKeysWithValues: (0..<4).map { ("kafka/\(Self.topic)/\($0)", Int64(count / 4)) }))
      let system = String(decoding: messages[0].content.systemProperties, as: UTF8.self)
      #expect(system.hasPrefix(#"{"x-opt-partition-key":"k"#))
    }
  }

  @Test func settingsThatAreNoneAreTold() async throws {
    try await withService { service in
      var configuration = KafkaConfiguration(brokers: "localhost:1", topic: "t", group: "g")
      configuration.settings["security.protocol"] = "carrier-pigeon"
      #expect(throws: KafkaError.self) { try KafkaSource(configuration, for: service) }
    }
  }

  /// What Event Hubs' Kafka endpoint asks for (librdkafka's own checks take it).
  @Test func eventHubsSettingsAreTaken() async throws {
    try await withService { service in
      var configuration = KafkaConfiguration(brokers: "localhost:1", topic: "t", group: "$Default")
      configuration.useEventHubs(connectionString: "Endpoint=sb://x/;SharedAccessKeyName=k;SharedAccessKey=s")
      _ = try KafkaSource(configuration, for: service)
    }
  }
}
