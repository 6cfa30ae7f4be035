internal import FHIRModel
internal import JSONCore

/// `resolve()`, `%resource` and `%rootResource` (R4 fhirpath#functions, #variables).
extension Evaluation {
  func resolved(_ items: Items, at offset: Int) throws(FHIRPathError) -> Items {
    var result: Items = []
    for item in items {
      if let target = try target(of: item, at: offset) { result.append(.node(target)) }
    }
    return result
  }

  private func target(of item: FHIRPathItem, at offset: Int) throws(FHIRPathError) -> FHIRPathNode? {
    switch item {
    case .string(let text): return context.resolver?(text)
    case .node(let node):
      guard let value = node.value else { return nil }
      let lookup = ReferenceLookup(schema: schema, document: node.document)
      guard let text = lookup.text(of: value) else { return nil }
      try charge(lookup.cost, at: offset)
      if let found = lookup.resource(text) {
        return FHIRPathNode(document: node.document, value: found.node, type: found.type)
      }
      guard let resolver = context.resolver, let reference = node.document.string(text) else { return nil }
      return resolver(reference)
    default: return nil
    }
  }

  /// `resolve() is Patient`: where the target is not at hand, what the reference says of it decides.
  func resolves(_ items: Items, to type: Schema.TypeID, at offset: Int) throws(FHIRPathError) -> Items {
    guard let item = try single(items, at: offset) else { return [] }
    guard case .node(let node) = item, let value = node.value else { return [] }
    let lookup = ReferenceLookup(schema: schema, document: node.document)
    try charge(lookup.cost, at: offset)
    if let found = lookup.targetType(of: value) {
      return [.boolean(schema.isSubtype(found, of: type))]
    }
    guard let target = try target(of: item, at: offset) else { return [] }
    return [.boolean(schema.isSubtype(target.type, of: type))]
  }

  func resourceOfFocus() -> FHIRPathNode? {
    if let given = context.resource { return given }
    if let found = resourceFound { return found }
    let found = innermostResource()
    resourceFound = .some(found)
    return found
  }

  private func innermostResource() -> FHIRPathNode? {
    guard case .node(let node)? = context.focus.first, let place = node.value ?? node.sibling else { return nil }
    let around = ReferenceLookup(schema: schema, document: node.document).resources(around: place)
    return around.last.map { FHIRPathNode(document: node.document, value: $0.node, type: $0.type) }
  }

  func rootResourceOfFocus() -> FHIRPathNode? {
    if let given = context.rootResource { return given }
    guard let resource = resourceOfFocus(), let place = resource.value else { return nil }
    let lookup = ReferenceLookup(schema: schema, document: resource.document)
    let around = lookup.resources(around: place)
    guard around.count > 1 else { return resource }
    let outer = around[around.count - 2]
    guard lookup.holds(outer.node, place) else { return resource }
    return FHIRPathNode(document: resource.document, value: outer.node, type: outer.type)
  }
}
