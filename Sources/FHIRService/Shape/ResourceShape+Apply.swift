public import Base
internal import FHIRModel
public import JSONCore

extension ResourceShape {
  /// The resource's part as compact JSON, in the order of the original.
  /// - Parameter resource: the JSON of a resource that was checked when it was stored.
  /// - Throws: `.internal` if it is no resource of the schema.
  public func apply(to resource: [UInt8]) throws(Fault) -> [UInt8] {
    let document: JSONDocument
    do {
      document = try JSONDocument(resource)
    } catch {
      throw Fault(.internal, "A stored resource is not readable.")
    }
    var writer = JSONWriter(reserving: resource.count + ShapeWriter.tagBytes)
    try write(document, document.root, to: &writer)
    return writer.bytes
  }

  /// As `apply(to:)`, for a parsed resource.
  public func write(_ document: JSONDocument, _ resource: JSONNode, to writer: inout JSONWriter) throws(Fault) {
    guard let type = ShapeWriter.type(of: resource, document, schema) else {
      throw Fault(.internal, "A stored resource has no type of FHIR \(schema.fhirVersion).")
    }
    var shaping = ShapeWriter(document: document, shape: self)
    // Moved, not copied: the writer may hold a whole bundle.
    swap(&writer, &shaping.writer)
    shaping.resource(resource, type, depth: 0)
    swap(&writer, &shaping.writer)
  }
}

/// Writes what a shape keeps of one document.
struct ShapeWriter {
  let document: JSONDocument
  let shape: ResourceShape
  var writer = JSONWriter()
  private let schema: Schema
  private let narrative: Schema.TypeID?
  private let extensionType: Schema.TypeID?

  /// Deeper than any document the parser accepts (`JSONLimits.depthMax`).
  private static let depthMax = 256
  /// What the two codings of the tag need.
  static let tagBytes = 192

  private static let resourceType: JSONKey = "resourceType"
  private static let id: JSONKey = "id"
  private static let meta: JSONKey = "meta"
  private static let tag: JSONKey = "tag"
  private static let text: JSONKey = "text"
  private static let system: JSONKey = "system"
  private static let code: JSONKey = "code"
  private static let subsetted: JSONKey = "SUBSETTED"
  /// The standard's system (FHIR R4 search.html#summary), and the one Azure adds for clients of before.
  private static let systems: [JSONKey] = [
    "http://hl7.org/fhir/v3/ObservationValue", "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
  ]

  init(document: JSONDocument, shape: ResourceShape) {
    self.document = document
    self.shape = shape
    schema = shape.schema
    narrative = schema.type("Narrative")
    extensionType = schema.type("Extension")
  }

  static func type(of resource: JSONNode, _ document: JSONDocument, _ schema: Schema) -> Schema.TypeID? {
    guard let name = document.member(resource, resourceType), document.kind(name) == .string else { return nil }
    return schema.resourceType(utf8: document.lexeme(name))
  }

  // MARK: Resources

  mutating func resource(_ node: JSONNode, _ type: Schema.TypeID, depth: Int) {
    let meta = document.member(node, Self.meta)
    var isTagged = false
    writer.beginObject()
    for (key, value) in document.members(node) {
      if document.keyEquals(key, Self.resourceType) || document.keyEquals(key, Self.id) {
        writer.key(document, key)
        writer.value(document, value)
        continue
      }
      if document.keyEquals(key, Self.meta) || meta == nil && !isTagged {
        writeMeta(meta)
        isTagged = true
      }
      guard !document.keyEquals(key, Self.meta), let found = element(key, type), keeps(found.element, of: type)
      else { continue }
      member(key, value, found.type, depth: depth)
    }
    if !isTagged { writeMeta(nil) }
    writer.endObject()
  }

  /// A key's element; that of `_birthDate` is birthDate.
  private func element(_ key: JSONNode, _ type: Schema.TypeID) -> (element: Schema.Element, type: Schema.TypeID)? {
    guard document.hasEscapes(key) else { return element(document.lexeme(key), type) }
    var name: [UInt8] = []
    document.appendString(key, to: &name)
    return name.withUnsafeBufferPointer { element($0, type) }
  }

