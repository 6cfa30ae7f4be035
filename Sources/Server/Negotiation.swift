import Base

/// The form of an answer.
enum Format: Sendable {
  case fhirJSON
  /// The same bytes under JSON's general name, for clients that ask for it.
  case json
  case fhirXML
  /// XML under its general name.
  case xml

  var isXML: Bool { self == .fhirXML || self == .xml }

  /// The header value.
  var contentType: String {
    switch self {
    case .fhirJSON: "application/fhir+json; charset=utf-8"
    case .json: "application/json; charset=utf-8"
    case .fhirXML: "application/fhir+xml; charset=utf-8"
    case .xml: "application/xml; charset=utf-8"
    }
  }
}

/// Which forms a request may come in and be answered in (FHIR R4 http#mime-type).
enum Negotiation {
  /// The form to answer in. `_format` stands above `Accept` (FHIR R4 http#parameters).
  /// - Throws: `.notAcceptable` if there is none.
  static func format(accept: String?, format: String?, release: String) throws(Fault) -> Format {
    if let format { return try named(format) }
    guard let accept, accept != "*/*" else { return .fhirJSON }
    if accept == "application/fhir+json" { return .fhirJSON }
    var best: (format: Format, quality: Double)?
    for piece in accept.split(separator: ",") {
      let range = MediaType(piece)
      guard range.quality > 0, let format = ranged(range, release), range.quality > best?.quality ?? 0 else { continue }
      best = (format, range.quality)
    }
    guard let best else { throw unsupportedAccept }
    return best.format
  }

  static var unsupportedAccept: Fault {
    Fault(
      .notAcceptable,
      "None of the media types in the Accept header is supported; application/fhir+json and application/fhir+xml are.")
  }

  private static func named(_ text: String) throws(Fault) -> Format {
    // A plus that a client did not encode arrives as a space.
    let name = MediaType(text).name
    switch name {
    case "json", "application/fhir+json", "application/fhir json": return .fhirJSON
    case "application/json", "text/json": return .json
    case "xml", "application/fhir+xml", "application/fhir xml": return .fhirXML
    case "application/xml", "text/xml": return .xml
    default: throw Fault(.notAcceptable, "The requested format in '_format' is not supported; json and xml are.")
    }
  }

  static func ranged(_ range: MediaType, _ release: String) -> Format? {
    switch range.name {
    case "application/fhir+json": isOurs(range, release) ? .fhirJSON : nil
    case "application/json", "text/json": .json
    case "application/fhir+xml": isOurs(range, release) ? .fhirXML : nil
    case "application/xml", "text/xml": .xml
    case "*/*", "application/*", "*": .fhirJSON
    default: nil
    }
  }

  /// The forms a body may come in.
  enum BodyForm { case json, xml }

  static let bodyForms: [String: BodyForm] = [
    "application/fhir+json": .json, "application/json": .json, "text/json": .json, "application/fhir+xml": .xml,
    "application/xml": .xml, "text/xml": .xml,
  ]

  /// The form that a body says it has. A missing type is refused as well: guessing would let a web page of another
  /// origin post without being asked for leave (Fetch standard, "CORS-safelisted request-header").
  static func bodyForm(_ contentType: String?, isPatch: Bool, release: String) throws(Fault) -> BodyForm {
    if contentType == "application/fhir+json" { return .json }
    guard let contentType else {
      throw Fault(
        .unsupportedMediaType,
        "The Content-Type header is missing; application/fhir+json and application/fhir+xml are supported.")
    }
    let type = MediaType(contentType)
    if isPatch && type.name == "application/json-patch+json" { return .json }
    guard let form = bodyForms[type.name] else {
      throw Fault(
        .unsupportedMediaType,
        "The Content-Type header names no supported media type; application/fhir+json and application/fhir+xml are.")
    }
    guard isOurs(type, release) else {
      throw Fault(
        .unsupportedMediaType, "The fhirVersion of the Content-Type header is not supported; \(release) is.")
    }
    // An XML body says its encoding itself; JSON is UTF-8 (FHIR R4 json.html).
    if form == .json { try checkCharset(type) }
    return form
  }

  /// Refuses a body of a search by POST that is no form (FHIR R4 http#search).
  static func checkForm(_ contentType: String?) throws(Fault) {
    let type = MediaType(contentType ?? "")
    guard type.name == "application/x-www-form-urlencoded" else {
      throw Fault(
        .unsupportedMediaType, "A search by POST takes its parameters as application/x-www-form-urlencoded.")
    }
    try checkCharset(type)
  }

  /// The `fhirVersion` parameter names the service's release or nothing (FHIR R4 http#version-parameter).
  private static func isOurs(_ type: MediaType, _ release: String) -> Bool {
    type["fhirversion"].map { $0 == release || $0.hasPrefix(release + ".") } ?? true
  }

  private static func checkCharset(_ type: MediaType) throws(Fault) {
    // FHIR R4 json.html: the encoding shall be UTF-8.
    guard let charset = type["charset"]?.lowercased(), charset != "utf-8", charset != "utf8" else { return }
    throw Fault(.unsupportedMediaType, "The character encoding of the body must be UTF-8.")
  }
}
