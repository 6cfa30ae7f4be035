import CZstd
import Storage

/// zstd for rows of the log: messages of one kind are alike, so that little is left of them.
enum SegmentCompression {
  private static let level: Int32 = 1
  /// A row larger than this was not written by us.
  private static let bytesMax = 1 << 30

  static func compress(_ bytes: [UInt8]) throws -> [UInt8] {
    var code = 0
    let packed = [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { output, count in
      code = bytes.withUnsafeBytes { input in
        ZSTD_compress(output.baseAddress, output.count, input.baseAddress, input.count, level)
      }
      count = ZSTD_isError(code) == 0 ? code : 0
    }
    if ZSTD_isError(code) != 0 { throw StorageError(.other, detail: "zstd: compression failed") }
    return packed
  }

  static func decompress(_ packed: UnsafeRawBufferPointer) throws -> [UInt8] {
    let size = ZSTD_getFrameContentSize(packed.baseAddress, packed.count)
    guard size <= UInt64(bytesMax) else { throw StorageError(.corrupt, detail: "a row of the log is no zstd frame") }
    var code = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: Int(size)) { output, count in
      code = ZSTD_decompress(output.baseAddress, output.count, packed.baseAddress, packed.count)
      count = ZSTD_isError(code) == 0 ? code : 0
    }
    if ZSTD_isError(code) != 0 || bytes.count != Int(size) {
      throw StorageError(.corrupt, detail: "a row of the device log does not decompress")
    }
    return bytes
  }
}