  private func element(
    _ key: UnsafeBufferPointer<UInt8>, _ type: Schema.TypeID
  ) -> (element: Schema.Element, type: Schema.TypeID)? {
    let name = key.first == UInt8(ascii: "_") ? UnsafeBufferPointer(rebasing: key.dropFirst()) : key
    return schema.element(type, key: name).map { (schema[$0.element], $0.type) }
  }

  private func keeps(_ element: Schema.Element, of type: Schema.TypeID) -> Bool {
    switch shape.content {
    case .summary: Self.isSummary(element)
    case .text: element.min > 0 || element.nameText.utf8.elementsEqual(Self.text.utf8)
    case .data: !element.nameText.utf8.elementsEqual(Self.text.utf8) || element.types[0].type != narrative
    case .elements(let names):
      element.min > 0 || element.isModifier
        || names.contains { name in
          (name.type == nil || name.type == type) && element.nameText.utf8.elementsEqual(name.element)
        }
    }
  }

  private static func isSummary(_ element: Schema.Element) -> Bool {
    element.isSummary || element.min > 0 || element.isModifier
  }

  // MARK: Elements

  private mutating func member(_ key: JSONNode, _ value: JSONNode, _ type: Schema.TypeID, depth: Int) {
    writer.key(document, key)
    guard case .summary = shape.content, document.lexeme(key).first != UInt8(ascii: "_") else {
      return writer.value(document, value)
    }
    guard document.kind(value) == .array else { return summary(value, type, depth: depth + 1) }
    writer.beginArray()
    for item in document.elements(value) { summary(item, type, depth: depth + 1) }
    writer.endArray()
  }

  /// A value's summary: of an object what is marked in its type, of anything else the whole.
  private mutating func summary(_ value: JSONNode, _ type: Schema.TypeID, depth: Int) {
    guard document.kind(value) == .object, depth < Self.depthMax else { return writer.value(document, value) }
    if schema.kind(type) == .resource {
      guard let type = Self.type(of: value, document, schema) else { return writer.value(document, value) }
      return resource(value, type, depth: depth)
    }
    // An object of which nothing is marked has something to say that is not in the definitions, such as why there is
    // no value; half an extension says nothing (ext-1).
    guard type != extensionType, hasSummary(value, type) else { return writer.value(document, value) }
    writer.beginObject()
    for (key, value) in document.members(value) {
      guard let found = element(key, type), Self.isSummary(found.element) else { continue }
      member(key, value, found.type, depth: depth)
    }
    writer.endObject()
  }

  private func hasSummary(_ object: JSONNode, _ type: Schema.TypeID) -> Bool {
    for (key, _) in document.members(object) {
      if let found = element(key, type), Self.isSummary(found.element) { return true }
    }
    return false
  }

  // MARK: The tag

  /// `meta` as it is, with the tag SUBSETTED of both systems.
  private mutating func writeMeta(_ meta: JSONNode?) {
    writer.key("meta")
    writer.beginObject()
    var isTagged = false
    if let meta {
      for (key, value) in document.members(meta) {
        writer.key(document, key)
        guard document.keyEquals(key, Self.tag), document.kind(value) == .array else {
          writer.value(document, value)
          continue
        }
        writeTags(value)
        isTagged = true
      }
    }
    if !isTagged {
      writer.key("tag")
      writeTags(nil)
    }
    writer.endObject()
  }

  private mutating func writeTags(_ tags: JSONNode?) {
    writer.beginArray()
    var missing = Self.systems
    if let tags {
      for tag in document.elements(tags) {
        writer.value(document, tag)
        guard let code = document.member(tag, Self.code), document.stringEquals(code, Self.subsetted),
          let system = document.member(tag, Self.system)
        else { continue }
        missing.removeAll { document.stringEquals(system, $0) }
      }
    }
    for system in missing {
      writer.beginObject()
      writer.key("system")
      writer.string(utf8: system.utf8)
      writer.member("code", "SUBSETTED")
      writer.endObject()
    }
    writer.endArray()
  }
}
