public import FHIRModel

/// A FHIRPath expression, read once and evaluated many times.
///
/// FHIRPath 2.0 (N1) with the functions marked for trial use, on FHIR's types (R4 fhirpath.html). Evaluation walks the
/// document's tape; nothing is copied from it until a value is compared or returned.
public final class FHIRPathProgram: Sendable {
  public let expression: String
  public let schema: Schema
  public let limits: FHIRPathLimits
  let syntax: Syntax
  /// Types named in the expression, by their node.
  let typeNames: [Syntax.ID: ResolvedType]
  /// Patterns given as literals, compiled once; by the node of the call.
  let patterns: [Syntax.ID: Pattern]
  /// The expression as plain steps, where it is no more than that.
  let plan: PathPlan?

  /// Reads an expression.
  ///
  /// - Parameters:
  ///   - context: the type of every focus to come. It makes walking faster and leaves out paths that begin with other
  ///     types; with `isStrict` it serves to check element names.
  ///   - isStrict: whether names of elements that the types do not have are errors; otherwise they select nothing.
  public init(
    _ expression: String, schema: Schema, context: Schema.TypeID? = nil, isStrict: Bool = false,
    limits: FHIRPathLimits = FHIRPathLimits()
  ) throws(FHIRPathError) {
    let syntax = try Parser.parse(expression, limits: limits)
    var typeNames: [Syntax.ID: ResolvedType] = [:]
    var patterns: [Syntax.ID: Pattern] = [:]
    for (id, node) in syntax.nodes.enumerated() {
      switch node.kind {
      case .typeTest(_, let test, let name):
        typeNames[id] = try ResolvedType(name, test: test, schema: schema, offset: node.offset)
      case .call(_, .matches, let arguments), .call(_, .matchesFull, let arguments),
        .call(_, .replaceMatches, let arguments):
        guard case .literal(.string(let text)) = syntax[arguments[0]].kind else { continue }
        patterns[id] = try Pattern(text, flags: "", limits: limits, offset: node.offset)
      default: continue
      }
    }
    self.expression = expression
    self.schema = schema
    self.limits = limits
    self.syntax = syntax
    self.typeNames = typeNames
    self.patterns = patterns
    plan = PathPlan(syntax, typeNames: typeNames, schema: schema, context: context)
    if isStrict { try StaticTyping(syntax, typeNames: typeNames, schema: schema, context: context).check() }
  }

  /// The expression's value.
  public func evaluate(in context: FHIRPathContext) throws(FHIRPathError) -> [FHIRPathItem] {
    try Evaluation(self, context).run()
  }

  /// The expression's value as a condition: false for an empty collection, an error for several items.
  public func isTrue(in context: FHIRPathContext) throws(FHIRPathError) -> Bool {
    let evaluation = Evaluation(self, context)
    return try evaluation.truth(try evaluation.run(), at: 0) ?? false
  }
}

/// A type that an expression names, looked up.
enum ResolvedType: Sendable, Equatable {
  case system(SystemType)
  case fhir(Schema.TypeID)
  /// `Quantity` alone is FHIR's for FHIR's items and System's for computed ones.
  case either(Schema.TypeID, SystemType)
  case unknown

  init(_ name: TypeName, test: Syntax.TypeTest, schema: Schema, offset: Int) throws(FHIRPathError) {
    let system = name.namespace == nil || name.namespace == "System" ? SystemType(rawValue: name.name) : nil
    let fhir = name.namespace == nil || name.namespace == "FHIR" ? schema.type(name.name) : nil
    switch (system, fhir) {
    case (let system?, let fhir?): self = .either(fhir, system)
    case (let system?, nil): self = .system(system)
    case (nil, let fhir?): self = .fhir(fhir)
    // Nothing is of an unknown System type, and the official suite asks so (testType22).
    case (nil, nil) where test == .is && name.namespace == "System": self = .unknown
    case (nil, nil):
      throw FHIRPathError(.semantic, "unknown type \"\(name.name.prefix(60))\"", at: offset)
    }
  }
}

/// The types of FHIRPath itself.
enum SystemType: String, Sendable {
  case boolean = "Boolean"
  case string = "String"
  case integer = "Integer"
  case decimal = "Decimal"
  case date = "Date"
  case dateTime = "DateTime"
  case time = "Time"
  case quantity = "Quantity"
  case any = "Any"
}
