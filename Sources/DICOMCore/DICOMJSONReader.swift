public import JSONCore

/// Reads data sets in the DICOM JSON model (PS3.18 Annex F) into explicit little endian with text in UTF-8.
///
/// Tags may come in any order. A `vr` that is missing is taken from the dictionary. Group lengths and group 0002, which
/// do not belong in the model, are passed over.
public struct DICOMJSONReader {
  private let document: JSONDocument
  private let limits: DICOMLimits
  private let bulkData: BulkDataFinder?
  private var absent: AbsentAttributes
  private let isASCII: Bool
  private var builder = DataSetBuilder()
  private var depth = 0

  private static let vrKey: JSONKey = "vr"
  private static let valueKey: JSONKey = "Value"
  private static let inlineKey: JSONKey = "InlineBinary"
  private static let uriKey: JSONKey = "BulkDataURI"
  private static let groups: [JSONKey] = ["Alphabetic", "Ideographic", "Phonetic"]

  /// Reads one object of a document.
  /// - Parameter bulkData: fetches what a BulkDataURI refers to; without it such an element gets no value.
  /// - Throws: `invalidJSON`, `tooDeep`, `unencodable`; what `bulkData` throws.
  public static func dataSet(
    _ document: JSONDocument, _ node: JSONNode? = nil, limits: DICOMLimits = DICOMLimits(),
    bulkData: BulkDataSource? = nil
  ) throws -> DataSet {
    let bytes = try encoded(document, node, limits: limits, bulkData: bulkData)
    return try DataSet(ByteSource(bytes), encoding: .explicitLittleEndian, limits: limits)
  }

  /// As `dataSet`, but gives the encoded form in explicit little endian.
  public static func encoded(
    _ document: JSONDocument, _ node: JSONNode? = nil, limits: DICOMLimits = DICOMLimits(),
    bulkData: BulkDataSource? = nil
  ) throws -> [UInt8] {
    let finder: BulkDataFinder? = bulkData.map { source in { .bytes(try source($0.uri, $0.tag, $0.vr)) } }
    return try build(document, node, limits: limits, bulkData: finder).bytes
  }

  /// Reads one object of a document into explicit little endian, with bulk data that the caller keeps.
  /// - Parameter absent: attributes that are added.
  /// - Throws: as `dataSet`.
  public static func build(
    _ document: JSONDocument, _ node: JSONNode? = nil, limits: DICOMLimits = DICOMLimits(),
    adding absent: AbsentAttributes = AbsentAttributes(), bulkData: BulkDataFinder?
  ) throws -> DataSetBuilder {
    var reader = DICOMJSONReader(document, limits, absent, bulkData)
    try reader.read(node ?? document.root)
    return reader.builder
  }

  private init(
    _ document: JSONDocument, _ limits: DICOMLimits, _ absent: AbsentAttributes, _ bulkData: BulkDataFinder?
  ) {
    self.document = document
    self.absent = absent
    self.limits = limits
    self.bulkData = bulkData
    var previous: UInt8 = 0
    var isASCII = true
    for byte in document.text {
      if byte >= 0x80 || previous == UInt8(ascii: "\\") && byte == UInt8(ascii: "u") {
        isASCII = false
        break
      }
      previous = byte
    }
    self.isASCII = isASCII
  }

  private func invalid(_ tag: Tag?, _ node: JSONNode) -> DICOMError {
    DICOMError(.invalidJSON, tag: tag, at: document.range(node).lowerBound)
  }

