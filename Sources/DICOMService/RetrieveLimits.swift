public import ImageCodecs

/// What retrieving may cost.
public struct RetrieveLimits: Sendable, Equatable {
  /// Transcodings and renderings that are carried out at the same time; nil: as many as there are processors.
  public var imageThreads: Int?
  /// Transcodings and renderings that wait for their turn; past it, requests are refused with 503.
  public var imagesWaitingMax = 200
  /// A transcoded instance up to this waits in memory to be sent, a longer one in a file.
  public var spoolMemoryBytesMax = 4 * 1024 * 1024
  /// The folder of those files, which have no names and are gone with the process.
  public var spoolFolder = "/var/tmp"
  /// A transcoded instance.
  public var transcodedBytesMax = 8 * 1024 * 1024 * 1024
  /// An instance that has to be read into memory to be decoded, since its blob is no local file.
  public var remoteBytesMax = 1024 * 1024 * 1024
  /// A frame, while it is decoded.
  public var codec = CodecLimits()
  /// Parts of an answer with all bulk data of a target.
  public var bulkDataMax = 100_000
  /// The longest side of a thumbnail.
  public var thumbnailSideMax = 1_024

  public init() {}
}
