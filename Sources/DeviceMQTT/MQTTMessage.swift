import DeviceService
import DeviceStore
import JSONCore

/// What a message is for mappings: IoT Hub's topics say which device it is from and have its properties, so that
/// mappings for it run as they are; every message has its topic.
enum MQTTMessage {
  static func content(_ publish: MQTTPublish) -> MessageContent {
    let parts = publish.topic.split(separator: "/", maxSplits: 4, omittingEmptySubsequences: false)
    // devices/{device}/messages/events/{property bag}
    let isIoTHub = parts.count >= 4 && parts[0] == "devices" && parts[2] == "messages" && parts[3] == "events"
    var system = JSONWriter()
    system.beginObject()
    system.member("mqtt-topic", publish.topic)
    if isIoTHub { system.member("iothub-connection-device-id", String(parts[1])) }
    system.endObject()
    let bag = isIoTHub && parts.count == 5 ? properties(parts[4]) : []
    return MessageContent(body: publish.payload, properties: bag, systemProperties: system.bytes)
  }

  /// `name=value&name=value`, percent-encoded. Those that begin with `$.` are the broker's own.
  private static func properties(_ bag: Substring) -> [UInt8] {
    var writer = JSONWriter()
    var seen: Set<String> = []
    writer.beginObject()
    for pair in bag.split(separator: "&") {
      let pair = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = PercentText.decoded(pair[0])
      guard !name.isEmpty, !name.hasPrefix("$."), seen.insert(name).inserted else { continue }
      writer.key(name)
      writer.string(pair.count == 2 ? PercentText.decoded(pair[1]) : "")
    }
    writer.endObject()
    return seen.isEmpty ? [] : writer.bytes
  }
}
