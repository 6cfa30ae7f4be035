import Base

/// Reads a `_filter` by the grammar of FHIR R4 search_filter.html:
///
///     filter   = paramExp / logExp / "not" "(" filter ")" / "(" filter ")"
///     logExp   = filter ("and" / "or" filter)+
///     paramExp = paramPath SP compareOp SP compValue
///
/// `and` and `or` have no precedence: they are taken from left to right.
struct FilterParser {
  private let scalars: [Unicode.Scalar]
  private let depthMax: Int
  private var place = 0

  init(_ text: String, limits: Limits) throws(Fault) {
    guard text.utf8.count <= limits.searchExpressionBytesMax else {
      throw Fault(
        .invalid, "The '_filter' parameter is longer than \(limits.searchExpressionBytesMax) bytes.",
        code: "too-costly")
    }
    scalars = Array(text.unicodeScalars)
    depthMax = limits.searchExpressionDepthMax
  }

  mutating func read() throws(Fault) -> FilterExpression {
    let (expression, _) = try logical(floor: 1)
    skipSpaces()
    guard place == scalars.count else { throw fault("expected 'and', 'or' or the end") }
    return expression
  }

  // MARK: Logic

  /// Operands joined by `and` and `or`. The height is that of the tree read.
  private mutating func logical(floor: Int) throws(Fault) -> (FilterExpression, height: Int) {
    guard floor <= depthMax else { throw tooDeep }
    var (result, height) = try operand(floor: floor)
    while true {
      let start = place
      skipSpaces()
      let isAnd: Bool
      if accept("and") {
        isAnd = true
      } else if accept("or") {
        isAnd = false
      } else {
        place = start
        return (result, height)
      }
      let (next, other) = try operand(floor: floor)
      switch (result, isAnd) {
      case (.all(let operands), true): result = .all(operands + [next])
      case (.any(let operands), false): result = .any(operands + [next])
      default:
        result = isAnd ? .all([result, next]) : .any([result, next])
        height += 1
      }
      height = max(height, other + 1)
      // A change between `and` and `or` is a floor of its own.
      guard floor + height <= depthMax + 1 else { throw tooDeep }
    }
  }

  private mutating func operand(floor: Int) throws(Fault) -> (FilterExpression, height: Int) {
    skipSpaces()
    let start = place
    if accept("not") {
      skipSpaces()
      if peek == "(" {
        let (inner, height) = try parenthesized(floor: floor)
        return (.not(inner), height + 1)
      }
      // A parameter may begin with these letters.
      place = start
    }
    if peek == "(" { return try parenthesized(floor: floor) }
    return (.test(try test(floor: floor)), 1)
  }

  private mutating func parenthesized(floor: Int) throws(Fault) -> (FilterExpression, height: Int) {
    place += 1
    let inner = try logical(floor: floor + 1)
    skipSpaces()
    guard accept(scalar: ")") else { throw fault("expected ')'") }
    return inner
  }

  // MARK: Tests

  private mutating func test(floor: Int) throws(Fault) -> FilterTest {
    var test = FilterTest()
    test.position = place + 1
    try path(&test, floor: floor)
    guard skipSpaces() else { throw fault("expected a space and an operator") }
    test.operation = try comparison()
    guard skipSpaces() else { throw fault("expected a space and a value") }
    test.value = try value()
    return test
  }

  private mutating func path(_ test: inout FilterTest, floor: Int) throws(Fault) {
    while true {
      let name = try name()
      if name == "_has" {
        guard accept(scalar: ":") else { throw fault("expected ':' and a resource type") }
        let type = try self.name()
        guard accept(scalar: ":") else { throw fault("expected ':' and a reference parameter") }
        let reference = try self.name()
        guard accept(scalar: ":") else { throw fault("expected ':' and a parameter") }
        test.steps.append(.reverse(type: type, reference: reference))
        continue
      }
      var reference = name
      if accept(scalar: ":") { reference += ":" + (try self.name()) }
      if accept(scalar: "[") {
        let (inner, _) = try logical(floor: floor + 1)
        skipSpaces()
        guard accept(scalar: "]") else { throw fault("expected ']'") }
        guard accept(scalar: ".") else { throw fault("expected '.' and a parameter") }
        test.steps.append(.reference(reference, inner))
      } else if accept(scalar: ".") {
        test.steps.append(.reference(reference, nil))
      } else {
        // The standard's own example says `subject.id`.
        test.parameter = reference == "id" ? "_id" : reference
        return
      }
    }
  }

