import Base

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Reads an HTTP/1.x request head line by line (RFC 9112 §2–§6), as bytes arrive.
///
/// Strict where leniency is how requests are smuggled past a proxy: lines end in CR LF only, no folded lines, no
/// space before a colon, one `Content-Length` at most and never beside `Transfer-Encoding`, one `Host`.
struct RequestHeadParser {
  enum Progress {
    case incomplete
    case head(RequestHead)
    case refused(RequestError)
  }

  private let limits: Limits
  private var lineStart = 0
  /// Everything before it has been searched for the end of a line.
  private var searched = 0
  private var requestLine: RequestLine?
  private var fields: [HTTPHeaders.Field] = []
  private var meaning = Meaning()

  init(limits: Limits) { self.limits = limits }

  /// Whether a byte of a head has been seen.
  var hasBegun: Bool { searched > 0 }

  /// `bytes` begins where the head begins and only ever grows between calls.
  mutating func parse(_ bytes: UnsafeRawBufferPointer) -> Progress {
    do throws(RequestError) {
      guard let end = try readLines(bytes) else { return .incomplete }
      return .head(try head(UnsafeRawBufferPointer(rebasing: bytes[..<end])))
    } catch {
      return .refused(error)
    }
  }

  /// The end of the head, nil if more bytes are needed.
  private mutating func readLines(_ bytes: UnsafeRawBufferPointer) throws(RequestError) -> Int? {
    while let lineFeed = position(ofLineFeedIn: bytes) {
      guard lineFeed < limits.headerBytesMax else { throw tooLong }
      guard lineFeed > lineStart, bytes[lineFeed - 1] == UInt8(ascii: "\r") else {
        throw RequestError(400, "A line of the request head does not end in CR LF.")
      }
      let line = lineStart..<lineFeed - 1
      searched = lineFeed + 1
      lineStart = lineFeed + 1
      if requestLine == nil {
        // RFC 9112 §2.2: empty lines before a request line are to be ignored.
        if !line.isEmpty { requestLine = try RequestLine(bytes, line, limits) }
      } else if line.isEmpty {
        return searched
      } else {
        try readField(bytes, line)
      }
    }
    searched = bytes.count
    guard bytes.count < limits.headerBytesMax else { throw tooLong }
    return nil
  }

  private func position(ofLineFeedIn bytes: UnsafeRawBufferPointer) -> Int? {
    guard searched < bytes.count, let base = bytes.baseAddress else { return nil }
    guard let found = memchr(base + searched, 0x0A, bytes.count - searched) else { return nil }
    return UnsafeRawPointer(found) - base
  }

  private var tooLong: RequestError {
    requestLine == nil
      ? RequestError(414, "The request target is longer than \(limits.targetBytesMax) bytes.")
      : RequestError(431, "The request head is longer than \(limits.headerBytesMax) bytes.")
  }

  private mutating func readField(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) throws(RequestError) {
    guard fields.count < limits.headerCountMax else {
      throw RequestError(431, "The request has more than \(limits.headerCountMax) header fields.")
    }
    var colon = line.lowerBound
    while colon < line.upperBound, Self.isToken(bytes[colon]) { colon += 1 }
    // Also refuses folded lines and space before the colon (RFC 9112 §5.1, §5.2).
    guard colon > line.lowerBound, colon < line.upperBound, bytes[colon] == UInt8(ascii: ":") else {
      throw RequestError(400, "A header field is malformed.")
    }
    var start = colon + 1
    var end = line.upperBound
    while start < end, Self.isBlank(bytes[start]) { start += 1 }
    while end > start, bytes[end - 1] == 0x20 { end -= 1 }
    // A tab at the end is white space too, but not every parser takes it so: no framing field may have one.
    let strict = start..<end
    while end > start, Self.isBlank(bytes[end - 1]) { end -= 1 }
    for byte in bytes[start..<end] where byte < 0x20 && byte != 0x09 || byte == 0x7F {
      throw RequestError(400, "A header field value contains a control character.")
    }
    if fields.isEmpty { fields.reserveCapacity(16) }
    fields.append(
      HTTPHeaders.Field(
        nameStart: UInt32(truncatingIfNeeded: line.lowerBound), nameEnd: UInt32(truncatingIfNeeded: colon),
        valueStart: UInt32(truncatingIfNeeded: start), valueEnd: UInt32(truncatingIfNeeded: end)))
    try meaning.read(
      name: UnsafeRawBufferPointer(rebasing: bytes[line.lowerBound..<colon]),
      value: UnsafeRawBufferPointer(rebasing: bytes[strict]))
  }

