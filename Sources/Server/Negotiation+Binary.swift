import Base

extension Negotiation {
  /// The form in which a Binary is answered, nil for its content in its own type.
  ///
  /// The standard gives the resource to those who name a FHIR type (FHIR R4 binary.html#rest); here also to those who
  /// name JSON's or XML's general type, unless that is the content's own. Browsers list XML for pages they can show,
  /// beside a range of everything, and mean the content.
  /// - Parameter contentType: the content's type, in lower case and without parameters.
  /// - Throws: `.notAcceptable` for a FHIR form or release that there is not.
  static func binaryFormat(accept: String?, contentType: String, release: String) throws(Fault) -> Format? {
    guard let accept, accept != "*/*" else { return nil }
    if accept == "application/fhir+json" { return .fhirJSON }
    var fhir: (format: Format, quality: Double)?
    var json: Format?
    var xml: Format?
    var contentQuality = 0.0
    var takesAnything = false
    var asksForFHIR = false
    for piece in accept.split(separator: ",") {
      let range = MediaType(piece)
      guard range.quality > 0 else { continue }
      let format = ranged(range, release)
      switch range.name {
      case let name where name.hasPrefix("application/fhir+"):
        asksForFHIR = true
        if let format, range.quality > fhir?.quality ?? 0 { fhir = (format, range.quality) }
      case contentType: contentQuality = max(contentQuality, range.quality)
      case "application/json", "text/json": json = format
      case "application/xml", "text/xml": xml = format
      case "*/*", "*": takesAnything = true
      case let name where name.hasSuffix("/*") && contentType.hasPrefix(name.dropLast()): takesAnything = true
      default: continue
      }
    }
    if let fhir { return fhir.quality >= contentQuality ? fhir.format : nil }
    if contentQuality > 0 { return nil }
    if asksForFHIR && !takesAnything && json == nil && xml == nil { throw unsupportedAccept }
    return json ?? (takesAnything ? nil : xml)
  }
}
