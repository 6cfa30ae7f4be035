import Glibc

/// A blob of a folder.
struct FolderBlob: Blob {
  private let open: BlobFile
  private let threads: DiskThreads

  init(_ file: BlobFile, _ threads: DiskThreads) {
    open = file
    self.threads = threads
  }

  var count: Int { open.count }
  var file: BlobFile? { open }

  func read(_ range: Range<Int>) async throws -> [UInt8] {
    guard range.lowerBound >= 0, range.upperBound <= open.count else { throw BlobError(.outOfRange) }
    if range.isEmpty { return [] }
    let file = open
    return try await threads.run { try Self.read(file, range) }
  }

  private static func read(_ file: BlobFile, _ range: Range<Int>) throws -> [UInt8] {
    var failure: BlobError?
    let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
      while count < range.count {
        let got = pread(
          file.descriptor, buffer.baseAddress.map { $0 + count }, range.count - count, range.lowerBound + count)
        if got < 0, errno == EINTR { continue }
        guard got > 0 else {
          // Shorter than when it was opened: someone cut the file.
          failure = got == 0 ? BlobError(.outOfRange) : BlobError(system: errno)
          return
        }
        count += got
      }
    }
    if let failure { throw failure }
    return bytes
  }
}
