internal import JSONCore

/// Whether two JSON values are equal as RFC 6902 §4.6 says: strings by their characters, numbers by their value,
/// arrays in order, objects in any order.
///
/// It recurses as deep as the documents are nested, which their parser has bounded.
struct JSONEquality {
  let a: JSONDocument
  let b: JSONDocument
  /// Objects with more members are compared through a dictionary, so that hostile ones do not cost their square.
  static let scannedMembersMax = 32

  func areEqual(_ x: JSONNode, _ y: JSONNode) -> Bool {
    guard a.kind(x) == b.kind(y) else { return false }
    switch a.kind(x) {
    case .null, .true, .false: return true
    case .string: return areEqualStrings(x, y)
    case .number: return JSONEquality.areEqualNumbers(a.lexeme(x), b.lexeme(y))
    case .array:
      guard a.count(x) == b.count(y) else { return false }
      return zip(a.elements(x), b.elements(y)).allSatisfy { areEqual($0, $1) }
    case .object:
      guard a.count(x) == b.count(y) else { return false }
      return a.count(x) <= JSONEquality.scannedMembersMax ? scan(x, y) : lookUp(x, y)
    }
  }

  private func areEqualStrings(_ x: JSONNode, _ y: JSONNode) -> Bool {
    if !a.hasEscapes(x), !b.hasEscapes(y) { return a.lexeme(x).elementsEqual(b.lexeme(y)) }
    return a.decoded(x) == b.decoded(y)
  }

  private func scan(_ x: JSONNode, _ y: JSONNode) -> Bool {
    for (key, value) in a.members(x) {
      guard let other = b.member(y, JSONKey(utf8: a.decoded(key))), areEqual(value, other) else { return false }
    }
    return true
  }

  private func lookUp(_ x: JSONNode, _ y: JSONNode) -> Bool {
    var others: [[UInt8]: JSONNode] = [:]
    others.reserveCapacity(b.count(y))
    for (key, value) in b.members(y) { others[b.decoded(key)] = value }
    for (key, value) in a.members(x) {
      guard let other = others[a.decoded(key)], areEqual(value, other) else { return false }
    }
    return true
  }

  // MARK: - Numbers

  static func areEqualNumbers(_ x: UnsafeBufferPointer<UInt8>, _ y: UnsafeBufferPointer<UInt8>) -> Bool {
    if x.elementsEqual(y) { return true }
    // An exponent past all bounds is equal only to itself as it is written.
    guard let x = Decimal(x), let y = Decimal(y) else { return false }
    return x == y
  }

  /// A number as its significant digits without zeros around them, and the power of ten of the last.
  private struct Decimal: Equatable {
    var isNegative = false
    var digits: [UInt8] = []
    var exponent = 0
    /// So far from the ends of Int that adding the count of digits cannot overflow.
    static let powerMax = 1 << 60

    init?(_ lexeme: UnsafeBufferPointer<UInt8>) {
      isNegative = lexeme.first == UInt8(ascii: "-")
      let mantissa = lexeme.prefix { $0 | 0x20 != UInt8(ascii: "e") }
      var isFraction = false
      for byte in mantissa {
        if byte == UInt8(ascii: ".") { isFraction = true }
        guard byte &- 48 < 10 else { continue }
        if isFraction { exponent -= 1 }
        if byte != 48 || !digits.isEmpty { digits.append(byte) }
      }
      while digits.last == 48 {
        digits.removeLast()
        exponent += 1
      }
      if digits.isEmpty {
        (isNegative, exponent) = (false, 0)
        return
      }
      guard mantissa.count < lexeme.count else { return }
      let power = String(decoding: lexeme[(mantissa.count + 1)...], as: UTF8.self)
      guard let power = Int(power), (-Decimal.powerMax...Decimal.powerMax).contains(power) else { return nil }
      exponent += power
    }
  }
}
