import CZstd
import Storage
import Synchronization

/// zstd for stored metadata. Contexts are kept and reused: making one costs more than compressing a small text.
///
/// It is `@unchecked Sendable` because a context is used only by who took it from the list.
final class MetadataCompression: @unchecked Sendable {
  /// Level 1: DICOM JSON is as small as with level 3, for half the time.
  private static let level: Int32 = 1
  /// Metadata larger than this was not written by us.
  private static let bytesMax = 1 << 30

  private let compressors = Mutex<[UInt]>([])
  private let decompressors = Mutex<[UInt]>([])

  deinit {
    for context in compressors.withLock({ $0 }) { ZSTD_freeCCtx(OpaquePointer(bitPattern: context)) }
    for context in decompressors.withLock({ $0 }) { ZSTD_freeDCtx(OpaquePointer(bitPattern: context)) }
  }

  func compress(_ body: [UInt8]) throws -> [UInt8] {
    let taken = compressors.withLock { $0.popLast() }
    guard let context = taken.flatMap({ OpaquePointer(bitPattern: $0) }) ?? ZSTD_createCCtx() else {
      throw StorageError(.other, detail: "zstd: no context")
    }
    defer { compressors.withLock { $0.append(UInt(bitPattern: context)) } }
    var code = 0
    let packed = [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(body.count)) { output, count in
      code = body.withUnsafeBytes { input in
        ZSTD_compressCCtx(context, output.baseAddress, output.count, input.baseAddress, input.count, Self.level)
      }
      count = ZSTD_isError(code) == 0 ? code : 0
    }
    if ZSTD_isError(code) != 0 { throw StorageError(.other, detail: "zstd: compression failed") }
    return packed
  }

  /// Adds the text of a compressed one to `output`; nothing if it is damaged.
  func decompress(_ packed: UnsafeRawBufferPointer, to output: inout [UInt8]) throws {
    let size = ZSTD_getFrameContentSize(packed.baseAddress, packed.count)
    guard size <= UInt64(Self.bytesMax) else {
      throw StorageError(.corrupt, detail: "stored metadata is no zstd frame")
    }
    let taken = decompressors.withLock { $0.popLast() }
    guard let context = taken.flatMap({ OpaquePointer(bitPattern: $0) }) ?? ZSTD_createDCtx() else {
      throw StorageError(.other, detail: "zstd: no context")
    }
    defer { decompressors.withLock { $0.append(UInt(bitPattern: context)) } }
    let start = output.count
    let end = start + Int(size)
    output.append(contentsOf: repeatElement(0, count: Int(size)))
    let code = output.withUnsafeMutableBytes { target in
      ZSTD_decompressDCtx(
        context, target.baseAddress.map { $0 + start }, end - start, packed.baseAddress, packed.count)
    }
    if ZSTD_isError(code) != 0 || code != end - start {
      output.removeLast(end - start)
      throw StorageError(.corrupt, detail: "stored metadata does not decompress")
    }
  }
}
