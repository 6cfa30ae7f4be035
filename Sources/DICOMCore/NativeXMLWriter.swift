/// Writes data sets as Native DICOM Model in XML (PS3.19 A.1).
///
/// As in JSON, tags ascend, group lengths and group 0002 are left out, and text is UTF-8.
public struct NativeXMLWriter {
  /// What has been written so far.
  public private(set) var bytes: [UInt8] = []
  private let bulkData: BulkDataChoice

  private static let namespace: StaticString = "http://dicom.nema.org/PS3.19/models/NativeDICOM"

  /// A data set as a document.
  public static func xml(_ dataSet: DataSet, bulkData: @escaping BulkDataChoice = { _ in .inline }) -> [UInt8] {
    var writer = NativeXMLWriter(bulkData: bulkData)
    writer.write(dataSet)
    return writer.bytes
  }

  public init(bulkData: @escaping BulkDataChoice = { _ in .inline }) { self.bulkData = bulkData }

  /// Writes a data set as a whole document.
  public mutating func write(_ dataSet: DataSet) {
    append("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<NativeDicomModel xmlns=\"")
    append(Self.namespace)
    append("\" xml:space=\"preserve\">")
    writeAttributes(dataSet)
    append("</NativeDicomModel>\n")
  }

  private mutating func append(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Recurses as deep as items are nested, which the parser limits (`sequenceDepthMax`).
  private mutating func writeAttributes(_ dataSet: DataSet) {
    // Creators stand in front of what is theirs.
    var creators: [Tag: String] = [:]
    for element in dataSet.orderedElements where !element.tag.isGroupLength && element.tag.group != 2 {
      if element.tag.isPrivateCreator { creators[element.tag] = element.string }
      write(element, creator: element.tag.privateCreatorTag.flatMap { creators[$0] })
    }
  }

  private mutating func write(_ element: DataElement, creator: String?) {
    let vr = element.vr
    var bulk: BulkData?
    if !element.isEmpty, vr != .SQ, vr.isBinary || !element.isResident || element.isEncapsulated {
      bulk = bulkData(element)
      if bulk == .omitted { return }
    }
    append("<DicomAttribute tag=\"")
    element.tag.appendHexadecimal(to: &bytes)
    append("\" vr=\"")
    append(vr.name)
    append("\"")
    if let keyword = element.tag.keyword, !keyword.isEmpty { writeAttribute(" keyword=\"", keyword) }
    if let creator { writeAttribute(" privateCreator=\"", creator) }
    append(">")
    if let bulk {
      write(bulk, element)
    } else if vr == .SQ {
      for (number, item) in element.items.enumerated() {
        openNumbered("<Item", number)
        writeAttributes(item.dataSet)
        append("</Item>")
      }
    } else if !element.isEmpty {
      writeValues(element)
    }
    append("</DicomAttribute>")
  }

  private mutating func writeAttribute(_ start: StaticString, _ value: String) {
    append(start)
    writeEscaped(value)
    append("\"")
  }

  private mutating func openNumbered(_ start: StaticString, _ number: Int) {
    append(start)
    append(" number=\"")
    DecimalText.append(Int64(number + 1), to: &bytes)
    append("\">")
  }

  private mutating func write(_ bulk: BulkData, _ element: DataElement) {
    switch bulk {
    case .uri(let uri):
      writeAttribute("<BulkData uri=\"", uri)
      append("/>")
    case .inline where element.isResident && !element.isEncapsulated:
      append("<InlineBinary>")
      let size = element.isBigEndian ? element.tape.wordSize(element.record) : 1
      Base64Text.append(element.bytes, swapping: size, to: &bytes)
      append("</InlineBinary>")
    default: break
    }
  }

  private mutating func writeValues(_ element: DataElement) {
    if element.vr == .PN {
      for (number, name) in element.strings.enumerated() { writePersonName(name, number) }
      return
    }
    let values =
      element.tag == .specificCharacterSet && element.vr.isText
      ? (element.specificCharacterSet.terms.isEmpty ? [] : ["ISO_IR 192"]) : texts(element)
    if values.count == 1, values[0].isEmpty { return }
    for (number, value) in values.enumerated() {
      openNumbered("<Value", number)
      writeEscaped(value)
      append("</Value>")
    }
  }

  private func texts(_ element: DataElement) -> [String] {
    switch element.vr {
    case .FL:
      element.doubles.map { $0.isFinite ? "\(Float($0))" : DecimalText.name($0).description }
    case .FD: element.doubles.map { $0.isFinite ? "\($0)" : DecimalText.name($0).description }
    default: element.strings
    }
  }

  private mutating func writePersonName(_ name: String, _ number: Int) {
    openNumbered("<PersonName", number)
    let groups = name.split(separator: "=", maxSplits: 2, omittingEmptySubsequences: false)
    for (group, label) in zip(groups, ["Alphabetic", "Ideographic", "Phonetic"]) where !group.isEmpty {
      writeElement(label) { writer in
        let components = group.split(separator: "^", maxSplits: 4, omittingEmptySubsequences: false)
        let labels = ["FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix"]
        for (component, label) in zip(components, labels) where !component.isEmpty {
          writer.writeElement(label) { $0.writeEscaped(String(component)) }
        }
      }
    }
    append("</PersonName>")
  }

  private mutating func writeElement(_ name: String, _ content: (inout NativeXMLWriter) -> Void) {
    append("<")
    bytes.append(contentsOf: name.utf8)
    append(">")
    content(&self)
    append("</")
    bytes.append(contentsOf: name.utf8)
    append(">")
  }

  /// XML 1.0 §2.2 and §2.4: markup characters as references; control characters, which XML has no way to write, as
  /// U+FFFD.
  private mutating func writeEscaped(_ text: String) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "<"): append("&lt;")
      case UInt8(ascii: ">"): append("&gt;")
      case UInt8(ascii: "&"): append("&amp;")
      case UInt8(ascii: "\""): append("&quot;")
      // A line break in front of a line feed would be lost in reading (XML 1.0 §2.11).
      case 0x0D: append("&#13;")
      case 0x09, 0x0A, 0x20...: bytes.append(byte)
      default: append("\u{FFFD}")
      }
    }
  }
}
