import DICOMCore
import TestSupport
import Testing

@testable import ImageCodecs

@Suite("Transcoding")
struct TranscodingTests {
  static let lossless: [TransferSyntax] = [
    .implicitVRLittleEndian, .explicitVRLittleEndian, .explicitVRBigEndian, .deflatedExplicitVRLittleEndian,
    .rleLossless, .jpegLSLossless, .jpeg2000Lossless, .htj2kLossless, .htj2kLosslessRPCL, .deflatedImageFrame,
  ]

  static let frames: [Frame] = [
    TestImages.frame(allocated: 8, stored: 8), TestImages.frame(allocated: 16, stored: 10),
    TestImages.frame(allocated: 16, stored: 12, isSigned: true), TestImages.frame(allocated: 16, stored: 16),
    TestImages.frame(allocated: 16, stored: 16, isSigned: true),
    TestImages.frame(rows: 1, columns: 1, allocated: 8, stored: 8),
    TestImages.frame(allocated: 16, stored: 8), TestImages.frame(allocated: 16, stored: 7, isSigned: true),
    TestImages.frame(rows: 3, columns: 200, samples: 3, allocated: 8, stored: 8, photometric: .rgb),
    TestImages.frame(samples: 3, allocated: 16, stored: 16, photometric: .rgb),
    TestImages.frame(samples: 3, allocated: 8, stored: 8, photometric: .ybrFull),
    TestImages.frame(allocated: 8, stored: 8, photometric: .paletteColor),
  ]

  @Test("lossless there and back: the same samples", arguments: lossless)
  func roundTrip(syntax: TransferSyntax) throws {
    for frame in Self.frames {
      let second = TestImages.frame(like: frame, seed: 2)
      let original = try TestImages.file([frame, second])
      let there = try DICOMFile(Transcoder(original, to: syntax).encoded())
      #expect(there.transferSyntax == syntax)
      #expect(there.tolerances.count == 0, "\(there.tolerances)")
      let reader = try FrameReader(there)
      #expect(reader.count == 2)
      #expect(try reader.frame(0).bytes == frame.bytes, "\(frame.image)")
      #expect(try reader.frame(1).bytes == second.bytes, "\(frame.image)")
      let back = try DICOMFile(Transcoder(there, to: .explicitVRLittleEndian).encoded())
      let pixels = try #require(back.dataSet[.pixelData]?.value)
      #expect(Array(pixels.prefix(2 * frame.bytes.count)) == frame.bytes + second.bytes)
      #expect(back.dataSet.string(.photometricInterpretation) == frame.image.photometricInterpretation.rawValue)
    }
  }

  @Test("every lossless step from each of them to each other", arguments: lossless)
  func pairs(from: TransferSyntax) throws {
    let frame = TestImages.frame(allocated: 16, stored: 12, isSigned: true)
    let source = try DICOMFile(Transcoder(try TestImages.file([frame]), to: from).encoded())
    for to in Self.lossless {
      let result = try DICOMFile(Transcoder(source, to: to).encoded())
      #expect(try FrameReader(result).frame(0).bytes == frame.bytes, "\(from) to \(to)")
    }
  }

  @Test(
    "lossy: near the original, and said to be so (PS3.3 C.7.6.1.1.5)",
    arguments: [
      (.jpegBaseline, 12, "ISO_10918_1"), (.jpeg2000, 12, "ISO_15444_1"), (.jpegLSNearLossless, 2, "ISO_14495_1"),
    ] as [(TransferSyntax, Int, String)])
  func lossy(syntax: TransferSyntax, tolerance: Int, method: String) throws {
    let frame = TestImages.frame(allocated: 8, stored: 8)
    var parameters = LossyParameters()
    parameters.quality = 95
    parameters.ratio = 2
    let result = try DICOMFile(Transcoder(try TestImages.file([frame]), to: syntax, parameters: parameters).encoded())
    let decoded = try FrameReader(result).frame(0)
    let difference = ReferenceFrames.difference(decoded.bytes, frame.bytes, bytes: 1, isSigned: false)
    #expect(try #require(difference) <= tolerance)
    #expect(result.dataSet.string(.lossyImageCompression) == "01")
    #expect(result.dataSet.string(.lossyImageCompressionMethod) == method)
    #expect((result.dataSet[.lossyImageCompressionRatio]?.double ?? 0) > 0)
  }

  @Test("colour: RGB is YBR_FULL_422 in JPEG, YBR_RCT in JPEG 2000, and RGB again in native form")
  func color() throws {
    let frame = TestImages.frame(samples: 3, allocated: 8, stored: 8, photometric: .rgb)
    let original = try TestImages.file([frame])
    let expected: [(TransferSyntax, String)] = [
      (.jpegBaseline, "YBR_FULL_422"), (.jpeg2000Lossless, "YBR_RCT"), (.jpeg2000, "YBR_ICT"),
      (.htj2kLossless, "YBR_RCT"), (.jpegLSLossless, "RGB"), (.rleLossless, "RGB"),
    ]
    for (syntax, photometric) in expected {
      let there = try DICOMFile(Transcoder(original, to: syntax).encoded())
      #expect(there.dataSet.string(.photometricInterpretation) == photometric)
      let back = try DICOMFile(Transcoder(there, to: .explicitVRLittleEndian).encoded())
      #expect(back.dataSet.string(.photometricInterpretation) == "RGB")
    }
  }

