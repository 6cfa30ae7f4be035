/// Tags, attributes and text of an XML document (XML 1.0), one after the other: what the native model needs of it.
///
/// There is no document type: `<!DOCTYPE` is refused, and with it every entity but XML's own five. Names keep their
/// prefix.
struct XMLScanner {
  enum Token: Equatable {
    case start(name: String, attributes: [String: String], isEmpty: Bool)
    case end(name: String)
    case text(String)
  }

  private let bytes: [UInt8]
  private(set) var position = 0
  private static let attributesMax = 64

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    // A byte order mark (XML 1.0 §F.1).
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  private func fault() -> DICOMError { DICOMError(.invalidXML, at: position) }

  /// The next token, nil at the end. Comments and processing instructions are passed over.
  mutating func next() throws(DICOMError) -> Token? {
    while position < bytes.count {
      guard bytes[position] == UInt8(ascii: "<") else { return .text(try text(until: UInt8(ascii: "<"))) }
      if starts(with: "<!--") {
        try skip(past: "-->")
      } else if starts(with: "<![CDATA[") {
        position += 9
        let start = position
        try skip(past: "]]>")
        return .text(String(decoding: bytes[start..<position - 3], as: UTF8.self))
      } else if starts(with: "<?") {
        try skip(past: "?>")
      } else if starts(with: "<!") {
        throw fault()
      } else {
        return try tag()
      }
    }
    return nil
  }

  private mutating func tag() throws(DICOMError) -> Token {
    position += 1
    if position < bytes.count, bytes[position] == UInt8(ascii: "/") {
      position += 1
      let name = try name()
      skipSpace()
      try take(UInt8(ascii: ">"))
      return .end(name: name)
    }
    let name = try name()
    var attributes: [String: String] = [:]
    while true {
      skipSpace()
      guard position < bytes.count, attributes.count <= Self.attributesMax else { throw fault() }
      if bytes[position] == UInt8(ascii: "/") {
        position += 1
        try take(UInt8(ascii: ">"))
        return .start(name: name, attributes: attributes, isEmpty: true)
      }
      if bytes[position] == UInt8(ascii: ">") {
        position += 1
        return .start(name: name, attributes: attributes, isEmpty: false)
      }
      let key = try self.name()
      skipSpace()
      try take(UInt8(ascii: "="))
      skipSpace()
      guard position < bytes.count, bytes[position] == 0x22 || bytes[position] == 0x27 else { throw fault() }
      let quote = bytes[position]
      position += 1
      guard attributes.updateValue(try text(until: quote), forKey: key) == nil else { throw fault() }
      try take(quote)
    }
  }

  private mutating func name() throws(DICOMError) -> String {
    let start = position
    while position < bytes.count, !Self.isSpace(bytes[position]), !"=/><\"'".utf8.contains(bytes[position]) {
      position += 1
    }
    guard position > start else { throw fault() }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  /// Text with its references resolved, up to a byte that stays.
  private mutating func text(until stop: UInt8) throws(DICOMError) -> String {
    var content: [UInt8] = []
    while position < bytes.count, bytes[position] != stop {
      if bytes[position] == UInt8(ascii: "&") {
        try reference(&content)
      } else {
        content.append(bytes[position])
        position += 1
      }
    }
    return String(decoding: content, as: UTF8.self)
  }

  private mutating func reference(_ content: inout [UInt8]) throws(DICOMError) {
    let rest = bytes[position...].prefix(12)
    guard let end = rest.firstIndex(of: UInt8(ascii: ";")) else { throw fault() }
    let name = String(decoding: bytes[position + 1..<end], as: UTF8.self)
    switch name {
    case "lt": content.append(UInt8(ascii: "<"))
    case "gt": content.append(UInt8(ascii: ">"))
    case "amp": content.append(UInt8(ascii: "&"))
    case "quot": content.append(UInt8(ascii: "\""))
    case "apos": content.append(UInt8(ascii: "'"))
    default:
      guard name.utf8.first == UInt8(ascii: "#") else { throw fault() }
      let digits = name.dropFirst()
      let number =
        digits.utf8.first == UInt8(ascii: "x") ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
      guard let scalar = number.flatMap({ Unicode.Scalar($0) }), scalar.value > 0 else { throw fault() }
      content.append(contentsOf: String(Character(scalar)).utf8)
    }
    position = end + 1
  }

  private func starts(with text: StaticString) -> Bool {
    let prefix = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    return bytes.count - position >= prefix.count
      && prefix.indices.allSatisfy { bytes[position + $0] == prefix[$0] }
  }

  private mutating func skip(past text: StaticString) throws(DICOMError) {
    while !starts(with: text) {
      guard position < bytes.count else { throw fault() }
      position += 1
    }
    position += text.utf8CodeUnitCount
  }

  private mutating func take(_ byte: UInt8) throws(DICOMError) {
    guard position < bytes.count, bytes[position] == byte else { throw fault() }
    position += 1
  }

  private mutating func skipSpace() {
    while position < bytes.count, Self.isSpace(bytes[position]) { position += 1 }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte >= 0x09 && byte <= 0x0D }
}
