internal import JSONCore

/// A text element's values one after the other, in UTF-8 and without what is not significant (PS3.5 §6.2).
///
/// Text that is ASCII all through, as nearly all is, is handed out as it stands in the data set; other text is decoded
/// into a buffer that is used again for each value.
struct ValueText: ~Copyable {
  private let bytes: UnsafeRawBufferPointer
  private let vr: VR
  private let isPlain: Bool
  private var decoder: CharacterDecoder
  private var decoded: [UInt8] = []
  private var position = 0
  private var isAtEnd = false
  private let keepsNULs: Bool

  /// - Parameter keepsNULs: whether NULs at the end are a part of values of VRs that are not padded with them: of all
  ///   but UI. Readers of values pass over them, as many files have them all the same.
  init(
    _ bytes: UnsafeRawBufferPointer, vr: VR, characterSet: SpecificCharacterSet, keepsNULs: Bool = false
  ) {
    self.bytes = bytes
    self.keepsNULs = keepsNULs && vr != .UI
    self.vr = vr
    let applies = vr.usesSpecificCharacterSet
    decoder = CharacterDecoder(applies ? characterSet : .default)
    isPlain = (!applies || characterSet.initialG0 == .ascii) && Self.isASCII(bytes)
  }

  /// Whether there is no byte above 7F and no escape.
  private static func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var place = 0
    while place + 8 <= bytes.count {
      let word = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
      let escape = word ^ 0x1B1B_1B1B_1B1B_1B1B
      if (word | (escape &- 0x0101_0101_0101_0101) & ~escape) & 0x8080_8080_8080_8080 != 0 { return false }
      place += 8
    }
    while place < bytes.count {
      if bytes[place] >= 0x80 || bytes[place] == 0x1B { return false }
      place += 1
    }
    return true
  }

  /// Gives the next value to `body`; false if there is none.
  mutating func next(_ body: (UnsafeBufferPointer<UInt8>) -> Void) -> Bool {
    if isAtEnd { return false }
    let splits = !vr.isSingleText
    guard !isPlain else {
      var end = position
      if splits { while end < bytes.count, bytes[end] != UInt8(ascii: "\\") { end += 1 } } else { end = bytes.count }
      isAtEnd = end >= bytes.count
      let value = UnsafeRawBufferPointer(rebasing: bytes[position..<end])
      position = end + 1
      body(trimmed(value.assumingMemoryBound(to: UInt8.self)))
      return true
    }
    decoded.removeAll(keepingCapacity: true)
    isAtEnd = !decoder.decode(bytes, &position, splits: splits, isPersonName: vr == .PN, to: &decoded)
    decoded.withUnsafeBufferPointer { body(trimmed($0)) }
    return true
  }

  private func trimmed(_ text: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
    var end = text.count
    while end > 0, text[end - 1] == 0x20 || text[end - 1] == 0 { end -= 1 }
    // NULs alone are no value either way.
    if keepsNULs, end > 0, end < text.count {
      end = text.count
      while text[end - 1] == 0x20 { end -= 1 }
    }
    var start = 0
    switch vr {
    // Spaces in front are significant here, and harmless in names.
    case .LT, .ST, .UT, .UC, .PN, .LO, .SH: break
    default: while start < end, text[start] == 0x20 { start += 1 }
    }
    return UnsafeBufferPointer(rebasing: text[start..<end])
  }
}

