public import JSONCore

/// A JSON Web Key (RFC 7517): a public key with what its owner says of it.
public struct JWK: Sendable, Equatable {
  public let key: PublicKey
  /// `kid`, a name and nothing else: it is compared, never opened, looked up or fetched.
  public let id: String?
  /// `alg`: the only algorithm that the key may be used with.
  public let algorithm: SignatureAlgorithm?

  /// Bytes of a key's id.
  public static let idBytesMax = 512

  public init(_ key: PublicKey, id: String?, algorithm: SignatureAlgorithm? = nil) {
    self.key = key
    self.id = id
    self.algorithm = algorithm
  }

  /// Reads a public key.
  /// - Throws: `.unsupported` for another type, curve, use or algorithm; `.malformed`, `.weak` or `.invalid` for what
  ///   is no key. A key with a private part is refused: whoever published it has no secret any more.
  public init(_ json: JSONValue) throws(KeyError) {
    guard json.kind == .object else { throw KeyError(.malformed, "A JWK is a JSON object.") }
    for name in ["d", "p", "k"] as [JSONKey] where json[name] != nil {
      throw KeyError(.invalid, "The key holds a private part and must not be published.")
    }
    try self.init(json, components: JWK.components(json))
  }

  private init(_ json: JSONValue, components: PublicKey.Components) throws(KeyError) {
    if let use = try JWK.text("use", of: json), use != "sig" {
      throw KeyError(.unsupported, "The key is not for signatures.")
    }
    if let operations = json["key_ops"] {
      guard operations.elements.contains(where: { $0.string == "verify" || $0.string == "sign" }) else {
        throw KeyError(.unsupported, "The key is not for verifying.")
      }
    }
    var algorithm: SignatureAlgorithm?
    if let name = try JWK.text("alg", of: json) {
      // RFC 9864 names EdDSA with Ed25519 after the curve.
      guard let known = SignatureAlgorithm(rawValue: name == "Ed25519" ? "EdDSA" : name) else {
        throw KeyError(.unsupported, "The key's algorithm is not used here.")
      }
      guard known.keyType == components.type else {
        throw KeyError(.mismatch, "The key's algorithm does not fit its type.")
      }
      algorithm = known
    }
    let id = try JWK.text("kid", of: json)
    guard (id?.utf8.count ?? 0) <= JWK.idBytesMax else { throw KeyError(.tooLarge, "The key's id is too long.") }
    self.init(try PublicKey(components), id: id, algorithm: algorithm)
  }

  /// Whether a signature by this algorithm may be checked with this key.
  public func allows(_ algorithm: SignatureAlgorithm) -> Bool {
    algorithm.keyType == key.type && (self.algorithm ?? algorithm) == algorithm
  }

  private static func text(_ name: JSONKey, of json: JSONValue) throws(KeyError) -> String? {
    guard let value = json[name] else { return nil }
    guard let text = value.string else { throw KeyError(.malformed, "The key's member \(name.name) is no text.") }
    return text
  }

  /// The bytes of a member (RFC 7518 §2: base64url).
  static func bytes(_ name: JSONKey, of json: JSONValue) throws(KeyError) -> [UInt8] {
    guard let text = json[name]?.string, text.utf8.count <= 4096, let bytes = Base64URL.decode(text) else {
      throw KeyError(.malformed, "The key's member \(name.name) is missing or no base64url.")
    }
    return bytes
  }

  static func components(_ json: JSONValue) throws(KeyError) -> PublicKey.Components {
    switch try text("kty", of: json) {
    case "RSA": return .rsa(modulus: try bytes("n", of: json), exponent: try bytes("e", of: json))
    case "EC":
      switch try text("crv", of: json) {
      case "P-256": return .p256(x: try bytes("x", of: json), y: try bytes("y", of: json))
      case "P-384": return .p384(x: try bytes("x", of: json), y: try bytes("y", of: json))
      default: throw KeyError(.unsupported, "The key's curve is neither P-256 nor P-384.")
      }
    case "OKP":
      guard try text("crv", of: json) == "Ed25519" else {
        throw KeyError(.unsupported, "The key's curve is not Ed25519.")
      }
      return .ed25519(x: try bytes("x", of: json))
    default: throw KeyError(.unsupported, "The key is neither RSA, EC nor OKP.")
    }
  }
}

extension JWK {
  /// Writes the key as an object of a key set, with `use` and, where it is known, `alg` and `kid`.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    for (name, value) in key.members { writer.member(name, value) }
    writer.member("use", "sig")
    if let algorithm { writer.member("alg", algorithm.rawValue) }
    if let id { writer.member("kid", id) }
    writer.endObject()
  }
}

extension PublicKey {
  /// The required members of a JWK in the order of their names (RFC 7638 §3.2).
  fileprivate var members: [(StaticString, String)] {
    switch components {
    case .rsa(let modulus, let exponent):
      [("e", Base64URL.encode(exponent)), ("kty", "RSA"), ("n", Base64URL.encode(modulus))]
    case .p256(let x, let y), .p384(let x, let y):
      [("crv", type.rawValue), ("kty", "EC"), ("x", Base64URL.encode(x)), ("y", Base64URL.encode(y))]
    case .ed25519(let x): [("crv", "Ed25519"), ("kty", "OKP"), ("x", Base64URL.encode(x))]
    }
  }

  /// The key's thumbprint (RFC 7638) with SHA-256, base64url: a good `kid`.
  public func thumbprint() throws(KeyError) -> String {
    var writer = JSONWriter()
    writer.beginObject()
    for (name, value) in members { writer.member(name, value) }
    writer.endObject()
    return Base64URL.encode(try Digest.sha256.hash(writer.bytes))
  }
}
