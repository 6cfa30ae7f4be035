public import DICOMCore
import JSONCore

/// Makes of a DICOM file what is stored of it beside its bytes.
public enum InstanceExtractor {
  /// Why a file cannot be stored.
  public struct Failure: Error, Sendable, Hashable {
    public enum Reason: Sendable, Hashable {
      /// A UID that every instance has is absent or empty.
      case missing(Tag)
      /// The metadata is larger than can be kept.
      case tooLarge
    }

    public let reason: Reason
  }

  /// Metadata larger than this is not kept.
  static let metadataBytesMax = 256 * 1024 * 1024

  /// - Parameters:
  ///   - file: read from its bytes, mapped, or streamed. Text longer than a stream keeps is treated as a stream of
  /// bytes.
  ///   - dropped: attributes that are left out of metadata and index, because their values are not valid.
  ///   - digest: XXH64 of the content.
  /// - Throws: `Failure`. UIDs are not checked here beyond being there.
  public static func extract(
    _ file: DICOMFile, partition: String, dropping dropped: Set<Tag> = [], content: NewInstance.Content, digest: UInt64
  ) throws(Failure) -> NewInstance {
    func uid(_ tag: Tag, _ value: UID?) throws(Failure) -> UID {
      guard let value, !value.value.isEmpty else { throw Failure(reason: .missing(tag)) }
      return value
    }
    let study = try uid(.studyInstanceUID, file.studyInstanceUID)
    let series = try uid(.seriesInstanceUID, file.seriesInstanceUID)
    let instance = try uid(.sopInstanceUID, file.sopInstanceUID)
    let sopClass = try uid(.sopClassUID, file.sopClassUID)
    let (metadata, bulkData, attributes) = try metadata(file.dataSet, dropping: dropped)
    return NewInstance(
      partition: partition, studyUID: study, seriesUID: series, instanceUID: instance, sopClassUID: sopClass,
      transferSyntaxUID: file.transferSyntax.uid, attributes: attributes, metadata: metadata, bulkData: bulkData,
      frames: FrameTable(file), content: content, digest: digest)
  }

  /// The finished JSON without streams, the list of these, and what is indexed.
  static func metadata(
    _ dataSet: DataSet, dropping dropped: Set<Tag> = []
  ) throws(Failure) -> ([UInt8], BulkDataList, IndexedAttributes) {
    var streams: [MetadataCutter.Stream] = []
    var writer = DICOMJSONWriter(reserving: 16 * 1024) { element in
      streams.append(MetadataCutter.Stream(element))
      return .uri(MetadataCutter.mark)
    }
    writer.write(dataSet)
    guard writer.bytes.count <= metadataBytesMax, let document = document(writer.bytes) else {
      throw Failure(reason: .tooLarge)
    }
    var cutter = MetadataCutter(document, streams)
    cutter.cut(dropping: dropped)
    // What was dropped must not be found; of all else the document says the same as its cut form.
    guard let indexed = dropped.isEmpty ? document : Self.document(cutter.output) else {
      throw Failure(reason: .tooLarge)
    }
    return (cutter.output, BulkDataList(cutter.items), IndexedAttributes(indexed))
  }

  /// Each floor of items takes three of JSON's.
  static func document(_ json: [UInt8]) -> JSONDocument? {
    var limits = JSONLimits()
    limits.depthMax = 4 * (DICOMLimits().sequenceDepthMax + 2)
    limits.nodesMax = metadataBytesMax
    return try? JSONDocument(json, limits: limits)
  }
}
