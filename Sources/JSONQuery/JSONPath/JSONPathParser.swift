import JSONCore

/// Reads the dialect of `SelectTokens` in Newtonsoft's Json.NET, which existing mappings are written in. It is older
/// than RFC 9535 and differs from it: a name may stand behind `@` without a dot, `[*]` is of arrays only and `.*` of
/// objects only, parentheses may replace brackets, and where `&&` and `||` alternate the rest binds to the right.
struct JSONPathParser {
  private let text: [UInt8]
  private let limits: JSONQueryLimits
  private var index = 0
  private var depth = 0

  init(_ expression: String, limits: JSONQueryLimits) {
    text = Array(expression.utf8)
    self.limits = limits
  }

  mutating func parse() throws(JSONQueryError) -> [JSONPathStep] {
    guard text.count <= limits.expressionBytesMax else {
      throw JSONQueryError(.tooCostly, "the path is too long", at: 0)
    }
    var start = 0
    skipSpace()
    guard index < text.count else { return [] }
    if isNext("$") {
      if text.count == 1 { return [] }
      // A name may begin with a dollar sign too.
      if index + 1 < text.count, text[index + 1] == UInt8(ascii: ".") || text[index + 1] == UInt8(ascii: "[") {
        index += 1
        start = index
      }
    }
    var steps: [JSONPathStep] = []
    if try !path(&steps, from: start, isOperand: false) {
      let end = index
      skipSpace()
      if index < text.count { throw fault("unexpected character in the path", at: end) }
    }
    return steps
  }

  // MARK: - Characters

  private func fault(_ message: String, at offset: Int? = nil) -> JSONQueryError {
    JSONQueryError(.syntax, message, at: offset ?? index)
  }

  private func isNext(_ character: Unicode.Scalar) -> Bool {
    index < text.count && text[index] == UInt8(ascii: character)
  }

  private mutating func take(_ token: StaticString) -> Bool {
    let wanted = UnsafeBufferPointer(start: token.utf8Start, count: token.utf8CodeUnitCount)
    guard text[index...].starts(with: wanted) else { return false }
    index += wanted.count
    return true
  }

  private mutating func skipSpace() { while isNext(" ") { index += 1 } }

  private func next() throws(JSONQueryError) -> UInt8 {
    guard index < text.count else { throw fault("the path ends too early") }
    return text[index]
  }

  // MARK: - Steps

  /// Reads steps; true if the text ended with them.
  private mutating func path(
    _ steps: inout [JSONPathStep], from first: Int, isOperand: Bool
  ) throws(JSONQueryError) -> Bool {
    var start = first
    var scans = false
    var followsIndexer = false
    var followsDot = false
    scanning: while index < text.count {
      switch Unicode.Scalar(text[index]) {
      case "[", "(":
        if index > start {
          steps.append(name(start, scans))
          scans = false
        }
        steps.append(try indexer(scans))
        scans = false
        index += 1
        start = index
        followsIndexer = true
        followsDot = false
      case "]", ")", " ": break scanning
      case ".":
        if index > start {
          steps.append(name(start, scans))
          scans = false
        }
        index += 1
        if isNext(".") {
          scans = true
          index += 1
        }
        start = index
        followsIndexer = false
        followsDot = true
      case "=", "<", ">", "!", "|", "&":
        if isOperand { break scanning }
        fallthrough
      default:
        if followsIndexer { throw fault("unexpected character behind a bracket") }
        index += 1
      }
      guard steps.count <= limits.expressionDepthMax else { throw tooDeep }
    }
    if index > start {
      steps.append(name(start, scans))
    } else if followsDot, index == text.count || isOperand {
      throw fault("a name is missing behind the dot")
    }
    return index == text.count
  }

  private var tooDeep: JSONQueryError { JSONQueryError(.tooCostly, "the path has too many steps", at: index) }

  private func name(_ start: Int, _ scans: Bool) -> JSONPathStep {
    var end = index
    while end > start, text[end - 1] == 0x20 { end -= 1 }
    let name = Array(text[start..<end])
    if name == [UInt8(ascii: "*")] { return scans ? .scanAll : .allFields }
    return scans ? .scan([JSONKey(utf8: name)]) : .field(JSONKey(utf8: name))
  }

