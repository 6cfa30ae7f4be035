/// Reads the Native DICOM Model in XML (PS3.19 A.1) into explicit little endian with text in UTF-8.
///
/// Group lengths and group 0002 are passed over. Attributes may come in any order, values by their `number`.
public struct NativeXMLReader {
  /// An element of the document with all in it; how deep is limited while it is read.
  private final class Node {
    let name: String
    let attributes: [String: String]
    let offset: Int
    var text = ""
    var children: [Node] = []

    init(_ name: String, _ attributes: [String: String], _ offset: Int) {
      // A prefix that stands for the namespace says nothing more.
      self.name = name.split(separator: ":").last.map(String.init) ?? name
      self.attributes = attributes
      self.offset = offset
    }
  }

  private let limits: DICOMLimits
  private let bulkData: BulkDataFinder?
  private var absent: AbsentAttributes
  private let isASCII: Bool
  private var builder = DataSetBuilder()

  /// Reads a document.
  /// - Parameter bulkData: fetches what a BulkData's `uri` refers to; without it such an element gets no value.
  /// - Throws: `invalidXML`, `tooDeep`, `tooManyElements`, `unencodable`; what `bulkData` throws.
  public static func dataSet(
    _ xml: [UInt8], limits: DICOMLimits = DICOMLimits(), bulkData: BulkDataSource? = nil
  ) throws -> DataSet {
    let finder: BulkDataFinder? = bulkData.map { source in { .bytes(try source($0.uri, $0.tag, $0.vr)) } }
    return try build(xml, limits: limits, bulkData: finder).dataSet(limits: limits)
  }

  /// Reads a document into explicit little endian, with bulk data that the caller keeps.
  /// - Parameter absent: attributes that are added.
  /// - Throws: as `dataSet`.
  public static func build(
    _ xml: [UInt8], limits: DICOMLimits = DICOMLimits(), adding absent: AbsentAttributes = AbsentAttributes(),
    bulkData: BulkDataFinder?
  ) throws -> DataSetBuilder {
    let root = try tree(xml, limits)
    guard root.name == "NativeDicomModel" else { throw DICOMError(.invalidXML, at: root.offset) }
    var isASCII = true
    for byte in xml where byte >= 0x80 || byte == UInt8(ascii: "#") {
      isASCII = false
      break
    }
    var reader = NativeXMLReader(limits: limits, bulkData: bulkData, absent: absent, isASCII: isASCII)
    try reader.read(root, depth: 0)
    return reader.builder
  }

  private init(limits: DICOMLimits, bulkData: BulkDataFinder?, absent: AbsentAttributes, isASCII: Bool) {
    self.absent = absent
    self.limits = limits
    self.bulkData = bulkData
    self.isASCII = isASCII
  }

  private static func tree(_ xml: [UInt8], _ limits: DICOMLimits) throws(DICOMError) -> Node {
    var scanner = XMLScanner(xml)
    var open: [Node] = []
    var root: Node?
    var count = 0
    while let token = try scanner.next() {
      switch token {
      case .text(let text):
        open.last?.text += text
      case .start(let name, let attributes, let isEmpty):
        count += 1
        guard count <= limits.elementsMax else { throw DICOMError(.tooManyElements, at: scanner.position) }
        // An item is two elements deep; a person's name is three.
        guard open.count <= 2 * limits.sequenceDepthMax + 4 else { throw DICOMError(.tooDeep, at: scanner.position) }
        let node = Node(name, attributes, scanner.position)
        open.last?.children.append(node)
        if open.isEmpty {
          guard root == nil else { throw DICOMError(.invalidXML, at: scanner.position) }
          root = node
        }
        if !isEmpty { open.append(node) }
      case .end(let name):
        guard let node = open.popLast(), name.split(separator: ":").last.map(String.init) == node.name else {
          throw DICOMError(.invalidXML, at: scanner.position)
        }
      }
    }
    guard let root, open.isEmpty else { throw DICOMError(.invalidXML, at: scanner.position) }
    return root
  }

