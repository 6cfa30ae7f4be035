internal import CImageCodecs

/// Decodes one compressed stream into a frame of a known size.
struct FrameDecoder {
  let image: ImagePixel

  init(_ image: ImagePixel) { self.image = image }

  func decode(_ stream: UnsafeRawBufferPointer, _ codec: Codec) throws(ImageError) -> Frame {
    switch codec {
    case .native: return try NativeFrames(image).decode(stream)
    case .rle: return try RLE(image).decode(stream)
    case .deflatedFrame: return try inflate(stream)
    case .jpeg: return try jpeg(stream)
    case .jpegLS: return try jpegLS(stream)
    case .jpeg2000: return try jpeg2000(stream)
    }
  }

  /// PS3.5 A.4.13: the native frame, deflated.
  private func inflate(_ stream: UnsafeRawBufferPointer) throws(ImageError) -> Frame {
    let bits = image.pixelCount * image.samplesPerPixel * image.bitsAllocated
    // Deflate makes at most 1032 bytes of one: what claims more is not decoded at all.
    guard (bits + 7) / 8 / 1032 <= stream.count else { throw ImageError(.malformedStream) }
    let bytes = try pixels(count: (bits + 7) / 8, stream) { start, count, pixels, pixelsCount, _ in
      ic_inflate(start, count, pixels, pixelsCount)
    }
    return try bytes.bytes.withUnsafeBytesThrowing { native throws(ImageError) in
      try NativeFrames(image).decode(native)
    }
  }

  private func jpeg(_ stream: UnsafeRawBufferPointer) throws(ImageError) -> Frame {
    guard let header = JPEGHeader(stream) else { throw ImageError(.malformedStream) }
    guard header.rows == image.rows, header.columns == image.columns, header.samples == image.samplesPerPixel else {
      throw ImageError(.mismatch)
    }
    // No Huffman coded block of 64 samples takes less than 2 bits, no lossless sample less than 1 (ITU-T T.81 F, H).
    let least = image.pixelCount / (header.process == .lossless ? 8 : 1024)
    guard stream.count >= least else { throw ImageError(.malformedStream) }
    switch (header.process, header.precision) {
    case (.lossless, 2...16), (.sequential, 12):
      return try huffman(stream, header)
    case (.sequential, 8), (.progressive, 8):
      return try baseline(stream)
    default:
      throw ImageError(.unsupportedTransferSyntax)
    }
  }

  private func baseline(_ stream: UnsafeRawBufferPointer) throws(ImageError) -> Frame {
    let assumesRGB: Int32 = image.photometricInterpretation == .rgb ? 1 : 0
    let decoded = try pixels(count: image.pixelCount * image.samplesPerPixel, stream) {
      ic_jpeg_decode($0, $1, assumesRGB, &$4, $2, $3)
    }
    var described = image.withContainer(bytes: 1)
    described.bitsStored = min(8, image.bitsStored)
    described.highBit = described.bitsStored - 1
    if image.samplesPerPixel == 3 {
      described.photometricInterpretation = decoded.image.is_transformed != 0 ? .ybrFull : .rgb
    }
    return Frame(image: described, bytes: decoded.bytes).widened(to: image.sampleBytes)
  }

  private func huffman(_ stream: UnsafeRawBufferPointer, _ header: JPEGHeader) throws(ImageError) -> Frame {
    guard header.precision <= 8 * image.sampleBytes, image.sampleBytes <= 2 else { throw ImageError(.mismatch) }
    var decoder = JPEGHuffmanDecoder(stream, header)
    let samples = try decoder.decode()
    var described = image
    described.planarConfiguration = 0
    if image.photometricInterpretation == .ybrFull422 { described.photometricInterpretation = .ybrFull }
    return Frame(image: described, bytes: Self.bytes(samples, image.sampleBytes))
      .signExtended(from: header.precision)
  }

  private static func bytes(_ samples: [UInt16], _ size: Int) -> [UInt8] {
    if size == 1 { return samples.map { UInt8(truncatingIfNeeded: $0) } }
    return [UInt8](unsafeUninitializedCapacity: samples.count * 2) { bytes, filled in
      for (place, sample) in samples.enumerated() {
        bytes[2 * place] = UInt8(truncatingIfNeeded: sample)
        bytes[2 * place + 1] = UInt8(truncatingIfNeeded: sample >> 8)
      }
      filled = samples.count * 2
    }
  }

