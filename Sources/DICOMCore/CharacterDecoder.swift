/// Turns the bytes of text values into UTF-8 (PS3.5 §6.1.2.3 to §6.1.2.5).
///
/// Bytes that mean nothing become U+FFFD; `hasUnmappable` tells that there were some.
struct CharacterDecoder {
  private let set: SpecificCharacterSet
  private(set) var hasUnmappable = false

  init(_ set: SpecificCharacterSet) { self.set = set }

  /// Decodes up to the end of a value: the next `\`, or all if `\` is a character like any other.
  ///
  /// - Parameters:
  ///   - position: moved behind the `\`, or to the end.
  ///   - isPersonName: whether `^` and `=` delimit, too (PS3.5 §6.1.2.5.3).
  /// - Returns: whether a `\` ended the value, so that another follows.
  mutating func decode(
    _ bytes: UnsafeRawBufferPointer, _ position: inout Int, splits: Bool, isPersonName: Bool, to text: inout [UInt8]
  ) -> Bool {
    switch set.coding {
    case .iso2022: decodeISO2022(bytes, &position, splits, isPersonName, &text)
    case .utf8: decodeUTF8(bytes, &position, splits, &text)
    case .gb18030: decodeGB(bytes, &position, splits, "GB18030", &text)
    case .gbk: decodeGB(bytes, &position, splits, "GBK", &text)
    }
  }

