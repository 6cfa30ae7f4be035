import FHIRModel
import FHIRPath

/// One parameter of one resource type, ready to be evaluated.
final class IndexPlan: Sendable {
  let number: Int32
  let source: Source
  /// A composite's parts, relative to the elements that `source` finds.
  let components: [Source]
  /// Whether the absence of values is a row.
  let keepsMissing: Bool

  var kind: SearchParameter.Kind { source.kind }

  /// Where values come from.
  final class Source: Sendable {
    let kind: SearchParameter.Kind
    let program: FHIRPathProgram
    /// The binding of the element that a plain path leads to.
    let binding: Schema.BindingID?
    /// The only type that references may point to, where there is one.
    let soleTarget: String?
    /// Whether it is a part of a composite, which pairs values alone, without the words and types that go with them.
    let isComponent: Bool

    init(
      kind: SearchParameter.Kind, program: FHIRPathProgram, binding: Schema.BindingID?, soleTarget: String? = nil,
      isComponent: Bool = false
    ) {
      self.kind = kind
      self.program = program
      self.binding = binding
      self.soleTarget = soleTarget
      self.isComponent = isComponent
    }
  }

  /// - Returns: nil for parameters that index nothing.
  /// - Throws: `FHIRPathError` for an expression that does not compile.
  init?(_ parameter: SearchParameter, _ schema: Schema) throws(FHIRPathError) {
    guard !parameter.isAnsweredByResource, let expression = parameter.definition.expression else { return nil }
    let branches = Self.branches(of: expression, for: schema.name(parameter.resourceType))
    let targets = parameter.definition.targets
    number = parameter.number
    keepsMissing = parameter.keepsMissing
    source = Source(
      kind: parameter.kind,
      program: try FHIRPathProgram(branches.joined(separator: " | "), schema: schema, context: parameter.resourceType),
      binding: branches.count == 1 ? Self.binding(of: branches[0], schema) : nil,
      soleTarget: targets.count == 1 ? schema.name(targets[0]) : nil)
    var components: [Source] = []
    for (component, definition) in zip(parameter.definition.components, parameter.components ?? []) {
      // A component's path starts at the composite's elements; the first branch tells its binding.
      components.append(
        Source(
          kind: definition.type, program: try FHIRPathProgram(component.expression, schema: schema),
          binding: Self.binding(of: branches[0] + "." + component.expression, schema), soleTarget: nil,
          isComponent: true))
    }
    guard parameter.kind != .composite || components.count == 2 || components.count == 3 else { return nil }
    self.components = components
  }

  /// The parts of a union that start at this type. Published expressions name every type a parameter has
  /// (`Patient.name | Practitioner.name`); evaluating the others would be work for nothing.
  static func branches(of expression: String, for type: String) -> [String] {
    var branches: [String] = []
    var branch = ""
    var depth = 0
    var quote = false
    for character in expression {
      switch character {
      case "'": quote.toggle()
      case "(" where !quote: depth += 1
      case ")" where !quote: depth -= 1
      case "|" where !quote && depth == 0:
        branches.append(branch)
        branch = ""
        continue
      default: break
      }
      branch.append(character)
    }
    branches.append(branch)
    let trimmed = branches.map { String($0.trimmingSpaces) }
    let own = trimmed.filter { part in
      let start = part.drop { $0 == "(" || $0 == " " }
      let head = start.prefix { $0.isLetter }
      return head == type || head == "Resource" || head == "DomainResource"
    }
    return own.isEmpty ? trimmed : own
  }

  /// The required binding of the element behind a plain dotted path (`Patient.gender`), nil for anything else.
  static func binding(of path: String, _ schema: Schema) -> Schema.BindingID? {
    let steps = path.split(separator: ".")
    guard let first = steps.first, var type = schema.type(String(first)) else { return nil }
    var binding: Schema.BindingID?
    for step in steps.dropFirst() {
      guard step.allSatisfy({ $0.isLetter || $0.isNumber }),
        let element = schema.element(type, name: String(step)).map({ schema[$0] }), let next = element.types.first
      else { return nil }
      binding = element.binding
      type = next.type
    }
    return binding
  }
}

extension String {
  fileprivate var trimmingSpaces: Substring {
    var text = self[...]
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return text
  }
}
