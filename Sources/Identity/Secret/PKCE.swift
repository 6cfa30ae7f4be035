/// Proof Key for Code Exchange (RFC 7636), with S256 only: `plain` gives the verifier away with the request.
public enum PKCE {
  /// The only `code_challenge_method`.
  public static let method = "S256"

  /// Whether a text can be a verifier (RFC 7636 §4.1): 43 to 128 unreserved characters.
  public static func isVerifier(_ text: String) -> Bool {
    (43...128).contains(text.utf8.count) && text.utf8.allSatisfy(isUnreserved)
  }

  /// Whether a text can be a challenge: a SHA-256 digest in base64url (RFC 7636 §4.2).
  public static func isChallenge(_ text: String) -> Bool { Base64URL.decode(text)?.count == 32 }

  /// The challenge of a verifier.
  public static func challenge(_ verifier: String) throws(KeyError) -> String {
    Base64URL.encode(try Digest.sha256.hash(verifier))
  }

  /// Whether the verifier is the one whose challenge was sent (RFC 7636 §4.6).
  public static func verifies(_ verifier: String, challenge: String) -> Bool {
    guard isVerifier(verifier), isChallenge(challenge), let own = try? PKCE.challenge(verifier) else { return false }
    return ConstantTime.equals(own, challenge)
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "~"):
      true
    default: false
    }
  }
}
