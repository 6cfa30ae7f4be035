public import Base
public import FHIRModel
internal import FHIRPath
public import JSONCore

/// A FHIRPath Patch (FHIR R4 fhirpatch.html), read once; a plain value that knows no store.
///
/// Beside the standard's operations there is `upsert` of Azure's service: it adds the named element, or replaces it
/// where it is. The texts of its faults are those that clients of that service compare.
public struct FHIRPathPatch: Sendable {
  enum Kind: String, Sendable {
    case add, insert, delete, replace, move, upsert
  }

  struct Operation: Sendable {
    let kind: Kind
    let path: String
    let program: FHIRPathProgram
    let name: String
    /// The parameter "value", in the patch's document.
    let value: JSONNode?
    let index: Int
    let source: Int
    let destination: Int
  }

  let document: JSONDocument
  let operations: [Operation]
  let schema: Schema
  let limits: PatchLimits

  /// Reads a `Parameters` resource with parameters named "operation".
  ///
  /// - Throws: a fault of category `invalid`; `unprocessable` past `operationsMax`.
  public init(
    parsing document: JSONDocument, schema: Schema, limits: PatchLimits = PatchLimits()
  ) throws(Fault) {
    guard let type = document.member(document.root, "resourceType"), document.stringEquals(type, "Parameters") else {
      throw Fault(.invalid, "A FHIRPath Patch must be a Parameters resource.", code: "invalid")
    }
    var operations: [Operation] = []
    if let parameters = document.member(document.root, "parameter") {
      guard document.kind(parameters) == .array else {
        throw Fault(.invalid, "Parameters.parameter must be an array.", code: "invalid")
      }
      let count = document.count(parameters)
      guard count <= limits.operationsMax else {
        throw Fault(.unprocessable, "A patch may have \(limits.operationsMax) operations at most.", code: "too-costly")
      }
      operations.reserveCapacity(count)
      var pathLimits = FHIRPathLimits()
      pathLimits.expressionBytesMax = limits.pathBytesMax
      pathLimits.stepsMax = max(limits.pathStepsMax / max(count, 1), limits.pathStepsMin)
      for parameter in document.elements(parameters) {
        let reader = OperationReader(document: document, parameter: parameter, schema: schema, pathLimits: pathLimits)
        operations.append(try reader.operation())
      }
    }
    self.document = document
    self.operations = operations
    self.schema = schema
    self.limits = limits
  }
}

/// One operation's parameter with its parts.
private struct OperationReader {
  let document: JSONDocument
  let parameter: JSONNode
  let schema: Schema
  let pathLimits: FHIRPathLimits

  func operation() throws(Fault) -> FHIRPathPatch.Operation {
    guard let name = document.member(parameter, "name"), document.stringEquals(name, "operation") else {
      throw fault("Each parameter of a FHIRPath Patch must be named 'operation'.")
    }
    let parts = try parts()
    guard let typeText = parts["type"].flatMap(text), !typeText.isEmpty else {
      throw fault("Patch operations must have the 'type' part.")
    }
    guard let kind = FHIRPathPatch.Kind(rawValue: typeText.lowercased()) else {
      throw fault(
        "Invalid patch operation type: '\(typeText.prefix(60))'. "
          + "Only 'add', 'insert', 'delete', 'replace', 'upsert', and 'move' are allowed.")
    }
    guard let path = parts["path"].flatMap(text), !path.isEmpty else { throw missing("path", kind) }
    let child = parts["name"].flatMap(text) ?? ""
    if child.isEmpty, kind == .add || kind == .upsert { throw missing("name", kind) }
    let value = parts["value"]
    if kind != .delete, kind != .move {
      guard let value, hasContent(value) else { throw missing("value", kind) }
    }
    return FHIRPathPatch.Operation(
      kind: kind, path: path, program: try program(path, kind), name: child, value: value,
      index: try number(parts, "index", kind, ifKind: .insert),
      source: try number(parts, "source", kind, ifKind: .move),
      destination: try number(parts, "destination", kind, ifKind: .move))
  }

  private func parts() throws(Fault) -> [String: JSONNode] {
    var parts: [String: JSONNode] = [:]
    guard let list = document.member(parameter, "part") else { return parts }
    for part in document.elements(list) {
      guard let name = document.member(part, "name").flatMap(document.string) else {
        throw fault("Each part of a patch operation must have a name.")
      }
      guard parts.updateValue(part, forKey: name) == nil else {
        throw fault("A patch operation has the part '\(name.prefix(60))' more than once.")
      }
    }
    return parts
  }

  /// The value of whatever type, where it is text.
  private func text(_ part: JSONNode) -> String? { valueMember(part).flatMap(document.string) }

  private func valueMember(_ part: JSONNode) -> JSONNode? {
    for (key, value) in document.members(part) where document.lexeme(key).starts(with: "value".utf8) { return value }
    return nil
  }

  private func hasContent(_ part: JSONNode) -> Bool {
    document.members(part).contains { !document.keyEquals($0.key, "name") }
  }

  private func number(
    _ parts: [String: JSONNode], _ name: String, _ kind: FHIRPathPatch.Kind, ifKind wanted: FHIRPathPatch.Kind
  ) throws(Fault) -> Int {
    guard kind == wanted else { return 0 }
    guard let value = parts[name].flatMap(valueMember),
      let number = document.integer(value) ?? document.string(value).flatMap({ Int($0) })
    else { throw missing(name, kind) }
    return number
  }

  private func program(_ path: String, _ kind: FHIRPathPatch.Kind) throws(Fault) -> FHIRPathProgram {
    do {
      return try FHIRPathProgram(path, schema: schema, limits: pathLimits)
    } catch {
      throw fault("Invalid path when processing patch \(kind.rawValue) operation: \(error.message).")
    }
  }

  private func missing(_ part: String, _ kind: FHIRPathPatch.Kind) -> Fault {
    fault("Patch \(kind.rawValue) operations must have the '\(part)' part.")
  }

  private func fault(_ text: String) -> Fault { Fault(.invalid, text, code: "invalid") }
}
