import Base
import FHIRModel
import FHIRService
import HTTPServer
import JSONCore

/// The content of a Binary in its own media type, without the resource around it (FHIR R4 binary.html#rest).
///
/// A client that asks for a FHIR form is answered with the resource, any other with what the resource holds; and what
/// is written and is no Binary in a FHIR form is the content of one.
struct BinaryContent {
  /// A longer Content-Type is refused.
  static let mediaTypeBytesMax = 256
  /// A longer `X-Security-Context` is refused.
  static let securityContextBytesMax = 1_024

  private let type: Schema.TypeID
  /// STU3 names it `content`.
  private let contentElement: JSONKey
  private let hasSecurityContext: Bool
  private let representation: Representation

  init?(_ schema: Schema, _ representation: Representation) {
    guard let type = schema.resourceType("Binary") else { return nil }
    self.type = type
    self.representation = representation
    let elements = Set(schema.elements(type).map(\.name))
    contentElement = elements.contains("data") ? "data" : "content"
    hasSecurityContext = elements.contains("securityContext")
  }

  // MARK: Reading

  /// Whether an interaction reads a Binary.
  func isRead(by interaction: Interaction) -> Bool {
    switch interaction {
    case .read(type, _), .vread(type, _, _): true
    default: false
    }
  }

  /// The content of a Binary that was read, nil if its client wants the resource in `format`.
  /// - Parameter format: the form that the client wants, if it is answered with the resource.
  func answer(_ answer: Answer, accept: String?, format: inout Format) throws(Fault) -> HTTPResponse? {
    guard answer.status == 200, let json = answer.resource else { return nil }
    let document = try representation.document(json)
    let stated = document.member(document.root, "contentType").flatMap { document.string($0) } ?? ""
    let mediaType = MediaType(stated)
    if let wanted = try Negotiation.binaryFormat(
      accept: accept, contentType: mediaType.name, release: representation.release)
    {
      format = wanted
      return nil
    }
    var response = HTTPResponse(status: 200, body: .bytes(try content(document)))
    let isSafe = MediaType.isWellFormed(stated)
    response.headers = [("Content-Type", isSafe ? stated : "application/octet-stream")]
    // What a browser would carry out if it came from here as a page is for saving, not for showing.
    if !isSafe || !mediaType.isPassive { response.headers.append(("Content-Disposition", "attachment")) }
    if let context = document.member(document.root, "securityContext"),
      let reference = document.member(context, "reference").flatMap({ document.string($0) }),
      reference.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F })
    {
      response.headers.append(("X-Security-Context", reference))
    }
    return response
  }

  private func content(_ document: JSONDocument) throws(Fault) -> [UInt8] {
    guard let data = document.member(document.root, contentElement) else { return [] }
    let decoded: [UInt8]?
    if document.hasEscapes(data) {
      var text: [UInt8] = []
      document.appendString(data, to: &text)
      decoded = text.withUnsafeBufferPointer { Base64.decode($0) }
    } else {
      decoded = Base64.decode(document.lexeme(data))
    }
    guard let decoded else {
      throw Fault(.notAcceptable, "The data of this Binary are no base64: it is had as a resource only.")
    }
    return decoded
  }

  // MARK: Writing

  /// Whether an interaction writes a Binary.
  func isWritten(by interaction: Interaction) -> Bool {
    switch interaction {
    case .create(type), .update(type, _), .conditionalUpdate(type, _): true
    default: false
    }
  }

  /// The Binary that a body is or is the content of.
  ///
  /// A body in a FHIR form that is no Binary is content as well, as the standard has it; one that claims to be JSON and
  /// is none is refused.
  func resource(_ request: HTTPRequest, _ interaction: Interaction) throws(Fault) -> ResourceNode {
    guard let contentType = try request.single("content-type"), !request.body.isEmpty else {
      return try representation.resource(request)
    }
    switch Negotiation.bodyForms[MediaType(contentType).name] {
    case .json:
      let node = try representation.resource(request)
      if let name = node.document.member(node.node, "resourceType"), node.document.stringEquals(name, "Binary") {
        return node
      }
    case .xml:
      let isBinary = request.body.withUnsafeBytes { XMLRoot.localName(of: $0) == "Binary" }
      if isBinary { return try representation.resource(request) }
    case nil: break
    }
    return try wrapped(request, contentType, interaction)
  }

  private func wrapped(_ request: HTTPRequest, _ contentType: String, _ interaction: Interaction) throws(Fault)
    -> ResourceNode
  {
    try request.checkIsNotEncoded()
    guard contentType.utf8.count <= Self.mediaTypeBytesMax, MediaType.isWellFormed(contentType) else {
      throw Fault(.unsupportedMediaType, "The Content-Type header is not a media type.")
    }
    // As a resource it must fit into a body as well.
    let bytesMax = representation.limits.bodyBytesMax / 4 * 3
    guard request.body.count <= bytesMax else {
      throw Fault(.tooLarge, "The content of a Binary is at most \(bytesMax) bytes.")
    }
    var writer = JSONWriter(reserving: Base64.length(ofBytes: request.body.count) + 2_048)
    writer.beginObject()
    writer.member("resourceType", "Binary")
    if case .update(_, let id) = interaction { writer.member("id", id) }
    // FHIR R4 datatypes#code: single spaces only.
    let words = contentType.split { $0 == " " || $0 == "\t" }
    writer.member("contentType", words.joined(separator: " "))
    if let context = try securityContext(request) {
      writer.key("securityContext")
      writer.beginObject()
      writer.member("reference", context)
      writer.endObject()
    }
    writer.key(contentElement.name)
    writer.raw(CollectionOfOne(UInt8(ascii: "\"")))
    request.body.withUnsafeBytes { Base64.append($0, to: &writer.bytes) }
    writer.bytes.append(UInt8(ascii: "\""))
    writer.endObject()
    return ResourceNode(try representation.document(writer.bytes))
  }

  private func securityContext(_ request: HTTPRequest) throws(Fault) -> String? {
    guard let context = try request.single("x-security-context") else { return nil }
    guard hasSecurityContext, (1...Self.securityContextBytesMax).contains(context.utf8.count) else {
      throw Fault(.invalid, "The X-Security-Context header is not a reference to a resource.", code: "value")
    }
    return context
  }
}

