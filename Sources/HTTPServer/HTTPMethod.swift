/// A request method (RFC 9110 §9). Names are case-sensitive.
public enum HTTPMethod: Sendable, Hashable {
  case get, head, post, put, patch, delete, options
  /// Any other token, as received.
  case other(String)

  /// The method as it stands in a request line.
  public var name: String {
    switch self {
    case .get: "GET"
    case .head: "HEAD"
    case .post: "POST"
    case .put: "PUT"
    case .patch: "PATCH"
    case .delete: "DELETE"
    case .options: "OPTIONS"
    case .other(let name): name
    }
  }

  init(name: UnsafeRawBufferPointer) {
    switch name.count {
    case 3 where name.elementsEqual("GET".utf8): self = .get
    case 3 where name.elementsEqual("PUT".utf8): self = .put
    case 4 where name.elementsEqual("POST".utf8): self = .post
    case 4 where name.elementsEqual("HEAD".utf8): self = .head
    case 5 where name.elementsEqual("PATCH".utf8): self = .patch
    case 6 where name.elementsEqual("DELETE".utf8): self = .delete
    case 7 where name.elementsEqual("OPTIONS".utf8): self = .options
    default: self = .other(String(decoding: name, as: UTF8.self))
    }
  }
}
