/// A media type or range with its parameters (RFC 9110 §8.3.1, §12.5.1), names in lower case.
struct MediaType {
  let name: String
  let parameters: [(name: String, value: String)]

  init(_ text: some StringProtocol) {
    let parts = text.split(separator: ";", omittingEmptySubsequences: false)
    name = Self.trimmed(parts.first ?? "").lowercased()
    parameters = parts.dropFirst().compactMap { part in
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2 else { return nil }
      return (Self.trimmed(pair[0]).lowercased(), Self.trimmed(pair[1]))
    }
  }

  subscript(_ parameter: String) -> String? { parameters.first { $0.name == parameter }?.value }

  /// How much a range is wanted, 0 to 1 (RFC 9110 §12.4.2); what is no number counts as 1.
  var quality: Double { self["q"].flatMap { Double($0) }.map { min(1, max(0, $0)) } ?? 1 }

  /// Without white space and quotes around it.
  private static func trimmed(_ text: some StringProtocol) -> String {
    let isFiller: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\"" }
    var rest = Substring(text)
    while let first = rest.first, isFiller(first) { rest.removeFirst() }
    while let last = rest.last, isFiller(last) { rest.removeLast() }
    return String(rest)
  }
}
