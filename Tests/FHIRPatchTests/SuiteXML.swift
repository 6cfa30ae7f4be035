import FHIRModel
import Foundation
import FoundationXML
import JSONCore

/// An element of the official suite's XML, which no other form of the FHIRPath Patch cases exists of.
final class SuiteElement {
  let name: String
  let attributes: [String: String]
  var children: [SuiteElement] = []
  /// The markup inside, for the narrative.
  var markup = ""

  init(_ name: String, _ attributes: [String: String]) {
    self.name = name
    self.attributes = attributes
  }

  func first(_ name: String) -> SuiteElement? { children.first { $0.name == name } }

  static func read(_ text: String) -> SuiteElement? {
    let builder = Builder()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = builder
    return parser.parse() ? builder.root : nil
  }

  private final class Builder: NSObject, XMLParserDelegate {
    var root: SuiteElement?
    var open: [SuiteElement] = []

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) {
      let element = SuiteElement(name, attributes)
      open.last?.children.append(element)
      if root == nil { root = element }
      open.append(element)
    }

    func parser(_ parser: XMLParser, foundCharacters text: String) {
      open.last?.markup += text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
      let done = open.removeLast()
      let attributes = done.attributes.sorted { $0.key < $1.key }.map { " \($0.key)=\"\($0.value)\"" }.joined()
      open.last?.markup += "<\(name)\(attributes)>\(done.markup)</\(name)>"
    }
  }
}

/// A resource of the suite as FHIR's JSON form (R4 xml.html, json.html), by the schema.
struct SuiteResource {
  let schema: Schema

  func json(_ element: SuiteElement) -> String {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("resourceType", element.name)
    if let type = schema.type(element.name) { members(of: element, type, &writer) }
    writer.endObject()
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  private func members(of element: SuiteElement, _ type: Schema.TypeID, _ writer: inout JSONWriter) {
    for name in ["id", "url"] {
      if let value = element.attributes[name] {
        writer.key(name)
        writer.string(value)
      }
    }
    var done: Set<String> = []
    for child in element.children where done.insert(child.name).inserted {
      guard let (id, childType) = schema.element(type, key: child.name) else { continue }
      let group = element.children.filter { $0.name == child.name }
      let isPrimitive = schema.kind(childType) == .primitive || schema.kind(childType) == .system
      write(child.name, group, isArray: schema[id].isArray, &writer) { one, writer in
        if isPrimitive { return primitive(one, childType, &writer) }
        writer.beginObject()
        members(of: one, childType, &writer)
        writer.endObject()
      }
      guard isPrimitive, child.name != "div", group.contains(where: { $0.first("extension") != nil }) else { continue }
      write("_" + child.name, group, isArray: schema[id].isArray, &writer) { one, writer in
        writer.beginObject()
        members(of: one, childType, &writer)
        writer.endObject()
      }
    }
  }

  private func write(
    _ key: String, _ group: [SuiteElement], isArray: Bool, _ writer: inout JSONWriter,
    _ value: (SuiteElement, inout JSONWriter) -> Void
  ) {
    writer.key(key)
    if isArray { writer.beginArray() }
    for one in group { value(one, &writer) }
    if isArray { writer.endArray() }
  }

  private func primitive(_ element: SuiteElement, _ type: Schema.TypeID, _ writer: inout JSONWriter) {
    if element.name == "div" {
      return writer.string("<div xmlns=\"http://www.w3.org/1999/xhtml\">\(element.markup)</div>")
    }
    let text = element.attributes["value"] ?? ""
    switch schema.primitive(type)?.jsonForm {
    case .boolean: writer.bool(text == "true")
    case .number: writer.number(lexeme: text)
    default: writer.string(text)
    }
  }
}
