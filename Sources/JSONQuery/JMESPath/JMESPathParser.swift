import JSONCore

/// Reads an expression by operator precedence (V. R. Pratt, "Top Down Operator Precedence"; the powers are those of
/// the reference grammar).
struct JMESPathParser {
  private let limits: JSONQueryLimits
  private var tokens: [(token: JMESPathToken, offset: Int)] = []
  private var index = 0
  private var depth = 0

  init(limits: JSONQueryLimits) { self.limits = limits }

  mutating func parse(_ text: String) throws(JSONQueryError) -> JMESPathSyntax {
    guard text.utf8.count <= limits.expressionBytesMax else {
      throw JSONQueryError(.tooCostly, "the expression is too long", at: 0)
    }
    var lexer = JMESPathLexer(text)
    tokens = try lexer.tokens()
    let (result, _) = try expression(0)
    guard current == .end else { throw unexpected }
    return result
  }

  // MARK: - Tokens

  private var current: JMESPathToken { tokens[min(index, tokens.count - 1)].token }

  private var offset: Int { tokens[min(index, tokens.count - 1)].offset }

  private var following: JMESPathToken { tokens[min(index + 1, tokens.count - 1)].token }

  private var unexpected: JSONQueryError {
    let message = current == .end ? "the expression ends too early" : "unexpected token"
    return JSONQueryError(.syntax, message, at: offset)
  }

  private mutating func take(_ token: JMESPathToken) -> Bool {
    guard current == token else { return false }
    index += 1
    return true
  }

  private mutating func expect(_ token: JMESPathToken) throws(JSONQueryError) {
    guard take(token) else { throw unexpected }
  }

  // MARK: - Expressions

  /// An expression with the height of its tree.
  private typealias Tree = (syntax: JMESPathSyntax, height: Int)

  private func checked(_ tree: Tree) throws(JSONQueryError) -> Tree {
    guard tree.height <= limits.expressionDepthMax else { throw tooDeep }
    return tree
  }

  private var tooDeep: JSONQueryError { JSONQueryError(.tooCostly, "the expression is nested too deeply", at: offset) }

  private mutating func expression(_ power: Int) throws(JSONQueryError) -> Tree {
    depth += 1
    defer { depth -= 1 }
    guard depth <= limits.expressionDepthMax else { throw tooDeep }
    var left = try checked(try prefix())
    while power < current.power { left = try checked(try infix(left)) }
    return left
  }

  private mutating func prefix() throws(JSONQueryError) -> Tree {
    let token = current
    let start = offset
    index += 1
    switch token {
    case .literal(let json): return (.literal(try literal(json, start)), 1)
    case .rawString(let text): return (.literal(.string(text)), 1)
    case .identifier(let name): return (.field(JSONKey(name)), 1)
    case .quotedIdentifier(let name):
      if current == .leftParenthesis {
        throw JSONQueryError(.syntax, "a quoted name cannot be a function", at: start)
      }
      return (.field(JSONKey(name)), 1)
    case .at: return (.current, 1)
    case .star:
      let right = try projected(token.power)
      return (.valueProjection(.current, right.syntax), right.height + 1)
    case .filter: return try filter((.current, 1))
    case .flatten: return try flatten((.current, 1))
    case .leftBrace: return try multiSelectHash()
    case .leftBracket: return try bracketed()
    case .not:
      let inner = try expression(token.power)
      return (.not(inner.syntax), inner.height + 1)
    case .ampersand:
      let inner = try expression(0)
      return (.expression(inner.syntax), inner.height + 1)
    case .leftParenthesis:
      let inner = try expression(0)
      try expect(.rightParenthesis)
      // A pipe from the current node keeps the value and ends a projection, as parentheses do.
      return (.pipe(inner.syntax, .current), inner.height + 1)
    default:
      index -= 1
      throw unexpected
    }
  }

  private mutating func infix(_ left: Tree) throws(JSONQueryError) -> Tree {
    let token = current
    let start = offset
    index += 1
    switch token {
    case .dot:
      if take(.star) {
        let right = try projected(token.power)
        return (.valueProjection(left.syntax, right.syntax), max(left.height, right.height) + 1)
      }
      return JMESPathParser.joined(left, try afterDot(token.power)) { .subexpression($0, $1) }
    case .pipe: return JMESPathParser.joined(left, try expression(token.power)) { .pipe($0, $1) }
    case .or: return JMESPathParser.joined(left, try expression(token.power)) { .or($0, $1) }
    case .and: return JMESPathParser.joined(left, try expression(token.power)) { .and($0, $1) }
    case .comparator(let comparator):
      return JMESPathParser.joined(left, try expression(token.power)) { .comparison(comparator, $0, $1) }
    case .leftParenthesis:
      guard case .field(let name) = left.syntax, index >= 2, case .identifier = tokens[index - 2].token else {
        throw JSONQueryError(.syntax, "only a name can be called as a function", at: start)
      }
      return try function(name.name, tokens[index - 2].offset)
    case .filter: return try filter(left)
    case .flatten: return try flatten(left)
    case .leftBracket:
      if isIndex { return try indexed(left) }
      try expect(.star)
      try expect(.rightBracket)
      return JMESPathParser.joined(left, try projected(JMESPathToken.star.power)) { .projection($0, $1) }
    default:
      index -= 1
      throw unexpected
    }
  }

