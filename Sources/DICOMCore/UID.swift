internal import CDICOMTables

/// A unique identifier (PS3.5 §9), as it is written, without padding.
public struct UID: Hashable, Sendable, ExpressibleByStringLiteral {
  public let value: String

  public init(_ value: String) { self.value = value }

  public init(stringLiteral value: String) { self.value = value }

  /// From the bytes of a UI value: up to the padding, which is NUL by the standard and sometimes spaces.
  public init(padded bytes: some BidirectionalCollection<UInt8>) {
    value = String(decoding: bytes.trimmedRight, as: UTF8.self)
  }

  /// Whether it is as PS3.5 §9.1 says: at most 64 characters, components of digits, none of them with a leading zero.
  public var isValid: Bool { isPlausible(allowsLeadingZeros: false) }

  /// Whether it is at most 64 characters of digits and dots, with a digit at both ends and between dots. Leading
  /// zeros, which are common, may be.
  public var isAcceptable: Bool { isPlausible(allowsLeadingZeros: true) }

  private func isPlausible(allowsLeadingZeros: Bool) -> Bool {
    guard !value.isEmpty, value.utf8.count <= 64 else { return false }
    var digits = 0
    var startsWithZero = false
    for byte in value.utf8 {
      if byte == UInt8(ascii: ".") {
        if digits == 0 { return false }
        digits = 0
      } else {
        guard byte &- 48 < 10 else { return false }
        if digits == 0 { startsWithZero = byte == 48 }
        digits += 1
        if digits > 1 && startsWithZero && !allowsLeadingZeros { return false }
      }
    }
    return digits > 0
  }

  /// What PS3.6 Annex A says about it, nil if it is not in there.
  public var entry: UIDDictionary.Entry? { UIDDictionary.standard.entries[value] }
}

extension UID: CustomStringConvertible {
  public var description: String { value }
}

/// The unique identifiers of PS3.6 Annex A, read once from the embedded table.
public final class UIDDictionary: Sendable {
  public struct Entry: Sendable {
    /// `SOP Class`, `Transfer Syntax`, `Well-known SOP Instance`, …
    public let type: String
    public let isRetired: Bool
    public let keyword: String
    public let name: String
  }

  public static let standard = UIDDictionary()

  /// By UID.
  public let entries: [String: Entry]

  private init() {
    let table = UnsafeBufferPointer(start: dicom_uids_table(), count: dicom_uids_table_size())
    var entries: [String: Entry] = [:]
    for fields in TableLines(table) where fields.count >= 6 {
      entries[fields[1].text] = Entry(
        type: fields[2].text, isRetired: fields[3].first == UInt8(ascii: "R"), keyword: fields[4].text,
        name: fields[5].text)
    }
    self.entries = entries
  }
}

extension BidirectionalCollection<UInt8> {
  /// Without NULs and spaces at the end (PS3.5 §6.2).
  var trimmedRight: SubSequence {
    var end = endIndex
    while end > startIndex {
      let previous = index(before: end)
      guard self[previous] == 0 || self[previous] == 0x20 else { break }
      end = previous
    }
    return self[startIndex..<end]
  }
}
