internal import Base

/// Turns values as JSON and XML write them into the encoded form of explicit little endian.
struct ValueEncoder {
  private(set) var bytes: [UInt8] = []
  private var count = 0
  private let vr: VR

  init(_ vr: VR) { self.vr = vr }

  /// Appends one value, nil for an empty one; false if the text is no value of the VR.
  mutating func append(_ text: String?) -> Bool {
    defer { count += 1 }
    if vr.isText {
      if count > 0 { bytes.append(UInt8(ascii: "\\")) }
      bytes.append(contentsOf: (text ?? "").utf8)
      return true
    }
    guard let text else { return true }
    switch vr {
    case .AT:
      guard let tag = Tag(hexadecimal: text.utf8) else { return false }
      append(UInt64(tag.group), 2)
      append(UInt64(tag.element), 2)
    case .FL:
      guard let value = Self.number(text) else { return false }
      append(UInt64(Float(value).bitPattern), 4)
    case .FD:
      guard let value = Self.number(text) else { return false }
      append(value.bitPattern, 8)
    case .US, .SS, .UL, .SL, .UV, .SV: return appendInteger(text)
    default: return false
    }
    return true
  }

  private mutating func appendInteger(_ text: String) -> Bool {
    if vr == .UV {
      guard let value = UInt64(text) else { return false }
      append(value, 8)
      return true
    }
    // 1.0 and 1e3 are whole numbers in JSON, too.
    guard let value = Int64(text) ?? Double(text).flatMap({ Int64(exactly: $0) }) else { return false }
    let bits = vr.valueSize * 8
    let isSigned = vr == .SS || vr == .SL || vr == .SV
    // A signed word of its own size, or of an unsigned one that reads the same bits.
    let low = bits == 64 ? Int64.min : isSigned ? -(Int64(1) << (bits - 1)) : 0
    let high = bits == 64 ? Int64.max : (Int64(1) << bits) - 1
    guard value >= low, value <= high else { return false }
    append(UInt64(bitPattern: value), bits / 8)
    return true
  }

  private mutating func append(_ word: UInt64, _ size: Int) {
    BinaryWord.append(word, size: size, isBigEndian: false, to: &bytes)
  }

  private static func number(_ text: String) -> Double? {
    switch text {
    case "NaN", "nan": .nan
    case "inf", "Infinity": .infinity
    case "-inf", "-Infinity": -.infinity
    default: Double(text)
    }
  }

  /// The bytes of an InlineBinary, nil if it is no base64.
  static func inlineBinary(_ text: String) -> [UInt8]? { Base64.decode(text) }
}
