#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The bytes a data set is read from: memory, a mapped file, or what a stream kept.
///
/// A mapped file costs address space, not memory: the pages of pixel data are never touched unless asked for. The file
/// must not be made shorter while it is mapped; files of a store are never changed once they are there.
///
/// It is `@unchecked Sendable` because the bytes never change after `init` and are released by `deinit` only.
public final class ByteSource: @unchecked Sendable {
  /// A run of kept bytes.
  struct Part {
    /// From the start of all bytes.
    let offset: Int
    /// From `base`.
    let kept: Int
    let count: Int
  }

  private enum Owner { case memory, mapping }

  /// All bytes, also those a stream did not keep.
  public let count: Int
  private let base: UnsafeRawPointer
  /// In order, with gaps between them. Never empty; one part unless a stream left something out.
  private let parts: [Part]
  /// The end of a first part that begins with the first byte; -1 if it begins later.
  private let firstEnd: Int
  private let owner: Owner
  private let keptCount: Int

  /// Copies bytes.
  public convenience init(_ bytes: some Collection<UInt8>) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 8)
    buffer.copyBytes(from: bytes)
    self.init(taking: buffer, parts: [Part(offset: 0, kept: 0, count: bytes.count)], count: bytes.count)
  }

  /// Takes over memory made by `allocate`.
  init(taking buffer: UnsafeMutableRawBufferPointer, parts: [Part], count: Int) {
    base = buffer.baseAddress.map { UnsafeRawPointer($0) } ?? UnsafeRawPointer(bitPattern: 8).unsafelyUnwrapped
    keptCount = buffer.count
    owner = .memory
    self.parts = parts.isEmpty ? [Part(offset: 0, kept: 0, count: 0)] : parts
    // What is kept of a stream begins behind the file's head.
    firstEnd = self.parts[0].offset == 0 ? self.parts[0].count : -1
    self.count = count
  }

  /// Maps a file.
  /// - Throws: `unreadable` if it cannot be opened or is no regular file.
  public init(file path: String) throws(DICOMError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw DICOMError(.unreadable, at: 0) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw DICOMError(.unreadable, at: 0)
    }
    let size = Int(status.st_size)
    if size == 0 {
      base = UnsafeRawPointer(UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 8))
      owner = .memory
    } else {
      guard let mapped = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), mapped != MAP_FAILED else {
        throw DICOMError(.unreadable, at: 0)
      }
      base = UnsafeRawPointer(mapped)
      owner = .mapping
    }
    parts = [Part(offset: 0, kept: 0, count: size)]
    firstEnd = size
    keptCount = size
    count = size
  }

  deinit {
    switch owner {
    case .memory: base.deallocate()
    case .mapping: munmap(UnsafeMutableRawPointer(mutating: base), keptCount)
    }
  }

  /// The bytes from `offset`; nil if there are not so many, or if a stream did not keep them.
  ///
  /// Valid while the source lives, which may end with its last use: who cannot tell uses `withBytes`.
  @inline(__always)
  public func bytes(at offset: Int, count: Int) -> UnsafeRawBufferPointer? {
    guard offset >= 0, count >= 0 else { return nil }
    if offset <= firstEnd, count <= firstEnd - offset {
      return UnsafeRawBufferPointer(start: base + offset, count: count)
    }
    return laterBytes(at: offset, count: count)
  }

  private func laterBytes(at offset: Int, count: Int) -> UnsafeRawBufferPointer? {
    var low = 0
    var high = parts.count
    while low < high {
      let middle = (low + high) / 2
      if parts[middle].offset <= offset { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    let part = parts[low - 1]
    let start = offset - part.offset
    guard start <= part.count, count <= part.count - start else { return nil }
    return UnsafeRawBufferPointer(start: base + part.kept + start, count: count)
  }

  /// All bytes, nil if a stream left some out. Valid while the source lives, as those of `bytes(at:count:)`.
  public var allBytes: UnsafeRawBufferPointer? { bytes(at: 0, count: count) }

  /// Gives the bytes of a range to `body`, and lives until it returns; nil if they are not all there.
  public func withBytes<R, E: Error>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E)
    -> R?
  {
    defer { withExtendedLifetime(self) {} }
    guard let bytes = bytes(at: range.lowerBound, count: range.count) else { return nil }
    return try body(bytes)
  }
}
