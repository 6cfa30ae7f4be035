/// A media type or range with its parameters (RFC 9110 §8.3.1, §12.5.1), names in lower case.
public struct MediaType: Sendable {
  public let name: String
  /// Values without their quotes.
  public let parameters: [(name: String, value: String)]

  public init(_ text: some StringProtocol) {
    let parts = Self.split(text, at: ";")
    name = Self.trimmed(parts.first ?? "").lowercased()
    parameters = parts.dropFirst().compactMap { part in
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2 else { return nil }
      return (Self.trimmed(pair[0]).lowercased(), Self.unquoted(pair[1]))
    }
  }

  /// The members of a list (RFC 9110 §5.6.1), as the values of `Accept` fields are.
  public static func list(_ text: some StringProtocol) -> [MediaType] {
    split(text, at: ",").map { MediaType($0) }.filter { !$0.name.isEmpty }
  }

  /// Cuts at a separator outside of quoted strings (RFC 9110 §5.6.4). A quote that nothing closes is a character like
  /// any other.
  private static func split(_ text: some StringProtocol, at separator: Unicode.Scalar) -> [Substring] {
    let text = Substring(text)
    var parts: [Substring] = []
    var start = text.startIndex
    var openPart: String.Index?
    var index = start
    let scalars = text.unicodeScalars
    while true {
      guard index < scalars.endIndex else {
        guard let openPart else { break }
        // Again from behind the quote, without regard to quotes.
        let rest = text[openPart...].unicodeScalars.split(separator: separator, omittingEmptySubsequences: false)
        return parts + rest.map { Substring($0) }
      }
      let scalar = scalars[index]
      let next = scalars.index(after: index)
      if openPart != nil {
        if scalar == "\\", next < scalars.endIndex {
          index = scalars.index(after: next)
          continue
        }
        if scalar == "\"" { openPart = nil }
      } else if scalar == "\"" {
        openPart = start
      } else if scalar == separator {
        parts.append(text[start..<index])
        start = next
      }
      index = next
    }
    parts.append(text[start...])
    return parts
  }

  /// A parameter's value: a token, or what a quoted string says.
  private static func unquoted(_ text: some StringProtocol) -> String {
    let value = trimmed(text)
    guard value.utf8.contains(UInt8(ascii: "\\")), text.contains("\"") else { return value }
    var result = String.UnicodeScalarView()
    var isEscaped = false
    for scalar in value.unicodeScalars {
      if scalar == "\\", !isEscaped {
        isEscaped = true
      } else {
        isEscaped = false
        result.append(scalar)
      }
    }
    return String(result)
  }

  /// A parameter's value by its name in lower case.
  public subscript(_ parameter: String) -> String? { parameters.first { $0.name == parameter }?.value }

  /// How much a range is wanted, 0 to 1 (RFC 9110 §12.4.2); what is no number counts as 1.
  public var quality: Double {
    guard let quality = self["q"].flatMap({ Double($0) }), !quality.isNaN else { return 1 }
    return min(1, max(0, quality))
  }

  /// Whether a browser shows it without carrying anything out, so that it needs no saving first.
  public var isPassive: Bool {
    if name.hasPrefix("image/") { return name != "image/svg+xml" }
    return name.hasPrefix("audio/") || name.hasPrefix("video/") || name == "text/plain" || name == "application/pdf"
  }

  /// `type/subtype` with parameters of visible ASCII (RFC 9110 §8.3.1).
  public static func isWellFormed(_ text: String) -> Bool {
    guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F || $0 == 0x09 }) else { return false }
    let names = MediaType(text).name.split(separator: "/", omittingEmptySubsequences: false)
    return names.count == 2 && names.allSatisfy { isToken($0) && $0 != "*" }
  }

  /// Whether a text is a token (RFC 9110 §5.6.2).
  public static func isToken(_ text: some StringProtocol) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "a")...UInt8(ascii: "z"):
          true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
      }
  }

  /// Without white space and quotes around it.
  private static func trimmed(_ text: some StringProtocol) -> String {
    let isFiller: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\"" }
    var rest = Substring(text)
    while let first = rest.first, isFiller(first) { rest.removeFirst() }
    while let last = rest.last, isFiller(last) { rest.removeLast() }
    return String(rest)
  }
}
