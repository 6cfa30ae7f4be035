import Glibc
import Synchronization

/// Memory at an address that the disk can be written from.
///
/// `@unchecked Sendable`: whoever took it from the pool is its only user until it is given back.
final class BlockBuffer: @unchecked Sendable {
  /// What file systems ask of the addresses, places and lengths of direct writes, at most.
  static let blockBytes = 4096
  static let byteCount = 1024 * 1024

  let bytes: UnsafeMutableRawBufferPointer

  init() { bytes = .allocate(byteCount: Self.byteCount, alignment: Self.blockBytes) }

  deinit { bytes.deallocate() }

  /// Buffers that are used again and again: memory that is new to a process costs more than a copy.
  final class Pool: Sendable {
    private let free = Mutex<[BlockBuffer]>([])

    /// Lends a buffer for as long as `body` runs.
    func withBuffer<R>(_ body: (BlockBuffer) throws -> R) rethrows -> R {
      let buffer = free.withLock { $0.popLast() } ?? BlockBuffer()
      defer { free.withLock { $0.append(buffer) } }
      return try body(buffer)
    }
  }
}

/// Bytes on their way into a file, gathered into whole blocks.
struct BlockWriter: ~Copyable {
  private let file: UnfinishedFile
  private let buffer: BlockBuffer
  private var filled = 0

  init(_ file: UnfinishedFile, _ buffer: BlockBuffer) {
    self.file = file
    self.buffer = buffer
  }

  mutating func append(_ bytes: UnsafeRawBufferPointer) throws(BlobError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = rest.prefix(BlockBuffer.byteCount - filled)
      UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[filled...]).copyMemory(from: .init(rebasing: piece))
      filled += piece.count
      rest = rest.dropFirst(piece.count)
      if filled == BlockBuffer.byteCount { try writeBlocks() }
    }
  }

  /// Writes the whole blocks, and returns the bytes that are less than one: they begin what is written next.
  mutating func pause() throws(BlobError) -> [UInt8] {
    try writeBlocks()
    return Array(buffer.bytes[..<filled])
  }

  /// Writes all that is left.
  mutating func finish() throws(BlobError) {
    try writeBlocks()
    guard filled > 0 else { return }
    file.leaveDirect()
    try file.write(UnsafeRawBufferPointer(rebasing: buffer.bytes[..<filled]))
    filled = 0
  }

  private mutating func writeBlocks() throws(BlobError) {
    let whole = filled / BlockBuffer.blockBytes * BlockBuffer.blockBytes
    guard whole > 0 else { return }
    try file.write(UnsafeRawBufferPointer(rebasing: buffer.bytes[..<whole]))
    buffer.bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer.bytes[whole..<filled]))
    filled -= whole
  }
}
