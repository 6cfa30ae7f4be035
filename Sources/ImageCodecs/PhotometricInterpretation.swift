/// What the samples of a pixel mean (PS3.3 C.7.6.3.1.2).
public enum PhotometricInterpretation: String, Sendable, CaseIterable {
  case monochrome1 = "MONOCHROME1"
  case monochrome2 = "MONOCHROME2"
  case paletteColor = "PALETTE COLOR"
  case rgb = "RGB"
  case ybrFull = "YBR_FULL"
  case ybrFull422 = "YBR_FULL_422"
  case ybrPartial420 = "YBR_PARTIAL_420"
  case ybrPartial422 = "YBR_PARTIAL_422"
  case ybrRCT = "YBR_RCT"
  case ybrICT = "YBR_ICT"
  case xyb = "XYB"

  /// One sample that is a shade of grey.
  public var isMonochrome: Bool { self == .monochrome1 || self == .monochrome2 }

  /// Red, green and blue after a JPEG 2000 decoder has undone its transformation.
  var isRGBWhenDecoded: Bool { self == .rgb || self == .ybrRCT || self == .ybrICT }
}
