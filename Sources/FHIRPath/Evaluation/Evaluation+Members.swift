internal import FHIRModel
internal import JSONCore

/// Navigation: from a node to its elements.
extension Evaluation {
  func member(
    _ name: MemberName, of focus: Syntax.ID, _ scope: inout Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    let items = try evaluate(focus, &scope)
    if name.isFirst, let typed = itemsOfType(items, named: name) { return typed }
    var result: Items = []
    try charge(items.count, at: offset)
    for item in items {
      switch item {
      case .node(let node): appendMember(name, of: node, to: &result)
      case .type(let info): Evaluation.appendMember(name, of: info, to: &result)
      case .quantity(let quantity): Evaluation.appendMember(name, of: quantity, to: &result)
      default: continue
      }
    }
    try charge(result.count, at: offset)
    try checkCount(result, at: offset)
    return result
  }

  /// A path may begin with the type of its context (FHIRPath 2.0 §Path selection): those items of that type. Nil where
  /// the name is no type.
  private func itemsOfType(_ items: Items, named name: MemberName) -> Items? {
    guard let first = name.utf8.first, first &- 65 < 26 else { return nil }
    guard let type = name.utf8.withUnsafeBufferPointer({ schema.type(utf8: $0) }) else { return nil }
    return items.filter { item in
      if case .node(let node) = item { return schema.isSubtype(node.type, of: type) }
      return false
    }
  }

  private static func appendMember(_ name: MemberName, of info: FHIRPathTypeInfo, to result: inout Items) {
    if name.name == "namespace" { result.append(.string(info.namespace)) }
    if name.name == "name" { result.append(.string(info.name)) }
  }

  private static func appendMember(_ name: MemberName, of quantity: FHIRPathQuantity, to result: inout Items) {
    if name.name == "value" { result.append(.decimal(quantity.value)) }
    if name.name == "unit" || name.name == "code" { result.append(.string(quantity.unit)) }
    if name.name == "system", !quantity.isCalendar { result.append(.string("http://unitsofmeasure.org")) }
  }

  func appendMember(_ name: MemberName, of node: FHIRPathNode, to result: inout Items) {
    guard let object = node.object, node.document.kind(object) == .object,
      !(object == node.sibling && name.name == "value")
    else {
      appendPrimitiveValue(name, of: node, to: &result)
      return
    }
    guard let id = name.utf8.withUnsafeBufferPointer({ schema.element(node.type, name: $0) }) else { return }
    // Looking a member up costs by the members before it.
    note(node.document.count(object) >> 4)
    let element = schema[id]
    if element.isChoice {
      appendChoice(element, of: node, object, to: &result)
    } else if let type = element.types.first?.type {
      let value = node.document.member(object, name.key)
      let sibling = isPrimitive(type) ? node.document.member(object, name.siblingKey) : nil
      append(value, sibling, type, node.document, to: &result)
    }
  }

  /// A FHIR primitive has an element `value` of a System type, which JSON does not show.
  private func appendPrimitiveValue(_ name: MemberName, of node: FHIRPathNode, to result: inout Items) {
    guard name.name == "value", isPrimitive(node.type), let value = systemValue(.node(node)) else { return }
    result.append(value)
  }

  func isPrimitive(_ type: Schema.TypeID) -> Bool {
    let kind = schema.kind(type)
    return kind == .primitive || kind == .system
  }

  /// The one member of a choice that is there: `valueQuantity` for `value`.
  private func appendChoice(
    _ element: Schema.Element, of node: FHIRPathNode, _ object: JSONNode, to result: inout Items
  ) {
    let document = node.document
    var seen: Schema.TypeID?
    for (key, value) in document.members(object) {
      var name = document.lexeme(key)
      let isSibling = name.first == UInt8(ascii: "_")
      if isSibling { name = UnsafeBufferPointer(rebasing: name.dropFirst()) }
      guard name.count > element.nameText.count, name[0] == element.nameText.utf8[0],
        let found = schema.element(node.type, key: name), found.element == element.id
      else { continue }
      // Value and sibling are found by whichever comes first.
      if seen == found.type { continue }
      seen = found.type
      let other = isPrimitive(found.type) ? member(object, named: name, isSibling: !isSibling, document) : nil
      append(isSibling ? other : value, isSibling ? value : other, found.type, document, to: &result)
    }
  }

