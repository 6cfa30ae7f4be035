public import JSONCore

/// A message as mappings see it: `{"Body":…,"Properties":{…},"SystemProperties":{…}}`.
public enum DeviceMessage {
  public enum PropertyValue: Sendable, Equatable {
    case text(String)
    case integer(Int)
  }

  /// Puts a body and what came with it into one document.
  /// - Parameters:
  ///   - body: JSON of any kind; nothing is null.
  ///   - properties: what the sender added; names are unique.
  ///   - systemProperties: what the broker added; names are unique.
  /// - Throws: `invalidDataFormat` with the place in the body.
  public static func document(
    body: some Collection<UInt8>, properties: [(name: String, value: PropertyValue)] = [],
    systemProperties: [(name: String, value: PropertyValue)] = [], limits: JSONLimits = JSONLimits()
  ) throws(MappingFailure) -> JSONDocument {
    var own = JSONWriter()
    write(properties, to: &own)
    var system = JSONWriter()
    write(systemProperties, to: &system)
    return try document(body: body, properties: own.bytes, systemProperties: system.bytes, limits: limits)
  }

  /// Puts a body and what came with it into one document.
  /// - Parameters:
  ///   - body: JSON of any kind; nothing is null.
  ///   - properties: what the sender added, as a JSON object.
  ///   - systemProperties: what the broker added, as a JSON object.
  /// - Throws: `invalidDataFormat` with the place in the body.
  public static func document(
    body: some Collection<UInt8>, properties: [UInt8], systemProperties: [UInt8], limits: JSONLimits = JSONLimits()
  ) throws(MappingFailure) -> JSONDocument {
    var content = Array(body)
    // The mark that some senders put before UTF-8.
    if content.starts(with: [0xEF, 0xBB, 0xBF]) { content.removeFirst(3) }
    if content.isEmpty { content = Array("null".utf8) }
    var writer = JSONWriter(reserving: content.count + properties.count + systemProperties.count + 64)
    writer.beginObject()
    writer.key("Body")
    let start = writer.bytes.count
    writer.raw(content)
    let end = writer.bytes.count
    writer.key("Properties")
    writer.raw(properties)
    writer.key("SystemProperties")
    writer.raw(systemProperties)
    writer.endObject()
    do {
      let document = try JSONDocument(writer.bytes, limits: limits)
      guard let node = document.member(document.root, "Body"), spans(document.range(node), content, start, end) else {
        throw MappingFailure(.invalidDataFormat, "The body is not one JSON value.")
      }
      return document
    } catch let error as MappingFailure {
      throw error
    } catch {
      throw invalid(content, limits)
    }
  }

  private static func write(_ properties: [(name: String, value: PropertyValue)], to writer: inout JSONWriter) {
    writer.beginObject()
    for (name, value) in properties {
      writer.key(name)
      switch value {
      case .text(let text): writer.string(text)
      case .integer(let number): writer.number(number)
      }
    }
    writer.endObject()
  }

  /// Whether the value is all of the body but whitespace: a body that closes the envelope's object and opens another
  /// is shorter.
  private static func spans(_ range: Range<Int>, _ content: [UInt8], _ start: Int, _ end: Int) -> Bool {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
    guard range.lowerBound >= start, range.upperBound <= end else { return false }
    return content[..<(range.lowerBound - start)].allSatisfy(isSpace)
      && content[(range.upperBound - start)...].allSatisfy(isSpace)
  }

  /// The failure with its place in the body alone.
  private static func invalid(_ content: [UInt8], _ limits: JSONLimits) -> MappingFailure {
    do {
      _ = try JSONDocument(content, limits: limits)
      return MappingFailure(.invalidDataFormat, "The message has two properties of the same name.")
    } catch {
      return MappingFailure(.invalidDataFormat, error.message, line: error.line, column: error.column)
    }
  }
}
