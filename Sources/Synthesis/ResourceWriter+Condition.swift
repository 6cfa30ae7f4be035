import JSONCore

extension ResourceWriter {
  mutating func write(_ condition: PatientRecord.Condition, of record: PatientRecord) {
    let row = Problem.table[condition.problem]
    begin(condition.identity)
    raw(
      "clinicalStatus",
      condition.abatement != nil
        ? #"{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"resolved"}]}"#
        : #"{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]}"#)
    raw(
      "verificationStatus",
      #"{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-ver-status","code":"confirmed"}]}"#)
    raw(
      "category",
      row.course == .lasting
        ? #"[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-category","code":"problem-list-item","display":"Problem List Item"}]}]"#
        : #"[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-category","code":"encounter-diagnosis","display":"Encounter Diagnosis"}]}]"#
    )
    concept("code", row.concept)
    subject(record, encounter: condition.encounter)
    dateTime("onsetDateTime", condition.onset)
    if let abatement = condition.abatement { dateTime("abatementDateTime", abatement) }
    dateTime("recordedDate", condition.recorded)
    end(condition.identity)
  }

  mutating func write(_ allergy: PatientRecord.AllergyIntolerance, of record: PatientRecord) {
    let row = Allergy.table[allergy.allergy]
    begin(allergy.identity)
    raw(
      "clinicalStatus",
      #"{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical","code":"active"}]}"#)
    raw(
      "verificationStatus",
      #"{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-verification","code":"confirmed"}]}"#
    )
    raw("type", #""allergy""#)
    json.key("category")
    json.beginArray()
    json.string(row.category)
    json.endArray()
    raw("criticality", allergy.isSevere ? #""high""# : #""low""#)
    concept("code", row.concept)
    reference("patient", record.patient)
    dateTime("onsetDateTime", allergy.onset)
    dateTime("recordedDate", allergy.recorded)
    json.key("reaction")
    json.beginArray()
    json.beginObject()
    concepts("manifestation", row.reaction)
    raw("severity", allergy.isSevere ? #""severe""# : #""mild""#)
    json.endObject()
    json.endArray()
    end(allergy.identity)
  }

  mutating func writeCareTeam(_ record: PatientRecord) {
    guard let first = record.carePlans.first else { return }
    let hospital = record.person.hospital
    let doctor = hospital.practitioners[record.person.familyDoctor.rawValue]
    begin(record.careTeam)
    raw("status", record.person.isDeceased ? #""inactive""# : #""active""#)
    json.member("name", "Care team of \(record.person.given[0]) \(record.person.family)")
    reference("subject", record.patient)
    period("period", first.start, record.person.isDeceased ? record.person.end : nil)
    json.key("participant")
    json.beginArray()
    member(role: Self.patientRole, record.patient)
    member(role: Self.physicianRole, doctor.identity, display: doctor.displayName)
    json.endArray()
    references("managingOrganization", [hospital.organization])
    end(record.careTeam)
  }

  private mutating func member(role: Concept, _ identity: Identity, display: String? = nil) {
    json.beginObject()
    concepts("role", role)
    reference("member", identity, display: display)
    json.endObject()
  }

  private static let patientRole = Concept(CodeSystem.snomed, "116154003", "Patient")
  private static let physicianRole = Concept(CodeSystem.snomed, "59058001", "General physician")

  mutating func write(_ goal: PatientRecord.Goal, of record: PatientRecord) {
    let row = Measurement.table[goal.measurement]
    let hasEnded = record.person.isDeceased
    begin(goal.identity)
    raw("lifecycleStatus", hasEnded ? #""cancelled""# : goal.isAchieved ? #""completed""# : #""active""#)
    raw(
      "achievementStatus",
      goal.isAchieved
        ? #"{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/goal-achievement","code":"achieved","display":"Achieved"}]}"#
        : #"{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/goal-achievement","code":"in-progress","display":"In Progress"}]}"#
    )
    json.key("description")
    json.beginObject()
    var text = Array("\(row.concept.display) at most ".utf8)
    goal.isAtMost.append(to: &text)
    text.append(contentsOf: " \(row.unit)".utf8)
    json.key("text")
    json.string(utf8: text)
    json.endObject()
    reference("subject", record.patient)
    date("startDate", day: goal.start.day)
    json.key("target")
    json.beginArray()
    json.beginObject()
    concept("measure", row.concept)
    json.key("detailRange")
    json.beginObject()
    quantity("high", goal.isAtMost, unit: row.unit, code: row.code)
    json.endObject()
    json.endObject()
    json.endArray()
    references("addresses", [record.conditions[goal.condition].identity])
    end(goal.identity)
  }

  mutating func write(_ plan: PatientRecord.CarePlan, of record: PatientRecord) {
    let condition = record.conditions[plan.condition]
    let row = Problem.table[condition.problem]
    let end = condition.abatement ?? (record.person.isDeceased ? record.person.end : nil)
    begin(plan.identity)
    narrative("Care plan for \(row.concept.display)")
    raw("status", end == nil ? #""active""# : #""completed""#)
    raw("intent", #""plan""#)
    json.key("category")
    raw(
      #"[{"coding":[{"system":"http://hl7.org/fhir/us/core/CodeSystem/careplan-category","code":"assess-plan"}]}]"#)
    json.member("title", "Care plan for \(row.concept.display)")
    subject(record, encounter: plan.encounter)
    period("period", plan.start, end)
    references("careTeam", [record.careTeam])
    references("addresses", [condition.identity])
    if !plan.goals.isEmpty { references("goal", record.goals[plan.goals].map(\.identity)) }
    json.key("activity")
    json.beginArray()
    for activity in row.activities {
      json.beginObject()
      json.key("detail")
      json.beginObject()
      concept("code", Activity.table[activity])
      raw("status", end == nil ? #""in-progress""# : #""completed""#)
      json.endObject()
      json.endObject()
    }
    json.endArray()
    self.end(plan.identity)
  }
}
