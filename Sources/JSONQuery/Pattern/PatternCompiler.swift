/// Reads a regular expression and writes its program.
struct PatternCompiler {
  private let pattern: [UInt32]
  private let limits: JSONQueryLimits
  private let offset: Int
  private let isMultiline: Bool
  private let isSingleline: Bool
  let ignoresCase: Bool
  private var index = 0
  private var depth = 0
  private(set) var instructions: [Pattern.Instruction] = []

  /// Nesting of groups.
  private static let depthMax = 64
  /// Highest count in `{n,m}`.
  private static let repetitionMax = 1_000

  init(_ text: String, options: String, limits: JSONQueryLimits, offset: Int) {
    ignoresCase = options.contains("i")
    isMultiline = options.contains("m")
    isSingleline = options.contains("s")
    pattern = text.unicodeScalars.map(\.value)
    self.limits = limits
    self.offset = offset
  }

  mutating func compile() throws(JSONQueryError) {
    guard pattern.count <= limits.patternInstructionsMax else { throw tooLarge }
    try alternatives()
    guard index == pattern.count else { throw fault("unexpected ) in the pattern") }
    try emit(.match)
  }

  private func fault(_ message: String) -> JSONQueryError { JSONQueryError(.syntax, message, at: offset) }

  private var tooLarge: JSONQueryError { JSONQueryError(.tooCostly, "the pattern is too large", at: offset) }

  private mutating func emit(_ instruction: Pattern.Instruction) throws(JSONQueryError) {
    guard instructions.count < limits.patternInstructionsMax else { throw tooLarge }
    instructions.append(instruction)
  }

  private func peek(_ ahead: Int = 0) -> UInt32? {
    index + ahead < pattern.count ? pattern[index + ahead] : nil
  }

