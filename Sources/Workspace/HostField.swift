/// The host and port a client says it talks to, which become part of every address we tell it.
public enum HostField {
  /// RFC 9110 §7.2, RFC 3986 §3.2.2: a name, an IPv4 or a bracketed IPv6 address, and a port.
  public static func isValid(_ host: String) -> Bool {
    let bytes = host.utf8
    guard let first = bytes.first, bytes.count <= 261 else { return false }
    let name: Substring.UTF8View
    var rest: Substring.UTF8View
    if first == UInt8(ascii: "[") {
      guard let close = bytes.firstIndex(of: UInt8(ascii: "]")) else { return false }
      name = bytes[bytes.index(after: bytes.startIndex)..<close]
      rest = bytes[bytes.index(after: close)...]
      guard !name.isEmpty, name.allSatisfy({ isHex($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }) else {
        return false
      }
    } else {
      let colon = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
      name = bytes[..<colon]
      rest = bytes[colon...]
      guard !name.isEmpty, name.allSatisfy(isNameByte) else { return false }
    }
    guard let colon = rest.popFirst() else { return true }
    return colon == UInt8(ascii: ":") && (1...5).contains(rest.count) && rest.allSatisfy(isDigit)
  }

  /// Whether a text is a name that names can be put before (RFC 1123 §2.1), in lower case.
  public static func isDomain(_ text: String) -> Bool {
    guard (1...200).contains(text.utf8.count) else { return false }
    return text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
      (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
        && label.allSatisfy {
          $0 == UInt8(ascii: "-") || isDigit($0) || $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z")
        }
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  private static func isHex(_ byte: UInt8) -> Bool {
    isDigit(byte) || (byte | 0x20) >= UInt8(ascii: "a") && (byte | 0x20) <= UInt8(ascii: "f")
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    isDigit(byte) || (byte | 0x20) >= UInt8(ascii: "a") && (byte | 0x20) <= UInt8(ascii: "z")
      || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
  }
}
