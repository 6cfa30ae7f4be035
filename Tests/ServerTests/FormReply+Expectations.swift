import JSONCore
import Testing

/// What the standard says of whole classes of answers, looked for in one place.
extension FormReply {
  /// An error's OperationOutcome (FHIR R4 operationoutcome.html; clients of Microsoft's server read the message from
  /// `issue[0].diagnostics`).
  @discardableResult
  func expectOutcome(
    _ status: Int, code: String? = nil, diagnostics: String? = nil, contains part: String? = nil,
    issues count: Int? = nil, _ what: String = "", at place: SourceLocation = #_sourceLocation
  ) throws -> Element {
    #expect(self.status == status, "\(what) \(text.prefix(600))", sourceLocation: place)
    try #require(!text.isEmpty, "\(what): no body", sourceLocation: place)
    let outcome = try element()
    #expect(outcome.type == "OperationOutcome", "\(what) \(text.prefix(600))", sourceLocation: place)
    #expect(outcome.text("id")?.isEmpty == false, sourceLocation: place)
    #expect(header("content-type") == form.contentType, sourceLocation: place)
    #expect(header("x-content-type-options") == "nosniff", sourceLocation: place)
    #expect(header("x-request-id")?.isEmpty == false, sourceLocation: place)
    let issues = outcome["issue"]
    #expect(!issues.isEmpty, sourceLocation: place)
    for issue in issues {
      #expect(["fatal", "error", "warning"].contains(issue.text("severity")), sourceLocation: place)
      #expect(issue.text("code")?.isEmpty == false, sourceLocation: place)
      #expect(issue.text("diagnostics")?.isEmpty == false, sourceLocation: place)
    }
    if let count { #expect(issues.count == count, "\(what) \(text)", sourceLocation: place) }
    let first = issues.first
    if let code { #expect(first?.text("code") == code, "\(what)", sourceLocation: place) }
    if let diagnostics { #expect(first?.text("diagnostics") == diagnostics, "\(what)", sourceLocation: place) }
    if let part {
      let all = issues.compactMap { $0.text("diagnostics") }
      #expect(all.contains { $0.contains(part) }, "\(what): \(all)", sourceLocation: place)
    }
    return outcome
  }

  /// The headers and metadata of an answer that holds one version of a resource (FHIR R4 http#versioning, #create).
  @discardableResult
  func expectVersion(
    _ status: Int, _ version: Int, _ what: String = "", at place: SourceLocation = #_sourceLocation
  ) throws -> Element {
    try #require(self.status == status, "\(what) \(text.prefix(600))", sourceLocation: place)
    let resource = try element()
    #expect(header("content-type") == form.contentType, "\(what)", sourceLocation: place)
    #expect(resource.text("meta.versionId") == String(version), "\(what)", sourceLocation: place)
    #expect(header("etag") == "W/\"\(version)\"", "\(what)", sourceLocation: place)
    let updated = try #require(resource.text("meta.lastUpdated"), sourceLocation: place)
    let modified = try #require(header("last-modified"), sourceLocation: place)
    #expect(modified.dropFirst(5) == HTTPDate.withoutWeekday(updated), "\(what)", sourceLocation: place)
    #expect(header("x-content-type-options") == "nosniff", sourceLocation: place)
    return resource
  }

  /// An answer with a bundle of a type.
  func expectBundle(_ type: String, at place: SourceLocation = #_sourceLocation) throws -> Element {
    try #require(status == 200, "\(text.prefix(600))", sourceLocation: place)
    let bundle = try element()
    #expect(bundle.type == "Bundle", sourceLocation: place)
    #expect(bundle.text("type") == type, sourceLocation: place)
    #expect(header("content-type") == form.contentType, sourceLocation: place)
    return bundle
  }
}

/// RFC 9110 §5.6.7, worked out anew.
enum HTTPDate {
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// "21 Nov 2026 09:30:43 GMT" of the FHIR instant "2026-11-21T09:30:43.123Z"; nil for an instant that is not in UTC.
  static func withoutWeekday(_ instant: String) -> Substring? {
    let parts = instant.split { "-T.Z+".contains($0) }
    guard parts.count >= 4, instant.hasSuffix("Z") || instant.hasSuffix("+00:00"), let month = Int(parts[1]),
      months.indices.contains(month - 1)
    else { return nil }
    return Substring("\(parts[2]) \(months[month - 1]) \(parts[0]) \(parts[3]) GMT")
  }
}

/// Resources that the tables use again and again.
enum Sample {
  static func patient(_ family: String = "Okafor", id: String? = nil, more: String = "") -> String {
    let id = id.map { #""id":"\#($0)","# } ?? ""
    return #"{"resourceType":"Patient",\#(id)"name":[{"family":"\#(family)"}]\#(more)}"#
  }

  static func identified(_ value: String, family: String = "Okafor", id: String? = nil) -> String {
    patient(family, id: id, more: #","identifier":[{"system":"urn:case","value":"\#(value)"}]"#)
  }

  static func observation(
    _ text: String = "weight", id: String? = nil, subject: String? = nil, more: String = ""
  ) -> String {
    let id = id.map { #""id":"\#($0)","# } ?? ""
    let subject = subject.map { #","subject":{"reference":"\#($0)"}"# } ?? ""
    return
      #"{"resourceType":"Observation",\#(id)"status":"final","code":{"text":"\#(text)"}\#(subject)\#(more)}"#
  }

  static func narrative(_ div: String) -> String {
    #"{"resourceType":"Basic","text":{"status":"generated","div":"\#(div)"},"code":{"text":"x"}}"#
  }

  static let provenance =
    #"{"resourceType":"Provenance","recorded":"2015-06-27T08:39:24+10:00","#
    + #""agent":[{"who":{"reference":"Practitioner/xcda-author"}}]}"#
}
