/// What decoding and rendering one frame may cost. What would pass a limit is refused before memory is taken for it.
public struct CodecLimits: Sendable, Equatable {
  /// A decoded frame, in bytes. A JPEG 2000 decoder needs up to five times as much for a while.
  public var frameBytesMax = 256 * 1024 * 1024
  /// One compressed frame, in bytes.
  public var streamBytesMax = 512 * 1024 * 1024
  /// Columns and rows of a rendered picture.
  public var renderedSideMax = 16_384
  /// A rendered picture, in pixels.
  public var renderedPixelsMax = 100_000_000

  public init() {}
}
