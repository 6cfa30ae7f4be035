internal import Base
internal import CXML2
internal import FHIRModel
internal import JSONCore

/// Makes JSON while the parser reports tags. Elements come in the definition's order, so those of one name stand
/// together and their array can be written as they come: nothing is kept but the open elements.
struct JSONBuilder {
  /// An element that is open.
  struct Frame {
    enum Kind {
      /// A JSON object: a resource or a complex type.
      case object
      /// A primitive; its members (id, extension) belong to the `_` sibling.
      case primitive
      /// Holds one resource: `contained`, `Bundle.entry.resource`, …
      case wrapper
    }

    var kind: Kind
    var type: Schema.TypeID
    /// Nothing has been written between its braces.
    var isEmpty = true
    /// The last element's place in the definition's order.
    var last: Int32 = -1
    /// Where the sibling object of a primitive begins in `json`; negative if it has none.
    var siblingStart = -1
    var hasValue = false
    /// The elements of one name that are being written.
    var run: Run?
    /// Where the siblings of the run begin in `siblings`.
    var siblingsStart = 0
  }

  /// Elements of one name, one behind the other.
  struct Run {
    var element: Schema.ElementID
    var type: Schema.TypeID
    var isArray: Bool
    var isPrimitive: Bool
    /// The object was empty before.
    var isFirst: Bool
    /// Where it begins in `json`, its comma included.
    var start: Int
    var count = 0
    /// One of its primitives has a value.
    var hasValue = false
    /// Entries written to `siblings`.
    var siblingCount = 0
  }

  /// Names as the parser's dictionary has them, to be compared by address.
  struct Names {
    let id, value, url: UnsafePointer<UInt8>?

    init(_ parser: xmlParserCtxtPtr) {
      id = xmlDictLookup(parser.pointee.dict, "id", 2)
      value = xmlDictLookup(parser.pointee.dict, "value", 5)
      url = xmlDictLookup(parser.pointee.dict, "url", 3)
    }
  }

  let text: UnsafeBufferPointer<UInt8>
  let parser: xmlParserCtxtPtr
  let layout: XMLLayout
  let depthMax: Int
  let nodesMax: Int
  var names: Names?
  /// The address of FHIR's namespace, once it has been seen.
  var namespace: UnsafePointer<UInt8>?

  var json: [UInt8] = []
  var frames: [Frame] = []
  /// `_` entries of the runs that are open: the innermost run's at the end.
  var siblings: [UInt8] = []
  var nodes = 0
  /// Tags open within an element that means nothing; 0 outside of such.
  var skipped = 0
  var narrative: Narrative?
  var isDone = false

  var reasons: [Fault.Reason] = []
  var isStopped = false

  init(text: UnsafeBufferPointer<UInt8>, parser: xmlParserCtxtPtr, layout: XMLLayout, limits: Limits) {
    self.text = text
    self.parser = parser
    self.layout = layout
    depthMax = limits.jsonDepthMax
    nodesMax = limits.jsonNodesMax
    json.reserveCapacity(text.count)
    frames.reserveCapacity(32)
  }

  var schema: Schema { layout.schema }

  mutating func finish(isWellFormed: Bool) throws(Fault) -> [UInt8] {
    if reasons.isEmpty, !isWellFormed || !isDone { stopMalformed("", line: line) }
    guard reasons.isEmpty else { throw Fault(.invalid, reasons) }
    return json
  }

  // MARK: - Events

  mutating func startDocument() {
    // XML_PARSE_HUGE has lifted this bound as well.
    xmlDictSetLimit(parser.pointee.dict, XMLForm.nameBytesMax)
    // Else `&amp;` in an attribute's value comes as `&#38;`. There are no entities to be replaced but XML's own.
    parser.pointee.replaceEntities = 1
    names = Names(parser)
  }

