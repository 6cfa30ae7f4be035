/// The resource types that are made here.
enum ResourceType: Int, CaseIterable, Sendable {
  case organization, location, practitioner
  case patient, coverage, encounter, condition, allergyIntolerance, careTeam, goal, carePlan
  case observation, diagnosticReport, serviceRequest, imagingStudy, procedure, immunization
  case medicationRequest, documentReference, claim, explanationOfBenefit

  /// The standard's name, "Patient".
  var name: StaticString {
    switch self {
    case .organization: "Organization"
    case .location: "Location"
    case .practitioner: "Practitioner"
    case .patient: "Patient"
    case .coverage: "Coverage"
    case .encounter: "Encounter"
    case .condition: "Condition"
    case .allergyIntolerance: "AllergyIntolerance"
    case .careTeam: "CareTeam"
    case .goal: "Goal"
    case .carePlan: "CarePlan"
    case .observation: "Observation"
    case .diagnosticReport: "DiagnosticReport"
    case .serviceRequest: "ServiceRequest"
    case .imagingStudy: "ImagingStudy"
    case .procedure: "Procedure"
    case .immunization: "Immunization"
    case .medicationRequest: "MedicationRequest"
    case .documentReference: "DocumentReference"
    case .claim: "Claim"
    case .explanationOfBenefit: "ExplanationOfBenefit"
    }
  }
}

/// A resource's type and UUID: its logical id in the NDJSON form and its `urn:uuid` in the bundle form.
struct Identity: Hashable, Sendable {
  let type: ResourceType
  let high: UInt64
  let low: UInt64

  /// The next UUID of a stream of pseudo-random numbers (RFC 9562 §5.4, version 4).
  init(_ type: ResourceType, from random: inout RandomSource) {
    self.type = type
    high = random.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
    low = random.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
  }

  /// Appends the canonical lower-case form.
  func appendUUID(to bytes: inout [UInt8]) {
    Identity.append(high, from: 60, through: 32, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    Identity.append(high, from: 28, through: 16, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    Identity.append(high, from: 12, through: 0, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    Identity.append(low, from: 60, through: 48, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    Identity.append(low, from: 44, through: 0, to: &bytes)
  }

  /// Hexadecimal digits, from one bit position down to another.
  private static func append(_ word: UInt64, from first: Int, through last: Int, to bytes: inout [UInt8]) {
    for shift in stride(from: first, through: last, by: -4) {
      let digit = UInt8(truncatingIfNeeded: word >> UInt64(shift)) & 0xF
      bytes.append(digit < 10 ? 48 + digit : 87 + digit)
    }
  }

  /// The UUID as a DICOM UID (PS3.5 B.2): `2.25.` and its decimal value.
  var dicomUID: String { "2.25.\(UInt128(high) << 64 | UInt128(low))" }
}
