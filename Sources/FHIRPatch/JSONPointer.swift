internal import Base
internal import JSONCore

/// A place in a JSON document (RFC 6901).
struct JSONPointer: Sendable, Equatable {
  /// The reference tokens, unescaped.
  let tokens: [[UInt8]]

  /// - Returns: nil for a text that is no pointer.
  init?(_ text: [UInt8]) {
    guard let first = text.first else {
      tokens = []
      return
    }
    // RFC 6901 §3: each token has a "/" before it.
    guard first == UInt8(ascii: "/") else { return nil }
    var tokens: [[UInt8]] = []
    for part in text.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      guard let token = JSONPointer.unescaped(part) else { return nil }
      tokens.append(token)
    }
    self.tokens = tokens
  }

  /// RFC 6901 §4: "~1" is "/" and "~0" is "~".
  private static func unescaped(_ part: ArraySlice<UInt8>) -> [UInt8]? {
    guard part.contains(UInt8(ascii: "~")) else { return Array(part) }
    var token: [UInt8] = []
    var isEscape = false
    for byte in part {
      switch (isEscape, byte) {
      case (true, UInt8(ascii: "0")): token.append(UInt8(ascii: "~"))
      case (true, UInt8(ascii: "1")): token.append(UInt8(ascii: "/"))
      case (true, _): return nil
      case (false, UInt8(ascii: "~")):
        isEscape = true
        continue
      case (false, _): token.append(byte)
      }
      isEscape = false
    }
    return isEscape ? nil : token
  }

  /// An array index (RFC 6901 §4): digits without leading zeros.
  static func index(_ token: [UInt8]) -> Int? {
    guard !token.isEmpty, token.count <= 9, token.allSatisfy({ $0 &- 48 < 10 }), token.count == 1 || token[0] != 48
    else { return nil }
    return token.reduce(0) { $0 * 10 + Int($1 &- 48) }
  }

  /// Whether the other place is inside this one.
  func contains(_ other: JSONPointer) -> Bool {
    tokens.count < other.tokens.count && other.tokens.starts(with: tokens)
  }
}

extension JSONDocument {
  /// The value that reference tokens lead to, from the root.
  func value(at tokens: ArraySlice<[UInt8]>) -> JSONNode? {
    var node = root
    for token in tokens {
      guard let next = step(from: node, token) else { return nil }
      node = next
    }
    return node
  }

  /// The member or element that a reference token names.
  func step(from node: JSONNode, _ token: [UInt8]) -> JSONNode? {
    switch kind(node) {
    case .object: member(node, JSONKey(utf8: token))
    case .array: JSONPointer.index(token).flatMap { element($0, of: node) }
    default: nil
    }
  }
}
