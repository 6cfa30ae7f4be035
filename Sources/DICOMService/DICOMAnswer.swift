public import BlobStore

/// What a DICOM service answers.
public struct DICOMAnswer: Sendable {
  public var status: Int
  /// Names and values; a name may be there twice.
  public var headers: [(name: String, value: String)] = []
  public var content: Content = .empty

  public init(_ status: Int) { self.status = status }

  public init(_ status: Int, contentType: String, _ content: Content) {
    self.status = status
    self.content = content
    headers = [("Content-Type", contentType)]
  }

  public enum Content: Sendable {
    case empty
    case bytes([UInt8])
    /// Piece by piece, as fast as the client takes them; nil at the end. `count` is the bytes of all, where known
    /// before.
    case pieces(count: Int?, next: @Sendable () async throws -> Piece?)
  }

  /// Bytes of an answer.
  public enum Piece: Sendable {
    case bytes([UInt8])
    /// A range of a blob's local file, to be sent without reading it.
    case file(BlobFile, Range<Int>)

    public var count: Int {
      switch self {
      case .bytes(let bytes): bytes.count
      case .file(_, let range): range.count
      }
    }
  }
}
