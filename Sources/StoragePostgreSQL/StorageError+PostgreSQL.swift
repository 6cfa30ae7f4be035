import CPostgreSQL
import Storage

/// What went wrong, as far as it decides what to do next.
enum Failure: Equatable {
  /// The connection is gone.
  case lost
  /// Others came in between; run again, it may well succeed.
  case collision
  /// A statement failed that an earlier job of the transaction had put off.
  case earlier
  case other
}

/// A five-character condition (PostgreSQL 15, appendix A).
struct SQLState: Equatable {
  let text: String

  init(_ text: String) { self.text = text }

  /// The condition read as a number of base 36: five characters fit.
  var number: Int32 { Int32(text, radix: 36) ?? 0 }

  var code: StorageError.Code {
    switch text {
    case "40001", "40P01", "55P03", "53000", "53200", "53300", "53400": return .busy
    case "53100": return .full
    case "57014": return .interrupted
    case "25006": return .readOnly
    case "22001", "22003": return .tooLarge
    case "58030": return .io
    case "XX001", "XX002": return .corrupt
    default: break
    }
    switch text.prefix(2) {
    case "08", "57": return .busy
    case "23": return .constraint
    case "54": return .tooLarge
    case "0A", "21", "22", "25", "26", "2B", "34", "3D", "3F", "42", "44": return .misuse
    case "58": return .io
    default: return .other
    }
  }

  /// Serialization failure and deadlock.
  var isCollision: Bool { text == "40001" || text == "40P01" }
}

extension StorageError {
  init(_ state: SQLState, detail: String) {
    self.init(
      state.code, engineCode: state.number, isUniqueViolation: state.text == "23505", detail: "\(state.text): \(detail)"
    )
  }

  /// Nothing happened, and a later try may succeed.
  static func unreachable(_ detail: String) -> StorageError {
    StorageError(.busy, engineCode: SQLState("08006").number, detail: "the database cannot be reached: \(detail)")
  }
}