  private func head(_ bytes: UnsafeRawBufferPointer) throws(RequestError) -> RequestHead {
    guard let line = requestLine else { throw RequestError(400, "The request has no request line.") }
    let framing = try meaning.framing(minorVersion: line.minorVersion)
    if line.minorVersion == 1, meaning.host == nil {
      throw RequestError(400, "The request has no Host header field.")
    }
    return RequestHead(
      method: line.method, target: line.target, authority: line.authority ?? meaning.host,
      minorVersion: line.minorVersion, headers: HTTPHeaders(bytes: [UInt8](bytes), fields: fields), framing: framing,
      isKeepAlive: meaning.isKeepAlive(minorVersion: line.minorVersion),
      // RFC 9110 §10.1.1: an expectation in an HTTP/1.0 request is to be ignored.
      expectsContinue: line.minorVersion == 1 ? try meaning.expectsContinue() : false, byteCount: bytes.count)
  }
}

extension RequestHeadParser {
  /// tchar of RFC 9110 §5.6.2, as a set of 128 bits.
  @inline(__always)
  static func isToken(_ byte: UInt8) -> Bool {
    if byte < 64 { return 0x03FF_6CFA_0000_0000 as UInt64 >> UInt64(byte) & 1 == 1 }
    if byte < 128 { return 0x57FF_FFFF_C7FF_FFFE as UInt64 >> UInt64(byte - 64) & 1 == 1 }
    return false
  }

  /// What may stand in a host with its port: RFC 3986 §3.2.2, without user information. Visible ASCII but for
  /// `/ \ ? # @ " < > ^ { | }` and the grave accent, as a set of 128 bits.
  @inline(__always)
  static func isHost(_ byte: UInt8) -> Bool {
    if byte < 64 { return 0x2FFF_7FF2_0000_0000 as UInt64 >> UInt64(byte) & 1 == 1 }
    if byte < 128 { return 0x47FF_FFFE_AFFF_FFFE as UInt64 >> UInt64(byte - 64) & 1 == 1 }
    return false
  }

  @inline(__always)
  static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}

/// Method, target and version (RFC 9112 §3).
private struct RequestLine {
  var method: HTTPMethod
  var target: String
  var authority: String?
  var minorVersion: UInt8

  init(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>, _ limits: Limits) throws(RequestError) {
    var space = line.lowerBound
    while space < line.upperBound, RequestHeadParser.isToken(bytes[space]) { space += 1 }
    guard space > line.lowerBound, space < line.upperBound, bytes[space] == 0x20 else {
      throw RequestError(400, "The request line has no method.")
    }
    var end = space + 1
    while end < line.upperBound, bytes[end] > 0x20, bytes[end] < 0x7F { end += 1 }
    let target = space + 1..<end
    guard target.count <= limits.targetBytesMax else {
      throw RequestError(414, "The request target is longer than \(limits.targetBytesMax) bytes.")
    }
    guard end == line.upperBound || bytes[end] == 0x20 else {
      throw RequestError(400, "The request target has a character that must be percent-encoded.")
    }
    guard end < line.upperBound, !target.isEmpty else { throw RequestError(400, "The request line is malformed.") }
    minorVersion = try Self.minorVersion(bytes[(end + 1)..<line.upperBound])
    method = HTTPMethod(name: UnsafeRawBufferPointer(rebasing: bytes[line.lowerBound..<space]))
    (self.target, authority) = try Self.target(bytes[target], method)
  }

  private static func minorVersion(_ bytes: Slice<UnsafeRawBufferPointer>) throws(RequestError) -> UInt8 {
    if bytes.elementsEqual("HTTP/1.1".utf8) { return 1 }
    if bytes.elementsEqual("HTTP/1.0".utf8) { return 0 }
    let start = bytes.startIndex
    guard bytes.count == 8, bytes.starts(with: "HTTP/".utf8), isDigit(bytes[start + 5]),
      bytes[start + 6] == UInt8(ascii: "."), isDigit(bytes[start + 7])
    else { throw RequestError(400, "The request line is malformed.") }
    throw RequestError(505, "This server speaks HTTP/1.1 and HTTP/1.0.")
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  /// Path with query, and the authority of an absolute-form target (RFC 9112 §3.2.2).
  private static func target(
    _ bytes: Slice<UnsafeRawBufferPointer>, _ method: HTTPMethod
  ) throws(RequestError) -> (String, String?) {
    if bytes.first == UInt8(ascii: "/") { return (String(decoding: bytes, as: UTF8.self), nil) }
    if method == .options, bytes.elementsEqual("*".utf8) { return ("*", nil) }
    for scheme in ["http://", "https://"] where bytes.count > scheme.utf8.count {
      let cut = bytes.startIndex + scheme.utf8.count
      guard equalsIgnoringCase(UnsafeRawBufferPointer(rebasing: bytes[..<cut]), scheme.utf8) else { continue }
      let rest = bytes[cut...]
      let path = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
      guard path > cut, rest[..<path].allSatisfy(RequestHeadParser.isHost) else { break }
      let target = String(decoding: rest[path...], as: UTF8.self)
      return (target.hasPrefix("/") ? target : "/" + target, String(decoding: rest[..<path], as: UTF8.self))
    }
    throw RequestError(400, "The request target must be a path, or an absolute http or https URL.")
  }
}

/// What the fields say that the transport must obey.
private struct Meaning {
  var host: String?
  private var length: Int?
  private var codings: [String] = []
  private var closes = false
  private var keepsAlive = false
  private var expectation: String?

