import HTTPServer
import Identity

/// A browser, known by a cookie that only it and this server know. Before logging in it is nobody's; forms are bound to
/// it all the same, so that nobody logs somebody else in under a name of their own.
struct Browser: Sendable {
  /// The cookie's value: 256 random bits.
  let secret: String
  /// The form in which a session is kept.
  let hash: String
  /// Whether the cookie must be sent.
  let isNew: Bool

  private static let secretBytes = 32

  /// The cookie's name. With TLS it is bound to this host (RFC 6265bis §4.1.3.2).
  static func cookieName(isSecure: Bool) -> String { isSecure ? "__Host-aceso-session" : "aceso-session" }

  /// A new one.
  init() throws(KeyError) { try self.init(secret: SecureRandom.text(byteCount: Self.secretBytes), isNew: true) }

  private init(secret: String, isNew: Bool) throws(KeyError) {
    self.secret = secret
    self.isNew = isNew
    hash = try GrantStore.hash(secret)
  }

  /// The one that a request is from; nil if it shows no cookie, or several.
  init?(_ request: HTTPRequest, isSecure: Bool) {
    let prefix = Self.cookieName(isSecure: isSecure) + "="
    let values = request.headers.values("cookie").flatMap { $0.split(separator: ";") }.compactMap { part in
      let pair = part.drop { $0 == " " }
      return pair.hasPrefix(prefix) ? pair.dropFirst(prefix.count) : nil
    }
    guard values.count == 1, let value = values.first, Base64URL.decode(value.utf8)?.count == Self.secretBytes,
      let browser = try? Browser(secret: String(value), isNew: false)
    else { return nil }
    self = browser
  }

  /// A text that only this server could have put into a page of this browser's: against forged forms, and for what a
  /// form brings back that must be as it was sent.
  func token(_ purpose: String...) throws(KeyError) -> String {
    // Lengths in front: no two lists of texts give the same.
    let text = purpose.map { "\($0.utf8.count):\($0)" }.joined() + secret
    return Base64URL.encode(try Digest.sha256.hash(text))
  }

  /// Whether a form's token is the one for this purpose.
  func isToken(_ text: String?, _ purpose: String) -> Bool {
    guard let text, let own = try? token(purpose) else { return false }
    return ConstantTime.equals(own, text)
  }

  /// The `Set-Cookie` field.
  func cookie(isSecure: Bool, path: String) -> (name: String, value: String) {
    let name = Self.cookieName(isSecure: isSecure)
    let rest = isSecure ? "; Path=/; Secure" : "; Path=\(path)"
    return ("Set-Cookie", "\(name)=\(secret)\(rest); HttpOnly; SameSite=Lax")
  }

  /// The `Set-Cookie` field that takes it away.
  static func noCookie(isSecure: Bool, path: String) -> (name: String, value: String) {
    let name = cookieName(isSecure: isSecure)
    return (
      "Set-Cookie", "\(name)=\(isSecure ? "; Path=/; Secure" : "; Path=\(path)"); HttpOnly; SameSite=Lax; Max-Age=0"
    )
  }
}
