import JSONCore

/// How the dialect compares two values: numbers by value whatever their form, texts by code unit, and what is written
/// in one type is read in the other where it can be.
enum JSONPathComparison {
  enum Value {
    case node(JSONNode)
    case literal(JSONPathScalar)

    /// The value without its document; nil for an array or object.
    func text(_ document: JSONDocument) -> Plain? {
      switch self {
      case .literal(.null): return .null
      case .literal(.bool(let value)): return .bool(value)
      case .literal(.number(let value)): return .number(value)
      case .literal(.string(let value)): return .string(value.name)
      case .node(let node):
        switch document.kind(node) {
        case .null: return .null
        case .true: return .bool(true)
        case .false: return .bool(false)
        case .number: return JSONNumber(lexeme: document.lexeme(node)).map { .number($0) }
        case .string: return document.string(node).map { .string($0) }
        case .array, .object: return nil
        }
      }
    }
  }

  enum Plain {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
  }

  static func holds(_ left: Value, _ comparator: JSONPathOperator, _ right: Value, _ document: JSONDocument) -> Bool {
    guard let left = left.text(document), let right = right.text(document) else { return comparator == .notEquals }
    switch comparator {
    case .equals, .strictEquals: return equal(left, right)
    case .notEquals, .strictNotEquals: return !equal(left, right)
    case .less: return compare(left, right).map { $0 < 0 } ?? false
    case .lessOrEquals: return compare(left, right).map { $0 <= 0 } ?? false
    case .greater: return compare(left, right).map { $0 > 0 } ?? false
    case .greaterOrEquals: return compare(left, right).map { $0 >= 0 } ?? false
    }
  }

  private static func equal(_ left: Plain, _ right: Plain) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.number(let a), .number(let b)): compare(a, b) == 0
    case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
    default: false
    }
  }

  /// Below, at or above zero; nil if the two cannot be ordered.
  private static func compare(_ left: Plain, _ right: Plain) -> Int? {
    switch (left, right) {
    case (.null, .null): return 0
    case (_, .null): return 1
    case (.null, _): return -1
    case (.string(let a), .string(let b)):
      return a.utf8.elementsEqual(b.utf8) ? 0 : a.utf8.lexicographicallyPrecedes(b.utf8) ? -1 : 1
    case (.bool, _), (_, .bool):
      guard let a = bool(left), let b = bool(right) else { return nil }
      return a == b ? 0 : a ? 1 : -1
    default:
      guard let a = number(left), let b = number(right) else { return nil }
      return compare(a, b)
    }
  }

  private static func compare(_ a: JSONNumber, _ b: JSONNumber) -> Int {
    if case .integer(let x) = a, case .integer(let y) = b { return x < y ? -1 : x == y ? 0 : 1 }
    let (x, y) = (a.double, b.double)
    // The dialect takes doubles a few units of their last place apart as equal.
    if abs(x - y) < (abs(x) + abs(y) + 10) * 2.220_446_049_250_313_1e-16 { return 0 }
    return x < y ? -1 : 1
  }

  private static func bool(_ value: Plain) -> Bool? {
    switch value {
    case .bool(let value): value
    case .number(let value): value.double != 0
    case .string(let text): text.lowercased() == "true" ? true : text.lowercased() == "false" ? false : nil
    case .null: nil
    }
  }

  private static func number(_ value: Plain) -> JSONNumber? {
    switch value {
    case .number(let value): value
    case .string(let text): JSONNumber(text: text)
    case .bool, .null: nil
    }
  }
}
