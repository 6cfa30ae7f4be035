import JSONCore

extension ResourceWriter {
  mutating func write(_ procedure: PatientRecord.Procedure, of record: PatientRecord) {
    let encounter = record.encounters[procedure.encounter]
    let hospital = record.person.hospital
    begin(procedure.identity)
    raw("status", #""completed""#)
    concept("code", Treatment.table[procedure.treatment].concept)
    subject(record, encounter: procedure.encounter)
    period("performedPeriod", procedure.start, procedure.end)
    json.key("performer")
    json.beginArray()
    json.beginObject()
    reference("actor", hospital.practitioners[encounter.part.rawValue].identity)
    json.endObject()
    json.endArray()
    reference("location", hospital.location)
    if let reason = procedure.reason { concepts("reasonCode", Problem.table[reason].concept) }
    end(procedure.identity)
  }

  mutating func write(_ immunization: PatientRecord.Immunization, of record: PatientRecord) {
    let hospital = record.person.hospital
    let encounter = record.encounters[immunization.encounter]
    begin(immunization.identity)
    raw("status", #""completed""#)
    concept("vaccineCode", Vaccine.table[immunization.vaccine].concept)
    subject(record, encounter: immunization.encounter, key: "patient")
    dateTime("occurrenceDateTime", immunization.occurrence)
    json.member("primarySource", true)
    reference("location", hospital.location)
    json.member("lotNumber", "L\(10_000 + immunization.lot)")
    json.key("performer")
    json.beginArray()
    json.beginObject()
    reference("actor", hospital.practitioners[encounter.part.rawValue].identity)
    json.endObject()
    json.endArray()
    json.key("protocolApplied")
    json.beginArray()
    json.beginObject()
    json.member("doseNumberPositiveInt", max(1, immunization.dose))
    json.endObject()
    json.endArray()
    end(immunization.identity)
  }

  mutating func write(_ medication: PatientRecord.MedicationRequest, of record: PatientRecord) {
    let row = Drug.table[medication.drug]
    let encounter = record.encounters[medication.encounter]
    begin(medication.identity)
    json.member("status", medication.status.rawValue)
    raw("intent", #""order""#)
    concept("medicationCodeableConcept", row.concept)
    subject(record, encounter: medication.encounter)
    dateTime("authoredOn", medication.authored)
    reference("requester", record.person.hospital.practitioners[encounter.part.rawValue].identity)
    if let reason = medication.reason { references("reasonReference", [record.conditions[reason].identity]) }
    json.key("dosageInstruction")
    json.beginArray()
    json.beginObject()
    json.member("sequence", 1)
    json.member("text", row.instruction)
    if row.timesADay > 0 {
      json.key("timing")
      json.beginObject()
      json.key("repeat")
      json.beginObject()
      json.member("frequency", row.timesADay)
      json.member("period", 1)
      raw("periodUnit", #""d""#)
      json.endObject()
      json.endObject()
    }
    json.member("asNeededBoolean", row.timesADay == 0)
    json.key("doseAndRate")
    json.beginArray()
    json.beginObject()
    let unit = row.doseUnit.filter { $0 != "{" && $0 != "}" }
    quantity("doseQuantity", FixedDecimal(mantissa: row.dose, digits: 0), unit: unit, code: row.doseUnit)
    json.endObject()
    json.endArray()
    json.endObject()
    json.endArray()
    dispense(row)
    end(medication.identity)
  }

  private mutating func dispense(_ row: DrugRow) {
    json.key("dispenseRequest")
    json.beginObject()
    json.member("numberOfRepeatsAllowed", row.days >= 60 ? 3 : 0)
    json.key("expectedSupplyDuration")
    json.beginObject()
    json.member("value", row.days)
    raw("unit", #""days""#)
    json.member("system", CodeSystem.ucum)
    raw("code", #""d""#)
    json.endObject()
    json.endObject()
  }
}
