internal import FHIRModel

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Mathematics (FHIRPath 2.0 §Math). Results that are no number, and overflows, are empty.
extension Evaluation {
  func mathFunction(
    _ function: Function, _ items: Items, _ arguments: [Syntax.ID], _ scope: Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    var parameter: FHIRPathItem?
    if let id = arguments.first {
      guard let given = try single(try argument(id, scope), at: offset).flatMap({ systemValue($0) }) else { return [] }
      parameter = given
    }
    guard let item = try single(items, at: offset), let value = systemValue(item) else { return [] }
    if case .quantity(let quantity) = value {
      guard let changed = Evaluation.changed(quantity.value, function, parameter) else {
        throw fault("\(function.rawValue)() does not take a quantity", at: offset)
      }
      return [.quantity(FHIRPathQuantity(value: changed, unit: quantity.unit, isCalendar: quantity.isCalendar))]
    }
    guard let number = number(value) else { throw fault("\(function.rawValue)() needs a number", at: offset) }
    switch function {
    case .abs:
      if case .integer(let integer) = value { return integer == .min ? [] : [.integer(Swift.abs(integer))] }
      return [.decimal(number.absolute)]
    case .ceiling: return Evaluation.integer(number.ceiling)
    case .floor: return Evaluation.integer(number.floor)
    case .truncate: return Evaluation.integer(number.truncated)
    case .round:
      guard let places = try Evaluation.places(parameter, at: offset) else {
        return Evaluation.integer(number.rounded(to: 0))
      }
      return [.decimal(number.rounded(to: places))]
    default: return try transcendental(function, value, number, parameter, at: offset)
    }
  }

  private static func changed(
    _ value: FHIRDecimal, _ function: Function, _ parameter: FHIRPathItem?
  ) -> FHIRDecimal? {
    switch function {
    case .abs: value.absolute
    case .ceiling: value.ceiling
    case .floor: value.floor
    case .truncate: value.truncated
    case .round:
      parameter == nil
        ? value.rounded(to: 0) : (try? places(parameter, at: 0)).flatMap { $0 }.map { value.rounded(to: $0) }
    default: nil
    }
  }

  private static func places(_ parameter: FHIRPathItem?, at offset: Int) throws(FHIRPathError) -> Int? {
    guard let parameter else { return nil }
    guard case .integer(let number) = parameter, (0...100).contains(number) else {
      throw FHIRPathError(.execution, "round() takes 0 to 100 digits", at: offset)
    }
    return Int(number)
  }

  private static func integer(_ value: FHIRDecimal) -> Items { value.integer.map { [.integer(Int64($0))] } ?? [] }

  private func transcendental(
    _ function: Function, _ value: FHIRPathItem, _ number: FHIRDecimal, _ parameter: FHIRPathItem?, at offset: Int
  ) throws(FHIRPathError) -> Items {
    switch function {
    case .exp: return Evaluation.decimal(systemExp(number.double))
    case .ln: return Evaluation.decimal(systemLog(number.double))
    case .sqrt: return number.isNegative ? [] : Evaluation.decimal(number.double.squareRoot())
    default: break
    }
    guard let parameter, let other = self.number(parameter) else {
      throw fault("\(function.rawValue)() needs a number", at: offset)
    }
    if function == .log { return Evaluation.decimal(systemLog(number.double) / systemLog(other.double)) }
    guard let exponent = other.integer else { return Evaluation.decimal(systemPow(number.double, other.double)) }
    guard Swift.abs(exponent) <= 4_096, let power = number.power(exponent) else { return [] }
    if case .integer = value, case .integer = parameter, let whole = power.integer { return [.integer(Int64(whole))] }
    return [.decimal(power)]
  }

  private static func decimal(_ value: Double) -> Items {
    FHIRDecimal(approximating: value).map { [.decimal($0)] } ?? []
  }
}

// The methods and cases above have the C functions' names.
private func systemExp(_ x: Double) -> Double { exp(x) }
private func systemLog(_ x: Double) -> Double { log(x) }
private func systemPow(_ x: Double, _ y: Double) -> Double { pow(x, y) }
