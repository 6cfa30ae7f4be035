public import Storage

/// A store's tables, looked at from outside with the engine's own library.
public protocol StoreTables {
  var dialect: Dialect { get }
  func rows(_ sql: String) throws -> [[StoredValue]]
  /// Runs statements, parted by `;`.
  func execute(_ sql: String) throws
}

extension StoreTables {
  /// The first row's first column; 0 without rows.
  public func integer(_ sql: String) throws -> Int { Int(try rows(sql).first?.first?.integer ?? 0) }
}

/// A column of a row. (`SQLValue` does not print what it holds.)
public enum StoredValue: Hashable, Sendable, CustomStringConvertible {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)
  case blob([UInt8])

  public var description: String {
    switch self {
    case .null: "null"
    case .integer(let value): "\(value)"
    case .real(let value): "\(value)"
    case .text(let value): value
    case .blob(let bytes): "\(bytes.count) bytes"
    }
  }

  public var integer: Int64 { if case .integer(let value) = self { value } else { 0 } }
  public var blob: [UInt8]? { if case .blob(let bytes) = self { bytes } else { nil } }
}
