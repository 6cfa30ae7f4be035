import COpenSSL

/// Random numbers that nobody can guess, from libcrypto's generator (NIST SP 800-90A), which the system's seeds.
public enum SecureRandom {
  /// - Throws: `.failed` if the generator has no seed; nothing must be made from what it would give then.
  public static func bytes(_ count: Int) throws(KeyError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: max(count, 0))
    guard RAND_bytes(&bytes, Int32(clamping: bytes.count)) == 1 else { throw .failed("No random numbers.") }
    return bytes
  }

  /// A text of base64url with this many random bytes: codes, tokens, states, ids that must not be guessed.
  /// - Parameter byteCount: 32 bytes are 43 characters and 256 bits.
  public static func text(byteCount: Int = 32) throws(KeyError) -> String {
    Base64URL.encode(try bytes(byteCount))
  }
}

/// Comparison whose time does not tell where two values differ.
public enum ConstantTime {
  /// Whether two byte strings are equal; the length is no secret.
  public static func equals(_ one: [UInt8], _ other: [UInt8]) -> Bool {
    guard one.count == other.count else { return false }
    return CRYPTO_memcmp(one, other, one.count) == 0
  }

  /// Whether two texts have the same UTF-8; the length is no secret.
  public static func equals(_ one: String, _ other: String) -> Bool { equals(Array(one.utf8), Array(other.utf8)) }
}
