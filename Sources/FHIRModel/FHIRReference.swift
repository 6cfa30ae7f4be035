/// The parts of a reference string (FHIR R4 references.html#literal, #canonical, #contained; http.html#trules for the
/// conditional form), as ranges of its bytes: reading one makes no String.
public struct FHIRReference: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    /// `#id`, or `#` for the container itself (then `id` is empty).
    case contained
    /// `Type/id`, `Type/id/_history/version`.
    case relative
    /// An absolute URL that ends like a relative reference.
    case absolute
    /// `urn:uuid:…` or `urn:oid:…`; `id` is what follows the prefix.
    case urn
    /// `Type?query`.
    case conditional
    /// An absolute URI with `|version` or `#fragment`.
    case canonical
    /// A logical id and nothing else.
    case logicalID
    /// Anything else, plain canonical URLs included.
    case other
  }

  public let kind: Kind
  /// An absolute URL's base, up to and without the slash before the type; a canonical's URL.
  public var base: Range<Int>?
  public var type: Range<Int>?
  public var id: Range<Int>?
  /// The version of a version-specific reference, or of a canonical.
  public var version: Range<Int>?
  public var fragment: Range<Int>?
  /// A conditional reference's query, without the `?`.
  public var query: Range<Int>?
  /// The resource type, when a schema was given.
  public var typeID: Schema.TypeID?

  private init(_ kind: Kind) { self.kind = kind }

  /// Reads a reference's decoded bytes. With a schema, types are resource types of it (`typeID` says which), and what
  /// names no such type is `other`; without one, any capitalised word may be a type.
  public init(_ bytes: UnsafeBufferPointer<UInt8>, schema: Schema? = nil) {
    self = FHIRReference.read(bytes, schema)
  }

  /// As the byte reader; the ranges are of the text's UTF-8.
  public init(_ text: String, schema: Schema? = nil) {
    var text = text
    self = text.withUTF8 { FHIRReference.read($0, schema) }
  }

  /// A part of the bytes this was read from; nil when there is no such part, or the bytes are others.
  public static func slice(_ part: Range<Int>?, of bytes: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8>? {
    guard let part, part.upperBound <= bytes.count else { return nil }
    return UnsafeBufferPointer(rebasing: bytes[part])
  }

  /// A part of the text this was read from.
  public static func text(_ part: Range<Int>?, of text: String) -> String? {
    guard let part, part.upperBound <= text.utf8.count else { return nil }
    return String(decoding: text.utf8.dropFirst(part.lowerBound).prefix(part.count), as: UTF8.self)
  }
}

// MARK: - Reading

extension FHIRReference {
  private static func read(_ bytes: UnsafeBufferPointer<UInt8>, _ schema: Schema?) -> FHIRReference {
    guard let first = bytes.first else { return FHIRReference(.other) }
    if first == UInt8(ascii: "#") { return contained(bytes) }
    if first == UInt8(ascii: "u"), let urn = urn(bytes) { return urn }
    guard let scheme = schemeEnd(bytes) else { return local(bytes, schema) }
    return absolute(bytes, schemeEnd: scheme, schema)
  }

  private static func contained(_ bytes: UnsafeBufferPointer<UInt8>) -> FHIRReference {
    guard bytes.count == 1 || PrimitiveCheck.isLogicalID(bytes[1...]) else { return FHIRReference(.other) }
    var reference = FHIRReference(.contained)
    reference.id = 1..<bytes.count
    return reference
  }

  private static func urn(_ bytes: UnsafeBufferPointer<UInt8>) -> FHIRReference? {
    let start: Int
    if hasPrefix(bytes, "urn:uuid:") {
      start = 9
    } else if hasPrefix(bytes, "urn:oid:") {
      start = 8
    } else {
      return nil
    }
    let end = bytes.firstIndex { $0 == UInt8(ascii: "|") || $0 == UInt8(ascii: "#") } ?? bytes.count
    if end < bytes.count { return canonical(bytes) }
    var reference = FHIRReference(.urn)
    reference.id = start..<end
    return reference
  }

