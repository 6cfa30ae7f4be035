public import DICOMCore

/// How an image's pixels are described (Image Pixel Module, PS3.3 C.7.6.3).
public struct ImagePixel: Sendable, Equatable {
  public var rows: Int
  public var columns: Int
  public var samplesPerPixel: Int
  public var bitsAllocated: Int
  public var bitsStored: Int
  public var highBit: Int
  /// Pixel Representation 1: two's complement.
  public var isSigned: Bool
  public var photometricInterpretation: PhotometricInterpretation
  /// 0: the samples of a pixel follow one another; 1: planes do.
  public var planarConfiguration: Int
  public var kind: PixelData.Kind

  public init(
    rows: Int, columns: Int, samplesPerPixel: Int = 1, bitsAllocated: Int, bitsStored: Int, isSigned: Bool = false,
    photometricInterpretation: PhotometricInterpretation = .monochrome2, planarConfiguration: Int = 0
  ) {
    self.rows = rows
    self.columns = columns
    self.samplesPerPixel = samplesPerPixel
    self.bitsAllocated = bitsAllocated
    self.bitsStored = bitsStored
    highBit = bitsStored - 1
    self.isSigned = isSigned
    self.photometricInterpretation = photometricInterpretation
    self.planarConfiguration = planarConfiguration
    kind = .integer
  }

  /// Reads the description. Absent values are taken as they must be meant: Bits Stored as Bits Allocated, High Bit as
  /// the highest of those stored, Photometric Interpretation by the number of samples.
  /// - Throws: `noPixelData`; `unsupportedImage` for Bits Allocated other than 1, 8, 16, 32 and 64.
  public init(_ dataSet: DataSet, _ pixelData: PixelData) throws(ImageError) {
    guard pixelData.rows > 0, pixelData.columns > 0, pixelData.rows <= 65_535, pixelData.columns <= 65_535 else {
      throw ImageError(.noPixelData)
    }
    kind = pixelData.kind
    rows = pixelData.rows
    columns = pixelData.columns
    samplesPerPixel = pixelData.samplesPerPixel
    bitsAllocated = pixelData.bitsAllocated
    guard [1, 8, 16, 32, 64].contains(bitsAllocated), samplesPerPixel <= 4 else { throw ImageError(.unsupportedImage) }
    let stored = dataSet.integer(.bitsStored) ?? 0
    bitsStored = kind == .integer && (1...bitsAllocated).contains(stored) ? stored : bitsAllocated
    let high = dataSet.integer(.highBit) ?? -1
    highBit = (bitsStored - 1..<bitsAllocated).contains(high) ? high : bitsStored - 1
    isSigned = kind == .integer && dataSet.integer(.pixelRepresentation) == 1
    let text = dataSet.string(.photometricInterpretation) ?? ""
    photometricInterpretation =
      PhotometricInterpretation(rawValue: text) ?? (samplesPerPixel == 3 ? .rgb : .monochrome2)
    planarConfiguration = samplesPerPixel > 1 && dataSet.integer(.planarConfiguration) == 1 ? 1 : 0
  }

  /// Whether the samples are whole numbers and not floating point.
  public var isInteger: Bool { kind == .integer }

  /// Bytes of one sample of a decoded frame: 1 also for Bits Allocated 1.
  public var sampleBytes: Int { max(1, bitsAllocated / 8) }

  public var pixelCount: Int { rows * columns }

  /// Bytes of a decoded frame. Rows and columns are at most 65535, samples at most 4: no overflow.
  public var frameBytes: Int { pixelCount * samplesPerPixel * sampleBytes }

  /// Bytes of an image row.
  public var rowBytes: Int { columns * samplesPerPixel * sampleBytes }

  /// The lowest and highest number that Bits Stored has room for.
  public var storedRange: ClosedRange<Int> {
    guard bitsStored < 63 else { return isSigned ? Int.min...Int.max : 0...Int.max }
    return isSigned ? -(1 << (bitsStored - 1))...(1 << (bitsStored - 1)) - 1 : 0...(1 << bitsStored) - 1
  }
}
