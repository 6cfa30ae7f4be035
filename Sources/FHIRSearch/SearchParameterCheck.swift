public import Base
public import FHIRModel
import FHIRPath
public import JSONCore

/// What a SearchParameter resource must keep to be carried out, as far as it can be told from the resource alone
/// (FHIR R4 searchparameter.html). What is quoted from Azure's texts is what its clients look for.
public struct SearchParameterCheck: Sendable {
  /// Characters of a parameter's URL.
  public static let urlCharactersMax = 128

  private let schema: Schema
  private let limits: Limits
  private let shapes: [ElementShape?]

  public init(_ schema: Schema, limits: Limits) {
    self.schema = schema
    self.limits = limits
    shapes = ElementShape.table(schema)
  }

  /// Why the resource cannot be a search parameter of this service; empty if it can.
  public func flaws(of resource: JSONValue) -> [Fault.Reason] {
    // One that is retired is kept, and does nothing.
    if resource["status"]?.string == "retired" { return urlFlaws(resource) }
    let flaws = urlFlaws(resource) + typeFlaws(resource) + baseFlaws(resource) + codeFlaws(resource)
    guard flaws.isEmpty else { return flaws }
    guard let expression = resource["expression"]?.string, !expression.isEmpty else {
      return [reason("A search parameter without an expression is not supported.", "required", "expression")]
    }
    guard expression.utf8.count <= limits.fhirPathBytesMax else {
      return [
        reason("The expression is longer than \(limits.fhirPathBytesMax) bytes.", "too-costly", "expression")
      ]
    }
    guard let definition = SearchParameterDefinition(resource, schema) else {
      return [reason("The search parameter definition contains one or more invalid entries.", "invalid", nil)]
    }
    return definition.type == .composite
      ? compositeFlaws(definition) : expressionFlaws(expression, definition.type, definition)
  }

  private func reason(_ text: String, _ code: String, _ element: String?) -> Fault.Reason {
    Fault.Reason(text, code: code, at: element.map { "SearchParameter.\($0)" } ?? "SearchParameter")
  }

  // MARK: Members

  private func urlFlaws(_ resource: JSONValue) -> [Fault.Reason] {
    guard let url = resource["url"]?.string, !url.isEmpty else {
      return [reason("A search parameter needs a url.", "required", "url")]
    }
    guard url.unicodeScalars.count <= Self.urlCharactersMax else {
      return [
        reason("The url exceeds the maximum length limit of \(Self.urlCharactersMax).", "too-long", "url")
      ]
    }
    return []
  }

  private func typeFlaws(_ resource: JSONValue) -> [Fault.Reason] {
    guard let type = resource["type"]?.string else {
      return [reason("SearchParameter.type: an element with minimum cardinality 1 cannot be null.", "required", "type")]
    }
    guard let kind = SearchParameterDefinition.Kind(rawValue: type) else {
      let text = "Literal '\(SearchText.excerpt(type[...]))' is not a valid value for enumeration 'SearchParamType'"
      return [reason(text, "value", "type")]
    }
    if kind == .special {
      return [reason("Search parameters of type 'special' are not supported.", "not-supported", "type")]
    }
    return []
  }

  private func baseFlaws(_ resource: JSONValue) -> [Fault.Reason] {
    guard let bases = resource["base"]?.elements, !bases.isEmpty else {
      return [reason("SearchParameter.base is missing: its minimum cardinality is 1.", "required", "base")]
    }
    for base in bases {
      let name = base.string ?? ""
      if let type = schema.type(name), schema.kind(type) == .resource { continue }
      let text = "Literal '\(SearchText.excerpt(name[...]))' is not a valid value for enumeration 'ResourceType'"
      return [reason(text, "value", "base")]
    }
    return []
  }

