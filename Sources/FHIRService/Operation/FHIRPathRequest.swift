import Base
import FHIRModel
import FHIRPath
import FHIRSearch
import JSONCore

/// What `$fhirpath` is asked.
struct FHIRPathRequest: Sendable {
  var expression = ""
  /// Selects the items that the expression is evaluated on.
  var context: String?
  /// A document of its own, so that references within it resolve.
  var resource: FHIRPathNode?
  var variables: [String: [FHIRPathItem]] = [:]
  /// The parameters that gave the variables, for the answer.
  var variableParameters: [JSONValue] = []
}

extension FHIRService {
  /// Reads a request: the query's parameters and those of the body, which is a Parameters resource, or, with the
  /// expression in the query, the resource itself (FHIR R4 operations.html#request).
  ///
  /// Parameters with other names are passed over: clients of the Lab's API send such to every engine.
  func fhirPathRequest(_ query: QueryString, _ body: ResourceNode?) throws(Fault) -> FHIRPathRequest {
    var reader = FHIRPathRequestReader(schema: schema, check: check, limits: limits)
    if let body { try reader.read(body) }
    for parameter in query.parameters { try reader.read(parameter) }
    return try reader.finish()
  }
}

private struct FHIRPathRequestReader {
  /// The answer nests what the request sent so much deeper.
  static let answerDepth = 8
  static let jsonValueURL = "http://fhir.forms-lab.com/StructureDefinition/json-value"
  /// What an expression's own variables are called (R4 fhirpath#variables).
  static let reservedVariables: Set<String> = ["context", "resource", "rootResource", "ucum", "sct", "loinc"]

  let schema: Schema
  let check: StructureCheck
  let limits: Limits
  var request = FHIRPathRequest()
  var expression: String?

  init(schema: Schema, check: StructureCheck, limits: Limits) {
    self.schema = schema
    self.check = check
    self.limits = limits
  }

  func finish() throws(Fault) -> FHIRPathRequest {
    guard let expression else {
      throw Fault(.invalid, "The parameter 'expression' (a string) is needed.", code: "required")
    }
    var request = request
    request.expression = expression
    return request
  }

  // MARK: - Query

  mutating func read(_ parameter: QueryString.Parameter) throws(Fault) {
    guard ["expression", "context", "resource"].contains(parameter.name) else { return }
    // The answer repeats them as FHIR strings.
    guard PrimitiveCheck.isValid(parameter.value, as: .string) else {
      throw Fault(.invalid, "The parameter '\(parameter.name)' is empty or has control characters.", code: "value")
    }
    if parameter.name == "resource" {
      try setResource(try resource(json: parameter.value))
    } else {
      try set(parameter.name, parameter.value)
    }
  }

  // MARK: - Body

  mutating func read(_ body: ResourceNode) throws(Fault) {
    let value = JSONValue(body.document, body.node)
    guard value["resourceType"]?.string == "Parameters" else {
      return try setResource(try resource(value))
    }
    let issues = check.issues(of: body.document, node: body.node)
    guard issues.isEmpty else { throw Fault(.invalid, issues) }
    for parameter in value["parameter"]?.elements ?? [] { try read(parameter) }
  }

  private mutating func read(_ parameter: JSONValue) throws(Fault) {
    guard let name = parameter["name"]?.string else { return }
    switch name {
    case "expression", "context":
      guard let text = parameter["valueString"]?.string else {
        throw Fault(.invalid, "The parameter '\(name)' must have a valueString.", code: "value")
      }
      try set(name, text)
    case "resource": try setResource(try resource(of: parameter))
    case "variables":
      for part in parameter["part"]?.elements ?? [] { try readVariable(part) }
      request.variableParameters.append(parameter)
    default: return
    }
  }

  private mutating func set(_ name: String, _ text: String) throws(Fault) {
    guard (name == "expression" ? expression : request.context) == nil else { throw repeated(name) }
    if name == "expression" { expression = text } else { request.context = text }
  }

  private mutating func setResource(_ resource: FHIRPathNode) throws(Fault) {
    guard request.resource == nil else { throw repeated("resource") }
    request.resource = resource
  }

  private func repeated(_ name: String) -> Fault {
    Fault(.invalid, "The parameter '\(name)' is given more than once.", code: "invalid")
  }

  // MARK: - Resources

  /// A resource as such, or as JSON in a string or in the Lab's extension.
  private func resource(of parameter: JSONValue) throws(Fault) -> FHIRPathNode {
    if let value = parameter["resource"] { return try resource(value) }
    if let text = parameter["valueString"]?.string ?? jsonExtension(parameter) { return try resource(json: text) }
    throw Fault(
      .invalid, "The parameter 'resource' must have a resource, or a valueString with a resource in JSON.",
      code: "value")
  }

  private func jsonExtension(_ parameter: JSONValue) -> String? {
    let found = parameter["extension"]?.elements.first { $0["url"]?.string == Self.jsonValueURL }
    return found?["valueString"]?.string
  }

  private func resource(_ value: JSONValue) throws(Fault) -> FHIRPathNode { try resource(json: value.json) }

  private func resource(json text: String) throws(Fault) -> FHIRPathNode { try resource(json: Array(text.utf8)) }

  private func resource(json bytes: [UInt8]) throws(Fault) -> FHIRPathNode {
    var jsonLimits = JSONLimits()
    jsonLimits.depthMax = max(1, limits.jsonDepthMax - Self.answerDepth)
    jsonLimits.nodesMax = limits.jsonNodesMax
    let document: JSONDocument
    do {
      document = try JSONDocument(bytes, limits: jsonLimits)
    } catch {
      throw Fault(.invalid, "The resource is no JSON that can be read: \(error.message)", code: "structure")
    }
    let issues = check.issues(of: document)
    guard issues.isEmpty else { throw Fault(.invalid, issues) }
    guard let name = document.member(document.root, "resourceType"),
      let type = document.string(name).flatMap({ schema.resourceType($0) })
    else { throw Fault(.invalid, "The resource has no type.", code: "structure") }
    return FHIRPathNode(document: document, value: document.root, type: type)
  }

  // MARK: - Variables

  /// A part's name is the variable's, its value or resource is an item; parts with the same name make a collection, and
  /// one without a value an empty one.
  private mutating func readVariable(_ part: JSONValue) throws(Fault) {
    guard let name = part["name"]?.string else { return }
    guard !Self.reservedVariables.contains(name) else {
      throw Fault(.invalid, "The variable '\(name)' has the name of one that FHIRPath defines.", code: "value")
    }
    guard part["part"] == nil else {
      throw Fault(.invalid, "The variable '\(name)' must have a value or a resource, no parts.", code: "value")
    }
    request.variables[name, default: []] += try items(of: part)
  }

  private func items(of part: JSONValue) throws(Fault) -> [FHIRPathItem] {
    if let value = part["resource"] { return [.node(try resource(value))] }
    if let text = jsonExtension(part) { return [.node(try resource(json: text))] }
    guard let parameter = schema.type("Parameters.parameter"), let value = schema.element(parameter, name: "value")
    else { return [] }
    for type in schema[value].types {
      let key = type.key.string
      let node = part[JSONKey(key)]?.node
      let sibling = schema.primitive(type.type) == nil ? nil : part[JSONKey("_" + key)]?.node
      guard node != nil || sibling != nil else { continue }
      return [.node(FHIRPathNode(document: part.document, value: node, sibling: sibling, type: type.type))]
    }
    return []
  }
}
