internal import Base

/// Why an operation of a FHIRPath Patch cannot be carried out, in the words of Azure's service.
struct PatchFailure {
  let kind: FHIRPathPatch.Kind
  let path: String

  init(_ operation: FHIRPathPatch.Operation) {
    kind = operation.kind
    path = operation.path.utf8.count > 500 ? operation.path.prefix(500) + "…" : operation.path
  }

  /// `what` at the path, such as "No content found".
  func at(_ what: String) -> Fault {
    Fault(.invalid, "\(what) at \(path) when processing patch \(kind.rawValue) operation.", code: "invalid")
  }

  func unknown(_ name: some StringProtocol) -> Fault { at("Element \(name.prefix(60)) not found") }

  func badValue(_ name: some StringProtocol) -> Fault { at("Invalid input for \(name.prefix(60))") }

  func outOfBounds(_ part: String, _ number: Int) -> Fault {
    Fault(
      .invalid, "\(part) \(number) out of bounds when processing patch \(kind.rawValue) operation.", code: "invalid")
  }
}
