internal import FHIRModel
internal import JSONCore

/// An expression that is no more than paths from the focus, joined by `|`, as steps that walk the tape without
/// collections. Search parameters are nearly all of this kind.
struct PathPlan: Sendable {
  enum Step: Sendable {
    case member(MemberStep)
    /// `as(T)`, `ofType(T)`, and a type's name at the beginning. Primitives must be of the type itself.
    case type(Schema.TypeID, isExact: Bool)
    /// `where(resolve() is T)`
    case refers(Schema.TypeID)
    /// `where(system = 'phone')`
    case text(MemberStep, JSONKey)
    /// `extension('url')`
    case url(MemberStep, JSONKey)
  }

  /// Paths that an expression may be taken apart into.
  private static let alternativesMax = 256

  let alternatives: [[Step]]

  /// nil for an expression that is more.
  init?(
    _ syntax: Syntax, typeNames: [Syntax.ID: ResolvedType], schema: Schema, context: Schema.TypeID?
  ) {
    let builder = Builder(syntax: syntax, typeNames: typeNames, schema: schema)
    guard let drafts = builder.paths(syntax.root), drafts.count <= PathPlan.alternativesMax else { return nil }
    alternatives = drafts.compactMap { builder.resolve($0, context: context) }
  }

  // MARK: - Building

  private enum Draft {
    case member(MemberName)
    case type(Schema.TypeID, isExact: Bool)
    case refers(Schema.TypeID)
    case text(MemberName, String)
    case url(String)
  }

  private struct Builder {
    let syntax: Syntax
    let typeNames: [Syntax.ID: ResolvedType]
    let schema: Schema

    func paths(_ id: Syntax.ID) -> [[Draft]]? {
      switch syntax[id].kind {
      case .this: return [[]]
      case .member(let focus, let name): return paths(focus)?.map { $0 + [first(name) ?? .member(name)] }
      case .typeTest(let focus, let test, _) where test != .is:
        guard let type = fhirType(id), let before = paths(focus) else { return nil }
        return before.map { $0 + [.type(type, isExact: schema.kind(type) == .primitive)] }
      case .call(let focus, .where, let arguments):
        guard let criterion = criterion(arguments[0]), let before = paths(focus) else { return nil }
        return before.map { $0 + [criterion] }
      case .call(let focus, .extension, let arguments):
        guard case .literal(.string(let url)) = syntax[arguments[0]].kind, let before = paths(focus) else { return nil }
        return before.map { $0 + [.url(url)] }
      case .binary(.union, let left, let right):
        guard let a = paths(left), let b = paths(right), a.count + b.count <= PathPlan.alternativesMax else {
          return nil
        }
        return a + b
      default: return nil
      }
    }

    private func first(_ name: MemberName) -> Draft? {
      guard name.isFirst, let letter = name.utf8.first, letter &- 65 < 26, let type = schema.type(name.name)
      else { return nil }
      return .type(type, isExact: false)
    }

    private func fhirType(_ id: Syntax.ID) -> Schema.TypeID? {
      switch typeNames[id] {
      case .fhir(let type), .either(let type, _): type
      default: nil
      }
    }

    private func criterion(_ id: Syntax.ID) -> Draft? {
      switch syntax[id].kind {
      case .typeTest(let focus, .is, _):
        guard case .call(let inner, .resolve, _) = syntax[focus].kind, case .this = syntax[inner].kind,
          case .fhir(let type)? = typeNames[id]
        else { return nil }
        return .refers(type)
      case .binary(.equal, let left, let right):
        guard case .member(let inner, let name) = syntax[left].kind, case .this = syntax[inner].kind,
          case .literal(.string(let text)) = syntax[right].kind
        else { return nil }
        return .text(name, text)
      default: return nil
      }
    }

    /// Looks the names up as far as the types on the way are known beforehand; nil for a path that begins with a type
    /// the context cannot be.
    func resolve(_ drafts: [Draft], context: Schema.TypeID?) -> [Step]? {
      var steps: [Step] = []
      var type = context
      for (index, draft) in drafts.enumerated() {
        switch draft {
        case .type(let wanted, false) where index == 0 && context.map { !schema.isAbstract($0) } == true:
          guard let context, schema.isSubtype(context, of: wanted) else { return nil }
        case .type(let wanted, let isExact):
          steps.append(.type(wanted, isExact: isExact))
          type = wanted
        case .refers(let target): steps.append(.refers(target))
        case .text(let name, let text):
          steps.append(.text(MemberStep(name, owner: type, needsSibling: false, schema: schema), JSONKey(text)))
        case .member(let name):
          let step = MemberStep(
            name, owner: type, needsSibling: looksIntoPrimitive(drafts.dropFirst(index + 1)), schema: schema)
          type = step.known.flatMap { $0.isChoice || $0.isAbstract ? nil : $0.type }
          steps.append(.member(step))
        case .url(let url):
          let step = MemberStep(Evaluation.extensions, owner: type, needsSibling: false, schema: schema)
          steps.append(.url(step, JSONKey(url)))
          type = step.known?.type
        }
      }
      return steps
    }

    private func looksIntoPrimitive(_ rest: ArraySlice<Draft>) -> Bool {
      for draft in rest {
        switch draft {
        case .type, .refers, .text: continue
        case .url: return true
        case .member(let name): return name.name == "extension" || name.name == "id"
        }
      }
      return false
    }
  }
}

/// One element on a path.
final class MemberStep: Sendable {
  /// What a name means in one type.
  struct Access: Sendable {
    let element: Schema.ElementID
    let type: Schema.TypeID
    let isChoice: Bool
    /// Resource and DomainResource, whose instances name their type.
    let isAbstract: Bool
    let isPrimitive: Bool
  }

  let name: MemberName
  let owner: Schema.TypeID?
  let known: Access?
  /// Whether the step after this one looks into a primitive's sibling.
  let needsSibling: Bool

  init(_ name: MemberName, owner: Schema.TypeID?, needsSibling: Bool, schema: Schema) {
    self.name = name
    self.needsSibling = needsSibling
    let known = owner.flatMap { MemberStep.look(name, in: $0, schema) }
    self.known = known
    self.owner = known == nil ? nil : owner
  }

  @inline(__always)
  func access(in type: Schema.TypeID, _ schema: Schema) -> Access? {
    type == owner ? known : MemberStep.look(name, in: type, schema)
  }

  private static func look(_ name: MemberName, in type: Schema.TypeID, _ schema: Schema) -> Access? {
    guard let id = name.utf8.withUnsafeBufferPointer({ schema.element(type, name: $0) }) else { return nil }
    let element = schema[id]
    guard let first = element.types.first?.type else { return nil }
    let kind = schema.kind(first)
    return Access(
      element: id, type: first, isChoice: element.isChoice, isAbstract: kind == .resource && schema.isAbstract(first),
      isPrimitive: kind == .primitive || kind == .system)
  }
}
