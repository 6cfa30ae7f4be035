import Base
import Glibc
import HTTPServer
import NIOPosix
import Synchronization

struct ClientError: Error { var what: String }

/// One answer as a client reads it from the wire.
struct Answer: Equatable {
  var status: Int
  var headers: [String]
  var body: [UInt8]

  var text: String { String(decoding: body, as: UTF8.self) }

  func header(_ name: String) -> String? {
    let prefix = name.lowercased() + ":"
    guard let line = headers.first(where: { $0.lowercased().hasPrefix(prefix) }) else { return nil }
    return line.dropFirst(prefix.count).drop { $0 == " " }.description
  }
}

/// A blocking socket to the server under test. Every wait ends after ten seconds.
final class TestClient {
  private let descriptor: Int32
  private var received: [UInt8] = []

  init(_ port: Int, receiveBufferBytes: Int32? = nil) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var timeout = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    if var bytes = receiveBufferBytes {
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(port).bigEndian)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw ClientError(what: "connect \(errno)") }
  }

  deinit { Glibc.close(descriptor) }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw ClientError(what: "send \(errno)") }
      sent += count
    }
  }

  /// Sends the same bytes over and over until the server takes no more for 300 ms; returns how many it took.
  func sendUntilStuck(_ bytes: [UInt8], max: Int) throws -> Int {
    var sent = 0
    while sent < max {
      let offset = sent % bytes.count
      let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
      let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress! + offset, $0.count - offset, flags) }
      if count > 0 {
        sent += count
        continue
      }
      guard errno == EAGAIN else { throw ClientError(what: "send \(errno)") }
      var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      if poll(&wanted, 1, 300) == 0 { break }
    }
    return sent
  }

  /// Half-closes: the server sees the end of what this client sends.
  func endSending() { Glibc.shutdown(descriptor, Int32(SHUT_WR)) }

  /// Reads more; false at the end of the stream.
  private func fill() throws -> Bool {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &chunk, chunk.count, 0)
    if count < 0 { throw ClientError(what: "recv \(errno)") }
    received.append(contentsOf: chunk[..<count])
    return count > 0
  }

  /// Whether something can be read.
  var hasAnswer: Bool {
    var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&wanted, 1, 0) > 0
  }

  /// Whether the server ends the connection with nothing more to read.
  func readsEnd() -> Bool {
    guard received.isEmpty else { return false }
    do {
      return try !fill()
    } catch let error as ClientError {
      return error.what == "recv \(ECONNRESET)"
    } catch { return false }
  }

  func readToEnd() throws -> [UInt8] {
    while try fill() {}
    defer { received = [] }
    return received
  }

  private func readLine() throws -> String {
    while true {
      if let end = received.firstIndex(of: 0x0A) {
        let line = received[..<end]
        guard line.last == 0x0D else { throw ClientError(what: "line without CR") }
        received.removeFirst(end + 1)
        return String(decoding: line.dropLast(), as: UTF8.self)
      }
      guard try fill() else { throw ClientError(what: "end of stream in a line") }
    }
  }

  private func read(_ count: Int) throws -> [UInt8] {
    while received.count < count {
      guard try fill() else { throw ClientError(what: "end of stream in a body") }
    }
    defer { received.removeFirst(count) }
    return Array(received[..<count])
  }

  /// Reads one answer; `toHead` says the request was HEAD.
  func answer(toHead: Bool = false) throws -> Answer {
    let statusLine = try readLine().split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    guard statusLine.count == 3, statusLine[0] == "HTTP/1.1", let status = Int(statusLine[1]) else {
      throw ClientError(what: "status line \(statusLine)")
    }
    var answer = Answer(status: status, headers: [], body: [])
    while case let line = try readLine(), !line.isEmpty { answer.headers.append(line) }
    if toHead || status < 200 || status == 204 || status == 304 { return answer }
    if answer.header("transfer-encoding") == "chunked" {
      while true {
        guard let size = Int(try readLine(), radix: 16) else { throw ClientError(what: "chunk size") }
        answer.body += try read(size)
        guard try readLine().isEmpty else { throw ClientError(what: "chunk end") }
        if size == 0 { break }
      }
    } else if let length = answer.header("content-length") {
      guard let length = Int(length) else { throw ClientError(what: "content-length") }
      answer.body = try read(length)
    } else {
      answer.body = try readToEnd()
    }
    return answer
  }

  /// One request of its own, on this connection.
  func get(_ path: String) throws -> Answer {
    try send("GET \(path) HTTP/1.1\r\nHost: test\r\n\r\n")
    return try answer()
  }
}

/// Blocking clients run here, so that they never hold the threads of Swift's own pool.
private let clientThreads: NIOThreadPool = {
  let pool = NIOThreadPool(numberOfThreads: 16)
  pool.start()
  return pool
}()

func onClientThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
  try await clientThreads.runIfActive(body)
}

/// Starts a server, runs a blocking client script against it, stops it.
func serving(
  limits: Limits = Limits(), eventLoops: Int = 1, streaming: HTTPServer.StreamedBodies? = nil,
  observer: (@Sendable (HTTPExchange) -> Void)? = nil,
  handler: @escaping @Sendable (HTTPRequest) async -> HTTPResponse = describe,
  client: @escaping @Sendable (Int) throws -> Void
) async throws {
  let server = HTTPServer(
    host: "127.0.0.1", port: 0, limits: limits, eventLoops: eventLoops, streaming: streaming, observer: observer,
    handler: handler)
  let address = try await server.start()
  do {
    try await onClientThread { try client(address.port) }
  } catch {
    await server.shutdown()
    throw error
  }
  await server.shutdown()
}

/// A handler that answers with what it was asked: method, target, body.
let describe: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
  HTTPResponse(
    status: 200, headers: [("Content-Type", "text/plain")],
    body: .bytes(Array("\(request.method.name) \(request.target) ".utf8) + request.body.bytes))
}

/// Lets a test hold a handler until it says go; the wait hears cancellation.
final class Gate: Sendable {
  private let isOpen = Mutex(false)
  private let count = Mutex(0)

  /// How often `enter` was called.
  var entered: Int { count.withLock { $0 } }
  func enter() { count.withLock { $0 += 1 } }
  func open() { isOpen.withLock { $0 = true } }

  /// False if cancelled.
  func pass() async -> Bool {
    enter()
    while !isOpen.withLock({ $0 }) {
      do { try await Task.sleep(for: .milliseconds(2)) } catch { return false }
    }
    return true
  }
}

func seconds(_ body: () throws -> Void) rethrows -> Double {
  let start = monotonicNanoseconds()
  try body()
  return Double(monotonicNanoseconds() - start) / 1e9
}

func milliseconds(_ count: UInt32) { usleep(count * 1_000) }
