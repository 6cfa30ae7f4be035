public import Base
public import FHIRModel

/// How a version came to be (Bundle.entry.request.method in a history).
public enum WriteMethod: Int64, Sendable {
  case post = 0
  case put = 1
  case patch = 2
  case delete = 3

  /// The HTTP method.
  public var name: String {
    switch self {
    case .post: "POST"
    case .put: "PUT"
    case .patch: "PATCH"
    case .delete: "DELETE"
    }
  }
}

/// One version of a resource as the store has it.
public struct StoredVersion: Sendable {
  /// The resource's key: ascending in order of creation, the same for all its versions.
  public let key: Int64
  public let type: Schema.TypeID
  public let typeName: String
  public let id: String
  public let version: Int64
  public let updated: Instant
  public let method: WriteMethod
  /// nil for a deletion.
  public let body: ResourceBody?

  public var isDeleted: Bool { method == .delete }

  /// The resource as it is sent; nil for a deletion.
  public var json: [UInt8]? {
    guard let body else { return nil }
    var bytes: [UInt8] = []
    body.append(to: &bytes, type: typeName, id: id, version: version, updated: updated)
    return bytes
  }
}
