import Base
import JSONCore

/// The functions that device mappings have besides the standard's. Their errors concern one message, never a mapping.
extension JMESPathEvaluation {
  /// Whole numbers stay whole, in 64 bits; one double makes all doubles.
  func arithmetic(_ arguments: JMESPathArguments) throws(JSONQueryError) -> JMESPathValue {
    let (a, b) = (try number(arguments, 0), try number(arguments, 1))
    guard case .integer(let x) = a, case .integer(let y) = b else { return try real(a.double, b.double, arguments) }
    let result: (partialValue: Int64, overflow: Bool)
    switch arguments.function {
    case .add: result = x.addingReportingOverflow(y)
    case .subtract: result = x.subtractingReportingOverflow(y)
    case .multiply: result = x.multipliedReportingOverflow(by: y)
    case .divide:
      guard y != 0 else { throw arguments.fault("division by zero", .invalidValue) }
      if !options.dividesIntegersWhole { return try real(Double(x), Double(y), arguments) }
      result = x.dividedReportingOverflow(by: y)
    default:
      guard let power = Int64(exactly: try raised(Double(x), Double(y), arguments).rounded(.toNearestOrEven)) else {
        throw overflow(arguments)
      }
      result = (power, false)
    }
    guard !result.overflow else { throw overflow(arguments) }
    return .number(.integer(result.partialValue))
  }

  private func overflow(_ arguments: JMESPathArguments) -> JSONQueryError {
    arguments.fault("the result is out of range", .invalidValue)
  }

  private func real(_ x: Double, _ y: Double, _ arguments: JMESPathArguments) throws(JSONQueryError) -> JMESPathValue {
    let result: Double
    switch arguments.function {
    case .add: result = x + y
    case .subtract: result = x - y
    case .multiply: result = x * y
    case .divide:
      guard y != 0 else { throw arguments.fault("division by zero", .invalidValue) }
      result = x / y
    default: result = try raised(x, y, arguments)
    }
    guard result.isFinite else { throw overflow(arguments) }
    return .number(.double(result))
  }

  /// A power that is a number.
  private func raised(_ x: Double, _ y: Double, _ arguments: JMESPathArguments) throws(JSONQueryError) -> Double {
    let result = Power.raise(x, y)
    guard result.isFinite else { throw overflow(arguments) }
    return result
  }

  func deviceFunction(_ arguments: JMESPathArguments) throws(JSONQueryError) -> JMESPathValue {
    switch arguments.function {
    case .insertString: return .string(try inserted(arguments))
    case .fromUnixTimestamp: return .string(try date(arguments, perSecond: 1))
    default: return .string(try date(arguments, perSecond: 1_000))
    }
  }

  private func integer(_ arguments: JMESPathArguments, _ place: Int) throws(JSONQueryError) -> Int64 {
    guard case .integer(let value) = try number(arguments, place) else {
      throw arguments.fault("a whole number was expected")
    }
    return value
  }

  /// Positions count UTF-16 code units, as in existing mappings.
  private func inserted(_ arguments: JMESPathArguments) throws(JSONQueryError) -> String {
    let text = try string(arguments, 0)
    let addition = try string(arguments, 1)
    let position = try integer(arguments, 2)
    guard position >= 0, position <= Int64(text.utf16.count),
      let place = text.utf16.index(text.startIndex, offsetBy: Int(position)).samePosition(in: text.unicodeScalars)
    else { throw arguments.fault("the position is outside the text", .invalidValue) }
    return try bounded(String(text[..<place]) + addition + String(text[place...]))
  }

  private func date(_ arguments: JMESPathArguments, perSecond: Int64) throws(JSONQueryError) -> String {
    let value = try integer(arguments, 0)
    // The years 1 to 9999.
    guard value >= -62_135_596_800 * perSecond, value < 253_402_300_800 * perSecond else {
      throw arguments.fault("the time is out of range", .invalidValue)
    }
    let text = Instant(milliseconds: value * (1_000 / perSecond)).fhir
    return perSecond == 1 ? String(text.dropLast(5)) + "Z" : text
  }
}
