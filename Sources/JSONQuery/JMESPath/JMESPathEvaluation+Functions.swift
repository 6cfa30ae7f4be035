import JSONCore

/// A call's arguments: values, and the expressions that some functions evaluate themselves.
struct JMESPathArguments {
  let function: JMESPathFunction
  let offset: Int
  var values: [JMESPathValue] = []
  var expression: JMESPathSyntax?

  func fault(_ message: String, _ code: JSONQueryError.Code = .invalidType) -> JSONQueryError {
    JSONQueryError(code, "\(function.rawValue): \(message)", at: offset)
  }
}

extension JMESPathEvaluation {
  mutating func call(
    _ function: JMESPathFunction, _ syntaxes: [JMESPathSyntax], _ value: JMESPathValue, _ offset: Int
  ) throws(JSONQueryError) -> JMESPathValue {
    var arguments = JMESPathArguments(function: function, offset: offset)
    let expressionPlace: Int? =
      switch function {
      case .map: 0
      case .maxBy, .minBy, .sortBy: 1
      default: nil
      }
    for (place, syntax) in syntaxes.enumerated() {
      if case .expression(let inner) = syntax {
        guard place == expressionPlace else { throw arguments.fault("an expression is not expected here") }
        arguments.expression = inner
      } else {
        guard place != expressionPlace else { throw arguments.fault("an expression with & was expected") }
        arguments.values.append(try evaluate(syntax, value))
      }
    }
    switch function {
    case .abs, .ceil, .floor, .avg, .sum: return try numeric(arguments)
    case .contains, .startsWith, .endsWith, .join, .length, .reverse: return try textual(arguments)
    case .keys, .values, .merge: return try structural(arguments)
    case .max, .min, .sort: return try ordering(arguments)
    case .map: return try map(arguments)
    case .maxBy, .minBy, .sortBy: return try orderingByKey(arguments)
    case .notNull: return arguments.values.first { !isNull($0) } ?? .null
    case .type, .toArray, .toString, .toNumber: return try conversion(arguments)
    case .add, .subtract, .multiply, .divide, .pow: return try arithmetic(arguments)
    case .insertString, .fromUnixTimestamp, .fromUnixTimestampMs: return try deviceFunction(arguments)
    }
  }

  // MARK: - Typed arguments

  func number(_ arguments: JMESPathArguments, _ place: Int) throws(JSONQueryError) -> JSONNumber {
    guard let number = number(arguments.values[place]) else { throw arguments.fault("a number was expected") }
    return number
  }

  func string(_ arguments: JMESPathArguments, _ place: Int) throws(JSONQueryError) -> String {
    guard let text = string(arguments.values[place]) else { throw arguments.fault("a string was expected") }
    return text
  }

  private mutating func array(_ arguments: JMESPathArguments, _ place: Int) throws(JSONQueryError) -> [JMESPathValue] {
    guard let elements = try elements(arguments.values[place]) else { throw arguments.fault("an array was expected") }
    return elements
  }

  private mutating func numbers(_ arguments: JMESPathArguments) throws(JSONQueryError) -> [JSONNumber] {
    var numbers: [JSONNumber] = []
    for element in try array(arguments, 0) {
      guard let number = number(element) else { throw arguments.fault("an array of numbers was expected") }
      numbers.append(number)
    }
    return numbers
  }

  // MARK: - Numbers

