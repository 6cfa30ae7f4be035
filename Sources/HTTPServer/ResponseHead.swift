import NIOCore

/// The status line and header fields of an answer as bytes (RFC 9112 §4, §5).
struct ResponseHead {
  /// How the end of the body is told.
  enum Framing {
    /// No body, and no field about one: 204 and 304.
    case none
    case length(Int)
    case chunked
    /// By closing, for HTTP/1.0 clients.
    case untilClose
  }

  var response: HTTPResponse
  var framing: Framing
  var minorVersion: UInt8
  var isKeepAlive: Bool

  /// - Parameter end: the last lines with the empty one.
  func write(to buffer: inout ByteBuffer, end: [UInt8]) {
    buffer.writeStaticString("HTTP/1.1 ")
    if response.status == 200 {
      buffer.writeStaticString("200 OK\r\n")
    } else {
      buffer.writeString(String(response.status))
      buffer.writeStaticString(" ")
      buffer.writeStaticString(Self.reason(response.status))
      buffer.writeStaticString("\r\n")
    }
    Self.write(response.headers, to: &buffer)
    switch framing {
    case .none, .untilClose: break
    case .length(let count):
      buffer.writeStaticString("Content-Length: ")
      buffer.writeString(String(count))
      buffer.writeStaticString("\r\n")
    case .chunked: buffer.writeStaticString("Transfer-Encoding: chunked\r\n")
    }
    if !isKeepAlive {
      buffer.writeStaticString("Connection: close\r\n")
    } else if minorVersion == 0 {
      buffer.writeStaticString("Connection: keep-alive\r\n")
    }
    buffer.writeBytes(end)
  }

  /// Header fields as they are sent.
  static func lines(_ fields: [(name: String, value: String)]) -> [UInt8] {
    var buffer = ByteBuffer()
    write(fields, to: &buffer)
    return Array(buffer.readableBytesView)
  }

  private static func write(_ fields: [(name: String, value: String)], to buffer: inout ByteBuffer) {
    for (name, value) in fields where !isOurs(name) {
      write(name, isName: true, to: &buffer)
      buffer.writeStaticString(": ")
      write(value, isName: false, to: &buffer)
      buffer.writeStaticString("\r\n")
    }
  }

  /// Fields the transport alone may set.
  private static func isOurs(_ name: String) -> Bool {
    switch name.utf8.count {
    case 4: HTTPResponse.isSame(name, "date")
    case 10: HTTPResponse.isSame(name, "connection")
    case 14: HTTPResponse.isSame(name, "content-length")
    case 17: HTTPResponse.isSame(name, "transfer-encoding")
    default: false
    }
  }

  /// Writes text so that it cannot end a line: whatever a client's input brought into it, an answer is never split.
  private static func write(_ text: String, isName: Bool, to buffer: inout ByteBuffer) {
    let start = buffer.writerIndex
    let count = buffer.writeString(text)
    // Looked at where it stands now, in one piece: faster than a String's bytes one by one.
    let isSafe = buffer.withUnsafeReadableBytes { all in
      let written = UnsafeRawBufferPointer(rebasing: all.suffix(count))
      if isName { return written.allSatisfy(RequestHeadParser.isToken) }
      var controls = 0
      for byte in written { controls &+= byte < 0x20 || byte == 0x7F ? 1 : 0 }
      return controls == 0
    }
    if isSafe { return }
    let filler = UInt8(ascii: isName ? "-" : " ")
    let replaced = text.utf8.map { byte in
      let isGood = isName ? RequestHeadParser.isToken(byte) : byte >= 0x20 && byte != 0x7F
      return isGood ? byte : filler
    }
    buffer.setBytes(replaced, at: start)
  }

  /// RFC 9110 §15 and RFC 6585.
  private static func reason(_ status: Int) -> StaticString {
    switch status {
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 204: "No Content"
    case 206: "Partial Content"
    case 301: "Moved Permanently"
    case 302: "Found"
    case 303: "See Other"
    case 304: "Not Modified"
    case 307: "Temporary Redirect"
    case 308: "Permanent Redirect"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 406: "Not Acceptable"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 410: "Gone"
    case 411: "Length Required"
    case 412: "Precondition Failed"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 415: "Unsupported Media Type"
    case 416: "Range Not Satisfiable"
    case 417: "Expectation Failed"
    case 422: "Unprocessable Content"
    case 423: "Locked"
    case 424: "Failed Dependency"
    case 428: "Precondition Required"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    default: ""
    }
  }
}
