public import Base
import JSONCore

/// Makes synthetic patients: deterministic, plausible records in FHIR R4 (4.0.1) for samples, tests and benchmarks.
///
/// Patient `index` depends on the seed, the index, the reference date and `historyYears` only, so any range can be made
/// in any order and on any number of threads, and the same arguments give the same bytes on every machine. Nobody in
/// the data exists; the persons' names, addresses and numbers are drawn from short lists or from ranges kept for
/// fiction, and every Patient is tagged as test data.
///
/// What patients share (hospitals, locations, practitioners, insurers) depends on no seed: there are always the same
/// ten hospitals and four insurers, with fixed ids.
///
/// ```swift
/// let synthesis = PatientSynthesis(seed: 1)
/// for index in 0..<1_000 { post(synthesis.bundle(patient: index)) }
/// ```
public struct PatientSynthesis: Sendable {
  /// 2026-01-01T00:00:00Z: the default reference date is fixed, so that bytes stay the same from day to day.
  public static let defaultReferenceDate = Instant(milliseconds: 1_767_225_600_000)

  public let seed: UInt64
  /// The years 1900 to 9999: what reference dates are kept within, so that every year has four digits.
  public static let referenceDates =
    Instant(milliseconds: -2_208_988_800_000)...Instant(milliseconds: 253_402_214_400_000)

  /// The day on which the records end, within ``referenceDates``; nothing is dated later.
  public let referenceDate: Instant
  /// Years before the record's end that are told visit by visit, 1 to 100; the number of resources grows with it.
  public let historyYears: Int

  public init(
    seed: UInt64, referenceDate: Instant = PatientSynthesis.defaultReferenceDate, historyYears: Int = 4
  ) {
    self.seed = seed
    let bounds = PatientSynthesis.referenceDates
    self.referenceDate = min(bounds.upperBound, max(bounds.lowerBound, referenceDate))
    self.historyYears = min(100, max(1, historyYears))
  }

  // MARK: - Transaction bundles

  /// One patient as a `transaction` Bundle: every entry has a `urn:uuid` fullUrl, and references use these.
  ///
  /// The patient's own resources are created (`POST`). The hospital, its location, its practitioners and the insurer
  /// are conditional creates (`ifNoneExist` on their identifier), so that bundles can be loaded in any order, side by
  /// side and on servers that assign all ids, and many patients share one Organization without a new version of it for
  /// each bundle, as a `PUT` would make. Loading the same bundle twice makes a second patient, as `POST` says.
  public func bundle(patient index: Int) -> [UInt8] {
    let record = record(index)
    var writer = ResourceWriter(.bundle, reserving: 4_096 + 1_100 * record.resourceCount)
    writer.json.beginObject()
    writer.json.member("resourceType", "Bundle")
    writer.json.member("type", "transaction")
    writer.json.key("entry")
    writer.json.beginArray()
    let hospital = record.person.hospital
    writer.write(hospital)
    for part in record.practitionersSeen { writer.write(hospital.practitioners[part.rawValue]) }
    writer.write(record.person.insurer)
    writer.writeAll(of: record, seed: seed)
    writer.json.endArray()
    writer.json.endObject()
    return writer.json.bytes
  }

  // MARK: - NDJSON

  /// One patient's own resources as NDJSON: one resource per line with its id; references are relative
  /// (`Patient/…`, `Practitioner/…`). What patients share comes from ``sharedNDJSON()``.
  public func ndjson(patient index: Int) -> [UInt8] { lines(index).json.bytes }

  /// What patients share as NDJSON: all hospitals, locations, practitioners and insurers.
  public func sharedNDJSON() -> [UInt8] { sharedLines().json.bytes }

  /// Gives each of a patient's own resources with its type, one JSON object without a line end, for files by type.
  public func eachResource(ofPatient index: Int, _ body: (_ type: String, _ json: ArraySlice<UInt8>) throws -> Void)
    rethrows
  {
    try PatientSynthesis.split(lines(index), body)
  }

  /// Gives each shared resource with its type, one JSON object without a line end.
  public func eachSharedResource(_ body: (_ type: String, _ json: ArraySlice<UInt8>) throws -> Void) rethrows {
    try PatientSynthesis.split(sharedLines(), body)
  }

  // MARK: -

  func record(_ index: Int) -> PatientRecord {
    // Local midnight in the west is after UTC midnight, hence the day before: nothing is later than the reference.
    let milliseconds = referenceDate.milliseconds
    let day = Int(milliseconds / 86_400_000) - (milliseconds % 86_400_000 < 0 ? 1 : 0) - 1
    var course = Course(number: index, seed: seed, referenceDay: day, historyYears: historyYears)
    return course.run()
  }

  private func lines(_ index: Int) -> ResourceWriter {
    let record = record(index)
    var writer = ResourceWriter(.lines, reserving: 1_000 * record.resourceCount)
    writer.writeAll(of: record, seed: seed)
    return writer
  }

  private func sharedLines() -> ResourceWriter {
    var writer = ResourceWriter(.lines, reserving: 65_536)
    for hospital in Hospital.all {
      writer.write(hospital)
      for practitioner in hospital.practitioners { writer.write(practitioner) }
    }
    for insurer in Insurer.all { writer.write(insurer) }
    return writer
  }

  private static func split(
    _ writer: ResourceWriter, _ body: (_ type: String, _ json: ArraySlice<UInt8>) throws -> Void
  ) rethrows {
    for (index, line) in writer.lines.enumerated() {
      let next = index + 1 < writer.lines.count ? writer.lines[index + 1].start : writer.json.bytes.count
      try body("\(line.type.name)", writer.json.bytes[line.start..<next - 1])
    }
  }
}

extension PatientRecord {
  /// How many resources the patient alone has.
  var resourceCount: Int {
    let care = allergies.count + goals.count + carePlans.count + (carePlans.isEmpty ? 0 : 1) + documents.count
    let results = observations.count + reports.count + 2 * studies.count
    let treatment = procedures.count + immunizations.count + 2 * medications.count
    return 2 + 3 * encounters.count + conditions.count + care + results + treatment
  }

  /// The practitioners named anywhere in the record.
  var practitionersSeen: [Hospital.Part] {
    var seen = Set(encounters.map(\.part))
    seen.insert(person.familyDoctor)
    if !studies.isEmpty { seen.insert(.radiologist) }
    return Hospital.Part.allCases.filter(seen.contains)
  }
}

extension ResourceWriter {
  /// Everything of one patient, what is named before what names it, save for diagnoses of encounters.
  mutating func writeAll(of record: PatientRecord, seed: UInt64) {
    writePatient(record, seed: seed)
    writeCoverage(record)
    for place in record.encounters.indices { writeEncounter(place, of: record) }
    for condition in record.conditions { write(condition, of: record) }
    for allergy in record.allergies { write(allergy, of: record) }
    writeCareTeam(record)
    for goal in record.goals { write(goal, of: record) }
    for plan in record.carePlans { write(plan, of: record) }
    for observation in record.observations { write(observation, of: record) }
    for study in record.studies {
      writeOrder(study, of: record)
      writeStudy(study, of: record)
    }
    for report in record.reports { write(report, of: record) }
    for procedure in record.procedures { write(procedure, of: record) }
    for immunization in record.immunizations { write(immunization, of: record) }
    for medication in record.medications {
      write(medication, of: record)
      writePharmacyClaim(medication, of: record)
    }
    for document in record.documents { write(document, of: record) }
    for place in record.encounters.indices {
      writeClaim(place, of: record)
      writeBenefit(place, of: record)
    }
  }
}
