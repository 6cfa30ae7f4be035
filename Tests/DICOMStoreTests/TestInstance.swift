import BlobStore
import DICOMCore
import DICOMStore

/// Not that of the test library.
typealias Tag = DICOMCore.Tag

/// A small instance made for a test: a file of PS3.10 in explicit little endian.
struct TestInstance {
  var study = "1.2.3"
  var series = "1.2.3.1"
  var instance = "1.2.3.1.1"
  var sopClass = "1.2.840.10008.5.1.4.1.1.2"
  /// Ascending within each group of levels is not needed: they are sorted.
  var attributes: [(Tag, VR, String)] = [(.patientID, .LO, "P1"), (.modality, .CS, "CT")]
  /// Of a sequence, the values of one attribute in its items.
  var requested: [(stepID: String, procedureID: String)] = []
  var pixels: [UInt8] = []

  init(_ study: String = "1.2.3", _ series: String = "1", _ instance: String = "1", _ more: [(Tag, VR, String)] = []) {
    self.study = study
    self.series = study + "." + series
    self.instance = self.series + "." + instance
    for attribute in more { set(attribute.0, attribute.1, attribute.2) }
  }

  mutating func set(_ tag: Tag, _ vr: VR, _ text: String?) {
    attributes.removeAll { $0.0 == tag }
    if let text { attributes.append((tag, vr, text)) }
  }

  func bytes() throws -> [UInt8] {
    var meta = DataSetBuilder()
    try meta.append(.mediaStorageSOPClassUID, .UI, sopClass)
    try meta.append(.mediaStorageSOPInstanceUID, .UI, instance)
    try meta.append(.transferSyntaxUID, .UI, "1.2.840.10008.1.2.1")
    var head = DataSetBuilder()
    try head.append(.fileMetaInformationGroupLength, .UL, integers: [meta.bytes.count])
    return [UInt8](repeating: 0, count: 128) + Array("DICM".utf8) + head.bytes + meta.bytes + (try dataSet())
  }

  private func dataSet() throws -> [UInt8] {
    var all =
      attributes + [
        (.sopClassUID, .UI, sopClass), (.sopInstanceUID, .UI, instance), (.studyInstanceUID, .UI, study),
        (.seriesInstanceUID, .UI, series),
      ]
    if !all.contains(where: { $0.0 == .specificCharacterSet }) {
      all.append((.specificCharacterSet, .CS, "ISO_IR 192"))
    }
    all.sort { $0.0 < $1.0 }
    var builder = DataSetBuilder()
    var isRequested = requested.isEmpty
    for (tag, vr, text) in all {
      if !isRequested, tag > .requestAttributesSequence {
        try appendRequested(&builder)
        isRequested = true
      }
      if vr.isText {
        try builder.append(tag, vr, text)
      } else {
        try builder.append(tag, vr, integers: [Int(text) ?? 0])
      }
    }
    if !isRequested { try appendRequested(&builder) }
    if !pixels.isEmpty { try builder.append(.pixelData, .OW, bytes: pixels) }
    return builder.bytes
  }

  private func appendRequested(_ builder: inout DataSetBuilder) throws {
    builder.beginSequence(.requestAttributesSequence)
    for item in requested {
      builder.beginItem()
      try builder.append(.scheduledProcedureStepID, .SH, item.stepID)
      try builder.append(.requestedProcedureID, .SH, item.procedureID)
      try builder.endItem()
    }
    try builder.endSequence()
  }

  func new(_ partition: String = DICOMStore.defaultPartition) throws -> NewInstance {
    let bytes = try bytes()
    return try InstanceExtractor.extract(
      try DICOMFile(bytes), partition: partition, content: .inline(bytes), digest: XXH64.digest(bytes))
  }
}
