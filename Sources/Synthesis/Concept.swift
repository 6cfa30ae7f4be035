import JSONCore

/// A code system named in the tables.
enum CodeSystem {
  static let snomed = "http://snomed.info/sct"
  static let loinc = "http://loinc.org"
  static let rxNorm = "http://www.nlm.nih.gov/research/umls/rxnorm"
  static let cvx = "http://hl7.org/fhir/sid/cvx"
  static let ucum = "http://unitsofmeasure.org"
}

/// A coded concept with its JSON made once, since it is written thousands of times.
struct Concept: Sendable {
  let display: String
  /// A `Coding` object.
  let coding: [UInt8]
  /// A `CodeableConcept` object with that coding and the display as text.
  let codeableConcept: [UInt8]

  init(_ system: String, _ code: some StringProtocol, _ display: some StringProtocol, text: Bool = true) {
    self.display = String(display)
    var json = JSONWriter()
    json.beginObject()
    json.member("system", system)
    json.member("code", String(code))
    json.member("display", String(display))
    json.endObject()
    coding = json.bytes
    json = JSONWriter()
    json.beginObject()
    json.key("coding")
    json.beginArray()
    json.raw(coding)
    json.endArray()
    if text { json.member("text", self.display) }
    json.endObject()
    codeableConcept = json.bytes
  }
}
