/// The figures of the DICOM services side by side.
struct DICOMTable {
  private static let begin = "<!-- dicom-bench: begin -->"
  private static let end = "<!-- dicom-bench: end -->"

  private struct Row {
    let name: String
    let goal: String
    /// Instances of a request, where these are counted.
    let instances: Int
    var figures: [String: TransferFigure] = [:]
  }

  private var rows: [Row] = []
  private var services: [String] = []
  private var notes: [String] = []
  private(set) var refusals: [String] = []

  mutating func note(_ text: String) {
    notes.append(text)
    Report.say(text)
  }

  /// - Parameter instances: that a request stores or fetches, if that is what shall be counted.
  mutating func add(
    _ name: String, _ figure: TransferFigure, of service: String, instances: Int = 1, goal: String = ""
  ) {
    if !services.contains(service) { services.append(service) }
    if let place = rows.firstIndex(where: { $0.name == name }) {
      rows[place].figures[service] = figure
    } else {
      rows.append(Row(name: name, goal: goal, instances: instances, figures: [service: figure]))
    }
    let measurement = figure.measurement
    Report.say(
      "  \(service.padded(to: 8)) \(name.padded(to: 44)) \((measurement.perSecond * Double(instances)).text(0))/s  "
        + "p50 \(measurement.percentile(0.5).text(2)) ms  p99 \(measurement.percentile(0.99).text(2)) ms  "
        + "\(figure.megabytesPerSecond.text(0)) MB/s  CPU \((figure.cost / Double(instances)).text(2)) ms")
    if measurement.refused > 0 {
      refusals.append(
        "\(service), \(name): \(measurement.refused) of \(measurement.count) refused, first: "
          + measurement.firstRefusal)
    }
  }

  var markdown: String {
    var text = "| what | goal "
    for service in services { text += "| \(service): /s | p50 ms | p99 ms | MB/s | CPU ms " }
    text += "|\n|---|---" + services.map { _ in "|---:|---:|---:|---:|---:" }.joined() + "|\n"
    for row in rows {
      text += "| \(row.name) | \(row.goal) "
      for service in services { text += "| \(cells(row, service).joined(separator: " | ")) " }
      text += "|\n"
    }
    return text
  }

  private func cells(_ row: Row, _ service: String) -> [String] {
    guard let figure = row.figures[service] else { return ["", "", "", "", ""] }
    let measurement = figure.measurement
    if measurement.refused > 0 { return ["refused", "", "", "", ""] }
    return [
      (measurement.perSecond * Double(row.instances)).text(0), measurement.percentile(0.5).text(2),
      measurement.percentile(0.99).text(2), figure.megabytesPerSecond.text(0),
      (figure.cost / Double(row.instances)).text(2),
    ]
  }

  /// Puts the table into the document in the place of the last one.
  func record(in path: String, about machine: String) -> Bool {
    let text = "\n\(machine)\n\n" + notes.map { "- \($0)\n" }.joined() + "\n\(markdown)"
    return SmallFile.replace(between: Self.begin, and: Self.end, with: text, in: path)
  }
}
