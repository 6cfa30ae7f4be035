import COpenSSL

/// Makes libcrypto's keys from numbers, and reads the numbers of its keys.
enum KeyBuilder {
  /// A value that libcrypto's key has by name.
  enum Parameter {
    case number([UInt8])
    case octets([UInt8])
    case text(String)
  }

  static func publicKey(_ components: PublicKey.Components) throws(KeyError) -> OpaquePointer {
    if case .ed25519(let x) = components {
      guard let key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, x, x.count) else {
        throw .invalid("These bytes are no Ed25519 key.")
      }
      return key
    }
    return try key(components, publicParameters(components), selection: aceso_key_selection_public())
  }

  static func publicParameters(_ components: PublicKey.Components) -> [(String, Parameter)] {
    switch components {
    case .rsa(let modulus, let exponent):
      [(OSSL_PKEY_PARAM_RSA_N, .number(modulus)), (OSSL_PKEY_PARAM_RSA_E, .number(exponent))]
    case .p256(let x, let y), .p384(let x, let y):
      // SEC 1 §2.3.4: 4 says that both coordinates follow.
      [
        (OSSL_PKEY_PARAM_GROUP_NAME, .text(components.type.rawValue)),
        (OSSL_PKEY_PARAM_PUB_KEY, .octets([4] + x + y)),
      ]
    case .ed25519: []
    }
  }

  /// A key of RSA or EC.
  static func key(
    _ components: PublicKey.Components, _ parameters: [(String, Parameter)], selection: Int32
  ) throws(KeyError) -> OpaquePointer {
    guard let builder = OSSL_PARAM_BLD_new() else { throw .failed() }
    defer { OSSL_PARAM_BLD_free(builder) }
    // The builder keeps pointers, not copies: to values until it is asked for the result, to names longer.
    var kept: [UnsafeMutableBufferPointer<UInt8>] = []
    var numbers: [OpaquePointer] = []
    defer {
      // Either may be part of a private key: wiped before it is given back.
      for number in numbers { BN_clear_free(number) }
      for buffer in kept {
        OPENSSL_cleanse(buffer.baseAddress, buffer.count)
        buffer.deallocate()
      }
    }
    func keep(_ bytes: [UInt8]) -> UnsafeMutablePointer<UInt8>? {
      let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
      _ = buffer.initialize(from: bytes)
      kept.append(buffer)
      return buffer.baseAddress
    }
    for (text, value) in parameters {
      let name = keep(Array(text.utf8) + [0]).map { UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self) }
      let isPushed: Bool
      switch value {
      case .number(let bytes):
        guard let number = BN_bin2bn(bytes, Int32(clamping: bytes.count), nil) else { throw .failed() }
        numbers.append(number)
        isPushed = OSSL_PARAM_BLD_push_BN(builder, name, number) == 1
      case .octets(let bytes):
        isPushed = OSSL_PARAM_BLD_push_octet_string(builder, name, keep(bytes), bytes.count) == 1
      case .text(let text):
        let bytes = keep(Array(text.utf8)).map { UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self) }
        isPushed = OSSL_PARAM_BLD_push_utf8_string(builder, name, bytes, text.utf8.count) == 1
      }
      guard isPushed else { throw .failed() }
    }
    return try key(components.type.keyType, builder, selection)
  }

  private static func key(_ type: String, _ builder: OpaquePointer, _ selection: Int32) throws(KeyError)
    -> OpaquePointer
  {
    guard let parameters = OSSL_PARAM_BLD_to_param(builder) else { throw .failed() }
    defer { OSSL_PARAM_free(parameters) }
    guard let context = EVP_PKEY_CTX_new_from_name(nil, type, nil) else { throw .failed() }
    defer { EVP_PKEY_CTX_free(context) }
    var key: OpaquePointer?
    guard EVP_PKEY_fromdata_init(context) == 1, EVP_PKEY_fromdata(context, &key, selection, parameters) == 1,
      let key
    else {
      EVP_PKEY_free(key)
      throw .invalid("The key's numbers are not a key of type \(type).")
    }
    do {
      try check(key)
      return key
    } catch {
      EVP_PKEY_free(key)
      throw error
    }
  }

  /// SP 800-56A §5.6.2.3: a point must be on its curve.
  private static func check(_ key: OpaquePointer) throws(KeyError) {
    guard let context = EVP_PKEY_CTX_new_from_pkey(nil, key, nil) else { throw .failed() }
    defer { EVP_PKEY_CTX_free(context) }
    guard EVP_PKEY_public_check_quick(context) == 1 else { throw .invalid("The key's numbers are not a valid key.") }
  }

  // MARK: reading

  /// The public numbers of a key of libcrypto.
  /// - Throws: `.unsupported` for a type or curve that is not used here.
  static func components(of key: OpaquePointer) throws(KeyError) -> PublicKey.Components {
    if EVP_PKEY_is_a(key, "RSA") == 1 {
      return .rsa(
        modulus: try number(OSSL_PKEY_PARAM_RSA_N, of: key), exponent: try number(OSSL_PKEY_PARAM_RSA_E, of: key))
    }
    if EVP_PKEY_is_a(key, "ED25519") == 1 {
      var bytes = [UInt8](repeating: 0, count: 32)
      var count = bytes.count
      guard EVP_PKEY_get_raw_public_key(key, &bytes, &count) == 1, count == 32 else { throw .failed() }
      return .ed25519(x: bytes)
    }
    guard EVP_PKEY_is_a(key, "EC") == 1 else { throw KeyError(.unsupported, "The key is neither RSA, EC nor Ed25519.") }
    switch try curve(of: key) {
    case "prime256v1", "P-256":
      return .p256(x: try number("qx", of: key, byteCount: 32), y: try number("qy", of: key, byteCount: 32))
    case "secp384r1", "P-384":
      return .p384(x: try number("qx", of: key, byteCount: 48), y: try number("qy", of: key, byteCount: 48))
    default: throw KeyError(.unsupported, "The key's curve is neither P-256 nor P-384.")
    }
  }

  private static func curve(of key: OpaquePointer) throws(KeyError) -> String {
    var name = [CChar](repeating: 0, count: 80)
    var count = 0
    guard EVP_PKEY_get_group_name(key, &name, name.count, &count) == 1, count < name.count else {
      throw .failed("The key names no curve.")
    }
    return String(decoding: name.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// A number of a key, with leading zeros if it has a length of its own.
  private static func number(_ name: String, of key: OpaquePointer, byteCount: Int? = nil) throws(KeyError) -> [UInt8] {
    var number: OpaquePointer?
    guard EVP_PKEY_get_bn_param(key, name, &number) == 1, let number else { throw .failed() }
    defer { BN_clear_free(number) }
    let count = byteCount ?? (Int(BN_num_bits(number)) + 7) / 8
    var bytes = [UInt8](repeating: 0, count: count)
    guard BN_bn2binpad(number, &bytes, Int32(clamping: count)) == count else { throw .failed() }
    return bytes
  }
}
