import Glibc

/// One kept-alive HTTP/1.1 connection of the load client: a request's bytes out, an answer's extent in.
///
/// It reads of an answer only what it must: the status, the length, and what a workload asks for. That keeps the
/// client far cheaper than the server it shares the machine with.
final class ClientConnection {
  /// A server that went away is an error to report, not a signal that ends the bench.
  private static let noSignal = Int32(MSG_NOSIGNAL)

  let descriptor: Int32
  private var out: [UInt8] = []
  private var outOffset = 0
  private var inbox = [UInt8](repeating: 0, count: 64 * 1_024)
  private var received = 0
  /// Set once the head is there.
  private var headEnd: Int?
  private var bodyLength: Int?

  var wantsToWrite: Bool { outOffset < out.count }
  /// When the request being answered was handed over.
  var sentAt: UInt64 = 0

  init?(port: UInt16) {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    var address = Self.loopback(port)
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { return nil }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  func makeNonblocking() { _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) }

  func begin(_ request: [UInt8], at now: UInt64) -> Bool {
    out = request
    outOffset = 0
    received = 0
    headEnd = nil
    bodyLength = nil
    sentAt = now
    return write()
  }

  /// Sends what the socket takes; false when the connection is gone.
  func write() -> Bool {
    while outOffset < out.count {
      let count = out.withUnsafeBytes { bytes in
        send(descriptor, bytes.baseAddress?.advanced(by: outOffset), bytes.count - outOffset, Self.noSignal)
      }
      if count < 0 { return errno == EAGAIN || errno == EINTR }
      outOffset += count
    }
    return true
  }

  enum Progress { case incomplete, complete(LoadResponse), gone }

  /// Receives what is there.
  func receive() -> Progress {
    if received == inbox.count { inbox += [UInt8](repeating: 0, count: inbox.count) }
    let count = inbox.withUnsafeMutableBytes { bytes in
      recv(descriptor, bytes.baseAddress?.advanced(by: received), bytes.count - received, 0)
    }
    if count < 0 { return errno == EAGAIN || errno == EINTR ? .incomplete : .gone }
    guard count > 0 else { return .gone }
    received += count
    return progress()
  }

  private func progress() -> Progress {
    if headEnd == nil {
      guard let end = endOfHead() else { return .incomplete }
      headEnd = end
      let head = LoadResponse(bytes: inbox[..<end], headEnd: end)
      if let length = head.header("content-length").flatMap({ Int($0) }) {
        bodyLength = length
      } else if head.status == 204 || head.status == 304 {
        bodyLength = 0
      } else if head.header("transfer-encoding") == nil {
        return .gone
      }
    }
    guard let headEnd else { return .incomplete }
    if let bodyLength {
      guard received >= headEnd + bodyLength else { return .incomplete }
      return .complete(LoadResponse(bytes: inbox[..<(headEnd + bodyLength)], headEnd: headEnd))
    }
    return chunkedProgress(headEnd)
  }

  private func endOfHead() -> Int? {
    guard received >= 4 else { return nil }
    for index in 3..<received
    where inbox[index] == 10 && inbox[index - 1] == 13 && inbox[index - 2] == 10 && inbox[index - 3] == 13 {
      return index + 1
    }
    return nil
  }

  /// RFC 9112 §7.1, without trailers and extensions; the body is joined in the answer.
  private func chunkedProgress(_ headEnd: Int) -> Progress {
    var joined = Array(inbox[..<headEnd])
    var index = headEnd
    while true {
      var size = 0
      while index < received, inbox[index] != 13 {
        guard let digit = Character(UnicodeScalar(inbox[index])).hexDigitValue, size < 1 << 40 else { return .gone }
        size = size * 16 + digit
        index += 1
      }
      guard index + 2 + size + 2 <= received else { return .incomplete }
      index += 2
      if size == 0 { return .complete(LoadResponse(bytes: joined[...], headEnd: headEnd)) }
      joined += inbox[index..<(index + size)]
      index += size + 2
    }
  }

  // MARK: - Simple calls

  private static func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
  }

  /// A port nobody listens on now.
  static func freePort() throws -> UInt16 {
    let probe = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(probe) }
    var address = loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(probe, $0, length) == 0 ? getsockname(probe, $0, &length) : -1
      }
    }
    guard code == 0 else { throw ServerProcess.Refusal(text: "no free port on the loopback address") }
    return UInt16(bigEndian: address.sin_port)
  }

  static func answers200(_ port: UInt16, _ request: [UInt8]) -> Bool {
    guard let connection = ClientConnection(port: port) else { return false }
    return connection.exchange(request)?.status == 200
  }

  /// One request and its answer, waiting.
  func exchange(_ request: [UInt8]) -> LoadResponse? {
    guard begin(request, at: 0) else { return nil }
    while true {
      switch receive() {
      case .incomplete: continue
      case .complete(let response): return response
      case .gone: return nil
      }
    }
  }
}

/// An answer as received.
struct LoadResponse {
  let bytes: ArraySlice<UInt8>
  let headEnd: Int

  var body: ArraySlice<UInt8> { bytes[headEnd...] }

  /// 0 if the status line is none.
  var status: Int {
    // "HTTP/1.1 200 …"
    guard headEnd > 12 else { return 0 }
    return bytes[9..<12].reduce(0) { $0 * 10 + Int($1 & 0x0f) }
  }

  /// A header's value; `name` in lower case.
  func header(_ name: StaticString) -> String? {
    name.withUTF8Buffer { name in
      var line = 0
      while let end = bytes[line..<headEnd].firstIndex(of: 13) {
        if end - line > name.count, bytes[line + name.count] == 58 /* : */,
          (0..<name.count).allSatisfy({ bytes[line + $0] | 0x20 == name[$0] || bytes[line + $0] == name[$0] })
        {
          let value = bytes[(line + name.count + 1)..<end].drop { $0 == 32 }
          return String(decoding: value, as: UTF8.self)
        }
        line = end + 2
        if line >= headEnd { break }
      }
      return nil
    }
  }
}
