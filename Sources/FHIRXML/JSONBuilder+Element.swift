internal import CXML2
internal import FHIRModel
internal import JSONCore

extension JSONBuilder {
  /// A child element of a resource, a complex value, or a primitive.
  mutating func startElement(_ tag: XMLTag, isFHIR: Bool) {
    let name = UnsafeBufferPointer(start: tag.name, count: Int(xmlStrlen(tag.name)))
    guard let found = schema.element(frames[frames.count - 1].type, key: name),
      !layout[found.element].isAttribute
    else {
      if isFHIR { reportUnknown(tag, name) } else { reportNamespace(tag, "http://hl7.org/fhir") }
      return skip()
    }
    let type = layout[found.type]
    guard type.content == .xhtml || isFHIR else {
      reportNamespace(tag, "http://hl7.org/fhir")
      return skip()
    }
    openRun(found, isPrimitive: type.content == .primitive)
    switch type.content {
    case .primitive: startPrimitive(tag, found, type.primitive)
    case .complex: startObject(tag, found, isExtension: type.isExtension)
    case .resource:
      for index in 0..<tag.attributeCount { reportAttribute(tag.attribute(index)) }
      separateItem()
      frames.append(Frame(kind: .wrapper, type: found.type, siblingsStart: siblings.count))
    case .xhtml: startNarrative(tag)
    }
  }

  // MARK: - Runs

  /// Begins the run of an element, or goes on with it, and checks the order (R4 xml.html: elements must always appear
  /// in the order documented).
  private mutating func openRun(_ found: (element: Schema.ElementID, type: Schema.TypeID), isPrimitive: Bool) {
    let place = frames.count - 1
    if let run = frames[place].run, run.element == found.element {
      if run.type != found.type {
        report("Only one of the types of \(schema[found.element].name)[x] may be present.", at: found)
      } else if !run.isArray {
        report("The element occurs once at most.", at: found)
      }
      return
    }
    closeRun()
    if found.element.rawValue <= frames[place].last { reportOrder(found) }
    frames[place].last = max(found.element.rawValue, frames[place].last)
    beginPrimitiveMembers()
    let run = Run(
      element: found.element, type: found.type, isArray: layout[found.element].isArray, isPrimitive: isPrimitive,
      isFirst: frames[place].isEmpty, start: json.count)
    appendKey(layout.name(found.element, found.type), isSibling: false)
    if run.isArray { append("[") }
    frames[place].run = run
  }

  /// Before the first member of a primitive's `_` sibling: its brace. The sibling is written behind the value and
  /// moved to `siblings` when the primitive ends.
  private mutating func beginPrimitiveMembers() {
    let place = frames.count - 1
    guard frames[place].kind == .primitive, frames[place].siblingStart < 0 else { return }
    frames[place].siblingStart = json.count
    append("{")
  }

  /// `,"name":`
  private mutating func appendKey(_ name: FrozenText, isSibling: Bool) {
    let place = frames.count - 1
    if !frames[place].isEmpty { json.append(UInt8(ascii: ",")) }
    frames[place].isEmpty = false
    json.append(UInt8(ascii: "\""))
    if isSibling { json.append(UInt8(ascii: "_")) }
    json.append(contentsOf: name.utf8)
    append("\":")
  }

  /// Before an item of the run: the array's comma.
  func isFirstItem(_ place: Int) -> Bool { frames[place].run?.count == 0 }

  mutating func separateItem() {
    let place = frames.count - 1
    if !isFirstItem(place) { json.append(UInt8(ascii: ",")) }
    frames[place].run?.count += 1
  }

  /// Ends the run of the innermost frame, with its `_` sibling if it has one.
  mutating func closeRun() {
    let place = frames.count - 1
    guard let run = frames[place].run else { return }
    frames[place].run = nil
    if run.isPrimitive, !run.hasValue {
      // Nothing but nulls: FHIR R4 json.html#primitive leaves the member out.
      json.removeLast(json.count - run.start)
      frames[place].isEmpty = run.isFirst
    } else if run.isArray {
      append("]")
    }
    guard run.siblingCount > 0 else { return }
    padSiblings(run.siblingCount, to: run.count)
    appendKey(layout.name(run.element, run.type), isSibling: true)
    if run.isArray { append("[") }
    let start = frames[place].siblingsStart
    json.append(contentsOf: siblings[start...])
    siblings.removeLast(siblings.count - start)
    if run.isArray { append("]") }
  }

  /// Fills up with null, so that siblings keep in step with values.
  private mutating func padSiblings(_ count: Int, to target: Int) {
    guard count < target else { return }
    for index in count..<target { siblings.append(contentsOf: index == 0 ? "null".utf8 : ",null".utf8) }
  }

