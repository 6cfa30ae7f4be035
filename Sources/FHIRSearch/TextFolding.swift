@_spi(_Unicode) import Swift

/// Folding of text for string search: case- and accent-insensitive (FHIR R4 search §2.1.1.10: "servers … should
/// ignore case, and combining characters").
public enum TextFolding {
  /// Lower case, without combining marks, white space runs as one space.
  public static func fold(_ text: String) -> String {
    if let ascii = foldASCII(text) { return ascii }
    var folded = ""
    folded.reserveCapacity(text.utf8.count)
    // Canonical decomposition, so that an accent becomes a scalar of its own; the standard library offers it under
    // an underscored name only.
    for scalar in text._nfd {
      switch scalar.properties.generalCategory {
      case .nonspacingMark, .enclosingMark: continue
      case .spaceSeparator: append(" ", to: &folded)
      default:
        if let plain = ligatures[scalar] {
          folded += plain
        } else if scalar.value < 0x80 {
          append(lowercase(scalar), to: &folded)
        } else {
          folded += scalar.properties.lowercaseMapping
        }
      }
    }
    return folded
  }

  /// Letters that decomposition leaves whole though readers take them for others.
  private static let ligatures: [Unicode.Scalar: String] = [
    "ς": "σ", "ß": "ss", "ẞ": "ss", "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l",
    "đ": "d",
    "Đ": "d", "ħ": "h", "Ħ": "h", "ı": "i", "þ": "th", "Þ": "th", "ð": "d", "Ð": "d",
  ]

  private static func lowercase(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    scalar.value >= 65 && scalar.value <= 90 ? Unicode.Scalar(UInt8(scalar.value + 32)) : scalar
  }

  private static func append(_ scalar: Unicode.Scalar, to text: inout String) {
    let isSpace = scalar == " " || (scalar.value >= 9 && scalar.value <= 13)
    if isSpace && text.utf8.last == 0x20 { return }
    text.unicodeScalars.append(isSpace ? " " : scalar)
  }

  private static func foldASCII(_ text: String) -> String? {
    var text = text
    return text.withUTF8 { bytes -> String? in
      for byte in bytes where byte >= 0x80 { return nil }
      return String(unsafeUninitializedCapacity: bytes.count) { output in
        var count = 0
        for byte in bytes {
          let isSpace = byte == 0x20 || (byte >= 9 && byte <= 13)
          if isSpace && count > 0 && output[count - 1] == 0x20 { continue }
          output[count] = isSpace ? 0x20 : byte >= 65 && byte <= 90 ? byte + 32 : byte
          count += 1
        }
        return count
      }
    }
  }
}
