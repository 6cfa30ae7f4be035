public import Base
public import JSONCore

/// A JSON Patch (RFC 6902), read once; a plain value that knows no store.
public struct JSONPatch: Sendable {
  enum Kind: String, Sendable, CaseIterable {
    case add, remove, replace, move, copy, test
  }

  struct Operation: Sendable {
    let kind: Kind
    let path: JSONPointer
    /// For move and copy.
    let from: JSONPointer?
    /// For add, replace and test: in the patch's document.
    let value: JSONNode?
    /// "replace /gender", for messages.
    let shown: String
  }

  let document: JSONDocument
  let operations: [Operation]
  let limits: PatchLimits

  /// Reads a patch document: an array of operations.
  ///
  /// - Throws: a fault of category `invalid` that names the operation; `unprocessable` past `operationsMax`.
  public init(parsing document: JSONDocument, limits: PatchLimits = PatchLimits()) throws(Fault) {
    guard document.kind(document.root) == .array else {
      throw Fault(.invalid, "A JSON Patch must be an array of operations (RFC 6902).", code: "invalid")
    }
    guard document.count(document.root) <= limits.operationsMax else {
      throw Fault(.unprocessable, "A patch may have \(limits.operationsMax) operations at most.", code: "too-costly")
    }
    var operations: [Operation] = []
    operations.reserveCapacity(document.count(document.root))
    for (index, node) in document.elements(document.root).enumerated() {
      let reader = Reader(document: document, node: node, index: index, limits: limits)
      operations.append(try reader.operation())
    }
    self.document = document
    self.operations = operations
    self.limits = limits
  }

  /// One operation's object.
  private struct Reader {
    let document: JSONDocument
    let node: JSONNode
    let index: Int
    let limits: PatchLimits

    func operation() throws(Fault) -> Operation {
      guard document.kind(node) == .object else { throw fault("must be an object") }
      guard let name = text("op") else { throw fault("must have the member 'op'") }
      guard let kind = Kind(rawValue: String(decoding: name, as: UTF8.self)) else {
        let kinds = Kind.allCases.map(\.rawValue).joined(separator: ", ")
        throw fault("has the unknown op '\(shown(name))'; there are \(kinds)")
      }
      let path = try pointer("path", of: kind)
      let from = kind == .move || kind == .copy ? try pointer("from", of: kind) : nil
      let needsValue = kind == .add || kind == .replace || kind == .test
      let value = needsValue ? document.member(node, "value") : nil
      if needsValue, value == nil { throw fault("(\(kind.rawValue)) must have the member 'value'") }
      if kind == .move, let from, from.contains(path) {
        // RFC 6902 §4.4: the "from" location must not be a proper prefix of the "path" location.
        throw fault("(move) cannot move a value into itself")
      }
      return Operation(
        kind: kind, path: path, from: from, value: value, shown: "\(kind.rawValue) \(shown(text("path") ?? []))")
    }

    private func text(_ key: JSONKey) -> [UInt8]? {
      guard let value = document.member(node, key), document.kind(value) == .string else { return nil }
      return document.decoded(value)
    }

    private func pointer(_ key: JSONKey, of kind: Kind) throws(Fault) -> JSONPointer {
      guard let text = text(key) else { throw fault("(\(kind.rawValue)) must have the member '\(key.name)'") }
      guard text.count <= limits.pathBytesMax else {
        throw fault("has a '\(key.name)' of more than \(limits.pathBytesMax) bytes")
      }
      guard let pointer = JSONPointer(text) else {
        throw fault(
          "has the \(key.name) '\(shown(text))', which is no JSON Pointer (RFC 6901), such as '/name/0/family'")
      }
      guard pointer.tokens.count <= limits.jsonDepthMax else {
        throw fault("has a '\(key.name)' of more than \(limits.jsonDepthMax) steps")
      }
      return pointer
    }

    private func fault(_ what: String) -> Fault {
      Fault(.invalid, "Operation \(index) of the JSON Patch \(what).", code: "invalid")
    }

    private func shown(_ text: [UInt8]) -> String {
      let cut = text.prefix(200)
      return String(decoding: cut, as: UTF8.self) + (cut.count < text.count ? "…" : "")
    }
  }
}
