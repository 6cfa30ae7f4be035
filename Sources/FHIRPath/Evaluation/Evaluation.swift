internal import Base
internal import FHIRModel
internal import JSONCore

/// One run of a program. It walks the syntax tree; the tree's bounded height bounds the recursion, and `stepsMax` the
/// work.
final class Evaluation {
  typealias Items = [FHIRPathItem]

  let program: FHIRPathProgram
  let context: FHIRPathContext
  let schema: Schema
  private(set) var steps = 0
  /// `%resource` once it was looked for.
  var resourceFound: FHIRPathNode??

  /// What names without a path mean at some place of the expression.
  struct Scope {
    var this: Items
    var index: Int?
    var total: Items = []
    var bindings: Binding?
  }

  /// A variable of `defineVariable`; those defined earlier follow.
  final class Binding {
    let name: String
    let value: Items
    let next: Binding?

    init(name: String, value: Items, next: Binding?) {
      self.name = name
      self.value = value
      self.next = next
    }
  }

  init(_ program: FHIRPathProgram, _ context: FHIRPathContext) {
    self.program = program
    self.context = context
    schema = program.schema
  }

  func run() throws(FHIRPathError) -> Items {
    var scope = Scope(this: context.focus)
    return try evaluate(program.syntax.root, &scope)
  }

  // MARK: - Limits

  func charge(_ count: Int = 1, at offset: Int) throws(FHIRPathError) {
    steps &+= count
    guard steps <= program.limits.stepsMax else {
      throw FHIRPathError(.tooCostly, "the expression needs more than \(program.limits.stepsMax) steps", at: offset)
    }
  }

  /// Adds work done where no error can be thrown; the next `charge` tells.
  func note(_ count: Int) { steps &+= count }

  /// The steps of handling so many items at once.
  func charge(items count: Int, at offset: Int) throws(FHIRPathError) { try charge(count >> 3, at: offset) }

  func checkCount(_ items: Items, at offset: Int) throws(FHIRPathError) {
    guard items.count <= program.limits.itemsMax else {
      throw FHIRPathError(.tooCostly, "a collection has more than \(program.limits.itemsMax) items", at: offset)
    }
  }

  func checked(_ text: String, at offset: Int) throws(FHIRPathError) -> Items {
    let size = text.utf8.count
    guard size <= program.limits.stringBytesMax else {
      throw FHIRPathError(.tooCostly, "a string is longer than \(program.limits.stringBytesMax) bytes", at: offset)
    }
    try charge(size / 64, at: offset)
    return [.string(text)]
  }

  func fault(_ message: String, at offset: Int) -> FHIRPathError { FHIRPathError(.execution, message, at: offset) }

  // MARK: - Nodes

  /// Evaluates a node. Variables that a path defines are left in the scope for the rest of the path.
  func evaluate(_ id: Syntax.ID, _ scope: inout Scope) throws(FHIRPathError) -> Items {
    let node = program.syntax[id]
    try charge(at: node.offset)
    switch node.kind {
    case .literal(let item): return [item]
    case .empty: return []
    case .this: return scope.this
    case .index:
      guard let index = scope.index else { throw fault("$index has no meaning here", at: node.offset) }
      return [.integer(Int64(index))]
    case .total: return scope.total
    case .variable(let name): return try variable(name, scope, at: node.offset)
    case .member(let focus, let name): return try member(name, of: focus, &scope, at: node.offset)
    case .call(let focus, let function, let arguments):
      return try call(function, on: focus, arguments, id, &scope, at: node.offset)
    case .typeTest(let focus, let test, _): return try typeTest(test, on: focus, id, &scope, at: node.offset)
    case .indexer(let focus, let place):
      let items = try evaluate(focus, &scope)
      guard let index = try integerArgument(place, scope, at: node.offset) else { return [] }
      return index >= 0 && index < items.count ? [items[Int(index)]] : []
    case .negate(let operand): return try negate(try argument(operand, scope), at: node.offset)
    case .plus(let operand):
      let items = try argument(operand, scope)
      _ = try negate(items, at: node.offset)
      return items
    case .binary(let op, let left, let right): return try binary(op, left, right, scope, at: node.offset)
    }
  }

  /// Evaluates a node whose variables end with it.
  func argument(_ id: Syntax.ID, _ scope: Scope) throws(FHIRPathError) -> Items {
    var inner = scope
    return try evaluate(id, &inner)
  }

  /// Evaluates a node for one item.
  func argument(
    _ id: Syntax.ID, _ scope: Scope, for item: FHIRPathItem, index: Int? = nil
  ) throws(FHIRPathError) -> Items {
    var inner = scope
    inner.this = [item]
    if let index { inner.index = index }
    return try evaluate(id, &inner)
  }

  private func variable(_ name: String, _ scope: Scope, at offset: Int) throws(FHIRPathError) -> Items {
    var binding = scope.bindings
    while let current = binding {
      if current.name == name { return current.value }
      binding = current.next
    }
    switch name {
    case "context": return context.focus
    case "resource": return resourceOfFocus().map { [.node($0)] } ?? []
    case "rootResource": return rootResourceOfFocus().map { [.node($0)] } ?? []
    default: break
    }
    if let value = context.variables[name] { return value }
    if let constant = Evaluation.constant(name) { return [.string(constant)] }
    throw FHIRPathError(.semantic, "unknown variable %\(name.prefix(60))", at: offset)
  }

  /// R4 fhirpath#variables.
  static func constant(_ name: String) -> String? {
    switch name {
    case "ucum": "http://unitsofmeasure.org"
    case "sct": "http://snomed.info/sct"
    case "loinc": "http://loinc.org"
    case _ where name.hasPrefix("vs-"): "http://hl7.org/fhir/ValueSet/" + name.dropFirst(3)
    case _ where name.hasPrefix("ext-"): "http://hl7.org/fhir/StructureDefinition/" + name.dropFirst(4)
    default: nil
    }
  }

  static let systemVariables: Set<String> = ["context", "resource", "rootResource", "ucum", "sct", "loinc"]

  func defineVariable(
    _ items: Items, _ arguments: [Syntax.ID], _ scope: inout Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    guard let name = try stringArgument(arguments[0], scope, at: offset) else {
      throw fault("defineVariable() needs a name", at: offset)
    }
    var binding = scope.bindings
    while let current = binding {
      if current.name == name { throw FHIRPathError(.semantic, "a variable is defined twice", at: offset) }
      binding = current.next
    }
    let isTaken =
      Evaluation.systemVariables.contains(name) || context.variables[name] != nil || Evaluation.constant(name) != nil
    if isTaken { throw FHIRPathError(.semantic, "a variable has the name of one that is given", at: offset) }
    var value = items
    if arguments.count > 1 {
      var inner = scope
      inner.this = items
      value = try evaluate(arguments[1], &inner)
    }
    scope.bindings = Binding(name: name, value: value, next: scope.bindings)
    return items
  }
}
