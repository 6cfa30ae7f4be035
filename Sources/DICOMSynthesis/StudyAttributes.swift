internal import DICOMCore

/// What was to be examined, and how.
struct StudyProtocol: Sendable {
  let description: String
  let bodyPart: String
  /// A code of SNOMED CT for the procedure, and its meaning.
  let procedure: (code: String, meaning: String)
  let device: Device

  struct Device: Sendable {
    let manufacturer: String
    let model: String
    let station: String
    let software: String
  }

  init(_ modality: StudyOptions.Modality, _ random: inout SyntheticRandom) {
    device = random.pick(Self.devices(modality))
    let examination = random.pick(Self.examinations(modality))
    (description, bodyPart) = (examination.description, examination.bodyPart)
    procedure = (examination.code, examination.meaning)
  }

  private struct Examination {
    let description: String
    let bodyPart: String
    let code: String
    let meaning: String
  }

  private static func examinations(_ modality: StudyOptions.Modality) -> [Examination] {
    switch modality {
    case .ct:
      [
        Examination(
          description: "CT chest and abdomen", bodyPart: "CHESTABDOMEN", code: "418023006",
          meaning: "Computed tomography of thorax, abdomen and pelvis"),
        Examination(
          description: "CT chest with contrast", bodyPart: "CHEST", code: "75385009",
          meaning: "Computed tomography of thorax with contrast"),
      ]
    case .mr:
      [
        Examination(
          description: "MR spine", bodyPart: "SPINE", code: "241646009", meaning: "Magnetic resonance imaging of spine"),
        Examination(
          description: "MR abdomen", bodyPart: "ABDOMEN", code: "241625003",
          meaning: "Magnetic resonance imaging of abdomen"),
      ]
    case .cr:
      [
        Examination(
          description: "Chest X-ray", bodyPart: "CHEST", code: "399208008", meaning: "Plain chest X-ray")
      ]
    case .us:
      [
        Examination(
          description: "Echocardiography", bodyPart: "HEART", code: "40701008", meaning: "Echocardiography")
      ]
    }
  }

  private static func devices(_ modality: StudyOptions.Modality) -> [Device] {
    func device(_ model: String, _ station: String) -> Device {
      Device(manufacturer: "Aceso Synthesis", model: model, station: station, software: "1.0")
    }
    switch modality {
    case .ct: return [device("Phantom CT 64", "CT01"), device("Phantom CT 320", "CT02")]
    case .mr: return [device("Phantom MR 1.5T", "MR01"), device("Phantom MR 3T", "MR02")]
    case .cr: return [device("Phantom CR", "CR01")]
    case .us: return [device("Phantom US", "US01")]
    }
  }
}

/// The modules that are the same in all instances of a study (PS3.3 C.7.1, C.7.2, C.7.5, C.12.1).
struct StudyAttributes {
  private(set) var list = AttributeList()

  init(
    patient: SyntheticPatient, modality: StudyOptions.Modality, studyProtocol: StudyProtocol, moment: StudyMoment,
    accessionNumber: String, studyInstanceUID: UID, number: Int
  ) {
    setPatient(patient, moment)
    list.set("Modality", modality.rawValue)
    list.set("StudyInstanceUID", studyInstanceUID)
    list.set("StudyDate", moment.date())
    list.set("StudyTime", moment.time())
    list.set("AccessionNumber", accessionNumber)
    list.set("StudyID", "\(number)")
    list.set("ReferringPhysicianName", patient.familyDoctor)
    list.set("StudyDescription", studyProtocol.description)
    list.set("ProcedureCodeSequence", .items([Self.code(studyProtocol.procedure)]))
    setRequest(studyProtocol, number)
    setEquipment(patient, studyProtocol)
    // What the names and words above are in; all of them are ASCII.
    list.set("SpecificCharacterSet", "ISO_IR 100")
    list.set("TimezoneOffsetFromUTC", "+0000")
    list.set(0x0009, creator: "ACESO SYNTHESIS 1", 0x01, .LO, "Nobody in this study exists.")
  }

  private mutating func setPatient(_ patient: SyntheticPatient, _ moment: StudyMoment) {
    list.set("PatientName", patient.name)
    list.set("PatientID", patient.patientID)
    list.set("IssuerOfPatientID", "SYNTHESIS")
    list.set("PatientBirthDate", patient.birthDate)
    list.set("PatientSex", patient.sex)
    let years = min(999, max(0, moment.day - patient.birthDay) * 4 / 1_461)
    list.set("PatientAge", "\(CalendarDay.digits(years, 3))Y")
    // Of the phantom, which is everybody.
    list.set("PatientSize", Micro(1.72))
    list.set("PatientWeight", Micro(74))
  }

  private mutating func setRequest(_ studyProtocol: StudyProtocol, _ number: Int) {
    var request = AttributeList()
    request.set("RequestedProcedureID", "RP\(number)")
    request.set("RequestedProcedureDescription", studyProtocol.description)
    request.set("ScheduledProcedureStepID", "SPS\(number)")
    request.set("ScheduledProcedureStepDescription", studyProtocol.description)
    list.set("RequestAttributesSequence", .items([request]))
    list.set("PerformedProcedureStepID", "PPS\(number)")
    list.set("PerformedProcedureStepDescription", studyProtocol.description)
  }

  private mutating func setEquipment(_ patient: SyntheticPatient, _ studyProtocol: StudyProtocol) {
    let device = studyProtocol.device
    list.set("Manufacturer", device.manufacturer)
    list.set("ManufacturerModelName", device.model)
    list.set("StationName", device.station)
    list.set("SoftwareVersions", device.software)
    list.set("DeviceSerialNumber", "SN-\(device.station)")
    list.set("InstitutionName", patient.hospital)
    list.set("InstitutionalDepartmentName", "Radiology")
    list.set("PerformingPhysicianName", patient.familyDoctor)
    list.set("OperatorsName", "Operator^Synthetic")
  }

  private static func code(_ procedure: (code: String, meaning: String)) -> AttributeList {
    var item = AttributeList()
    item.set("CodeValue", procedure.code)
    item.set("CodingSchemeDesignator", "SCT")
    item.set("CodeMeaning", procedure.meaning)
    return item
  }
}
