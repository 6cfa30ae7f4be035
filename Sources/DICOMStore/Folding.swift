@_spi(_Unicode) import Swift

/// Text as it is compared: without regard to case, and of names to accents (PS3.4 C.2.2.2.1.1 lets a name's match do
/// so; Microsoft's clients rely on both).
enum Folding {
  /// Longer text is compared by its beginning: a search has no longer values.
  static let bytesMax = 1_024

  /// In lower case, without spaces at the end. Nil if nothing is left.
  static func text(_ text: String) -> String? {
    if let plain = ascii(text) { return plain.isEmpty ? nil : plain }
    return trimmed(text.lowercased())
  }

  /// A name, or a pattern for names: in lower case without accents; delimiters and spaces at the end of each group,
  /// which say nothing (PS3.5 §6.2.1), are left out.
  static func name(_ text: String) -> String? {
    let plain = ascii(text) ?? withoutAccents(text)
    let groups = plain.split(separator: "=", maxSplits: 2, omittingEmptySubsequences: false).map { group in
      var bytes = group.utf8
      while let last = bytes.last, last == UInt8(ascii: "^") || last == 0x20 { bytes.removeLast() }
      return String(Substring(bytes))
    }
    var name = groups.joined(separator: "=")
    while name.utf8.last == UInt8(ascii: "=") { name.removeLast() }
    return name.isEmpty ? nil : name
  }

  /// The words of a folded name.
  static func words(_ folded: String) -> [String] {
    folded.utf8.split { $0 == 0x20 || $0 == UInt8(ascii: "^") || $0 == UInt8(ascii: "=") }.map { String(Substring($0)) }
  }

  /// Lower case of text that is ASCII all through, nil for any other.
  private static func ascii(_ text: String) -> String? {
    var text = text
    return text.withUTF8 { bytes -> String? in
      for byte in bytes where byte >= 0x80 { return nil }
      return String(unsafeUninitializedCapacity: min(bytes.count, bytesMax)) { output in
        var count = min(bytes.count, bytesMax)
        while count > 0, bytes[count - 1] == 0x20 || bytes[count - 1] == 0 { count -= 1 }
        for place in 0..<count { output[place] = bytes[place] &- 65 < 26 ? bytes[place] + 32 : bytes[place] }
        return count
      }
    }
  }

  private static func trimmed(_ text: String) -> String? {
    var result = ""
    for scalar in text.unicodeScalars {
      guard result.utf8.count + 4 <= bytesMax else { break }
      result.unicodeScalars.append(scalar)
    }
    while let last = result.unicodeScalars.last, last == " " || last == "\0" { result.unicodeScalars.removeLast() }
    return result.isEmpty ? nil : result
  }

  /// Letters that decomposition leaves whole though readers take them for others.
  private static let ligatures: [Unicode.Scalar: String] = [
    "ς": "σ", "ß": "ss", "ẞ": "ss", "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l",
    "đ": "d", "Đ": "d", "ħ": "h", "Ħ": "h", "ı": "i", "þ": "th", "Þ": "th", "ð": "d", "Ð": "d",
  ]

  /// Canonical decomposition makes an accent a scalar of its own; the standard library offers it under an underscored
  /// name only.
  private static func withoutAccents(_ text: String) -> String {
    var folded = ""
    for scalar in text._nfd {
      guard folded.utf8.count + 8 <= bytesMax else { break }
      switch scalar.properties.generalCategory {
      case .nonspacingMark, .enclosingMark: continue
      case .spaceSeparator: folded += " "
      default: folded += ligatures[scalar] ?? scalar.properties.lowercaseMapping
      }
    }
    while folded.utf8.last == 0 { folded.removeLast() }
    return folded
  }
}
