internal import Base
internal import FHIRModel
internal import JSONCore

/// One walk over a resource's tape that writes XML.
struct XMLWriter {
  /// A member of an object together with its `_` sibling.
  struct Entry {
    var element: Schema.ElementID
    var type: Schema.TypeID
    /// Valid while the document and the schema live.
    var name: UnsafeBufferPointer<UInt8>
    var value: JSONNode?
    var sibling: JSONNode?
  }

  let document: JSONDocument
  let layout: XMLLayout
  let isIndented: Bool
  var text = XMLText()
  /// Members of the objects that are open, the innermost object's at the end.
  var entries: [Entry] = []
  var scratch: [UInt8] = []
  var fault: Fault?

  init(document: JSONDocument, layout: XMLLayout, indented: Bool) {
    self.document = document
    self.layout = layout
    isIndented = indented
    entries.reserveCapacity(64)
  }

  /// Levels of recursion; documents as they are parsed are less deep (`Limits.jsonDepthMax`).
  private static let depthMax = 512
  private static let resourceTypeKey: JSONKey = "resourceType"

  /// Writes the resource; what is wrong with it, if anything is.
  mutating func run(_ node: JSONNode) -> Fault? {
    text.append("<?xml version=\"1.0\" encoding=\"UTF-8\"?>")
    if isIndented { text.append("\n") }
    writeResource(node, depth: 0)
    if isIndented { text.append("\n") }
    return fault
  }

  mutating func fail(_ diagnostics: String) {
    guard fault == nil else { return }
    fault = Fault(.notAcceptable, "The resource cannot be written as XML: \(diagnostics)", code: "structure")
  }

  // MARK: - Resources

  private mutating func writeResource(_ node: JSONNode, depth: Int) {
    guard let typeNode = document.member(node, XMLWriter.resourceTypeKey), document.kind(typeNode) == .string,
      let type = layout.schema.resourceType(utf8: document.lexeme(typeNode))
    else { return fail("a resource has no 'resourceType' that FHIR \(layout.schema.fhirVersion) knows.") }
    let start = entries.count
    collect(node, type)
    let name = layout.schema.nameText(type).utf8
    text.append("<")
    text.append(name)
    // Nested resources inherit the namespace.
    if depth == 0 { text.append(" xmlns=\"http://hl7.org/fhir\"") }
    writeContent(start, name, depth: depth)
  }

  // MARK: - Objects

  /// Appends an object's members to `entries`, in the definition's order.
  private mutating func collect(_ node: JSONNode, _ type: Schema.TypeID) {
    let start = entries.count
    var isOrdered = true
    var last: Int32 = -1
    for (key, value) in document.members(node) {
      let lexeme = document.lexeme(key)
      guard !document.hasEscapes(key), let first = lexeme.first else { return fail("a member's name is unknown.") }
      let isSibling = first == UInt8(ascii: "_")
      let name = isSibling ? UnsafeBufferPointer(rebasing: lexeme.dropFirst()) : lexeme
      guard let found = layout.schema.element(type, key: name) else {
        if document.keyEquals(key, XMLWriter.resourceTypeKey), layout[type].content == .resource { continue }
        return fail("'\(shown(lexeme))' is not an element of \(layout.schema.name(type)).")
      }
      if isSibling || found.element.rawValue == last, let place = partner(of: found, from: start) {
        if isSibling { entries[place].sibling = value } else { entries[place].value = value }
        continue
      }
      entries.append(
        Entry(
          element: found.element, type: found.type, name: name, value: isSibling ? nil : value,
          sibling: isSibling ? value : nil))
      if found.element.rawValue < last { isOrdered = false }
      last = max(last, found.element.rawValue)
    }
    if !isOrdered { order(from: start) }
  }

  /// The entry that a member or its `_` sibling belongs to.
  private func partner(of found: (element: Schema.ElementID, type: Schema.TypeID), from start: Int) -> Int? {
    entries[start...].lastIndex { $0.element == found.element && $0.type == found.type }
  }

