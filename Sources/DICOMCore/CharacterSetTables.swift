internal import CDICOMTables

/// The graphic character sets of PS3.3 C.12.1.1.2 beyond ASCII and Latin-1, read once from the embedded table.
final class CharacterSetTables: Sendable {
  /// A set's characters by code; 0xFFFD where there is none.
  struct Table: Sendable {
    let first: ClosedRange<UInt8>
    /// Nil for single-byte sets.
    let second: ClosedRange<UInt8>?
    fileprivate(set) var characters: [UInt32] = []

    @inline(__always)
    func character(_ code: UInt8) -> UInt32 {
      first.contains(code) ? characters[Int(code - first.lowerBound)] : 0xFFFD
    }

    @inline(__always)
    func character(_ code: UInt8, _ low: UInt8) -> UInt32 {
      guard let second, first.contains(code), second.contains(low) else { return 0xFFFD }
      return characters[Int(code - first.lowerBound) * second.count + Int(low - second.lowerBound)]
    }
  }

  static let shared = CharacterSetTables()

  /// By the numbers of the ISO register; GBK and GB18030 by name.
  let tables: [String: Table]
  /// The characters of GB18030's codes of four bytes in the basic plane, in the order of their codes.
  let gb18030Rest: [UInt16]

  private init() {
    var tables: [String: Table] = [:]
    var name = ""
    for fields in TableLines(UnsafeBufferPointer(start: dicom_characters_table(), count: dicom_characters_table_size()))
    where fields.count >= 2 {
      if fields[0].first == UInt8(ascii: "S"), fields.count >= 4 {
        name = fields[1].text
        tables[name] = Self.table(fields)
      } else {
        tables[name]?.characters += String(decoding: fields[1], as: UTF8.self).unicodeScalars.map(\.value)
      }
    }
    // A table that is not whole would be read past its end.
    self.tables = tables.filter { $0.value.characters.count == $0.value.first.count * ($0.value.second?.count ?? 1) }
    gb18030Rest = Self.rest(of: tables["GB18030"])
  }

  private static func table(_ fields: [UnsafeBufferPointer<UInt8>]) -> Table? {
    let bounds = fields[2...].compactMap { UInt8($0.text, radix: 16) }
    guard bounds.count >= 2, bounds[0] <= bounds[1] else { return nil }
    let second = bounds.count >= 4 && bounds[2] <= bounds[3] ? bounds[2]...bounds[3] : nil
    return Table(first: bounds[0]...bounds[1], second: second)
  }

  /// Characters whose codes of two and four bytes the editions since 2005 have changed: those that had the short code
  /// in the edition of 2000, and those that have it now.
  private static let formerlyShort: [ClosedRange<Int>] = [
    0xE78D...0xE796, 0xE7C7...0xE7C7, 0xE816...0xE818, 0xE81E...0xE81E, 0xE826...0xE826, 0xE82B...0xE82C,
    0xE831...0xE832, 0xE83B...0xE83B, 0xE843...0xE843, 0xE854...0xE855, 0xE864...0xE864,
  ]
  private static let newlyShort: [ClosedRange<Int>] = [0x1E3F...0x1E3F, 0x9FB4...0x9FBB, 0xFE10...0xFE19]

  /// GB18030's codes of four bytes go through all characters of the basic plane that had no shorter code in the edition
  /// of 2000, in order. U+1E3F and U+E7C7 stand in each other's place since 2005.
  private static func rest(of table: Table?) -> [UInt16] {
    guard let table else { return [] }
    var isShort = [Bool](repeating: false, count: 0x10000)
    for character in table.characters where character < 0xFFFD { isShort[Int(character)] = true }
    for character in newlyShort.joined() { isShort[character] = false }
    for character in formerlyShort.joined() { isShort[character] = true }
    var rest: [UInt16] = []
    for character in UInt16(0x80)...0xFFFF where !isShort[Int(character)] && character & 0xF800 != 0xD800 {
      rest.append(character == 0x1E3F ? 0xE7C7 : character)
    }
    return rest
  }
}
