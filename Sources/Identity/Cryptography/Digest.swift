import COpenSSL

/// The digests of FIPS 180-4 that tokens, thumbprints and secrets use.
public enum Digest: Sendable {
  case sha256, sha384, sha512

  /// An algorithm of libcrypto, looked up once: a look-up costs more than the digest of a short text.
  ///
  /// It is `@unchecked Sendable` because libcrypto's fetched algorithms never change and are counted atomically.
  private struct Algorithm: @unchecked Sendable {
    let handle: OpaquePointer?

    init(_ name: String) { handle = EVP_MD_fetch(nil, name, nil) }
  }

  private static let fetched256 = Algorithm("SHA256")
  private static let fetched384 = Algorithm("SHA384")
  private static let fetched512 = Algorithm("SHA512")

  var handle: OpaquePointer? {
    switch self {
    case .sha256: Digest.fetched256.handle
    case .sha384: Digest.fetched384.handle
    case .sha512: Digest.fetched512.handle
    }
  }

  /// Bytes of the result.
  public var byteCount: Int {
    switch self {
    case .sha256: 32
    case .sha384: 48
    case .sha512: 64
    }
  }

  /// The digest of these bytes.
  /// - Throws: `.failed` if libcrypto does not offer the algorithm.
  public func hash(_ bytes: UnsafeRawBufferPointer) throws(KeyError) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: byteCount)
    var count: UInt32 = 0
    guard EVP_Digest(bytes.baseAddress, bytes.count, &result, &count, handle, nil) == 1, count == byteCount else {
      throw .failed()
    }
    return result
  }

  /// The digest of these bytes.
  public func hash(_ bytes: [UInt8]) throws(KeyError) -> [UInt8] {
    try bytes.withUnsafeBytes { buffer in Result { () throws(KeyError) in try hash(buffer) } }.get()
  }

  /// The digest of a text's UTF-8.
  public func hash(_ text: String) throws(KeyError) -> [UInt8] { try hash(Array(text.utf8)) }
}

/// A SHA-256 digest in four words: a key of tables.
struct DigestKey: Hashable, Sendable {
  let words: (UInt64, UInt64, UInt64, UInt64)

  /// - Throws: `.failed` if libcrypto does not offer SHA-256.
  init(of bytes: UnsafeRawBufferPointer) throws(KeyError) {
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    let isMade = withUnsafeMutableBytes(of: &words) { result in
      EVP_Digest(
        bytes.baseAddress, bytes.count, result.baseAddress?.assumingMemoryBound(to: UInt8.self), nil,
        Digest.sha256.handle, nil) == 1
    }
    guard isMade else { throw .failed() }
    self.words = words
  }

  /// The digest of a text's UTF-8.
  init(of text: String) throws(KeyError) {
    let bytes = Array(text.utf8)
    self = try bytes.withUnsafeBytes { buffer in Result { () throws(KeyError) in try DigestKey(of: buffer) } }.get()
  }

  static func == (lhs: DigestKey, rhs: DigestKey) -> Bool { lhs.words == rhs.words }

  /// One word is as good as a hash: it is a digest already.
  func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}
