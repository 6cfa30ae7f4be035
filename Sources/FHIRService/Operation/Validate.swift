import Base
import FHIRModel
import FHIRSearch
import FHIRStore
import JSONCore

/// What `$validate` is asked.
private struct ValidateRequest {
  /// FHIR R4 http://hl7.org/fhir/resource-validation-mode, as far as the operation's text has it.
  enum Mode: String { case create, update, delete }

  var resource: JSONValue?
  var mode: Mode?
  var profile: String?
}

extension FHIRService {
  /// `$validate` (FHIR R4 resource-operation-validate.html): whether a resource is sound, and would be accepted.
  ///
  /// The answer is 200 with an outcome, whatever is found; other statuses mean that nothing could be validated.
  /// - Parameter current: looks up the resource that the operation is called on.
  func validate(
    _ operation: Operation, _ call: Call, current: (Schema.TypeID, String) throws -> StoredVersion?
  ) throws -> Answer {
    guard let type = operation.target.type else { throw Fault(.unsupported, "$validate is called on a type.") }
    let request = try validateRequest(operation, call)
    var id: String?
    if case .instance(_, let given) = operation.target { id = given }
    if id == nil, request.mode == .update || request.mode == .delete {
      throw Fault(
        .invalid, "The mode '\(request.mode?.rawValue ?? "")' needs a resource: POST [type]/[id]/$validate.",
        code: "invalid")
    }
    if let id, request.mode == .delete {
      guard try current(type, id) != nil else { throw notFound(type, id) }
      return outcome([])
    }
    var issues: [Fault.Reason]
    if let resource = request.resource {
      issues = try self.issues(of: resource.json, type, request)
      if request.mode == .update, let id, resource["id"]?.string != id {
        issues.append(
          Fault.Reason(
            "The id in the URL and the id in the resource differ; they must be the same.", code: "invalid",
            at: "\(schema.name(type)).id"))
      }
    } else {
      guard let id, call.resource == nil else {
        throw Fault(.invalid, "The request needs a resource to validate.", code: "required")
      }
      guard let found = try current(type, id) else { throw notFound(type, id) }
      guard let json = found.json else { throw gone(type, id) }
      issues = try self.issues(of: json, type, request)
    }
    return outcome(issues)
  }

  private func outcome(_ issues: [Fault.Reason]) -> Answer {
    let fine = Fault.Reason("All OK", code: "informational", severity: .information)
    return Answer(200, resource: OperationOutcome.json(issues.isEmpty ? [fine] : issues, id: newID(), code: "invalid"))
  }

  // MARK: The request

  /// The resource is the body, or a parameter of the body; `mode` and `profile` are parameters of either.
  private func validateRequest(_ operation: Operation, _ call: Call) throws(Fault) -> ValidateRequest {
    var request = ValidateRequest()
    for parameter in operation.query.parameters { try request.set(parameter.name, parameter.value) }
    guard let body = call.resource.map({ JSONValue($0.document, $0.node) }) else { return request }
    let parameters = body["parameter"]?.elements ?? []
    let isParameters = body["resourceType"]?.string == "Parameters"
    let inner = parameters.first { $0["name"]?.string == "resource" }?["resource"]
    // Parameters may be what is to be validated.
    let isItself = operation.target.type.map { schema.name($0) } == "Parameters" && inner == nil
    guard isParameters, !isItself else {
      request.resource = body
      return request
    }
    for parameter in parameters {
      guard let name = parameter["name"]?.string, name != "resource" else { continue }
      let value = parameter.members.first { $0.name.hasPrefix("value") }?.value.string
      try request.set(name, value ?? "")
    }
    request.resource = inner
    return request
  }

  // MARK: Checks

  private func issues(of json: [UInt8], _ type: Schema.TypeID, _ request: ValidateRequest) throws -> [Fault.Reason] {
    let document = try JSONDocument(json, limits: jsonLimits)
    guard let name = document.value["resourceType"]?.string else {
      return [Fault.Reason("The body is no resource: it has no 'resourceType'.", code: "structure")]
    }
    guard schema.resourceType(name) == type else {
      return [
        Fault.Reason(
          "Resource type in the URL must match resourceType in the resource.", code: "invalid", at: "TypeName")
      ]
    }
    let structure = check.issues(of: document, expecting: type)
    // Rules mean something on a sound structure only.
    let broken = structure.isEmpty ? try invariants.issues(of: document, type: type, clock: clock) : []
    return structure + broken + profileIssues(document.value, type, request.profile)
  }

  /// Profiles beyond the standard's own types are not checked, and the outcome says so: an error for the one that was
  /// asked for ("if the server cannot validate against the nominated profile, it SHALL return an error",
  /// resource-operation-validate.html), a warning for those that the resource claims.
  private func profileIssues(_ resource: JSONValue, _ type: Schema.TypeID, _ nominated: String?) -> [Fault.Reason] {
    var issues: [Fault.Reason] = []
    if let nominated, !isBase(nominated, of: type) {
      issues.append(
        Fault.Reason(
          "The resource was not validated against the profile '\(nominated)': the server does not know it.",
          code: "not-supported", severity: .error))
    }
    for (index, profile) in (resource["meta"]?["profile"]?.elements ?? []).enumerated() {
      guard let url = profile.string, url != nominated, !isBase(url, of: type) else { continue }
      issues.append(
        Fault.Reason(
          "The resource was not validated against its profile '\(url)': the server does not know it.",
          code: "not-supported", severity: .warning, at: "\(schema.name(type)).meta.profile[\(index)]"))
    }
    return issues
  }

  /// Whether a profile is the definition of the type itself, or of a type that it is a kind of.
  private func isBase(_ url: String, of type: Schema.TypeID) -> Bool {
    var current: Schema.TypeID? = type
    while let here = current {
      let own = "http://hl7.org/fhir/StructureDefinition/\(schema.name(here))"
      if url == own || url == "\(own)|\(schema.fhirVersion)" { return true }
      current = schema.base(here)
    }
    return false
  }
}

extension ValidateRequest {
  fileprivate mutating func set(_ name: String, _ value: String) throws(Fault) {
    switch name {
    case "profile":
      guard profile == nil else {
        throw Fault(.invalid, "The parameter 'profile' is given more than once.", code: "invalid")
      }
      guard Self.isAbsolute(value) else {
        throw Fault(.invalid, "The profile '\(value)' is no URL.", code: "value")
      }
      profile = value
    case "mode":
      guard mode == nil else { throw Fault(.invalid, "The parameter 'mode' is given more than once.") }
      guard let known = Mode(rawValue: value) else {
        throw Fault(.invalid, "The mode '\(value)' is none of create, update, delete.", code: "value")
      }
      mode = known
    default: return
    }
  }

  /// RFC 3986 §3.1: a scheme, a colon, and something behind it.
  private static func isAbsolute(_ text: String) -> Bool {
    guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), PrimitiveCheck.isValid(text, as: .uri) else {
      return false
    }
    let scheme = text[..<colon]
    guard let first = scheme.first, first.isASCII, first.isLetter, text.utf8.index(after: colon) < text.endIndex else {
      return false
    }
    return scheme.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }
  }
}
