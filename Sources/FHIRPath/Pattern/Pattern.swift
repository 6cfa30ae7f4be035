/// A regular expression, compiled for matching in time linear in the text (R. Cox, "Regular Expression Matching: the
/// Virtual Machine Approach", after K. Thompson and R. Pike).
///
/// All alternatives advance together, one character at a time, so that no pattern can make a match explode. The syntax
/// is that of PCRE (FHIRPath 2.0 §matches) without what needs more than that: no back-references, no look-around.
/// `.` matches line ends too; `^` and `$` are the text's ends.
struct Pattern: Sendable {
  enum Instruction: Sendable {
    case character(UInt32)
    case set(CharacterSet)
    case any
    /// Goes on at both places, the first one preferred.
    case split(Int, Int)
    case jump(Int)
    case save(Int)
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
  /// Named groups by their number.
  let names: [String: Int]
  let groupCount: Int
  let ignoresCase: Bool

  init(_ text: String, flags: String, limits: FHIRPathLimits, offset: Int) throws(FHIRPathError) {
    var compiler = PatternCompiler(text, flags: flags, limits: limits, offset: offset)
    try compiler.compile()
    instructions = compiler.instructions
    names = compiler.names
    groupCount = compiler.groupCount
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
