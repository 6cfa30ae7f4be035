import FHIRSearch
import Storage

/// The ends of a composite's dates and numbers on PostgreSQL, whose columns have one type each: bytes in the order of
/// the values, a kind before them. SQLite has the values themselves, in columns without affinity.
enum CompositeBound {
  private static let date = UInt8(ascii: "d")
  private static let number = UInt8(ascii: "n")

  /// Both ends as PostgreSQL has them; empty where there are none.
  static func values(_ bounds: CompositeRow.Bounds) -> (SQLValue, SQLValue) {
    switch bounds {
    case .none: (.blob([]), .blob([]))
    case .date(let low, let high): (.blob(bytes(low)), .blob(bytes(high)))
    case .number(let low, let high): (.blob(bytes(low)), .blob(bytes(high)))
    }
  }

  /// What `values` made the bytes from.
  static func bounds(_ low: [UInt8], _ high: [UInt8]) -> CompositeRow.Bounds {
    guard low.count == 9, high.count == 9, low[0] == high[0] else { return .none }
    let (first, last) = (bits(low), bits(high))
    switch low[0] {
    case date: return .date(low: Int64(bitPattern: first ^ 1 << 63), high: Int64(bitPattern: last ^ 1 << 63))
    case number: return .number(low: double(first), high: double(last))
    default: return .none
    }
  }

  /// A value to compare a date's ends with.
  static func sql(_ value: Int64) -> SQL { SQL(sqlite: "\(value)", postgreSQL: "\(bytes(value))") }

  /// A value to compare a number's ends with.
  static func sql(_ value: Double) -> SQL { SQL(sqlite: "\(value)", postgreSQL: "\(bytes(value))") }

  private static func bytes(_ value: Int64) -> [UInt8] { bytes(date, UInt64(bitPattern: value) ^ 1 << 63) }

  /// Negative numbers have all bits turned, so that the greater of them has the greater bits. There is one zero.
  private static func bytes(_ value: Double) -> [UInt8] {
    let bits = (value == 0 ? 0 : value).bitPattern
    return bytes(number, bits >> 63 == 1 ? ~bits : bits | 1 << 63)
  }

  private static func double(_ bits: UInt64) -> Double {
    Double(bitPattern: bits >> 63 == 1 ? bits & ~(1 << 63) : ~bits)
  }

  private static func bytes(_ kind: UInt8, _ bits: UInt64) -> [UInt8] {
    [kind] + stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: bits >> UInt64($0)) }
  }

  private static func bits(_ bytes: [UInt8]) -> UInt64 { bytes.dropFirst().reduce(0) { $0 << 8 | UInt64($1) } }
}
