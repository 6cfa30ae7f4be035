public import JSONCore

/// The member names of a document, as a filter (B. H. Bloom, 1970): it never denies a name that is there, and seldom
/// affirms one that is not. With it a message is gone through once for all the paths that do not concern it.
public struct JSONNames: Sendable {
  /// Names that must all be there.
  public struct Requirement: Sendable {
    /// Nothing is required.
    public static let none = Requirement([])
    fileprivate let bits: [UInt64]

    init(_ names: [JSONKey]) { bits = names.map { JSONNames.bits($0) } }
  }

  private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  public init(of document: JSONDocument) { collect(document, document.root, 0) }

  private mutating func collect(_ document: JSONDocument, _ node: JSONNode, _ depth: Int) {
    // What is nested deeper than documents are by default is not looked at: then every name may be there.
    guard depth < 256 else {
      words = (.max, .max, .max, .max)
      return
    }
    switch document.kind(node) {
    case .object:
      for (key, value) in document.members(node) {
        add(document, key)
        if document.kind(value).isContainer { collect(document, value, depth + 1) }
      }
    case .array:
      for element in document.elements(node) where document.kind(element).isContainer {
        collect(document, element, depth + 1)
      }
    default: return
    }
  }

  private mutating func add(_ document: JSONDocument, _ key: JSONNode) {
    let bits =
      document.hasEscapes(key)
      ? JSONNames.bits(JSONKey(document.string(key) ?? "")) : JSONNames.bits(document.lexeme(key))
    let mask = JSONNames.mask(bits)
    switch bits >> 62 {
    case 0: words.0 |= mask
    case 1: words.1 |= mask
    case 2: words.2 |= mask
    default: words.3 |= mask
    }
  }

  /// Whether the names may all be there; if not, some is missing for certain.
  public func mayMeet(_ requirement: Requirement) -> Bool {
    for bits in requirement.bits where !mayContain(bits) { return false }
    return true
  }

  private func mayContain(_ bits: UInt64) -> Bool {
    let mask = JSONNames.mask(bits)
    switch bits >> 62 {
    case 0: return words.0 & mask == mask
    case 1: return words.1 & mask == mask
    case 2: return words.2 & mask == mask
    default: return words.3 & mask == mask
    }
  }

  /// Two bits of a word.
  private static func mask(_ bits: UInt64) -> UInt64 { 1 << (bits >> 56 & 63) | 1 << (bits >> 50 & 63) }

  private static func bits(_ key: JSONKey) -> UInt64 { key.utf8.withUnsafeBufferPointer { bits($0) } }

  /// FNV-1a, with its bits mixed upwards.
  private static func bits(_ name: UnsafeBufferPointer<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return (hash ^ hash >> 32) &* 0x9e37_79b9_7f4a_7c15
  }
}
