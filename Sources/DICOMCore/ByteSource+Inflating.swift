internal import CZlib

/// Inflates raw deflate (RFC 1951) in pieces: the form of a deflated data set (PS3.5 A.5), and of a file in an archive.
public final class Inflater {
  // On the heap, for zlib's state points back at it.
  private let stream: UnsafeMutablePointer<z_stream>
  /// Whether the stream has come to its end.
  public private(set) var isFinished = false
  /// Bytes that came out so far.
  public private(set) var producedCount = 0
  let limit: Int

  /// - Parameters:
  ///   - limit: the most bytes that may come out.
  ///   - hasHeader: whether the bytes begin as zlib's own format does (RFC 1950).
  public init(limit: Int, hasHeader: Bool) throws(DICOMError) {
    self.limit = limit
    stream = UnsafeMutablePointer.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let bits: Int32 = hasHeader ? MAX_WBITS : -MAX_WBITS
    guard inflateInit2_(stream, bits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      stream.deallocate()
      throw DICOMError(.invalidDeflate, at: 0)
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// RFC 1950 §2.2: deflate with a window up to 32 KB, and a checksum of the two bytes.
  static func hasZlibHeader(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count >= 2, bytes[0] & 0x0F == 8, bytes[0] >> 4 <= 7 else { return false }
    return (Int(bytes[0]) << 8 | Int(bytes[1])) % 31 == 0
  }

  /// Inflates `input`, handing out what comes of it in pieces.
  /// - Throws: `invalidDeflate`; `inflatedTooLarge` once more than `limit` bytes came out; what `consume` throws.
  public func inflate(
    _ input: UnsafeRawBufferPointer, _ consume: (UnsafeRawBufferPointer) throws(DICOMError) -> Void
  ) throws(DICOMError) {
    let capacity = 256 * 1024
    let output = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
    defer { output.deallocate() }
    var position = 0
    while !isFinished {
      let piece = min(input.count - position, 1 << 30)
      guard let base = input.baseAddress else { return }
      stream.pointee.next_in = UnsafeMutablePointer(mutating: (base + position).assumingMemoryBound(to: Bytef.self))
      stream.pointee.avail_in = UInt32(piece)
      stream.pointee.next_out = output.assumingMemoryBound(to: Bytef.self)
      stream.pointee.avail_out = UInt32(capacity)
      let status = CZlib.inflate(stream, Z_NO_FLUSH)
      position += piece - Int(stream.pointee.avail_in)
      let produced = capacity - Int(stream.pointee.avail_out)
      if produced > 0 {
        producedCount += produced
        guard producedCount <= limit else { throw DICOMError(.inflatedTooLarge, at: position) }
        try consume(UnsafeRawBufferPointer(start: output, count: produced))
      }
      if status == Z_STREAM_END {
        isFinished = true
      } else if status != Z_OK && status != Z_BUF_ERROR {
        throw DICOMError(.invalidDeflate, at: position)
      } else if stream.pointee.avail_out > 0 && position >= input.count {
        return
      }
    }
  }
}

extension ByteSource {
  /// The inflated form of the rest of a source, in memory. What can be inflated of a cut stream is kept.
  static func inflating(
    _ source: ByteSource, from offset: Int, limits: DICOMLimits
  ) throws(DICOMError) -> (source: ByteSource, tolerances: Tolerances) {
    guard let input = source.bytes(at: offset, count: source.count - offset) else {
      throw DICOMError(.notResident, at: offset)
    }
    var tolerances = Tolerances(limit: limits.tolerancesMax)
    var output: [UInt8] = []
    // Raw deflate of a data set begins with a block header that is no zlib header, unless by accident: try raw first.
    let isWhole = try inflate(input, hasHeader: false, limits, &output)
    if !isWhole {
      let isZlib = Inflater.hasZlibHeader(input)
      if isZlib {
        output.removeAll()
        _ = try inflate(input, hasHeader: true, limits, &output)
      }
      tolerances.note(.imperfectDeflate, at: offset)
    }
    guard !output.isEmpty || input.isEmpty else { throw DICOMError(.invalidDeflate, at: offset) }
    return (ByteSource(output), tolerances)
  }

  /// Appends what can be inflated; false if the stream is faulty or cut.
  private static func inflate(
    _ input: UnsafeRawBufferPointer, hasHeader: Bool, _ limits: DICOMLimits, _ output: inout [UInt8]
  ) throws(DICOMError) -> Bool {
    let inflater = try Inflater(limit: limits.inflatedBytesMax, hasHeader: hasHeader)
    do {
      try inflater.inflate(input) { piece throws(DICOMError) in output.append(contentsOf: piece) }
      return inflater.isFinished
    } catch  where error.code == .invalidDeflate {
      return false
    }
  }

  /// Deflates bytes as PS3.5 A.5 says: raw, padded to an even length with a NUL.
  static func deflated(_ bytes: [UInt8], level: Int32 = 6) throws(DICOMError) -> [UInt8] {
    guard bytes.count < 1 << 31 else { throw DICOMError(.unencodable, at: bytes.count) }
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    defer { stream.deallocate() }
    guard
      deflateInit2_(
        stream, level, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { throw DICOMError(.unencodable, at: 0) }
    defer { deflateEnd(stream) }
    var output = [UInt8](repeating: 0, count: Int(deflateBound(stream, UInt(bytes.count))))
    bytes.withUnsafeBytes { input in
      output.withUnsafeMutableBytes { output in
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: Bytef.self))
        stream.pointee.avail_in = UInt32(input.count)
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: Bytef.self)
        stream.pointee.avail_out = UInt32(truncatingIfNeeded: output.count)
        _ = deflate(stream, Z_FINISH)
      }
    }
    output.removeLast(Int(stream.pointee.avail_out))
    if output.count & 1 != 0 { output.append(0) }
    return output
  }
}
