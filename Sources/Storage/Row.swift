/// A result row, valid only inside the closure it is handed to. Columns count from 0; a column past the end reads
/// as null.
public protocol Row {
  var columnCount: Int { get }
  func isNull(_ column: Int) -> Bool
  /// The integer, 0 for null.
  func integer(_ column: Int) -> Int64
  /// The number, 0 for null.
  func real(_ column: Int) -> Double
  /// The text, empty for null.
  func text(_ column: Int) -> String
  /// The bytes, empty for null.
  func blob(_ column: Int) -> [UInt8]
  /// The bytes of a blob or text in place, without a copy; empty for null. Do not let the pointer out.
  func withBytes<R>(_ column: Int, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R
  func value(_ column: Int) -> SQLValue
}

extension Row {
  /// The integer, nil for null.
  public func optionalInteger(_ column: Int) -> Int64? { isNull(column) ? nil : integer(column) }
  /// The text, nil for null.
  public func optionalText(_ column: Int) -> String? { isNull(column) ? nil : text(column) }
}