  private func codeFlaws(_ resource: JSONValue) -> [Fault.Reason] {
    guard let code = resource["code"]?.string else {
      return [reason("SearchParameter.code: an element with minimum cardinality 1 cannot be null.", "required", "code")]
    }
    // Colons, dots and the like are the grammar of a search's parameters (FHIR R4 search#modifiers, #chaining).
    let isName = code.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
        true
      default: false
      }
    }
    guard isName, (1...64).contains(code.utf8.count) else {
      return [
        reason("The code must be 1 to 64 letters, digits, hyphens and underscores.", "value", "code")
      ]
    }
    if Self.reserved.contains(code) || SearchParameters.queryOnly.contains(code) {
      return [reason("The code '\(code)' has a meaning of its own in every search.", "business-rule", "code")]
    }
    return []
  }

  /// Parameters of an answer (FHIR R4 search#return).
  private static let reserved: Set<String> = [
    "_sort", "_count", "_include", "_revinclude", "_summary", "_total", "_elements", "_contained", "_containedType",
    "_score", "_format", "_pretty", "_not-referenced", "_includesCount", "_explain", "_type", "ct", "includesCt",
  ]

  // MARK: Expressions

  private func expressionFlaws(
    _ expression: String, _ kind: SearchParameterDefinition.Kind, _ definition: SearchParameterDefinition
  ) -> [Fault.Reason] {
    for type in definition.resourceTypes(schema) {
      let branches = IndexPlan.branches(of: expression, for: schema.name(type))
      do throws(FHIRPathError) {
        guard let found = try types(branches.joined(separator: " | "), from: type) else { continue }
        if found.contains(where: { holds(kind, $0) }) { continue }
        let names = found.map { schema.name($0) }.sorted().joined(separator: ", ")
        let text =
          "A search parameter of type '\(kind.rawValue)' is not supported for the expression, which leads to "
          + "\(names.isEmpty ? "nothing" : "type \(names)") in type '\(schema.name(type))'."
        return [reason(text, "not-supported", "expression")]
      } catch {
        return [flaw(error, in: branches, of: type)]
      }
    }
    return []
  }

  private func types(_ expression: String, from type: Schema.TypeID) throws(FHIRPathError) -> Set<Schema.TypeID>? {
    try FHIRPathProgram(expression, schema: schema, context: type).resultTypes(from: type)
  }

  /// A flaw with the branch that has it.
  private func flaw(_ error: FHIRPathError, in branches: [String], of type: Schema.TypeID) -> Fault.Reason {
    let name = schema.name(type)
    let failing = branches.first { branch in
      (try? types(branch, from: type)) == nil && (try? FHIRPathProgram(branch, schema: schema, context: type)) != nil
    }
    guard error.code == .semantic, let failing else {
      let text = "The search parameter definition contains one or more invalid entries. The expression cannot be read: "
      return reason(text + error.message, "invalid", "expression")
    }
    return reason(
      "Can't find '\(SearchText.excerpt(failing[...]))' in type '\(name)': \(error.message).", "invalid", "expression")
  }

  /// Whether values of a type can be indexed for a kind of parameter (FHIR R4 search, the tables of each kind).
  private func holds(_ kind: SearchParameterDefinition.Kind, _ type: Schema.TypeID) -> Bool {
    guard let shape = shapes[Int(type.rawValue)] else { return schema.isAbstract(type) }
    switch (kind, shape) {
    case (.token, .boolean), (.token, .code), (.token, .string), (.token, .uri), (.token, .canonical),
      (.token, .integer), (.token, .decimal), (.token, .coding), (.token, .codeableConcept), (.token, .identifier),
      (.token, .codeableReference), (.token, .contactPoint), (.token, .quantity):
      return true
    case (.string, .string), (.string, .code), (.string, .uri), (.string, .canonical), (.string, .humanName),
      (.string, .address), (.string, .codeableConcept), (.string, .codeableReference), (.string, .identifier):
      return true
    case (.reference, .reference), (.reference, .codeableReference), (.reference, .canonical), (.reference, .uri):
      return true
    case (.date, .date), (.date, .period), (.date, .timing): return true
    case (.number, .integer), (.number, .decimal), (.number, .range), (.number, .quantity): return true
    case (.quantity, .quantity), (.quantity, .money), (.quantity, .range), (.quantity, .sampledData): return true
    case (.uri, .uri), (.uri, .canonical), (.uri, .string), (.uri, .code): return true
    default: return false
    }
  }

  // MARK: Composites

  private func compositeFlaws(_ definition: SearchParameterDefinition) -> [Fault.Reason] {
    guard (2...3).contains(definition.components.count) else {
      return [reason("A composite search parameter needs two or three components.", "invalid", "component")]
    }
    for type in definition.resourceTypes(schema) {
      let branches = IndexPlan.branches(of: definition.expression ?? "", for: schema.name(type))
      do throws(FHIRPathError) {
        for element in try types(branches.joined(separator: " | "), from: type) ?? [] {
          for component in definition.components { _ = try types(component.expression, from: element) }
        }
      } catch {
        return [flaw(error, in: branches, of: type)]
      }
    }
    return []
  }

  /// Why a composite cannot be made of these components; empty if it can.
  /// - Parameter parts: the definitions that its components name, nil for those that there are not.
  public static func flaws(
    ofComponents parts: [SearchParameterDefinition?], _ definition: SearchParameterDefinition
  ) -> [Fault.Reason] {
    let place = "SearchParameter.component"
    for (part, component) in zip(parts, definition.components) {
      guard let part else {
        let url = SearchText.excerpt(component.definition[...])
        return [
          Fault.Reason("There is no search parameter '\(url)' for the component.", code: "not-found", at: place)
        ]
      }
      if part.type == .composite || part.type == .special {
        return [
          Fault.Reason(
            "A component of type '\(part.type.rawValue)' is not supported.", code: "not-supported", at: place)
        ]
      }
    }
    let kinds = parts.compactMap { $0?.type }
    let first: [SearchParameterDefinition.Kind] = [.token, .reference, .uri]
    guard let leading = kinds.first, first.contains(leading) else {
      let text = "A composite search parameter whose first component is no token, reference or uri is not supported."
      return [Fault.Reason(text, code: "not-supported", at: place)]
    }
    if kinds.count == 3, kinds[2] != .number, kinds[2] != .date {
      let text = "A composite search parameter whose third component is no number or date is not supported."
      return [Fault.Reason(text, code: "not-supported", at: place)]
    }
    return []
  }
}
