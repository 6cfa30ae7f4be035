/// The tag of a data element: group and element number (PS3.5 §7.1).
public struct Tag: Hashable, Comparable, Sendable {
  /// Group number in the upper half, element number in the lower.
  public let rawValue: UInt32

  @inlinable
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }

  @inlinable
  public init(_ group: UInt16, _ element: UInt16) { rawValue = UInt32(group) << 16 | UInt32(element) }

  @inlinable
  public var group: UInt16 { UInt16(truncatingIfNeeded: rawValue >> 16) }

  @inlinable
  public var element: UInt16 { UInt16(truncatingIfNeeded: rawValue) }

  @inlinable
  public static func < (lhs: Tag, rhs: Tag) -> Bool { lhs.rawValue < rhs.rawValue }

  /// Whether the group is odd (PS3.5 §7.8).
  @inlinable
  public var isPrivate: Bool { rawValue & 0x1_0000 != 0 }

  /// Whether it reserves a block of private elements: (gggg,0010–00FF) (PS3.5 §7.8.1).
  @inlinable
  public var isPrivateCreator: Bool { isPrivate && element >= 0x10 && element <= 0xFF }

  /// The tag that reserves this private element's block; nil if it is no element of a block.
  @inlinable
  public var privateCreatorTag: Tag? {
    isPrivate && element >= 0x1000 ? Tag(group, element >> 8) : nil
  }

  /// Whether it is a group length, (gggg,0000), retired outside of groups 0000 and 0002 (PS3.5 §7.2).
  @inlinable
  public var isGroupLength: Bool { element == 0 }

  /// Eight hexadecimal digits in upper case, as DICOM JSON and Native XML write it (PS3.18 F.2.2).
  public var hexadecimal: String {
    var bytes: [UInt8] = []
    appendHexadecimal(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  func appendHexadecimal(to bytes: inout [UInt8]) {
    for shift in stride(from: UInt32(28), through: 0, by: -4) {
      let digit = UInt8(truncatingIfNeeded: rawValue >> shift & 0xF)
      bytes.append(digit < 10 ? 48 + digit : 55 + digit)
    }
  }

  /// Reads exactly eight hexadecimal digits in either case.
  public init?(hexadecimal digits: some Collection<UInt8>) {
    guard digits.count == 8 else { return nil }
    var value: UInt32 = 0
    for byte in digits {
      guard let digit = hexadecimalDigit(byte) else { return nil }
      value = value << 4 | UInt32(digit)
    }
    rawValue = value
  }

  /// Reads eight hexadecimal digits or a keyword of PS3.6 (case matters, as it does there).
  public init?(_ text: String) {
    if let tag = Tag(hexadecimal: text.utf8) ?? DataDictionary.standard.tag(keyword: text) {
      self = tag
    } else {
      return nil
    }
  }

  /// The keyword of PS3.6, nil for a private or unknown element. Elements of repeating groups share one.
  public var keyword: String? { DataDictionary.standard.entry(self)?.keyword }
}

extension Tag: CustomStringConvertible {
  /// As the standard writes it, `(0010,0020)`.
  public var description: String {
    let digits = hexadecimal
    return "(\(digits.prefix(4)),\(digits.suffix(4)))"
  }
}

@inline(__always)
func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 48
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - 55
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - 87
  default: nil
  }
}
