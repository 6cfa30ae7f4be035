public import ImageCodecs

/// What retrieving may cost.
public struct RetrieveLimits: Sendable, Equatable {
  /// Transcodings and renderings that are carried out at the same time; nil: as many as there are processors.
  public var imageThreads: Int?
  /// Transcodings and renderings that wait for their turn; past it, requests are refused with 503.
  public var imagesWaitingMax = 200
  /// A transcoded answer up to this waits in memory to be sent, a longer one in a file.
  public var spoolMemoryBytesMax = 4 * 1024 * 1024
  /// The folder of those files, which have no names and are gone with the process.
  public var spoolFolder = "/var/tmp"
  /// Bytes that are transcoded for one answer before it begins, or for one instance of it on the way.
  public var transcodedBytesMax = 8 * 1024 * 1024 * 1024
  /// Stored bytes up to which all that has to be transcoded for an answer is transcoded before it begins, so that its
  /// status tells whether that succeeds. Of more only the first part is.
  public var rehearsedBytesMax = 32 * 1024 * 1024
  /// An instance that has to be read into memory to be decoded, since its blob is no local file.
  public var remoteBytesMax = 1024 * 1024 * 1024
  /// A frame, while it is decoded.
  public var codec = CodecLimits()
  /// Instances that are listed at once.
  public var pageInstancesMax = 500
  /// Instances of an answer whose files are opened at once.
  public var openInstancesMax = 8
  /// Threads that open files while answers are sent.
  public var fileThreads = 4
  /// The longest side of a thumbnail.
  public var thumbnailSideMax = 1_024
  /// Frames of one animated picture.
  public var animatedFramesMax = 1_000

  public init() {}
}