  @Test("what a transfer syntax has no room for is refused before anything is written")
  func refused() throws {
    let deep = try TestImages.file([TestImages.frame(allocated: 16, stored: 12)])
    #expect(throws: ImageError(.unsupportedImage)) { try Transcoder(deep, to: .jpegBaseline) }
    let wide = try TestImages.file([TestImages.frame(allocated: 32, stored: 20)])
    #expect(throws: ImageError(.unsupportedImage)) { try Transcoder(wide, to: .jpeg2000Lossless) }
    #expect(throws: ImageError(.unsupportedTransferSyntax)) {
      try Transcoder(deep, to: TransferSyntax(uid: "1.2.840.10008.1.2.4.110"))
    }
    var parameters = LossyParameters()
    parameters.quality = 101
    #expect(throws: ImageError(.invalidParameter)) { try FrameEncoder(.jpegBaseline, parameters: parameters) }
  }

  @Test("samples of 32 bits keep their value from big to little endian")
  func wideSamples() throws {
    let frame = TestImages.frame(allocated: 32, stored: 32)
    let big = try DICOMFile(Transcoder(try TestImages.file([frame]), to: .explicitVRBigEndian).encoded())
    #expect(try FrameReader(big).frame(0).bytes == frame.bytes)
    let little = try DICOMFile(Transcoder(big, to: .explicitVRLittleEndian).encoded())
    #expect(try FrameReader(little).frame(0).bytes == frame.bytes)
  }

  @Test("elements behind the pixel data stay; signatures and padding go")
  func tail() throws {
    let frame = TestImages.frame()
    let original = try TestImages.file([frame])
    var builder = DataSetBuilder()
    try builder.append(DICOMCore.Tag(0x7FE1, 0x0010), .LO, "HOUSE")
    try builder.append(.dataSetTrailingPadding, .OB, bytes: [0, 0])
    let head = original.dataSet.source.bytes(at: 0, count: original.dataSet.source.count).map { Array($0) } ?? []
    let file = try DICOMFile(head + builder.bytes)
    let result = try DICOMFile(Transcoder(file, to: .rleLossless).encoded())
    #expect(result.dataSet.string(DICOMCore.Tag(0x7FE1, 0x0010)) == "HOUSE")
    #expect(result.dataSet[.dataSetTrailingPadding] == nil)
    #expect(try FrameReader(result).frame(0).bytes == frame.bytes)
  }

  @Test(
    "lossless instances of others, through every codec, keep their samples",
    .enabled(if: ReferenceFrames.isThere, "needs data set dicom, and scripts/dicom-frames run beside pydicom"))
  func corpus() throws {
    var (count, refused) = (0, 0)
    for entry in try ReferenceFrames.all().decoded {
      let file = try DICOMFile(path: entry.path)
      let reader = try FrameReader(file)
      guard reader.count <= 10, reader.image.pixelCount <= 1 << 18 else { continue }
      for syntax in [
        TransferSyntax.explicitVRLittleEndian, .rleLossless, .jpegLSLossless, .jpeg2000Lossless, .htj2kLossless,
      ] {
        do throws(ImageError) {
          let bytes = try Transcoder(file, to: syntax).encoded()
          guard let result = try? DICOMFile(bytes) else {
            Issue.record("\(entry.file) to \(syntax): not readable")
            continue
          }
          let (before, after) = (try reader.frame(0), try FrameReader(result).frame(0))
          if before.image.photometricInterpretation == after.image.photometricInterpretation {
            let isClean = before.image.isInteger && before.image.bitsAllocated <= 32
            #expect(
              isClean
                ? before.cleaned(extendsSign: true) == after.cleaned(extendsSign: true) : before.bytes == after.bytes,
              "\(entry.file) to \(syntax)")
          } else {
            #expect(file.transferSyntax.uid.value.hasPrefix("1.2.840.10008.1.2.4.5"), "\(entry.file) to \(syntax)")
          }
          count += 1
        } catch {
          #expect(error.code == .unsupportedImage, "\(entry.file) to \(syntax): \(error.message)")
          refused += 1
        }
      }
    }
    print("transcoded: \(count), not fit for the transfer syntax: \(refused)")
    #expect(count > 500)
  }
}

extension TestImages {
  /// Another frame of the same kind.
  static func frame(like frame: Frame, seed: UInt64) -> Frame {
    let image = frame.image
    return self.frame(
      rows: image.rows, columns: image.columns, samples: image.samplesPerPixel, allocated: image.bitsAllocated,
      stored: image.bitsStored, isSigned: image.isSigned, photometric: image.photometricInterpretation, seed: seed)
  }
}
