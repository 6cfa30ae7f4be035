/// How a value that is a stream of bytes, or that is not at hand, is shown in JSON and XML.
public enum BulkData: Sendable, Equatable {
  /// The bytes themselves, in base64.
  case inline
  /// A reference to where the bytes are to be had.
  case uri(String)
  /// The element without a value.
  case withoutValue
  /// Not even the element.
  case omitted
}

/// Decides for an element with VR OB, OD, OF, OL, OV, OW or UN, and for any element whose value a stream passed over.
/// `.inline` of a value that is not at hand counts as `.withoutValue`.
public typealias BulkDataChoice = (DataElement) -> BulkData

/// The bytes that a BulkDataURI refers to, in little endian.
public typealias BulkDataSource = (_ uri: String, _ tag: Tag, _ vr: VR) throws -> [UInt8]
