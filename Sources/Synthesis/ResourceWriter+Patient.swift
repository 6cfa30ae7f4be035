import JSONCore

extension ResourceWriter {
  mutating func writePatient(_ record: PatientRecord, seed: UInt64) {
    let person = record.person
    begin(record.patient)
    raw(
      "meta",
      #"{"tag":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"HTEST","display":"test health data"}]}"#
    )
    narrative("Synthetic patient \(person.given[0]) \(person.family)")
    raceAndEthnicity(person)
    patientIdentifiers(record, seed: seed)
    json.member("active", true)
    names(person)
    telecom(person)
    raw("gender", person.isFemale ? #""female""# : #""male""#)
    date("birthDate", day: person.birthDay)
    if person.isDeceased {
      dateTime("deceasedDateTime", person.end)
    } else if person.number % 4 == 0 {
      json.member("deceasedBoolean", false)
    }
    homeAddress(person)
    if person.age(onDay: person.end.day) >= 18 {
      concept("maritalStatus", Patients.maritalStatus[person.maritalStatus])
    }
    contact(person)
    json.key("communication")
    json.beginArray()
    json.beginObject()
    concept("language", Patients.languages[person.language])
    json.member("preferred", true)
    json.endObject()
    json.endArray()
    references("generalPractitioner", [person.hospital.practitioners[person.familyDoctor.rawValue].identity])
    reference("managingOrganization", person.hospital.organization)
    end(record.patient)
  }

  /// A generated narrative of one line; the text must have nothing to escape in XHTML.
  mutating func narrative(_ text: String) {
    json.key("text")
    json.beginObject()
    raw("status", #""generated""#)
    json.member("div", "<div xmlns=\"http://www.w3.org/1999/xhtml\">\(text)</div>")
    json.endObject()
  }

  /// The US Core extensions for race, ethnicity and birth sex.
  private mutating func raceAndEthnicity(_ person: Person) {
    json.key("extension")
    json.beginArray()
    category(
      url: "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race", Patients.races[person.race])
    category(
      url: "http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity",
      Patients.ethnicities[person.isHispanic ? 1 : 0])
    json.beginObject()
    json.member("url", "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex")
    raw("valueCode", person.isFemale ? #""F""# : #""M""#)
    json.endObject()
    json.endArray()
  }

  private mutating func category(url: String, _ concept: Concept) {
    json.beginObject()
    json.key("extension")
    json.beginArray()
    json.beginObject()
    raw("url", #""ombCategory""#)
    raw("valueCoding", concept.coding)
    json.endObject()
    json.beginObject()
    raw("url", #""text""#)
    json.member("valueString", concept.display)
    json.endObject()
    json.endArray()
    json.member("url", url)
    json.endObject()
  }

  private mutating func patientIdentifiers(_ record: PatientRecord, seed: UInt64) {
    let person = record.person
    json.key("identifier")
    json.beginArray()
    json.beginObject()
    raw("use", #""usual""#)
    concept("type", Patients.medicalRecordNumber)
    json.member("system", IdentifierSystem.medicalRecord)
    json.member("value", "\(String(RandomSource.mix(seed) >> 44, radix: 16, uppercase: true))-\(person.number)")
    reference("assigner", person.hospital.organization, display: person.hospital.name)
    json.endObject()
    json.beginObject()
    raw("use", #""secondary""#)
    concept("type", Patients.memberNumber)
    json.member("system", IdentifierSystem.member)
    json.member("value", "\(person.insurer.number)\(person.memberNumber)")
    json.endObject()
    json.endArray()
  }

  private mutating func names(_ person: Person) {
    json.key("name")
    json.beginArray()
    name(person, family: person.family, use: #""official""#)
    if let maidenName = person.maidenName { name(person, family: maidenName, use: #""maiden""#) }
    json.endArray()
  }

  private mutating func name(_ person: Person, family: String, use: StaticString) {
    json.beginObject()
    raw("use", use)
    json.member("family", family)
    json.key("given")
    json.beginArray()
    for given in person.given { json.string(given) }
    json.endArray()
    json.endObject()
  }

  private mutating func telecom(_ person: Person) {
    json.key("telecom")
    json.beginArray()
    json.beginObject()
    raw("system", #""phone""#)
    json.member("value", "(555) 555-0\(person.phone)")
    raw("use", #""home""#)
    json.endObject()
    if person.age(onDay: person.end.day) >= 16 {
      let family = person.family.filter { $0 != "'" }
      json.beginObject()
      raw("system", #""email""#)
      json.member("value", "\(person.given[0]).\(family).\(person.number)@example.org".lowercased())
      raw("use", #""home""#)
      json.endObject()
    }
    json.endArray()
  }

  private mutating func homeAddress(_ person: Person) {
    json.key("address")
    json.beginArray()
    json.beginObject()
    raw("use", #""home""#)
    json.key("line")
    json.beginArray()
    json.string(person.street)
    if let unit = person.unit { json.string("Apt \(unit)") }
    json.endArray()
    json.member("city", person.hospital.city)
    json.member("state", person.hospital.state)
    json.member("postalCode", person.postalCode)
    raw("country", #""US""#)
    json.endObject()
    json.endArray()
  }

  private mutating func contact(_ person: Person) {
    json.key("contact")
    json.beginArray()
    json.beginObject()
    concepts("relationship", Patients.emergencyContact)
    json.key("name")
    json.beginObject()
    json.member("family", person.family)
    json.key("given")
    json.beginArray()
    json.string(person.contactGiven)
    json.endArray()
    json.endObject()
    raw("gender", person.contactIsFemale ? #""female""# : #""male""#)
    json.endObject()
    json.endArray()
  }

  mutating func writeCoverage(_ record: PatientRecord) {
    let person = record.person
    begin(record.coverage)
    raw("status", #""active""#)
    concept("type", Patients.coverageType)
    json.member("subscriberId", "\(person.insurer.number)\(person.memberNumber)")
    reference("beneficiary", record.patient)
    json.key("relationship")
    raw(
      #"{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/subscriber-relationship","code":"self","display":"Self"}]}"#
    )
    references("payor", [person.insurer.identity])
    end(record.coverage)
  }
}

/// The concepts of the Patient and Coverage resources.
enum Patients {
  private static let v2Identifier = "http://terminology.hl7.org/CodeSystem/v2-0203"
  private static let marital = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
  private static let language = "urn:ietf:bcp:47"
  private static let race = "urn:oid:2.16.840.1.113883.6.238"

  static let medicalRecordNumber = Concept(v2Identifier, "MR", "Medical record number")
  static let memberNumber = Concept(v2Identifier, "MB", "Member Number")
  static let emergencyContact = Concept(
    "http://terminology.hl7.org/CodeSystem/v2-0131", "C", "Emergency Contact")
  static let coverageType = Concept(
    "http://terminology.hl7.org/CodeSystem/v3-ActCode", "EHCPOL", "extended healthcare")
  static let maritalStatus = [
    Concept(marital, "S", "Never Married"), Concept(marital, "M", "Married"), Concept(marital, "D", "Divorced"),
    Concept(marital, "W", "Widowed"),
  ]
  static let languages = [
    Concept(language, "en-US", "English (United States)"), Concept(language, "es", "Spanish"),
    Concept(language, "zh", "Chinese"), Concept(language, "fr", "French"),
  ]
  static let races = [
    Concept(race, "2106-3", "White"), Concept(race, "2054-5", "Black or African American"),
    Concept(race, "2028-9", "Asian"), Concept(race, "1002-5", "American Indian or Alaska Native"),
    Concept(race, "2076-8", "Native Hawaiian or Other Pacific Islander"),
  ]
  static let ethnicities = [
    Concept(race, "2186-5", "Not Hispanic or Latino"), Concept(race, "2135-2", "Hispanic or Latino"),
  ]
}