  private mutating func read(_ object: JSONNode) throws {
    guard document.kind(object) == .object else { throw invalid(nil, object) }
    var attributes: [(tag: Tag, node: JSONNode)] = []
    for (key, value) in document.members(object) {
      guard let name = document.string(key), let tag = Tag(hexadecimal: name.utf8) else { throw invalid(nil, key) }
      if tag.isGroupLength || tag.group == 0 || tag.group == 2 || tag.group == 0xFFFE || tag.group == 0xFFFF {
        continue
      }
      attributes.append((tag, value))
    }
    attributes.sort { $0.tag < $1.tag }
    var mustTellUTF8 = depth == 0 && !isASCII
    for (tag, node) in attributes {
      if mustTellUTF8, tag >= .specificCharacterSet {
        try builder.append(.specificCharacterSet, .CS, "ISO_IR 192")
        mustTellUTF8 = false
      }
      if depth == 0 { try absent.append(before: tag, to: &builder) }
      // All text is UTF-8, in items too, whatever the model says of where it came from.
      if tag == .specificCharacterSet, !isASCII || hasValue(node) {
        if depth > 0 || isASCII { try builder.append(tag, .CS, "ISO_IR 192") }
        continue
      }
      try readAttribute(tag, node)
    }
    if mustTellUTF8 { try builder.append(.specificCharacterSet, .CS, "ISO_IR 192") }
    if depth == 0 { try absent.append(before: nil, to: &builder) }
  }

  private mutating func readAttribute(_ tag: Tag, _ node: JSONNode) throws {
    guard document.kind(node) == .object else { throw invalid(tag, node) }
    let vr = try vr(tag, node)
    if let value = document.member(node, Self.valueKey) {
      guard document.kind(value) == .array else { throw invalid(tag, value) }
      if vr == .SQ {
        try readItems(tag, value)
      } else {
        try readValues(tag, vr, value)
      }
    } else if let value = document.member(node, Self.inlineKey) {
      guard let text = document.string(value), let bytes = ValueEncoder.inlineBinary(text) else {
        throw invalid(tag, value)
      }
      try builder.append(tag, vr, bytes: bytes)
    } else if let value = document.member(node, Self.uriKey) {
      guard let uri = document.string(value) else { throw invalid(tag, value) }
      let wanted = BulkDataReference(uri: uri, tag: tag, vr: vr, isOutermost: depth == 0)
      try builder.append(tag, vr, try bulkData?(wanted) ?? .bytes([]))
    } else {
      try builder.append(tag, vr, bytes: [])
    }
  }

  private func hasValue(_ node: JSONNode) -> Bool {
    document.member(node, Self.valueKey).map { document.kind($0) == .array && document.count($0) > 0 } ?? false
  }

  private func vr(_ tag: Tag, _ node: JSONNode) throws -> VR {
    guard let member = document.member(node, Self.vrKey) else {
      guard let vr = DataDictionary.standard.vr(tag).vr else { throw invalid(tag, node) }
      return vr
    }
    guard let vr = document.string(member).flatMap({ VR($0) }) else { throw invalid(tag, member) }
    return vr
  }

  private mutating func readItems(_ tag: Tag, _ array: JSONNode) throws {
    depth += 1
    defer { depth -= 1 }
    guard depth <= limits.sequenceDepthMax else {
      throw DICOMError(.tooDeep, tag: tag, at: document.range(array).lowerBound)
    }
    builder.beginSequence(tag)
    for item in document.elements(array) {
      builder.beginItem()
      // F.2.5: an empty item is {}; null is met.
      if document.kind(item) != .null { try read(item) }
      try builder.endItem()
    }
    try builder.endSequence()
  }

  private mutating func readValues(_ tag: Tag, _ vr: VR, _ array: JSONNode) throws {
    var encoder = ValueEncoder(vr)
    for value in document.elements(array) {
      guard encoder.append(try text(tag, vr, value)) else { throw invalid(tag, value) }
    }
    try builder.append(tag, vr, bytes: encoder.bytes)
  }

  private func text(_ tag: Tag, _ vr: VR, _ value: JSONNode) throws -> String? {
    switch document.kind(value) {
    case .null: return nil
    case .string: return document.string(value)
    case .number:
      return vr.isBinary || vr == .AT || vr == .PN ? nil : String(decoding: document.lexeme(value), as: UTF8.self)
    case .object where vr == .PN:
      let groups = Self.groups.map { document.member(value, $0).flatMap { document.string($0) } ?? "" }
      let last = groups.lastIndex { !$0.isEmpty } ?? 0
      return groups[...last].joined(separator: "=")
    default: throw invalid(tag, value)
    }
  }
}
