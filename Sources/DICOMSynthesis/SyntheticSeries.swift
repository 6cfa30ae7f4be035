public import DICOMCore

/// A series: its instances lie side by side in one plane.
public struct SyntheticSeries: Sendable {
  public let seriesInstanceUID: UID
  /// From 1.
  public let number: Int
  public let instanceCount: Int
  public let sopClassUID: UID
  private let modality: StudyOptions.Modality
  private let options: StudyOptions
  private let frameOfReferenceUID: UID
  private let moment: StudyMoment
  private let studyNumber: Int
  private let studyInstanceUID: UID
  private let seed: UInt64

  init(
    number: Int, studyInstanceUID: UID, studyNumber: Int, seed: UInt64, modality: StudyOptions.Modality,
    options: StudyOptions,
    frameOfReferenceUID: UID, moment: StudyMoment
  ) {
    self.number = number
    self.studyNumber = studyNumber
    self.studyInstanceUID = studyInstanceUID
    self.seed = seed
    self.modality = modality
    self.options = options
    self.frameOfReferenceUID = frameOfReferenceUID
    self.moment = moment
    instanceCount = options.instancesPerSeries
    sopClassUID = modality.sopClassUID
    var random = SyntheticRandom(seed, studyNumber, number)
    seriesInstanceUID = random.uid()
  }

  /// - Parameter number: from 0.
  public func sopInstanceUID(_ number: Int) -> UID {
    var random = SyntheticRandom(seed, studyNumber, self.number, number)
    return random.uid()
  }

  /// Images of the series are made in order, one in so many seconds.
  private static let secondsBetweenImages = 2
  private static let secondsBetweenSeries = 300

  func instance(
    _ number: Int, of study: AttributeList, _ phantom: Phantom, _ studyProtocol: StudyProtocol
  ) throws(DICOMError) -> SyntheticInstance {
    var attributes = study
    let uid = sopInstanceUID(number)
    let begun = (self.number - 1) * Self.secondsBetweenSeries
    let taken = begun + number * Self.secondsBetweenImages
    let geometry = SliceGeometry(modality, options, series: self.number, slice: number)
    attributes.set("SOPClassUID", sopClassUID)
    attributes.set("SOPInstanceUID", uid)
    attributes.set("SeriesInstanceUID", seriesInstanceUID)
    attributes.set("SeriesNumber", "\(self.number)")
    attributes.set("InstanceNumber", "\(number + 1)")
    for name in ["SeriesDate", "PerformedProcedureStepStartDate"] { attributes.set(name, moment.date(after: begun)) }
    for name in ["SeriesTime", "PerformedProcedureStepStartTime"] { attributes.set(name, moment.time(after: begun)) }
    for name in ["AcquisitionDate", "ContentDate", "InstanceCreationDate"] {
      attributes.set(name, moment.date(after: taken))
    }
    for name in ["AcquisitionTime", "ContentTime", "InstanceCreationTime"] {
      attributes.set(name, moment.time(after: taken))
    }
    SeriesAttributes(modality, studyProtocol, geometry, options, frameOfReferenceUID).set(in: &attributes)
    let picture = Picture(modality, options, geometry, weighting: self.number)
    let bytes = try file(attributes, uid, picture) { pixels in
      var random = SyntheticRandom(seed, studyNumber, self.number, number, 1)
      picture.paint(phantom, slice: number, of: instanceCount, &random, into: pixels)
    }
    return SyntheticInstance(
      sopClassUID: sopClassUID, sopInstanceUID: uid, studyInstanceUID: studyInstanceUID,
      seriesInstanceUID: seriesInstanceUID, bytes: bytes)
  }

  /// Preamble, group 0002, attributes, and room for the pixels, which are painted in their place.
  private func file(
    _ attributes: AttributeList, _ uid: UID, _ picture: Picture, paint: (UnsafeMutableRawBufferPointer) -> Void
  ) throws(DICOMError) -> [UInt8] {
    var builder = DataSetBuilder()
    try attributes.write(to: &builder)
    try builder.appendHeader(.pixelData, picture.isWords ? .OW : .OB, length: picture.byteCount)
    let meta = try FileMetaInformation.encoded(
      mediaStorageSOPClassUID: sopClassUID, mediaStorageSOPInstanceUID: uid, transferSyntax: .explicitVRLittleEndian,
      sourceApplicationEntityTitle: "SYNTHESIS")
    let head = DICOMFile.prefix + meta + builder.bytes
    let padding = picture.byteCount & 1
    return [UInt8](unsafeUninitializedCapacity: head.count + picture.byteCount + padding) { bytes, count in
      count = head.count + picture.byteCount + padding
      let raw = UnsafeMutableRawBufferPointer(bytes)
      raw.copyBytes(from: head)
      paint(UnsafeMutableRawBufferPointer(rebasing: raw[head.count..<head.count + picture.byteCount]))
      if padding > 0 { raw[count - 1] = 0 }
    }
  }
}
