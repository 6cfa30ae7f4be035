import Base
import FHIRModel
import FHIRSearch
import JSONCore

extension FHIRService {
  /// An operation's parameters in the form of a query: those of the address, then those of a Parameters body, each
  /// primitive or code as the text it has in an address (FHIR R4 operations.html#request).
  func query(_ operation: Operation, _ call: Call) throws(Fault) -> QueryString {
    var found = operation.query.parameters
    for parameter in try parameters(call)?["parameter"]?.elements ?? [] {
      guard let name = parameter["name"]?.string else { continue }
      guard let value = Self.text(of: parameter) else {
        throw Fault(.invalid, "The parameter '\(name)' has no value of a type that it can have.", code: "value")
      }
      found.append(
        QueryString.Parameter(raw: "\(name)=\(QueryString.encode(value))", name: name, value: value))
    }
    return QueryString(found)
  }

  /// The body as a sound Parameters resource; nil without a body.
  func parameters(_ call: Call) throws(Fault) -> JSONValue? {
    guard let resource = call.resource else { return nil }
    let value = JSONValue(resource.document, resource.node)
    guard value["resourceType"]?.string == "Parameters", let type = schema.resourceType("Parameters") else {
      throw Fault(.invalid, "The body of this operation must be a Parameters resource.", code: "structure")
    }
    try checkStructure(resource, expecting: type)
    return value
  }

  private static func text(of parameter: JSONValue) -> String? {
    guard let value = parameter.members.first(where: { $0.name.hasPrefix("value") })?.value else { return nil }
    switch value.kind {
    case .string: return value.string
    case .number, .true, .false: return String(decoding: value.json, as: UTF8.self)
    case .object:
      if let codings = value["coding"] { return codings.elements.compactMap { token($0) }.joined(separator: ",") }
      return value["reference"]?.string ?? token(value)
    default: return nil
    }
  }

  private static func token(_ coding: JSONValue) -> String? {
    guard let code = coding["code"]?.string else { return nil }
    return coding["system"]?.string.map { "\($0)|\(code)" } ?? code
  }
}

/// Tells parameters that an operation has from others.
struct OperationQuery: Sendable {
  private(set) var understood: [QueryString.Parameter] = []
  private(set) var warnings: [Fault.Reason] = []

  /// Parameters that say how to answer, whatever the operation.
  private static let answerOnly: Set<String> = ["_format", "_pretty"]

  /// - Throws: `.invalid` for an unknown parameter where handling is strict (FHIR R4 search#errors).
  init(_ query: QueryString, known: Set<String>, isStrict: Bool) throws(Fault) {
    for parameter in query.parameters where parameter.name != "ct" {
      if known.contains(parameter.name) || Self.answerOnly.contains(parameter.name) {
        understood.append(parameter)
        continue
      }
      let text = "The \"\(parameter.name)\" parameter is not supported."
      if isStrict { throw Fault(.invalid, text, code: "not-supported") }
      warnings.append(Fault.Reason(text, code: "not-supported", severity: .warning))
    }
  }

  /// What is said under a name; nil for nothing.
  /// - Throws: `.invalid` where it is said more than once.
  func single(_ name: String) throws(Fault) -> String? {
    let found = understood.filter { $0.name == name && !$0.value.isEmpty }
    guard found.count <= 1 else {
      throw Fault(.invalid, "The parameter '\(name)' is given more than once.", code: "invalid")
    }
    return found.first?.value
  }

  func all(_ name: String) -> [String] { understood.filter { $0.name == name }.map(\.value) }

  /// A date or time, as a search has it.
  func date(_ name: String) throws(Fault) -> FHIRDateTime? {
    guard let text = try single(name) else { return nil }
    guard let date = FHIRDateTime(text, as: .search) else {
      throw Fault(.invalid, "The '\(name)' parameter value '\(text)' is not a date or time.", code: "value")
    }
    return date
  }

  /// `_count` within the limit; nil where none is asked for.
  func count(max: Int) throws(Fault) -> Int? {
    guard let text = try single("_count") else { return nil }
    guard let count = Int(text), count > 0 else {
      throw Fault(.invalid, "The '_count' parameter value '\(text)' is invalid; a number above 0 was expected.")
    }
    return min(count, max)
  }

  /// The query of links.
  var link: String { understood.map(\.raw).joined(separator: "&") }
}