  private mutating func read(_ parent: Node, depth: Int) throws {
    guard depth <= limits.sequenceDepthMax else { throw DICOMError(.tooDeep, at: parent.offset) }
    var attributes: [(tag: Tag, node: Node)] = []
    for node in parent.children where node.name == "DicomAttribute" {
      guard let tag = node.attributes["tag"].flatMap({ Tag(hexadecimal: $0.utf8) }) else {
        throw DICOMError(.invalidXML, at: node.offset)
      }
      if tag.isGroupLength || tag.group == 0 || tag.group == 2 || tag.group >= 0xFFFE { continue }
      attributes.append((tag, node))
    }
    attributes.sort { $0.tag < $1.tag }
    var mustTellUTF8 = depth == 0 && !isASCII
    for (tag, node) in attributes {
      if mustTellUTF8, tag >= .specificCharacterSet {
        try builder.append(.specificCharacterSet, .CS, "ISO_IR 192")
        mustTellUTF8 = false
      }
      if depth == 0 { try absent.append(before: tag, to: &builder) }
      // As in DICOM JSON: text is UTF-8, whatever the model says.
      if tag == .specificCharacterSet, !isASCII || node.children.contains(where: { !$0.text.isEmpty }) {
        if depth > 0 || isASCII { try builder.append(tag, .CS, "ISO_IR 192") }
        continue
      }
      try readAttribute(tag, node, depth)
    }
    if depth == 0 { try absent.append(before: nil, to: &builder) }
  }

  private mutating func readAttribute(_ tag: Tag, _ node: Node, _ depth: Int) throws {
    let fault = DICOMError(.invalidXML, tag: tag, at: node.offset)
    guard let vr = node.attributes["vr"].flatMap({ VR($0) }) ?? DataDictionary.standard.vr(tag).vr else { throw fault }
    let values = node.children
    if vr == .SQ {
      builder.beginSequence(tag)
      for item in values where item.name == "Item" {
        builder.beginItem()
        try read(item, depth: depth + 1)
        try builder.endItem()
      }
      try builder.endSequence()
    } else if let inline = values.first(where: { $0.name == "InlineBinary" }) {
      guard let bytes = ValueEncoder.inlineBinary(inline.text) else { throw fault }
      try builder.append(tag, vr, bytes: bytes)
    } else if let bulk = values.first(where: { $0.name == "BulkData" }) {
      let uri = bulk.attributes["uri"] ?? bulk.attributes["uuid"]
      guard let uri else { throw fault }
      let wanted = BulkDataReference(uri: uri, tag: tag, vr: vr, isOutermost: depth == 0)
      try builder.append(tag, vr, try bulkData?(wanted) ?? .bytes([]))
    } else {
      try append(tag, vr, try Self.numbered(values, vr, fault), fault)
    }
  }

  /// Values in the order of their `number`; missing numbers are empty values.
  private static func numbered(_ nodes: [Node], _ vr: VR, _ fault: DICOMError) throws(DICOMError) -> [String] {
    var values: [String] = []
    for node in nodes where node.name == "Value" || node.name == "PersonName" {
      let number = node.attributes["number"].flatMap { Int($0) } ?? values.count + 1
      // Numbers are dense; a gap larger than the list itself is no list.
      guard number > 0, number <= nodes.count + 1024 else { throw fault }
      while values.count < number { values.append("") }
      values[number - 1] = vr == .PN ? personName(node) : node.text
    }
    return values
  }

  private static func personName(_ node: Node) -> String {
    let groups = ["Alphabetic", "Ideographic", "Phonetic"].map { label in
      guard let group = node.children.first(where: { $0.name == label }) else { return "" }
      let components = ["FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix"].map { label in
        group.children.first { $0.name == label }?.text ?? ""
      }
      let last = components.lastIndex { !$0.isEmpty } ?? 0
      return components[...last].joined(separator: "^")
    }
    let last = groups.lastIndex { !$0.isEmpty } ?? 0
    return groups[...last].joined(separator: "=")
  }

  private mutating func append(_ tag: Tag, _ vr: VR, _ values: [String], _ fault: DICOMError) throws {
    var encoder = ValueEncoder(vr)
    for value in values {
      guard encoder.append(value.isEmpty && !vr.isText ? nil : value) else { throw fault }
    }
    try builder.append(tag, vr, bytes: encoder.bytes)
  }
}
