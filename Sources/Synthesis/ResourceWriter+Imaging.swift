import JSONCore

extension ResourceWriter {
  /// The imaging order.
  mutating func writeOrder(_ study: PatientRecord.ImagingStudy, of record: PatientRecord) {
    let row = Exam.table[study.exam]
    let encounter = record.encounters[study.encounter]
    let practitioners = record.person.hospital.practitioners
    begin(study.order)
    accession(study)
    raw("status", #""completed""#)
    raw("intent", #""order""#)
    raw(
      "category",
      #"[{"coding":[{"system":"http://snomed.info/sct","code":"363679005","display":"Imaging (procedure)"}]}]"#)
    raw("priority", encounter.kind == .emergency ? #""stat""# : #""routine""#)
    concept("code", row.concept)
    subject(record, encounter: study.encounter)
    dateTime("authoredOn", study.ordered)
    reference("requester", practitioners[encounter.part.rawValue].identity)
    references("performer", [practitioners[Hospital.Part.radiologist.rawValue].identity])
    if let reason = encounter.reason { concepts("reasonCode", Problem.table[reason].concept) }
    concepts("bodySite", row.bodySite)
    end(study.order)
  }

  private mutating func accession(_ study: PatientRecord.ImagingStudy) {
    json.key("identifier")
    json.beginArray()
    accessionIdentifier(study)
    json.endArray()
  }

  private mutating func accessionIdentifier(_ study: PatientRecord.ImagingStudy) {
    json.beginObject()
    raw("type", #"{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"ACSN"}]}"#)
    json.member("system", IdentifierSystem.accession)
    json.member("value", "A\(study.accession)")
    json.endObject()
  }

  mutating func writeStudy(_ study: PatientRecord.ImagingStudy, of record: PatientRecord) {
    let row = Exam.table[study.exam]
    begin(study.identity)
    json.key("identifier")
    json.beginArray()
    json.beginObject()
    // FHIR R4 ImagingStudy.identifier: the Study Instance UID has the system urn:dicom:uid.
    raw("system", #""urn:dicom:uid""#)
    json.member("value", "urn:oid:\(study.identity.dicomUID)")
    json.endObject()
    accessionIdentifier(study)
    json.endArray()
    raw("status", #""available""#)
    json.key("modality")
    json.beginArray()
    json.raw(row.modality.coding)
    json.endArray()
    subject(record, encounter: study.encounter)
    dateTime("started", study.started)
    references("basedOn", [study.order])
    json.member("numberOfSeries", study.series.count)
    json.member("numberOfInstances", study.series.reduce(0) { $0 + $1.instances.count })
    concepts("procedureCode", row.concept)
    json.key("series")
    json.beginArray()
    for (index, series) in study.series.enumerated() { write(series, number: index + 1, row, study) }
    json.endArray()
    end(study.identity)
  }

  private mutating func write(
    _ series: PatientRecord.ImagingStudy.Series, number: Int, _ row: ExamRow, _ study: PatientRecord.ImagingStudy
  ) {
    json.beginObject()
    json.member("uid", series.uid.dicomUID)
    json.member("number", number)
    raw("modality", row.modality.coding)
    json.member("numberOfInstances", series.instances.count)
    raw("bodySite", row.bodySite.coding)
    dateTime("started", study.started)
    json.key("instance")
    json.beginArray()
    for (index, instance) in series.instances.enumerated() {
      json.beginObject()
      json.member("uid", instance.dicomUID)
      json.key("sopClass")
      json.beginObject()
      raw("system", #""urn:ietf:rfc:3986""#)
      json.member("code", "urn:oid:\(row.sopClass)")
      json.endObject()
      json.member("number", index + 1)
      json.endObject()
    }
    json.endArray()
    json.endObject()
  }
}
