internal import Base
internal import CXML2

/// libxml2's SAX2 parser around a `JSONBuilder`: no network, no DTD, no entity but XML's own, no message printed.
///
/// `XML_PARSE_HUGE` lifts libxml2's bound of 10 MB per value (an attachment is one attribute); size, depth, attributes
/// and names are bounded here instead, and without a DOCTYPE there is nothing to expand.
enum XMLReader {
  /// Once per process, before any thread parses.
  private static let isReady: Bool = {
    xmlInitParser()
    return true
  }()

  static func json(
    from text: UnsafeBufferPointer<UInt8>, layout: XMLLayout, limits: Limits
  ) throws(Fault) -> [UInt8] {
    guard isReady, let start = text.baseAddress, let size = Int32(exactly: text.count), let parser = xmlNewParserCtxt()
    else { throw Fault(.unavailable, "There is not enough memory to read the XML.") }
    defer { xmlFreeParserCtxt(parser) }
    let builder = UnsafeMutablePointer<JSONBuilder>.allocate(capacity: 1)
    builder.initialize(to: JSONBuilder(text: text, parser: parser, layout: layout, limits: limits))
    defer {
      builder.deinitialize(count: 1)
      builder.deallocate()
    }
    parser.pointee.sax.pointee = handler
    parser.pointee.userData = UnsafeMutableRawPointer(builder)
    // `XMLSource` has seen to the encoding: whatever the text declares, it is UTF-8 here.
    let options = XML_PARSE_NONET.rawValue | XML_PARSE_HUGE.rawValue | XML_PARSE_IGNORE_ENC.rawValue
    start.withMemoryRebound(to: CChar.self, capacity: text.count) { text in
      // The events have made no document tree, so there is none to free.
      _ = xmlCtxtReadMemory(parser, text, size, nil, nil, Int32(bitPattern: options))
    }
    return try builder.pointee.finish(isWellFormed: parser.pointee.wellFormed == 1)
  }

  /// The events that are listened to; all others, entity look-up among them, have no handler.
  private static var handler: xmlSAXHandler {
    var handler = xmlSAXHandler()
    handler.initialized = UInt32(XML_SAX2_MAGIC)
    handler.startDocument = { data in builder(data)?.pointee.startDocument() }
    handler.internalSubset = { data, _, _, _ in
      builder(data)?.pointee.stop("Document type declarations (DOCTYPE) are not allowed.")
    }
    handler.startElementNs = { data, name, prefix, uri, namespaceCount, namespaces, attributeCount, _, attributes in
      guard let name else { return }
      let tag = XMLTag(
        name: name, prefix: prefix, uri: uri, namespaceCount: Int(namespaceCount), namespaces: namespaces,
        attributeCount: Int(attributeCount), attributes: attributes)
      builder(data)?.pointee.start(tag)
    }
    handler.endElementNs = { data, name, prefix, _ in
      guard let name else { return }
      builder(data)?.pointee.end(name, prefix: prefix)
    }
    handler.characters = { data, text, count in
      builder(data)?.pointee.characters(UnsafeBufferPointer(start: text, count: Int(count)))
    }
    // The same function for both, so that libxml2 does not guess which whitespace is ignorable.
    handler.ignorableWhitespace = handler.characters
    handler.cdataBlock = { data, _, _ in
      builder(data)?.pointee.stop("CDATA sections are not allowed.")
    }
    handler.serror = { data, error in
      guard let error, error.pointee.level.rawValue >= XML_ERR_ERROR.rawValue else { return }
      // The bound on names makes itself felt as a lack of memory.
      let isMemory = error.pointee.code == Int32(bitPattern: XML_ERR_NO_MEMORY.rawValue)
      let message = isMemory ? "too many different names" : error.pointee.message.map { String(cString: $0) } ?? ""
      builder(data)?.pointee.stopMalformed(message, line: Int(error.pointee.line))
    }
    return handler
  }
}

/// The builder that the events are for; a function of its own, since C callbacks capture nothing.
@inline(__always)
private func builder(_ data: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<JSONBuilder>? {
  data?.assumingMemoryBound(to: JSONBuilder.self)
}

/// A start tag as libxml2 hands it over; valid within the event.
struct XMLTag {
  let name: UnsafePointer<UInt8>
  let prefix: UnsafePointer<UInt8>?
  let uri: UnsafePointer<UInt8>?
  let namespaceCount: Int
  /// Pairs of prefix and URI.
  let namespaces: UnsafeMutablePointer<UnsafePointer<UInt8>?>?
  let attributeCount: Int
  let attributes: UnsafeMutablePointer<UnsafePointer<UInt8>?>?

  struct Attribute {
    let name: UnsafePointer<UInt8>?
    let prefix: UnsafePointer<UInt8>?
    let uri: UnsafePointer<UInt8>?
    /// References decoded, whitespace normalised (XML 1.0 §3.3.3).
    let value: UnsafeBufferPointer<UInt8>
  }

  func attribute(_ index: Int) -> Attribute {
    guard let attributes, index < attributeCount else {
      return Attribute(name: nil, prefix: nil, uri: nil, value: UnsafeBufferPointer(start: nil, count: 0))
    }
    let fields = attributes + index * 5
    var value = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    if let start = fields[3], let end = fields[4] { value = UnsafeBufferPointer(start: start, count: end - start) }
    return Attribute(name: fields[0], prefix: fields[1], uri: fields[2], value: value)
  }

  /// Whether the tag itself declares this as its default namespace.
  func declaresDefault(_ uri: StaticString) -> Bool {
    guard let namespaces else { return false }
    for index in 0..<namespaceCount where namespaces[index * 2] == nil {
      return XMLTag.equals(namespaces[index * 2 + 1], uri)
    }
    return false
  }

  static func equals(_ text: UnsafePointer<UInt8>?, _ other: StaticString) -> Bool {
    guard let text else { return false }
    let count = other.utf8CodeUnitCount
    // A shorter text differs at its terminating zero at the latest.
    for place in 0..<count where text[place] != other.utf8Start[place] { return false }
    return text[count] == 0
  }

  static func string(_ text: UnsafePointer<UInt8>?) -> String {
    guard let text else { return "" }
    let bytes = UnsafeBufferPointer(start: text, count: Int(xmlStrlen(text)))
    guard bytes.count > 64 else { return String(decoding: bytes, as: UTF8.self) }
    return String(decoding: bytes.prefix(64), as: UTF8.self) + "…"
  }
}
