public import Base
public import DeviceStore
public import JSONCore

/// Device messages as a protocol with media types and fields brings them.
///
/// | `Content-Type` | body |
/// |---|---|
/// | `application/json`, none | one message; an array is several |
/// | `application/x-ndjson`, `application/jsonl` | one message on each line |
/// | `application/cloudevents+json`, `…-batch+json` | CloudEvents in the structured mode (JSON format 1.0.2) |
/// | any of JSON, with `ce-…` fields | a CloudEvent in the binary mode (HTTP binding 1.0.2) |
/// | `application/vnd.microsoft.servicebus.json` | a batch as the REST interface of Event Hubs has it |
public struct MessageRequest: Sendable {
  public var contentType: String?
  /// Names in lower case.
  public var fields: [(name: String, value: String)]
  public var body: [UInt8]
  /// The device that the address names, as IoT Hub's addresses do.
  public var deviceID: String?
  public var limits = JSONLimits()
  /// Messages at most.
  public var messagesMax: Int

  public init(
    contentType: String?, fields: [(name: String, value: String)] = [], body: [UInt8], deviceID: String? = nil,
    messagesMax: Int
  ) {
    self.contentType = contentType
    self.fields = fields
    self.body = body
    self.deviceID = deviceID
    self.messagesMax = messagesMax
  }

  /// The form of the body, as its media type says.
  enum Form {
    case json, lines, event, events, batch
  }

  /// Reads the messages: all, or none of them.
  /// - Throws: `.invalid` with the place, `.unsupportedMediaType`, `.tooMany` for more than `messagesMax`.
  public func messages() throws(Fault) -> [MessageContent] {
    let form = try form
    var messages: [MessageContent] = []
    if form == .lines {
      try readLines(&messages)
    } else {
      let document = try parsed(body[...])
      switch form {
      case .event: messages = [try CloudEvent(document.value).message(system)]
      case .events:
        try readElements(document, &messages) { (event) throws(Fault) in try CloudEvent(event).message(system) }
      case .batch:
        try readElements(document, &messages) { (item) throws(Fault) in try EventHubsItem(item).message(system) }
      default: try readValues(document, &messages)
      }
    }
    guard !messages.isEmpty else { throw Fault(.invalid, "The body has no message.", code: "required") }
    return messages
  }

  private var form: Form {
    get throws(Fault) {
      let type = contentType.map { MediaType($0).name } ?? ""
      switch type {
      case "", "application/json", "text/json", "application/octet-stream":
        return .json
      case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines": return .lines
      case "application/cloudevents+json": return .event
      case "application/cloudevents-batch+json": return .events
      case "application/vnd.microsoft.servicebus.json": return .batch
      default:
        if type.hasSuffix("+json") { return .json }
        throw Fault(
          .unsupportedMediaType,
          "Messages are application/json, application/x-ndjson, application/cloudevents+json, "
            + "application/cloudevents-batch+json or application/vnd.microsoft.servicebus.json.")
      }
    }
  }

  private func parsed(_ bytes: ArraySlice<UInt8>, line: Int? = nil) throws(Fault) -> JSONDocument {
    var bytes = bytes
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
    do throws(JSONError) {
      return try JSONDocument(Array(bytes), limits: limits)
    } catch {
      throw Fault(
        .invalid, "The message is no JSON: line \(line ?? error.line), column \(error.column): \(error.message)",
        code: "structure")
    }
  }

  // MARK: Forms

  private func readLines(_ messages: inout [MessageContent]) throws(Fault) {
    var number = 0
    for line in body.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
      try checkCount(messages)
      let document = try parsed(line, line: number)
      messages.append(message(document, document.root))
    }
  }

  private func readValues(_ document: JSONDocument, _ messages: inout [MessageContent]) throws(Fault) {
    let event = try CloudEvent(fields: fields)
    if let event {
      messages = [event.message(body: Self.bytes(document, document.root), system)]
    } else if document.kind(document.root) == .array {
      for element in document.elements(document.root) {
        try checkCount(messages)
        messages.append(message(document, element))
      }
    } else {
      messages = [message(document, document.root)]
    }
  }

  private func readElements(
    _ document: JSONDocument, _ messages: inout [MessageContent], _ read: (JSONValue) throws(Fault) -> MessageContent
  ) throws(Fault) {
    guard document.kind(document.root) == .array else {
      throw Fault(.invalid, "The body is no JSON array of messages.", code: "structure")
    }
    for element in document.elements(document.root) {
      try checkCount(messages)
      messages.append(try read(JSONValue(document, element)))
    }
  }

  private func checkCount(_ messages: [MessageContent]) throws(Fault) {
    guard messages.count < messagesMax else {
      throw Fault(.tooLarge, "The body has more than \(messagesMax) messages; send them in several requests.")
    }
  }

  // MARK: One message

  static func bytes(_ document: JSONDocument, _ node: JSONNode) -> [UInt8] {
    Array(document.text[document.range(node)])
  }

  /// A value, or what is in the envelope that mappings see if it comes in one.
  private func message(_ document: JSONDocument, _ node: JSONNode) -> MessageContent {
    guard document.kind(node) == .object, let body = document.member(node, "Body"),
      Self.isEnvelope(document, node)
    else {
      return MessageContent(
        body: Self.bytes(document, node), properties: properties, systemProperties: system)
    }
    func object(_ key: JSONKey) -> [UInt8] {
      guard let part = document.member(node, key), document.kind(part) == .object else { return [] }
      return Self.bytes(document, part)
    }
    let own = object("SystemProperties")
    return MessageContent(
      body: Self.bytes(document, body), properties: object("Properties"),
      systemProperties: system.isEmpty ? own : system)
  }

  private static func isEnvelope(_ document: JSONDocument, _ node: JSONNode) -> Bool {
    let keys: [JSONKey] = ["Body", "Properties", "SystemProperties"]
    return document.count(node) > 1
      && document.members(node).allSatisfy { key, _ in keys.contains { document.keyEquals(key, $0) } }
  }

  /// Fields by which clients of IoT Hub's REST interface send properties of a message.
  private static let propertyPrefix = "iothub-app-"

  private var properties: [UInt8] {
    var writer = JSONWriter()
    var seen: Set<String> = []
    writer.beginObject()
    for (name, value) in fields where name.hasPrefix(Self.propertyPrefix) {
      let own = String(name.dropFirst(Self.propertyPrefix.count))
      guard !own.isEmpty, seen.insert(own).inserted else { continue }
      writer.key(own)
      writer.string(value)
    }
    writer.endObject()
    return seen.isEmpty ? [] : writer.bytes
  }

  private var system: [UInt8] {
    guard let deviceID else { return [] }
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("iothub-connection-device-id", deviceID)
    writer.endObject()
    return writer.bytes
  }
}
