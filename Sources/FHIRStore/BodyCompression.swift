internal import CZstd
import Synchronization
import Storage

/// zstd for stored bodies. Contexts are kept and reused: making one costs more than a small body's compression.
///
/// It is `@unchecked Sendable` because a context is used only by who took it from the list.
final class BodyCompression: @unchecked Sendable {
  /// Level 1: on FHIR JSON it is as small as level 3 and half as expensive.
  private static let level: Int32 = 1
  /// A body larger than this was not written by us.
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

  func decompress(_ packed: UnsafeRawBufferPointer) throws -> [UInt8] {
    let size = ZSTD_getFrameContentSize(packed.baseAddress, packed.count)
    guard size <= UInt64(Self.bytesMax) else { throw StorageError(.corrupt, detail: "a stored body is no zstd frame") }
    let taken = decompressors.withLock { $0.popLast() }
    guard let context = taken.flatMap({ OpaquePointer(bitPattern: $0) }) ?? ZSTD_createDCtx() else {
      throw StorageError(.other, detail: "zstd: no context")
    }
    defer { decompressors.withLock { $0.append(UInt(bitPattern: context)) } }
    var code = 0
    let body = [UInt8](unsafeUninitializedCapacity: Int(size)) { output, count in
      code = ZSTD_decompressDCtx(context, output.baseAddress, output.count, packed.baseAddress, packed.count)
      count = ZSTD_isError(code) == 0 ? code : 0
    }
    if ZSTD_isError(code) != 0 || body.count != Int(size) {
      throw StorageError(.corrupt, detail: "a stored body does not decompress")
    }
    return body
  }
}