  // MARK: - Complex types

  private mutating func startObject(
    _ tag: XMLTag, _ found: (element: Schema.ElementID, type: Schema.TypeID), isExtension: Bool
  ) {
    separateItem()
    append("{")
    frames.append(Frame(kind: .object, type: found.type, siblingsStart: siblings.count))
    let place = frames.count - 1
    for index in 0..<tag.attributeCount {
      let attribute = tag.attribute(index)
      let isID = attribute.name == names?.id
      guard attribute.prefix == nil, isID || isExtension && attribute.name == names?.url else {
        reportAttribute(attribute)
        continue
      }
      if attribute.value.isEmpty { reportEmptyAttribute(isID ? "id" : "url") }
      if !frames[place].isEmpty { append(",") }
      frames[place].isEmpty = false
      if isID { append("\"id\":") } else { append("\"url\":") }
      JSONWriter.appendQuoted(attribute.value, to: &json)
    }
  }

  // MARK: - Primitives

  private mutating func startPrimitive(
    _ tag: XMLTag, _ found: (element: Schema.ElementID, type: Schema.TypeID), _ primitive: Primitive
  ) {
    separateItem()
    var frame = Frame(kind: .primitive, type: layout.element ?? found.type, siblingsStart: siblings.count)
    var id: UnsafeBufferPointer<UInt8>?
    for index in 0..<tag.attributeCount {
      let attribute = tag.attribute(index)
      if attribute.prefix == nil, attribute.name == names?.value {
        frame.hasValue = true
        if attribute.value.isEmpty { reportEmptyAttribute("value") }
        appendValue(attribute.value, primitive, found)
      } else if attribute.prefix == nil, attribute.name == names?.id {
        if attribute.value.isEmpty { reportEmptyAttribute("id") }
        id = attribute.value
      } else {
        reportAttribute(attribute)
      }
    }
    if frame.hasValue {
      frames[frames.count - 1].run?.hasValue = true
    } else {
      append("null")
    }
    frames.append(frame)
    guard let id else { return }
    beginPrimitiveMembers()
    append("\"id\":")
    JSONWriter.appendQuoted(id, to: &json)
    frames[frames.count - 1].isEmpty = false
  }

  private mutating func appendValue(
    _ value: UnsafeBufferPointer<UInt8>, _ primitive: Primitive,
    _ found: (element: Schema.ElementID, type: Schema.TypeID)
  ) {
    switch primitive.jsonForm {
    case .string:
      JSONWriter.appendQuoted(value, to: &json)
    case .boolean:
      guard value.elementsEqual("true".utf8) || value.elementsEqual("false".utf8) else {
        return reportValue(value, primitive, "true or false")
      }
      json.append(contentsOf: value)
    case .number:
      var digits = value[...]
      // The regular expressions of integer and positiveInt allow a plus sign, JSON does not (R4 datatypes#integer).
      if primitive != .decimal, digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
      guard JSONBuilder.isJSONNumber(digits) else { return reportValue(value, primitive, "a number") }
      json.append(contentsOf: digits)
    }
  }

  /// RFC 8259 §6, which is R4's regular expression for decimal.
  private static func isJSONNumber(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
    var rest = text
    func digits() -> Int {
      let count = rest.prefix { $0 &- 48 < 10 }.count
      rest = rest.dropFirst(count)
      return count
    }
    if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
    let startsWithZero = rest.first == UInt8(ascii: "0")
    let whole = digits()
    guard whole > 0, !startsWithZero || whole == 1 else { return false }
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      guard digits() > 0 else { return false }
    }
    if let exponent = rest.first, exponent | 0x20 == UInt8(ascii: "e") {
      rest = rest.dropFirst()
      if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
      guard digits() > 0 else { return false }
    }
    return rest.isEmpty
  }

  /// Moves what was written as the sibling object to `siblings`.
  mutating func endPrimitive() {
    closeRun()
    let frame = frames[frames.count - 1]
    if frame.siblingStart < 0 {
      if !frame.hasValue { report("The element is empty; it must have a value or extensions.") }
      frames.removeLast()
      return
    }
    append("}")
    frames.removeLast()
    let place = frames.count - 1
    guard let run = frames[place].run else { return }
    padSiblings(run.siblingCount, to: run.count - 1)
    if run.count > 1 { siblings.append(UInt8(ascii: ",")) }
    siblings.append(contentsOf: json[frame.siblingStart...])
    json.removeLast(json.count - frame.siblingStart)
    frames[place].run?.siblingCount = run.count
  }
}
