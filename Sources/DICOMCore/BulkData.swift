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

/// A BulkDataURI of a data set in JSON or XML.
public struct BulkDataReference: Sendable, Equatable {
  public let uri: String
  public let tag: Tag
  public let vr: VR
  /// Whether the element is in no sequence.
  public let isOutermost: Bool
}

/// What stands in a data set for a BulkDataURI.
public enum BulkDataValue: Sendable, Equatable {
  /// The value, in little endian.
  case bytes([UInt8])
  /// The value is a range of bytes that the caller has.
  case outside(Range<Int>)
  /// Each range is a fragment (PS3.5 A.4), the offset table is empty.
  case fragments([Range<Int>])
}

/// Finds what a BulkDataURI refers to.
public typealias BulkDataFinder = (BulkDataReference) throws -> BulkDataValue

/// Attributes that a data set gets if it does not have them: outside of sequences, none of which it is.
public struct AbsentAttributes: Sendable {
  struct Attribute: Sendable {
    let tag: Tag
    let vr: VR
    let value: [UInt8]
  }

  private(set) var waiting: [Attribute] = []

  public init() {}

  /// - Parameter value: encoded in little endian, in ASCII.
  public mutating func add(_ tag: Tag, _ vr: VR, _ value: [UInt8]) {
    let place = waiting.firstIndex { $0.tag > tag } ?? waiting.endIndex
    waiting.insert(Attribute(tag: tag, vr: vr, value: value), at: place)
  }

  public mutating func add(_ tag: Tag, _ vr: VR, _ text: String) { add(tag, vr, Array(text.utf8)) }

  /// US
  public mutating func add(_ tag: Tag, _ number: Int) {
    add(tag, .US, [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8)])
  }

  /// Appends those before a tag; one of the tag itself is there already.
  mutating func append(before tag: Tag?, to builder: inout DataSetBuilder) throws(DICOMError) {
    while let next = waiting.first, tag.map({ next.tag <= $0 }) ?? true {
      waiting.removeFirst()
      if next.tag != tag { try builder.append(next.tag, next.vr, bytes: next.value) }
    }
  }
}
