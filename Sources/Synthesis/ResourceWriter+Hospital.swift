import JSONCore

/// Identifier systems of the invented world; `.example` is reserved (RFC 2606).
enum IdentifierSystem {
  static let organization = "https://synthesis.example/identifier/organization"
  static let location = "https://synthesis.example/identifier/location"
  static let practitioner = "https://synthesis.example/identifier/practitioner"
  static let medicalRecord = "https://synthesis.example/identifier/medical-record"
  static let member = "https://synthesis.example/identifier/member"
  static let accession = "https://synthesis.example/identifier/accession"
  static let visit = "https://synthesis.example/identifier/visit"
}

extension ResourceWriter {
  mutating func write(_ hospital: Hospital) {
    let value = "H\(hospital.number)"
    begin(hospital.organization)
    identifier(system: IdentifierSystem.organization, value: value)
    json.member("active", true)
    raw(
      "type",
      #"[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/organization-type","code":"prov","display":"Healthcare Provider"}]}]"#
    )
    json.member("name", hospital.name)
    raw("telecom", #"[{"system":"phone","value":"(555) 555-0100","use":"work"}]"#)
    json.key("address")
    json.beginArray()
    address(of: hospital)
    json.endArray()
    end(hospital.organization, unlessExists: (IdentifierSystem.organization, value))

    begin(hospital.location)
    identifier(system: IdentifierSystem.location, value: value)
    raw("status", #""active""#)
    json.member("name", "\(hospital.name), main building")
    raw("mode", #""instance""#)
    json.key("address")
    address(of: hospital)
    json.key("position")
    json.beginObject()
    decimal("longitude", hospital.longitude)
    decimal("latitude", hospital.latitude)
    json.endObject()
    reference("managingOrganization", hospital.organization)
    end(hospital.location, unlessExists: (IdentifierSystem.location, value))
  }

  private mutating func address(of hospital: Hospital) {
    json.beginObject()
    raw("use", #""work""#)
    json.key("line")
    json.beginArray()
    json.string(hospital.street)
    json.endArray()
    json.member("city", hospital.city)
    json.member("state", hospital.state)
    json.member("postalCode", hospital.postalCode)
    raw("country", #""US""#)
    json.endObject()
  }

  mutating func write(_ practitioner: Hospital.Practitioner) {
    let value = "P\(practitioner.number)"
    begin(practitioner.identity)
    identifier(system: IdentifierSystem.practitioner, value: value)
    json.member("active", true)
    json.key("name")
    json.beginArray()
    json.beginObject()
    raw("use", #""official""#)
    json.member("family", practitioner.family)
    json.key("given")
    json.beginArray()
    json.string(practitioner.given)
    json.endArray()
    raw("prefix", #"["Dr."]"#)
    json.endObject()
    json.endArray()
    raw("gender", practitioner.isFemale ? #""female""# : #""male""#)
    end(practitioner.identity, unlessExists: (IdentifierSystem.practitioner, value))
  }

  mutating func write(_ insurer: Insurer) {
    let value = "I\(insurer.number)"
    begin(insurer.identity)
    identifier(system: IdentifierSystem.organization, value: value)
    json.member("active", true)
    raw(
      "type",
      #"[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/organization-type","code":"ins","display":"Insurance Company"}]}]"#
    )
    json.member("name", insurer.name)
    end(insurer.identity, unlessExists: (IdentifierSystem.organization, value))
  }
}