  private func jpegLS(_ stream: UnsafeRawBufferPointer) throws(ImageError) -> Frame {
    guard let header = JPEGHeader(stream), header.process == .jpegLS else { throw ImageError(.malformedStream) }
    guard header.rows == image.rows, header.columns == image.columns, header.samples == image.samplesPerPixel,
      header.precision <= 8 * image.sampleBytes
    else { throw ImageError(.mismatch) }
    let decoded = try pixels(count: image.frameBytes, stream) { ic_jpegls_decode($0, $1, &$4, $2, $3) }
    var bytes = decoded.bytes
    let size = Int(decoded.image.bytes)
    if size < image.sampleBytes { bytes.removeLast(bytes.count - image.pixelCount * image.samplesPerPixel * size) }
    var described = image.withContainer(bytes: size)
    if image.photometricInterpretation == .ybrFull422 { described.photometricInterpretation = .ybrFull }
    return Frame(image: described, bytes: bytes).widened(to: image.sampleBytes)
      .signExtended(from: Int(decoded.image.bits))
  }

  private func jpeg2000(_ stream: UnsafeRawBufferPointer) throws(ImageError) -> Frame {
    guard let header = JPEG2000Header(stream) else { throw ImageError(.malformedStream) }
    guard header.rows == image.rows, header.columns == image.columns, header.samples == image.samplesPerPixel else {
      throw ImageError(.mismatch)
    }
    guard header.isAffordable, image.sampleBytes <= 4 else { throw ImageError(.tooLarge) }
    let decoded = try pixels(count: image.frameBytes, stream) { ic_jpeg2000_decode($0, $1, &$4, $2, $3) }
    var described = image.bitsAllocated == 1 ? image.oneBitExpanded : image
    described.planarConfiguration = 0
    if header.isTransformed || image.photometricInterpretation.isRGBWhenDecoded {
      described.photometricInterpretation = .rgb
    } else if image.photometricInterpretation == .ybrFull422 {
      described.photometricInterpretation = .ybrFull
    }
    let frame = Frame(image: described, bytes: decoded.bytes)
    return decoded.image.is_signed != 0 ? frame : frame.signExtended(from: Int(decoded.image.bits))
  }

  // MARK: The libraries

  private func pixels(
    count: Int, _ stream: UnsafeRawBufferPointer,
    _ decode: (UnsafePointer<UInt8>, Int, UnsafeMutablePointer<UInt8>, Int, inout ic_image) -> ic_status
  ) throws(ImageError) -> (bytes: [UInt8], image: ic_image) {
    let input = stream.bindMemory(to: UInt8.self)
    guard let start = input.baseAddress else { throw ImageError(.malformedStream) }
    var described = ic_image(image)
    var status = IC_MALFORMED
    // Zeros, and not memory as it comes: no library's fault may show what was there before.
    var bytes = [UInt8](repeating: 0, count: count)
    bytes.withUnsafeMutableBufferPointer { pixels in
      guard let to = pixels.baseAddress else { return }
      status = decode(start, input.count, to, count, &described)
    }
    try check(status)
    return (bytes, described)
  }
}

func check(_ status: ic_status) throws(ImageError) {
  switch status {
  case IC_OK: return
  case IC_MISMATCH: throw ImageError(.mismatch)
  case IC_UNSUPPORTED: throw ImageError(.unsupportedTransferSyntax)
  case IC_NO_MEMORY: throw ImageError(.outOfMemory)
  default: throw ImageError(.malformedStream)
  }
}

extension ic_image {
  init(_ image: ImagePixel) {
    self.init(
      columns: UInt32(image.columns), rows: UInt32(image.rows), samples: UInt32(image.samplesPerPixel),
      bytes: UInt32(image.sampleBytes), bits: UInt32(image.bitsStored), is_signed: image.isSigned ? 1 : 0,
      is_transformed: 0)
  }
}

extension ImagePixel {
  /// With samples of so many bytes.
  func withContainer(bytes: Int) -> ImagePixel {
    var image = self
    image.bitsAllocated = 8 * bytes
    image.planarConfiguration = 0
    return image
  }
}

extension Frame {
  /// With samples of `size` bytes, if they have fewer.
  func widened(to size: Int) -> Frame {
    let present = image.sampleBytes
    guard size > present else { return self }
    var wide = [UInt8](repeating: 0, count: bytes.count / present * size)
    for index in 0..<bytes.count / present {
      for place in 0..<present { wide[index * size + place] = bytes[index * present + place] }
    }
    return Frame(image: image.withContainer(bytes: size), bytes: wide)
  }

  /// Codecs without negative numbers give their bits: here the sign is extended from the stream's precision, or from
  /// Bits Stored where that is less.
  func signExtended(from precision: Int) -> Frame {
    let size = image.sampleBytes
    let bits = min(precision, 8 * size)
    guard image.isSigned, bits < 8 * size, size <= 4 else { return self }
    var extended = self
    let shift = UInt32(32 - bits)
    for index in 0..<bytes.count / size {
      let value = Int32(bitPattern: word(at: index, size) << shift) >> Int32(shift)
      for place in 0..<size { extended.bytes[index * size + place] = UInt8(truncatingIfNeeded: value >> (8 * place)) }
    }
    return extended
  }
}
