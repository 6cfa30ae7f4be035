import COpenSSL

/// Keys as text (RFC 7468): what files and configurations hold.
enum PEM {
  /// A key or certificate with all its text is much smaller.
  static let bytesMax = 64 * 1024

  /// Opens a text for libcrypto's readers.
  static func read<R>(_ text: String, _ body: (OpaquePointer) -> R?) throws(KeyError) -> R {
    let bytes = Array(text.utf8)
    guard bytes.count <= bytesMax else { throw KeyError(.tooLarge, "A PEM text has at most \(bytesMax) bytes.") }
    let result = bytes.withUnsafeBytes { buffer -> R? in
      guard let source = BIO_new_mem_buf(buffer.baseAddress, Int32(clamping: buffer.count)) else { return nil }
      defer { BIO_free(source) }
      return body(source)
    }
    guard let result else {
      ERR_clear_error()
      throw KeyError(.malformed, "The text is not a PEM key that can be read, or its password is another.")
    }
    return result
  }
}

extension PublicKey {
  /// Reads `-----BEGIN PUBLIC KEY-----` or the key of a `-----BEGIN CERTIFICATE-----`.
  public convenience init(pem: String) throws(KeyError) {
    let isCertificate = pem.contains("-----BEGIN CERTIFICATE-----")
    let handle = try PEM.read(pem) { source -> OpaquePointer? in
      guard isCertificate else { return PEM_read_bio_PUBKEY(source, nil, nil, nil) }
      guard let certificate = PEM_read_bio_X509(source, nil, nil, nil) else { return nil }
      defer { X509_free(certificate) }
      return X509_get_pubkey(certificate)
    }
    defer { EVP_PKEY_free(handle) }
    try self.init(KeyBuilder.components(of: handle))
  }

  /// The key as `-----BEGIN PUBLIC KEY-----`.
  public func pem() throws(KeyError) -> String {
    try PEM.write { PEM_write_bio_PUBKEY($0, handle) == 1 }
  }
}

extension PrivateKey {
  /// Reads `-----BEGIN PRIVATE KEY-----` and its older and encrypted forms.
  public convenience init(pem: String, password: String = "") throws(KeyError) {
    // Without a callback of our own libcrypto would ask at the terminal.
    var password = Array(password.utf8)
    password.append(0)
    let handle = try PEM.read(pem) { source in
      password.withUnsafeMutableBytes { secret in
        PEM_read_bio_PrivateKey(source, nil, PEM.givePassword, secret.baseAddress)
      }
    }
    try self.init(handle: handle)
  }

  /// The key as `-----BEGIN PRIVATE KEY-----` (PKCS #8), not encrypted: for a file that its owner alone may read.
  public func pem() throws(KeyError) -> String {
    try PEM.write { PEM_write_bio_PrivateKey($0, publicKey.handle, nil, nil, 0, nil, nil) == 1 }
  }
}

extension PEM {
  /// Copies the password at `context`, which ends with a zero, to libcrypto's buffer.
  static let givePassword:
    @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32 = {
      buffer, size, _, context in
      guard let buffer, let context else { return 0 }
      let text = context.assumingMemoryBound(to: CChar.self)
      var count = 0
      while count < Int(size), text[count] != 0 {
        buffer[count] = text[count]
        count += 1
      }
      return Int32(truncatingIfNeeded: count)
    }

  static func write(_ body: (OpaquePointer) -> Bool) throws(KeyError) -> String {
    guard let sink = BIO_new(BIO_s_mem()) else { throw .failed() }
    defer { BIO_free(sink) }
    guard body(sink) else { throw .failed() }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while bytes.count < bytesMax {
      let count = BIO_read(sink, &piece, Int32(piece.count))
      guard count > 0 else { break }
      bytes += piece.prefix(Int(count))
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
