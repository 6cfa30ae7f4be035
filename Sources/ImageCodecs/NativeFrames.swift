internal import DICOMCore

/// Frames that are not compressed (PS3.5 §8).
struct NativeFrames {
  let image: ImagePixel
  let isBigEndian: Bool

  init(_ image: ImagePixel, isBigEndian: Bool = false) {
    self.image = image
    self.isBigEndian = isBigEndian
  }

  func decode(_ stream: UnsafeRawBufferPointer, _ bitOffset: Int = 0) throws(ImageError) -> Frame {
    if image.bitsAllocated == 1 { return try unpack(stream, bitOffset) }
    let isSubsampled = [.ybrFull422, .ybrPartial422].contains(image.photometricInterpretation)
    if isSubsampled, stream.count < image.frameBytes { return try expand(stream) }
    guard stream.count >= image.frameBytes else { throw ImageError(.malformedStream) }
    var bytes = Array(UnsafeRawBufferPointer(rebasing: stream[..<image.frameBytes]))
    if isBigEndian { Self.swap(&bytes, image.sampleBytes) }
    var described = image
    if image.photometricInterpretation == .ybrFull422 { described.photometricInterpretation = .ybrFull }
    if image.planarConfiguration == 1 {
      bytes = Self.interleave(bytes, samples: image.samplesPerPixel, size: image.sampleBytes)
      described.planarConfiguration = 0
    }
    return Frame(image: described, bytes: bytes)
  }

  /// One bit for each pixel, the first in the lowest bit (PS3.5 §8.1.1).
  private func unpack(_ stream: UnsafeRawBufferPointer, _ bitOffset: Int) throws(ImageError) -> Frame {
    let count = image.pixelCount * image.samplesPerPixel
    guard stream.count * 8 >= count + bitOffset else { throw ImageError(.malformedStream) }
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
      for place in 0..<count {
        let bit = bitOffset + place
        bytes[place] = stream[bit >> 3] >> UInt8(bit & 7) & 1
      }
      filled = count
    }
    return Frame(image: image.oneBitExpanded, bytes: bytes)
  }

  /// Y Y Cb Cr for each two pixels (PS3.3 C.7.6.3.1.2).
  private func expand(_ stream: UnsafeRawBufferPointer) throws(ImageError) -> Frame {
    guard stream.count >= image.pixelCount * 2 else { throw ImageError(.malformedStream) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(image.frameBytes)
    for pair in 0..<image.pixelCount / 2 {
      let (first, second) = (stream[pair * 4], stream[pair * 4 + 1])
      let (blue, red) = (stream[pair * 4 + 2], stream[pair * 4 + 3])
      bytes.append(contentsOf: [first, blue, red, second, blue, red])
    }
    var described = image
    if image.photometricInterpretation == .ybrFull422 { described.photometricInterpretation = .ybrFull }
    return Frame(image: described, bytes: bytes)
  }

  /// Turns the bytes of words around.
  static func swap(_ bytes: inout [UInt8], _ size: Int) {
    guard size > 1 else { return }
    bytes.withUnsafeMutableBytes { bytes in
      for start in stride(from: 0, to: bytes.count - size + 1, by: size) {
        for place in 0..<size / 2 { bytes.swapAt(start + place, start + size - 1 - place) }
      }
    }
  }

  /// Planes to pixels.
  static func interleave(_ planes: [UInt8], samples: Int, size: Int) -> [UInt8] {
    let area = planes.count / (samples * size)
    return [UInt8](unsafeUninitializedCapacity: planes.count) { bytes, filled in
      for sample in 0..<samples {
        for pixel in 0..<area {
          for place in 0..<size {
            bytes[(pixel * samples + sample) * size + place] = planes[(sample * area + pixel) * size + place]
          }
        }
      }
      filled = area * samples * size
    }
  }
}

extension ImagePixel {
  /// With a byte for each pixel of one bit.
  var oneBitExpanded: ImagePixel {
    var image = self
    image.bitsAllocated = 8
    image.bitsStored = 1
    image.highBit = 0
    return image
  }
}
