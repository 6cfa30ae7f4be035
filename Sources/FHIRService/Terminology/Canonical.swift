/// A canonical URL with the version it names, if any (FHIR R4 references.html#canonical).
struct Canonical: Hashable {
  let url: String
  let version: String?

  init(_ url: String, version: String?) {
    self.url = url
    self.version = version
  }

  /// `url|version`
  init(_ text: String) {
    let parts = text.split(separator: "|", maxSplits: 1)
    url = parts.first.map(String.init) ?? ""
    version = parts.count == 2 ? String(parts[1]) : nil
  }

  /// For messages; a stranger's text of any length is not sent back whole.
  var excerpt: String {
    let text = version.map { "\(url)|\($0)" } ?? url
    return text.unicodeScalars.count > 200 ? String(text.unicodeScalars.prefix(200)) + "…" : text
  }

  /// Whether a business version comes before another: parts that are numbers compare as numbers.
  static func isEarlier(_ one: String, _ other: String) -> Bool {
    let left = one.split { $0 == "." || $0 == "-" }
    let right = other.split { $0 == "." || $0 == "-" }
    for (a, b) in zip(left, right) where a != b {
      if let a = Int(a), let b = Int(b) { return a < b }
      return a < b
    }
    return left.count < right.count
  }
}
