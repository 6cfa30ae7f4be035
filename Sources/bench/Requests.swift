/// Ready-made requests to one FHIR service.
struct Requests {
  let host: String
  /// The service's path, without a slash at its end.
  let base: String

  func get(_ path: String, as accepted: String = "application/fhir+json") -> [UInt8] {
    Array("GET \(path) HTTP/1.1\r\nHost: \(host)\r\nAccept: \(accepted)\r\n\r\n".utf8)
  }

  func read(_ reference: String) -> [UInt8] { get("\(base)/\(reference)") }

  func readXML(_ reference: String) -> [UInt8] { get("\(base)/\(reference)", as: "application/fhir+xml") }

  func delete(_ reference: String) -> [UInt8] {
    Array("DELETE \(base)/\(reference) HTTP/1.1\r\nHost: \(host)\r\n\r\n".utf8)
  }

  /// `path`: below the base, or empty for the base itself.
  func send(
    _ method: String, _ path: String, _ body: [UInt8], as type: String = "application/fhir+json"
  ) -> [UInt8] {
    let target = path.isEmpty ? base : "\(base)/\(path)"
    return Array(
      """
      \(method) \(target) HTTP/1.1\r
      Host: \(host)\r
      Accept: application/fhir+json\r
      Content-Type: \(type)\r
      Content-Length: \(body.count)\r
      \r

      """.utf8) + body
  }

  /// `Type?parameters`, sent by GET while the address is short enough for most servers and proxies, otherwise as a form
  /// (FHIR R4 http#search).
  func search(_ query: String) -> [UInt8] {
    guard query.utf8.count > Self.queryBytesMax, let mark = query.firstIndex(of: "?") else {
      return get("\(base)/\(query)")
    }
    return send(
      "POST", "\(query[..<mark])/_search", Array(query[query.index(after: mark)...].utf8),
      as: "application/x-www-form-urlencoded")
  }

  private static let queryBytesMax = 16_000
}
