/// One line of a Prometheus exposition, and what stands above it (Prometheus text format 0.0.4).
public struct MetricSample: Sendable {
  public enum Kind: String, Sendable { case counter, gauge, histogram }

  let name: String
  let suffix: String
  let kind: Kind
  let help: String
  let value: Double
  var labels: [(name: String, value: String)]

  /// - Parameters:
  ///   - name: letters, digits and underscores; units last, counters end in `_total`.
  ///   - help: one line, the same for every sample of a name.
  public init(
    _ name: String, _ kind: Kind, _ help: String, _ value: Double, _ labels: [(name: String, value: String)] = [],
    suffix: String = ""
  ) {
    self.name = name
    self.suffix = suffix
    self.kind = kind
    self.help = help
    self.value = value
    self.labels = labels
  }

  /// Writes samples, those of one name together whatever their order.
  static func text(_ samples: [MetricSample]) -> String {
    var names: [String] = []
    var byName: [String: [MetricSample]] = [:]
    for sample in samples {
      if byName[sample.name] == nil { names.append(sample.name) }
      byName[sample.name, default: []].append(sample)
    }
    var text = ""
    for name in names {
      guard let group = byName[name], let first = group.first else { continue }
      text += "# HELP \(name) \(first.help)\n# TYPE \(name) \(first.kind.rawValue)\n"
      for sample in group { text += sample.line }
    }
    return text
  }

  private var line: String {
    let list = labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
    let number = value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : "\(value)"
    return "\(name)\(suffix)\(list.isEmpty ? "" : "{\(list)}") \(number)\n"
  }

  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\"": result += "\\\""
      case "\n": result += "\\n"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
