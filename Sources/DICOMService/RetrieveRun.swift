import Base
import BlobStore
import DICOMStore

/// A run of bytes of an answer.
enum RetrieveRun: Sendable {
  case bytes([UInt8])
  /// A range of a local file, which is sent without reading it.
  case file(BlobFile, Range<Int>)
  /// Of a blob that is no local file: read as it is sent.
  case blob(any Blob, Range<Int>)

  /// What is read of a blob at once.
  private static let blobBytesMax = 1024 * 1024

  var count: Int {
    switch self {
    case .bytes(let bytes): bytes.count
    case .file(_, let range), .blob(_, let range): range.count
    }
  }

  /// The next piece, and what is left behind it.
  func next() async throws -> (DICOMAnswer.Piece, RetrieveRun?) {
    switch self {
    case .bytes(let bytes): return (.bytes(bytes), nil)
    case .file(let file, let range): return (.file(file, range), nil)
    case .blob(let blob, let range):
      let end = min(range.upperBound, range.lowerBound + Self.blobBytesMax)
      let bytes = try await blob.read(range.lowerBound..<end)
      return (.bytes(bytes), end < range.upperBound ? .blob(blob, end..<range.upperBound) : nil)
    }
  }
}

extension RetrieveRun {
  /// A part of it, counted from its start. `range` lies within.
  func cut(_ range: Range<Int>) -> RetrieveRun {
    switch self {
    case .bytes(let bytes): .bytes(Array(bytes[range.clamped(to: bytes.indices)]))
    case .file(let file, let whole):
      .file(file, whole.lowerBound + range.lowerBound..<whole.lowerBound + range.upperBound)
    case .blob(let blob, let whole):
      .blob(blob, whole.lowerBound + range.lowerBound..<whole.lowerBound + range.upperBound)
    }
  }
}

extension InstanceContent {
  /// Some of the bytes.
  /// - Throws: `.internal` if there are not so many.
  func run(_ range: Range<Int>) throws(Fault) -> RetrieveRun {
    guard range.lowerBound >= 0, range.upperBound <= count else {
      throw Fault(.internal, "The content is not what was stored.")
    }
    switch self {
    case .bytes(let bytes): return .bytes(range == bytes.indices ? bytes : Array(bytes[range]))
    case .blob(let blob): return blob.file.map { .file($0, range) } ?? .blob(blob, range)
    }
  }
}
