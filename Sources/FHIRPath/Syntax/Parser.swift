internal import FHIRModel

/// Reads tokens into a syntax tree by precedence climbing (FHIRPath 2.0 §Operator precedence, appendix "Grammar").
struct Parser {
  private let tokens: [Token]
  private let limits: FHIRPathLimits
  private var index = 0
  private var depth = 0
  private var syntax = Syntax()

  static func parse(_ text: String, limits: FHIRPathLimits) throws(FHIRPathError) -> Syntax {
    guard text.utf8.count <= limits.expressionBytesMax else {
      throw FHIRPathError(
        .tooCostly, "the expression is longer than \(limits.expressionBytesMax) bytes", at: limits.expressionBytesMax)
    }
    var parser = Parser(tokens: try Lexer.tokens(of: text), limits: limits)
    parser.syntax.root = try parser.expression(0)
    guard parser.token.kind == .end else { throw parser.unexpected() }
    return parser.syntax
  }

  private init(tokens: [Token], limits: FHIRPathLimits) {
    self.tokens = tokens
    self.limits = limits
  }

  // The last token is `.end`, and nothing steps over it.
  private var token: Token { tokens[index] }

  private var nextToken: Token { tokens[min(index + 1, tokens.count - 1)] }

  private mutating func advance() { index = min(index + 1, tokens.count - 1) }

  private func isSymbol(_ symbol: String) -> Bool { token.kind == .symbol && token.text == symbol }

  private func unexpected() -> FHIRPathError {
    let what = token.kind == .end ? "the expression ends too early" : "unexpected \"\(token.text.prefix(40))\""
    return FHIRPathError(.syntax, what, at: token.offset)
  }

  private mutating func expect(_ symbol: String) throws(FHIRPathError) {
    guard isSymbol(symbol) else { throw unexpected() }
    advance()
  }

  private mutating func make(_ kind: Syntax.Kind, at offset: Int) throws(FHIRPathError) -> Syntax.ID {
    try syntax.append(kind, offset: offset, limits: limits)
  }

  // MARK: - Operators

  private mutating func expression(_ precedenceMin: Int) throws(FHIRPathError) -> Syntax.ID {
    depth += 1
    defer { depth -= 1 }
    guard depth <= limits.expressionDepthMax else {
      throw FHIRPathError(.tooCostly, "the expression is nested too deeply", at: token.offset)
    }
    var left = try unary()
    while true {
      let offset = token.offset
      if token.kind == .word, token.text == "is" || token.text == "as" {
        guard Operator.typeTestPrecedence >= precedenceMin else { return left }
        let test: Syntax.TypeTest = token.text == "is" ? .is : .as
        advance()
        left = try make(.typeTest(left, test, try typeName()), at: offset)
        continue
      }
      guard let op = binaryOperator, op.precedence >= precedenceMin else { return left }
      advance()
      let right = try expression(op.precedence + 1)
      left = try make(.binary(op, left, right), at: offset)
    }
  }

  private var binaryOperator: Operator? {
    guard token.kind == .word || token.kind == .symbol else { return nil }
    return Operator(rawValue: token.text)
  }

  private mutating func unary() throws(FHIRPathError) -> Syntax.ID {
    guard isSymbol("-") || isSymbol("+") else { return try postfix() }
    depth += 1
    defer { depth -= 1 }
    guard depth <= limits.expressionDepthMax else {
      throw FHIRPathError(.tooCostly, "the expression is nested too deeply", at: token.offset)
    }
    let (offset, negates) = (token.offset, isSymbol("-"))
    advance()
    let operand = try unary()
    return try make(negates ? .negate(operand) : .plus(operand), at: offset)
  }

  private mutating func postfix() throws(FHIRPathError) -> Syntax.ID {
    var left = try term()
    while true {
      if isSymbol(".") {
        advance()
        left = try invocation(on: left, isFirst: false)
      } else if isSymbol("[") {
        let offset = token.offset
        advance()
        let place = try expression(0)
        try expect("]")
        left = try make(.indexer(left, place), at: offset)
      } else {
        return left
      }
    }
  }

  // MARK: - Terms

  private mutating func term() throws(FHIRPathError) -> Syntax.ID {
    let start = token
    switch start.kind {
    case .string:
      advance()
      return try make(.literal(.string(start.text)), at: start.offset)
    case .number: return try number()
    case .temporal:
      advance()
      guard let value = FHIRPathTemporal(literal: start.text) else {
        throw FHIRPathError(.syntax, "not a date or time", at: start.offset)
      }
      return try make(.literal(.temporal(value)), at: start.offset)
    case .variable:
      advance()
      return try make(.variable(start.text), at: start.offset)
    case .word where (start.text == "true" || start.text == "false") && !isCall:
      advance()
      return try make(.literal(.boolean(start.text == "true")), at: start.offset)
    case .word where Parser.reserved.contains(start.text): throw unexpected()
    case .word, .delimited, .special:
      let this = try make(.this(isImplicit: true), at: start.offset)
      return try invocation(on: this, isFirst: true)
    case .symbol where start.text == "(":
      advance()
      let inner = try expression(0)
      try expect(")")
      return inner
    case .symbol where start.text == "{":
      advance()
      try expect("}")
      return try make(.empty, at: start.offset)
    case .symbol, .end: throw unexpected()
    }
  }