  private mutating func indexer(_ scans: Bool) throws(JSONQueryError) -> JSONPathStep {
    let close: Unicode.Scalar = isNext("[") ? "]" : ")"
    index += 1
    skipSpace()
    switch Unicode.Scalar(try next()) {
    case "'": return try quotedNames(close, scans)
    case "?": return try filterStep(close, scans)
    default: return try elements(close)
    }
  }

  private mutating func quotedNames(_ close: Unicode.Scalar, _ scans: Bool) throws(JSONQueryError) -> JSONPathStep {
    var names: [JSONKey] = []
    while true {
      names.append(JSONKey(utf8: try quoted()))
      skipSpace()
      if isNext(close) { break }
      guard isNext(",") else { throw fault("unexpected character in brackets") }
      index += 1
      skipSpace()
      guard isNext("'") else { throw fault("a quoted name was expected") }
    }
    if scans { return .scan(names) }
    return names.count == 1 ? .field(names[0]) : .fields(names)
  }

  private mutating func elements(_ close: Unicode.Scalar) throws(JSONQueryError) -> JSONPathStep {
    if isNext("*") {
      index += 1
      skipSpace()
      guard isNext(close) else { throw fault("unexpected character in brackets") }
      return .allElements
    }
    let start = index
    var numbers: [Int?] = [try number()]
    skipSpace()
    let isSlice = isNext(":")
    while isSlice ? isNext(":") : isNext(",") {
      index += 1
      skipSpace()
      numbers.append(try number())
      skipSpace()
      guard numbers.count <= (isSlice ? 3 : limits.expressionDepthMax) else { throw tooDeep }
    }
    guard isNext(close) else { throw fault("unexpected character in brackets") }
    if isSlice {
      let step = numbers.count > 2 ? numbers[2] ?? 1 : 1
      guard step != 0 else { throw fault("a slice cannot step by zero", at: start) }
      return .slice(start: numbers[0], end: numbers[1], step: step)
    }
    let indexes = numbers.compactMap(\.self)
    guard indexes.count == numbers.count else { throw fault("an array index was expected", at: start) }
    return indexes.count == 1 ? .index(indexes[0]) : .indexes(indexes)
  }

  /// A whole number of 32 bits, nil if there is none.
  private mutating func number() throws(JSONQueryError) -> Int? {
    let start = index
    while index < text.count, text[index] &- 48 < 10 || text[index] == UInt8(ascii: "-") { index += 1 }
    if start == index { return nil }
    guard let value = Int32(String(decoding: text[start..<index], as: UTF8.self)) else {
      throw fault("an array index was expected", at: start)
    }
    return Int(value)
  }

  private mutating func quoted() throws(JSONQueryError) -> [UInt8] {
    var content: [UInt8] = []
    index += 1
    while index < text.count {
      let byte = text[index]
      index += 1
      if byte == UInt8(ascii: "'") { return content }
      guard byte == UInt8(ascii: "\\"), index < text.count else {
        content.append(byte)
        continue
      }
      switch Unicode.Scalar(text[index]) {
      case "b": content.append(0x08)
      case "t": content.append(0x09)
      case "n": content.append(0x0A)
      case "f": content.append(0x0C)
      case "r": content.append(0x0D)
      case "\\", "\"", "'", "/": content.append(text[index])
      default: throw fault("unknown escape")
      }
      index += 1
    }
    throw fault("a quoted text does not end")
  }

  // MARK: - Filters

  private mutating func filterStep(_ close: Unicode.Scalar, _ scans: Bool) throws(JSONQueryError) -> JSONPathStep {
    index += 1
    guard try next() == UInt8(ascii: "(") else { throw fault("( was expected behind ?") }
    index += 1
    depth += 1
    defer { depth -= 1 }
    guard depth <= 16 else { throw tooDeep }
    let filter = try condition()
    index += 1
    skipSpace()
    guard isNext(close) else { throw fault("the filter's bracket does not end") }
    return scans ? .scanFilter(filter, needsObject: filter.needsObject) : .filter(filter)
  }

