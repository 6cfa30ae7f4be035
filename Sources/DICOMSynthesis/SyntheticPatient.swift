internal import Base
internal import JSONCore
internal import Synthesis

/// One of the people of `PatientSynthesis`, as DICOM tells of them.
public struct SyntheticPatient: Sendable {
  /// Patient ID: the medical record number.
  public let patientID: String
  /// Patient's Name (PS3.5 §6.2.1): `Family^Given^Middle`.
  public let name: String
  /// Patient's Birth Date, `YYYYMMDD`.
  public let birthDate: String
  /// Patient's Sex, `F` or `M`.
  public let sex: String
  let hospital: String
  let familyDoctor: String
  /// Days since 1970-01-01.
  let birthDay: Int
  /// The last day on which the patient may have been seen.
  let lastDay: Int

  /// Names of practitioners by their ids: the same for every seed.
  private static let practitioners: [String: String] = {
    var names: [String: String] = [:]
    PatientSynthesis(seed: 0).eachSharedResource { type, json in
      guard type == "Practitioner", let document = try? JSONDocument(Array(json)) else { return }
      let resource = ResourceText(document)
      names[resource.text(["id"]) ?? ""] = resource.personName
    }
    return names
  }()

  init(_ synthesis: PatientSynthesis, number: Int) {
    var found: ResourceText?
    synthesis.eachResource(ofPatient: number) { type, json in
      if type == "Patient", let document = try? JSONDocument(Array(json)) { found = ResourceText(document) }
    }
    let patient = found
    patientID = patient?.text(["identifier", "value"]) ?? "\(number)"
    name = patient?.personName ?? ""
    sex = patient?.text(["gender"]) == "female" ? "F" : "M"
    let birth = patient?.text(["birthDate"]) ?? ""
    birthDate = birth.filter { $0 != "-" }
    hospital = patient?.text(["identifier", "assigner", "display"]) ?? ""
    let doctor = patient?.text(["generalPractitioner", "reference"])?.split(separator: "/").last
    familyDoctor = doctor.flatMap { Self.practitioners[String($0)] } ?? ""
    let reference = Int(synthesis.referenceDate.milliseconds / 86_400_000) - 1
    birthDay = CalendarDay(birth)?.number ?? reference
    lastDay = patient?.text(["deceasedDateTime"]).flatMap { CalendarDay($0) }?.number ?? reference
  }
}

/// A FHIR resource of our own making, read for a few texts.
private struct ResourceText {
  private let document: JSONDocument

  init(_ document: JSONDocument) { self.document = document }

  /// Follows members, of arrays the first element.
  func text(_ path: [JSONKey]) -> String? {
    var node = document.root
    for key in path {
      guard let member = document.member(node, key) else { return nil }
      node = member
      if document.kind(node) == .array {
        guard let first = document.elements(node).first(where: { _ in true }) else { return nil }
        node = first
      }
    }
    return document.string(node)
  }

  /// `HumanName` as `Family^Given^Middle`.
  var personName: String {
    var parts = [text(["name", "family"]) ?? ""]
    if let names = document.member(document.root, "name"),
      let name = document.elements(names).first(where: { _ in true }), let given = document.member(name, "given")
    {
      parts += document.elements(given).compactMap { document.string($0) }
    }
    return parts.joined(separator: "^")
  }
}

/// A day of the Gregorian calendar.
struct CalendarDay {
  /// Days since 1970-01-01.
  let number: Int

  init(_ number: Int) { self.number = number }

  /// From the beginning of a FHIR date or dateTime.
  init?(_ text: String) {
    let parts = text.prefix(10).split(separator: "-").compactMap { Int($0) }
    guard parts.count == 3 else { return nil }
    number = Instant.days(year: parts[0], month: parts[1], day: parts[2])
  }

  /// As DA (PS3.5 §6.2).
  var date: String {
    let day = Instant.civil(days: number)
    return CalendarDay.digits(day.year, 4) + CalendarDay.digits(day.month, 2) + CalendarDay.digits(day.day, 2)
  }

  /// A second of a day as TM (PS3.5 §6.2).
  static func time(_ second: Int) -> String {
    let second = second % 86_400
    return digits(second / 3_600, 2) + digits(second / 60 % 60, 2) + digits(second % 60, 2)
  }

  static func digits(_ number: Int, _ count: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
  }
}
