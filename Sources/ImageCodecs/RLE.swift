/// RLE Lossless (PS3.5 Annex G): each byte of a sample in a segment of its own, the highest first.
struct RLE {
  let image: ImagePixel
  static let headerCount = 64
  static let segmentsMax = 15

  init(_ image: ImagePixel) { self.image = image }

  func decode(_ stream: UnsafeRawBufferPointer) throws(ImageError) -> Frame {
    if image.bitsAllocated == 1 {
      // Eight pixels a byte, as in native frames; a frame begins with a byte.
      let packed = try planes(stream, count: (image.pixelCount * image.samplesPerPixel + 7) / 8, segments: 1)
      return try packed.withUnsafeBytesThrowing { bytes throws(ImageError) in try NativeFrames(image).decode(bytes) }
    }
    let size = image.sampleBytes
    let segments = image.samplesPerPixel * size
    let area = image.pixelCount
    let planes = try planes(stream, count: area, segments: segments)
    let bytes = [UInt8](unsafeUninitializedCapacity: image.frameBytes) { bytes, filled in
      for segment in 0..<segments {
        let place = segment / size * size + size - 1 - segment % size
        for pixel in 0..<area { bytes[pixel * segments + place] = planes[segment * area + pixel] }
      }
      filled = area * segments
    }
    var described = image
    described.planarConfiguration = 0
    return Frame(image: described, bytes: bytes)
  }

  private func planes(_ stream: UnsafeRawBufferPointer, count: Int, segments: Int) throws(ImageError) -> [UInt8] {
    guard stream.count >= Self.headerCount, segments <= Self.segmentsMax else { throw ImageError(.malformedStream) }
    func header(_ place: Int) -> Int {
      Int(UInt32(littleEndian: stream.loadUnaligned(fromByteOffset: place * 4, as: UInt32.self)))
    }
    guard header(0) == segments else { throw ImageError(.mismatch) }
    let starts = (1...segments).map(header) + [stream.count]
    var planes = [UInt8](repeating: 0, count: count * segments)
    var isComplete = true
    planes.withUnsafeMutableBytes { planes in
      for segment in 0..<segments where isComplete {
        let (start, end) = (starts[segment], starts[segment + 1])
        guard start >= Self.headerCount, start <= end, end <= stream.count else {
          isComplete = false
          return
        }
        isComplete = Self.unpack(
          UnsafeRawBufferPointer(rebasing: stream[start..<end]),
          UnsafeMutableRawBufferPointer(rebasing: planes[segment * count..<(segment + 1) * count]))
      }
    }
    guard isComplete else { throw ImageError(.malformedStream) }
    return planes
  }

  /// PackBits (PS3.5 G.3.2).
  /// - Returns: false if it ends before `bytes` is full.
  private static func unpack(_ stream: UnsafeRawBufferPointer, _ bytes: UnsafeMutableRawBufferPointer) -> Bool {
    var (from, to) = (0, 0)
    while to < bytes.count {
      guard from < stream.count else { return false }
      let control = Int(Int8(bitPattern: stream[from]))
      from += 1
      if control >= 0 {
        let count = min(control + 1, bytes.count - to)
        guard count <= stream.count - from else { return false }
        bytes[to..<to + count].copyBytes(from: stream[from..<from + count])
        from += control + 1
        to += count
      } else if control > -128 {
        guard from < stream.count else { return false }
        let end = min(to + 1 - control, bytes.count)
        while to < end {
          bytes[to] = stream[from]
          to += 1
        }
        from += 1
      }
    }
    return true
  }

  // MARK: Encoding

  func encode(_ frame: Frame) throws(ImageError) -> [UInt8] {
    let size = image.sampleBytes
    let segments = image.samplesPerPixel * size
    guard segments <= Self.segmentsMax else { throw ImageError(.unsupportedTransferSyntax) }
    var stream = [UInt8](repeating: 0, count: Self.headerCount)
    Self.set(&stream, 0, segments)
    for segment in 0..<segments {
      Self.set(&stream, segment + 1, stream.count)
      let place = segment / size * size + size - 1 - segment % size
      for row in 0..<image.rows { pack(frame.bytes, row: row, place: place, step: segments, to: &stream) }
      if stream.count % 2 != 0 { stream.append(0) }
    }
    return stream
  }

  private static func set(_ stream: inout [UInt8], _ place: Int, _ value: Int) {
    for byte in 0..<4 { stream[place * 4 + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
  }

  /// PS3.5 G.3.1: no run goes over the end of a row.
  private func pack(_ bytes: [UInt8], row: Int, place: Int, step: Int, to stream: inout [UInt8]) {
    let start = row * image.columns * step + place
    func byte(_ column: Int) -> UInt8 { bytes[start + column * step] }
    var column = 0
    var literalStart = 0
    func flush(upTo end: Int) {
      while literalStart < end {
        let count = min(128, end - literalStart)
        stream.append(UInt8(count - 1))
        for place in literalStart..<literalStart + count { stream.append(byte(place)) }
        literalStart += count
      }
    }
    while column < image.columns {
      var end = column + 1
      while end < image.columns, end - column < 128, byte(end) == byte(column) { end += 1 }
      if end - column >= 3 {
        flush(upTo: column)
        stream.append(UInt8(bitPattern: Int8(1 - (end - column))))
        stream.append(byte(column))
        literalStart = end
      }
      column = end
    }
    flush(upTo: image.columns)
  }
}

extension [UInt8] {
  /// `withUnsafeBytes` for a body with a typed error.
  func withUnsafeBytesThrowing<R>(_ body: (UnsafeRawBufferPointer) throws(ImageError) -> R) throws(ImageError) -> R {
    try withUnsafeBytes { bytes in Result { () throws(ImageError) in try body(bytes) } }.get()
  }
}