  private func member(
    _ object: JSONNode, named name: UnsafeBufferPointer<UInt8>, isSibling: Bool, _ document: JSONDocument
  ) -> JSONNode? {
    document.member(object, JSONKey(utf8: isSibling ? [UInt8(ascii: "_")] + name : Array(name)))
  }

  /// Appends an element's value, or its values if it is an array. Siblings stand at the same places in an array of
  /// their own, with null where there is none.
  private func append(
    _ value: JSONNode?, _ sibling: JSONNode?, _ type: Schema.TypeID, _ document: JSONDocument, to result: inout Items
  ) {
    let isArray =
      (value.map { document.kind($0) == .array } ?? false)
      || (sibling.map { document.kind($0) == .array } ?? false)
    guard isArray else {
      appendOne(value, sibling, type, document, to: &result)
      return
    }
    guard let sibling else {
      if let value { for one in document.elements(value) { appendOne(one, nil, type, document, to: &result) } }
      return
    }
    var siblings = document.elements(sibling)
    if let value {
      for one in document.elements(value) { appendOne(one, siblings.next(), type, document, to: &result) }
    }
    while let rest = siblings.next() { appendOne(nil, rest, type, document, to: &result) }
  }

  private func appendOne(
    _ value: JSONNode?, _ sibling: JSONNode?, _ type: Schema.TypeID, _ document: JSONDocument, to result: inout Items
  ) {
    let value = value.flatMap { document.kind($0) == .null ? nil : $0 }
    let sibling = sibling.flatMap { document.kind($0) == .object ? $0 : nil }
    guard value != nil || sibling != nil else { return }
    let actual = value.map { concreteType(type, $0, document) } ?? type
    result.append(.node(FHIRPathNode(document: document, value: value, sibling: sibling, type: actual)))
  }

  /// The type itself, or for Resource and DomainResource the one the instance names.
  func concreteType(_ type: Schema.TypeID, _ value: JSONNode, _ document: JSONDocument) -> Schema.TypeID {
    guard schema.kind(type) == .resource, schema.isAbstract(type) else { return type }
    return schema.resourceType(of: value, in: document) ?? type
  }

  // MARK: - Children

  func children(_ items: Items, at offset: Int) throws(FHIRPathError) -> Items {
    var result: Items = []
    for item in items {
      guard case .node(let node) = item else { continue }
      let before = result.count
      appendChildren(of: node, to: &result)
      try charge(result.count - before, at: offset)
      try checkCount(result, at: offset)
    }
    return result
  }

  private func appendChildren(of node: FHIRPathNode, to result: inout Items) {
    guard let object = node.object else { return }
    let document = node.document
    for (key, value) in document.members(object) {
      var name = document.lexeme(key)
      let isSibling = name.first == UInt8(ascii: "_")
      if isSibling { name = UnsafeBufferPointer(rebasing: name.dropFirst()) }
      guard let type = schema.element(node.type, key: name)?.type else { continue }
      guard isPrimitive(type) else {
        if !isSibling { append(value, nil, type, document, to: &result) }
        continue
      }
      let other = member(object, named: name, isSibling: !isSibling, document)
      if isSibling {
        if other == nil { append(nil, value, type, document, to: &result) }
      } else {
        append(value, other, type, document, to: &result)
      }
    }
  }

  /// All levels below, each item before its children.
  func descendants(_ items: Items, at offset: Int) throws(FHIRPathError) -> Items {
    var result: Items = []
    var waiting: Items = Array(try children(items, at: offset).reversed())
    while let next = waiting.popLast() {
      result.append(next)
      try checkCount(result, at: offset)
      waiting.append(contentsOf: try children([next], at: offset).reversed())
    }
    return result
  }
}

extension Schema {
  private static let resourceTypeKey: JSONKey = "resourceType"

  /// The type that a resource in JSON names.
  func resourceType(of value: JSONNode, in document: JSONDocument) -> TypeID? {
    guard let name = document.member(value, Schema.resourceTypeKey), document.kind(name) == .string else { return nil }
    return resourceType(utf8: document.lexeme(name))
  }
}
