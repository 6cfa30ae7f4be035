import Base
import DeviceService
import DeviceStore
import Testing

/// What bodies of every kind are as messages.
@Suite struct MessageRequestTests {
  private func read(
    _ body: String, _ type: String? = nil, fields: [(name: String, value: String)] = [], device: String? = nil,
    max: Int = 10
  ) throws(Fault) -> [(body: String, properties: String, system: String)] {
    let request = MessageRequest(
      contentType: type, fields: fields, body: Array(body.utf8), deviceID: device, messagesMax: max)
    return try request.messages().map {
      (
        String(decoding: $0.body, as: UTF8.self), String(decoding: $0.properties, as: UTF8.self),
        String(decoding: $0.systemProperties, as: UTF8.self)
      )
    }
  }

  @Test func aSingleMessageIsTakenAsItStands() throws {
    let messages = try read(#" {"a": 1.50} "#, "application/json; charset=utf-8")
    #expect(messages.map(\.body) == [#"{"a": 1.50}"#])
    #expect(messages[0].properties.isEmpty && messages[0].system.isEmpty)
  }

  @Test func anArrayIsSeveralMessages() throws {
    #expect(try read(#"[{"a":1},[2],"x"]"#).map(\.body) == [#"{"a":1}"#, "[2]", #""x""#])
  }

  @Test func eachLineIsAMessage() throws {
    #expect(try read("{\"a\":1}\r\n\n{\"a\":2}", "application/x-ndjson").map(\.body) == [#"{"a":1}"#, #"{"a":2}"#])
  }

  @Test func theEnvelopeOfMappingsIsOpened() throws {
    let messages = try read(#"{"Body":{"a":1},"Properties":{"p":"x"},"SystemProperties":{"s":2}}"#)
    #expect(messages.map(\.body) == [#"{"a":1}"#])
    #expect(messages[0].properties == #"{"p":"x"}"#)
    #expect(messages[0].system == #"{"s":2}"#)
    // A message that happens to have a member of this name is none.
    #expect(try read(#"{"Body":{"a":1}}"#).map(\.body) == [#"{"Body":{"a":1}}"#])
    #expect(try read(#"{"Body":1,"Properties":{},"c":1}"#).map(\.body) == [#"{"Body":1,"Properties":{},"c":1}"#])
  }

  /// CloudEvents JSON format 1.0.2 §3.1, §4.
  @Test func structuredCloudEventsAreOpened() throws {
    let event = #"{"specversion":"1.0","type":"t","source":"/s","id":"1","subject":"d","data":{"a":1}}"#
    let one = try read(event, "application/cloudevents+json; charset=utf-8")
    #expect(one.map(\.body) == [#"{"a":1}"#])
    #expect(one[0].properties.contains(#""cloudEvents_subject":"d""#))
    let several = try read("[\(event),\(event)]", "application/cloudevents-batch+json")
    #expect(several.map(\.body) == [#"{"a":1}"#, #"{"a":1}"#])
    let encoded = #"{"specversion":"1.0","type":"t","source":"/s","id":"1","data_base64":"eyJhIjoyfQ=="}"#
    #expect(try read(encoded, "application/cloudevents+json").map(\.body) == [#"{"a":2}"#])
  }

  /// CloudEvents HTTP binding 1.0.2 §3.1.
  @Test func binaryCloudEventsAreOpened() throws {
    let fields = [
      (name: "ce-id", value: "1"), (name: "ce-source", value: "/s"), (name: "ce-type", value: "a%20b"),
      (name: "ce-specversion", value: "1.0"),
    ]
    let messages = try read(#"{"a":1}"#, "application/json", fields: fields)
    #expect(messages.map(\.body) == [#"{"a":1}"#])
    #expect(messages[0].properties.contains(#""cloudEvents_type":"a b""#))
    #expect(throws: Fault.self) { try read("{}", fields: [(name: "ce-id", value: "1")]) }
  }

  @Test func eventHubsBatchesAreOpened() throws {
    let body =
      #"[{"Body":"{\"a\":1}","UserProperties":{"p":1},"BrokerProperties":{"PartitionKey":"k"}},{"Body":{"a":2}}]"#
    let messages = try read(body, "application/vnd.microsoft.servicebus.json")
    #expect(messages.map(\.body) == [#"{"a":1}"#, #"{"a":2}"#])
    #expect(messages[0].properties == #"{"p":1}"#)
    #expect(messages[0].system == #"{"x-opt-partition-key":"k"}"#)
  }

  @Test func ioTHubsAddressNamesTheDevice() throws {
    let fields = [(name: "iothub-app-room", value: "7"), (name: "iothub-app-room", value: "8")]
    let messages = try read("{}", "application/json", fields: fields, device: "dev-1")
    #expect(messages[0].system == #"{"iothub-connection-device-id":"dev-1"}"#)
    #expect(messages[0].properties == #"{"room":"7"}"#)
  }

  @Test(arguments: [
    ("{", "application/json", "line 1, column 2"),
    ("{\"a\":1}\n{\"a\":}\n", "application/x-ndjson", "line 2, column 6"),
    ("", "application/json", "line 1"), ("[]", "application/json", "no message"),
    (#"{"data":1}"#, "application/cloudevents+json", "no 'id'"),
    (#"{"specversion":"0.3","type":"t","source":"/s","id":"1"}"#, "application/cloudevents+json", "1.0"),
    (#"{"Body":1}"#, "application/vnd.microsoft.servicebus.json", "array"),
    (#"[1]"#, "application/vnd.microsoft.servicebus.json", "Body"),
  ])
  func whatIsNoMessageIsRefused(body: String, type: String, said: String) throws {
    let fault = #expect(throws: Fault.self) { try read(body, type) }
    #expect(fault?.category == .invalid)
    #expect(fault?.reasons.first?.diagnostics.contains(said) ?? false, "\(fault?.reasons.first?.diagnostics ?? "")")
  }

  @Test func otherMediaTypesAreRefused() {
    let fault = #expect(throws: Fault.self) { try read("x", "text/plain") }
    #expect(fault?.category == .unsupportedMediaType)
  }

  @Test func aRequestHasSoManyMessagesAndNoMore() throws {
    #expect(try read("[1,2,3]", max: 3).count == 3)
    let fault = #expect(throws: Fault.self) { try read("[1,2,3,4]", max: 3) }
    #expect(fault?.category == .tooLarge)
  }
}
