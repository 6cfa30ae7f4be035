internal import CDICOMTables

/// Private data elements whose creators are known, read once from the embedded table.
///
/// Only what tells the VR is kept apart; names are decoded when asked for.
public final class PrivateDictionary: Sendable {
  public struct Entry: Sendable {
    public let vr: VR?
    public let vm: String
    public let name: String
  }

  public static let standard = PrivateDictionary(
    UnsafeBufferPointer(start: dicom_private_table(), count: dicom_private_table_size()))

  private struct Element: Sendable {
    /// Group, and element within its block: (gggg,..ee).
    let key: UInt32
    let vr: DictionaryVR
    let vm: String
    let name: String
  }

  /// Each creator's range of `elements`.
  private let creators: [[UInt8]: Range<Int>]
  /// By creator, then by key.
  private let elements: [Element]

  init(_ table: UnsafeBufferPointer<UInt8>) {
    var creators: [[UInt8]: Range<Int>] = [:]
    var elements: [Element] = []
    var creator: [UInt8] = []
    var block: [Element] = []
    func close() {
      guard !block.isEmpty else { return }
      creators[creator] = elements.count..<elements.count + block.count
      elements += block.sorted { $0.key < $1.key }
      block = []
    }
    for fields in TableLines(table) where fields.count >= 2 {
      if fields[0].first == UInt8(ascii: "P") {
        close()
        creator = Array(fields[1])
      } else if fields.count >= 5, fields[1].count == 8, let key = Self.key(fields[1]) {
        block.append(
          Element(key: key, vr: DictionaryVR(fields[2]), vm: fields[3].text, name: fields[4].text))
      }
    }
    close()
    self.creators = creators
    self.elements = elements
  }

  /// The entry of a private data element, nil if its creator or the element is not known.
  public func entry(_ tag: Tag, creator: String) -> Entry? {
    guard let number = number(creator: Array(creator.utf8)[...]), let element = element(tag, creator: number) else {
      return nil
    }
    return Entry(vr: element.vr.vr, vm: element.vm, name: element.name)
  }

  /// A creator's number for `vr`, nil if nothing is known of it.
  func number(creator: ArraySlice<UInt8>) -> Range<Int>? { creators[Array(creator)] }

  func vr(_ tag: Tag, creator: Range<Int>) -> DictionaryVR { element(tag, creator: creator)?.vr ?? .none }

  private func element(_ tag: Tag, creator: Range<Int>) -> Element? {
    let key = UInt32(tag.group) << 16 | UInt32(tag.element & 0xFF)
    var low = creator.lowerBound
    var high = creator.upperBound
    while low < high {
      let middle = (low + high) / 2
      if elements[middle].key < key { low = middle + 1 } else { high = middle }
    }
    return low < creator.upperBound && elements[low].key == key ? elements[low] : nil
  }

  /// `0019xx10` as group and element within the block.
  private static func key(_ digits: UnsafeBufferPointer<UInt8>) -> UInt32? {
    var value: UInt32 = 0
    for (place, byte) in digits.enumerated() where place != 4 && place != 5 {
      guard let digit = hexadecimalDigit(byte) else { return nil }
      value = value << 4 | UInt32(digit)
    }
    return (value & 0xFFFF00) << 8 | value & 0xFF
  }
}
