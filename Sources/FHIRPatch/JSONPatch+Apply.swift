public import Base
public import FHIRModel
public import JSONCore

extension JSONPatch {
  /// The patched resource as compact JSON. Members keep their order, and what the patch does not touch its bytes.
  ///
  /// The resource should be as it is read, with `meta.versionId` and `meta.lastUpdated`. Immutable elements are
  /// refused; arrays that become empty go. The caller checks the result's structure: choices, codes and lexical forms
  /// are not looked at here.
  ///
  /// - Parameter schema: the release of FHIR the resource follows. Without one the patch is applied to any JSON value
  ///   exactly as RFC 6902 says, and nothing of FHIR is heeded.
  /// - Throws: `invalid` for an operation that cannot be carried out, a failed test among them; `tooLarge` for one that
  ///   makes too much of the document.
  public func apply(to document: JSONDocument, schema: Schema? = nil) throws(Fault) -> [UInt8] {
    var application = Application(
      patch: self, schema: schema, target: try PatchedDocument(document, limits: limits))
    for operation in operations { try application.perform(operation) }
    guard schema != nil else { return Array(application.target.document.text) }
    try ImmutableElements.check(document, application.target.document)
    let removes = operations.contains { $0.kind == .remove || $0.kind == .move }
    let empty = EmptyElements(document: application.target.document, includingObjects: removes)
    return empty.removed() ?? Array(application.target.document.text)
  }

  /// One run over one document.
  private struct Application {
    let patch: JSONPatch
    let schema: Schema?
    var target: PatchedDocument

    var document: JSONDocument { target.document }

    mutating func perform(_ operation: Operation) throws(Fault) {
      if schema != nil, operation.path.tokens.isEmpty {
        throw fault(operation, "the path is empty; the resource as a whole is replaced by an update")
      }
      switch (operation.kind, operation.value, operation.from) {
      case (.add, let value?, _):
        try add(patch.document.json(value), operation)
      case (.replace, let value?, _):
        let node = try existing(operation.path, operation)
        try target.replace(node, with: coerced(patch.document.json(value), operation))
      case (.test, let value?, _):
        let node = try existing(operation.path, operation)
        guard JSONEquality(a: document, b: patch.document).areEqual(node, value) else {
          throw fault(operation, "the value is another one")
        }
      case (.copy, _, let from?):
        try add(document.json(try existing(from, operation, "from")), operation)
      case (.move, _, let from?):
        let node = try existing(from, operation, "from")
        if from == operation.path { return }
        let value = document.json(node)
        try remove(from, operation)
        try add(value, operation)
      default:
        try remove(operation.path, operation)
      }
    }

    private func fault(_ operation: Operation, _ what: String) -> Fault {
      Fault(.invalid, "The JSON Patch operation '\(operation.shown)' failed: \(what).", code: "processing")
    }

    private func existing(
      _ pointer: JSONPointer, _ operation: Operation, _ name: String = "path"
    ) throws(Fault) -> JSONNode {
      guard let node = document.value(at: pointer.tokens[...]) else {
        throw fault(operation, "there is nothing at its '\(name)'")
      }
      return node
    }

    /// RFC 6902 §4.1.
    private mutating func add(_ value: [UInt8], _ operation: Operation) throws(Fault) {
      guard let last = operation.path.tokens.last else { return try target.replace(document.root, with: value) }
      guard let parent = document.value(at: operation.path.tokens.dropLast()) else {
        throw fault(operation, "there is no object or array to add to")
      }
      switch document.kind(parent) {
      case .object:
        let shaped = shaped(coerced(value, operation), parent, last, operation)
        try target.replace(parent, with: document.rewritten(parent, [MemberChange(last, to: shaped)]))
      case .array:
        let count = document.count(parent)
        let index = last == [UInt8(ascii: "-")] ? count : JSONPointer.index(last)
        guard let index else { throw fault(operation, "an array's place is a number or '-'") }
        guard index <= count else { throw fault(operation, "the array has \(count) elements only") }
        let value = coerced(value, operation)
        try target.replace(parent, with: document.inserting(value, at: index, in: parent))
      default: throw fault(operation, "there is no object or array to add to")
      }
    }

    /// RFC 6902 §4.2.
    private mutating func remove(_ pointer: JSONPointer, _ operation: Operation) throws(Fault) {
      let node = try existing(pointer, operation, pointer == operation.path ? "path" : "from")
      guard let last = pointer.tokens.last, let parent = document.value(at: pointer.tokens.dropLast()), parent != node
      else { throw fault(operation, "the document as a whole cannot be removed") }
      if document.kind(parent) == .object {
        try target.replace(parent, with: document.rewritten(parent, [MemberChange(last, to: nil)]))
      } else if let index = JSONPointer.index(last) {
        try target.replace(parent, with: document.removing(index, from: parent))
      }
    }

    // MARK: - FHIR

    /// Where an element is boolean, the strings "true" and "false" are taken for what they say, as Azure's service
    /// does.
    private func coerced(_ value: [UInt8], _ operation: Operation) -> [UInt8] {
      guard value.elementsEqual("\"true\"".utf8) || value.elementsEqual("\"false\"".utf8),
        let schema, let found = element(operation.path, schema), schema.primitive(found.type) == .boolean
      else { return value }
      return Array(value.dropFirst().dropLast())
    }

    /// A single value added where an element that may repeat is missing becomes its first, as in Azure's service.
    private func shaped(_ value: [UInt8], _ object: JSONNode, _ name: [UInt8], _ operation: Operation) -> [UInt8] {
      guard let schema, value.first != UInt8(ascii: "["), document.member(object, JSONKey(utf8: name)) == nil,
        let found = element(operation.path, schema), schema[found.element].isArray
      else { return value }
      return arrayText([value])
    }

    private func element(
      _ pointer: JSONPointer, _ schema: Schema
    ) -> (element: Schema.ElementID, type: Schema.TypeID)? {
      var node: JSONNode? = document.root
      var type = schema.resourceType(of: document.root, in: document)
      var found: (element: Schema.ElementID, type: Schema.TypeID)?
      for token in pointer.tokens {
        guard let current = node, let owner = type else { return nil }
        if document.kind(current) == .object {
          let actual = schema.concreteType(owner, of: current, in: document)
          found = token.withUnsafeBufferPointer { schema.element(actual, key: $0) }
          type = found?.type
        }
        node = document.step(from: current, token)
      }
      return found
    }
  }
}
