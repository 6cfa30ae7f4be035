import CPostgreSQL
import Storage

/// A row of a result in the binary format.
struct PostgreSQLRow: Row {
  let result: OpaquePointer
  let row: Int32

  var columnCount: Int { Int(PQnfields(result)) }

  /// The column as libpq counts it, nil for one that is not there or is null.
  private func column(_ column: Int) -> Int32? {
    guard column >= 0, column < columnCount else { return nil }
    let index = Int32(truncatingIfNeeded: column)
    return PQgetisnull(result, row, index) == 1 ? nil : index
  }

  func isNull(_ column: Int) -> Bool { self.column(column) == nil }

  func withBytes<R>(_ column: Int, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    guard let index = self.column(column), let start = PQgetvalue(result, row, index) else {
      return try body(UnsafeRawBufferPointer(start: nil, count: 0))
    }
    return try body(UnsafeRawBufferPointer(start: start, count: Int(PQgetlength(result, row, index))))
  }

  private func type(_ column: Int) -> Oid { self.column(column).map { PQftype(result, $0) } ?? 0 }

  func integer(_ column: Int) -> Int64 {
    switch type(column) {
    case TypeID.int8: Int64(bitPattern: word(column))
    case TypeID.int4: Int64(Int32(truncatingIfNeeded: word(column)))
    case TypeID.int2: Int64(Int16(truncatingIfNeeded: word(column)))
    case TypeID.bool, TypeID.oid: Int64(truncatingIfNeeded: word(column))
    case TypeID.float8, TypeID.float4: Int64(exactly: real(column).rounded(.towardZero)) ?? 0
    case TypeID.numeric: withBytes(column) { Numeric($0)?.integer } ?? 0
    case TypeID.text: Int64(text(column)) ?? 0
    default: 0
    }
  }

  func real(_ column: Int) -> Double {
    switch type(column) {
    case TypeID.float8: Double(bitPattern: word(column))
    case TypeID.float4: Double(Float(bitPattern: UInt32(truncatingIfNeeded: word(column))))
    case TypeID.numeric: withBytes(column) { Numeric($0)?.real } ?? 0
    case TypeID.text: Double(text(column)) ?? 0
    default: Double(integer(column))
    }
  }

  func text(_ column: Int) -> String {
    switch type(column) {
    case TypeID.int8, TypeID.int4, TypeID.int2, TypeID.oid, TypeID.bool: "\(integer(column))"
    case TypeID.float8, TypeID.float4: "\(real(column))"
    case TypeID.numeric: withBytes(column) { Numeric($0)?.text } ?? ""
    default: withBytes(column) { String(decoding: $0, as: UTF8.self) }
    }
  }

  func blob(_ column: Int) -> [UInt8] { withBytes(column) { [UInt8]($0) } }

  func value(_ column: Int) -> SQLValue {
    switch type(column) {
    case 0: .null
    case TypeID.int8, TypeID.int4, TypeID.int2, TypeID.oid, TypeID.bool: .integer(integer(column))
    case TypeID.float8, TypeID.float4: .real(real(column))
    case TypeID.numeric:
      withBytes(column) { Numeric($0)?.integer }.map { .integer($0) } ?? .real(real(column))
    case TypeID.bytea: .blob(blob(column))
    default: .text(text(column))
    }
  }

  /// Up to eight bytes, the most significant first.
  private func word(_ column: Int) -> UInt64 {
    withBytes(column) { $0.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }
  }
}

/// A `numeric` in the binary format: what the sum of bigints is. Digits of base 10,000, the weight of the first, the
/// sign, the scale (numeric_send in numeric.c).
struct Numeric {
  private let digits: [Int]
  private let weight: Int
  private let isNegative: Bool
  private static let headerBytes = 8
  private static let negative = 0x4000

  /// Nil for what is no number (NaN, infinities).
  init?(_ bytes: UnsafeRawBufferPointer) {
    let shorts = stride(from: 0, to: bytes.count & ~1, by: 2).map { Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]) }
    guard bytes.count >= Self.headerBytes, shorts[2] == 0 || shorts[2] == Self.negative else { return nil }
    weight = Int(Int16(truncatingIfNeeded: shorts[1]))
    isNegative = shorts[2] == Self.negative
    digits = Array(shorts.dropFirst(4).prefix(shorts[0]))
  }

  /// The number, if it is whole and fits.
  var integer: Int64? {
    if digits.isEmpty { return 0 }
    guard weight >= 0, digits.count <= weight + 1 else { return nil }
    var sum: Int64 = 0
    for index in 0...weight {
      let digit = index < digits.count ? Int64(digits[index]) : 0
      let (product, isTooLarge) = sum.multipliedReportingOverflow(by: 10_000)
      let (next, isOver) = product.addingReportingOverflow(isNegative ? -digit : digit)
      guard !isTooLarge, !isOver else { return nil }
      sum = next
    }
    return sum
  }

  /// The nearest number: by way of the digits in decimal, so that it is rounded once.
  var real: Double {
    var text = isNegative ? "-" : ""
    for digit in digits { text += String(digit + 10_000).dropFirst() }
    return Double(text + "e\((weight + 1 - digits.count) * 4)") ?? 0
  }

  var text: String { integer.map { "\($0)" } ?? "\(real)" }
}
