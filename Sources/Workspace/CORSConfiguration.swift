import Base

/// Which web pages of other origins may use the services (Fetch standard, "CORS protocol"). Without origins there are
/// none, and no answer says a word about it.
public struct CORSConfiguration: Sendable, Equatable {
  /// As browsers send them: `https://app.example.org`, with a port if it is not the scheme's own. `*` is every origin,
  /// and stands alone.
  public var origins: [String] = []
  /// Names of methods; `*` is whichever a page asks for.
  public var methods = ["*"]
  /// Names of request headers; `*` is whichever a page asks for.
  public var headers = ["*"]
  /// How long a browser may keep the answer to a preflight.
  public var maxAgeSeconds = 1_440
  /// Whether a page may send cookies and client certificates along; a bearer token needs no such leave.
  public var allowsCredentials = false

  /// The longest age that makes sense: browsers keep no preflight for longer.
  public static let maxAgeSecondsMax = 86_400

  public init() {}

  public var isOn: Bool { !origins.isEmpty }
  public var allowsEveryOrigin: Bool { origins.contains("*") }

  /// Why it makes no sense, as a sentence for the operator; nil if it does.
  public var flaw: String? {
    guard isOn else {
      return self == CORSConfiguration() ? nil : "CORS is configured without an origin that it allows."
    }
    if allowsEveryOrigin {
      if origins.count > 1 { return "The CORS origin * allows every origin and stands alone." }
      if allowsCredentials { return "The CORS origin * cannot go with credentials: name the origins." }
    } else if let wrong = origins.first(where: { !Self.isOrigin($0) }) {
      return "'\(wrong)' is no CORS origin: a scheme and a host in lower case, as in https://app.example.org, "
        + "with a port if it is not the scheme's own, and nothing behind."
    }
    for name in methods + headers where !MediaType.isToken(name) {
      return "'\(name)' is no name of a method or header."
    }
    guard !methods.isEmpty, !headers.isEmpty else { return "CORS methods and headers are names or *." }
    guard (0...Self.maxAgeSecondsMax).contains(maxAgeSeconds) else {
      return "The CORS maximum age is a number of seconds from 0 to \(Self.maxAgeSecondsMax)."
    }
    return nil
  }

  /// The serialisation of an origin (HTML standard §7.1.1); `null` is the name of many and never allowed.
  static func isOrigin(_ text: String) -> Bool {
    let bytes = text.utf8
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[colon...].starts(with: "://".utf8) else {
      return false
    }
    let scheme = bytes[..<colon]
    let host = text[bytes.index(colon, offsetBy: 3)...]
    let isLower: (UInt8) -> Bool = { $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z") }
    guard scheme.first.map(isLower) == true,
      scheme.allSatisfy({ isLower($0) || $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") || "+-.".utf8.contains($0) }
      ),
      !host.utf8.contains(where: { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") }),
      HostField.isValid(String(host))
    else { return false }
    return !(scheme.elementsEqual("http".utf8) && host.hasSuffix(":80"))
      && !(scheme.elementsEqual("https".utf8) && host.hasSuffix(":443"))
  }
}
