import Identity
import JSONCore

/// What an app is told of where it was launched (SMART App Launch 2.2, §3): members of the token response beside the
/// token.
struct LaunchContext: Sendable, Equatable {
  /// The logical id of a Patient.
  var patient: String?
  /// The logical id of an Encounter.
  var encounter: String?
  /// Further resources: a JSON array as it was checked.
  var fhirContext: String?
  var needsPatientBanner: Bool?
  var intent: String?
  var styleAddress: String?
  var tenant: String?

  static let referencesMax = 50
  static let textBytesMax = 2048

  init(patient: String? = nil) { self.patient = patient }

  /// Reads an EHR's wish.
  /// - Throws: what is wrong, for the caller.
  init(_ json: JSONValue) throws(OAuthError) {
    func text(_ name: JSONKey) throws(OAuthError) -> String? {
      guard let value = json[name], value.kind != .null else { return nil }
      guard let text = value.string, (1...Self.textBytesMax).contains(text.utf8.count) else {
        throw OAuthError(.invalidRequest, "The member \(name.name) is no text.")
      }
      return text
    }
    patient = try text("patient")
    encounter = try text("encounter")
    for (type, id) in [("Patient", patient), ("Encounter", encounter)] {
      guard let id else { continue }
      guard FHIRUser("\(type)/\(id)") != nil else {
        throw OAuthError(.invalidRequest, "The member \(type.lowercased()) is no logical id.")
      }
    }
    intent = try text("intent")
    styleAddress = try text("smart_style_url")
    if let styleAddress, !OpenIDConfiguration.isFetchable(styleAddress, allowsLoopback: true) {
      throw OAuthError(.invalidRequest, "The member smart_style_url is no https address.")
    }
    tenant = try text("tenant")
    if let banner = json["need_patient_banner"] {
      guard let flag = banner.bool else {
        throw OAuthError(.invalidRequest, "The member need_patient_banner is neither true nor false.")
      }
      needsPatientBanner = flag
    }
    if let list = json["fhirContext"] { fhirContext = try Self.checked(list) }
  }

  /// SMART App Launch 2.2 §3.0.2: objects with a `reference`, a `canonical` or an `identifier`; a `role` is an absolute
  /// URI, and `launch` if absent.
  private static func checked(_ list: JSONValue) throws(OAuthError) -> String {
    guard list.kind == .array, list.count <= referencesMax else {
      throw OAuthError(.invalidRequest, "The member fhirContext is no array of at most \(referencesMax) objects.")
    }
    for entry in list.elements {
      guard entry.kind == .object, ["reference", "canonical", "identifier"].contains(where: { entry[$0] != nil }) else {
        throw OAuthError(
          .invalidRequest, "An entry of fhirContext is no object with a reference, canonical or identifier.")
      }
      for name in ["reference", "canonical", "type", "role"] as [JSONKey] {
        guard let value = entry[name] else { continue }
        guard let text = value.string, (1...textBytesMax).contains(text.utf8.count) else {
          throw OAuthError(.invalidRequest, "An entry of fhirContext has a member \(name.name) that is no text.")
        }
      }
      if let reference = entry["reference"]?.string, FHIRUser(reference) == nil {
        throw OAuthError(.invalidRequest, "An entry of fhirContext has a reference to no resource.")
      }
    }
    guard list.json.count <= 32 * 1024 else { throw OAuthError(.invalidRequest, "The member fhirContext is too long.") }
    return String(decoding: list.json, as: UTF8.self)
  }

  /// Reads what was stored.
  init(stored: String) {
    guard let json = try? JSONDocument(stored).value else { return }
    patient = json["patient"]?.string
    encounter = json["encounter"]?.string
    fhirContext = json["fhirContext"].map { String(decoding: $0.json, as: UTF8.self) }
    needsPatientBanner = json["need_patient_banner"]?.bool
    intent = json["intent"]?.string
    styleAddress = json["smart_style_url"]?.string
    tenant = json["tenant"]?.string
  }

  /// As it is stored.
  var json: String {
    var writer = JSONWriter()
    writer.beginObject()
    write(to: &writer)
    writer.endObject()
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  /// Writes the members into an object.
  func write(to writer: inout JSONWriter) {
    if let patient { writer.member("patient", patient) }
    if let encounter { writer.member("encounter", encounter) }
    if let fhirContext {
      writer.key("fhirContext")
      writer.raw(fhirContext.utf8)
    }
    if let needsPatientBanner { writer.member("need_patient_banner", needsPatientBanner) }
    if let intent { writer.member("intent", intent) }
    if let styleAddress { writer.member("smart_style_url", styleAddress) }
    if let tenant { writer.member("tenant", tenant) }
  }
}