  mutating func read(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) throws(RequestError) {
    switch name.count {
    case 4 where equalsIgnoringCase(name, "host".utf8): try readHost(value)
    case 6 where equalsIgnoringCase(name, "expect".utf8):
      expectation = (expectation.map { $0 + "," } ?? "") + String(decoding: value, as: UTF8.self)
    case 10 where equalsIgnoringCase(name, "connection".utf8): readConnection(value)
    case 14 where equalsIgnoringCase(name, "content-length".utf8): try readLength(value)
    case 17 where equalsIgnoringCase(name, "transfer-encoding".utf8):
      codings.append(String(decoding: value, as: UTF8.self))
    default: break
    }
  }

  private mutating func readHost(_ value: UnsafeRawBufferPointer) throws(RequestError) {
    // RFC 9112 §3.2: more than one Host is an error.
    guard host == nil else { throw RequestError(400, "The request has more than one Host header field.") }
    // RFC 9112 §3.2: an invalid Host is an error. Answers are built with it, so nothing but a host may pass.
    guard value.allSatisfy(RequestHeadParser.isHost) else { throw RequestError(400, "The Host is malformed.") }
    host = String(decoding: value, as: UTF8.self)
  }

  private mutating func readConnection(_ value: UnsafeRawBufferPointer) {
    for option in value.split(separator: UInt8(ascii: ",")) {
      guard let first = option.firstIndex(where: { $0 != 0x20 }), let last = option.lastIndex(where: { $0 != 0x20 })
      else { continue }
      let token = UnsafeRawBufferPointer(rebasing: value[first...last])
      if equalsIgnoringCase(token, "close".utf8) { closes = true }
      if equalsIgnoringCase(token, "keep-alive".utf8) { keepsAlive = true }
    }
  }

  private mutating func readLength(_ value: UnsafeRawBufferPointer) throws(RequestError) {
    // RFC 9112 §6.3: several lengths, even equal ones, may be refused.
    guard length == nil else { throw RequestError(400, "The request has more than one Content-Length.") }
    guard !value.isEmpty else { throw RequestError(400, "Content-Length is not a number.") }
    var sum = 0
    for byte in value {
      guard byte >= 0x30, byte <= 0x39 else { throw RequestError(400, "Content-Length is not a number.") }
      let (tens, overflow) = sum.multipliedReportingOverflow(by: 10)
      let (next, overflowed) = tens.addingReportingOverflow(Int(byte - 0x30))
      // Too large for a machine word is too large for any limit.
      sum = overflow || overflowed ? Int.max : next
      if sum == Int.max { break }
    }
    length = sum
  }

  func framing(minorVersion: UInt8) throws(RequestError) -> RequestHead.Framing {
    guard !codings.isEmpty else { return length.map { $0 == 0 ? .none : .length($0) } ?? .none }
    guard length == nil else {
      throw RequestError(400, "The request has both Content-Length and Transfer-Encoding.")
    }
    // RFC 9112 §6.1: a transfer coding in an HTTP/1.0 message means faulty framing.
    guard minorVersion == 1 else { throw RequestError(400, "Transfer-Encoding needs HTTP/1.1.") }
    guard codings.count == 1 else { throw RequestError(400, "The request has more than one Transfer-Encoding.") }
    guard HTTPResponse.isSame(codings[0], "chunked") else {
      throw RequestError(501, "The only transfer coding this server understands is chunked.")
    }
    return .chunked
  }

  func isKeepAlive(minorVersion: UInt8) -> Bool { !closes && (minorVersion == 1 || keepsAlive) }

  func expectsContinue() throws(RequestError) -> Bool {
    guard let expectation else { return false }
    guard HTTPResponse.isSame(expectation, "100-continue") else {
      throw RequestError(417, "The only expectation this server can meet is 100-continue.")
    }
    return true
  }
}
