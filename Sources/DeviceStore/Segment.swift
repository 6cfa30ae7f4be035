import Storage

/// Messages that came together, as one row of the log: a version byte, then for each message its body, properties and
/// system properties, each behind its length (LEB128). The whole is compressed.
enum Segment {
  private static let version: UInt8 = 1
  /// A row holds no more messages, nor more bytes but for one long message.
  static let messagesMax = 4_096
  static let bytesMax = 4 << 20

  /// Cuts messages into what one row each can hold.
  static func cut(_ messages: [MessageContent]) -> [ArraySlice<MessageContent>] {
    var pieces: [ArraySlice<MessageContent>] = []
    var start = 0
    var bytes = 0
    for (place, message) in messages.enumerated() {
      if place > start, place - start == messagesMax || bytes + message.byteCount > bytesMax {
        pieces.append(messages[start..<place])
        start = place
        bytes = 0
      }
      bytes += message.byteCount
    }
    if start < messages.count { pieces.append(messages[start...]) }
    return pieces
  }

  static func encode(_ messages: some Collection<MessageContent>) -> [UInt8] {
    var bytes: [UInt8] = [version]
    bytes.reserveCapacity(messages.reduce(1) { $0 + $1.byteCount + 8 })
    for message in messages {
      append(message.body, to: &bytes)
      append(message.properties, to: &bytes)
      append(message.systemProperties, to: &bytes)
    }
    return bytes
  }

  private static func append(_ part: [UInt8], to bytes: inout [UInt8]) {
    var length = part.count
    while length >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: length) | 0x80)
      length >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: length))
    bytes += part
  }

  /// - Throws: `.corrupt` for bytes that are none of ours.
  static func decode(_ bytes: [UInt8]) throws -> [MessageContent] {
    guard bytes.first == version else { throw damaged }
    var rest = bytes.dropFirst()
    var messages: [MessageContent] = []
    while !rest.isEmpty {
      messages.append(
        MessageContent(body: try part(&rest), properties: try part(&rest), systemProperties: try part(&rest)))
    }
    return messages
  }

  private static func part(_ rest: inout ArraySlice<UInt8>) throws -> [UInt8] {
    var length = 0
    var shift = 0
    while true {
      guard let byte = rest.popFirst(), shift < 35 else { throw damaged }
      length |= Int(byte & 0x7F) << shift
      shift += 7
      if byte < 0x80 { break }
    }
    guard length <= rest.count else { throw damaged }
    defer { rest = rest.dropFirst(length) }
    return Array(rest.prefix(length))
  }

  private static let damaged = StorageError(.corrupt, detail: "a row of the device log is damaged")
}