  /// Decodes a whole value.
  mutating func decode(_ bytes: UnsafeRawBufferPointer, isPersonName: Bool = false) -> String {
    var text: [UInt8] = []
    var position = 0
    _ = decode(bytes, &position, splits: false, isPersonName: isPersonName, to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  // MARK: UTF-8

  private mutating func decodeUTF8(
    _ bytes: UnsafeRawBufferPointer, _ position: inout Int, _ splits: Bool, _ text: inout [UInt8]
  ) -> Bool {
    while position < bytes.count {
      let byte = bytes[position]
      if byte < 0x80 {
        position += 1
        if splits && byte == UInt8(ascii: "\\") { return true }
        text.append(byte)
        continue
      }
      let length = UTF8Sequence.length(bytes, at: position)
      if length == 0 {
        appendScalar(0xFFFD, &text)
        position += 1
      } else {
        text.append(contentsOf: bytes[position..<position + length])
        position += length
      }
    }
    return false
  }

  // MARK: GBK and GB18030

  private mutating func decodeGB(
    _ bytes: UnsafeRawBufferPointer, _ position: inout Int, _ splits: Bool, _ name: String, _ text: inout [UInt8]
  ) -> Bool {
    let table = CharacterSetTables.shared.tables[name]
    while position < bytes.count {
      let byte = bytes[position]
      if byte < 0x80 {
        position += 1
        if splits && byte == UInt8(ascii: "\\") { return true }
        text.append(byte)
        continue
      }
      if let scalar = fourBytes(bytes, position) {
        appendScalar(scalar, &text)
        position += 4
        continue
      }
      let low = position + 1 < bytes.count ? bytes[position + 1] : 0
      let scalar = table?.character(byte, low) ?? 0xFFFD
      appendScalar(scalar, &text)
      // An ASCII byte after half a character is not swallowed.
      position += scalar == 0xFFFD && low < 0x80 ? 1 : 2
    }
    position = bytes.count
    return false
  }

  /// GB18030's codes of four bytes: 81–FE 30–39 81–FE 30–39.
  private func fourBytes(_ bytes: UnsafeRawBufferPointer, _ position: Int) -> UInt32? {
    guard set.coding == .gb18030, position + 3 < bytes.count else { return nil }
    let (a, b, c, d) = (bytes[position], bytes[position + 1], bytes[position + 2], bytes[position + 3])
    guard a >= 0x81, a <= 0xFE, b &- 0x30 < 10, c >= 0x81, c <= 0xFE, d &- 0x30 < 10 else { return nil }
    let linear = ((Int(a) - 0x81) * 10 + Int(b) - 0x30) * 1260 + (Int(c) - 0x81) * 10 + Int(d) - 0x30
    let rest = CharacterSetTables.shared.gb18030Rest
    if linear < rest.count { return UInt32(rest[linear]) }
    // 90 30 81 30 is U+10000.
    let beyond = linear - 189_000
    return beyond >= 0 && beyond < 0x100000 ? UInt32(0x10000 + beyond) : 0xFFFD
  }

  // MARK: ISO 2022

  private mutating func decodeISO2022(
    _ bytes: UnsafeRawBufferPointer, _ position: inout Int, _ splits: Bool, _ isPersonName: Bool,
    _ text: inout [UInt8]
  ) -> Bool {
    if set.isDefault, readsAsUTF8(bytes) { return decodeUTF8(bytes, &position, splits, &text) }
    var g0 = set.initialG0
    var g1 = set.initialG1
    while position < bytes.count {
      let byte = bytes[position]
      if byte == 0x1B {
        if let escape = EscapeSequence(bytes, at: position) {
          if escape.isG1 { g1 = escape.set } else { g0 = escape.set }
          position += escape.length
        } else {
          position += 1
        }
        continue
      }
      if byte < 0x21 || byte == 0x7F {
        // Control characters, and space, which is in no set of 94 characters.
        if byte < 0x20 {
          g0 = set.initialG0
          g1 = set.initialG1
        }
        text.append(byte)
        position += 1
      } else if byte < 0x80, case .doubleByte(let number) = g0 {
        appendDouble(number, bytes, &position, &text)
      } else if byte < 0x80 {
        position += 1
        if byte == UInt8(ascii: "\\") && splits { return true }
        if isPersonName, byte == UInt8(ascii: "^") || byte == UInt8(ascii: "=") {
          g0 = set.initialG0
          g1 = set.initialG1
        }
        appendScalar(character(byte, g0), &text)
      } else if case .doubleByte(let number) = g1 ?? set.fallbackG1 {
        appendDouble(number, bytes, &position, &text)
      } else {
        appendScalar(character(byte, g1 ?? set.fallbackG1), &text)
        position += 1
      }
    }
    return false
  }

  /// Text of no declared repertoire is often UTF-8; Latin-1 hardly ever looks like it.
  private func readsAsUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var position = 0
    while position < bytes.count {
      if bytes[position] == 0x1B { return false }
      let length = UTF8Sequence.length(bytes, at: position)
      if length == 0 { return false }
      position += length
    }
    return true
  }

  private mutating func appendDouble(
    _ number: Int, _ bytes: UnsafeRawBufferPointer, _ position: inout Int, _ text: inout [UInt8]
  ) {
    let high = bytes[position]
    let low = position + 1 < bytes.count ? bytes[position + 1] : 0
    let scalar =
      (high ^ low) & 0x80 == 0
      ? CharacterSetTables.shared.tables["ISO-IR \(number)"]?.character(high & 0x7F, low & 0x7F) ?? 0xFFFD : 0xFFFD
    appendScalar(scalar, &text)
    position += scalar == 0xFFFD && (low < 0x21 || (high ^ low) & 0x80 != 0) ? 1 : 2
    position = min(position, bytes.count)
  }

  private func character(_ byte: UInt8, _ set: SpecificCharacterSet.GraphicSet) -> UInt32 {
    switch set {
    case .ascii: byte < 0x80 ? UInt32(byte) : 0xFFFD
    case .latin1: UInt32(byte)
    case .jisX0201Romaji: byte == 0x5C ? 0xA5 : byte == 0x7E ? 0x203E : UInt32(byte)
    case .jisX0201Katakana:
      byte | 0x80 >= 0xA1 && byte | 0x80 <= 0xDF ? 0xFF61 + UInt32(byte | 0x80) - 0xA1 : 0xFFFD
    case .singleByte(let number):
      byte < 0x80
        ? UInt32(byte)
        : CharacterSetTables.shared.tables["ISO-IR \(number)"]?.character(byte) ?? 0xFFFD
    case .doubleByte: 0xFFFD
    }
  }

  private mutating func appendScalar(_ scalar: UInt32, _ text: inout [UInt8]) {
    if scalar == 0xFFFD { hasUnmappable = true }
    UTF8Sequence.append(scalar, to: &text)
  }
}

/// An escape sequence of PS3.3 tables C.12-3 and C.12-4.
private struct EscapeSequence {
  let set: SpecificCharacterSet.GraphicSet
  let isG1: Bool
  let length: Int

