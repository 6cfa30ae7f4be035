import Base

/// The form of an answer.
enum Format: Sendable {
  case fhirJSON
  /// The same bytes under JSON's general name, for clients that ask for it.
  case json

  /// The header value.
  var contentType: String {
    switch self {
    case .fhirJSON: "application/fhir+json; charset=utf-8"
    case .json: "application/json; charset=utf-8"
    }
  }
}

/// Which forms a request may come in and be answered in (FHIR R4 http#mime-type).
enum Negotiation {
  /// The release in the `fhirVersion` parameter (FHIR R4 http#version-parameter).
  static let fhirVersion = "4.0"

  /// The form to answer in. `_format` stands above `Accept` (FHIR R4 http#parameters).
  /// - Throws: `.notAcceptable` if there is none.
  static func format(accept: String?, format: String?) throws(Fault) -> Format {
    if let format { return try named(format) }
    guard let accept, accept != "*/*" else { return .fhirJSON }
    if accept == "application/fhir+json" { return .fhirJSON }
    var best: (format: Format, quality: Double)?
    for piece in accept.split(separator: ",") {
      let range = MediaType(piece)
      guard range.quality > 0, let format = ranged(range), range.quality > best?.quality ?? 0 else { continue }
      best = (format, range.quality)
    }
    guard let best else {
      throw Fault(
        .notAcceptable, "None of the media types in the Accept header is supported; application/fhir+json is.")
    }
    return best.format
  }

  private static func named(_ text: String) throws(Fault) -> Format {
    // A plus that a client did not encode arrives as a space.
    let name = MediaType(text).name
    switch name {
    case "json", "application/fhir+json", "application/fhir json": return .fhirJSON
    case "application/json", "text/json": return .json
    default: throw Fault(.notAcceptable, "The requested format in '_format' is not supported; json is.")
    }
  }

  private static func ranged(_ range: MediaType) -> Format? {
    switch range.name {
    case "application/fhir+json": isOurVersion(range) ? .fhirJSON : nil
    case "application/json", "text/json": .json
    case "*/*", "application/*", "*": .fhirJSON
    default: nil
    }
  }

  /// Refuses a body that does not say it is JSON. A missing type is refused as well: guessing would let a web page of
  /// another origin post without being asked for leave (Fetch standard, "CORS-safelisted request-header").
  static func checkJSON(_ contentType: String?) throws(Fault) {
    guard contentType != "application/fhir+json" else { return }
    guard let contentType else {
      throw Fault(.unsupportedMediaType, "The Content-Type header is missing; application/fhir+json is supported.")
    }
    let type = MediaType(contentType)
    guard type.name == "application/fhir+json" || type.name == "application/json" || type.name == "text/json" else {
      throw Fault(
        .unsupportedMediaType,
        "The Content-Type header names no supported media type; application/fhir+json is supported.")
    }
    guard isOurVersion(type) else {
      throw Fault(
        .unsupportedMediaType, "The fhirVersion of the Content-Type header is not supported; \(fhirVersion) is.")
    }
    try checkCharset(type)
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

  private static func isOurVersion(_ type: MediaType) -> Bool {
    type["fhirversion"].map { $0 == fhirVersion || $0.hasPrefix(fhirVersion + ".") } ?? true
  }

  private static func checkCharset(_ type: MediaType) throws(Fault) {
    // FHIR R4 json.html: the encoding shall be UTF-8.
    guard let charset = type["charset"]?.lowercased(), charset != "utf-8", charset != "utf8" else { return }
    throw Fault(.unsupportedMediaType, "The character encoding of the body must be UTF-8.")
  }
}
