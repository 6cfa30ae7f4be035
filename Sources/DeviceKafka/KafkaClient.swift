import CRdKafka
import DeviceStore
import JSONCore

/// A message as a broker gives it.
struct KafkaMessage: Sendable {
  let partition: KafkaPartition
  let offset: Int64
  let content: MessageContent
}

/// librdkafka's consumer.
///
/// It is `@unchecked Sendable` because the handle's calls may come from any thread (librdkafka, INTRODUCTION.md,
/// "Threads and callbacks"), and everything else here belongs to the thread that polls.
final class KafkaClient: @unchecked Sendable {
  enum Event {
    case message(KafkaMessage)
    /// Partitions that this consumer has from now on; `assign` says from where.
    case assigned([KafkaPartition])
    case nothing
  }

  private let handle: OpaquePointer
  /// Filled by the callback while `poll` is under way, on its thread.
  private let rebalance: Rebalance

  private final class Rebalance {
    var assigned: [KafkaPartition]?
  }

  init(_ configuration: KafkaConfiguration) throws(KafkaError) {
    guard let settings = rd_kafka_conf_new() else { throw KafkaError(description: "no memory") }
    var text = [CChar](repeating: 0, count: 512)
    for (name, value) in configuration.all.sorted(by: { $0.key < $1.key }) {
      guard rd_kafka_conf_set(settings, name, value, &text, text.count) == RD_KAFKA_CONF_OK else {
        rd_kafka_conf_destroy(settings)
        throw KafkaError(description: Self.string(text))
      }
    }
    let rebalance = Rebalance()
    rd_kafka_conf_set_opaque(settings, Unmanaged.passUnretained(rebalance).toOpaque())
    rd_kafka_conf_set_rebalance_cb(settings) { handle, code, partitions, opaque in
      guard let handle, let opaque else { return }
      if code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
        let rebalance = Unmanaged<Rebalance>.fromOpaque(opaque).takeUnretainedValue()
        rebalance.assigned = KafkaClient.partitions(partitions)
      } else {
        rd_kafka_assign(handle, nil)
      }
    }
    guard let handle = rd_kafka_new(RD_KAFKA_CONSUMER, settings, &text, text.count) else {
      rd_kafka_conf_destroy(settings)
      throw KafkaError(description: Self.string(text))
    }
    self.handle = handle
    self.rebalance = rebalance
    rd_kafka_poll_set_consumer(handle)
  }

  deinit { rd_kafka_destroy(handle) }

  private static func string(_ text: [CChar]) -> String {
    String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static func partitions(_ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?) -> [KafkaPartition] {
    guard let list, let elements = list.pointee.elems else { return [] }
    return (0..<Int(list.pointee.cnt)).map {
      KafkaPartition(topic: elements[$0].topic.map { String(cString: $0) } ?? "", number: elements[$0].partition)
    }
  }

  func subscribe(_ topic: String) throws(KafkaError) {
    let list = rd_kafka_topic_partition_list_new(1)
    defer { rd_kafka_topic_partition_list_destroy(list) }
    rd_kafka_topic_partition_list_add(list, topic, -1)
    let code = rd_kafka_subscribe(handle, list)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
      throw KafkaError(description: String(cString: rd_kafka_err2str(code)))
    }
  }

  /// Takes partitions over from these places; without one, from where the group was, or the beginning.
  func assign(_ partitions: [KafkaPartition], from offsets: [Int64?]) {
    let list = rd_kafka_topic_partition_list_new(Int32(clamping: partitions.count))
    defer { rd_kafka_topic_partition_list_destroy(list) }
    for (partition, offset) in zip(partitions, offsets) {
      let element = rd_kafka_topic_partition_list_add(list, partition.topic, partition.number)
      element?.pointee.offset = offset ?? Int64(RD_KAFKA_OFFSET_STORED)
    }
    rd_kafka_assign(handle, list)
  }

  func seek(_ partition: KafkaPartition, to offset: Int64) {
    let list = rd_kafka_topic_partition_list_new(1)
    defer { rd_kafka_topic_partition_list_destroy(list) }
    rd_kafka_topic_partition_list_add(list, partition.topic, partition.number)?.pointee.offset = offset
    if let error = rd_kafka_seek_partitions(handle, list, 5_000) { rd_kafka_error_destroy(error) }
  }

  /// Tells the group how far it is, for those who watch it; nothing depends on it.
  func commit(_ offsets: [String: Range<Int64>]) {
    let list = rd_kafka_topic_partition_list_new(Int32(clamping: offsets.count))
    defer { rd_kafka_topic_partition_list_destroy(list) }
    for (source, range) in offsets {
      let parts = source.split(separator: "/")
      guard parts.count >= 3, let number = parts.last.flatMap({ Int32($0) }) else { continue }
      let topic = parts[1..<(parts.count - 1)].joined(separator: "/")
      rd_kafka_topic_partition_list_add(list, topic, number)?.pointee.offset = range.upperBound
    }
    rd_kafka_commit(handle, list, 1)
  }

  func poll(milliseconds: Int32) -> Event {
    let message = rd_kafka_consumer_poll(handle, milliseconds)
    defer { if let message { rd_kafka_message_destroy(message) } }
    if let assigned = rebalance.assigned {
      rebalance.assigned = nil
      // A message cannot come before the assignment.
      return .assigned(assigned)
    }
    // Errors are told once and mended by librdkafka itself: brokers that are away come back.
    guard let message, message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR else { return .nothing }
    return .message(Self.message(message))
  }

  private static func message(_ message: UnsafeMutablePointer<rd_kafka_message_t>) -> KafkaMessage {
    let record = message.pointee
    let topic = record.rkt.flatMap { rd_kafka_topic_name($0) }.map { String(cString: $0) } ?? ""
    var system: [UInt8] = []
    if let key = record.key, record.key_len > 0 {
      var writer = JSONWriter()
      writer.beginObject()
      writer.key("x-opt-partition-key")
      writer.string(String(decoding: UnsafeRawBufferPointer(start: key, count: record.key_len), as: UTF8.self))
      writer.endObject()
      system = writer.bytes
    }
    let content = MessageContent(
      body: [UInt8](UnsafeRawBufferPointer(start: record.payload, count: record.payload == nil ? 0 : record.len)),
      properties: headers(of: message), systemProperties: system)
    return KafkaMessage(
      partition: KafkaPartition(topic: topic, number: record.partition), offset: record.offset, content: content)
  }

  /// A record's headers as properties; of several of one name the last counts.
  private static func headers(of message: UnsafeMutablePointer<rd_kafka_message_t>) -> [UInt8] {
    var list: OpaquePointer?
    guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return [] }
    var headers: [String: String] = [:]
    var (place, size) = (0, 0)
    var name: UnsafePointer<CChar>?
    var value: UnsafeRawPointer?
    while rd_kafka_header_get_all(list, place, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR {
      if let name {
        headers[String(cString: name)] = String(
          decoding: UnsafeRawBufferPointer(start: value, count: value == nil ? 0 : size), as: UTF8.self)
      }
      place += 1
    }
    var writer = JSONWriter()
    writer.beginObject()
    for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
      writer.key(name)
      writer.string(value)
    }
    writer.endObject()
    return writer.bytes
  }

  /// Leaves the group.
  func close() { rd_kafka_consumer_close(handle) }
}
