/// What a key can be (RFC 7518 §6, RFC 8037).
public enum KeyType: String, Sendable, CaseIterable {
  case rsa = "RSA"
  case p256 = "P-256"
  case p384 = "P-384"
  case ed25519 = "Ed25519"

  /// The JWK member `kty`.
  public var keyType: String {
    switch self {
    case .rsa: "RSA"
    case .p256, .p384: "EC"
    case .ed25519: "OKP"
    }
  }

  /// Bytes of a coordinate; nil for RSA.
  var coordinateByteCount: Int? {
    switch self {
    case .rsa: nil
    case .p256, .ed25519: 32
    case .p384: 48
    }
  }
}

/// The signature algorithms of RFC 7518 §3.1 and RFC 8037 that are accepted: asymmetric ones only. `none` and the HMAC
/// family have no case, so that no configuration can allow them.
public enum SignatureAlgorithm: String, Sendable, CaseIterable {
  case rs256 = "RS256"
  case rs384 = "RS384"
  case rs512 = "RS512"
  case ps256 = "PS256"
  case ps384 = "PS384"
  case ps512 = "PS512"
  case es256 = "ES256"
  case es384 = "ES384"
  case edDSA = "EdDSA"

  /// The only type of key that the algorithm works with (RFC 8725 §3.1: one key, one algorithm family).
  public var keyType: KeyType {
    switch self {
    case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512: .rsa
    case .es256: .p256
    case .es384: .p384
    case .edDSA: .ed25519
    }
  }

  /// nil for EdDSA, which digests by itself.
  var digest: Digest? {
    switch self {
    case .rs256, .ps256, .es256: .sha256
    case .rs384, .ps384, .es384: .sha384
    case .rs512, .ps512: .sha512
    case .edDSA: nil
    }
  }

  var usesPSS: Bool {
    switch self {
    case .ps256, .ps384, .ps512: true
    default: false
    }
  }
}
