/// What came of one shape over one store.
struct SearchFigure {
  let measurement: Measurement
  private var pages = 0
  private var rows = 0
  private var totals: [Int] = []

  init(_ measurement: Measurement) { self.measurement = measurement }

  /// A page looked at.
  mutating func add(rows: Int, total: Int?) {
    pages += 1
    self.rows += rows
    if let total { totals.append(total) }
  }

  var p50: Double { measurement.percentile(0.5) }
  var p99: Double { measurement.percentile(0.99) }
  /// Microseconds of the server's processors for one request.
  var cost: Double { measurement.serverMicrosecondsEach }

  /// Matches in all, on average.
  var total: Double? { totals.isEmpty ? nil : Double(totals.reduce(0, +)) / Double(totals.count) }

  /// Hits counted in a second by one core.
  var hitsPerSecond: Double { (total ?? 0) * measurement.perServerCore }

  var rowsText: String {
    guard pages > 0 else { return "1" }
    let onPage = (Double(rows) / Double(pages)).text(0)
    return total.map { "\(onPage) of \($0.text(0))" } ?? onPage
  }
}

/// The figures of all shapes and sizes, side by side, and which goals they miss.
struct SearchTable {
  private static let begin = "<!-- search-bench: begin -->"
  private static let end = "<!-- search-bench: end -->"

  // The goals.
  private static let medianMillisecondsMax = 2.0
  private static let slowestMillisecondsMax = 10.0
  private static let ratioMax = 1.5
  private static let hitsPerSecondMin = 5e6

  private let sizes: [Int]
  private let machine: String
  private var notes: [String] = []
  private var shapes: [SearchShape] = []
  /// By the shape's name and the size's place.
  private var figures: [String: [Int: SearchFigure]] = [:]
  private(set) var refusals: [String] = []

  init(sizes: [Int], about machine: String) {
    self.sizes = sizes
    self.machine = machine
  }

  mutating func note(_ text: String) {
    notes.append(text)
    Report.say(text)
  }

  mutating func add(_ figure: SearchFigure, of shape: SearchShape, at size: Int) {
    if figures[shape.name] == nil { shapes.append(shape) }
    figures[shape.name, default: [:]][size] = figure
    let measurement = figure.measurement
    Report.say(
      "  \(shape.name.padded(to: 18)) p50 \(figure.p50.text(2).padded(to: 9)) p99 \(figure.p99.text(2).padded(to: 9)) "
        + "ms  CPU \(figure.cost.text(0).padded(to: 8)) µs  \(measurement.perSecond.text(0).padded(to: 7)) req/s  "
        + "\(figure.rowsText.padded(to: 14)) \(missed(shape, size).joined(separator: ", "))")
    if measurement.refused > 0 {
      refusals.append(
        "\(shape.name): \(measurement.refused) of \(measurement.count) refused, first: \(measurement.firstRefusal)")
    }
  }

  // MARK: - Goals

  /// What a shape misses at one size; ratios are to the smallest.
  private func missed(_ shape: SearchShape, _ size: Int) -> [String] {
    guard let figure = figures[shape.name]?[size] else { return [] }
    var missed: [String] = []
    func check(_ name: String, _ value: Double, atMost limit: Double, digits: Int = 1) {
      if value > limit { missed.append("\(name) \(value.text(digits)) > \(limit.text(digits))") }
    }
    switch shape.goal {
    case .selective:
      check("p50", figure.p50, atMost: Self.medianMillisecondsMax)
      check("p99", figure.p99, atMost: Self.slowestMillisecondsMax)
    case .page: break
    case .costOf(let other):
      if let other = figures[other]?[size], other.cost > 0 {
        check("CPU of first pages ×", figure.cost / other.cost, atMost: Self.ratioMax, digits: 2)
      }
    case .counting:
      if figure.hitsPerSecond < Self.hitsPerSecondMin {
        missed.append("\((figure.hitsPerSecond / 1e6).text(2)) M hits/s per core < 5")
      }
    }
    // Counting takes longer where there is more to count, and so does testing all that match.
    if shape.goal != .counting, !isOfMoreMatches(shape), let ratio = ratio(shape, \.p99), size == sizes.last {
      check("p99 ratio", ratio, atMost: Self.ratioMax, digits: 2)
    }
    if figure.measurement.refused > 0 { missed.append("\(figure.measurement.refused) refused") }
    return missed
  }

  /// Whether a selective shape finds more in the largest store, so that its times do not compare.
  private func isOfMoreMatches(_ shape: SearchShape) -> Bool {
    guard shape.goal == .selective, let first = sizes.first.flatMap({ figures[shape.name]?[$0]?.total }),
      let last = sizes.last.flatMap({ figures[shape.name]?[$0]?.total })
    else { return false }
    return last > Self.ratioMax * first
  }

  /// Of the largest store's figure to the smallest one's.
  private func ratio(_ shape: SearchShape, _ figure: (SearchFigure) -> Double) -> Double? {
    guard sizes.count > 1, let first = sizes.first.flatMap({ figures[shape.name]?[$0] }),
      let last = sizes.last.flatMap({ figures[shape.name]?[$0] }), figure(first) > 0
    else { return nil }
    return figure(last) / figure(first)
  }

  // MARK: - Text

  var markdown: String {
    let perSize = sizes.map { size in
      let name = size % 1_000_000 == 0 ? "\(size / 1_000_000) M" : "\(Double(size / 1_000).text(0)) k"
      return "| \(name): rows | p50 ms | p99 ms | CPU µs | req/s "
    }.joined()
    var text = "| search \(perSize)| p99 ratio | CPU ratio | goals missed |\n"
    text += "|---" + sizes.map { _ in "|---:|---:|---:|---:|---:" }.joined() + "|---:|---:|---|\n"
    for shape in shapes { text += row(shape) }
    return text
  }

  private func row(_ shape: SearchShape) -> String {
    var cells = ["\(shape.name): \(shape.title)"]
    for size in sizes {
      guard let figure = figures[shape.name]?[size] else {
        cells += ["", "", "", "", ""]
        continue
      }
      cells += [
        figure.rowsText, figure.p50.text(2), figure.p99.text(2), figure.cost.text(0),
        figure.measurement.perSecond.text(0),
      ]
    }
    cells.append(ratio(shape, \.p99)?.text(2) ?? "")
    cells.append(ratio(shape, \.cost)?.text(2) ?? "")
    let missed = sizes.last.map { self.missed(shape, $0) } ?? []
    let counted = shape.goal == .counting ? sizes.last.flatMap { figures[shape.name]?[$0] }.map(hits) : nil
    cells.append((missed.isEmpty ? counted.map { [$0] } ?? [] : missed).joined(separator: ", "))
    return "| " + cells.joined(separator: " | ") + " |\n"
  }

  private func hits(_ figure: SearchFigure) -> String {
    "none: \((figure.hitsPerSecond / 1e6).text(1)) M hits/s per core"
  }

  /// Puts the table into the document in the place of the last one.
  func record(in path: String) -> Bool {
    let text = "\n\(machine)\n\n" + notes.map { "- \($0)\n" }.joined() + "\n\(markdown)"
    return SmallFile.replace(between: Self.begin, and: Self.end, with: text, in: path)
  }
}