  /// Final bytes of `ESC -`, which designates sets of 96 characters to G1.
  private static let finals: [UInt8: Int] = [
    0x42: 101, 0x43: 109, 0x44: 110, 0x4C: 144, 0x47: 127, 0x46: 126, 0x48: 138, 0x4D: 148, 0x62: 203, 0x54: 166,
  ]

  init?(_ bytes: UnsafeRawBufferPointer, at start: Int) {
    func byte(_ place: Int) -> UInt8 { start + place < bytes.count ? bytes[start + place] : 0 }
    switch (byte(1), byte(2), byte(3)) {
    case (0x28, 0x42, _): self.init(.ascii, isG1: false, length: 3)
    case (0x28, 0x4A, _): self.init(.jisX0201Romaji, isG1: false, length: 3)
    case (0x28, 0x49, _): self.init(.jisX0201Katakana, isG1: false, length: 3)
    case (0x29, 0x49, _): self.init(.jisX0201Katakana, isG1: true, length: 3)
    case (0x2D, 0x41, _): self.init(.latin1, isG1: true, length: 3)
    case (0x2D, let final, _):
      guard let number = Self.finals[final] else { return nil }
      self.init(.singleByte(number), isG1: true, length: 3)
    // ESC $ @ is the edition of 1978.
    case (0x24, 0x42, _), (0x24, 0x40, _): self.init(.doubleByte(87), isG1: false, length: 3)
    case (0x24, 0x28, 0x44): self.init(.doubleByte(159), isG1: false, length: 4)
    case (0x24, 0x29, 0x43): self.init(.doubleByte(149), isG1: true, length: 4)
    case (0x24, 0x29, 0x41): self.init(.doubleByte(58), isG1: true, length: 4)
    default: return nil
    }
  }

  private init(_ set: SpecificCharacterSet.GraphicSet, isG1: Bool, length: Int) {
    self.set = set
    self.isG1 = isG1
    self.length = length
  }
}

/// UTF-8 (RFC 3629), by bytes.
enum UTF8Sequence {
  /// The length of the sequence at `start`, 0 if there is none (Unicode table 3-7).
  static func length(_ bytes: UnsafeRawBufferPointer, at start: Int) -> Int {
    let first = bytes[start]
    if first < 0x80 { return 1 }
    func isTail(_ place: Int) -> Bool { start + place < bytes.count && bytes[start + place] & 0xC0 == 0x80 }
    let second = start + 1 < bytes.count ? bytes[start + 1] : 0
    switch first {
    case 0xC2...0xDF: return isTail(1) ? 2 : 0
    case 0xE0...0xEF:
      guard isTail(1), isTail(2), !(first == 0xE0 && second < 0xA0), !(first == 0xED && second > 0x9F) else { return 0 }
      return 3
    case 0xF0...0xF4:
      guard isTail(1), isTail(2), isTail(3), !(first == 0xF0 && second < 0x90), !(first == 0xF4 && second > 0x8F)
      else { return 0 }
      return 4
    default: return 0
    }
  }

  static func append(_ scalar: UInt32, to bytes: inout [UInt8]) {
    if scalar < 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: scalar))
    } else if scalar < 0x800 {
      bytes.append(UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6))
      bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
    } else if scalar < 0x10000 {
      bytes.append(UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12))
      bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F))
      bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
    } else {
      bytes.append(UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18))
      bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 12 & 0x3F))
      bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F))
      bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
    }
  }
}
