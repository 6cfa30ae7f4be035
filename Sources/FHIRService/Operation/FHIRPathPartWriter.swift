import FHIRModel
import FHIRPath
import JSONCore

/// Writes items of a FHIRPath collection as parts of a Parameters resource: the name is the type, the value is
/// value[x] or a resource where R4 has it for the type and allows the value, else JSON in an extension.
struct FHIRPathPartWriter {
  private static let jsonValueURL = "http://fhir.forms-lab.com/StructureDefinition/json-value"
  private static let resourcePathURL = "http://fhir.forms-lab.com/StructureDefinition/resource-path"
  private static let ucumURL = "http://unitsofmeasure.org"

  var writer = JSONWriter(reserving: 1_024)
  private let schema: Schema
  private let document: JSONDocument?
  private var paths: ElementPaths?
  /// The member of value[x] for each type that it may have.
  private var valueKeys: [Schema.TypeID: String] = [:]

  init(schema: Schema, resource: FHIRPathNode?) {
    self.schema = schema
    document = resource?.document
    paths = resource.map { ElementPaths(schema: schema, document: $0.document, type: $0.type) }
    guard let parameter = schema.type("Parameters.parameter"), let value = schema.element(parameter, name: "value")
    else { return }
    for type in schema[value].types { valueKeys[type.type] = type.key.string }
  }

  /// The place of an item in the resource; nil for one that is not from there.
  mutating func path(of item: FHIRPathItem) -> String? {
    guard case .node(let node) = item, node.document === document else { return nil }
    return paths?.path(of: node)
  }

  mutating func append(_ item: FHIRPathItem) {
    let path = path(of: item)
    switch item {
    case .node(let node): append(node, path)
    case .boolean(let value):
      begin("boolean", path)
      writer.member("valueBoolean", value)
      writer.endObject()
    case .integer(let value): append(value, path)
    case .decimal(let value): append(value, path)
    case .string(let value): append(value, path)
    case .temporal(let value): append(value, path)
    case .quantity(let value): append(value, path)
    case .type(let value):
      var json = JSONWriter()
      json.beginObject()
      json.member("namespace", value.namespace)
      json.member("name", value.name)
      json.endObject()
      appendJSON("TypeInfo", path, json.bytes)
    }
  }

  // MARK: - Parts

  /// Begins a part, with its extensions.
  private mutating func begin(_ name: String, _ path: String?, json: [UInt8]? = nil) {
    writer.beginObject()
    if path != nil || json != nil {
      writer.key("extension")
      writer.beginArray()
      if let path { appendExtension(Self.resourcePathURL, Array(path.utf8)) }
      if let json { appendExtension(Self.jsonValueURL, json) }
      writer.endArray()
    }
    writer.member("name", name)
  }

  private mutating func appendExtension(_ url: String, _ text: [UInt8]) {
    writer.beginObject()
    writer.member("url", url)
    writer.key("valueString")
    writer.string(utf8: text)
    writer.endObject()
  }

  /// A part whose value is JSON. JSON past the length of a FHIR string (R4 datatypes#string) is left out; such is
  /// always an element of the resource, which the path names.
  private mutating func appendJSON(_ name: String, _ path: String?, _ json: [UInt8]) {
    begin(name, path, json: json.count <= PrimitiveCheck.stringCharactersMax ? json : nil)
    writer.endObject()
  }

  // MARK: - Nodes

  private mutating func append(_ node: FHIRPathNode, _ path: String?) {
    let name = schema.name(node.type)
    switch schema.kind(node.type) {
    case .resource:
      begin(name, path)
      writer.key("resource")
      if let value = node.value { writer.value(node.document, value) }
      writer.endObject()
    case .system:
      // `id` and `url` of elements, the only ones that JSON shows, are strings.
      append(node.value.flatMap { node.document.string($0) } ?? "", path)
    default:
      guard let key = valueKeys[node.type] else { return appendJSON(node, name, path) }
      begin(name, path)
      if let value = node.value {
        writer.key(key)
        writer.value(node.document, value)
      }
      if let sibling = node.sibling {
        writer.key("_" + key)
        writer.value(node.document, sibling)
      }
      writer.endObject()
    }
  }