  private mutating func numeric(_ arguments: JMESPathArguments) throws(JSONQueryError) -> JMESPathValue {
    switch arguments.function {
    case .avg:
      let numbers = try numbers(arguments)
      if numbers.isEmpty { return .null }
      return .number(.double(numbers.reduce(0) { $0 + $1.double } / Double(numbers.count)))
    case .sum:
      var sum = JSONNumber.integer(0)
      for number in try numbers(arguments) { sum = JMESPathEvaluation.sum(sum, number) }
      return .number(sum)
    default:
      let number = try number(arguments, 0)
      switch (arguments.function, number) {
      case (.abs, .integer(let value)): return .number(value == .min ? .double(-Double(value)) : .integer(abs(value)))
      case (.abs, .double(let value)): return .number(.double(abs(value)))
      case (_, .integer): return .number(number)
      case (.ceil, .double(let value)): return .number(JMESPathEvaluation.whole(value.rounded(.up)))
      case (_, .double(let value)): return .number(JMESPathEvaluation.whole(value.rounded(.down)))
      }
    }
  }

  private static func sum(_ a: JSONNumber, _ b: JSONNumber) -> JSONNumber {
    if case .integer(let x) = a, case .integer(let y) = b {
      let (sum, overflow) = x.addingReportingOverflow(y)
      if !overflow { return .integer(sum) }
    }
    return .double(a.double + b.double)
  }

  private static func whole(_ value: Double) -> JSONNumber {
    Int64(exactly: value).map { .integer($0) } ?? .double(value)
  }

  // MARK: - Texts

  private mutating func textual(_ arguments: JMESPathArguments) throws(JSONQueryError) -> JMESPathValue {
    let subject = arguments.values[0]
    switch arguments.function {
    case .startsWith: return .bool(Array(try string(arguments, 0).utf8).starts(with: try string(arguments, 1).utf8))
    case .endsWith:
      let (text, tail) = (try string(arguments, 0).utf8, try string(arguments, 1).utf8)
      return .bool(text.suffix(tail.count).elementsEqual(tail))
    case .contains: return .bool(try contains(arguments))
    case .join:
      let separator = try string(arguments, 0)
      var texts: [String] = []
      for element in try array(arguments, 1) {
        guard let text = string(element) else { throw arguments.fault("an array of strings was expected") }
        texts.append(text)
      }
      return .string(try bounded(texts.joined(separator: separator)))
    case .length:
      if let text = string(subject) { return .number(.integer(Int64(text.unicodeScalars.count))) }
      if let elements = try elements(subject) { return .number(.integer(Int64(elements.count))) }
      if let members = try members(subject) { return .number(.integer(Int64(members.count))) }
      throw arguments.fault("a string, array or object was expected")
    default:
      if let text = string(subject) {
        return .string(String(String.UnicodeScalarView(text.unicodeScalars.reversed())))
      }
      return .array(try array(arguments, 0).reversed())
    }
  }

  private mutating func contains(_ arguments: JMESPathArguments) throws(JSONQueryError) -> Bool {
    if let text = string(arguments.values[0]) {
      guard let wanted = string(arguments.values[1]) else { return false }
      let (bytes, part) = (Array(text.utf8), Array(wanted.utf8))
      if part.isEmpty { return true }
      guard bytes.count >= part.count else { return false }
      for start in 0...(bytes.count - part.count) where bytes[start] == part[0] {
        try charge()
        if bytes[start..<(start + part.count)].elementsEqual(part) { return true }
      }
      return false
    }
    guard let elements = try elements(arguments.values[0]) else {
      throw arguments.fault("an array or string was expected")
    }
    for element in elements where try equal(element, arguments.values[1]) { return true }
    return false
  }

  func bounded(_ text: String) throws(JSONQueryError) -> String {
    guard text.utf8.count <= limits.stringBytesMax else {
      throw JSONQueryError(.tooCostly, "the expression makes too long a text", at: 0)
    }
    return text
  }

  // MARK: - Objects

  private mutating func structural(_ arguments: JMESPathArguments) throws(JSONQueryError) -> JMESPathValue {
    var result: [(name: String, value: JMESPathValue)] = []
    var places: [String: Int] = [:]
    for argument in arguments.values {
      guard let members = try members(argument) else { throw arguments.fault("an object was expected") }
      if arguments.function == .keys { return .array(members.map { .string($0.name) }) }
      if arguments.function == .values { return .array(members.map(\.value)) }
      for member in members {
        if let place = places[member.name] {
          result[place] = member
        } else {
          places[member.name] = result.count
          result.append(member)
        }
      }
    }
    return .object(result)
  }