  /// Insertion sort: members are few, and nearly in order. A member and its sibling become one entry.
  private mutating func order(from start: Int) {
    for place in (start + 1)..<entries.count {
      var hole = place
      let entry = entries[place]
      while hole > start, entries[hole - 1].element.rawValue > entry.element.rawValue {
        entries[hole] = entries[hole - 1]
        hole -= 1
      }
      entries[hole] = entry
    }
    for place in stride(from: entries.count - 1, to: start, by: -1) {
      let (first, second) = (entries[place - 1], entries[place])
      guard first.element == second.element, first.type == second.type else { continue }
      entries[place - 1].value = first.value ?? second.value
      entries[place - 1].sibling = first.sibling ?? second.sibling
      entries.remove(at: place)
    }
  }

  /// What follows `<name`: the attributes, the elements and the end tag. Takes the entries from `start` away.
  private mutating func writeContent(_ start: Int, _ name: UnsafeBufferPointer<UInt8>, depth: Int) {
    let end = entries.count
    var hasElements = false
    for place in start..<end {
      if layout[entries[place].element].isAttribute { writeAttribute(entries[place]) } else { hasElements = true }
    }
    if hasElements {
      text.append(">")
      for place in start..<end where fault == nil && !layout[entries[place].element].isAttribute {
        writeElement(entries[place], depth: depth + 1)
      }
      breakLine(depth)
      appendEnd(name)
    } else {
      text.append("/>")
    }
    entries.removeLast(entries.count - start)
  }

  private mutating func writeAttribute(_ entry: Entry) {
    guard let value = entry.value, document.kind(value) == .string else {
      return fail("the attribute '\(shown(entry.name))' must be a string.")
    }
    text.append(" ")
    text.append(entry.name)
    text.append("=\"")
    text.appendAttribute(document, value, scratch: &scratch)
    text.append("\"")
  }

  // MARK: - Elements

  private mutating func writeElement(_ entry: Entry, depth: Int) {
    switch layout[entry.type].content {
    case .primitive: writePrimitives(entry, depth: depth)
    case .complex: eachItem(entry) { writer, item in writer.writeObject(item, entry, depth: depth) }
    case .resource: eachItem(entry) { writer, item in writer.writeWrapped(item, entry, depth: depth) }
    case .xhtml: eachItem(entry) { writer, item in writer.writeNarrative(item, entry, depth: depth) }
    }
  }

  private mutating func eachItem(_ entry: Entry, _ body: (inout XMLWriter, JSONNode) -> Void) {
    guard let value = entry.value, entry.sibling == nil else {
      return fail("'_\(shown(entry.name))' is not allowed: the element is no primitive.")
    }
    guard document.kind(value) == .array else { return body(&self, value) }
    for item in document.elements(value) where fault == nil { body(&self, item) }
  }

  private mutating func writeObject(_ node: JSONNode, _ entry: Entry, depth: Int) {
    guard document.kind(node) == .object else { return fail("'\(shown(entry.name))' must be an object.") }
    guard depth < XMLWriter.depthMax else { return fail("its elements are nested too deeply.") }
    openTag(entry.name, depth)
    let start = entries.count
    collect(node, entry.type)
    writeContent(start, entry.name, depth: depth)
  }

  private mutating func writeWrapped(_ node: JSONNode, _ entry: Entry, depth: Int) {
    guard document.kind(node) == .object else { return fail("'\(shown(entry.name))' must be a resource.") }
    guard depth < XMLWriter.depthMax else { return fail("its elements are nested too deeply.") }
    openTag(entry.name, depth)
    text.append(">")
    breakLine(depth + 1)
    writeResource(node, depth: depth + 1)
    breakLine(depth)
    appendEnd(entry.name)
  }

  private mutating func writePrimitives(_ entry: Entry, depth: Int) {
    if let value = entry.value, document.kind(value) != .array, entry.sibling == nil {
      return writePrimitive(value, nil, entry, depth: depth)
    }
    var values = entry.value.map { Items(document, $0) }
    var siblings = entry.sibling.map { Items(document, $0) }
    while fault == nil {
      let value = values?.next()
      let sibling = siblings?.next()
      if value == nil, sibling == nil { return }
      writePrimitive(value, sibling, entry, depth: depth)
    }
  }

