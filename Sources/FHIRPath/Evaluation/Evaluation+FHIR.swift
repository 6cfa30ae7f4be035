internal import FHIRModel
internal import JSONCore

/// FHIR's own functions (R4 fhirpath#functions).
extension Evaluation {
  private static let url = MemberName("url", isFirst: false)
  static let extensions = MemberName("extension", isFirst: false)
  private static let modifierExtensions = MemberName("modifierExtension", isFirst: false)

  func fhirFunction(
    _ function: Function, _ items: Items, _ arguments: [Syntax.ID], _ scope: Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    switch function {
    case .extension:
      guard let url = try stringArgument(arguments[0], scope, at: offset) else { return [] }
      return try extensions(of: items, named: Evaluation.extensions, at: offset).filter { hasURL($0, url) }
    case .hasValue: return [.boolean(items.count == 1 && hasValue(items[0]))]
    case .getValue:
      guard items.count == 1, hasValue(items[0]) else { return [] }
      return systemValue(items[0]).map { [$0] } ?? []
    case .resolve: return try resolved(items, at: offset)
    case .checkModifiers: return try checkModifiers(items, arguments, scope, at: offset)
    case .conformsTo: return try conformsTo(items, arguments[0], scope, at: offset)
    case .memberOf: return try memberOf(items, arguments[0], scope, at: offset)
    case .htmlChecks: return try htmlChecks(items, at: offset)
    default: throw FHIRPathError(.unsupported, "\(function.rawValue)() is not supported here", at: offset)
    }
  }

  /// Whether it is a primitive that has a value and not only extensions.
  private func hasValue(_ item: FHIRPathItem) -> Bool {
    guard case .node(let node) = item else { return true }
    return isPrimitive(node.type) && node.value != nil
  }

  private func extensions(of items: Items, named name: MemberName, at offset: Int) throws(FHIRPathError) -> Items {
    var result: Items = []
    for case .node(let node) in items { appendMember(name, of: node, to: &result) }
    try charge(result.count, at: offset)
    return result
  }

  private func hasURL(_ item: FHIRPathItem, _ url: String) -> Bool {
    guard case .node(let node) = item else { return false }
    var found: Items = []
    appendMember(Evaluation.url, of: node, to: &found)
    return found.first.flatMap { text(of: $0) } == url
  }

  /// An error for a modifier extension the caller did not say it understands, else the input.
  private func checkModifiers(
    _ items: Items, _ arguments: [Syntax.ID], _ scope: Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    var known: [String] = []
    for id in arguments { if let url = try stringArgument(id, scope, at: offset) { known.append(url) } }
    for item in try extensions(of: items, named: Evaluation.modifierExtensions, at: offset)
    where !known.contains(where: { hasURL(item, $0) }) {
      throw fault("there is a modifier extension that is not understood", at: offset)
    }
    return items
  }

  private func conformsTo(
    _ items: Items, _ profile: Syntax.ID, _ scope: Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    guard let url = try stringArgument(profile, scope, at: offset), let item = try single(items, at: offset)
    else { return [] }
    let base = "http://hl7.org/fhir/StructureDefinition/"
    if url.hasPrefix(base), let type = schema.type(String(url.dropFirst(base.count))), case .node(let node) = item {
      return [.boolean(schema.isSubtype(node.type, of: type))]
    }
    guard let answer = context.conformsTo?(item, url) else { throw fault("the profile is not known", at: offset) }
    return [.boolean(answer)]
  }

  private func memberOf(
    _ items: Items, _ valueSet: Syntax.ID, _ scope: Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    guard let url = try stringArgument(valueSet, scope, at: offset), let item = try single(items, at: offset)
    else { return [] }
    guard let answer = context.memberOf else {
      throw FHIRPathError(.unsupported, "memberOf() needs terminology, which is not available here", at: offset)
    }
    return Evaluation.boolean(answer(item, url))
  }

  /// Whether a narrative's `div` is the XHTML that FHIR allows (R4 narrative.html, txt-1).
  private func htmlChecks(_ items: Items, at offset: Int) throws(FHIRPathError) -> Items {
    guard let text = try string(items, at: offset) else { return [] }
    try charge(text.utf8.count / 16, at: offset)
    return [.boolean(PrimitiveCheck.isValid(text, as: .xhtml))]
  }
}
