internal import CDICOMTables

/// The data elements of PS3.6, read once from the embedded table.
public final class DataDictionary: Sendable {
  /// What the standard says about a data element.
  public struct Entry: Sendable {
    /// For elements of repeating groups the tag with 0 in the digits that vary.
    public let tag: Tag
    /// Nil where the standard leaves a choice (US or SS, OB or OW), and for delimiters.
    public var vr: VR? { dictionaryVR.vr }
    /// Value multiplicity as the standard writes it: `1`, `1-n`, `2-2n`.
    public let vm: String
    public let isRetired: Bool
    /// Empty for a few retired elements.
    public let keyword: String
    public let name: String
    let dictionaryVR: DictionaryVR
  }

  public static let standard = DataDictionary(
    UnsafeBufferPointer(start: dicom_elements_table(), count: dicom_elements_table_size()))

  /// All elements, the repeating ones last.
  public let entries: [Entry]
  /// Slots of a hash table of indices into `entries`, 0xFFFF for an empty one; probed one by one.
  private let slots: [UInt16]
  private let tags: [UInt32]
  private let vrs: [DictionaryVR]
  /// Masks of the repeating elements: those digits that are fixed.
  private let repeating: [(mask: UInt32, value: UInt32, index: Int)]
  private let byKeyword: [String: UInt16]

  private static let slotsCount = 16384

  init(_ table: UnsafeBufferPointer<UInt8>) {
    var entries: [Entry] = []
    var repeating: [(mask: UInt32, value: UInt32, index: Int)] = []
    for fields in TableLines(table) where fields.count >= 5 && fields[0].elementsEqual(CollectionOfOne(84)) {
      guard let (mask, value) = Self.pattern(fields[1]) else { continue }
      if mask != 0xFFFF_FFFF { repeating.append((mask, value, entries.count)) }
      entries.append(
        Entry(
          tag: Tag(value), vm: fields[3].text, isRetired: fields[4].first == UInt8(ascii: "R"),
          keyword: fields.count > 5 ? fields[5].text : "", name: fields.count > 6 ? fields[6].text : "",
          dictionaryVR: DictionaryVR(fields[2])))
    }
    var slots = [UInt16](repeating: 0xFFFF, count: Self.slotsCount)
    var byKeyword: [String: UInt16] = [:]
    let single = entries.count - repeating.count
    for (index, entry) in entries.enumerated() {
      if !entry.keyword.isEmpty, byKeyword[entry.keyword] == nil { byKeyword[entry.keyword] = UInt16(index) }
      guard index < single else { continue }
      var slot = Self.slot(entry.tag.rawValue)
      while slots[slot] != 0xFFFF { slot = (slot + 1) % Self.slotsCount }
      slots[slot] = UInt16(index)
    }
    self.entries = entries
    self.repeating = repeating
    self.slots = slots
    self.byKeyword = byKeyword
    tags = entries.map(\.tag.rawValue)
    vrs = entries.map(\.dictionaryVR)
  }

  /// The entry of a public data element; nil for unknown and private ones.
  public func entry(_ tag: Tag) -> Entry? { index(tag).map { entries[$0] } }

  /// By keyword, as PS3.6 spells it. An element of a repeating group has the first group's tag.
  public func tag(keyword: String) -> Tag? { byKeyword[keyword].map { entries[Int($0)].tag } }

  /// The VR as the dictionary has it, `.none` for unknown elements. Constant time.
  func vr(_ tag: Tag) -> DictionaryVR { index(tag).map { vrs[$0] } ?? .none }

  @inline(__always)
  private static func slot(_ tag: UInt32) -> Int {
    Int(truncatingIfNeeded: (UInt64(tag) &* 0x9E37_79B9_7F4A_7C15) >> 50)
  }

  private func index(_ tag: Tag) -> Int? {
    if tag.isPrivate { return nil }
    var slot = Self.slot(tag.rawValue)
    while slots[slot] != 0xFFFF {
      let index = Int(slots[slot])
      if tags[index] == tag.rawValue { return index }
      slot = (slot + 1) % Self.slotsCount
    }
    let group = tag.group
    guard
      group >= 0x5000 && group <= 0x60FF || group == 0x20 || group == 0x28 || group & 0xFFEF == 0x1000
        || group >= 0x7F00 && group <= 0x7FFF
    else { return nil }
    return repeating.first { tag.rawValue & $0.mask == $0.value }?.index
  }

  /// `50xx0005` as mask and value.
  private static func pattern(_ digits: UnsafeBufferPointer<UInt8>) -> (mask: UInt32, value: UInt32)? {
    guard digits.count == 8 else { return nil }
    var mask: UInt32 = 0
    var value: UInt32 = 0
    for byte in digits {
      mask <<= 4
      value <<= 4
      if byte == UInt8(ascii: "x") { continue }
      guard let digit = hexadecimalDigit(byte) else { return nil }
      mask |= 0xF
      value |= UInt32(digit)
    }
    return (mask, value)
  }
}

/// A VR as a dictionary has it: one, a choice, or none.
enum DictionaryVR: Hashable, Sendable {
  case none
  case one(VR)
  case usOrSS, obOrOW, usOrOW, usOrSSOrOW

  init(_ text: UnsafeBufferPointer<UInt8>) {
    switch text.text {
    case "US/SS": self = .usOrSS
    case "OB/OW": self = .obOrOW
    case "US/OW": self = .usOrOW
    case "US/SS/OW": self = .usOrSSOrOW
    default: self = VR(text.text).map { .one($0) } ?? .none
    }
  }

  var vr: VR? {
    if case .one(let vr) = self { return vr }
    return nil
  }
}

/// The lines of an embedded table as fields; lines of the notice are left out.
struct TableLines: Sequence, IteratorProtocol {
  private let table: UnsafeBufferPointer<UInt8>
  private var position = 0

  init(_ table: UnsafeBufferPointer<UInt8>) { self.table = table }

  mutating func next() -> [UnsafeBufferPointer<UInt8>]? {
    while position < table.count {
      var fields: [UnsafeBufferPointer<UInt8>] = []
      var start = position
      while position < table.count, table[position] != UInt8(ascii: "\n") {
        if table[position] == UInt8(ascii: "\t") {
          fields.append(UnsafeBufferPointer(rebasing: table[start..<position]))
          start = position + 1
        }
        position += 1
      }
      fields.append(UnsafeBufferPointer(rebasing: table[start..<position]))
      position += 1
      if fields[0].first != UInt8(ascii: "#") { return fields }
    }
    return nil
  }
}

extension UnsafeBufferPointer<UInt8> {
  var text: String { String(decoding: self, as: UTF8.self) }
}
