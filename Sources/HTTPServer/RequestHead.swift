/// Why the server refuses a request before any handler sees it: a status and a sentence for the client.
struct RequestError: Error, Equatable {
  var status: Int
  var diagnostics: String

  init(_ status: Int, _ diagnostics: String) {
    self.status = status
    self.diagnostics = diagnostics
  }
}

/// A request line and header fields, understood.
struct RequestHead {
  /// How the body is delimited (RFC 9112 §6.3).
  enum Framing: Equatable {
    case none
    case length(Int)
    case chunked
  }

  var method: HTTPMethod
  var target: String
  var authority: String?
  /// 0 or 1: the minor version of HTTP/1.x.
  var minorVersion: UInt8
  var headers: HTTPHeaders
  var framing: Framing
  var isKeepAlive: Bool
  var expectsContinue: Bool
  /// The bytes it took, from the first to the end of the empty line.
  var byteCount: Int
}
