/// A place in a document's tape: a plain index, so that passing it costs nothing. It is meaningful only together
/// with the document that gave it.
public struct JSONNode: Hashable, Sendable {
  public let index: Int32

  @inlinable
  public init(index: Int32) { self.index = index }

  @inlinable
  init(_ index: Int) { self.index = Int32(truncatingIfNeeded: index) }

  @usableFromInline
  @inline(__always)
  var position: Int { Int(index) }
}

/// The six kinds of JSON value, with true and false told apart.
public enum JSONKind: UInt8, Sendable {
  case null = 1
  case `false` = 2
  case `true` = 3
  case number = 4
  case string = 5
  case array = 6
  case object = 7
}

/// A member name, encoded once for fast look-up.
public struct JSONKey: Hashable, Sendable, ExpressibleByStringLiteral {
  /// The name's UTF-8, as it stands unescaped in a text.
  public let utf8: [UInt8]
  /// The first eight bytes, little endian, zero-filled.
  @usableFromInline let head: UInt64

  public init(_ name: String) { self.init(utf8: Array(name.utf8)) }

  public init(stringLiteral value: String) { self.init(value) }

  public init(utf8: [UInt8]) {
    self.utf8 = utf8
    var head: UInt64 = 0
    for (place, byte) in utf8.prefix(8).enumerated() { head |= UInt64(byte) << UInt64(8 * place) }
    self.head = head
  }

  public var name: String { String(decoding: utf8, as: UTF8.self) }

  public static func == (lhs: JSONKey, rhs: JSONKey) -> Bool { lhs.utf8 == rhs.utf8 }

  public func hash(into hasher: inout Hasher) { hasher.combine(utf8) }
}

/// The tape's words.
///
/// A scalar or key takes one: kind (4 bits), escape flag (1), length (27), offset of its content (32). A container
/// takes two: kind (4), count of children (28), tape index after its last child (32); then the byte offsets of its
/// start (32) and end (32). Children follow in document order; in an object each value follows its key.
@usableFromInline
enum Tape {
  @usableFromInline static let key: UInt64 = 8
  @usableFromInline static let escapeFlag: UInt64 = 1 << 59
  @usableFromInline static let bytesMax = (1 << 27) - 1

  @inlinable
  @inline(__always)
  static func tag(_ word: UInt64) -> UInt64 { word >> 60 }

  @inlinable
  @inline(__always)
  static func isContainer(_ word: UInt64) -> Bool {
    let tag = word >> 60
    return tag == 6 || tag == 7
  }

  @inlinable
  @inline(__always)
  static func offset(_ word: UInt64) -> Int { Int(truncatingIfNeeded: word & 0xFFFF_FFFF) }

  @inlinable
  @inline(__always)
  static func length(_ word: UInt64) -> Int { Int(truncatingIfNeeded: (word >> 32) & 0x7FF_FFFF) }

  @inlinable
  @inline(__always)
  static func count(_ word: UInt64) -> Int { Int(truncatingIfNeeded: (word >> 32) & 0xFFF_FFFF) }
}
