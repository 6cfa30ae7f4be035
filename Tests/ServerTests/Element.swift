import CXML2
import JSONCore

/// A resource or a part of one as a tree that is the same whichever form it came in, so that a test reads JSON and XML
/// with one set of words. XML is read by libxml2 here and by none of the product's code.
///
/// Narratives are left out.
struct Element: Sendable {
  let name: String
  /// The resource's type, where it is one.
  let type: String?
  /// The text of a primitive, as it stands in the body.
  let value: String?
  let children: [Element]

  /// What a path such as "name.family" leads to.
  subscript(path: String) -> [Element] {
    var found = [self]
    for step in path.split(separator: ".") {
      found = found.flatMap { element in element.children.filter { $0.name == step } }
    }
    return found
  }

  func texts(_ path: String) -> [String] { self[path].compactMap(\.value) }
  func text(_ path: String) -> String? { texts(path).first }

  // MARK: Bundles

  var entries: [Element] { self["entry"] }
  var resources: [Element] { self["entry.resource"] }
  /// The ids of a bundle's resources.
  var ids: [String] { resources.compactMap { $0.text("id") } }
  /// The ids of what a search found, in order, without outcomes and what was included.
  var matches: [String] {
    entries.filter { $0.text("search.mode") == "match" }.flatMap { $0.texts("resource.id") }
  }
  var total: Int? { text("total").flatMap { Int($0) } }

  func link(_ relation: String) -> String? {
    self["link"].first { $0.text("relation") == relation }?.text("url")
  }

  /// All of it in one line, whichever order the members came in: equal for equal resources.
  var canonical: String {
    let names = Set(children.map(\.name)).sorted()
    let inner = names.flatMap { name in children.filter { $0.name == name }.map(\.canonical) }
    return "\(name)\(type.map { ":\($0)" } ?? "")\(value.map { "=\($0)" } ?? "")[\(inner.joined(separator: ","))]"
  }
}

// MARK: JSON

extension Element {
  init(json: JSONValue) { self.init(json, name: "") }

  private init(_ json: JSONValue, name: String) {
    self.name = name
    type = Self.isResource(json, name) ? json["resourceType"]?.string : nil
    children = Self.children(of: json, isResource: type != nil)
    switch json.kind {
    case .string: value = name == "div" ? nil : json.string
    case .number, .true, .false: value = String(decoding: json.json, as: UTF8.self)
    default: value = nil
    }
  }

  /// ExampleScenario.instance has an element of its own that is called resourceType.
  private static func isResource(_ json: JSONValue, _ name: String) -> Bool {
    json["resourceType"] != nil && name != "instance"
  }

  /// A primitive's id and extensions stand in a member of their own, with an underscore (FHIR R4 json.html).
  private static func children(of json: JSONValue, isResource: Bool) -> [Element] {
    let members = json.members.filter { !isResource || $0.name != "resourceType" }
    let names = members.map { String($0.name.drop { $0 == "_" }) }
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }.flatMap { name in
      func list(_ member: String) -> [JSONValue] {
        guard let value = members.first(where: { $0.name == member })?.value else { return [] }
        return value.kind == .array ? value.elements : [value]
      }
      let values = list(name)
      let extras = list("_" + name)
      return (0..<max(values.count, extras.count)).map { index in
        let main = values.indices.contains(index) ? Element(values[index], name: name) : nil
        let extra = extras.indices.contains(index) ? children(of: extras[index], isResource: false) : []
        return Element(
          name: name, type: main?.type, value: main?.value, children: (main?.children ?? []) + extra)
      }
    }
  }
}

// MARK: XML

extension Element {
  private static let namespaces = ["http://hl7.org/fhir", "http://www.w3.org/1999/xhtml"]

  init(xml bytes: [UInt8]) throws {
    let options = Int32(XML_PARSE_NONET.rawValue | XML_PARSE_NOERROR.rawValue | XML_PARSE_NOWARNING.rawValue)
    let document = bytes.withUnsafeBytes { buffer in
      xmlReadMemory(
        buffer.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(buffer.count), nil, nil, options)
    }
    guard let document, let root = xmlDocGetRootElement(document) else {
      throw WireError(what: "no XML: \(String(decoding: bytes.prefix(200), as: UTF8.self))")
    }
    defer { xmlFreeDoc(document) }
    guard document.pointee.intSubset == nil else { throw WireError(what: "a document type in an answer") }
    let resource = try Element(root)
    self.init(name: "", type: resource.name, value: resource.value, children: resource.children)
  }

  private init(_ node: UnsafeMutablePointer<xmlNode>) throws {
    let name = String(cString: node.pointee.name)
    guard let space = node.pointee.ns?.pointee.href, Self.namespaces.contains(String(cString: space)) else {
      throw WireError(what: "<\(name)> is in no namespace of FHIR's")
    }
    var children: [Element] = []
    var value: String?
    var attribute = node.pointee.properties
    while let here = attribute {
      let text = here.pointee.children.flatMap { $0.pointee.content }.map { String(cString: $0) } ?? ""
      let key = String(cString: here.pointee.name)
      if key == "value" {
        value = text
      } else {
        children.append(Element(name: key, type: nil, value: text, children: []))
      }
      attribute = here.pointee.next
    }
    if name == "div" {
      self.init(name: name, type: nil, value: nil, children: [])
      return
    }
    var child = node.pointee.children
    while let here = child {
      if here.pointee.type == XML_ELEMENT_NODE {
        children.append(try Element(here))
      } else if here.pointee.type == XML_TEXT_NODE, let content = here.pointee.content {
        let text = String(cString: content)
        guard text.allSatisfy(\.isWhitespace) else { throw WireError(what: "text within <\(name)>: \(text)") }
      }
      child = here.pointee.next
    }
    // A resource within a resource stands in an element of its own type (FHIR R4 xml.html).
    if children.count == 1, let only = children.first, only.name.first?.isUppercase == true {
      self.init(name: name, type: only.name, value: nil, children: only.children)
    } else {
      self.init(name: name, type: nil, value: value, children: children)
    }
  }
}
