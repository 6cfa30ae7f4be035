/// The regular expression of a filter's `=~`, compiled for matching in time linear in the text (R. Cox, "Regular
/// Expression Matching: the Virtual Machine Approach", after K. Thompson and R. Pike).
///
/// All alternatives advance together, one character at a time, so that no pattern can make a match explode. The syntax
/// is .NET's without what needs more than that: no back-references, no look-around. Options: `i` ignores case, `m`
/// makes `^` and `$` match at line ends, `s` lets `.` match a line feed.
struct Pattern: Sendable {
  enum Instruction: Sendable {
    case character(UInt32)
    case set(CharacterSet)
    case any
    /// Goes on at both places.
    case split(Int, Int)
    case jump(Int)
    case assert(Assertion)
    case match
  }

  enum Assertion: Sendable { case start, end, lineStart, lineEnd, boundary, noBoundary }

  struct CharacterSet: Sendable {
    var ranges: [ClosedRange<UInt32>] = []
    var isNegated = false

    func contains(_ character: UInt32) -> Bool {
      for range in ranges where range.contains(character) { return !isNegated }
      return isNegated
    }
  }

  let instructions: [Instruction]
  let ignoresCase: Bool

  init(_ text: String, options: String, limits: JSONQueryLimits, offset: Int) throws(JSONQueryError) {
    var compiler = PatternCompiler(text, options: options, limits: limits, offset: offset)
    try compiler.compile()
    instructions = compiler.instructions
    ignoresCase = compiler.ignoresCase
  }

  /// Lower case of one character, where that is one character.
  static func folded(_ character: UInt32) -> UInt32 {
    if character < 0x80 { return character &- 65 < 26 ? character + 32 : character }
    guard let scalar = Unicode.Scalar(character) else { return character }
    let lower = scalar.properties.lowercaseMapping.unicodeScalars
    return lower.count == 1 ? lower.first?.value ?? character : character
  }
}
