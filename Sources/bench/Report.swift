import Base
import Glibc

/// The table of one run: printed, and kept in a document between two marks.
struct Report {
  private struct Row {
    let name: String
    let value: String
    let detail: String
    let limit: String
  }

  private static let begin = "<!-- bench: begin -->"
  private static let end = "<!-- bench: end -->"
  private static let history = "<!-- bench: history -->"

  /// Prints at once, also through a pipe.
  static func say(_ line: String) {
    print(line)
    fflush(nil)
  }

  private var rows: [Row] = []
  /// One line of the history: columns in the order of the document's header.
  var summary: [String] = []
  private(set) var refusals: [String] = []

  mutating func add(_ name: String, _ value: String, _ detail: String = "", limit: String = "") {
    rows.append(Row(name: name, value: value, detail: detail, limit: limit))
    Self.say("  \(name.padded(to: 46)) \(value.padded(to: 18)) \(detail)\(limit.isEmpty ? "" : "  [\(limit)]")")
  }

  /// A closed loop's row: requests per second, percentiles, and what one request costs the server.
  mutating func add(_ name: String, _ measurement: Measurement, limit: String = "") {
    let detail =
      "p50 \(measurement.percentile(0.5).text(2)) ms, p99 \(measurement.percentile(0.99).text(2)) ms, "
      + "server \(measurement.serverMicrosecondsEach.text(0)) µs CPU each = \(measurement.perServerCore.text(0))/s per core"
    add(name, "\(measurement.perSecond.text(0)) req/s", detail, limit: limit)
    note(name, measurement)
  }

  mutating func note(_ name: String, _ measurement: Measurement) {
    guard measurement.refused > 0 else { return }
    refusals.append(
      "\(name): \(measurement.refused) of \(measurement.count) refused, first: \(measurement.firstRefusal)")
  }

  private var markdown: String {
    var text = "| what | figure | detail | raw limit, ratio |\n|---|---:|---|---|\n"
    for row in rows { text += "| \(row.name) | \(row.value) | \(row.detail) | \(row.limit) |\n" }
    return text
  }

  /// Puts the table into the document in the place of the last one, and adds a line to the history.
  func record(in path: String, about machine: String) -> Bool {
    let text = SmallFile.text(path)
    guard let before = text.range(of: Self.begin), let after = text.range(of: Self.end),
      let history = text.range(of: Self.history)
    else { return false }
    let line = "| " + summary.joined(separator: " | ") + " |\n"
    let whole =
      text[..<before.upperBound] + "\n\(machine)\n\n\(markdown)" + text[after.lowerBound..<history.lowerBound]
      + line + text[history.lowerBound...]
    return SmallFile.write(path, Array(String(whole).utf8))
  }
}

extension SmallFile {
  /// Puts `text` into a document in the place of what stands between two marks; false if the marks are not there.
  static func replace(between begin: String, and end: String, with text: String, in path: String) -> Bool {
    let old = Self.text(path)
    guard let before = old.range(of: begin), let after = old.range(of: end), before.upperBound <= after.lowerBound
    else { return false }
    return write(path, Array((old[..<before.upperBound] + text + old[after.lowerBound...]).utf8))
  }
}

extension String {
  /// Where `text` first occurs.
  func range(of text: String) -> Range<Index>? {
    var index = startIndex
    while index < endIndex {
      if self[index...].hasPrefix(text) { return index..<self.index(index, offsetBy: text.count) }
      index = self.index(after: index)
    }
    return nil
  }

  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

extension Double {
  /// With so many digits after the point, and commas between thousands.
  func text(_ digits: Int) -> String {
    let scale = (0..<digits).reduce(1.0) { scale, _ in scale * 10 }
    let scaled = (self * scale).rounded()
    guard abs(scaled) < 1e15 else { return "\(self)" }
    let whole = Int(scaled) / Int(scale)
    var grouped = ""
    for (place, digit) in String(whole).reversed().enumerated() {
      if place > 0, place % 3 == 0 { grouped.append(",") }
      grouped.append(digit)
    }
    let fraction = String(Int(scaled) % Int(scale))
    let rest = digits == 0 ? "" : "." + String(repeating: "0", count: max(0, digits - fraction.count)) + fraction
    return String(grouped.reversed()) + rest
  }
}