  private mutating func writePrimitive(_ value: JSONNode?, _ sibling: JSONNode?, _ entry: Entry, depth: Int) {
    openTag(entry.name, depth)
    let start = entries.count
    var first = start
    if let sibling, document.kind(sibling) != .null {
      guard document.kind(sibling) == .object, let element = layout.element else {
        return fail("'_\(shown(entry.name))' must be an object.")
      }
      collect(sibling, element)
      if first < entries.count, layout[entries[first].element].isAttribute {
        writeAttribute(entries[first])
        first += 1
      }
    }
    if let value { writeValue(value, entry) }
    if first < entries.count {
      writeContent(first, entry.name, depth: depth)
    } else {
      text.append("/>")
    }
    entries.removeLast(entries.count - start)
  }

  private mutating func writeValue(_ value: JSONNode, _ entry: Entry) {
    switch document.kind(value) {
    case .null: return
    case .array, .object: return fail("'\(shown(entry.name))' must be a primitive value.")
    case .string:
      text.append(" value=\"")
      text.appendAttribute(document, value, scratch: &scratch)
    case .true, .false, .number:
      text.append(" value=\"")
      text.append(document.lexeme(value))
    }
    text.append("\"")
  }
}

// MARK: - Narratives

extension XMLWriter {
  /// The `div` as markup. One that is not well-formed is shown as text: it must not break what surrounds it.
  private mutating func writeNarrative(_ node: JSONNode, _ entry: Entry, depth: Int) {
    guard document.kind(node) == .string else { return fail("'\(shown(entry.name))' must be a string.") }
    breakLine(depth)
    guard document.hasEscapes(node) else { return embed(document.lexeme(node)) }
    scratch.removeAll(keepingCapacity: true)
    document.appendString(node, to: &scratch)
    let decoded = scratch
    scratch = []
    decoded.withUnsafeBufferPointer { embed($0) }
    scratch = decoded
  }

  private mutating func embed(_ div: UnsafeBufferPointer<UInt8>) {
    let open: StaticString = "<div xmlns=\"http://www.w3.org/1999/xhtml\""
    switch Markup.check(div) {
    case .complete(let range):
      text.append(UnsafeBufferPointer(rebasing: div[range]))
    case .withoutNamespace(let range):
      text.append(open)
      text.append(UnsafeBufferPointer(rebasing: div[range].dropFirst("<div".utf8.count)))
    case .malformed:
      text.append(open)
      text.append(">")
      XMLText.appendEscaped(div, to: &text.bytes, isAttribute: false)
      text.append("</div>")
    }
  }
}

// MARK: - Tags

extension XMLWriter {
  private mutating func openTag(_ name: UnsafeBufferPointer<UInt8>, _ depth: Int) {
    breakLine(depth)
    text.append("<")
    text.append(name)
  }

  private mutating func appendEnd(_ name: UnsafeBufferPointer<UInt8>) {
    text.append("</")
    text.append(name)
    text.append(">")
  }

  private mutating func breakLine(_ depth: Int) {
    guard isIndented else { return }
    text.append("\n")
    for _ in 0..<depth { text.append("  ") }
  }

  /// A name for a message, cut where it is long.
  private func shown(_ name: UnsafeBufferPointer<UInt8>) -> String {
    String(decoding: name.prefix(64), as: UTF8.self) + (name.count > 64 ? "…" : "")
  }

  /// An array's elements, or the one value itself.
  private struct Items {
    private var elements: JSONElements?
    private var single: JSONNode?

    init(_ document: JSONDocument, _ node: JSONNode) {
      if document.kind(node) == .array { elements = document.elements(node) } else { single = node }
    }

    mutating func next() -> JSONNode? {
      if elements != nil { return elements?.next() }
      defer { single = nil }
      return single
    }
  }
}
