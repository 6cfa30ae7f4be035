import COpenSSL
public import JSONCore

extension PrivateKey {
  /// Reads a private JWK (RFC 7518 §6.2.2 and §6.3.2, RFC 8037 §2), as clients keep theirs.
  /// - Throws: as `JWK.init`, and `.invalid` if the halves do not belong together.
  public convenience init(jwk json: JSONValue) throws(KeyError) {
    let components = try JWK.components(json)
    try PublicKey.check(components)
    let handle = try PrivateKey.handle(components, json)
    try self.init(handle: handle)
    // Ed25519's public half is computed from the private one, so that a wrong `x` shows here.
    guard publicKey.components == components else {
      throw KeyError(.invalid, "The key's private and public parts do not belong together.")
    }
    try checkPair()
  }

  private static func handle(_ components: PublicKey.Components, _ json: JSONValue) throws(KeyError) -> OpaquePointer {
    let secret = try JWK.bytes("d", of: json)
    var parameters = KeyBuilder.publicParameters(components)
    switch components {
    case .ed25519:
      guard secret.count == 32, let key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, secret, 32) else {
        throw .invalid("The private part is no Ed25519 key.")
      }
      return key
    case .p256, .p384: parameters.append((OSSL_PKEY_PARAM_PRIV_KEY, .number(secret)))
    case .rsa:
      parameters.append((OSSL_PKEY_PARAM_RSA_D, .number(secret)))
      if json["p"] != nil {
        let names: [(String, JSONKey)] = [
          // OSSL_PKEY_PARAM_RSA_FACTOR1 and the others, whose macros Swift cannot read.
          ("rsa-factor1", "p"), ("rsa-factor2", "q"), ("rsa-exponent1", "dp"), ("rsa-exponent2", "dq"),
          ("rsa-coefficient1", "qi"),
        ]
        for (name, member) in names { parameters.append((name, .number(try JWK.bytes(member, of: json)))) }
      }
    }
    return try KeyBuilder.key(components, parameters, selection: aceso_key_selection_pair())
  }

  private func checkPair() throws(KeyError) {
    guard let context = EVP_PKEY_CTX_new_from_pkey(nil, publicKey.handle, nil) else { throw .failed() }
    defer { EVP_PKEY_CTX_free(context) }
    guard EVP_PKEY_pairwise_check(context) == 1 else {
      throw .invalid("The key's private and public parts do not belong together.")
    }
  }
}
