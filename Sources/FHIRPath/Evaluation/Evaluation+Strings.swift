/// String functions (FHIRPath 2.0 §String manipulation, §Additional string functions). Places count characters.
extension Evaluation {
  func stringFunction(
    _ function: Function, _ items: Items, _ arguments: [Syntax.ID], _ scope: Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    if function == .join { return try join(items, arguments, scope, at: offset) }
    guard let text = try string(items, at: offset) else { return [] }
    try charge(text.utf8.count / 16, at: offset)
    switch function {
    case .upper: return try checked(text.uppercased(), at: offset)
    case .lower: return try checked(text.lowercased(), at: offset)
    case .length: return [.integer(Int64(text.count))]
    case .trim: return [.string(Evaluation.trimmed(text))]
    case .toChars:
      let characters = text.map { FHIRPathItem.string(String($0)) }
      try charge(characters.count, at: offset)
      try checkCount(characters, at: offset)
      return characters
    case .substring: return try substring(text, arguments, scope, at: offset)
    case .replace: return try replace(text, arguments, scope, at: offset)
    default: break
    }
    guard let other = try stringArgument(arguments[0], scope, at: offset) else { return [] }
    switch function {
    case .indexOf: return [.integer(Evaluation.place(of: other, in: text, fromEnd: false))]
    case .lastIndexOf: return [.integer(Evaluation.place(of: other, in: text, fromEnd: true))]
    case .startsWith: return [.boolean(text.utf8.starts(with: other.utf8))]
    case .endsWith:
      return [
        .boolean(text.utf8.count >= other.utf8.count && text.utf8.suffix(other.utf8.count).elementsEqual(other.utf8))
      ]
    case .contains: return [.boolean(ByteSearch.first(Array(other.utf8), in: Array(text.utf8), from: 0) != nil)]
    case .split: return try split(text, other, at: offset)
    case .encode: return try checked(try TextCode(other, at: offset).encode(text), at: offset)
    case .decode:
      guard let decoded = try TextCode(other, at: offset).decode(text) else { return [] }
      return try checked(decoded, at: offset)
    case .escape: return try checked(try TextCode.escape(text, other, at: offset), at: offset)
    default: return try checked(try TextCode.unescape(text, other, at: offset), at: offset)
    }
  }

  private func join(
    _ items: Items, _ arguments: [Syntax.ID], _ scope: Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    var separator = ""
    if let id = arguments.first { separator = try stringArgument(id, scope, at: offset) ?? "" }
    if items.isEmpty { return [] }
    var result = ""
    for (index, item) in items.enumerated() {
      if index > 0 { result += separator }
      result += try string([item], at: offset) ?? ""
      guard result.utf8.count <= program.limits.stringBytesMax else { return try checked(result, at: offset) }
    }
    return try checked(result, at: offset)
  }

  private func substring(
    _ text: String, _ arguments: [Syntax.ID], _ scope: Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    guard let start = try integerArgument(arguments[0], scope, at: offset) else { return [] }
    var length = Int64.max
    // An empty length is no length (§substring).
    if arguments.count > 1, let given = try integerArgument(arguments[1], scope, at: offset) { length = given }
    guard start >= 0, let from = text.index(text.startIndex, offsetBy: Int(clamping: start), limitedBy: text.endIndex),
      from < text.endIndex
    else { return [] }
    return [.string(String(text[from...].prefix(Int(clamping: max(length, 0)))))]
  }

  private func replace(
    _ text: String, _ arguments: [Syntax.ID], _ scope: Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    guard let pattern = try stringArgument(arguments[0], scope, at: offset),
      let substitution = try stringArgument(arguments[1], scope, at: offset)
    else { return [] }
    // An empty pattern surrounds each character (§replace: 'abc'.replace('', 'x') is 'xaxbxcx').
    let pieces = pattern.isEmpty ? [""] + text.map { String($0) } + [""] : Evaluation.pieces(text, pattern)
    let size = text.utf8.count + substitution.utf8.count.multipliedReportingOverflow(by: pieces.count).partialValue
    guard size <= program.limits.stringBytesMax else {
      throw FHIRPathError(.tooCostly, "a string is too long", at: offset)
    }
    return try checked(pieces.joined(separator: substitution), at: offset)
  }

  private func split(_ text: String, _ separator: String, at offset: Int) throws(FHIRPathError) -> Items {
    let pieces = separator.isEmpty ? text.map { String($0) } : Evaluation.pieces(text, separator)
    try charge(pieces.count, at: offset)
    let result = pieces.map { FHIRPathItem.string($0) }
    try checkCount(result, at: offset)
    return result
  }

  private static func pieces(_ text: String, _ separator: String) -> [String] {
    let (bytes, wanted) = (Array(text.utf8), Array(separator.utf8))
    var pieces: [String] = []
    var start = 0
    while let found = ByteSearch.first(wanted, in: bytes, from: start) {
      pieces.append(String(decoding: bytes[start..<found], as: UTF8.self))
      start = found + wanted.count
    }
    pieces.append(String(decoding: bytes[start...], as: UTF8.self))
    return pieces
  }

  private static func place(of wanted: String, in text: String, fromEnd: Bool) -> Int64 {
    let (bytes, needle) = (Array(text.utf8), Array(wanted.utf8))
    var found = ByteSearch.first(needle, in: bytes, from: 0)
    if fromEnd, needle.isEmpty { found = bytes.count }
    while fromEnd, let place = found, let later = ByteSearch.first(needle, in: bytes, from: place + 1) {
      found = later
    }
    guard let found else { return -1 }
    return Int64(String(decoding: bytes[..<found], as: UTF8.self).count)
  }

  private static func trimmed(_ text: String) -> String {
    var rest = text[...]
    while let first = rest.first, first.isWhitespace { rest = rest.dropFirst() }
    while let last = rest.last, last.isWhitespace { rest = rest.dropLast() }
    return String(rest)
  }
}

/// Search for bytes in bytes in linear time (Knuth, Morris, Pratt), so that no pair of strings is slow.
enum ByteSearch {
  static func first(_ wanted: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
    if wanted.isEmpty { return start <= bytes.count ? start : nil }
    guard start <= bytes.count, bytes.count - start >= wanted.count else { return nil }
    var fallback = Array(repeating: 0, count: wanted.count)
    var matched = 0
    for index in wanted.indices.dropFirst() {
      while matched > 0, wanted[index] != wanted[matched] { matched = fallback[matched - 1] }
      if wanted[index] == wanted[matched] { matched += 1 }
      fallback[index] = matched
    }
    matched = 0
    for index in start..<bytes.count {
      while matched > 0, bytes[index] != wanted[matched] { matched = fallback[matched - 1] }
      if bytes[index] == wanted[matched] { matched += 1 }
      if matched == wanted.count { return index - matched + 1 }
    }
    return nil
  }
}
