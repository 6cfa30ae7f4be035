/// Looks for a pattern in a text. A thread is a place in the program; each place is listed once for a character.
struct PatternMatcher {
  private let pattern: Pattern
  private let text: [UInt32]
  private var listed: [Int]
  private var stamp = 0
  /// Instructions executed; the caller charges them.
  private(set) var work = 0

  init(_ pattern: Pattern, _ text: String) {
    self.pattern = pattern
    self.text = text.unicodeScalars.map { pattern.ignoresCase ? Pattern.folded($0.value) : $0.value }
    listed = Array(repeating: 0, count: pattern.instructions.count)
  }

  /// Whether some part of the text matches; nil if the work passes `workMax`.
  mutating func matches(workMax: Int) -> Bool? {
    var current: [Int] = []
    var next: [Int] = []
    var position = 0
    while position <= text.count {
      if current.isEmpty { stamp += 1 }
      if add(0, position, &current) { return true }
      stamp += 1
      next.removeAll(keepingCapacity: true)
      if position < text.count {
        for place in current {
          work += 1
          if consumes(place, text[position]), add(place + 1, position + 1, &next) { return true }
        }
      }
      if work > workMax { return nil }
      swap(&current, &next)
      position += 1
    }
    return false
  }

  private func consumes(_ place: Int, _ character: UInt32) -> Bool {
    switch pattern.instructions[place] {
    case .character(let wanted): wanted == character
    case .set(let set): set.contains(character)
    case .any: true
    default: false
    }
  }

  /// Follows what consumes nothing and lists the places where a character is awaited; true at the pattern's end.
  private mutating func add(_ place: Int, _ position: Int, _ list: inout [Int]) -> Bool {
    var waiting = [place]
    while let place = waiting.popLast() {
      guard listed[place] != stamp else { continue }
      listed[place] = stamp
      work += 1
      switch pattern.instructions[place] {
      case .jump(let target): waiting.append(target)
      case .split(let first, let second): waiting += [second, first]
      case .assert(let assertion): if holds(assertion, position) { waiting.append(place + 1) }
      case .character, .set, .any: list.append(place)
      case .match: return true
      }
    }
    return false
  }

  private func holds(_ assertion: Pattern.Assertion, _ position: Int) -> Bool {
    switch assertion {
    case .start: position == 0
    // As .NET has it, `$` also matches before a line feed that ends the text.
    case .end: position == text.count || position == text.count - 1 && text[position] == 10
    case .lineStart: position == 0 || text[position - 1] == 10
    case .lineEnd: position == text.count || text[position] == 10
    case .boundary: isBoundary(position)
    case .noBoundary: !isBoundary(position)
    }
  }

  private func isBoundary(_ position: Int) -> Bool {
    let before = position > 0 && PatternCompiler.word.contains(text[position - 1])
    let after = position < text.count && PatternCompiler.word.contains(text[position])
    return before != after
  }
}
