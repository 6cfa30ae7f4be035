/// The text of a narrative's XHTML (FHIR R4 narrative.html) as a reader sees it: without tags, with entities resolved.
struct NarrativeText {
  private let xhtml: ArraySlice<UInt8>
  private var place: Int

  /// Appends the text of `xhtml`. Tags that begin a line or a cell part words, those inside a line do not:
  /// `H<sub>2</sub>O` is one word. What is not well-formed is taken as far as it goes.
  static func append(_ xhtml: [UInt8], to text: inout [UInt8]) {
    var reading = NarrativeText(xhtml[...])
    reading.append(to: &text)
  }

  private init(_ xhtml: ArraySlice<UInt8>) {
    self.xhtml = xhtml
    self.place = xhtml.startIndex
  }

  private mutating func append(to text: inout [UInt8]) {
    while place < xhtml.endIndex {
      switch xhtml[place] {
      case UInt8(ascii: "<"): skipTag(&text)
      case UInt8(ascii: "&"): appendEntity(&text)
      case let byte:
        text.append(byte)
        place += 1
      }
    }
  }

  // MARK: Tags

  /// Elements of text that stand within a line (XHTML 1.0 strict, as far as narrative.html allows them).
  private static let inline: Set<[UInt8]> = Set(
    [
      "a", "abbr", "acronym", "b", "big", "cite", "code", "dfn", "em", "i", "q", "samp", "small", "span", "strong",
      "sub", "sup", "tt", "var",
    ].map { Array($0.utf8) })

  private mutating func skipTag(_ text: inout [UInt8]) {
    if xhtml[place...].starts(with: "<!--".utf8) {
      skip(behind: "-->")
      return
    }
    var start = place + 1
    if start < xhtml.endIndex, xhtml[start] == UInt8(ascii: "/") { start += 1 }
    let name = xhtml[min(start, xhtml.endIndex)...].prefix { byte in
      byte != UInt8(ascii: ">") && byte != UInt8(ascii: "/") && byte > 0x20
    }
    if !Self.inline.contains(Array(name)) { text.append(UInt8(ascii: " ")) }
    // A '>' may stand in an attribute's value.
    var quote: UInt8?
    while place < xhtml.endIndex {
      let byte = xhtml[place]
      place += 1
      if let open = quote {
        if byte == open { quote = nil }
      } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
        quote = byte
      } else if byte == UInt8(ascii: ">") {
        return
      }
    }
  }

  private mutating func skip(behind end: StaticString) {
    end.withUTF8Buffer { end in
      while place < xhtml.endIndex {
        if xhtml[place...].starts(with: end) {
          place += end.count
          return
        }
        place += 1
      }
    }
  }

  // MARK: Entities

  /// Bytes from `&` to `;`; a longer run is no entity.
  private static let entityBytesMax = 12

  private static let named: [String: Unicode.Scalar] = [
    "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": " ",
  ]

  private mutating func appendEntity(_ text: inout [UInt8]) {
    let run = xhtml[place...].prefix(Self.entityBytesMax)
    guard let end = run.firstIndex(of: UInt8(ascii: ";")),
      let scalar = Self.scalar(String(decoding: run[(place + 1)..<end], as: UTF8.self))
    else {
      text.append(xhtml[place])
      place += 1
      return
    }
    text.append(contentsOf: String(scalar).utf8)
    place = end + 1
  }

  private static func scalar(_ name: String) -> Unicode.Scalar? {
    guard name.hasPrefix("#") else { return named[name] }
    let isHexadecimal = name.hasPrefix("#x")
    return UInt32(name.dropFirst(isHexadecimal ? 2 : 1), radix: isHexadecimal ? 16 : 10).flatMap(Unicode.Scalar.init)
  }
}