/// The outermost element of an XML document, found without reading the document.
enum XMLRoot {
  /// Its name without prefix; nil for what does not begin as XML in UTF-8 does, and with a document type declaration.
  static func localName(of bytes: UnsafeRawBufferPointer) -> String? {
    var rest = bytes[...]
    if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
    while true {
      rest = rest.drop { $0 == 0x20 || $0 >= 0x09 && $0 <= 0x0D }
      if rest.starts(with: "<?".utf8) {
        guard let end = end(of: "?>", in: rest) else { return nil }
        rest = rest[end...]
      } else if rest.starts(with: "<!--".utf8) {
        guard let end = end(of: "-->", in: rest.dropFirst(4)) else { return nil }
        rest = rest[end...]
      } else {
        break
      }
    }
    guard rest.popFirst() == UInt8(ascii: "<") else { return nil }
    let name = rest.prefix { byte in !" \t\r\n/>".utf8.contains(byte) }
    guard let first = name.first, first != UInt8(ascii: "!") else { return nil }
    return String(decoding: name.split(separator: UInt8(ascii: ":")).last ?? name, as: UTF8.self)
  }

  private static func end(of mark: StaticString, in bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
    let length = mark.utf8CodeUnitCount
    return mark.withUTF8Buffer { mark in
      var place = bytes.startIndex
      while place + length <= bytes.endIndex {
        if bytes[place..<place + length].elementsEqual(mark) { return place + length }
        place += 1
      }
      return nil
    }
  }
}
