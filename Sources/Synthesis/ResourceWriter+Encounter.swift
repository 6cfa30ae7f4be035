import JSONCore

extension ResourceWriter {
  /// The members every clinical resource has: whose it is and in which visit.
  mutating func subject(_ record: PatientRecord, encounter place: Int, key: StaticString = "subject") {
    reference(key, record.patient)
    reference("encounter", record.encounters[place].identity)
  }

  mutating func writeEncounter(_ place: Int, of record: PatientRecord) {
    let encounter = record.encounters[place]
    let hospital = record.person.hospital
    let row = VisitKind.table[encounter.kind]
    begin(encounter.identity)
    raw("status", #""finished""#)
    raw("class", row.actCode.coding)
    concepts("type", row.concept)
    reference("subject", record.patient, display: "\(record.person.given[0]) \(record.person.family)")
    participant(hospital.practitioners[encounter.part.rawValue])
    period("period", encounter.start, encounter.end)
    if let reason = encounter.reason { concepts("reasonCode", Problem.table[reason].concept) }
    if !encounter.diagnoses.isEmpty {
      json.key("diagnosis")
      json.beginArray()
      for (rank, condition) in encounter.diagnoses.enumerated() {
        json.beginObject()
        reference("condition", record.conditions[condition].identity)
        json.member("rank", rank + 1)
        json.endObject()
      }
      json.endArray()
    }
    if encounter.kind == .inpatient { discharge(isLast: encounter.isLast) }
    json.key("location")
    json.beginArray()
    json.beginObject()
    reference("location", hospital.location)
    json.endObject()
    json.endArray()
    reference("serviceProvider", hospital.organization, display: hospital.name)
    end(encounter.identity)
  }

  private mutating func participant(_ practitioner: Hospital.Practitioner) {
    json.key("participant")
    json.beginArray()
    json.beginObject()
    json.key("type")
    raw(
      #"[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"PPRF","display":"primary performer"}]}]"#
    )
    reference("individual", practitioner.identity, display: practitioner.displayName)
    json.endObject()
    json.endArray()
  }

  private mutating func discharge(isLast: Bool) {
    json.key("hospitalization")
    raw(
      isLast
        ? #"{"dischargeDisposition":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/discharge-disposition","code":"exp","display":"Expired"}]}}"#
        : #"{"dischargeDisposition":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/discharge-disposition","code":"home","display":"Home"}]}}"#
    )
  }

  mutating func write(_ document: PatientRecord.DocumentReference, of record: PatientRecord) {
    let encounter = record.encounters[document.encounter]
    let hospital = record.person.hospital
    begin(document.identity)
    raw("status", #""current""#)
    concept("type", Self.dischargeSummary)
    json.key("category")
    raw(
      #"[{"coding":[{"system":"http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category","code":"clinical-note","display":"Clinical Note"}]}]"#
    )
    reference("subject", record.patient)
    dateTime("date", document.date)
    references("author", [hospital.practitioners[encounter.part.rawValue].identity])
    reference("custodian", hospital.organization)
    json.key("content")
    json.beginArray()
    json.beginObject()
    json.key("attachment")
    json.beginObject()
    raw("contentType", #""text/plain; charset=utf-8""#)
    raw("language", #""en-US""#)
    json.key("data")
    json.string(utf8: Base64.encode(document.text.utf8))
    json.member("size", document.text.utf8.count)
    raw("title", #""Discharge summary""#)
    dateTime("creation", document.date)
    json.endObject()
    json.endObject()
    json.endArray()
    json.key("context")
    json.beginObject()
    references("encounter", [encounter.identity])
    period("period", encounter.start, encounter.end)
    json.endObject()
    end(document.identity)
  }

  private static let dischargeSummary = Concept(CodeSystem.loinc, "18842-5", "Discharge summary")
}

/// Base 64 (RFC 4648 §4) for attachments.
enum Base64 {
  private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  static func encode(_ bytes: some Collection<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity((bytes.count + 2) / 3 * 4)
    var word = 0
    var count = 0
    for byte in bytes {
      word = word << 8 | Int(byte)
      count += 1
      guard count == 3 else { continue }
      for shift in [18, 12, 6, 0] { result.append(digits[word >> shift & 63]) }
      word = 0
      count = 0
    }
    guard count > 0 else { return result }
    word <<= 8 * (3 - count)
    for place in 0...count { result.append(digits[word >> (18 - 6 * place) & 63]) }
    for _ in count..<3 { result.append(UInt8(ascii: "=")) }
    return result
  }
}
