/// One request: wholly received, or with a body that is still coming.
public struct HTTPRequest: Sendable {
  public var method: HTTPMethod
  /// Path and query as received, still percent-encoded: always begins with `/`, or is `*` (RFC 9112 §3.2).
  public var target: String
  public var headers: HTTPHeaders
  public var body: HTTPBody
  /// A streamed body, which the handler reads as it comes; nil if `body` is all there is.
  public var stream: HTTPBodyStream?
  /// The host the client addressed, with its port: the target's authority, else the `Host` field (RFC 9112 §3.2.2).
  public var host: String?
  /// The peer's IP address, without port; empty if there is none.
  public var remoteAddress: String
  /// Whether it came by TLS.
  public var isSecure = false
  /// The client's certificate (DER), which was verified against the server's authorities of clients; nil if it showed
  /// none.
  public var clientCertificate: [UInt8]?

  public init(
    method: HTTPMethod, target: String, headers: HTTPHeaders = HTTPHeaders(), body: HTTPBody = HTTPBody(),
    host: String? = nil, remoteAddress: String = ""
  ) {
    self.method = method
    self.target = target
    self.headers = headers
    self.body = body
    self.host = host ?? headers["host"]
    self.remoteAddress = remoteAddress
  }

  init(head: RequestHead, body: HTTPBody, stream: HTTPBodyStream?, peer: Connection.Peer) {
    self.method = head.method
    self.target = head.target
    self.headers = head.headers
    self.body = body
    self.stream = stream
    self.host = head.authority
    remoteAddress = peer.address
    isSecure = peer.isSecure
    clientCertificate = peer.certificate
  }

  /// The value of a header field whatever the case of its name; several lines are joined with `, `.
  public func header(_ name: String) -> String? { headers[name] }
}
