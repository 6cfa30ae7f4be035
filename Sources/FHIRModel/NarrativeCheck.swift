/// Whether a narrative's `div` is XHTML as FHIR R4 allows it (narrative.html; invariant txt-1 of Narrative).
///
/// It must be well-formed XML with one `div` around it, hold only the listed elements and attributes, no CDATA section,
/// processing instruction or document type, no entities but XML's own five and numeric ones, no links that run a
/// script. The text is walked once; the elements that are open are kept in a stack of bounded depth.
///
/// txt-2, some content, is left to profile validation: four of the standard's own examples break it.
enum NarrativeCheck {
  /// Elements open at once.
  static let depthMax = 256

  /// What is wrong with it; nil if nothing is.
  static func problem(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
    var walk = NarrativeWalk(bytes)
    return walk.run()
  }

  /// txt-1: the elements.
  static let elements = names(
    "a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i img "
      + "li ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var")

  /// txt-1: the attributes; beside them XML's own and the namespace.
  static let attributes = names(
    "abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff charset "
      + "cite class colspan compact coords dir frame headers height href hreflang hspace id lang longdesc name nowrap "
      + "rel rev rowspan rules scope shape span src start style summary tabindex title type valign value vspace width "
      + "xml:lang xml:space xmlns")

  /// A name of at most 16 bytes as one number; nil for longer ones, which are in no list.
  static func pack(_ name: Slice<UnsafeBufferPointer<UInt8>>) -> UInt128? {
    guard name.count <= 16 else { return nil }
    var value: UInt128 = 0
    for byte in name { value = value << 8 | UInt128(byte) }
    return value
  }

  private static func names(_ list: String) -> [UInt128] {
    list.utf8.split(separator: 32).map { $0.reduce(UInt128(0)) { $0 << 8 | UInt128($1) } }.sorted()
  }

  static func contains(_ list: [UInt128], _ name: UInt128) -> Bool {
    var low = 0
    var high = list.count
    while low < high {
      let middle = (low + high) / 2
      if list[middle] == name { return true }
      if list[middle] < name { low = middle + 1 } else { high = middle }
    }
    return false
  }
}