  // MARK: - Order

  /// What values are ordered by: all numbers, or all strings.
  private enum Key {
    case number(JSONNumber)
    case string(String)

    static func precedes(_ a: Key, _ b: Key) -> Bool {
      switch (a, b) {
      case (.number(let x), .number(let y)): JSONNumber.compare(x, y) < 0
      case (.string(let x), .string(let y)):
        x.unicodeScalars.lexicographicallyPrecedes(y.unicodeScalars)
      default: false
      }
    }

    func isLike(_ other: Key) -> Bool {
      switch (self, other) {
      case (.number, .number), (.string, .string): true
      default: false
      }
    }
  }

  private func key(_ value: JMESPathValue) -> Key? {
    if let number = number(value) { return .number(number) }
    return string(value).map { .string($0) }
  }

  private func append(
    _ value: JMESPathValue, _ keyed: JMESPathValue, to items: inout [(key: Key, value: JMESPathValue)],
    _ arguments: JMESPathArguments
  ) throws(JSONQueryError) {
    guard let key = key(keyed), items.first.map({ $0.key.isLike(key) }) ?? true else {
      throw arguments.fault("numbers only or strings only were expected")
    }
    items.append((key, value))
  }

  private mutating func ordering(_ arguments: JMESPathArguments) throws(JSONQueryError) -> JMESPathValue {
    var items: [(key: Key, value: JMESPathValue)] = []
    for element in try array(arguments, 0) { try append(element, element, to: &items, arguments) }
    return try ordered(items, arguments.function)
  }

  private mutating func orderingByKey(_ arguments: JMESPathArguments) throws(JSONQueryError) -> JMESPathValue {
    guard let expression = arguments.expression else { throw arguments.fault("an expression was expected") }
    var items: [(key: Key, value: JMESPathValue)] = []
    for element in try array(arguments, 0) {
      try append(element, try evaluate(expression, element), to: &items, arguments)
    }
    return try ordered(items, arguments.function)
  }

  private mutating func ordered(
    _ items: [(key: Key, value: JMESPathValue)], _ function: JMESPathFunction
  ) throws(JSONQueryError) -> JMESPathValue {
    try charge(items.count * 16)
    switch function {
    case .max, .maxBy: return items.max { Key.precedes($0.key, $1.key) }?.value ?? .null
    case .min, .minBy: return items.min { Key.precedes($0.key, $1.key) }?.value ?? .null
    default:
      // The place breaks ties, so that the order is stable.
      let sorted = items.enumerated().sorted {
        if Key.precedes($0.element.key, $1.element.key) { return true }
        return !Key.precedes($1.element.key, $0.element.key) && $0.offset < $1.offset
      }
      return .array(sorted.map(\.element.value))
    }
  }

  private mutating func map(_ arguments: JMESPathArguments) throws(JSONQueryError) -> JMESPathValue {
    guard let expression = arguments.expression else { throw arguments.fault("an expression was expected") }
    var results: [JMESPathValue] = []
    for element in try array(arguments, 0) { results.append(try evaluate(expression, element)) }
    return .array(results)
  }

  // MARK: - Types

  private mutating func conversion(_ arguments: JMESPathArguments) throws(JSONQueryError) -> JMESPathValue {
    let value = arguments.values[0]
    switch arguments.function {
    case .type: return .string(kind(value).rawValue)
    case .toArray: return kind(value) == .array ? value : .array([value])
    case .toString:
      if let text = string(value) { return .string(text) }
      return .string(try json(value))
    default:
      if number(value) != nil { return value }
      return string(value).flatMap { JSONNumber(text: $0) }.map { .number($0) } ?? .null
    }
  }
}
