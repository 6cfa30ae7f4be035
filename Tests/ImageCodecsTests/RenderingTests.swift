import DICOMCore
import TestSupport
import Testing

@testable import ImageCodecs

/// The greyscale pipeline, palettes, colours and viewports, against numbers of the standard.
@Suite("Rendering")
struct RenderingTests {
  /// A frame of one row with these stored values.
  static func row(_ values: [Int], stored: Int = 16, isSigned: Bool = false) -> Frame {
    let image = ImagePixel(
      rows: 1, columns: values.count, bitsAllocated: 16, bitsStored: stored, isSigned: isSigned)
    return Frame(
      image: image,
      bytes: values.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] })
  }

  static func shown(
    _ frame: Frame, window: Window? = nil, _ more: (inout DataSetBuilder) throws -> Void = { _ in }
  ) throws -> [UInt8] { try Renderer(try TestImages.file([frame], more)).picture(window: window).bytes }

  @Test("LINEAR as PS3.3 C.11.2.1.2.1 has it: its example of center 2048 and width 4096")
  func linear() throws {
    // x <= 2047.5 - 2047.5: 0; x > 2047.5 + 2047.5: 255
    let window = try #require(Window(center: 2048, width: 4096))
    #expect(try Self.shown(Self.row([0, 4095, 4096, 2048]), window: window) == [0, 255, 255, 128])
    // Width 1 is a threshold: at or below center - 0.5 black, above it white.
    let threshold = try #require(Window(center: 100, width: 1))
    #expect(try Self.shown(Self.row([98, 99, 100, 101]), window: threshold) == [0, 0, 255, 255])
    #expect(Window(center: 0, width: 0.5) == nil)
    #expect(Window(center: 0, width: 0, function: .linearExact) == nil)
  }

  @Test("LINEAR_EXACT and SIGMOID (C.11.2.1.3)")
  func otherFunctions() throws {
    let exact = try #require(Window(center: 100, width: 100, function: .linearExact))
    #expect(try Self.shown(Self.row([50, 100, 150, 151, 75]), window: exact) == [0, 128, 255, 255, 64])
    let sigmoid = try #require(Window(center: 100, width: 100, function: .sigmoid))
    // 255 / (1 + exp(-4 (x - c) / w)): 0.5, 1 / (1 + e^-4), 1 / (1 + e^4), 1 / (1 + e^-1)
    #expect(try Self.shown(Self.row([100, 200, 0, 125]), window: sigmoid) == [128, 250, 5, 186])
  }

  @Test("the data set's window and function are used, after rescale")
  func ofDataSet() throws {
    let shown = try Self.shown(Self.row([0, 1000, 1200, 2000])) {
      try $0.append(.windowCenter, .DS, "100\\40")
      try $0.append(.windowWidth, .DS, "400\\400")
      try $0.append(.rescaleIntercept, .DS, "-1000")
      try $0.append(.rescaleSlope, .DS, "1")
      try $0.append(.voiLUTFunction, .CS, "LINEAR_EXACT")
    }
    // Values -1000, 0, 200, 1000 in a window from -100 to 300.
    #expect(shown == [0, 64, 191, 255])
  }

  @Test("without a window: from the lowest value to the highest, padding left out")
  func automatic() throws {
    let shown = try Self.shown(Self.row([-2000, -100, 0, 100], isSigned: true)) {
      try $0.append(.pixelPaddingValue, .SS, integers: [-2000])
    }
    #expect(shown == [0, 0, 128, 255])
  }

  @Test("MONOCHROME1 and Presentation LUT Shape INVERSE are shown inverted, once")
  func inverse() throws {
    var frame = Self.row([0, 255], stored: 8)
    frame.image.photometricInterpretation = .monochrome1
    #expect(try Self.shown(frame) == [255, 0])
    #expect(try Self.shown(frame) { try $0.append(.presentationLUTShape, .CS, "INVERSE") } == [255, 0])
    #expect(try Self.shown(frame) { try $0.append(.presentationLUTShape, .CS, "IDENTITY") } == [0, 255])
  }

  @Test("bits above Bits Stored do not show")
  func overlays() throws {
    #expect(try Self.shown(Self.row([0xF000, 0xF0FF, 0x00FF, 0x0F00], stored: 8)) == [0, 255, 255, 0])
  }

  @Test("modality LUT and VOI LUT sequences (C.11.1.1, C.11.2.1.1)")
  func tables() throws {
    func sequence(_ builder: inout DataSetBuilder, _ tag: DICOMCore.Tag, first: Int, bits: Int, _ entries: [Int]) throws
    {
      builder.beginSequence(tag)
      builder.beginItem()
      try builder.append(.lutDescriptor, .US, integers: [entries.count, first, bits])
      try builder.append(.lutData, .US, integers: entries)
      try builder.endItem()
      try builder.endSequence()
    }
    let shown = try Self.shown(Self.row([4, 5, 6, 7, 60_000])) {
      try sequence(&$0, .modalityLUTSequence, first: 5, bits: 16, [10, 11, 12])
      try sequence(&$0, .voiLUTSequence, first: 10, bits: 8, [0, 100, 255])
    }
    #expect(shown == [0, 0, 100, 255, 255])
  }

  @Test("palettes: 16 bits, 8 bits in words, segmented (C.7.6.3.1.5, C.7.9.2)")
  func palettes() throws {
    var frame = TestImages.frame(rows: 1, columns: 4, allocated: 8, stored: 8, photometric: .paletteColor)
    frame.bytes = [0, 1, 2, 255]
    let red = try Self.shown(frame) { builder in
      try builder.append(.redPaletteColorLookupTableDescriptor, .US, integers: [3, 0, 16])
      try builder.append(.greenPaletteColorLookupTableDescriptor, .US, integers: [3, 0, 8])
      try builder.append(.bluePaletteColorLookupTableDescriptor, .US, integers: [3, 0, 16])
      try builder.append(.redPaletteColorLookupTableData, .OW, bytes: [0, 0x10, 0, 0x20, 0, 0x30])
      try builder.append(.greenPaletteColorLookupTableData, .OW, bytes: [1, 2, 3, 0])
      // Discrete: one entry, 0; linear: two entries up to 0x4000.
      try builder.append(DICOMCore.Tag(0x0028, 0x1223), .OW, bytes: [0, 0, 1, 0, 0, 0, 1, 0, 2, 0, 0, 0x40])
    }
    #expect(red == [0x10, 1, 0, 0x20, 2, 0x20, 0x30, 3, 0x40, 0x30, 3, 0x40])
    #expect(throws: ImageError(.unsupportedImage)) { try Self.shown(frame) }
  }

  @Test("YBR_FULL to RGB (C.7.6.3.1.2): black, white, and the primaries of ITU-R BT.601")
  func colors() throws {
    let pixels: [[UInt8]] = [[0, 128, 128], [255, 128, 128], [76, 85, 255], [150, 44, 21], [29, 255, 107]]
    var frame = TestImages.frame(rows: 1, columns: 5, samples: 3, allocated: 8, stored: 8, photometric: .ybrFull)
    frame.bytes = pixels.flatMap { $0 }
    let shown = try Self.shown(frame)
    let expected: [UInt8] = [0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255]
    let difference = ReferenceFrames.difference(shown, expected, bytes: 1, isSigned: false)
    #expect(try #require(difference) <= 2)
  }

  @Test("viewports: scaled to fit, a part, mirrored (PS3.18 8.3.5.1.3)")
  func viewports() throws {
    let picture = Picture(columns: 4, rows: 2, samples: 1, bytes: [0, 100, 200, 40, 0, 100, 200, 40])
    func shown(_ text: String) throws -> Picture {
      try picture.shown(in: #require(Viewport(text)), limits: CodecLimits())
    }
    #expect(try shown("4,2") == picture)
    #expect(try shown("2,2") == Picture(columns: 2, rows: 1, samples: 1, bytes: [50, 120]))
    #expect(try shown("2,2,1,0,2,2") == Picture(columns: 2, rows: 2, samples: 1, bytes: [100, 200, 100, 200]))
    #expect(try shown("4,2,0,0,-4,2").bytes.prefix(4) == [40, 200, 100, 0])
    #expect(try shown("8,8").columns == 8)
    #expect(try shown("8,8").rows == 4)
    #expect(throws: ImageError(.invalidParameter)) { try shown("4,2,3,0,2,2") }
    #expect(throws: ImageError(.tooLarge)) { try shown("100000,1") }
    for text in ["", "0,5", "5", "5,5,1", "a,b", "5,5,-1,0,2,2", "5,5,0,0,0,2", "1e3,5", "5,5,nan,0,1,1"] {
      #expect(Viewport(text) == nil, "\(text)")
    }
  }

  @Test("quality out of 1 to 100 and frames that are not there are refused")
  func parameters() throws {
    let renderer = try Renderer(try TestImages.file([TestImages.frame(allocated: 8, stored: 8)]))
    var rendering = Rendering()
    for quality in [0, 101] {
      rendering.quality = quality
      #expect(throws: ImageError(.invalidParameter)) { try renderer.render(0, rendering) }
    }
    rendering.quality = 1
    let small = try renderer.render(0, rendering).count
    rendering.quality = 100
    #expect(try renderer.render(0, rendering).count > small)
    #expect(throws: ImageError(.noSuchFrame)) { try renderer.render(1) }
    #expect(throws: ImageError(.noSuchFrame)) { try renderer.render(-1) }
  }

  @Test("a CT slice of 512 x 512 is rendered in a few milliseconds")
  func speed() throws {
    let frame = TestImages.frame(rows: 512, columns: 512, allocated: 16, stored: 12)
    let renderer = try Renderer(try TestImages.file([frame]))
    var rendering = Rendering()
    rendering.window = Window(center: 2048, width: 2000)
    let clock = ContinuousClock()
    var best = Duration.seconds(60)
    for _ in 0..<10 { best = min(best, try clock.measure { _ = try renderer.render(0, rendering) }) }
    print("rendered 512 x 512 of 12 bits as JPEG: \(best)")
    #expect(best < .milliseconds(500))
  }
}
