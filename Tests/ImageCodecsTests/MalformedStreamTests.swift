import DICOMCore
import Foundation
import TestSupport
import Testing

@testable import ImageCodecs

/// Streams that are cut off, damaged, or claim more than there is.
@Suite("Malformed streams")
struct MalformedStreamTests {
  static let syntaxes: [TransferSyntax] = [
    .rleLossless, .jpegBaseline, .jpegLSLossless, .jpeg2000Lossless, .htj2kLossless, .deflatedImageFrame,
  ]

  static let frame = TestImages.frame(rows: 64, columns: 64, allocated: 8, stored: 8)

  static func stream(_ syntax: TransferSyntax) throws -> [UInt8] { try FrameEncoder(syntax).encode(frame) }

  @Test("cut off at any place: refused, or whole because nothing of the pixels was cut", arguments: syntaxes)
  func truncated(syntax: TransferSyntax) throws {
    let stream = try Self.stream(syntax)
    var refused = 0
    let start = ContinuousClock.now
    for count in stride(from: 0, to: stream.count - 16, by: max(1, stream.count / 60)) {
      let file = try TestImages.file(Self.frame.image, syntax, stream: Array(stream.prefix(count)))
      do throws(ImageError) {
        let decoded = try FrameReader(file).frame(0)
        #expect(decoded.bytes.count == 64 * 64)
      } catch {
        #expect([.malformedStream, .mismatch, .unsupportedTransferSyntax].contains(error.code), "\(error)")
        refused += 1
      }
    }
    #expect(refused >= 55, "\(refused) of 60")
    #expect(ContinuousClock.now - start < .seconds(10))
  }

  @Test("random damage: an error or a frame of the right size, never more", arguments: syntaxes)
  func damaged(syntax: TransferSyntax) throws {
    let stream = try Self.stream(syntax)
    var random = SeededGenerator(seed: 7)
    for _ in 0..<300 {
      var damaged = stream
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        // The first bytes are the headers, where damage tells most.
        let end = Bool.random(using: &random) ? min(120, damaged.count) : damaged.count
        damaged[Int.random(in: 0..<end, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      let file = try TestImages.file(Self.frame.image, syntax, stream: damaged)
      do throws(ImageError) {
        #expect(try FrameReader(file).frame(0).bytes.count == 64 * 64)
      } catch {
        #expect(error.code != .noSuchFrame)
      }
    }
  }

  @Test(
    "lossless and 12-bit JPEG of others, cut off and damaged",
    .enabled(if: ReferenceFrames.isThere, "needs data set dicom"))
  func huffman() throws {
    var refused = 0
    for entry in try ReferenceFrames.all().decoded
    where ["MR-JPEGLosslessSV1.dcm", "JPGExtended.dcm", "JPEG-LL.dcm", "SC_rgb_jpeg_gdcm.dcm"].contains(entry.name) {
      let reader = try FrameReader(try DICOMFile(path: entry.path))
      let stream = try reader.stream(0)
      let syntax = try DICOMFile(path: entry.path).transferSyntax
      var random = SeededGenerator(seed: 11)
      for round in 0..<40 {
        var damaged = stream
        if round < 10 {
          damaged.removeLast(stream.count * (round + 1) / 12)
        } else {
          damaged[Int.random(in: 0..<400, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        let file = try TestImages.file(reader.image, syntax, stream: damaged)
        do throws(ImageError) {
          _ = try FrameReader(file).frame(0)
        } catch {
          if round < 10 { refused += 1 }
        }
      }
    }
    #expect(refused == 40)
  }

  @Test("measures that are not the data set's are refused before memory is taken", arguments: syntaxes)
  func otherMeasures(syntax: TransferSyntax) throws {
    var image = Self.frame.image
    image.rows = 20_000
    image.columns = 10_000
    let file = try TestImages.file(image, syntax, stream: try Self.stream(syntax))
    let before = Self.peakMemory()
    #expect(throws: ImageError.self) { try FrameReader(file).frame(0) }
    // RLE and deflate have no measures of their own: the frame of 200 MB is what the data set says.
    if syntax != .rleLossless { #expect(Self.peakMemory() - before < 64 << 20) }
  }

  @Test("a frame beyond the limit is refused, one at the limit is not")
  func limit() throws {
    let file = try TestImages.file([Self.frame])
    var limits = CodecLimits()
    limits.frameBytesMax = 64 * 64
    #expect(try FrameReader(file, limits: limits).frame(0).bytes.count == 64 * 64)
    limits.frameBytesMax -= 1
    #expect(throws: ImageError(.tooLarge)) { try FrameReader(file, limits: limits) }
    var image = Self.frame.image
    image.rows = 65_535
    image.columns = 65_535
    let bomb = try TestImages.file(image, .jpeg2000Lossless, stream: try Self.stream(.jpeg2000Lossless))
    #expect(throws: ImageError(.tooLarge)) { try FrameReader(bomb) }
  }

  @Test(
    "bombs: a small stream that says it is 16000 x 16000, as the data set does",
    arguments: [
      TransferSyntax.jpegBaseline, .jpegLosslessSV1, .deflatedImageFrame,
    ])
  func bomb(syntax: TransferSyntax) throws {
    var image = Self.frame.image
    image.rows = 16_000
    image.columns = 16_000
    var stream = try Self.stream(syntax == .deflatedImageFrame ? syntax : .jpegBaseline)
    if syntax != .deflatedImageFrame {
      let start = try #require((0..<stream.count - 1).first { stream[$0] == 0xFF && stream[$0 + 1] == 0xC0 })
      if syntax == .jpegLosslessSV1 { stream[start + 1] = 0xC3 }
      let measures: [UInt8] = [0x3E, 0x80]
      stream.replaceSubrange(start + 5..<start + 9, with: measures + measures)
    }
    let file = try TestImages.file(image, syntax, stream: stream)
    let before = Self.peakMemory()
    #expect(throws: ImageError(.malformedStream)) { try FrameReader(file).frame(0) }
    #expect(Self.peakMemory() - before < 64 << 20)
  }

  @Test("JPEG 2000 of a million tiles for few pixels is refused")
  func tiles() throws {
    var stream = try Self.stream(.jpeg2000Lossless)
    // SIZ is the first segment: XTsiz and YTsiz become 1 (ISO/IEC 15444-1 A.5.1).
    let size = 4 + 2 + 18
    stream.replaceSubrange(size..<size + 8, with: [0, 0, 0, 1, 0, 0, 0, 1])
    let file = try TestImages.file(Self.frame.image, .jpeg2000Lossless, stream: stream)
    #expect(throws: ImageError(.tooLarge)) { try FrameReader(file).frame(0) }
  }

  @Test("RLE: segment offsets outside of the stream, too many segments, too few")
  func segments() throws {
    let stream = try Self.stream(.rleLossless)
    for (place, value) in [(0, 2), (0, 0), (0, 255), (4, 255), (4, 0)] {
      var damaged = stream
      damaged[place] = UInt8(value)
      damaged[place + 3] = place == 4 && value == 255 ? 255 : 0
      let file = try TestImages.file(Self.frame.image, .rleLossless, stream: damaged)
      #expect(throws: ImageError.self) { try FrameReader(file).frame(0) }
    }
  }

  /// The most memory the process has held, in bytes.
  static func peakMemory() -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
    return (Int(line.filter(\.isNumber)) ?? 0) * 1024
  }
}
