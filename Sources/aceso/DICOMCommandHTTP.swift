import Glibc

/// `http://host[:port]/path` of a DICOM service.
struct ServiceAddress: Sendable {
  let host: String
  let port: String
  /// Without a slash at its end.
  let path: String

  /// As `Host` header.
  var authority: String { port == "80" ? host : "\(host):\(port)" }

  init?(_ text: String) {
    let scheme = "http://"
    guard text.lowercased().hasPrefix(scheme) else { return nil }
    let rest = text.dropFirst(scheme.count)
    let end = rest.firstIndex(of: "/") ?? rest.endIndex
    var path = rest[end...]
    while path.hasSuffix("/") { path = path.dropLast() }
    self.path = String(path)
    // An IPv6 address has colons of its own, in brackets.
    let authority = rest[..<end]
    let colon = authority.lastIndex(of: ":").flatMap { authority[$0...].contains("]") ? nil : $0 }
    host = String(authority[..<(colon ?? authority.endIndex)])
    port = colon.map { String(authority[authority.index(after: $0)...]) } ?? "80"
    let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    guard !host.isEmpty, isPlain, UInt16(port) ?? 0 > 0 else { return nil }
  }

  /// What the resolver is asked for.
  fileprivate var name: String { host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host }
}

/// One kept-alive HTTP/1.1 connection that waits in each call: for threads of its own only.
final class HTTPClientConnection {
  struct Answer {
    let status: Int
    let body: [UInt8]
  }

  /// Why there is no answer.
  struct Failure: Error, CustomStringConvertible {
    let description: String
    /// Whether there is no connection to be had at all.
    var isUnreachable = false
  }

  private static let silenceSecondsMax = 120
  private static let headBytesMax = 65_536
  private static let bodyBytesMax = 64 << 20
  private static let sentAtOnceMax = 1 << 20

  private let descriptor: Int32
  private var inbox: [UInt8] = []
  /// False once an answer says that the connection ends.
  private(set) var isReusable = true

  init(_ address: ServiceAddress) throws {
    descriptor = try Self.connected(to: address)
  }

  private static func connected(to address: ServiceAddress) throws -> Int32 {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(address.name, address.port, &hints, &found) == 0 else {
      throw Failure(description: "the host \(address.host) is not known", isUnreachable: true)
    }
    defer { freeaddrinfo(found) }
    var candidate = found
    var reason = ""
    while let info = candidate?.pointee {
      let socket = Glibc.socket(info.ai_family, info.ai_socktype, info.ai_protocol)
      if socket >= 0 {
        setLimits(socket)
        if connect(socket, info.ai_addr, info.ai_addrlen) == 0 { return socket }
        reason = String(cString: strerror(errno))
        close(socket)
      }
      candidate = info.ai_next
    }
    throw Failure(description: "no connection to \(address.authority): \(reason)", isUnreachable: true)
  }

  private static func setLimits(_ socket: Int32) {
    var wait = timeval(tv_sec: silenceSecondsMax, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
    var on: Int32 = 1
    setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
  }

  deinit { close(descriptor) }

  /// Sends a request whose head says how long its body is, and waits for the answer. A server that answers before it
  /// has all of the body is heard.
  func exchange(head: String, body: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void) throws -> Answer {
    isReusable = false
    do {
      try Array(head.utf8).withUnsafeBytes { try send($0) }
      try body { try send($0) }
    } catch let failure as Failure {
      guard let answer = try? receive() else { throw failure }
      return answer
    }
    return try receive()
  }

  private func send(_ bytes: UnsafeRawBufferPointer) throws {
    var offset = 0
    var byte: UInt8 = 0
    while offset < bytes.count {
      // An answer before the end of the request says that nobody reads on.
      if recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) > 0 {
        throw Failure(description: "the server does not take the request")
      }
      let count = Glibc.send(
        descriptor, bytes.baseAddress.map { $0 + offset }, min(bytes.count - offset, Self.sentAtOnceMax),
        Int32(MSG_NOSIGNAL))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw Failure(description: "the server does not take the request") }
      offset += count
    }
  }

  // MARK: Answers (RFC 9112)

  private func fill() throws {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = chunk.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw Failure(description: "the server does not answer") }
      inbox += chunk[..<count]
      return
    }
  }

  private func receive() throws -> Answer {
    var answer = try receiveOne()
    while answer.status == 100 { answer = try receiveOne() }
    return answer
  }

  private func receiveOne() throws -> Answer {
    let lines = try head()
    let status = lines.first.map { $0.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0 } ?? 0
    func header(_ name: String) -> String? {
      lines.dropFirst().first { $0.lowercased().hasPrefix(name + ":") }.map {
        String($0.dropFirst(name.count + 1).drop { $0 == " " })
      }
    }
    guard status > 0 else { throw Failure(description: "the answer is no HTTP") }
    isReusable = header("connection")?.lowercased() != "close"
    if status == 100 || status == 204 || status == 304 { return Answer(status: status, body: []) }
    if header("transfer-encoding")?.lowercased() == "chunked" { return Answer(status: status, body: try chunked()) }
    guard let count = header("content-length").flatMap({ Int($0) }), count >= 0, count <= Self.bodyBytesMax else {
      throw Failure(description: "the answer has no length")
    }
    return Answer(status: status, body: try take(count))
  }

  private func head() throws -> [String] {
    var searched = 0
    while true {
      while searched + 4 <= inbox.count {
        if inbox[searched] == 13, inbox[searched + 1] == 10, inbox[searched + 2] == 13, inbox[searched + 3] == 10 {
          let text = String(decoding: inbox[..<searched], as: UTF8.self)
          inbox.removeFirst(searched + 4)
          return text.split(separator: "\r\n").map(String.init)
        }
        searched += 1
      }
      guard inbox.count <= Self.headBytesMax else { throw Failure(description: "the answer's head is too long") }
      try fill()
    }
  }

  private func take(_ count: Int) throws -> [UInt8] {
    while inbox.count < count { try fill() }
    defer { inbox.removeFirst(count) }
    return Array(inbox[..<count])
  }

  private func line() throws -> String {
    while true {
      if let end = inbox.firstIndex(of: 10) {
        let text = String(decoding: inbox[..<end], as: UTF8.self)
        inbox.removeFirst(end + 1)
        return text.hasSuffix("\r") ? String(text.dropLast()) : text
      }
      guard inbox.count <= Self.headBytesMax else { throw Failure(description: "the answer's chunks are malformed") }
      try fill()
    }
  }

  private func chunked() throws -> [UInt8] {
    var body: [UInt8] = []
    while true {
      let size = try line().split(separator: ";").first.flatMap { Int($0, radix: 16) }
      guard let size, size >= 0, body.count + size <= Self.bodyBytesMax else {
        throw Failure(description: "the answer's chunks are malformed")
      }
      if size == 0 { break }
      body += try take(size)
      _ = try line()
    }
    while try !line().isEmpty {}
    return body
  }
}
