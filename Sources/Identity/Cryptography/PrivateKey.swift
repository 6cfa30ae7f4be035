import COpenSSL

/// A key pair: signs tokens of the embedded issuer and assertions of clients.
///
/// It is `@unchecked Sendable` because the key behind the pointer is never changed after `init`, and libcrypto allows
/// any number of threads to sign with one key.
public final class PrivateKey: @unchecked Sendable {
  public let publicKey: PublicKey
  private var handle: OpaquePointer { publicKey.handle }

  public var type: KeyType { publicKey.type }

  /// Takes ownership of `handle`, which holds both halves.
  init(handle: OpaquePointer) throws(KeyError) {
    do {
      let components = try KeyBuilder.components(of: handle)
      try PublicKey.check(components)
      publicKey = PublicKey(components, handle: handle)
    } catch {
      EVP_PKEY_free(handle)
      throw error
    }
  }

  /// Makes a new key pair.
  /// - Parameters:
  ///   - type: EC and Ed25519 take microseconds, RSA a good part of a second.
  ///   - rsaBits: between `PublicKey.rsaBitsMin` and `PublicKey.rsaBitsMax`.
  public static func generate(_ type: KeyType, rsaBits: Int = 2048) throws(KeyError) -> PrivateKey {
    guard let context = EVP_PKEY_CTX_new_from_name(nil, type == .ed25519 ? "ED25519" : type.keyType, nil),
      EVP_PKEY_keygen_init(context) == 1
    else { throw .failed() }
    defer { EVP_PKEY_CTX_free(context) }
    switch type {
    case .rsa:
      guard rsaBits >= PublicKey.rsaBitsMin, rsaBits <= PublicKey.rsaBitsMax else {
        throw KeyError(
          .weak, "An RSA key has between \(PublicKey.rsaBitsMin) and \(PublicKey.rsaBitsMax) bits.")
      }
      guard EVP_PKEY_CTX_set_rsa_keygen_bits(context, Int32(clamping: rsaBits)) == 1 else { throw .failed() }
    case .p256, .p384:
      guard EVP_PKEY_CTX_set_group_name(context, type.rawValue) == 1 else { throw .failed() }
    case .ed25519: break
    }
    var key: OpaquePointer?
    guard EVP_PKEY_generate(context, &key) == 1, let key else { throw .failed("No key could be made.") }
    return try PrivateKey(handle: key)
  }

  /// The algorithm that is used with this key where nothing says otherwise.
  public var defaultAlgorithm: SignatureAlgorithm {
    switch type {
    case .rsa: .rs256
    case .p256: .es256
    case .p384: .es384
    case .ed25519: .edDSA
    }
  }

  /// Signs these bytes, in the form of JWS (RFC 7518 §3).
  /// - Throws: `.mismatch` for an algorithm of another type of key.
  public func signature(of input: [UInt8], by algorithm: SignatureAlgorithm) throws(KeyError) -> [UInt8] {
    guard algorithm.keyType == type else { throw KeyError(.mismatch, "The key is not for \(algorithm.rawValue).") }
    guard let context = EVP_MD_CTX_new() else { throw .failed() }
    defer { EVP_MD_CTX_free(context) }
    var options: OpaquePointer?
    guard EVP_DigestSignInit(context, &options, algorithm.digest?.handle, nil, handle) == 1 else { throw .failed() }
    if algorithm.usesPSS {
      guard EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1,
        EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1
      else { throw .failed() }
    }
    var count = 0
    guard EVP_DigestSign(context, nil, &count, input, input.count) == 1 else { throw .failed() }
    var bytes = [UInt8](repeating: 0, count: count)
    guard EVP_DigestSign(context, &bytes, &count, input, input.count) == 1, count <= bytes.count else {
      throw .failed()
    }
    bytes.removeLast(bytes.count - count)
    guard type == .p256 || type == .p384, let half = type.coordinateByteCount else { return bytes }
    guard let joined = ECDSASignature.joined(bytes, half: half) else { throw .failed() }
    return joined
  }
}
