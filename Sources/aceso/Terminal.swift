import Glibc

/// The standard streams, written without a buffer in between.
enum Terminal {
  /// For results.
  static func output(_ line: String) { write(line + "\n", to: 1) }

  /// For what accompanies them.
  static func note(_ line: String) { write(line + "\n", to: 2) }

  /// Whether somebody watches standard error.
  static var isWatched: Bool { isatty(2) == 1 }

  static func write(_ text: String, to descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }
}

/// Tells on standard error how far a long piece of work is: a bar for a person, a line per tenth for a file.
struct Progress {
  private static let width = 30

  private let title: String
  private let total: Int
  private let unit: String
  private var lastTenth = 0

  init(_ title: String, total: Int, unit: String) {
    self.title = title
    self.total = max(1, total)
    self.unit = unit
    show(0, detail: "")
  }

  mutating func update(_ done: Int, detail: String) {
    let tenth = done * 10 / total
    guard Terminal.isWatched || tenth > lastTenth else { return }
    lastTenth = tenth
    show(done, detail: detail)
    if done == total, Terminal.isWatched { Terminal.write("\n", to: 2) }
  }

  private func show(_ done: Int, detail: String) {
    guard Terminal.isWatched else {
      if done > 0 { Terminal.note("\(title): \(done) of \(total) \(unit)\(detail)") }
      return
    }
    let filled = done * Self.width / total
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: Self.width - filled)
    // Back to the line's start, and clear to its end.
    Terminal.write("\r\u{1B}[K\(title) \(bar) \(done)/\(total) \(unit)\(detail)", to: 2)
  }
}
