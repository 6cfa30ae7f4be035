import JSONCore

extension ResourceWriter {
  mutating func write(_ observation: PatientRecord.Observation, of record: PatientRecord) {
    let row = Measurement.table[observation.measurement]
    begin(observation.identity)
    raw("status", #""final""#)
    category(row.category)
    concept("code", row.concept)
    subject(record, encounter: observation.encounter)
    dateTime("effectiveDateTime", observation.effective)
    dateTime("issued", observation.issued)
    if row.category == .laboratory {
      references("performer", [record.person.hospital.organization])
    } else {
      let part = record.encounters[observation.encounter].part
      references("performer", [record.person.hospital.practitioners[part.rawValue].identity])
    }
    switch observation.value {
    case .quantity(let value):
      quantity("valueQuantity", value, unit: row.unit, code: row.code)
      interpretation(value, row)
    case .concept(let value): concept("valueCodeableConcept", value)
    case .bloodPressure(let systolic, let diastolic):
      json.key("component")
      json.beginArray()
      component(.systolic, systolic)
      component(.diastolic, diastolic)
      json.endArray()
    }
    end(observation.identity)
  }

  private mutating func category(_ category: MeasurementRow.Category) {
    json.key("category")
    switch category {
    case .vital:
      raw(
        #"[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs","display":"Vital Signs"}]}]"#
      )
    case .laboratory:
      raw(
        #"[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory","display":"Laboratory"}]}]"#
      )
    case .social:
      raw(
        #"[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"social-history","display":"Social History"}]}]"#
      )
    }
  }

  private mutating func component(_ measurement: Measurement, _ value: Int) {
    let row = Measurement.table[measurement]
    json.beginObject()
    concept("code", row.concept)
    quantity("valueQuantity", FixedDecimal(mantissa: value, digits: 0), unit: row.unit, code: row.code)
    json.endObject()
  }

  /// High, low or normal, and the reference range that says so.
  private mutating func interpretation(_ value: FixedDecimal, _ row: MeasurementRow) {
    guard let low = row.low, let high = row.high else { return }
    json.key("interpretation")
    if value.mantissa > high.mantissa {
      raw(
        #"[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation","code":"H","display":"High"}]}]"#
      )
    } else if value.mantissa < low.mantissa {
      raw(
        #"[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation","code":"L","display":"Low"}]}]"#
      )
    } else {
      raw(
        #"[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation","code":"N","display":"Normal"}]}]"#
      )
    }
    json.key("referenceRange")
    json.beginArray()
    json.beginObject()
    quantity("low", low, unit: row.unit, code: row.code)
    quantity("high", high, unit: row.unit, code: row.code)
    json.endObject()
    json.endArray()
  }

  mutating func write(_ report: PatientRecord.DiagnosticReport, of record: PatientRecord) {
    let hospital = record.person.hospital
    begin(report.identity)
    switch report.content {
    case .panel(let panel, _):
      reportHead(
        report, of: record,
        category:
          #"[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0074","code":"LAB","display":"Laboratory"}]}]"#,
        code: Panel.table[panel].concept)
      references("performer", [hospital.organization])
    case .imaging(let study):
      reportHead(
        report, of: record, order: record.studies[study].order,
        category:
          #"[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0074","code":"RAD","display":"Radiology"}]}]"#,
        code: Exam.table[record.studies[study].exam].concept)
      references("performer", [hospital.practitioners[Hospital.Part.radiologist.rawValue].identity])
    }
    switch report.content {
    case .panel(_, let results):
      json.key("result")
      json.beginArray()
      for observation in record.observations[results] {
        referenceValue(observation.identity, display: Measurement.table[observation.measurement].concept.display)
      }
      json.endArray()
    case .imaging(let study):
      references("imagingStudy", [record.studies[study].identity])
      json.member("conclusion", record.studies[study].conclusion)
    }
    end(report.identity)
  }

  private mutating func reportHead(
    _ report: PatientRecord.DiagnosticReport, of record: PatientRecord, order: Identity? = nil,
    category: StaticString, code: Concept
  ) {
    if let order { references("basedOn", [order]) }
    raw("status", #""final""#)
    raw("category", category)
    concept("code", code)
    subject(record, encounter: report.encounter)
    dateTime("effectiveDateTime", report.effective)
    dateTime("issued", report.issued)
  }
}