  /// `nameCharStart (nameChar)*`
  private mutating func name() throws(Fault) -> Substring {
    let start = place
    while let next = peek, Self.isNameCharacter(next), place > start || !Self.isDigitOrDash(next) { place += 1 }
    guard place > start else { throw fault("expected the name of a search parameter") }
    return Substring(text(start..<place))
  }

  private mutating func comparison() throws(Fault) -> FilterOperator {
    let start = place
    while let next = peek, Self.isNameCharacter(next) { place += 1 }
    guard let operation = FilterOperator(rawValue: text(start..<place)) else {
      place = start
      throw fault("expected an operator (\(FilterOperator.allCases.map(\.rawValue).joined(separator: ", ")))")
    }
    return operation
  }

  private mutating func value() throws(Fault) -> String {
    if accept(scalar: "\"") { return try string() }
    let start = place
    while let next = peek, !next.properties.isWhitespace, next != ")", next != "]" { place += 1 }
    guard place > start else { throw fault("expected a value") }
    return text(start..<place)
  }

  /// A JSON string, behind its opening quote.
  private mutating func string() throws(Fault) -> String {
    let start = place - 1
    var result = String.UnicodeScalarView()
    while let next = peek {
      place += 1
      switch next {
      case "\"": return String(result)
      case "\\": result.append(try escape())
      default: result.append(next)
      }
    }
    place = start
    throw fault("the string has no end")
  }

  private mutating func escape() throws(Fault) -> Unicode.Scalar {
    let next = peek
    place += 1
    switch next {
    case "\"", "\\", "/": return next ?? "\\"
    case "b": return "\u{8}"
    case "f": return "\u{C}"
    case "n": return "\n"
    case "r": return "\r"
    case "t": return "\t"
    case "u":
      if let unit = hex(), let scalar = try surrogate(unit) { return scalar }
    default: break
    }
    place -= 1
    throw fault("the string has an escape that JSON does not know")
  }

  /// The character of one `\uXXXX`, or of two.
  private mutating func surrogate(_ unit: UInt32) throws(Fault) -> Unicode.Scalar? {
    guard (0xD800..<0xDC00).contains(unit) else { return Unicode.Scalar(unit) }
    guard accept(scalar: "\\"), accept(scalar: "u"), let low = hex(), (0xDC00..<0xE000).contains(low) else {
      return nil
    }
    return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
  }

  private mutating func hex() -> UInt32? {
    guard scalars.count - place >= 4, let value = UInt32(text(place..<(place + 4)), radix: 16), scalars[place] != "+"
    else { return nil }
    place += 4
    return value
  }

  // MARK: Characters

  private var peek: Unicode.Scalar? { place < scalars.count ? scalars[place] : nil }

  @discardableResult
  private mutating func skipSpaces() -> Bool {
    let start = place
    while let next = peek, next.properties.isWhitespace { place += 1 }
    return place > start
  }

  private mutating func accept(scalar: Unicode.Scalar) -> Bool {
    guard peek == scalar else { return false }
    place += 1
    return true
  }

  /// A whole word.
  private mutating func accept(_ word: String) -> Bool {
    let end = place + word.unicodeScalars.count
    guard end <= scalars.count, scalars[place..<end].elementsEqual(word.unicodeScalars),
      end == scalars.count || !Self.isNameCharacter(scalars[end])
    else { return false }
    place = end
    return true
  }

  private func text(_ range: Range<Int>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars[range])
    return String(view)
  }

  private static func isNameCharacter(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 48...57, 65...90, 97...122, 95, 45: true
    default: false
    }
  }

  private static func isDigitOrDash(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "-" || (48...57).contains(scalar.value)
  }

  // MARK: Faults

  private func fault(_ expected: String) -> Fault { Self.fault(at: place + 1, expected) }

  private var tooDeep: Fault {
    var fault = fault("it is nested more than \(depthMax) deep")
    fault.reasons[0].code = "too-costly"
    return fault
  }

  /// - Parameter position: characters from the beginning, from 1.
  static func fault(at position: Int, _ reason: String) -> Fault {
    Fault(.invalid, "The '_filter' parameter is invalid at character \(position): \(reason).")
  }
}
