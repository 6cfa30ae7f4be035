public import DICOMCore

/// What a rendered picture is to be like (PS3.18 §8.3.5).
public struct Rendering: Sendable, Equatable {
  public enum Format: Sendable { case jpeg, png, gif }

  public var format = Format.jpeg
  /// JPEG: 1 to 100.
  public var quality = 90
  /// Instead of the data set's window.
  public var window: Window?
  public var viewport: Viewport?

  public init() {}
}

/// Renders frames of an instance for the eye.
public struct Renderer: Sendable {
  public let reader: FrameReader
  private let dataSet: DataSet
  private let limits: CodecLimits

  /// The longest side of a thumbnail, unless another is asked for.
  public static let thumbnailSide = 128

  /// - Throws: as `FrameReader`.
  public init(_ file: DICOMFile, limits: CodecLimits = CodecLimits()) throws(ImageError) {
    reader = try FrameReader(file, limits: limits)
    dataSet = file.dataSet
    self.limits = limits
  }

  /// A frame as JPEG, PNG or GIF.
  /// - Parameter number: from 0.
  /// - Throws: what decoding throws; `invalidParameter` for quality or viewport; `tooLarge`; `unsupportedImage`.
  public func render(_ number: Int = 0, _ rendering: Rendering = Rendering()) throws(ImageError) -> [UInt8] {
    guard (1...100).contains(rendering.quality) else { throw ImageError(.invalidParameter) }
    let picture = try shown(number, rendering)
    switch rendering.format {
    case .jpeg: return try picture.jpeg(quality: rendering.quality)
    case .png: return try picture.png()
    case .gif: return try picture.gif()
    }
  }

  private func shown(_ number: Int, _ rendering: Rendering) throws(ImageError) -> Picture {
    let picture = try picture(number, window: rendering.window)
    guard let viewport = rendering.viewport else { return picture }
    return try picture.shown(in: viewport, limits: limits)
  }

  /// Frames as one GIF that moves, as fast as the data set says and without end.
  /// - Parameters:
  ///   - numbers: from 0, in the order in which they are shown.
  ///   - consume: takes the bytes as they are made.
  /// - Throws: as `render`; what `consume` throws.
  public func animate(
    _ numbers: [Int], _ rendering: Rendering = Rendering(), to consume: ([UInt8]) throws(ImageError) -> Void
  ) throws(ImageError) {
    guard let first = numbers.first else { throw ImageError(.noSuchFrame) }
    let timing = FrameTiming(dataSet)
    var picture = try shown(first, rendering)
    var writer = try GIFWriter(picture, isMoving: true)
    for (place, number) in numbers.enumerated() {
      if place > 0 { picture = try shown(number, rendering) }
      try writer.append(picture, hundredths: timing.hundredths(number))
      try consume(writer.take())
    }
    writer.end()
    try consume(writer.take())
  }

  /// A frame no larger than `side` each way, as JPEG.
  public func thumbnail(_ number: Int = 0, side: Int = Self.thumbnailSide) throws(ImageError) -> [UInt8] {
    guard (1...limits.renderedSideMax).contains(side) else { throw ImageError(.invalidParameter) }
    return try picture(number).reduced(to: side).jpeg(quality: 80)
  }

  /// A frame in full size.
  public func picture(_ number: Int = 0, window: Window? = nil) throws(ImageError) -> Picture {
    let frame = try reader.frame(number)
    let image = frame.image
    let bytes: [UInt8]
    switch (image.samplesPerPixel, image.photometricInterpretation) {
    case (1, .paletteColor): bytes = try colored(frame, PaletteColor(dataSet, isSigned: image.isSigned))
    case (1, _): bytes = try grey(frame, number, window)
    case (3, _): bytes = try eightBits(try ColorConversion.rgb(frame))
    default: throw ImageError(.unsupportedImage)
    }
    let samples = bytes.count / image.pixelCount
    return Picture(columns: image.columns, rows: image.rows, samples: samples, bytes: bytes)
  }

  // MARK: Colour

  private func colored(_ frame: Frame, _ palette: PaletteColor) throws(ImageError) -> [UInt8] {
    guard frame.image.isInteger, frame.image.bitsAllocated <= 16 else { throw ImageError(.unsupportedImage) }
    let size = frame.image.sampleBytes
    let count = frame.image.pixelCount
    return [UInt8](unsafeUninitializedCapacity: count * 3) { bytes, filled in
      for index in 0..<count {
        let color = palette.color(Int(frame.clean(frame.word(at: index, size))))
        (bytes[3 * index], bytes[3 * index + 1], bytes[3 * index + 2]) = color
      }
      filled = count * 3
    }
  }

  private func eightBits(_ frame: Frame) throws(ImageError) -> [UInt8] {
    let image = frame.image
    guard image.isInteger, image.bitsAllocated <= 32 else { throw ImageError(.unsupportedImage) }
    if image.bitsStored == 8, image.bitsAllocated == 8 { return frame.bytes }
    let size = image.sampleBytes
    let most = Int(UInt32.max >> UInt32(32 - image.bitsStored))
    return (0..<frame.bytes.count / size).map {
      UInt8(truncatingIfNeeded: Int(UInt32(bitPattern: frame.clean(frame.word(at: $0, size)))) * 255 / most)
    }
  }

  // MARK: Greyscale (PS3.3 C.11 and PS3.4 N.2)

  private func grey(_ frame: Frame, _ number: Int, _ window: Window?) throws(ImageError) -> [UInt8] {
    let groups = FrameGroups(dataSet, frame: number)
    let pipeline = GreyscalePipeline(
      modality: ModalityTransformation(groups, isSigned: frame.image.isSigned),
      voi: window.map { .window($0) } ?? VOITransformation(groups, isSigned: frame.image.isSigned),
      isInverse: isInverse(frame.image), padding: padding)
    if frame.image.isInteger, frame.image.bitsAllocated <= 16 { return pipeline.throughTable(frame) }
    guard frame.image.bitsAllocated >= 32 else { throw ImageError(.unsupportedImage) }
    return pipeline.eachPixel(frame)
  }

  /// Presentation LUT Shape says it, or else MONOCHROME1 (PS3.3 C.7.6.3.1.2, C.11.6).
  private func isInverse(_ image: ImagePixel) -> Bool {
    switch dataSet.string(.presentationLUTShape) {
    case "INVERSE": true
    case "IDENTITY": false
    default: image.photometricInterpretation == .monochrome1
    }
  }

  /// Values that stand for no image (PS3.3 C.7.5.1.1.2): Pixel Padding Value up to Pixel Padding Range Limit.
  private var padding: ClosedRange<Int>? {
    guard let value = dataSet.integer(.pixelPaddingValue) else { return nil }
    let limit = dataSet.integer(Tag(0x0028, 0x0121)) ?? value
    return min(value, limit)...max(value, limit)
  }
}
