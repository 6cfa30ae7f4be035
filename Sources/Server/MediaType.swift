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

  /// Whether a browser shows it without carrying anything out, so that it needs no saving first.
  var isPassive: Bool {
    if name.hasPrefix("image/") { return name != "image/svg+xml" }
    return name.hasPrefix("audio/") || name.hasPrefix("video/") || name == "text/plain" || name == "application/pdf"
  }

  /// `type/subtype` with parameters of visible ASCII (RFC 9110 §8.3.1).
  static func isWellFormed(_ text: String) -> Bool {
    guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F || $0 == 0x09 }) else { return false }
    let names = MediaType(text).name.split(separator: "/", omittingEmptySubsequences: false)
    return names.count == 2 && names.allSatisfy { CORSConfiguration.isToken($0) && $0 != "*" }
  }

  /// Without white space and quotes around it.
  private static func trimmed(_ text: some StringProtocol) -> String {
    let isFiller: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\"" }
    var rest = Substring(text)
    while let first = rest.first, isFiller(first) { rest.removeFirst() }
    while let last = rest.last, isFiller(last) { rest.removeLast() }
    return String(rest)
  }
}
