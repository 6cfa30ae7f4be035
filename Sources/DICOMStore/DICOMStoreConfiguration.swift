/// How a DICOM store behaves. The defaults are Microsoft's where it has them.
public struct DICOMStoreConfiguration: Sendable {
  /// Blobs of deleted instances are kept for so long.
  public var removalDelaySeconds = 3 * 24 * 3_600
  /// Blobs without a row are removed when they are so old: whoever wrote them is not about to store them any more.
  public var orphanSecondsMin = 24 * 3_600
  /// Between two sweeps in the background.
  public var sweepSeconds = 180
  /// Sweeps between two that look for blobs without a row.
  public var sweepsPerOrphanSearch = 480
  /// Instances of one page of metadata.
  public var metadataPageInstancesMax = 250
  /// A page of metadata ends after this many bytes.
  public var metadataPageBytesMax = 4 * 1024 * 1024

  public init() {}
}
