public import NIOCore

/// One answer. The server adds `Date`, `Content-Length` or `Transfer-Encoding`, and `Connection` by itself and
/// ignores what the handler says about the first three's framing.
public struct HTTPResponse: Sendable {
  public enum Body: Sendable {
    case empty
    case bytes([UInt8])
    /// Slices sent one after the other, for a stored value and its wrapping.
    case parts([ArraySlice<UInt8>])
    /// Buffers sent one after the other; large ones go to the socket without a copy.
    case buffers([ByteBuffer])
    /// Bytes made while they are sent: `count` if it is known beforehand, else chunked. The producer is not called
    /// for HEAD; if it throws, the connection is cut so that the client sees an incomplete answer.
    case stream(count: Int?, producer: @Sendable (HTTPBodyWriter) async throws -> Void)
  }

  /// RFC 9110 §15; 200...599.
  public var status: Int
  /// Written in this order. Control characters in values are written as spaces.
  public var headers: [(name: String, value: String)]
  public var body: Body
  /// Whether the server's common fields go out with it; false for an answer that has its own in their places.
  public var hasCommonFields = true

  public init(status: Int, headers: [(name: String, value: String)] = [], body: Body = .empty) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// The first value of a header field whatever the case of its name.
  public func header(_ name: String) -> String? {
    headers.first { Self.isSame($0.name, name) }?.value
  }

  static func isSame(_ a: String, _ b: String) -> Bool {
    a.utf8.count == b.utf8.count && zip(a.utf8, b.utf8).allSatisfy { lowercase($0) == lowercase($1) }
  }
}

extension HTTPResponse.Body {
  /// Length in bytes, nil for a stream whose length is not known.
  public var count: Int? {
    switch self {
    case .empty: 0
    case .bytes(let bytes): bytes.count
    case .parts(let parts): parts.reduce(0) { $0 + $1.count }
    case .buffers(let buffers): buffers.reduce(0) { $0 + $1.readableBytes }
    case .stream(let count, _): count
    }
  }
}
