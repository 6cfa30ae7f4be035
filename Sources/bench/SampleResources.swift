import JSONCore
import Synthesis

/// What the bench sends: synthetic patients as transaction bundles, and one sample of each type of the CRUD mix.
struct SampleResources {
  static let seed: UInt64 = 1

  let bundles: [[UInt8]]
  /// Entries of all bundles.
  let resourceCount: Int

  init(patients: Int) throws {
    let synthesis = PatientSynthesis(seed: Self.seed)
    bundles = (0..<patients).map { synthesis.bundle(patient: $0) }
    resourceCount = try bundles.reduce(0) { count, bundle in
      let document = try JSONDocument(bundle)
      return count + (document.member(document.root, "entry").map { document.count($0) } ?? 0)
    }
  }

  /// The nine types of the public comparison, as bodies without an id.
  static func ofEachType() -> [(type: String, json: [UInt8])] {
    let types = [
      "Patient", "Location", "Organization", "Practitioner", "Encounter", "Observation", "MedicationRequest", "Claim",
    ]
    var found: [String: [UInt8]] = [:]
    let synthesis = PatientSynthesis(seed: seed)
    func take(_ type: String, _ json: ArraySlice<UInt8>) {
      guard found[type] == nil, types.contains(type), let body = withoutID(Array(json)) else { return }
      found[type] = body
    }
    synthesis.eachSharedResource(take)
    for patient in 0..<20 where found.count < types.count { synthesis.eachResource(ofPatient: patient, take) }
    return types.compactMap { type in found[type].map { (type, $0) } } + [
      ("ExplanationOfBenefit", explanationOfBenefit)
    ]
  }

  private static func withoutID(_ json: [UInt8]) -> [UInt8]? {
    guard let document = try? JSONDocument(json) else { return nil }
    var writer = JSONWriter(reserving: json.count)
    writer.beginObject()
    for (key, value) in document.members(document.root) where !document.keyEquals(key, "id") {
      writer.key(document.string(key) ?? "")
      writer.raw(json[document.range(value)])
    }
    writer.endObject()
    return writer.bytes
  }

  static let explanationOfBenefit = Array(
    """
    {"resourceType":"ExplanationOfBenefit","status":"active","type":{"coding":[{"system":\
    "http://terminology.hl7.org/CodeSystem/claim-type","code":"professional"}]},"use":"claim","patient":{"reference":\
    "Patient/bench"},"billablePeriod":{"start":"2025-03-01T09:00:00Z","end":"2025-03-01T09:30:00Z"},"created":\
    "2025-03-02","insurer":{"reference":"Organization/bench"},"provider":{"reference":"Practitioner/bench"},\
    "outcome":"complete","insurance":[{"focal":true,"coverage":{"reference":"Coverage/bench"}}],"item":[{"sequence":1,\
    "productOrService":{"coding":[{"system":"http://snomed.info/sct","code":"185349003"}]},"net":{"value":125.00,\
    "currency":"USD"}}],"total":[{"category":{"coding":[{"system":\
    "http://terminology.hl7.org/CodeSystem/adjudication","code":"submitted"}]},"amount":{"value":125.00,"currency":\
    "USD"}}],"payment":{"amount":{"value":100.00,"currency":"USD"}}}
    """.utf8)
}
