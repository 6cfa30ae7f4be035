import JSONCore

/// Cuts an expression into tokens (jmespath.org, grammar).
struct JMESPathLexer {
  private let text: [UInt8]
  private var index = 0

  init(_ expression: String) { text = Array(expression.utf8) }

  mutating func tokens() throws(JSONQueryError) -> [(token: JMESPathToken, offset: Int)] {
    var tokens: [(token: JMESPathToken, offset: Int)] = []
    while index < text.count {
      let start = index
      switch text[index] {
      case 0x20, 0x09, 0x0A, 0x0D: index += 1
      default: tokens.append((try token(), start))
      }
    }
    tokens.append((.end, text.count))
    return tokens
  }

  private func fault(_ message: String, at offset: Int) -> JSONQueryError {
    JSONQueryError(.syntax, message, at: offset)
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard index < text.count, text[index] == UInt8(ascii: character) else { return false }
    index += 1
    return true
  }

  private mutating func token() throws(JSONQueryError) -> JMESPathToken {
    let start = index
    index += 1
    switch Unicode.Scalar(text[start]) {
    case "a"..."z", "A"..."Z", "_": return identifier(start)
    case "0"..."9", "-": return try number(start)
    case "\"": return try quotedIdentifier(start)
    case "'": return .rawString(try rawString(start))
    case "`": return .literal(try literal(start))
    case ".": return .dot
    case "*": return .star
    case ",": return .comma
    case ":": return .colon
    case "@": return .at
    case "(": return .leftParenthesis
    case ")": return .rightParenthesis
    case "{": return .leftBrace
    case "}": return .rightBrace
    case "]": return .rightBracket
    case "[": return take("]") ? .flatten : take("?") ? .filter : .leftBracket
    case "&": return take("&") ? .and : .ampersand
    case "|": return take("|") ? .or : .pipe
    case "!": return take("=") ? .comparator(.notEqual) : .not
    case "<": return take("=") ? .comparator(.lessOrEqual) : .comparator(.less)
    case ">": return take("=") ? .comparator(.greaterOrEqual) : .comparator(.greater)
    case "=":
      if take("=") { return .comparator(.equal) }
      throw fault("a single = is no operator; use ==", at: start)
    default: throw fault("unexpected character", at: start)
    }
  }

  private mutating func identifier(_ start: Int) -> JMESPathToken {
    while index < text.count, (text[index] | 0x20) &- 97 < 26 || text[index] &- 48 < 10 || text[index] == 0x5F {
      index += 1
    }
    return .identifier(String(decoding: text[start..<index], as: UTF8.self))
  }

  private mutating func number(_ start: Int) throws(JSONQueryError) -> JMESPathToken {
    while index < text.count, text[index] &- 48 < 10 { index += 1 }
    guard let value = Int32(String(decoding: text[start..<index], as: UTF8.self)) else {
      throw fault("a whole number of 32 bits was expected", at: start)
    }
    return .number(Int(value))
  }

  /// Passes the content up to an unescaped `end`, and that.
  private mutating func pass(to end: Unicode.Scalar, _ start: Int) throws(JSONQueryError) {
    while index < text.count {
      if take(end) { return }
      index += text[index] == UInt8(ascii: "\\") ? 2 : 1
    }
    throw fault("the text that begins here does not end", at: start)
  }

  private mutating func quotedIdentifier(_ start: Int) throws(JSONQueryError) -> JMESPathToken {
    try pass(to: "\"", start)
    guard let document = try? JSONDocument(Array(text[start..<index])), let name = document.string(document.root) else {
      throw fault("a quoted name is no valid JSON string", at: start)
    }
    return .quotedIdentifier(name)
  }

  private mutating func rawString(_ start: Int) throws(JSONQueryError) -> String {
    try pass(to: "'", start)
    var content: [UInt8] = []
    for byte in text[(start + 1)..<(index - 1)] {
      // Only the quote is escaped; any other backslash stands for itself.
      if byte == UInt8(ascii: "'"), content.last == UInt8(ascii: "\\") { content.removeLast() }
      content.append(byte)
    }
    return String(decoding: content, as: UTF8.self)
  }

  private mutating func literal(_ start: Int) throws(JSONQueryError) -> [UInt8] {
    try pass(to: "`", start)
    var content: [UInt8] = []
    for byte in text[(start + 1)..<(index - 1)] {
      if byte == UInt8(ascii: "`"), content.last == UInt8(ascii: "\\") { content.removeLast() }
      content.append(byte)
    }
    return content
  }
}
