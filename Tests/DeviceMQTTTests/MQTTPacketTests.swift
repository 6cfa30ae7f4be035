import DeviceStore
import Testing

@testable import DeviceMQTT

/// Packets of MQTT 3.1.1 as bytes.
@Suite struct MQTTPacketTests {
  private func read(_ bytes: [UInt8]) throws -> MQTTPacket? {
    guard let (head, body) = try MQTTReader.length(bytes), bytes.count == head + body else { return nil }
    return try MQTTReader.packet(bytes[0], Array(bytes[head...]))
  }

  /// MQTT 3.1.1 §3.1 (figure 3.2 to 3.6), §3.3, §3.4, §3.8, §3.12.
  @Test func bytesAreThoseOfTheStandard() {
    let connect = MQTTConnect(clientID: "c", keepAliveSeconds: 10, user: "u", password: "p")
    #expect(
      MQTTPacket.connect(connect).bytes == [
        0x10, 0x13, 0, 4, 0x4D, 0x51, 0x54, 0x54, 4, 0xC0, 0, 10, 0, 1, 0x63, 0, 1, 0x75, 0, 1, 0x70,
      ])
    let publish = MQTTPublish(topic: "a/b", payload: [1, 2], quality: 1, identifier: 10)
    #expect(MQTTPacket.publish(publish).bytes == [0x32, 9, 0, 3, 0x61, 0x2F, 0x62, 0, 10, 1, 2])
    #expect(MQTTPacket.puback(0x1234).bytes == [0x40, 2, 0x12, 0x34])
    #expect(MQTTPacket.subscribe(10, filters: ["a/b"]).bytes == [0x82, 8, 0, 10, 0, 3, 0x61, 0x2F, 0x62, 1])
    #expect(MQTTPacket.pingreq.bytes == [0xC0, 0])
  }

  @Test func everyPacketReadsBack() throws {
    let packets: [MQTTPacket] = [
      .connect(MQTTConnect(clientID: "c", keepAliveSeconds: 10, user: "u", password: nil, isClean: true)),
      .connack(sessionPresent: true, code: 0), .publish(MQTTPublish(topic: "t", payload: [], quality: 0)),
      .publish(MQTTPublish(topic: "t", payload: Array(repeating: 7, count: 20_000), quality: 1, identifier: 65_535)),
      .puback(1), .subscribe(2, filters: ["a", "b/#"]), .suback(2, codes: [1, 0x80]), .pingreq, .pingresp, .disconnect,
    ]
    for packet in packets { #expect(try read(packet.bytes) == packet) }
  }

  /// §2.2.3, table 2.4.
  @Test(
    arguments: [
      (0, [0x00]), (127, [0x7F]), (128, [0x80, 0x01]), (16_383, [0xFF, 0x7F]), (16_384, [0x80, 0x80, 0x01]),
      (2_097_151, [0xFF, 0xFF, 0x7F]), (2_097_152, [0x80, 0x80, 0x80, 0x01]),
    ] as [(Int, [UInt8])])
  func lengths(count: Int, bytes: [UInt8]) throws {
    let (head, body) = try #require(try MQTTReader.length([0x30] + bytes + [9, 9, 9]))
    #expect(body == count && head == 1 + bytes.count)
    // Without its last byte it is not known yet.
    #expect(try MQTTReader.length([0x30] + bytes.dropLast()) == nil)
  }

  @Test func whatIsNoPacketEndsTheConnection() {
    #expect(throws: MQTTError.self) { try MQTTReader.length([0x30, 0xFF, 0xFF, 0xFF, 0xFF]) }
    #expect(throws: MQTTError.self) { try MQTTReader.length([0x30, 0xFF, 0xFF, 0xFF, 0x7F]) }
    for bytes: [UInt8] in [
      [0x30, 1, 0], [0x30, 2, 0, 9], [0x32, 3, 0, 1, 0x61], [0x34, 5, 0, 1, 0x61, 0, 1], [0x30, 3, 0, 1, 0xFF],
      [0x40, 1, 0],
      [0x20, 1, 0], [0, 0], [0xF0, 0], [0x10, 3, 0, 1, 0x61],
    ] {
      #expect(throws: MQTTError.self, "\(bytes)") { try read(bytes) }
    }
  }

  @Test func ioTHubsTopicsNameTheDevice() {
    func content(_ topic: String) -> (String, String) {
      let content = MQTTMessage.content(MQTTPublish(topic: topic, payload: [], quality: 0))
      return (
        String(decoding: content.properties, as: UTF8.self), String(decoding: content.systemProperties, as: UTF8.self)
      )
    }
    #expect(content("a/b") == ("", #"{"mqtt-topic":"a/b"}"#))
    let (properties, system) = content("devices/d%201/messages/events/a=b%20c&%24.ct=json&x=")
    #expect(properties == #"{"a":"b c","x":""}"#)
    #expect(system.contains(#""iothub-connection-device-id":"d%201""#))
  }
}
