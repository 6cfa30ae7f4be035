import Base
import DeviceStore
import JSONCore

/// An event of the CNCF's specification 1.0.2: attributes become properties of the message, under the names that its
/// AMQP binding gives them, as mappings of Event Hubs see them.
struct CloudEvent {
  private static let prefix = "cloudEvents_"
  private var attributes: [(name: String, value: [UInt8])] = []
  private var data: [UInt8] = []

  /// The structured mode: an event as JSON.
  /// - Throws: `.invalid` for what is no event.
  init(_ value: JSONValue) throws(Fault) {
    guard value.kind == .object else { throw Fault(.invalid, "A CloudEvent is a JSON object.", code: "structure") }
    for (name, member) in value.members {
      switch name {
      case "data": data = MessageRequest.bytes(member.document, member.node)
      case "data_base64":
        guard let bytes = member.string.flatMap({ Base64.decode($0) }) else {
          throw Fault(.invalid, "The 'data_base64' of a CloudEvent is no base64.", code: "value")
        }
        data = bytes
      default:
        guard member.kind != .object, member.kind != .array, member.kind != .null else { continue }
        attributes.append((name, MessageRequest.bytes(member.document, member.node)))
      }
    }
    try check(Set(value.members.filter { $0.value.kind == .string }.map(\.name)), value["specversion"]?.string)
  }

  /// The binary mode: attributes are fields that begin with `ce-`; nil without them.
  /// - Throws: `.invalid` for an event without a required attribute.
  init?(fields: [(name: String, value: String)]) throws(Fault) {
    let own = fields.filter { $0.name.hasPrefix("ce-") }
    guard !own.isEmpty else { return nil }
    var version: String?
    for (name, value) in own {
      let name = String(name.dropFirst(3))
      if name == "specversion" { version = value }
      var writer = JSONWriter()
      writer.string(PercentText.decoded(value))
      attributes.append((name, writer.bytes))
    }
    try check(Set(attributes.map(\.name)), version)
  }

  private func check(_ present: Set<String>, _ version: String?) throws(Fault) {
    for name in ["id", "source", "type", "specversion"] where !present.contains(name) {
      throw Fault(.invalid, "The CloudEvent has no '\(name)'.", code: "required")
    }
    guard version == "1.0" else {
      throw Fault(.invalid, "CloudEvents of specversion 1.0 are taken, no others.", code: "not-supported")
    }
  }

  func message(_ system: [UInt8]) -> MessageContent { message(body: data, system) }

  func message(body: [UInt8], _ system: [UInt8]) -> MessageContent {
    var writer = JSONWriter()
    writer.beginObject()
    var seen: Set<String> = []
    for (name, value) in attributes where seen.insert(name).inserted {
      writer.key(Self.prefix + name)
      writer.raw(value)
    }
    writer.endObject()
    return MessageContent(body: body, properties: writer.bytes, systemProperties: system)
  }
}

/// One message of a batch for Event Hubs' REST interface:
/// `{"Body":"…","UserProperties":{…},"BrokerProperties":{"PartitionKey":"…"}}`, where the body is a text that holds JSON.
struct EventHubsItem {
  private let value: JSONValue

  init(_ value: JSONValue) throws(Fault) {
    guard value.kind == .object, value["Body"] != nil else {
      throw Fault(.invalid, "A message of a batch is a JSON object with a 'Body'.", code: "structure")
    }
    self.value = value
  }

  func message(_ system: [UInt8]) throws(Fault) -> MessageContent {
    func bytes(_ value: JSONValue?) -> [UInt8] {
      guard let value, value.kind == .object else { return [] }
      return MessageRequest.bytes(value.document, value.node)
    }
    let body = value["Body"]
    var content: [UInt8] = []
    if let text = body?.string {
      content = Array(text.utf8)
    } else if let body {
      content = MessageRequest.bytes(body.document, body.node)
    }
    var own = system
    if own.isEmpty, let key = value["BrokerProperties"]?["PartitionKey"]?.string {
      var writer = JSONWriter()
      writer.beginObject()
      writer.member("x-opt-partition-key", key)
      writer.endObject()
      own = writer.bytes
    }
    return MessageContent(body: content, properties: bytes(value["UserProperties"]), systemProperties: own)
  }
}
