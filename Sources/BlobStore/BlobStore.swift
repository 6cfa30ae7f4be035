/// Keeps runs of bytes of any size outside of the SQL engine. What is acknowledged is on the disk, and is never
/// changed.
///
/// A blob is there as a whole or not at all. Errors are `BlobError`s.
public protocol BlobStore: Sendable {
  /// Begins a blob; nobody sees it before `finish` has returned its name. Dropped without `finish`, nothing remains.
  func create() async throws -> any BlobWriter

  /// Writes a whole blob; it is durable on return. Callers that wait at the same time share what can be shared.
  /// - Returns: its name, and the XXH64 digest of its bytes (seed 0).
  func put(_ parts: [ArraySlice<UInt8>]) async throws -> (name: BlobName, digest: UInt64)

  /// Opens a blob; it stays readable while it is held, also when it is removed meanwhile.
  /// - Throws: `.notFound`.
  func open(_ name: BlobName) throws -> any Blob

  /// Removes blobs; those that are not there are fine.
  func remove(_ names: [BlobName]) async throws

  /// Gives the names of all blobs that were written more than `age` seconds ago, in no order.
  func names(olderThan age: Int, _ each: (BlobName) throws -> Void) async throws

  /// False for good after a failed sync: what the disk holds is no longer certain.
  var isWritable: Bool { get }

  /// Finishes what waits and refuses new work with `.closed`.
  func close() async
}

/// A blob that is being written, by one task.
public protocol BlobWriter: Sendable {
  /// Adds bytes at the end. Returns when more may come: what waits to be written is bounded.
  func append(_ bytes: [UInt8]) async throws

  /// Makes the blob durable and gives its name. Nothing may follow.
  func finish() async throws -> BlobName

  /// Takes back what was written. After `finish` it does nothing.
  func cancel() async

  /// Bytes appended so far.
  var count: Int { get }

  /// The XXH64 digest (seed 0) of the bytes appended so far.
  var digest: UInt64 { get }
}

/// A blob to read.
public protocol Blob: Sendable {
  /// All its bytes.
  var count: Int { get }

  /// Some of its bytes.
  /// - Throws: `.outOfRange`.
  func read(_ range: Range<Int>) async throws -> [UInt8]

  /// The local file it is, for mapping and sending; nil if it is none.
  var file: BlobFile? { get }
}

extension Blob {
  /// All bytes.
  public func readAll() async throws -> [UInt8] { try await read(0..<count) }
}