  mutating func start(_ tag: XMLTag) {
    if isStopped { return }
    nodes += 1 + tag.attributeCount
    guard nodes <= nodesMax else { return stop("The XML has more than \(nodesMax) elements and attributes.") }
    // libxml2's table has two entries per declaration.
    guard parser.pointee.nsNr <= XMLForm.namespacesMax * 2 else {
      return stop("More than \(XMLForm.namespacesMax) namespace declarations are in force.")
    }
    if narrative != nil { return startNarrativeElement(tag) }
    guard frames.count + skipped < depthMax else {
      return stop("Elements are nested too deeply: more than \(depthMax).")
    }
    if skipped > 0 {
      skipped += 1
      return
    }
    let isFHIR = isInNamespace(tag)
    if let top = frames.last {
      switch top.kind {
      case .wrapper: startResource(tag, isFHIR: isFHIR)
      case .object, .primitive: startElement(tag, isFHIR: isFHIR)
      }
    } else {
      startResource(tag, isFHIR: isFHIR)
    }
  }

  mutating func end(_ name: UnsafePointer<UInt8>, prefix: UnsafePointer<UInt8>?) {
    if isStopped { return }
    if narrative != nil { return endNarrativeElement(name) }
    if skipped > 0 {
      skipped -= 1
      return
    }
    guard let top = frames.last else { return }
    switch top.kind {
    case .object: endObject()
    case .primitive: endPrimitive()
    case .wrapper:
      if top.isEmpty { report("The element holds no resource; it must hold one.") }
      frames.removeLast()
    }
    if frames.isEmpty { isDone = true }
  }

  mutating func characters(_ text: UnsafeBufferPointer<UInt8>) {
    if isStopped || skipped > 0 { return }
    if narrative != nil { return narrativeText(text) }
    let isBlank = text.allSatisfy { $0 == 32 || $0 == 10 || $0 == 9 || $0 == 13 }
    if !isBlank { report("Text is not allowed between elements; values stand in the attribute 'value'.") }
  }

  private mutating func isInNamespace(_ tag: XMLTag) -> Bool {
    guard let uri = tag.uri else { return false }
    // The parser's dictionary gives one address to equal texts.
    if uri == namespace { return true }
    guard XMLTag.equals(uri, "http://hl7.org/fhir") else { return false }
    namespace = uri
    return true
  }

  // MARK: - Resources

  private mutating func startResource(_ tag: XMLTag, isFHIR: Bool) {
    let name = UnsafeBufferPointer(start: tag.name, count: Int(xmlStrlen(tag.name)))
    guard isFHIR else {
      reportNamespace(tag, "http://hl7.org/fhir")
      return skip()
    }
    guard let type = schema.resourceType(utf8: name) else {
      report("<\(XMLTag.string(tag.name))> is no resource type of FHIR \(schema.fhirVersion).")
      return skip()
    }
    if let wrapper = frames.indices.last {
      guard frames[wrapper].isEmpty else {
        report("The element must hold one resource, not several.")
        return skip()
      }
      frames[wrapper].isEmpty = false
      checkResourceType(type, wrapper: wrapper, tag)
    }
    for index in 0..<tag.attributeCount {
      let attribute = tag.attribute(index)
      // Where a schema lies says nothing about the resource; other parsers accept it as well.
      if XMLTag.equals(attribute.uri, "http://www.w3.org/2001/XMLSchema-instance"),
        XMLTag.equals(attribute.name, "schemaLocation")
      {
        continue
      }
      reportAttribute(attribute)
    }
    append("{\"resourceType\":\"")
    json.append(contentsOf: name)
    append("\"")
    frames.append(Frame(kind: .object, type: type, isEmpty: false, siblingsStart: siblings.count))
  }

  private mutating func checkResourceType(_ type: Schema.TypeID, wrapper: Int, _ tag: XMLTag) {
    guard !schema.isSubtype(type, of: frames[wrapper].type) else { return }
    report("The resource must be of type \(schema.name(frames[wrapper].type)), not \(schema.name(type)).")
  }

  private mutating func endObject() {
    closeRun()
    // R4 xml.html: FHIR elements are never empty.
    if frames[frames.count - 1].isEmpty {
      report("The element is empty; it must have a value, elements or extensions.")
    }
    append("}")
    frames.removeLast()
  }

  mutating func append(_ text: StaticString) {
    json.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  mutating func skip() { skipped = 1 }
}