  private mutating func appendJSON(_ node: FHIRPathNode, _ name: String, _ path: String?) {
    var json: [UInt8] = []
    // A large value is not even copied.
    if let value = node.value ?? node.sibling,
      node.document.range(value).count <= PrimitiveCheck.stringCharactersMax
    {
      node.document.appendCompact(value, to: &json)
    }
    guard !json.isEmpty else {
      begin(name, path)
      return writer.endObject()
    }
    appendJSON(name, path, json)
  }

  // MARK: - System values

  /// R4 has no string without characters, nor one with control characters.
  private mutating func append(_ text: String, _ path: String?) {
    if text.isEmpty {
      begin("empty-string", path)
      writer.endObject()
    } else if PrimitiveCheck.isValid(text, as: .string) {
      begin("string", path)
      writer.member("valueString", text)
      writer.endObject()
    } else {
      appendJSON("string", path, FHIRPathPartWriter.quoted(text))
    }
  }

  private static func quoted(_ text: String) -> [UInt8] {
    var json = JSONWriter()
    json.string(text)
    return json.bytes
  }

  /// R4's integer has 32 bits.
  private mutating func append(_ value: Int64, _ path: String?) {
    guard Int32(exactly: value) != nil else { return appendJSON("integer64", path, Array(String(value).utf8)) }
    begin("integer", path)
    writer.key("valueInteger")
    writer.number(value)
    writer.endObject()
  }

  private mutating func append(_ value: FHIRDecimal, _ path: String?) {
    let text = FHIRPathPartWriter.text(of: value)
    guard value.digitCount <= StructureCheck.decimalDigitsMax else {
      return appendJSON("decimal", path, Array(text.utf8))
    }
    begin("decimal", path)
    writer.key("valueDecimal")
    writer.number(lexeme: text)
    writer.endObject()
  }

  /// Without an exponent, unless that takes more digits than are supported.
  private static func text(of value: FHIRDecimal) -> String {
    value.digitCount - min(value.scale, 0) <= StructureCheck.decimalDigitsMax ? value.plainText : value.description
  }

  /// FHIRPath's values may leave out minutes, seconds and the zone, R4's dateTime and time may not.
  private mutating func append(_ value: FHIRPathTemporal, _ path: String?) {
    let text = value.description
    let name: String
    let primitive: Primitive
    switch value.kind {
    case .date: (name, primitive) = ("date", .date)
    case .dateTime: (name, primitive) = ("dateTime", .dateTime)
    case .time: (name, primitive) = ("time", .time)
    }
    guard PrimitiveCheck.isValid(text, as: primitive), let type = schema.type(name), let key = valueKeys[type] else {
      return appendJSON(name, path, FHIRPathPartWriter.quoted(text))
    }
    begin(name, path)
    writer.key(key)
    writer.string(text)
    writer.endObject()
  }

  /// A unit that is no word of the calendar is a UCUM code (FHIRPath 2.0 §Quantity).
  private mutating func append(_ quantity: FHIRPathQuantity, _ path: String?) {
    let hasUnit = PrimitiveCheck.isValid(quantity.unit, as: .string)
    let isCode = !quantity.isCalendar && PrimitiveCheck.isValid(quantity.unit, as: .code)
    let isValid = quantity.value.digitCount <= StructureCheck.decimalDigitsMax
    var json = JSONWriter()
    json.beginObject()
    json.key("value")
    json.number(lexeme: FHIRPathPartWriter.text(of: quantity.value))
    if hasUnit { json.member("unit", quantity.unit) }
    if isCode {
      json.member("system", Self.ucumURL)
      json.member("code", quantity.unit)
    }
    json.endObject()
    guard isValid else { return appendJSON("Quantity", path, json.bytes) }
    begin("Quantity", path)
    writer.key("valueQuantity")
    writer.raw(json.bytes)
    writer.endObject()
  }
}
