import COpenSSL

/// A public key: its numbers, and libcrypto's form of them.
///
/// It is `@unchecked Sendable` because the key behind the pointer is never changed after `init`, and libcrypto allows
/// any number of threads to verify with one key.
public final class PublicKey: @unchecked Sendable {
  /// The numbers of a key as JWK has them (RFC 7518 §6): big-endian, RSA's without leading zeros, coordinates in full
  /// length.
  public enum Components: Sendable, Equatable {
    case rsa(modulus: [UInt8], exponent: [UInt8])
    case p256(x: [UInt8], y: [UInt8])
    case p384(x: [UInt8], y: [UInt8])
    case ed25519(x: [UInt8])

    public var type: KeyType {
      switch self {
      case .rsa: .rsa
      case .p256: .p256
      case .p384: .p384
      case .ed25519: .ed25519
      }
    }
  }

  /// NIST SP 800-131A: less is not safe.
  public static let rsaBitsMin = 2048
  /// More costs its verifier too much.
  public static let rsaBitsMax = 8192

  public let components: Components
  let handle: OpaquePointer

  public var type: KeyType { components.type }

  /// - Throws: `.weak` for an RSA key out of bounds, `.invalid` for numbers that are no key.
  public convenience init(_ components: Components) throws(KeyError) {
    try PublicKey.check(components)
    self.init(components, handle: try KeyBuilder.publicKey(components))
  }

  /// Takes ownership of `handle`.
  init(_ components: Components, handle: OpaquePointer) {
    self.components = components
    self.handle = handle
  }

  deinit { EVP_PKEY_free(handle) }

  static func check(_ components: Components) throws(KeyError) {
    switch components {
    case .rsa(let modulus, let exponent):
      let bits = modulus.count * 8 - (modulus.first ?? 0).leadingZeroBitCount
      guard modulus.first != 0, bits >= rsaBitsMin, bits <= rsaBitsMax else {
        throw KeyError(.weak, "An RSA key has between \(rsaBitsMin) and \(rsaBitsMax) bits.")
      }
      // An exponent of 1 would make every signature valid; libcrypto takes up to 64 bits.
      guard let last = exponent.last, last & 1 == 1, exponent.first != 0, exponent.count <= 8, exponent != [1] else {
        throw KeyError(.weak, "An RSA key's exponent is odd, at least 3 and at most 64 bits long.")
      }
    case .p256(let x, let y), .p384(let x, let y):
      let count = components.type.coordinateByteCount
      guard x.count == count, y.count == count else {
        throw KeyError(.malformed, "A coordinate does not have its curve's length.")
      }
    case .ed25519(let x):
      guard x.count == 32 else { throw KeyError(.malformed, "An Ed25519 key has 32 bytes.") }
    }
  }
}

extension PublicKey: Equatable {
  public static func == (lhs: PublicKey, rhs: PublicKey) -> Bool { lhs.components == rhs.components }
}

extension PublicKey {
  /// Whether these bytes are this key's signature of the input. A key of another type than the algorithm's says no.
  func isSignature(
    _ signature: [UInt8], of input: UnsafeRawBufferPointer, by algorithm: SignatureAlgorithm
  ) -> Bool {
    guard algorithm.keyType == type, let encoded = encoded(signature) else { return false }
    guard let context = EVP_MD_CTX_new() else { return false }
    defer {
      EVP_MD_CTX_free(context)
      ERR_clear_error()
    }
    var options: OpaquePointer?
    guard EVP_DigestVerifyInit(context, &options, algorithm.digest?.handle, nil, handle) == 1 else { return false }
    if algorithm.usesPSS {
      // RFC 7518 §3.5: the salt is as long as the digest, MGF1 uses the same digest (libcrypto's default).
      guard EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1,
        EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1
      else { return false }
    }
    let data = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
    return EVP_DigestVerify(context, encoded, encoded.count, data, input.count) == 1
  }

  /// A signature as libcrypto wants it: ECDSA's two numbers (RFC 7518 §3.4) as DER, others as they are.
  private func encoded(_ signature: [UInt8]) -> [UInt8]? {
    switch type {
    case .rsa: return signature.count <= PublicKey.rsaBitsMax / 8 ? signature : nil
    case .ed25519: return signature.count == 64 ? signature : nil
    case .p256, .p384: return type.coordinateByteCount.flatMap { ECDSASignature.der(signature, half: $0) }
    }
  }
}

/// The two spellings of an ECDSA signature: JWS joins the numbers in full length, libcrypto wants DER.
enum ECDSASignature {
  /// nil unless the signature has exactly two numbers of `half` bytes.
  static func der(_ signature: [UInt8], half: Int) -> [UInt8]? {
    guard signature.count == 2 * half, let pair = ECDSA_SIG_new() else { return nil }
    defer { ECDSA_SIG_free(pair) }
    let r = signature.withUnsafeBufferPointer { BN_bin2bn($0.baseAddress, Int32(half), nil) }
    let s = Array(signature.suffix(half)).withUnsafeBufferPointer { BN_bin2bn($0.baseAddress, Int32(half), nil) }
    guard let r, let s, ECDSA_SIG_set0(pair, r, s) == 1 else {
      BN_free(r)
      BN_free(s)
      return nil
    }
    let count = i2d_ECDSA_SIG(pair, nil)
    guard count > 0 else { return nil }
    var der = [UInt8](repeating: 0, count: Int(count))
    let written = der.withUnsafeMutableBufferPointer { buffer in
      var place = buffer.baseAddress
      return i2d_ECDSA_SIG(pair, &place)
    }
    return written == count ? der : nil
  }

  /// nil for DER that is no signature.
  static func joined(_ der: [UInt8], half: Int) -> [UInt8]? {
    let pair = der.withUnsafeBufferPointer { buffer in
      var place = buffer.baseAddress
      return d2i_ECDSA_SIG(nil, &place, buffer.count)
    }
    guard let pair else { return nil }
    defer { ECDSA_SIG_free(pair) }
    var signature = [UInt8](repeating: 0, count: 2 * half)
    let isWritten = signature.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return false }
      return BN_bn2binpad(ECDSA_SIG_get0_r(pair), base, Int32(half)) == half
        && BN_bn2binpad(ECDSA_SIG_get0_s(pair), base + half, Int32(half)) == half
    }
    return isWritten ? signature : nil
  }
}