  private func isNext(_ character: Unicode.Scalar, _ ahead: Int = 0) -> Bool { peek(ahead) == character.value }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard isNext(character) else { return false }
    index += 1
    return true
  }

  // MARK: - Structure

  private mutating func alternatives() throws(JSONQueryError) {
    depth += 1
    defer { depth -= 1 }
    guard depth <= PatternCompiler.depthMax else { throw tooLarge }
    var start = instructions.count
    try sequence()
    var exits: [Int] = []
    while take("|") {
      // split L1, L2; L1: the alternative before; jump out; L2: the next one
      try insert(.split(start + 1, 0), at: start)
      exits.append(instructions.count)
      try emit(.jump(0))
      instructions[start] = .split(start + 1, instructions.count)
      start = instructions.count
      try sequence()
    }
    for exit in exits { instructions[exit] = .jump(instructions.count) }
  }

  /// Inserts an instruction and moves the targets behind it.
  private mutating func insert(_ instruction: Pattern.Instruction, at place: Int) throws(JSONQueryError) {
    try emit(.match)
    var index = instructions.count - 1
    while index > place {
      instructions[index] = instructions[index - 1]
      index -= 1
    }
    instructions[place] = instruction
    for index in (place + 1)..<max(instructions.count, place + 1) {
      switch instructions[index] {
      case .split(let a, let b): instructions[index] = .split(a >= place ? a + 1 : a, b >= place ? b + 1 : b)
      case .jump(let a): instructions[index] = .jump(a >= place ? a + 1 : a)
      default: continue
      }
    }
  }

  private mutating func sequence() throws(JSONQueryError) {
    while let next = peek(), next != Unicode.Scalar("|").value, next != Unicode.Scalar(")").value {
      let start = instructions.count
      try atom()
      try quantifiers(from: start)
    }
  }

  private mutating func quantifiers(from start: Int) throws(JSONQueryError) {
    guard let (low, high) = try quantifier() else { return }
    // Possessive quantifiers match the same texts unless something follows that they starve; read as greedy.
    let isLazy = take("?")
    if !isLazy { _ = take("+") }
    let body = Array(instructions[start...])
    instructions.removeSubrange(start...)
    for _ in 0..<low { try append(body, from: start) }
    guard let high else {
      // L1: split body, out; body; jump L1
      let loop = instructions.count
      try emit(.match)
      try append(body, from: start)
      try emit(.jump(loop))
      instructions[loop] = split(loop + 1, instructions.count, isLazy)
      return
    }
    var exits: [Int] = []
    for _ in low..<max(low, high) {
      exits.append(instructions.count)
      try emit(.match)
      try append(body, from: start)
    }
    for exit in exits { instructions[exit] = split(exit + 1, instructions.count, isLazy) }
  }

  private func split(_ body: Int, _ out: Int, _ isLazy: Bool) -> Pattern.Instruction {
    isLazy ? .split(out, body) : .split(body, out)
  }

  /// A copy of instructions that stood at `start`, with their targets moved.
  private mutating func append(_ body: [Pattern.Instruction], from start: Int) throws(JSONQueryError) {
    let shift = instructions.count - start
    for instruction in body {
      switch instruction {
      case .split(let a, let b): try emit(.split(a + shift, b + shift))
      case .jump(let a): try emit(.jump(a + shift))
      default: try emit(instruction)
      }
    }
  }

  private mutating func quantifier() throws(JSONQueryError) -> (low: Int, high: Int?)? {
    if take("*") { return (0, nil) }
    if take("+") { return (1, nil) }
    if take("?") { return (0, 1) }
    let start = index
    guard take("{") else { return nil }
    let low = number()
    var high = low
    if take(",") { high = number() }
    guard take("}"), let low else {
      // As PCRE has it, a brace that begins no quantifier stands for itself.
      index = start
      return nil
    }
    let isOpen = pattern[index - 2] == Unicode.Scalar(",").value
    guard low <= PatternCompiler.repetitionMax, (high ?? 0) <= PatternCompiler.repetitionMax else { throw tooLarge }
    if let high, high < low { throw fault("a repetition of the pattern counts down") }
    return (low, isOpen ? nil : high)
  }

  private mutating func number() -> Int? {
    var value = 0
    let start = index
    while let digit = peek(), digit &- 48 < 10, index - start < 6 {
      value = value * 10 + Int(digit - 48)
      index += 1
    }
    return index > start ? value : nil
  }

  // MARK: - Atoms

  private mutating func atom() throws(JSONQueryError) {
    guard let next = peek() else { return }
    index += 1
    switch Unicode.Scalar(next) {
    case "(": try group()
    case "[": try emit(.set(try set()))
    case ".": try emit(isSingleline ? .any : .set(PatternCompiler.noLineFeed))
    case "^": try emit(.assert(isMultiline ? .lineStart : .start))
    case "$": try emit(.assert(isMultiline ? .lineEnd : .end))
    case "*", "+", "?": throw fault("nothing to repeat in the pattern")
    case "\\": try escape()
    default: try emit(.character(ignoresCase ? Pattern.folded(next) : next))
    }
  }

  private mutating func group() throws(JSONQueryError) {
    if take("?") {
      if isNext("<"), !isNext("=", 1), !isNext("!", 1) {
        while let next = peek(), next != Unicode.Scalar(">").value { index += 1 }
        guard take(">") else { throw fault("a group of the pattern has a bad name") }
      } else if !take(":") {
        throw fault("the pattern uses a construct that is not supported")
      }
    }
    try alternatives()
    guard take(")") else { throw fault("a group of the pattern does not end") }
  }

  private mutating func escape() throws(JSONQueryError) {
    guard let next = peek() else { throw fault("the pattern ends in a backslash") }
    index += 1
    switch Unicode.Scalar(next) {
    case "b": try emit(.assert(.boundary))
    case "B": try emit(.assert(.noBoundary))
    case "A": try emit(.assert(.start))
    case "z", "Z": try emit(.assert(.end))
    case "1", "2", "3", "4", "5", "6", "7", "8", "9", "k":
      throw JSONQueryError(.syntax, "patterns with back-references are not supported", at: offset)
    default:
      if let named = try PatternCompiler.namedSet(next, &self) {
        try emit(.set(named))
      } else {
        let character = try literalEscape(next)
        try emit(.character(ignoresCase ? Pattern.folded(character) : character))
      }
    }
  }

  private mutating func literalEscape(_ next: UInt32) throws(JSONQueryError) -> UInt32 {
    switch Unicode.Scalar(next) {
    case "n": return 10
    case "r": return 13
    case "t": return 9
    case "f": return 12
    case "v": return 11
    case "e": return 27
    case "0": return 0
    case "x": return isNext("{") ? try braced() : try hexadecimal(2)
    case "u": return isNext("{") ? try braced() : try hexadecimal(4)
    default: return next
    }
  }

  private mutating func hexadecimal(_ count: Int) throws(JSONQueryError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<count {
      guard let next = peek(), let scalar = Unicode.Scalar(next), let digit = Character(scalar).hexDigitValue else {
        throw fault("a character code of the pattern is incomplete")
      }
      value = value << 4 | UInt32(digit)
      index += 1
    }
    return value
  }

  private mutating func braced() throws(JSONQueryError) -> UInt32 {
    index += 1
    var value: UInt32 = 0
    while let next = peek(), let scalar = Unicode.Scalar(next), let digit = Character(scalar).hexDigitValue {
      guard value < 0x11_0000 else { throw fault("a character code of the pattern is too large") }
      value = value << 4 | UInt32(digit)
      index += 1
    }
    guard take("}") else { throw fault("a character code of the pattern is incomplete") }
    return value
  }

  // MARK: - Sets

  static let noLineFeed = Pattern.CharacterSet(ranges: [10...10], isNegated: true)
  static let digit = Pattern.CharacterSet(ranges: [48...57])
  static let word = Pattern.CharacterSet(ranges: [48...57, 65...90, 95...95, 97...122])
  static let space = Pattern.CharacterSet(ranges: [9...13, 32...32, 0x85...0x85, 0xA0...0xA0, 0x2028...0x2029])

  /// The set that an escape such as `\d` names; nil if it names none.
  private static func namedSet(
    _ letter: UInt32, _ compiler: inout PatternCompiler
  ) throws(JSONQueryError) -> Pattern.CharacterSet? {
    var set: Pattern.CharacterSet
    switch Unicode.Scalar(letter) {
    case "d", "D": set = digit
    case "w", "W": set = word
    case "s", "S": set = space
    case "p", "P":
      throw JSONQueryError(.syntax, "patterns with Unicode properties are not supported", at: compiler.offset)
    default: return nil
    }
    set.isNegated = letter < 97
    return set
  }

  private mutating func set() throws(JSONQueryError) -> Pattern.CharacterSet {
    var set = Pattern.CharacterSet()
    set.isNegated = take("^")
    var isFirst = true
    while let next = peek() {
      if next == Unicode.Scalar("]").value, !isFirst {
        index += 1
        return ignoresCase ? PatternCompiler.folded(set) : set
      }
      isFirst = false
      guard let low = try setItem(into: &set) else { continue }
      guard isNext("-"), let after = peek(1), after != Unicode.Scalar("]").value else {
        set.ranges.append(low...low)
        continue
      }
      index += 1
      guard let high = try setItem(into: &set), high >= low else { throw fault("a range of the pattern is reversed") }
      set.ranges.append(low...high)
    }
    throw fault("a set of the pattern does not end")
  }

  /// One character of a set; nil if it was a named set, which is taken in.
  private mutating func setItem(into set: inout Pattern.CharacterSet) throws(JSONQueryError) -> UInt32? {
    guard let next = peek() else { throw fault("a set of the pattern does not end") }
    index += 1
    guard next == Unicode.Scalar("\\").value else { return next }
    guard let escaped = peek() else { throw fault("the pattern ends in a backslash") }
    index += 1
    if Unicode.Scalar(escaped) == "b" { return 8 }
    guard let named = try PatternCompiler.namedSet(escaped, &self) else { return try literalEscape(escaped) }
    set.ranges += named.isNegated ? PatternCompiler.complement(named.ranges) : named.ranges
    return nil
  }

  private static func complement(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
    var result: [ClosedRange<UInt32>] = []
    var next: UInt32 = 0
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if range.lowerBound > next { result.append(next...(range.lowerBound - 1)) }
      next = max(next, range.upperBound + 1)
    }
    result.append(next...0x10_FFFF)
    return result
  }

  /// With the lower case of ASCII ranges; the text is folded too.
  private static func folded(_ set: Pattern.CharacterSet) -> Pattern.CharacterSet {
    var set = set
    for range in set.ranges {
      let low = max(range.lowerBound, 65)
      let high = min(range.upperBound, 90)
      if low <= high { set.ranges.append((low + 32)...(high + 32)) }
    }
    return set
  }
}
