public import BlobStore
public import DICOMCore
public import DICOMweb

/// An instance that is stored: its row, without metadata and content.
public struct StoredInstance: Sendable, Hashable {
  /// Ascends in the order of commits; never used twice.
  public let watermark: Int64
  public let partition: String
  public let studyUID: UID
  public let seriesUID: UID
  public let instanceUID: UID
  public let sopClassUID: UID
  public let transferSyntaxUID: UID
  /// Bytes of the file.
  public let count: Int
  /// Frames that are there; 0 without pixel data.
  public let frameCount: Int
  /// XXH64 of the file.
  public let digest: UInt64
  /// Nil for one that is kept in the row.
  public let blob: BlobName?

  public var target: Target { Target(study: studyUID, series: seriesUID, instance: instanceUID) }
}

/// An instance's bytes.
public enum InstanceContent: Sendable {
  case bytes([UInt8])
  case blob(any Blob)

  public var count: Int {
    switch self {
    case .bytes(let bytes): bytes.count
    case .blob(let blob): blob.count
    }
  }

  /// Some of the bytes.
  /// - Throws: `BlobError.outOfRange`.
  public func read(_ range: Range<Int>) async throws -> [UInt8] {
    switch self {
    case .bytes(let bytes):
      guard range.lowerBound >= 0, range.upperBound <= bytes.count else { throw BlobError(.outOfRange) }
      return Array(bytes[range])
    case .blob(let blob): return try await blob.read(range)
    }
  }
}

/// What tells one state of a target from all others, without reading anything but its row.
public struct TargetVersion: Sendable, Hashable {
  /// The newest instance's.
  public let watermark: Int64
  /// Instances.
  public let count: Int

  public init(watermark: Int64, count: Int) {
    self.watermark = watermark
    self.count = count
  }

  /// As Microsoft's service writes it between the quotes of an entity tag.
  public func entityTag(_ level: Target.Level) -> String {
    level == .instance ? "\(watermark)" : "\(watermark)-\(count)"
  }
}
