public import DICOMCore

/// A study of one patient, made from its number.
public struct SyntheticStudy: Sendable {
  public let index: Int
  public let patient: SyntheticPatient
  public let modality: StudyOptions.Modality
  public let studyInstanceUID: UID
  public let accessionNumber: String
  /// `YYYYMMDD`.
  public let studyDate: String
  public let series: [SyntheticSeries]
  let options: StudyOptions
  let seed: UInt64
  let protocolOfStudy: StudyProtocol
  /// What is the same in all instances.
  private let attributes: AttributeList
  private let phantom: Phantom

  init(index: Int, seed: UInt64, patient: SyntheticPatient, options: StudyOptions) {
    self.index = index
    self.seed = seed
    self.patient = patient
    self.options = options
    let modality = options.modalities[index % options.modalities.count]
    self.modality = modality
    var random = SyntheticRandom(seed, index)
    studyInstanceUID = random.uid()
    let frameOfReferenceUID = random.uid()
    accessionNumber = "S\(CalendarDay.digits(index + 1, 7))"
    protocolOfStudy = StudyProtocol(modality, &random)
    // Not before birth, and within the four years that the patient's record is told of.
    let day = max(patient.birthDay, patient.lastDay - random.below(1_400))
    let begun = 7 * 3_600 + random.below(10 * 3_600)
    studyDate = CalendarDay(day).date
    phantom = Phantom(random: &random)
    let moment = StudyMoment(day: day, second: begun)
    attributes =
      StudyAttributes(
        patient: patient, modality: modality, studyProtocol: protocolOfStudy, moment: moment,
        accessionNumber: accessionNumber, studyInstanceUID: studyInstanceUID, number: index + 1
      ).list
    let studyUID = studyInstanceUID
    series = (0..<options.seriesPerStudy).map { number in
      SyntheticSeries(
        number: number + 1, studyInstanceUID: studyUID, studyNumber: index, seed: seed, modality: modality,
        options: options,
        frameOfReferenceUID: frameOfReferenceUID, moment: moment)
    }
  }

  public var instanceCount: Int { series.count * options.instancesPerSeries }

  /// Makes an instance.
  /// - Parameters:
  ///   - number: from 0, below the number of the series' instances.
  ///   - place: the series' place in `series`.
  /// - Throws: `unencodable` if the picture has 4 GB or more.
  public func instance(_ number: Int, ofSeries place: Int = 0) throws(DICOMError) -> SyntheticInstance {
    try series[place].instance(number, of: attributes, phantom, protocolOfStudy)
  }

  /// Gives all instances, one after the other.
  public func eachInstance(_ body: (SyntheticInstance) throws -> Void) throws {
    for place in series.indices {
      for number in 0..<options.instancesPerSeries { try body(try instance(number, ofSeries: place)) }
    }
  }
}

/// When a study began, by the clock of its place.
struct StudyMoment: Sendable {
  /// Days since 1970-01-01.
  let day: Int
  let second: Int

  func date(after seconds: Int = 0) -> String { CalendarDay(day + (second + seconds) / 86_400).date }
  func time(after seconds: Int = 0) -> String { CalendarDay.time(second + seconds) }
}

/// One instance as a DICOM file (PS3.10 §7).
public struct SyntheticInstance: Sendable {
  public let sopClassUID: UID
  public let sopInstanceUID: UID
  public let studyInstanceUID: UID
  public let seriesInstanceUID: UID
  /// Explicit VR little endian.
  public let bytes: [UInt8]
}
