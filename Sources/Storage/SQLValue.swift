/// One value in a column or bound to a parameter: the five storage classes both engines share.
public enum SQLValue: Sendable, Hashable {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)
  case blob([UInt8])

  /// An integer of the platform's own width.
  @inlinable public static func integer(_ value: Int) -> SQLValue { .integer(Int64(value)) }

  /// A value, or `null` where there is none.
  @inlinable public static func optional(_ value: String?) -> SQLValue { value.map { .text($0) } ?? .null }

  /// A value, or `null` where there is none.
  @inlinable public static func optional(_ value: Int64?) -> SQLValue { value.map { .integer($0) } ?? .null }
}

extension SQLValue: CustomStringConvertible {
  /// The storage class alone: values are patient data and are never printed.
  public var description: String {
    switch self {
    case .null: "null"
    case .integer: "integer"
    case .real: "real"
    case .text: "text"
    case .blob: "blob"
    }
  }
}

extension SQLValue: ExpressibleByNilLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByStringLiteral
{
  public init(nilLiteral: ()) { self = .null }
  public init(integerLiteral value: Int64) { self = .integer(value) }
  public init(floatLiteral value: Double) { self = .real(value) }
  public init(stringLiteral value: String) { self = .text(value) }
}
