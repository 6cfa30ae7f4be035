/// A reader of the small XML documents of the official suites: elements, attributes, text, CDATA and entities; comments
/// and declarations are skipped. It checks no more than it needs.
final class XMLElement {
  let name: String
  var attributes: [String: String] = [:]
  var children: [XMLElement] = []
  /// All text directly inside.
  var text = ""
  /// The source of the whole element, for XHTML that is kept as it stands.
  var source = ""

  init(name: String) { self.name = name }

  func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }

  func first(_ name: String) -> XMLElement? { children.first { $0.name == name } }
}

struct XMLReader {
  struct Malformed: Error { let offset: Int }

  private let bytes: [UInt8]
  private var index = 0

  private init(_ text: String) { bytes = Array(text.utf8) }

  static func read(_ text: String) throws -> XMLElement {
    var reader = XMLReader(text)
    try reader.skipMisc()
    return try reader.element()
  }

  private func starts(_ prefix: String) -> Bool { bytes[index...].starts(with: prefix.utf8) }

  private mutating func skip(past end: String) throws {
    let wanted = Array(end.utf8)
    while index < bytes.count, !bytes[index...].starts(with: wanted) { index += 1 }
    guard index < bytes.count else { throw Malformed(offset: index) }
    index += wanted.count
  }

  private mutating func skipMisc() throws {
    while index < bytes.count {
      if starts("<?") {
        try skip(past: "?>")
      } else if starts("<!--") {
        try skip(past: "-->")
      } else if starts("<!") {
        try skip(past: ">")
      } else if bytes[index] <= 0x20 || bytes[index] >= 0xEF {
        index += 1
      } else {
        return
      }
    }
  }

  private mutating func name() -> String {
    let start = index
    while index < bytes.count, bytes[index] > 0x20, !"=/><".utf8.contains(bytes[index]) { index += 1 }
    return String(decoding: bytes[start..<index], as: UTF8.self)
  }

  private mutating func skipSpace() { while index < bytes.count, bytes[index] <= 0x20 { index += 1 } }

  private mutating func element() throws -> XMLElement {
    let start = index
    guard starts("<") else { throw Malformed(offset: index) }
    index += 1
    let element = XMLElement(name: name())
    skipSpace()
    while index < bytes.count, !starts(">"), !starts("/>") {
      let key = name()
      skipSpace()
      guard starts("=") else { throw Malformed(offset: index) }
      index += 1
      skipSpace()
      let quote = bytes[index]
      index += 1
      let from = index
      while index < bytes.count, bytes[index] != quote { index += 1 }
      element.attributes[key] = XMLReader.decoded(bytes[from..<index])
      index += 1
      skipSpace()
    }
    if starts("/>") {
      index += 2
    } else {
      index += 1
      try content(of: element)
    }
    element.source = String(decoding: bytes[start..<index], as: UTF8.self)
    return element
  }

  private mutating func content(of element: XMLElement) throws {
    while index < bytes.count {
      if starts("</") {
        try skip(past: ">")
        return
      }
      if starts("<!--") {
        try skip(past: "-->")
      } else if starts("<![CDATA[") {
        index += 9
        let from = index
        try skip(past: "]]>")
        element.text += String(decoding: bytes[from..<(index - 3)], as: UTF8.self)
      } else if starts("<") {
        element.children.append(try self.element())
      } else {
        let from = index
        while index < bytes.count, bytes[index] != UInt8(ascii: "<") { index += 1 }
        element.text += XMLReader.decoded(bytes[from..<index])
      }
    }
    throw Malformed(offset: index)
  }

  private static let entities = ["lt": "<", "gt": ">", "amp": "&", "quot": "\"", "apos": "'"]

  private static func decoded(_ bytes: ArraySlice<UInt8>) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    var result = ""
    var rest = text[...]
    while let sign = rest.firstIndex(of: "&"), let end = rest[sign...].firstIndex(of: ";") {
      result += rest[..<sign]
      let name = String(rest[rest.index(after: sign)..<end])
      if let known = entities[name] {
        result += known
      } else if name.hasPrefix("#x"), let code = UInt32(name.dropFirst(2), radix: 16), let scalar = Unicode.Scalar(code)
      {
        result.unicodeScalars.append(scalar)
      } else if name.hasPrefix("#"), let code = UInt32(name.dropFirst()), let scalar = Unicode.Scalar(code) {
        result.unicodeScalars.append(scalar)
      }
      rest = rest[rest.index(after: end)...]
    }
    return result + rest
  }
}
