/// What reading a data set may cost. A reader stops with `DICOMError` at the first limit passed.
public struct DICOMLimits: Sendable, Equatable {
  /// Items within items.
  public var sequenceDepthMax = 64
  /// Data elements, items and fragments of one data set, nested ones included; each takes 32 bytes of memory.
  public var elementsMax = 2_000_000
  /// One value that is not pixel data or another stream of bytes, in bytes.
  public var textBytesMax = 256 * 1024 * 1024
  /// The inflated form of a deflated data set, in bytes.
  public var inflatedBytesMax = 1024 * 1024 * 1024
  /// A stream keeps values up to this in memory; of longer ones only their place.
  public var residentValueBytesMax = 64 * 1024
  /// All that a stream keeps in memory of one data set, in bytes.
  public var residentBytesMax = 256 * 1024 * 1024
  /// Faults listed one by one; further ones are only counted.
  public var tolerancesMax = 200

  public init() {}
}
