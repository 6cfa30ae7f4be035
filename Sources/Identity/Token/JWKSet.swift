public import JSONCore

/// A JSON Web Key Set (RFC 7517 §5): the public keys of an issuer or a client.
public struct JWKSet: Sendable, Equatable {
  public let keys: [JWK]
  /// Keys that were left out, because they are of types or uses that are not used here, or no keys at all.
  public let skipped: [KeyError]

  public static let bytesMax = 512 * 1024
  public static let keysMax = 200

  public init(_ keys: [JWK]) {
    self.keys = keys
    skipped = []
  }

  /// Reads a key set. A key that cannot be used is left out (RFC 7517 §5), so that one new kind of key does not lock
  /// everyone out.
  /// - Throws: `.malformed` for what is no key set, `.tooLarge` past the limits.
  public init(_ bytes: [UInt8]) throws(KeyError) {
    guard bytes.count <= JWKSet.bytesMax else {
      throw KeyError(.tooLarge, "A key set has at most \(JWKSet.bytesMax) bytes.")
    }
    var limits = JSONLimits()
    limits.depthMax = 8
    limits.nodesMax = 100_000
    let document: JSONDocument
    do {
      document = try JSONDocument(bytes, limits: limits)
    } catch {
      throw KeyError(.malformed, "The key set is no JSON: \(error.message)")
    }
    try self.init(document.value)
  }

  /// Reads a key set.
  public init(_ json: JSONValue) throws(KeyError) {
    guard let list = json["keys"], list.kind == .array else {
      throw KeyError(.malformed, "A key set is an object with an array \"keys\".")
    }
    guard list.count <= JWKSet.keysMax else {
      throw KeyError(.tooLarge, "A key set has at most \(JWKSet.keysMax) keys.")
    }
    var keys: [JWK] = []
    var skipped: [KeyError] = []
    for element in list.elements {
      do {
        keys.append(try JWK(element))
      } catch {
        skipped.append(error)
      }
    }
    self.keys = keys
    self.skipped = skipped
  }

  /// The keys that a signature with this header may be checked with: those with its `kid`, or, without one, the only
  /// key that the algorithm can use.
  ///
  /// Guessing among several would let whoever makes the token choose how much work it is.
  public func candidates(id: String?, _ algorithm: SignatureAlgorithm) -> [JWK] {
    let fitting = keys.filter { $0.allows(algorithm) && (id == nil || $0.id == id) }
    return id == nil && fitting.count > 1 ? [] : Array(fitting.prefix(JWKSet.candidatesMax))
  }

  /// Keys with one `kid` that are tried.
  static let candidatesMax = 4

  /// The set as JSON.
  public var json: [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("keys")
    writer.beginArray()
    for key in keys { key.write(to: &writer) }
    writer.endArray()
    writer.endObject()
    return writer.bytes
  }
}
