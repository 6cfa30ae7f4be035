import FHIRModel
import JSONCore

/// FHIR's XML form as its JSON form (R4 xml.html, json.html), by the schema: for suite inputs that exist in XML only.
struct FHIRXML {
  let schema: Schema

  func document(_ text: String) throws -> JSONDocument {
    let root = try XMLReader.read(text)
    var writer = JSONWriter()
    resource(root, &writer)
    return try JSONDocument(writer.bytes)
  }

  private func resource(_ element: XMLElement, _ writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("resourceType", element.name)
    if let type = schema.type(element.name) { members(of: element, type, &writer) }
    writer.endObject()
  }

  private func members(of element: XMLElement, _ type: Schema.TypeID, _ writer: inout JSONWriter) {
    for name in ["id", "url"] {
      if let value = element.attributes[name] {
        writer.key(name)
        writer.string(value)
      }
    }
    var done: Set<String> = []
    for child in element.children where done.insert(child.name).inserted {
      guard let (id, childType) = schema.element(type, key: child.name) else { continue }
      let group = element.all(child.name)
      let kind = schema.kind(childType)
      if kind == .primitive || kind == .system {
        primitives(group, childType, isArray: schema[id].isArray, &writer)
        continue
      }
      writer.key(child.name)
      if schema[id].isArray { writer.beginArray() }
      for one in group { value(one, childType, &writer) }
      if schema[id].isArray { writer.endArray() }
    }
  }

  private func value(_ element: XMLElement, _ type: Schema.TypeID, _ writer: inout JSONWriter) {
    if schema.kind(type) == .resource {
      if let inner = element.children.first { resource(inner, &writer) }
      return
    }
    writer.beginObject()
    members(of: element, type, &writer)
    writer.endObject()
  }

  private func primitives(_ group: [XMLElement], _ type: Schema.TypeID, isArray: Bool, _ writer: inout JSONWriter) {
    guard let name = group.first?.name else { return }
    if group.contains(where: { $0.attributes["value"] != nil || $0.name == "div" }) {
      writer.key(name)
      if isArray { writer.beginArray() }
      for one in group { primitive(one, type, &writer) }
      if isArray { writer.endArray() }
    }
    guard group.contains(where: { $0.attributes["id"] != nil || $0.first("extension") != nil }) else { return }
    writer.key("_" + name)
    if isArray { writer.beginArray() }
    for one in group {
      guard one.attributes["id"] != nil || one.first("extension") != nil else {
        writer.null()
        continue
      }
      writer.beginObject()
      if let element = schema.type("Element") { members(of: one, element, &writer) }
      writer.endObject()
    }
    if isArray { writer.endArray() }
  }

  private func primitive(_ element: XMLElement, _ type: Schema.TypeID, _ writer: inout JSONWriter) {
    if element.name == "div" {
      writer.string(element.source)
      return
    }
    guard let text = element.attributes["value"] else {
      writer.null()
      return
    }
    switch schema.primitive(type)?.jsonForm {
    case .boolean: writer.bool(text == "true")
    case .number: writer.number(lexeme: text)
    default: writer.string(text)
    }
  }
}