  /// Where a URI's scheme ends (its colon): a letter, then letters, digits, `+`, `-`, `.` (RFC 3986 §3.1).
  private static func schemeEnd(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
    guard let first = bytes.first, isLetter(first) else { return nil }
    for index in 1..<bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: ":") { return index }
      guard isLetter(byte) || byte &- 48 < 10 || byte == 43 || byte == 45 || byte == 46 else { return nil }
    }
    return nil
  }

  private static func absolute(
    _ bytes: UnsafeBufferPointer<UInt8>, schemeEnd: Int, _ schema: Schema?
  ) -> FHIRReference {
    for byte in bytes where byte == UInt8(ascii: "|") || byte == UInt8(ascii: "#") { return canonical(bytes) }
    guard let tail = tail(bytes, schema), tail.start > schemeEnd + 3, bytes[tail.start - 1] == UInt8(ascii: "/")
    else { return FHIRReference(.other) }
    var reference = tail.reference(.absolute)
    reference.base = 0..<(tail.start - 1)
    return reference
  }

  private static func canonical(_ bytes: UnsafeBufferPointer<UInt8>) -> FHIRReference {
    var reference = FHIRReference(.canonical)
    let hash = bytes.firstIndex(of: UInt8(ascii: "#")) ?? bytes.count
    let bar = bytes[..<hash].firstIndex(of: UInt8(ascii: "|")) ?? hash
    reference.base = 0..<bar
    if bar < hash { reference.version = (bar + 1)..<hash }
    if hash < bytes.count { reference.fragment = (hash + 1)..<bytes.count }
    return reference
  }

  private static func local(_ bytes: UnsafeBufferPointer<UInt8>, _ schema: Schema?) -> FHIRReference {
    if let tail = tail(bytes, schema), tail.start == 0 { return tail.reference(.relative) }
    if let mark = bytes.firstIndex(of: UInt8(ascii: "?")) {
      let (isType, id) = resourceType(bytes, 0..<mark, schema)
      guard isType else { return FHIRReference(.other) }
      var reference = FHIRReference(.conditional)
      reference.type = 0..<mark
      reference.typeID = id
      reference.query = (mark + 1)..<bytes.count
      return reference
    }
    guard PrimitiveCheck.isLogicalID(bytes[...]) else { return FHIRReference(.other) }
    var reference = FHIRReference(.logicalID)
    reference.id = 0..<bytes.count
    return reference
  }
}

// MARK: - The RESTful tail

extension FHIRReference {
  /// `Type/id[/_history/version]` at the end of the bytes.
  private struct Tail {
    var start: Int
    var type: Range<Int>
    var typeID: Schema.TypeID?
    var id: Range<Int>
    var version: Range<Int>?

    func reference(_ kind: Kind) -> FHIRReference {
      var reference = FHIRReference(kind)
      reference.type = type
      reference.typeID = typeID
      reference.id = id
      reference.version = version
      return reference
    }
  }

  private static func tail(_ bytes: UnsafeBufferPointer<UInt8>, _ schema: Schema?) -> Tail? {
    guard var id = lastSegment(bytes, before: bytes.count) else { return nil }
    var version: Range<Int>?
    if let history = lastSegment(bytes, before: id.lowerBound - 1), isHistory(bytes, history) {
      guard let identified = lastSegment(bytes, before: history.lowerBound - 1) else { return nil }
      version = id
      id = identified
    }
    guard let type = lastSegment(bytes, before: id.lowerBound - 1) else { return nil }
    let (isType, typeID) = resourceType(bytes, type, schema)
    guard isType, PrimitiveCheck.isLogicalID(bytes[id]) else { return nil }
    if let version, !PrimitiveCheck.isLogicalID(bytes[version]) { return nil }
    return Tail(start: type.lowerBound, type: type, typeID: typeID, id: id, version: version)
  }

  /// The segment that ends at `end`, without its slash; nil when it is empty or there is none.
  private static func lastSegment(_ bytes: UnsafeBufferPointer<UInt8>, before end: Int) -> Range<Int>? {
    guard end > 0 else { return nil }
    var start = end
    while start > 0, bytes[start - 1] != UInt8(ascii: "/") { start -= 1 }
    return start < end ? start..<end : nil
  }

  private static func isHistory(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Bool {
    range.count == 8 && hasPrefix(UnsafeBufferPointer(rebasing: bytes[range]), "_history")
  }

  private static func resourceType(
    _ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ schema: Schema?
  ) -> (Bool, Schema.TypeID?) {
    guard !range.isEmpty, range.count <= 64, bytes[range.lowerBound] &- 65 < 26 else { return (false, nil) }
    if let schema {
      guard let type = schema.type(utf8: UnsafeBufferPointer(rebasing: bytes[range])), schema.kind(type) == .resource
      else { return (false, nil) }
      return (true, type)
    }
    return (bytes[range].allSatisfy(isLetter), nil)
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 97 < 26 }

  private static func hasPrefix(_ bytes: UnsafeBufferPointer<UInt8>, _ prefix: StaticString) -> Bool {
    let count = prefix.utf8CodeUnitCount
    guard bytes.count >= count else { return false }
    for index in 0..<count where bytes[index] != prefix.utf8Start[index] { return false }
    return true
  }
}
