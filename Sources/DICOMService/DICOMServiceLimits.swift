public import DICOMCore
public import DICOMweb

/// What requests of a DICOM service may cost.
public struct DICOMServiceLimits: Sendable, Equatable {
  /// Store requests that are carried out at the same time, each within the memory that the limits below give it; past
  /// it, they are refused with 503.
  public var storesMax = 128
  /// Bytes of one instance that is stored.
  public var instanceBytesMax = 2 * 1024 * 1024 * 1024
  /// An instance up to this is received into memory, a longer one into a blob while it is read.
  public var instanceMemoryBytesMax = 8 * 1024 * 1024
  /// Bytes of one request's instances that wait in memory to be read, validated and written.
  public var pendingBytesMax = 32 * 1024 * 1024
  /// Instances of one request that are worked on at the same time.
  public var pendingInstancesMax = 16
  /// Instances of one request that are stored in one transaction; a request with more takes several.
  public var batchInstancesMax = 1_000
  /// Bytes that the instances of one transaction keep in memory: metadata and small files.
  public var batchBytesMax = 64 * 1024 * 1024
  /// Bytes of a request's metadata, where it comes apart from bulk data: all of it is in memory.
  public var metadataBytesMax = 32 * 1024 * 1024
  public var multipart = MultipartReader.Limits()
  /// A data set that is stored.
  public var parsing: DICOMLimits
  public var search = SearchLimits()
  public var retrieve = RetrieveLimits()

  public init() {
    parsing = DICOMLimits()
    // Deflated data sets are inflated into memory; streamed ones keep all but long values.
    parsing.inflatedBytesMax = 256 * 1024 * 1024
    parsing.residentBytesMax = 64 * 1024 * 1024
    parsing.textBytesMax = 64 * 1024 * 1024
  }
}
