import JSONCore

extension ResourceWriter {
  /// The claim for a visit: the visit itself and what was done in it.
  mutating func writeClaim(_ place: Int, of record: PatientRecord) {
    let encounter = record.encounters[place]
    begin(encounter.claim)
    raw("status", #""active""#)
    claimType(encounter)
    raw("use", #""claim""#)
    reference("patient", record.patient)
    period("billablePeriod", encounter.start, encounter.end)
    dateTime("created", encounter.end)
    reference("insurer", record.person.insurer.identity)
    reference("provider", record.person.hospital.organization)
    priority()
    if !encounter.diagnoses.isEmpty { diagnoses(encounter, of: record) }
    insurance(record, hasSequence: true)
    json.key("item")
    json.beginArray()
    for (index, charge) in charges(encounter).enumerated() {
      json.beginObject()
      json.member("sequence", index + 1)
      raw("productOrService", charge.concept)
      money("net", cents: charge.cents)
      if index == 0 { references("encounter", [encounter.identity]) }
      json.endObject()
    }
    json.endArray()
    money("total", cents: charges(encounter).reduce(0) { $0 + $1.cents })
    end(encounter.claim)
  }

  private func charges(_ encounter: PatientRecord.Encounter) -> [PatientRecord.Charge] {
    let row = VisitKind.table[encounter.kind]
    return [PatientRecord.Charge(concept: row.concept.codeableConcept, cents: row.price)] + encounter.charges
  }

  private mutating func claimType(_ encounter: PatientRecord.Encounter) {
    json.key("type")
    if encounter.kind == .inpatient || encounter.kind == .emergency {
      raw(
        #"{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/claim-type","code":"institutional","display":"Institutional"}]}"#
      )
    } else {
      raw(
        #"{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/claim-type","code":"professional","display":"Professional"}]}"#
      )
    }
  }

  private mutating func priority() {
    raw(
      "priority",
      #"{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/processpriority","code":"normal"}]}"#)
  }

  private mutating func diagnoses(_ encounter: PatientRecord.Encounter, of record: PatientRecord) {
    json.key("diagnosis")
    json.beginArray()
    for (index, condition) in encounter.diagnoses.enumerated() {
      json.beginObject()
      json.member("sequence", index + 1)
      reference("diagnosisReference", record.conditions[condition].identity)
      json.endObject()
    }
    json.endArray()
  }

  private mutating func insurance(_ record: PatientRecord, hasSequence: Bool) {
    json.key("insurance")
    json.beginArray()
    json.beginObject()
    if hasSequence { json.member("sequence", 1) }
    json.member("focal", true)
    reference("coverage", record.coverage)
    json.endObject()
    json.endArray()
  }

  /// The pharmacy's claim for an order.
  mutating func writePharmacyClaim(_ medication: PatientRecord.MedicationRequest, of record: PatientRecord) {
    let row = Drug.table[medication.drug]
    begin(medication.claim)
    raw("status", #""active""#)
    raw(
      "type",
      #"{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/claim-type","code":"pharmacy","display":"Pharmacy"}]}"#
    )
    raw("use", #""claim""#)
    reference("patient", record.patient)
    dateTime("created", medication.authored)
    reference("insurer", record.person.insurer.identity)
    reference("provider", record.person.hospital.organization)
    priority()
    reference("prescription", medication.identity)
    insurance(record, hasSequence: true)
    json.key("item")
    json.beginArray()
    json.beginObject()
    json.member("sequence", 1)
    concept("productOrService", row.concept)
    money("net", cents: row.price)
    json.endObject()
    json.endArray()
    money("total", cents: row.price)
    end(medication.claim)
  }

  /// What the insurer pays of a claim.
  mutating func writeBenefit(_ place: Int, of record: PatientRecord) {
    let encounter = record.encounters[place]
    let charges = charges(encounter)
    let submitted = charges.reduce(0) { $0 + $1.cents }
    begin(encounter.benefit)
    raw("status", #""active""#)
    claimType(encounter)
    raw("use", #""claim""#)
    reference("patient", record.patient)
    period("billablePeriod", encounter.start, encounter.end)
    let created = min(encounter.end.advanced(bySeconds: 9 * 86_400), record.person.end)
    dateTime("created", created)
    reference("insurer", record.person.insurer.identity)
    reference("provider", record.person.hospital.organization)
    reference("claim", encounter.claim)
    raw("outcome", #""complete""#)
    careTeam(record.person.hospital.practitioners[encounter.part.rawValue])
    if !encounter.diagnoses.isEmpty { diagnoses(encounter, of: record) }
    insurance(record, hasSequence: false)
    json.key("item")
    json.beginArray()
    for (index, charge) in charges.enumerated() { item(charge, sequence: index + 1, encounter) }
    json.endArray()
    totals(submitted: submitted, benefit: charges.reduce(0) { $0 + Self.benefit($1.cents) }, on: created)
    end(encounter.benefit)
  }

  /// Four fifths are paid.
  private static func benefit(_ cents: Int) -> Int { cents * 4 / 5 }

  private mutating func careTeam(_ practitioner: Hospital.Practitioner) {
    json.key("careTeam")
    json.beginArray()
    json.beginObject()
    json.member("sequence", 1)
    reference("provider", practitioner.identity)
    raw(
      "role",
      #"{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/claimcareteamrole","code":"primary","display":"Primary provider"}]}"#
    )
    json.endObject()
    json.endArray()
  }

  private mutating func item(
    _ charge: PatientRecord.Charge, sequence: Int, _ encounter: PatientRecord.Encounter
  ) {
    json.beginObject()
    json.member("sequence", sequence)
    raw("productOrService", charge.concept)
    period("servicedPeriod", encounter.start, encounter.end)
    money("net", cents: charge.cents)
    if sequence == 1 { references("encounter", [encounter.identity]) }
    json.key("adjudication")
    json.beginArray()
    adjudication(Self.submittedCategory, charge.cents)
    adjudication(Self.benefitCategory, Self.benefit(charge.cents))
    adjudication(Self.copayCategory, charge.cents - Self.benefit(charge.cents))
    json.endArray()
    json.endObject()
  }

  private mutating func adjudication(_ category: Concept, _ cents: Int) {
    json.beginObject()
    concept("category", category)
    money("amount", cents: cents)
    json.endObject()
  }

  private mutating func totals(submitted: Int, benefit: Int, on day: Moment) {
    json.key("total")
    json.beginArray()
    adjudication(Self.submittedCategory, submitted)
    adjudication(Self.benefitCategory, benefit)
    json.endArray()
    json.key("payment")
    json.beginObject()
    date("date", day: day.day)
    money("amount", cents: benefit)
    json.endObject()
  }

  private static let adjudicationSystem = "http://terminology.hl7.org/CodeSystem/adjudication"
  private static let submittedCategory = Concept(adjudicationSystem, "submitted", "Submitted Amount", text: false)
  private static let benefitCategory = Concept(adjudicationSystem, "benefit", "Benefit Amount", text: false)
  private static let copayCategory = Concept(adjudicationSystem, "copay", "CoPay", text: false)
}
