internal import FHIRModel

/// `is`, `as`, `ofType` and `type()` (FHIRPath 2.0 §Types, R4 fhirpath#types).
extension Evaluation {
  func typeTest(
    _ test: Syntax.TypeTest, on focus: Syntax.ID, _ id: Syntax.ID, _ scope: inout Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    let type = program.typeNames[id] ?? .unknown
    if test == .is, case .call(let inner, .resolve, _) = program.syntax[focus].kind, case .fhir(let target) = type {
      return try resolves(try evaluate(inner, &scope), to: target, at: offset)
    }
    let items = try evaluate(focus, &scope)
    try charge(items: items.count, at: offset)
    switch test {
    case .is:
      guard let item = try single(items, at: offset) else { return [] }
      return [.boolean(isType(item, type))]
    // The standard wants a single item for `as`; the published search parameters and R4's own engine filter.
    case .as, .ofType: return items.filter { hasType($0, type) }
    }
  }

  /// `is`: the type or one derived from it.
  func isType(_ item: FHIRPathItem, _ type: ResolvedType) -> Bool {
    switch (item, type) {
    case (.node(let node), .fhir(let wanted)), (.node(let node), .either(let wanted, _)):
      return schema.isSubtype(node.type, of: wanted)
    case (.node(let node), .system(let wanted)):
      return schema.kind(node.type) == .system && systemValue(.node(node)).map { isSystem($0, wanted) } ?? false
    case (_, .system(let wanted)), (_, .either(_, let wanted)): return isSystem(item, wanted)
    default: return false
    }
  }

  /// `as` and `ofType`: the type itself; for complex types and resources also one derived from it. Of a `code` the
  /// official suite wants neither `as(string)` nor `ofType(string)` to select it (testFHIRPathAsFunction11, 16).
  private func hasType(_ item: FHIRPathItem, _ type: ResolvedType) -> Bool {
    if case .node(let node) = item, isPrimitive(node.type) {
      switch type {
      case .fhir(let wanted) where schema.kind(wanted) == .primitive: return node.type == wanted
      default: break
      }
    }
    return isType(item, type)
  }

  private func isSystem(_ item: FHIRPathItem, _ type: SystemType) -> Bool {
    type == .any || systemType(item) == type
  }

  func systemType(_ item: FHIRPathItem) -> SystemType? {
    switch item {
    case .boolean: .boolean
    case .integer: .integer
    case .decimal: .decimal
    case .string: .string
    case .quantity: .quantity
    case .temporal(let value): value.kind == .date ? .date : value.kind == .dateTime ? .dateTime : .time
    case .node, .type: nil
    }
  }

  func typeInfo(_ item: FHIRPathItem) -> FHIRPathTypeInfo {
    if case .node(let node) = item {
      let name = schema.name(node.type)
      guard schema.kind(node.type) == .system, name.hasPrefix("System.") else {
        return FHIRPathTypeInfo(namespace: "FHIR", name: name)
      }
      return FHIRPathTypeInfo(namespace: "System", name: String(name.dropFirst(7)))
    }
    return FHIRPathTypeInfo(namespace: "System", name: systemType(item)?.rawValue ?? "TypeInfo")
  }
}