  /// Reads comparisons up to the closing parenthesis, which it leaves.
  private mutating func condition() throws(JSONQueryError) -> JSONPathFilter {
    var terms: [JSONPathFilter] = []
    var isAnd: [Bool] = []
    while true {
      terms.append(try comparison())
      if isNext(")") { break }
      if take("&&") {
        isAnd.append(true)
      } else if take("||") {
        isAnd.append(false)
      } else {
        throw fault("unexpected character")
      }
      guard terms.count <= limits.expressionDepthMax else { throw tooDeep }
    }
    return JSONPathParser.joined(terms, isAnd)
  }

  /// A run of equal operators is one condition; a change of operator makes all that follows its last term.
  private static func joined(_ terms: [JSONPathFilter], _ isAnd: [Bool]) -> JSONPathFilter {
    var end = terms.count
    guard var result = terms.last else { return .and([]) }
    end -= 1
    while end > 0 {
      let kind = isAnd[end - 1]
      var start = end
      while start > 0, isAnd[start - 1] == kind { start -= 1 }
      let run = Array(terms[start..<end]) + [result]
      result = kind ? .and(run) : .or(run)
      end = start
    }
    return result
  }

  private mutating func comparison() throws(JSONQueryError) -> JSONPathFilter {
    let left = try operand()
    if isNext(")") || isNext("|") || isNext("&") { return .exists(left) }
    if take("=~") {
      skipSpace()
      return .matches(left, try pattern())
    }
    let comparator = try comparator()
    return .compare(left, comparator, try operand())
  }

  private mutating func comparator() throws(JSONQueryError) -> JSONPathOperator {
    if take("===") { return .strictEquals }
    if take("==") { return .equals }
    if take("!==") { return .strictNotEquals }
    if take("!=") || take("<>") { return .notEquals }
    if take("<=") { return .lessOrEquals }
    if take("<") { return .less }
    if take(">=") { return .greaterOrEquals }
    if take(">") { return .greater }
    throw fault("an operator was expected")
  }

  private mutating func operand() throws(JSONQueryError) -> JSONPathOperand {
    skipSpace()
    let operand: JSONPathOperand
    if isNext("@") || isNext("$") {
      var steps: [JSONPathStep] = isNext("$") ? [.root] : []
      index += 1
      if try path(&steps, from: index, isOperand: true) { throw fault("the filter does not end") }
      operand = JSONPathParser.plain(steps)
    } else {
      operand = .literal(try literal())
    }
    skipSpace()
    _ = try next()
    return operand
  }

  private static func plain(_ steps: [JSONPathStep]) -> JSONPathOperand {
    var keys: [JSONKey] = []
    for step in steps {
      guard case .field(let key) = step else { return .path(steps) }
      keys.append(key)
    }
    return .members(keys)
  }

  private mutating func literal() throws(JSONQueryError) -> JSONPathScalar {
    let start = index
    switch Unicode.Scalar(try next()) {
    case "'": return .string(JSONKey(utf8: try quoted()))
    case "t": if take("true") { return .bool(true) }
    case "f": if take("false") { return .bool(false) }
    case "n": if take("null") { return .null }
    case "-", "0"..."9":
      while index < text.count, text[index] != 0x20, text[index] != UInt8(ascii: ")") { index += 1 }
      let digits = String(decoding: text[start..<index], as: UTF8.self)
      if let number = JSONNumber(text: digits) { return .number(number) }
    default: break
    }
    throw fault("a path, a quoted text, a number, true, false or null was expected", at: start)
  }

  private mutating func pattern() throws(JSONQueryError) -> Pattern {
    guard isNext("/") else { throw fault("a pattern between slashes was expected behind =~") }
    let start = index + 1
    index += 1
    while index < text.count, !isNext("/") { index += isNext("\\") ? 2 : 1 }
    guard index < text.count else { throw fault("the pattern does not end", at: start) }
    let end = index
    index += 1
    while index < text.count, (text[index] | 0x20) &- 97 < 26 { index += 1 }
    let options = String(decoding: text[(end + 1)..<index], as: UTF8.self)
    let pattern = try Pattern(
      String(decoding: text[start..<end], as: UTF8.self), options: options, limits: limits, offset: start)
    skipSpace()
    _ = try next()
    return pattern
  }
}
