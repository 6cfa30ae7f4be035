import DICOMCore
import DICOMSynthesis
import Foundation
import ImageCodecs
import TestSupport
import Testing

@Suite("Synthetic instances")
struct InstanceTests {
  static func options(_ modality: StudyOptions.Modality, series: Int = 1, instances: Int = 3) -> StudyOptions {
    var options = StudyOptions()
    options.modalities = [modality]
    options.seriesPerStudy = series
    options.instancesPerSeries = instances
    (options.rows, options.columns, options.frames) = (96, 128, 4)
    return options
  }

  static func study(_ modality: StudyOptions.Modality, series: Int = 1, instances: Int = 3) -> SyntheticStudy {
    StudySynthesis(seed: 7, options: options(modality, series: series, instances: instances)).study(0)
  }

  @Test(
    "nothing in them has to be read over, and every value keeps the rules of its VR",
    arguments: StudyOptions.Modality.allCases)
  func conformant(_ modality: StudyOptions.Modality) throws {
    let study = Self.study(modality, series: 3)
    try study.eachInstance { instance in
      let file = try DICOMFile(instance.bytes)
      #expect(file.tolerances.list.isEmpty)
      #expect(file.transferSyntax == .explicitVRLittleEndian)
      #expect(file.sopClassUID == instance.sopClassUID)
      #expect(file.sopInstanceUID == instance.sopInstanceUID)
      #expect(file.studyInstanceUID == instance.studyInstanceUID)
      #expect(file.seriesInstanceUID == instance.seriesInstanceUID)
      #expect(file.fileMetaInformation?.mediaStorageSOPInstanceUID == instance.sopInstanceUID)
      Self.checkValues(file.dataSet)
    }
  }

