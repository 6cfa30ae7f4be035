/// A fault in a data set that was read over, and where.
public struct Tolerance: Hashable, Sendable {
  /// Faults that devices and archives are known to make.
  public enum Kind: String, Sendable, CaseIterable {
    // PS3.10 §7: the file
    /// No preamble: `DICM` or the data set starts the file.
    case missingPreamble
    /// No `DICM` and no file meta information.
    case missingFileMetaInformation
    /// No transfer syntax is told; it was found by looking.
    case missingTransferSyntax
    /// The UID of the transfer syntax is not one we know; read as explicit little endian.
    case unknownTransferSyntax
    /// The file meta information is implicit.
    case implicitFileMetaInformation
    /// (0002,0000) is absent or does not tell where group 2 ends.
    case wrongFileMetaInformationLength
    /// The data set is encoded otherwise than the transfer syntax says.
    case wrongTransferSyntax
    /// Bytes after the last data element that are no data element: zeros or anything else.
    case trailingBytes
    /// The last value is cut off at the end.
    case truncatedValue
    /// A deflated data set with a zlib header, or cut off at its end.
    case imperfectDeflate

    // PS3.5 §7: data elements
    /// Two letters that are no VR; read as UN.
    case unknownVR
    /// An implicit data element in an explicit data set.
    case implicitElement
    /// An explicit data element in an implicit data set.
    case explicitElement
    /// A value of odd length.
    case oddLength
    /// An undefined length where none may be.
    case undefinedLength
    /// A value that ends after the item it is in; the item was taken to be longer.
    case valueBeyondItem
    /// Tags not in ascending order.
    case unorderedElements
    /// The same tag twice in one data set; the later counts.
    case duplicateElement
    /// (gggg,0001–000F) of an odd group, or a private data element without its creator.
    case privateElementWithoutCreator
    /// A data element of a group that data sets do not have: 0000, 0002 after its place, FFFF.
    case illegalGroup
    /// UN that is known by its tag.
    case unknownValueRepresentation

    // PS3.5 §7.5: sequences
    /// A delimiter is absent; the sequence or item ended with what came next.
    case missingDelimiter
    /// A delimiter with a length.
    case delimiterLength
    /// A delimiter where nothing is open.
    case strayDelimiter
    /// An item's tag in the other byte order.
    case swappedItemTag
    /// A sequence holds something that is no item.
    case missingItem

    // PS3.3 C.12.1.1.2
    /// A term of (0008,0005) that is no defined term, but is clear.
    case misspeltCharacterSet
    /// A term of (0008,0005) that nobody knows; read as if absent.
    case unknownCharacterSet
  }

  public let kind: Kind
  /// The data element; (0000,0000) where there is none.
  public let tag: Tag
  /// Bytes from the start of what was read.
  public let offset: Int

  public init(_ kind: Kind, tag: Tag = Tag(0), at offset: Int) {
    self.kind = kind
    self.tag = tag
    self.offset = offset
  }
}

/// The faults read over, in the order they were met.
public struct Tolerances: Sendable {
  public private(set) var list: [Tolerance] = []
  /// All of them, also those past the limit of the list.
  public private(set) var count = 0
  let limit: Int

  init(limit: Int) { self.limit = limit }

  public func contains(_ kind: Tolerance.Kind) -> Bool { list.contains { $0.kind == kind } }

  mutating func note(_ kind: Tolerance.Kind, tag: Tag = Tag(0), at offset: Int) {
    count += 1
    if list.count < limit { list.append(Tolerance(kind, tag: tag, at: offset)) }
  }

  mutating func note(_ other: Tolerances) {
    count += other.count
    list += other.list.prefix(max(0, limit - list.count))
  }
}
