import DICOMCore
import TestSupport
import Testing

@testable import ImageCodecs

/// Every frame of the data set `dicom`, compared with what other decoders make of it.
@Suite(
  "Frames of others",
  .enabled(if: ReferenceFrames.isThere, "needs data set dicom, and scripts/dicom-frames run beside pydicom"))
struct DecodingTests {
  /// Transfer syntaxes whose decoders may differ, and by how much: the inverse DCT is not defined to the last bit
  /// (ITU-T T.81 A.3.3), and subsampled chrominance is interpolated as a decoder likes.
  static let tolerances = ["1.2.840.10008.1.2.4.50": 5, "1.2.840.10008.1.2.4.51": 5]

  /// Files that pydicom cannot decode, and neither do we.
  static let refused: [String: ImageError.Code] = [
    // Rows and Columns so large that their frame passes the limit; the file is cut off.
    "3gb-bulk-data-truncated": .tooLarge,
    "will-jxl.dcm": .unsupportedTransferSyntax,
    "GH1376.dcm": .unsupportedTransferSyntax,
    "genFile.dcm": .malformedStream,
    // The stream of 4 MB was cut to 250 bytes.
    "JPEG2000-embedded-sequence-delimiter.dcm": .malformedStream,
    "meta_missing_tsyntax.dcm": .noPixelData, "nested_priv_SQ.dcm": .noPixelData,
  ]

  @Test("frames equal those of pydicom and its decoders: lossless ones exactly")
  func reference() throws {
    var counts: [String: (exact: Int, near: Int, largest: Int)] = [:]
    for entry in try ReferenceFrames.all().decoded {
      let file = try DICOMFile(path: entry.path)
      let uid = file.transferSyntax.uid.value
      let reader = try FrameReader(file)
      let pixels = try entry.pixels
      let size = pixels.count / entry.frames
      for number in 0..<entry.frames {
        let frame = try reader.frame(number)
        #expect(frame.bytes.count == frame.image.frameBytes)
        let expected = Array(pixels[number * size..<(number + 1) * size])
        // pydicom leaves out bits that are not stored, and so do we wherever samples are used.
        let clean =
          frame.image.isInteger && frame.image.bitsAllocated <= 32 ? frame.cleaned(extendsSign: true) : frame.bytes
        let found = ReferenceFrames.difference(clean, expected, bytes: entry.bytes, isSigned: entry.isSigned)
        let difference = try #require(found, "\(entry.file): \(frame.bytes.count) bytes, not \(expected.count)")
        #expect(difference <= Self.tolerances[uid] ?? 0, "\(entry.file), frame \(number)")
        var count = counts[uid] ?? (0, 0, 0)
        if difference == 0 { count.exact += 1 } else { count.near += 1 }
        count.largest = max(count.largest, difference)
        counts[uid] = count
      }
    }
    for (uid, count) in counts.sorted(by: { $0.key < $1.key }) {
      print("frames \(uid): \(count.exact) exact, \(count.near) within \(count.largest)")
    }
    #expect(counts.values.reduce(0) { $0 + $1.exact + $1.near } > 300)
  }

  @Test("files that pydicom cannot decode are decoded, or refused with the right reason")
  func undecodedByOthers() throws {
    var decoded = 0
    for path in try ReferenceFrames.all().undecoded {
      let name = path.split(separator: "/").last.map(String.init) ?? path
      do throws(ImageError) {
        guard let file = try? DICOMFile(path: ConformanceData.path("dicom/" + path)) else { continue }
        let reader = try FrameReader(file)
        for number in 0..<reader.count { _ = try reader.frame(number) }
        decoded += reader.count
        #expect(Self.refused[name] == nil, "\(path) is decoded")
      } catch {
        #expect(Self.refused[name] == error.code, "\(path)")
      }
    }
    print("frames that pydicom does not decode: \(decoded)")
  }

  @Test("every image is rendered, as JPEG, PNG and thumbnail")
  func rendered() throws {
    var (rendered, refused) = (0, 0)
    for entry in try ReferenceFrames.all().decoded {
      let renderer = try Renderer(try DICOMFile(path: entry.path))
      do throws(ImageError) {
        var rendering = Rendering()
        let jpeg = try renderer.render(0, rendering)
        #expect(jpeg.prefix(3) == [0xFF, 0xD8, 0xFF])
        rendering.format = .png
        rendering.viewport = Viewport(columns: 200, rows: 100)
        let png = try renderer.render(0, rendering)
        #expect(png.prefix(8) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        let header = JPEGHeader.of(try renderer.thumbnail(0))
        #expect((1...128).contains(header.map { max($0.rows, $0.columns) } ?? 0))
        rendered += 1
      } catch {
        Issue.record("\(entry.file): \(error.message)")
        refused += 1
      }
    }
    print("rendered: \(rendered) instances, \(refused) not")
  }
}

extension JPEGHeader {
  static func of(_ bytes: [UInt8]) -> JPEGHeader? { bytes.withUnsafeBytes { JPEGHeader($0) } }
}