  /// Words that the grammar does not allow as names without backticks. After a dot they are allowed here, because
  /// FHIR has elements such as Narrative.div and its own expressions use them so.
  private static let reserved: Set<String> = ["and", "or", "xor", "implies", "div", "mod"]

  private var isCall: Bool { nextToken.kind == .symbol && nextToken.text == "(" }

  private mutating func number() throws(FHIRPathError) -> Syntax.ID {
    let start = token
    advance()
    guard let value = FHIRDecimal(exactText: start.text) else {
      throw FHIRPathError(.syntax, "the number has too many digits", at: start.offset)
    }
    let isUnit = token.kind == .string || (token.kind == .word && FHIRPathQuantity.isCalendarUnit(token.text))
    if isUnit {
      let unit = token.text
      let isCalendar = token.kind == .word
      advance()
      let quantity = FHIRPathQuantity(value: value, unit: unit, isCalendar: isCalendar)
      return try make(.literal(.quantity(quantity)), at: start.offset)
    }
    if start.text.contains(".") { return try make(.literal(.decimal(value)), at: start.offset) }
    guard let integer = Int64(start.text) else { return try make(.literal(.decimal(value)), at: start.offset) }
    return try make(.literal(.integer(integer)), at: start.offset)
  }

  /// A member, function or `$` name after a dot or at the start of a path.
  private mutating func invocation(on focus: Syntax.ID, isFirst: Bool) throws(FHIRPathError) -> Syntax.ID {
    let start = token
    switch start.kind {
    case .special:
      advance()
      switch start.text {
      case "this": return isFirst ? try make(.this(isImplicit: false), at: start.offset) : focus
      case "index" where isFirst: return try make(.index, at: start.offset)
      case "total" where isFirst: return try make(.total, at: start.offset)
      default: throw FHIRPathError(.syntax, "unexpected $\(start.text.prefix(40))", at: start.offset)
      }
    case .word, .delimited:
      if start.kind == .word, isCall {
        advance()
        advance()
        return try call(start, on: focus)
      }
      advance()
      return try make(.member(focus, MemberName(start.text, isFirst: isFirst)), at: start.offset)
    default: throw unexpected()
    }
  }

  private mutating func call(_ name: Token, on focus: Syntax.ID) throws(FHIRPathError) -> Syntax.ID {
    if let test = Parser.typeTests[name.text] {
      let type = try typeName()
      try expect(")")
      return try make(.typeTest(focus, test, type), at: name.offset)
    }
    guard let function = Function(rawValue: name.text) else {
      throw FHIRPathError(.semantic, "unknown function \"\(name.text.prefix(40))\"", at: name.offset)
    }
    var arguments: [Syntax.ID] = []
    if !isSymbol(")") {
      arguments.append(try argument(of: function))
      while isSymbol(",") {
        advance()
        arguments.append(try argument(of: function))
      }
    }
    try expect(")")
    guard function.arity.contains(arguments.count) else {
      throw FHIRPathError(.semantic, "\(name.text)() does not take \(arguments.count) arguments", at: name.offset)
    }
    return try make(.call(focus, function, arguments), at: name.offset)
  }

  /// An argument; those of `sort` may end in `asc` or `desc`, and descending is noted as a negation, its other form.
  private mutating func argument(of function: Function) throws(FHIRPathError) -> Syntax.ID {
    let value = try expression(0)
    guard function == .sort, token.kind == .word, token.text == "asc" || token.text == "desc" else { return value }
    let (offset, isDescending) = (token.offset, token.text == "desc")
    advance()
    return isDescending ? try make(.negate(value), at: offset) : value
  }

  private static let typeTests: [String: Syntax.TypeTest] = ["is": .is, "as": .as, "ofType": .ofType]

  private mutating func typeName() throws(FHIRPathError) -> TypeName {
    let first = try name()
    guard isSymbol(".") else { return TypeName(namespace: nil, name: first) }
    // `(value as Quantity).unit` needs its parentheses; without them the grammar reads a qualified type name.
    advance()
    return TypeName(namespace: first, name: try name())
  }

  private mutating func name() throws(FHIRPathError) -> String {
    guard token.kind == .word || token.kind == .delimited else { throw unexpected() }
    defer { advance() }
    return token.text
  }
}
