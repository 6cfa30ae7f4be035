/// A secret of a client as it is stored. Secrets that are made here have 256 random bits: their SHA-256 is enough, and
/// checking it costs microseconds; secrets that people choose are stored as passwords are.
///
///     $sha256$<digest>            a generated secret
///     $scrypt$ln=…,r=…,p=…$…$…    a chosen one
public struct ClientSecret: Sendable, Equatable {
  private enum Form: Sendable, Equatable {
    case digest([UInt8])
    case password(PasswordHash)
  }

  private let form: Form

  /// Makes a new secret: the text is shown once, the other is stored.
  public static func generate() throws(KeyError) -> (text: String, secret: ClientSecret) {
    let text = try SecureRandom.text(byteCount: 32)
    return (text, ClientSecret(form: .digest(try Digest.sha256.hash(text))))
  }

  /// The stored form of a secret that somebody chose.
  public init(chosen text: String, parameters: PasswordHash.Parameters = .recommended) throws(KeyError) {
    form = .password(try PasswordHash(password: text, parameters: parameters))
  }

  /// Reads a stored form.
  /// - Throws: `.malformed`, `.tooLarge`.
  public init(stored: String) throws(KeyError) {
    guard stored.hasPrefix("$sha256$") else {
      form = .password(try PasswordHash(stored: stored))
      return
    }
    guard let digest = Base64URL.decode(stored.dropFirst(8).utf8), digest.count == 32 else {
      throw KeyError(.malformed, "This is no stored secret of the form $sha256$digest.")
    }
    form = .digest(digest)
  }

  private init(form: Form) { self.form = form }

  /// The text to store.
  public var stored: String {
    switch form {
    case .digest(let digest): "$sha256$" + Base64URL.encode(digest)
    case .password(let hash): hash.stored
    }
  }

  /// Whether this is the secret.
  public func matches(_ text: String) -> Bool {
    switch form {
    case .digest(let digest):
      guard text.utf8.count <= PasswordHash.passwordBytesMax, let other = try? Digest.sha256.hash(text) else {
        return false
      }
      return ConstantTime.equals(digest, other)
    case .password(let hash): return hash.matches(text)
    }
  }
}
