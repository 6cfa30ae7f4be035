public import Base
public import Synthesis

/// Makes synthetic imaging studies: deterministic, valid DICOM instances for samples, tests and benchmarks.
///
/// Study `index` depends on the seed, the index, the reference date and the options only, so any range can be made in
/// any order and on any number of threads, and the same arguments give the same bytes on every machine. The patients
/// are those of `PatientSynthesis` with the same seed: their names, numbers, birth dates and hospitals are the same in
/// FHIR and here. The pictures are of a phantom, with noise that compresses as that of real images does.
///
/// ```swift
/// let synthesis = StudySynthesis(seed: 1)
/// try synthesis.study(0).eachInstance { store($0.bytes) }
/// ```
public struct StudySynthesis: Sendable {
  public let seed: UInt64
  public let options: StudyOptions
  private let patients: PatientSynthesis

  public init(
    seed: UInt64, options: StudyOptions = StudyOptions(),
    referenceDate: Instant = PatientSynthesis.defaultReferenceDate
  ) {
    self.seed = seed
    self.options = options.withinLimits
    // Of the patient's record only the person is needed.
    patients = PatientSynthesis(seed: seed, referenceDate: referenceDate, historyYears: 1)
  }

  /// A study; its instances are made when they are asked for.
  /// - Parameter index: from 0. The patient is that of `PatientSynthesis` with the number `index / studiesPerPatient`.
  public func study(_ index: Int) -> SyntheticStudy {
    let index = max(0, index)
    let patient = SyntheticPatient(patients, number: index / options.studiesPerPatient)
    return SyntheticStudy(index: index, seed: seed, patient: patient, options: options)
  }

  /// How many instances so many studies have.
  public func instanceCount(studies: Int) -> Int { studies * options.seriesPerStudy * options.instancesPerSeries }
}

/// What studies are made of.
public struct StudyOptions: Sendable, Equatable {
  /// The kinds of images (PS3.3 C.7.3.1.1.1).
  public enum Modality: String, Sendable, CaseIterable {
    /// CT Image: 12 bits in 16, rescaled to Hounsfield units.
    case ct = "CT"
    /// MR Image: 12 bits in 16; series in three planes and several weightings.
    case mr = "MR"
    /// Computed Radiography Image: 12 bits in 16, one view for each instance.
    case cr = "CR"
    /// Ultrasound Multi-frame Image: colour, 8 bits.
    case us = "US"
  }

  /// Studies have these in turn.
  public var modalities: [Modality] = [.ct, .mr]
  public var seriesPerStudy = 1
  public var instancesPerSeries = 100
  public var studiesPerPatient = 1
  public var rows = 512
  public var columns = 512
  /// Of an ultrasound instance; the others have one.
  public var frames = 10

  public init() {}

  /// Instances of about 8 KB with headers as rich as the others', for tests of an index: two series of 25.
  public static var small: StudyOptions {
    var options = StudyOptions()
    options.seriesPerStudy = 2
    options.instancesPerSeries = 25
    options.rows = 52
    options.columns = 52
    return options
  }

  private static let sideMax = 16_384
  private static let framesMax = 10_000
  private static let countMax = 1_000_000

  /// At least one of everything, and nothing that numbers of the standard have no room for.
  var withinLimits: StudyOptions {
    var options = self
    if options.modalities.isEmpty { options.modalities = [.ct] }
    options.seriesPerStudy = min(Self.countMax, max(1, seriesPerStudy))
    options.instancesPerSeries = min(Self.countMax, max(1, instancesPerSeries))
    options.studiesPerPatient = max(1, studiesPerPatient)
    options.rows = min(Self.sideMax, max(1, rows))
    options.columns = min(Self.sideMax, max(1, columns))
    options.frames = min(Self.framesMax, max(1, frames))
    return options
  }
}
