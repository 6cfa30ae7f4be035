/// Makes the tables of DICOM from pydicom's generated dictionaries: data elements (PS3.6 §6–9 with the repeating
/// groups), unique identifiers (PS3.6 Annex A) and private data elements (collected by GDCM).
///
/// The tables are text, one record per line: the record's kind (one letter), a tab, and its fields separated by tabs.
///
///     #  a line of the notice that the licence asks for
///     T  tag  VR  VM  retired  keyword  name       a data element; the tag may have `x` for any digit
///     U  UID  type  retired  keyword  name         a unique identifier
///     P  creator                                   a private creator
///     E  tag  VR  VM  name                         a private data element of the creator above, its block as `xx`
///
/// `retired` is `R` or `-`. Several VRs are separated by `/`, none is `-`.
public struct DICOMTableGenerator {
  private let text: String
  private let notice: [String]

  /// - Parameters:
  ///   - text: one of pydicom's `_dicom_dict.py`, `_uid_dict.py`, `_private_dict.py`.
  ///   - licence: pydicom's licence, which the table carries along.
  public init(text: String, licence: String) {
    self.text = text
    notice = licence.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map {
      $0.isEmpty ? "#" : "#\t\($0)"
    }
  }

  /// The table of data elements, with the repeating groups after the others.
  public func elementTable() throws -> String {
    try table { _, key, fields in
      guard fields.count == 5 else { throw GenerationError("data element \(key) has \(fields.count) fields") }
      let tag = key.without(prefix: "0x").without(prefix: "0X")
      return TableGenerator.line(
        "T", tag, Self.vr(fields[0]), fields[1], fields[3].isEmpty ? "-" : "R", fields[4].isEmpty ? "-" : fields[4],
        fields[2])
    }
  }

  /// Transfer syntaxes that PS3.6 has since its editions of 2024 and 2025, after pydicom's dictionary was made.
  private static let newerUIDs = [
    ("1.2.840.10008.1.2.4.110", "JPEGXLLossless", "JPEG XL Lossless"),
    ("1.2.840.10008.1.2.4.111", "JPEGXLJPEGRecompression", "JPEG XL JPEG Recompression"),
    ("1.2.840.10008.1.2.4.112", "JPEGXL", "JPEG XL"),
    ("1.2.840.10008.1.2.8.1", "DeflatedImageFrameCompression", "Deflated Image Frame Compression"),
  ]

  /// The table of unique identifiers.
  public func uidTable() throws -> String {
    let newer = Self.newerUIDs.filter { !text.contains("'\($0.0)'") }.map {
      TableGenerator.line("U", $0.0, "Transfer Syntax", "-", $0.1, $0.2) + "\n"
    }
    return try pydicomUIDTable() + newer.joined()
  }

  private func pydicomUIDTable() throws -> String {
    try table { _, key, fields in
      guard fields.count == 5 else { throw GenerationError("UID \(key) has \(fields.count) fields") }
      return TableGenerator.line(
        "U", key, fields[1], fields[3].isEmpty ? "-" : "R", fields[4].isEmpty ? "-" : fields[4], fields[0])
    }
  }

  /// The table of private data elements: of those only that are in a block (PS3.5 §7.8.1), `gggg,xxee`.
  public func privateTable() throws -> String {
    var creator = ""
    return try table { opened, key, fields in
      guard fields.count == 4 else { throw GenerationError("private \(key) has \(fields.count) fields") }
      guard key.utf8.count == 8, Array(key.utf8)[4...5].elementsEqual("xx".utf8),
        !key.utf8.prefix(4).contains(UInt8(ascii: "x")),
        !key.utf8.suffix(2).contains(UInt8(ascii: "x"))
      else { return nil }
      let line = TableGenerator.line("E", key, Self.vr(fields[0]), fields[1], fields[2])
      if opened == creator { return line }
      creator = opened
      return TableGenerator.line("P", creator) + "\n" + line
    }
  }

  private func table(_ record: (_ opened: String, _ key: String, _ fields: [String]) throws -> String?) throws
    -> String
  {
    var lines = notice
    var opened = ""
    for line in try PythonTableScanner.lines(text) {
      switch line {
      case .opening(let name): opened = name
      case .entry(let key, let fields): if let line = try record(opened, key, fields) { lines.append(line) }
      case .other: break
      }
    }
    guard lines.count > notice.count else { throw GenerationError("no entry in the file") }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func vr(_ text: String) -> String {
    text == "NONE" ? "-" : text.replacing(" or ", with: "/").replacing("_", with: "/")
  }
}
