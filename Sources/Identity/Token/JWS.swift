import JSONCore

/// A signed token in the compact form (RFC 7515 §7.1), taken apart but not believed.
public struct JWS: Sendable {
  /// Bytes of a token; a header line of HTTP holds it.
  public static let bytesMax = 16 * 1024

  public let algorithm: SignatureAlgorithm
  /// `kid`
  public let keyID: String?
  /// `typ`, in lower case without `application/` (RFC 7515 §4.1.9).
  public let type: String?
  /// `jku`, kept only to be compared: it is never fetched.
  public let keySetAddress: String?
  let payload: [UInt8]
  let signature: [UInt8]
  /// What was signed: header and payload with the point between.
  private let token: [UInt8]
  private let signedCount: Int

  /// Takes a token apart.
  /// - Throws: `.malformed`, `.tooLarge`, `.header` or `.algorithm`; nothing about keys or claims.
  public init(_ token: [UInt8]) throws(TokenError) {
    guard token.count <= JWS.bytesMax else { throw TokenError(.tooLarge) }
    let parts = token.split(separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count == 3, let header = Base64URL.decode(parts[0]), let payload = Base64URL.decode(parts[1]),
      let signature = Base64URL.decode(parts[2])
    else { throw TokenError(.malformed) }
    let fields = try JWSHeader(header)
    algorithm = fields.algorithm
    keyID = fields.keyID
    type = fields.type
    keySetAddress = fields.keySetAddress
    guard !signature.isEmpty else { throw TokenError(.signature) }
    self.payload = payload
    self.signature = signature
    self.token = token
    signedCount = parts[2].startIndex - 1
  }

  /// Takes a token apart.
  public init(_ token: String) throws(TokenError) { try self.init(Array(token.utf8)) }

  /// Whether one of these keys made the signature.
  /// - Throws: `.unknownKey` if no key fits the header, `.signature` if none made it.
  public func verify(_ keys: JWKSet) throws(TokenError) {
    try verify(keys.candidates(id: keyID, algorithm))
  }

  func verify(_ candidates: [JWK]) throws(TokenError) {
    guard !candidates.isEmpty else { throw TokenError(.unknownKey) }
    let isSigned = token.withUnsafeBytes { bytes in
      let input = UnsafeRawBufferPointer(rebasing: bytes[..<signedCount])
      return candidates.contains {
        $0.allows(algorithm) && $0.key.isSignature(signature, of: input, by: algorithm)
      }
    }
    guard isSigned else { throw TokenError(.signature) }
  }

  /// The claims, to be believed only after `verify`.
  public func claims() throws(TokenError) -> Claims { try Claims(payload) }
}

extension JWS {
  /// Makes a signed token.
  /// - Parameters:
  ///   - payload: JSON with the claims.
  ///   - type: `typ`, such as `at+jwt` (RFC 9068).
  /// - Throws: `.mismatch` for an algorithm of another type of key.
  public static func sign(
    _ payload: [UInt8], _ key: PrivateKey, _ algorithm: SignatureAlgorithm, keyID: String?, type: String? = "JWT"
  ) throws(KeyError) -> String {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("alg", algorithm.rawValue)
    if let type { writer.member("typ", type) }
    if let keyID { writer.member("kid", keyID) }
    writer.endObject()
    return try sign(header: writer.bytes, payload, key, algorithm)
  }

  /// Makes a signed token with a header that is JSON already; the caller vouches that it names the algorithm.
  static func sign(
    header: [UInt8], _ payload: [UInt8], _ key: PrivateKey, _ algorithm: SignatureAlgorithm
  ) throws(KeyError) -> String {
    var token: [UInt8] = []
    Base64URL.append(header, to: &token)
    token.append(UInt8(ascii: "."))
    Base64URL.append(payload, to: &token)
    let signature = try key.signature(of: token, by: algorithm)
    token.append(UInt8(ascii: "."))
    Base64URL.append(signature, to: &token)
    return String(decoding: token, as: UTF8.self)
  }
}

/// A token's header (RFC 7515 §4), of which little is heard: the algorithm must be one of ours, the key's id is a name,
/// and what tells a verifier to take a key or an extension from the token is refused.
struct JWSHeader {
  let algorithm: SignatureAlgorithm
  let keyID: String?
  let type: String?
  let keySetAddress: String?

  static let bytesMax = 4 * 1024
  private static let refused: [JSONKey] = ["crit", "jwk", "x5u", "x5c", "b64", "zip", "enc"]

  init(_ bytes: [UInt8]) throws(TokenError) {
    guard bytes.count <= JWSHeader.bytesMax else { throw TokenError(.tooLarge) }
    let json = try JWSHeader.object(bytes)
    for name in JWSHeader.refused where json[name] != nil { throw TokenError(.header, name.name) }
    let name = try JWSHeader.text("alg", json)
    guard let name, let known = SignatureAlgorithm(rawValue: name == "Ed25519" ? "EdDSA" : name) else {
      throw TokenError(.algorithm)
    }
    algorithm = known
    keyID = try JWSHeader.text("kid", json)
    guard (keyID?.utf8.count ?? 0) <= JWK.idBytesMax else { throw TokenError(.header, "kid") }
    let type = try JWSHeader.text("typ", json)?.lowercased()
    self.type = type.map { $0.hasPrefix("application/") ? String($0.dropFirst(12)) : $0 }
    keySetAddress = try JWSHeader.text("jku", json)
  }

  /// Member names that appear twice are refused by the parser (RFC 7515 §4).
  static func object(_ bytes: [UInt8]) throws(TokenError) -> JSONValue {
    var limits = JSONLimits()
    limits.depthMax = 16
    limits.nodesMax = 10_000
    guard let document = try? JSONDocument(bytes, limits: limits), document.kind(document.root) == .object else {
      throw TokenError(.malformed)
    }
    return document.value
  }

  private static func text(_ name: JSONKey, _ json: JSONValue) throws(TokenError) -> String? {
    guard let value = json[name] else { return nil }
    guard let text = value.string else { throw TokenError(.header, name.name) }
    return text
  }
}
