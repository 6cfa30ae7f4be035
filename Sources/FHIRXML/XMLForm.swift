public import Base
public import FHIRModel
public import JSONCore

/// The XML form of resources of one FHIR release (FHIR R4 xml.html), both ways.
///
/// Reading makes compact JSON, which then goes the way of every JSON body (parse, `StructureCheck`, …); writing walks
/// a parsed resource's tape. Both follow the schema's tables; nothing belongs to one release. Make one form per schema
/// and keep it.
public struct XMLForm: Sendable {
  /// The namespace of all elements but the narrative's (R4 xml.html).
  public static let namespace = "http://hl7.org/fhir"
  /// Reasons reported of one document; reading ends there.
  public static let reasonsMax = 50
  /// Attributes of one tag, namespace declarations included. libxml2 compares each with all others.
  public static let attributesMax = 64
  /// Namespace declarations in force at one place.
  public static let namespacesMax = 64
  /// Bytes of all different names of one document: FHIR's own are less than a tenth of it.
  public static let nameBytesMax = 1024 * 1024
  /// Elements of a narrative open at once.
  public static let narrativeDepthMax = 256

  let layout: XMLLayout

  public init(schema: Schema) {
    layout = XMLLayout(schema)
  }

  /// The JSON form of a resource in XML: compact, UTF-8, numbers as they are written.
  ///
  /// What XML alone can tell is checked: well-formedness, namespaces, known elements and attributes, their order and
  /// that none is empty. Cardinalities, primitives' lexical rules and codes are left to `StructureCheck`. The encoding
  /// is UTF-8 or UTF-16, by byte order mark or declaration. A DOCTYPE is refused, so there are no entities but XML's
  /// own. Comments and processing instructions outside of the narrative are dropped.
  ///
  /// - Throws: `Fault` of category `invalid` with a reason per problem (code `structure` or `value`), each with its
  ///   line; `tooLarge` past `limits.bodyBytesMax`.
  public func json(fromXML bytes: UnsafeRawBufferPointer, limits: Limits = Limits()) throws(Fault) -> [UInt8] {
    let source = try XMLSource(bytes, limits: limits)
    return try source.withText { (text) throws(Fault) in
      try XMLReader.json(from: text, layout: layout, limits: limits)
    }
  }

  /// As `json(fromXML:limits:)` with an array.
  public func json(fromXML bytes: [UInt8], limits: Limits = Limits()) throws(Fault) -> [UInt8] {
    let result = bytes.withUnsafeBytes { buffer in
      Result { () throws(Fault) in try json(fromXML: buffer, limits: limits) }
    }
    return try result.get()
  }

  /// Appends the XML form of the resource at `node` (the document's root without one), XML declaration included.
  ///
  /// Elements come in the definition's order whatever the members' order; numbers as they are written. Characters that
  /// XML 1.0 cannot hold (§2.2: most controls, U+FFFE, U+FFFF) become U+FFFD. A narrative that is not well-formed is
  /// shown as text within a `div`.
  ///
  /// - Parameter indented: a line per element, two spaces a level.
  /// - Throws: `Fault` of category `notAcceptable` if the resource has a member that the schema does not know or a
  ///   value of the wrong JSON kind; `bytes` is then as before.
  public func append(
    _ document: JSONDocument, _ node: JSONNode? = nil, to bytes: inout [UInt8], indented: Bool = false
  ) throws(Fault) {
    var writer = XMLWriter(document: document, layout: layout, indented: indented)
    let start = bytes.count
    // The array is taken over while it grows, so that it is never copied.
    swap(&writer.text.bytes, &bytes)
    writer.text.bytes.reserveCapacity(start + document.byteCount * 2 + 128)
    let fault = writer.run(node ?? document.root)
    swap(&writer.text.bytes, &bytes)
    if let fault {
      bytes.removeLast(bytes.count - start)
      throw fault
    }
  }
}
