public import BlobStore
public import DICOMCore

/// An instance to be stored, with all that is read of it later made ready: index, metadata, places of frames.
public struct NewInstance: Sendable {
  /// Where its bytes are.
  public enum Content: Sendable {
    /// The file itself, to be kept in the row.
    case inline([UInt8])
    /// A blob that is durable, and how many bytes it has.
    case blob(BlobName, count: Int)

    public var count: Int {
      switch self {
      case .inline(let bytes): bytes.count
      case .blob(_, let count): count
      }
    }
  }

  /// The most bytes that are kept in the row, where they share the database's commits.
  public static let inlineBytesMax = 64 * 1024

  public let partition: String
  public let studyUID: UID
  public let seriesUID: UID
  public let instanceUID: UID
  public let sopClassUID: UID
  public let transferSyntaxUID: UID
  public let attributes: IndexedAttributes
  /// The finished DICOM JSON object without streams of bytes.
  public let metadata: [UInt8]
  /// The streams of bytes that `metadata` leaves out.
  public let bulkData: BulkDataList
  public let frames: FrameTable
  public var content: Content
  /// XXH64 of the content.
  public var digest: UInt64

  public init(
    partition: String, studyUID: UID, seriesUID: UID, instanceUID: UID, sopClassUID: UID, transferSyntaxUID: UID,
    attributes: IndexedAttributes, metadata: [UInt8], bulkData: BulkDataList, frames: FrameTable, content: Content,
    digest: UInt64
  ) {
    self.partition = partition
    self.studyUID = studyUID
    self.seriesUID = seriesUID
    self.instanceUID = instanceUID
    self.sopClassUID = sopClassUID
    self.transferSyntaxUID = transferSyntaxUID
    self.attributes = attributes
    self.metadata = metadata
    self.bulkData = bulkData
    self.frames = frames
    self.content = content
    self.digest = digest
  }
}

/// What became of a `NewInstance`.
public enum StoreOutcome: Sendable, Hashable {
  /// It is stored; its watermark is also the sequence number of its entry in the change feed.
  case stored(watermark: Int64)
  /// There is an instance of these UIDs; nothing was changed, and the new one's blob is removed.
  case exists
}