/// Decimal numbers as DICOM writes them (PS3.5 §6.2, DS and IS) and as JSON does (RFC 8259 §6).
enum DecimalText {
  /// Appends a DS or IS value as a JSON number: as it stands where JSON allows that, else with what JSON does not allow
  /// taken away. False if it is no number.
  static func appendNumber(_ text: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) -> Bool {
    var position = 0
    let start = bytes.count
    func byte() -> UInt8 { position < text.count ? text[position] : 0 }
    if byte() == UInt8(ascii: "-") || byte() == UInt8(ascii: "+") {
      if byte() == UInt8(ascii: "-") { bytes.append(byte()) }
      position += 1
    }
    let whole = position
    while byte() &- 48 < 10 { position += 1 }
    var first = whole
    while first + 1 < position, text[first] == UInt8(ascii: "0") { first += 1 }
    if first == position { bytes.append(UInt8(ascii: "0")) }
    bytes.append(contentsOf: text[first..<position])
    var digits = position - whole
    if byte() == UInt8(ascii: ".") {
      position += 1
      let fraction = position
      while byte() &- 48 < 10 { position += 1 }
      if position > fraction {
        bytes.append(UInt8(ascii: "."))
        bytes.append(contentsOf: text[fraction..<position])
      }
      digits += position - fraction
    }
    var isNumber = digits > 0
    if isNumber, byte() | 0x20 == UInt8(ascii: "e") {
      bytes.append(byte())
      position += 1
      if byte() == UInt8(ascii: "-") || byte() == UInt8(ascii: "+") {
        bytes.append(byte())
        position += 1
      }
      let exponent = position
      while byte() &- 48 < 10 { position += 1 }
      bytes.append(contentsOf: text[exponent..<position])
      isNumber = position > exponent
    }
    if isNumber, position == text.count { return true }
    bytes.removeLast(bytes.count - start)
    return false
  }

  /// Appends a binary floating-point number; false for those JSON has no number for.
  static func append(_ value: Double, isFloat: Bool, to bytes: inout [UInt8]) -> Bool {
    guard value.isFinite else { return false }
    if value == value.rounded(.towardZero), abs(value) < 1e15, !(value == 0 && value.sign == .minus) {
      append(Int64(value), to: &bytes)
    } else {
      // The shortest text that reads back as the same number.
      bytes.append(contentsOf: (isFloat ? "\(Float(value))" : "\(value)").utf8)
    }
    return true
  }

  static func append(_ value: Int64, to bytes: inout [UInt8]) {
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    append(value.magnitude, to: &bytes)
  }

  static func append(_ value: UInt64, to bytes: inout [UInt8]) {
    if value < 10 {
      bytes.append(UInt8(truncatingIfNeeded: 48 + value))
      return
    }
    let start = bytes.count
    var rest = value
    while rest > 0 {
      bytes.append(UInt8(truncatingIfNeeded: 48 + rest % 10))
      rest /= 10
    }
    bytes[start...].reverse()
  }

  /// What XML and JSON call the numbers that are none.
  static func name(_ value: Double) -> StaticString { value.isNaN ? "NaN" : value < 0 ? "-inf" : "inf" }
}

/// Base64 (RFC 4648 §4) into a buffer.
enum Base64Text {
  private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

  /// - Parameter wordSize: of words to be turned around, 1 to leave the bytes as they are.
  static func append(_ bytes: UnsafeRawBufferPointer, swapping wordSize: Int, to text: inout [UInt8]) {
    text.reserveCapacity(text.count + (bytes.count + 2) / 3 * 4)
    let letters = alphabet.utf8Start
    let whole = bytes.count / wordSize * wordSize
    func byte(_ place: Int) -> UInt32 {
      guard wordSize > 1, place < whole else { return UInt32(bytes[place]) }
      return UInt32(bytes[place - place % wordSize + wordSize - 1 - place % wordSize])
    }
    var place = 0
    while place + 3 <= bytes.count {
      let group = byte(place) << 16 | byte(place + 1) << 8 | byte(place + 2)
      text.append(letters[Int(group >> 18)])
      text.append(letters[Int(group >> 12 & 63)])
      text.append(letters[Int(group >> 6 & 63)])
      text.append(letters[Int(group & 63)])
      place += 3
    }
    let rest = bytes.count - place
    guard rest > 0 else { return }
    let group = byte(place) << 16 | (rest > 1 ? byte(place + 1) << 8 : 0)
    text.append(letters[Int(group >> 18)])
    text.append(letters[Int(group >> 12 & 63)])
    text.append(rest > 1 ? letters[Int(group >> 6 & 63)] : UInt8(ascii: "="))
    text.append(UInt8(ascii: "="))
  }
}
