/// Runs a pattern over a text. Each thread is a place in the program with the groups it has seen.
struct PatternMatcher {
  let pattern: Pattern
  let text: [UInt32]
  /// Whether groups are recorded; without, a thread is a place alone.
  let records: Bool
  /// Instructions executed; the caller charges them.
  private(set) var work = 0

  private struct Thread {
    var place: Int
    var groups: [Int]
  }

  private var listed: [Int]
  private var stamp = 0

  init(_ pattern: Pattern, _ text: String, records: Bool) {
    self.pattern = pattern
    self.records = records
    self.text = text.unicodeScalars.map { pattern.ignoresCase ? Pattern.folded($0.value) : $0.value }
    listed = Array(repeating: 0, count: pattern.instructions.count)
  }

  /// The groups' places of the first match at or after `start`, two for each group, the whole match first; nil if there
  /// is none or the work passes `workMax`.
  mutating func firstMatch(from start: Int, isAnchored: Bool, toEnd: Bool, workMax: Int) -> [Int]? {
    var current: [Thread] = []
    var next: [Thread] = []
    var found: [Int]?
    var position = start
    let empty = Array(repeating: -1, count: records ? 2 * (pattern.groupCount + 1) : 2)
    while position <= text.count {
      if found == nil, position == start || !isAnchored {
        if current.isEmpty { stamp += 1 }
        var groups = empty
        groups[0] = position
        add(Thread(place: 0, groups: groups), position, &current)
      }
      if current.isEmpty { break }
      stamp += 1
      next.removeAll(keepingCapacity: true)
      var index = 0
      while index < current.count {
        let thread = current[index]
        index += 1
        work += 1
        if case .match = pattern.instructions[thread.place] {
          if toEnd, position < text.count { continue }
          found = thread.groups
          found?[1] = position
          // Threads behind this one are less preferred.
          break
        }
        if position < text.count, consumes(thread.place, text[position]) {
          add(Thread(place: thread.place + 1, groups: thread.groups), position + 1, &next)
        }
      }
      if work > workMax { return nil }
      swap(&current, &next)
      position += 1
    }
    return found
  }

  private func consumes(_ place: Int, _ character: UInt32) -> Bool {
    switch pattern.instructions[place] {
    case .character(let wanted): wanted == character
    case .set(let set): set.contains(character)
    case .any: true
    default: false
    }
  }

  /// Follows what consumes nothing and lists the places where a character is awaited.
  private mutating func add(_ thread: Thread, _ position: Int, _ list: inout [Thread]) {
    var waiting = [thread]
    while var next = waiting.popLast() {
      guard listed[next.place] != stamp else { continue }
      listed[next.place] = stamp
      work += 1
      switch pattern.instructions[next.place] {
      case .jump(let target):
        next.place = target
        waiting.append(next)
      case .split(let first, let second):
        waiting.append(Thread(place: second, groups: next.groups))
        waiting.append(Thread(place: first, groups: next.groups))
      case .save(let slot):
        if records { next.groups[slot] = position }
        next.place += 1
        waiting.append(next)
      case .assert(let assertion):
        guard holds(assertion, position) else { continue }
        next.place += 1
        waiting.append(next)
      case .character, .set, .any, .match: list.append(next)
      }
    }
  }

  private func holds(_ assertion: Pattern.Assertion, _ position: Int) -> Bool {
    switch assertion {
    case .start: position == 0
    case .end: position == text.count
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
