public import Base

/// Microsoft's paging and switches, and its words for what is wrong with them.
public enum PagingParameters {
  /// - Parameter name: as Microsoft's messages write it, with a capital; addresses may write it in any case.
  /// - Throws: `.invalid` for what is no number, or not in the range.
  public static func number(
    _ name: String, in range: ClosedRange<Int>, default standard: Int, _ parameters: QueryParameters
  ) throws(Fault) -> Int {
    guard let text = parameters[name] else { return standard }
    guard let value = Int(text) else { throw notValid(text, name) }
    guard range.contains(value) else { throw outOfRange(name, range.lowerBound, range.upperBound) }
    return value
  }

  /// - Throws: `.invalid` for what is neither `true` nor `false`.
  public static func bool(_ name: String, default standard: Bool, _ parameters: QueryParameters) throws(Fault) -> Bool {
    guard let text = parameters[name] else { return standard }
    switch text.lowercased() {
    case "true": return true
    case "false": return false
    default: throw notValid(text, name)
    }
  }

  static func notValid(_ value: String, _ name: String) -> Fault {
    Fault(.invalid, "The query parameter '\(name)' is invalid. The value '\(value)' is not valid for \(name).")
  }

  static func outOfRange(_ name: String, _ low: Int, _ high: Int) -> Fault {
    Fault(
      .invalid, "The query parameter '\(name)' is invalid. The field \(name) must be between \(low) and \(high).")
  }
}
