public import Base
public import JSONCore

/// The claims of a token (RFC 7519 §4) over the tape of its payload.
public struct Claims: Sendable {
  public let json: JSONValue

  /// - Throws: `.malformed` unless it is a JSON object whose member names are unique.
  public init(_ payload: [UInt8]) throws(TokenError) { json = try JWSHeader.object(payload) }

  /// A claim by name, or by place: a name that begins with a slash is a JSON Pointer (RFC 6901), such as
  /// `/realm_access/roles`.
  public subscript(_ name: String) -> JSONValue? {
    guard name.first == "/" else { return json[JSONKey(name)] }
    var value = json
    for part in name.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
      guard let next = value[JSONKey(Claims.unescaped(part))] else { return nil }
      value = next
    }
    return value
  }

  /// RFC 6901 §4: `~1` is a slash, `~0` a tilde.
  private static func unescaped(_ part: Substring) -> String {
    guard part.contains("~") else { return String(part) }
    var text = ""
    var isEscape = false
    for character in part {
      if isEscape {
        text.append(character == "1" ? "/" : character == "0" ? "~" : character)
        isEscape = false
      } else if character == "~" {
        isEscape = true
      } else {
        text.append(character)
      }
    }
    return text
  }

  /// A claim that is a text; nil if it is absent.
  /// - Throws: `.claim` for any other value.
  public func string(_ name: String) throws(TokenError) -> String? {
    guard let value = self[name], value.kind != .null else { return nil }
    guard let text = value.string else { throw TokenError(.claim, name) }
    return text
  }

  /// A claim that is a text or an array of texts; empty if it is absent.
  /// - Throws: `.claim` for any other value.
  public func strings(_ name: String) throws(TokenError) -> [String] {
    guard let value = self[name], value.kind != .null else { return [] }
    if let text = value.string { return [text] }
    guard value.kind == .array else { throw TokenError(.claim, name) }
    var texts: [String] = []
    for element in value.elements {
      guard let text = element.string else { throw TokenError(.claim, name) }
      texts.append(text)
    }
    return texts
  }

  /// A claim that is a moment (RFC 7519 §2, NumericDate: seconds since 1970, with or without a fraction).
  /// - Throws: `.claim` for any other value and for moments before 1970 or after the year 9999.
  public func time(_ name: String) throws(TokenError) -> Instant? {
    guard let value = self[name], value.kind != .null else { return nil }
    guard value.kind == .number else { throw TokenError(.claim, name) }
    if let seconds = value.integer {
      guard seconds >= 0, seconds <= Claims.secondsMax else { throw TokenError(.claim, name) }
      return Instant(milliseconds: Int64(seconds) * 1000)
    }
    let lexeme = String(decoding: value.document.lexeme(value.node), as: UTF8.self)
    guard let seconds = Double(lexeme), seconds >= 0, seconds <= Double(Claims.secondsMax) else {
      throw TokenError(.claim, name)
    }
    return Instant(milliseconds: Int64(seconds * 1000))
  }

  private static let secondsMax = 253_402_300_799
}