  static func checkValues(_ dataSet: DataSet) {
    for element in dataSet.elements {
      #expect(element.check() == nil, "\(element.tag) \(element.strings)")
      let vm = element.tag.isPrivate ? nil : DataDictionary.standard.entry(element.tag)?.vm
      if vm == "1" { #expect(element.valueMultiplicity <= 1, "\(element.tag)") }
      for item in element.items { checkValues(item.dataSet) }
    }
  }

  /// Type 1: with a value. Type 2: there. PS3.3: C.7.1.1, C.7.2.1, C.7.3.1, C.7.5.1, C.7.6.1, C.7.6.3, C.12.1.
  static let common = (
    valued: """
    SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID Modality SamplesPerPixel PhotometricInterpretation Rows
    Columns BitsAllocated BitsStored HighBit PixelRepresentation PixelData
    """,
    present: """
    PatientName PatientID PatientBirthDate PatientSex StudyDate StudyTime ReferringPhysicianName StudyID AccessionNumber
    SeriesNumber Manufacturer InstanceNumber
    """
  )

  /// Image Plane (C.7.6.2), Frame of Reference (C.7.4.1), CT Image (C.8.2.1), MR Image (C.8.3.1), CR Series (C.8.1.1),
  /// Multi-frame and Cine (C.7.6.5, C.7.6.6), US Image (C.8.5.6).
  static let own: [(StudyOptions.Modality, valued: String, present: String)] = [
    (
      .ct,
      """
      ImageType RescaleIntercept RescaleSlope PixelSpacing ImageOrientationPatient ImagePositionPatient FrameOfReferenceUID
      """,
      "KVP AcquisitionNumber SliceThickness PositionReferenceIndicator PatientPosition"
    ),
    (
      .mr,
      """
      ImageType ScanningSequence SequenceVariant PixelSpacing ImageOrientationPatient ImagePositionPatient
      FrameOfReferenceUID
      """,
      """
      ScanOptions MRAcquisitionType RepetitionTime EchoTime EchoTrainLength SliceThickness PositionReferenceIndicator
      PatientPosition
      """
    ),
    (.cr, "ImageType", "BodyPartExamined ViewPosition PatientOrientation"),
    (.us, "NumberOfFrames FrameIncrementPointer FrameTime PlanarConfiguration", "ImageType PatientOrientation"),
  ]

  @Test("all attributes of type 1 and 2 are there", arguments: own)
  func required(_ modality: StudyOptions.Modality, valued: String, present: String) throws {
    let dataSet = try DICOMFile(Self.study(modality).instance(0).bytes).dataSet
    for keyword in (Self.common.valued + " " + valued).split(whereSeparator: \.isWhitespace) {
      let tag = try #require(Tag(String(keyword)))
      #expect(dataSet[tag]?.isEmpty == false, "\(keyword)")
    }
    for keyword in (Self.common.present + " " + present).split(whereSeparator: \.isWhitespace) {
      #expect(dataSet[try #require(Tag(String(keyword)))] != nil, "\(keyword)")
    }
  }

  @Test(
    "frames decode, and rendering shows something in the middle of the greys", arguments: StudyOptions.Modality.allCases
  )
  func pictures(_ modality: StudyOptions.Modality) throws {
    let study = Self.study(modality)
    let file = try DICOMFile(study.instance(1).bytes)
    let renderer = try Renderer(file)
    #expect(renderer.reader.count == (modality == .us ? 4 : 1))
    let picture = try renderer.picture(renderer.reader.count - 1)
    #expect(picture.columns == 128 && picture.rows == 96)
    #expect(picture.samples == (modality == .us ? 3 : 1))
    let mean = picture.bytes.reduce(0) { $0 + Int($1) } / picture.bytes.count
    #expect((15...200).contains(mean), "\(mean)")
    #expect(Set(picture.bytes).count > 30)
    let range = renderer.reader.image.storedRange
    let samples = try renderer.reader.frame(0).samples
    #expect(samples.allSatisfy { range.contains(Int($0)) })
    #expect(try renderer.render().starts(with: [0xFF, 0xD8]))
  }

  @Test("slices of a CT show lung, fat, muscle and bone at their Hounsfield units")
  func hounsfield() throws {
    let study = Self.study(.ct, instances: 24)
    var histogram: [Int: Int] = [:]
    try study.eachInstance { instance in
      let frame = try FrameReader(try DICOMFile(instance.bytes)).frame(0)
      for sample in frame.samples { histogram[(Int(sample) - 1_024 + 2_000) / 50 - 40, default: 0] += 1 }
    }
    // Bins of 50 HU.
    for unit in [-1_000, -774, -94, 46, 726] {
      let bin = (unit + 2_000) / 50 - 40
      #expect((histogram[bin] ?? 0) + (histogram[bin - 1] ?? 0) + (histogram[bin + 1] ?? 0) > 100, "\(unit) HU")
    }
  }

  @Test("a CT of the usual size has 526 kB, and deflates as pictures of patients do")
  func size() throws {
    let study = StudySynthesis(seed: 1).study(0)
    let bytes = try study.instance(50).bytes
    #expect((524_288...530_000).contains(bytes.count))
    let deflated = try DICOMFile(bytes).encoded(as: .deflatedExplicitVRLittleEndian)
    let ratio = Double(bytes.count) / Double(deflated.count)
    #expect((2.0...2.7).contains(ratio), "\(ratio)")
    let small = try StudySynthesis(seed: 1, options: .small).study(1).instance(0).bytes
    #expect((7_000...9_000).contains(small.count), "\(small.count)")
  }

  @Test("pictures of odd numbers of bytes are padded, and of one pixel are pictures")
  func oddSizes() throws {
    for (modality, rows, columns) in [(StudyOptions.Modality.us, 3, 5), (.ct, 1, 1), (.mr, 1, 700), (.cr, 5, 1)] {
      var options = Self.options(modality)
      (options.rows, options.columns, options.frames) = (rows, columns, 1)
      let file = try DICOMFile(try StudySynthesis(seed: 1, options: options).study(0).instance(0).bytes)
      #expect(file.tolerances.list.isEmpty)
      let reader = try FrameReader(file)
      #expect(reader.count == 1)
      #expect(try reader.frame(0).bytes.count == rows * columns * (modality == .us ? 3 : 2))
    }
  }

  // MARK: The validator of dicom3tools

  static let validator = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map {
    "\($0)/dciodvfy"
  }
  .first { FileManager.default.isExecutableFile(atPath: $0) }

  @Test(
    "dciodvfy finds no error",
    .enabled(if: validator != nil, "needs dciodvfy (Debian package dicom3tools)"),
    arguments: StudyOptions.Modality.allCases)
  func validity(_ modality: StudyOptions.Modality) throws {
    let folder = try TemporaryFolder()
    let study = Self.study(modality, series: 3, instances: 1)
    for place in study.series.indices {
      let path = folder.file("\(place).dcm")
      try Data(study.instance(0, ofSeries: place).bytes).write(to: URL(fileURLWithPath: path))
      let process = Process()
      process.executableURL = URL(fileURLWithPath: Self.validator ?? "")
      process.arguments = [path]
      let output = Pipe()
      process.standardError = output
      process.standardOutput = output
      try process.run()
      let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(!text.contains("Error"), "\(text)")
    }
  }
}
