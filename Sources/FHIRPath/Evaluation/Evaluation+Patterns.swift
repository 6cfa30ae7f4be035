/// `matches`, `matchesFull` and `replaceMatches` (FHIRPath 2.0 §String manipulation).
extension Evaluation {
  func patternFunction(
    _ function: Function, _ items: Items, _ arguments: [Syntax.ID], _ id: Syntax.ID, _ scope: Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    let flagsPlace = function == .replaceMatches ? 2 : 1
    var flags = ""
    if arguments.count > flagsPlace { flags = try stringArgument(arguments[flagsPlace], scope, at: offset) ?? "" }
    guard let text = try string(items, at: offset),
      let source = try stringArgument(arguments[0], scope, at: offset)
    else { return [] }
    try charge(text.utf8.count / 16, at: offset)
    let pattern: Pattern
    if flags.isEmpty, let compiled = program.patterns[id] {
      pattern = compiled
    } else {
      pattern = try Pattern(source, flags: flags, limits: program.limits, offset: offset)
      try charge(pattern.instructions.count, at: offset)
    }
    if function == .replaceMatches {
      guard let substitution = try stringArgument(arguments[1], scope, at: offset) else { return [] }
      if source.isEmpty { return [.string(text)] }
      return try checked(try replaced(text, pattern, substitution, at: offset), at: offset)
    }
    var matcher = PatternMatcher(pattern, text, records: false)
    let isFull = function == .matchesFull
    let found = try firstMatch(&matcher, from: 0, isAnchored: isFull, toEnd: isFull, at: offset)
    return [.boolean(found != nil)]
  }

  /// A match's work counts as steps, four instructions to one.
  private func firstMatch(
    _ matcher: inout PatternMatcher, from start: Int, isAnchored: Bool = false, toEnd: Bool = false, at offset: Int
  ) throws(FHIRPathError) -> [Int]? {
    let before = matcher.work
    let workMax = before + max(0, program.limits.stepsMax - steps) * 4
    let found = matcher.firstMatch(from: start, isAnchored: isAnchored, toEnd: toEnd, workMax: workMax)
    try charge((matcher.work - before) / 4, at: offset)
    return found
  }

  private func replaced(
    _ text: String, _ pattern: Pattern, _ substitution: String, at offset: Int
  ) throws(FHIRPathError) -> String {
    let scalars = Array(text.unicodeScalars)
    var matcher = PatternMatcher(pattern, text, records: true)
    let template = Array(substitution.unicodeScalars)
    var result = String.UnicodeScalarView()
    var written = 0
    var position = 0
    while position <= scalars.count,
      let groups = try firstMatch(&matcher, from: position, at: offset)
    {
      result.append(contentsOf: scalars[written..<groups[0]])
      Evaluation.append(template, groups, pattern, scalars, to: &result)
      guard result.count <= program.limits.stringBytesMax else {
        throw FHIRPathError(.tooCostly, "a string is too long", at: offset)
      }
      written = groups[1]
      // An empty match moves on by one character.
      position = groups[1] > groups[0] ? groups[1] : groups[1] + 1
    }
    result.append(contentsOf: scalars[written...])
    return String(result)
  }

  /// `$1`, `${1}`, `${name}`, and `\$` for the sign itself.
  private static func append(
    _ template: [Unicode.Scalar], _ groups: [Int], _ pattern: Pattern, _ text: [Unicode.Scalar],
    to result: inout String.UnicodeScalarView
  ) {
    var index = 0
    while index < template.count {
      let next = template[index]
      index += 1
      if next == "\\", index < template.count {
        result.append(template[index])
        index += 1
        continue
      }
      guard next == "$", let (number, end) = group(template, index, pattern) else {
        result.append(next)
        continue
      }
      index = end
      let (low, high) = (groups[2 * number], groups[2 * number + 1])
      if low >= 0, high >= low { result.append(contentsOf: text[low..<high]) }
    }
  }

  private static func group(_ template: [Unicode.Scalar], _ start: Int, _ pattern: Pattern) -> (number: Int, end: Int)?
  {
    guard start < template.count else { return nil }
    if template[start] == "{" {
      guard let end = template[start...].firstIndex(of: "}") else { return nil }
      let name = String(String.UnicodeScalarView(template[(start + 1)..<end]))
      guard let number = pattern.names[name] ?? Int(name), (0...pattern.groupCount).contains(number) else { return nil }
      return (number, end + 1)
    }
    var (number, end) = (0, start)
    while end < template.count, template[end].value &- 48 < 10 {
      let longer = number * 10 + Int(template[end].value - 48)
      if longer > pattern.groupCount { break }
      number = longer
      end += 1
    }
    return end > start ? (number, end) : nil
  }
}