  private static func joined(
    _ left: Tree, _ right: Tree, _ join: (JMESPathSyntax, JMESPathSyntax) -> JMESPathSyntax
  ) -> Tree { (join(left.syntax, right.syntax), max(left.height, right.height) + 1) }

  /// What follows a projection and belongs to each of its elements.
  private mutating func projected(_ power: Int) throws(JSONQueryError) -> Tree {
    if current.power < JMESPathToken.projectionStop { return (.current, 1) }
    switch current {
    case .leftBracket, .filter: return try expression(power)
    case .dot:
      index += 1
      return try afterDot(power)
    default: throw unexpected
    }
  }

  private mutating func afterDot(_ power: Int) throws(JSONQueryError) -> Tree {
    switch current {
    case .identifier, .quotedIdentifier, .star: return try expression(power)
    case .leftBracket:
      index += 1
      return try multiSelectList()
    case .leftBrace:
      index += 1
      return try multiSelectHash()
    default: throw unexpected
    }
  }

  // MARK: - Brackets

  private var isIndex: Bool {
    if case .number = current { return true }
    return current == .colon
  }

  /// `[` at the beginning of an expression, already taken.
  private mutating func bracketed() throws(JSONQueryError) -> Tree {
    if isIndex { return try indexed((.current, 1)) }
    if current == .star, following == .rightBracket {
      index += 2
      let right = try projected(JMESPathToken.star.power)
      return (.projection(.current, right.syntax), right.height + 1)
    }
    return try multiSelectList()
  }

  private mutating func indexed(_ left: Tree) throws(JSONQueryError) -> Tree {
    var parts: [Int?] = [nil]
    while current != .rightBracket {
      if case .number(let value) = current, parts[parts.count - 1] == nil {
        parts[parts.count - 1] = value
      } else if current == .colon, parts.count < 3 {
        parts.append(nil)
      } else {
        throw unexpected
      }
      index += 1
    }
    try expect(.rightBracket)
    if parts.count == 1, let place = parts[0] {
      return JMESPathParser.joined(left, (.index(place), 1)) { .subexpression($0, $1) }
    }
    let step = parts.count > 2 ? parts[2] ?? 1 : 1
    let slice = JMESPathSyntax.slice(start: parts[0], stop: parts[1], step: step)
    let right = try projected(JMESPathToken.star.power)
    return (.projection(.subexpression(left.syntax, slice), right.syntax), max(left.height, right.height) + 2)
  }

  private mutating func filter(_ left: Tree) throws(JSONQueryError) -> Tree {
    let condition = try expression(0)
    try expect(.rightBracket)
    let right = current == .flatten ? (JMESPathSyntax.current, 1) : try projected(JMESPathToken.filter.power)
    return (
      .filterProjection(left.syntax, right.0, condition: condition.syntax),
      max(left.height, right.1, condition.height) + 1
    )
  }

  private mutating func flatten(_ left: Tree) throws(JSONQueryError) -> Tree {
    let right = try projected(JMESPathToken.flatten.power)
    return (.projection(.flatten(left.syntax), right.syntax), max(left.height, right.height) + 2)
  }

  private mutating func multiSelectList() throws(JSONQueryError) -> Tree {
    var values: [JMESPathSyntax] = []
    var height = 0
    repeat {
      let value = try expression(0)
      values.append(value.syntax)
      height = max(height, value.height)
    } while take(.comma)
    try expect(.rightBracket)
    return (.multiSelectList(values), height + 1)
  }

  private mutating func multiSelectHash() throws(JSONQueryError) -> Tree {
    var members: [(name: String, value: JMESPathSyntax)] = []
    var height = 0
    repeat {
      let name: String
      switch current {
      case .identifier(let text), .quotedIdentifier(let text): name = text
      default: throw unexpected
      }
      index += 1
      try expect(.colon)
      let value = try expression(0)
      members.append((name, value.syntax))
      height = max(height, value.height)
    } while take(.comma)
    try expect(.rightBrace)
    return (.multiSelectHash(members), height + 1)
  }

  // MARK: - Functions and literals

  private mutating func function(_ name: String, _ start: Int) throws(JSONQueryError) -> Tree {
    var arguments: [JMESPathSyntax] = []
    var height = 0
    if current != .rightParenthesis {
      repeat {
        let argument = try expression(0)
        arguments.append(argument.syntax)
        height = max(height, argument.height)
      } while take(.comma)
    }
    try expect(.rightParenthesis)
    guard let function = JMESPathFunction(rawValue: name) else {
      throw JSONQueryError(.unknownFunction, "there is no function \(name)", at: start)
    }
    let arity = function.arity
    guard arguments.count >= arity.count, arity.isVariadic || arguments.count == arity.count else {
      let wanted = arity.isVariadic ? "at least \(arity.count)" : "\(arity.count)"
      throw JSONQueryError(
        .invalidArity, "the function \(name) takes \(wanted) arguments, not \(arguments.count)", at: start)
    }
    return (.function(function, arguments, offset: start), height + 1)
  }

  private func literal(_ json: [UInt8], _ start: Int) throws(JSONQueryError) -> JMESPathValue {
    do {
      let document = try JSONDocument(json)
      return JMESPathValue(copying: document, document.root)
    } catch {
      throw JSONQueryError(.syntax, "the literal is no JSON; a text needs double quotes in it", at: start)
    }
  }
}