private struct NarrativeWalk {
  let bytes: UnsafeBufferPointer<UInt8>
  var position = 0
  var open: [UInt128] = []
  let div = UInt128(0x64_6976)

  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
    open.reserveCapacity(16)
  }

  mutating func run() -> String? {
    skipSpace()
    guard position < bytes.count, bytes[position] == UInt8(ascii: "<") else { return "it must start with <div" }
    repeat {
      if let problem = markup() { return problem }
      if open.isEmpty { break }
      if let problem = text() { return problem }
    } while position < bytes.count
    guard open.isEmpty else { return "an element is not closed" }
    skipSpace()
    guard position == bytes.count else { return "there is content behind the closing </div>" }
    return nil
  }

  /// Up to the next `<`.
  private mutating func text() -> String? {
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "<") { return nil }
      if byte == UInt8(ascii: "&") {
        guard entity() != nil else { return "an entity is unknown: use Unicode characters or numeric references" }
        continue
      }
      guard byte >= 32 || isSpace(byte) else { return "it has a control character" }
      position += 1
    }
    return nil
  }

  /// At a `<`.
  private mutating func markup() -> String? {
    position += 1
    guard position < bytes.count else { return "a tag is not finished" }
    switch bytes[position] {
    case UInt8(ascii: "/"):
      position += 1
      return closingTag()
    case UInt8(ascii: "!"):
      return comment()
    case UInt8(ascii: "?"):
      return "processing instructions and XML declarations are not allowed"
    default:
      return openingTag()
    }
  }

  private mutating func comment() -> String? {
    guard !open.isEmpty, bytes.count - position >= 6, bytes[position + 1] == 45, bytes[position + 2] == 45 else {
      return "CDATA sections and declarations are not allowed"
    }
    position += 3
    // XML 1.0 §2.5: "--" ends a comment and nothing else.
    while bytes.count - position >= 3 {
      if bytes[position] == 45, bytes[position + 1] == 45 {
        guard bytes[position + 2] == UInt8(ascii: ">") else { return "a comment holds --" }
        position += 3
        return nil
      }
      position += 1
    }
    return "a comment is not closed"
  }

  private mutating func closingTag() -> String? {
    let name = name()
    skipSpace()
    guard accept(UInt8(ascii: ">")) else { return "a closing tag is not finished" }
    guard let name, open.popLast() == name else { return "a closing tag does not match the element that is open" }
    return nil
  }

  private mutating func openingTag() -> String? {
    let start = position
    guard let name = name(), NarrativeCheck.contains(NarrativeCheck.elements, name) else {
      return "the element <\(shown(start))> is not allowed (txt-1)"
    }
    if open.isEmpty, name != div { return "it must start with <div" }
    guard open.count < NarrativeCheck.depthMax else { return "its elements are nested too deeply" }
    var seen: [UInt128] = []
    while true {
      let hadSpace = skipSpace()
      if accept(UInt8(ascii: ">")) {
        open.append(name)
        return nil
      }
      if accept(UInt8(ascii: "/")) { return accept(UInt8(ascii: ">")) ? nil : "a tag is not finished" }
      guard position < bytes.count, hadSpace else { return "a tag is not finished" }
      if let problem = attribute(&seen) { return problem }
    }
  }

  private mutating func attribute(_ seen: inout [UInt128]) -> String? {
    let start = position
    guard let name = name(), NarrativeCheck.contains(NarrativeCheck.attributes, name) else {
      return "the attribute \(shown(start)) is not allowed (txt-1)"
    }
    guard !seen.contains(name) else { return "the attribute \(shown(start)) is there twice" }
    seen.append(name)
    skipSpace()
    guard accept(UInt8(ascii: "=")) else { return "the attribute \(shown(start)) has no value" }
    skipSpace()
    guard position < bytes.count, bytes[position] == 34 || bytes[position] == 39 else {
      return "an attribute's value is not quoted"
    }
    let quote = bytes[position]
    position += 1
    let valueStart = position
    while position < bytes.count, bytes[position] != quote {
      if bytes[position] == UInt8(ascii: "<") { return "an attribute's value holds <" }
      if bytes[position] == UInt8(ascii: "&") {
        guard entity() != nil else { return "an entity is unknown: use Unicode characters or numeric references" }
      } else {
        position += 1
      }
    }
    let value = valueStart..<position
    guard accept(quote) else { return "an attribute's value is not closed" }
    return valueProblem(name, value)
  }

  private mutating func valueProblem(_ name: UInt128, _ value: Range<Int>) -> String? {
    // "xmlns", "href", "src" and "cite" as packed names.
    if name == 0x78_6D6C_6E73 {
      let isXHTML = bytes[value].elementsEqual("http://www.w3.org/1999/xhtml".utf8)
      return isXHTML ? nil : "its namespace must be http://www.w3.org/1999/xhtml"
    }
    guard name == 0x73_7263 || name == 0x6872_6566 || name == 0x6369_7465 else { return nil }
    return runsScript(value) ? "a link must not run a script" : nil
  }

  /// Whether a link's scheme is one that runs code. Browsers skip whitespace and control characters in it.
  private mutating func runsScript(_ value: Range<Int>) -> Bool {
    let end = position
    defer { position = end }
    position = value.lowerBound
    var scheme: [UInt8] = []
    while position < value.upperBound, scheme.count <= 11 {
      var scalar = UInt32(bytes[position])
      if bytes[position] == UInt8(ascii: "&") {
        guard let decoded = entity() else { return true }
        scalar = decoded
      } else {
        position += 1
      }
      if scalar <= 32 { continue }
      if scalar == 58 {
        return scheme.elementsEqual("javascript".utf8) || scheme.elementsEqual("vbscript".utf8)
      }
      guard scalar < 128 else { return false }
      scheme.append(UInt8(scalar) | (scalar >= 65 && scalar <= 90 ? 0x20 : 0))
    }
    return false
  }

  /// At a `&`: the character that the reference stands for; nil for one that XML alone does not know.
  private mutating func entity() -> UInt32? {
    let start = position + 1
    var end = start
    while end < bytes.count, end - start <= 10, bytes[end] != UInt8(ascii: ";") { end += 1 }
    guard end < bytes.count, bytes[end] == UInt8(ascii: ";"), end > start else { return nil }
    position = end + 1
    let name = bytes[start..<end]
    if name[start] == UInt8(ascii: "#") { return numericReference(name.dropFirst()) }
    switch NarrativeCheck.pack(name) {
    case 0x6C74: return 60
    case 0x6774: return 62
    case 0x61_6D70: return 38
    case 0x7175_6F74: return 34
    case 0x6170_6F73: return 39
    default: return nil
    }
  }

  private func numericReference(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> UInt32? {
    let isHex = digits.first == UInt8(ascii: "x")
    let rest = isHex ? digits.dropFirst() : digits
    guard !rest.isEmpty, rest.count <= 8 else { return nil }
    var value: UInt32 = 0
    for byte in rest {
      var digit = UInt32(byte &- 48)
      if digit >= 10 {
        let letter = (byte | 0x20) &- 97
        guard isHex, letter < 6 else { return nil }
        digit = UInt32(letter) + 10
      }
      value = value * (isHex ? 16 : 10) + digit
      guard value <= 0x10FFFF else { return nil }
    }
    return Unicode.Scalar(value) == nil || value == 0 ? nil : value
  }

  /// A tag's or attribute's name, packed; nil for none and for one in no list.
  private mutating func name() -> UInt128? {
    let start = position
    while position < bytes.count {
      let byte = bytes[position]
      guard
        (byte | 0x20) &- 97 < 26 || byte &- 48 < 10 || byte == UInt8(ascii: ":") || byte == 45 || byte == 95
          || byte >= 128
      else { break }
      position += 1
    }
    return start == position ? nil : NarrativeCheck.pack(bytes[start..<position])
  }

  /// The name that starts there, cut short, for a message.
  private func shown(_ start: Int) -> String {
    let name = bytes[start...].prefix(24).prefix { ($0 | 0x20) &- 97 < 26 || $0 &- 48 < 10 || $0 == 58 || $0 == 45 }
    return String(decoding: name, as: UTF8.self)
  }

  @discardableResult
  private mutating func skipSpace() -> Bool {
    let start = position
    while position < bytes.count, isSpace(bytes[position]) { position += 1 }
    return position > start
  }

  private func isSpace(_ byte: UInt8) -> Bool { byte == 32 || byte == 10 || byte == 13 || byte == 9 }

  private mutating func accept(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }
}
