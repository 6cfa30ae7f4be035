import Base
import CTLS
import Glibc
import Identity
import Synchronization

/// Gets an issuer's description and keys: one GET over HTTP/1.1, with TLS for `https`.
///
/// It follows no redirection, so that no answer leads to an address that was not configured, and every step has a limit
/// of time and size. Each fetch has a thread of its own for the moment it takes; there are few, because keys are kept.
enum KeyFetcher {
  /// For each of resolving, connecting, sending and reading.
  static let stepSecondsMax = 5
  static let bytesMax = 768 * 1024

  enum Failure: String, Error, Sendable {
    case address, connect, certificate, send, answer, tooLarge, status, cancelled
  }

  static let standard: KeySource.Fetch = { address in try await get(address) }

  /// - Throws: `Failure`; also where the task is cancelled, at once.
  static func get(_ address: String) async throws -> FetchedDocument {
    guard let address = Address(address) else { throw Failure.address }
    let waiter = Waiter()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        waiter.wait(continuation)
        WorkThread.start {
          waiter.finish(
            Result { () throws(Failure) in
              let answer = try exchange(address)
              return try document(answer)
            })
        }
      }
    } onCancel: {
      waiter.finish(.failure(.cancelled))
    }
  }

  /// The parts of an address.
  struct Address: Equatable {
    let isSecure: Bool
    let host: String
    let port: String
    /// The host as the `Host` field has it.
    let authority: String
    let target: String

    init?(_ text: String) {
      guard OpenIDConfiguration.isFetchable(text, allowsLoopback: true) else { return nil }
      isSecure = text.hasPrefix("https://")
      let rest = text.dropFirst(isSecure ? 8 : 7)
      let authority = rest.prefix { $0 != "/" && $0 != "?" }
      let tail = rest.dropFirst(authority.count)
      target = tail.first == "/" ? String(tail) : "/" + tail
      self.authority = String(authority)
      var name = authority
      var port: Substring?
      if let colon = authority.lastIndex(of: ":"), authority.last != "]" {
        name = authority[..<colon]
        port = authority[authority.index(after: colon)...]
      }
      if name.first == "[", name.last == "]" { name = name.dropFirst().dropLast() }
      guard !name.isEmpty, port.map({ UInt16($0) != nil }) ?? true else { return nil }
      host = String(name)
      self.port = port.map(String.init) ?? (isSecure ? "443" : "80")
    }
  }

  // MARK: The exchange

  private static func exchange(_ address: Address) throws(Failure) -> [UInt8] {
    let socket = try connect(address)
    defer { close(socket) }
    let request =
      "GET \(address.target) HTTP/1.1\r\nHost: \(address.authority)\r\nAccept: application/json\r\n"
      + "User-Agent: Aceso\r\nConnection: close\r\n\r\n"
    guard address.isSecure else {
      return try transfer(Array(request.utf8), { send(socket, $0, $1, Int32(MSG_NOSIGNAL)) }) {
        recv(socket, $0, $1, 0)
      }
    }
    guard let context = aceso_tls_client_context() else { throw .certificate }
    defer { SSL_CTX_free(context) }
    guard let connection = aceso_tls_connection(context, socket, address.host) else { throw .certificate }
    defer { SSL_free(connection) }
    guard SSL_connect(connection) == 1 else { throw .certificate }
    return try transfer(
      Array(request.utf8), { Int(SSL_write(connection, $0, Int32(clamping: $1))) },
      { Int(SSL_read(connection, $0, Int32(clamping: $1))) })
  }

  private static func connect(_ address: Address) throws(Failure) -> Int32 {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(address.host, address.port, &hints, &list) == 0 else { throw .connect }
    defer { freeaddrinfo(list) }
    var next = list
    while let entry = next?.pointee {
      next = entry.ai_next
      let descriptor = socket(entry.ai_family, entry.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), entry.ai_protocol)
      guard descriptor >= 0 else { continue }
      var wait = timeval(tv_sec: stepSecondsMax, tv_usec: 0)
      let size = socklen_t(MemoryLayout<timeval>.size)
      _ = setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, size)
      _ = setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &wait, size)
      if Glibc.connect(descriptor, entry.ai_addr, entry.ai_addrlen) == 0 { return descriptor }
      close(descriptor)
    }
    throw .connect
  }

  private static func transfer(
    _ request: [UInt8], _ write: (UnsafeRawPointer, Int) -> Int, _ read: (UnsafeMutableRawPointer, Int) -> Int
  ) throws(Failure) -> [UInt8] {
    var sent = 0
    while sent < request.count {
      let count = request[sent...].withUnsafeBytes { bytes in bytes.baseAddress.map { write($0, bytes.count) } ?? 0 }
      guard count > 0 else { throw .send }
      sent += count
    }
    let end = ContinuousClock.now + .seconds(2 * stepSecondsMax)
    var answer: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16 * 1024)
    while true {
      let count = piece.withUnsafeMutableBytes { bytes in bytes.baseAddress.map { read($0, bytes.count) } ?? 0 }
      // Whether all has come is told by the message itself.
      guard count > 0 else { return answer }
      answer += piece[..<count]
      guard answer.count <= bytesMax else { throw .tooLarge }
      guard ContinuousClock.now < end else { throw .answer }
    }
  }

  // MARK: The answer

  /// The body of a 200, whole (RFC 9112 §6.3).
  static func document(_ answer: [UInt8]) throws(Failure) -> FetchedDocument {
    let mark = Array("\r\n\r\n".utf8)
    guard let end = answer.firstRange(of: mark) else { throw .answer }
    let lines = String(decoding: answer[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
    let status = lines.first?.split(separator: " ") ?? []
    guard status.count >= 2, status[0].hasPrefix("HTTP/1.") else { throw .answer }
    guard status[1] == "200" else { throw .status }
    var fields: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { throw .answer }
      let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
      fields[line[..<colon].lowercased()] = String(value)
    }
    let rest = answer[end.upperBound...]
    let body: [UInt8]
    if let coding = fields["transfer-encoding"] {
      guard coding.lowercased() == "chunked" else { throw .answer }
      body = try unchunked(rest)
    } else if let length = fields["content-length"] {
      guard let count = Int(length), count >= 0, rest.count >= count else { throw .answer }
      body = Array(rest.prefix(count))
    } else {
      body = Array(rest)
    }
    return FetchedDocument(body, maxAgeSeconds: fields["cache-control"].flatMap(maxAge))
  }

  /// RFC 9112 §7.1.
  private static func unchunked(_ bytes: ArraySlice<UInt8>) throws(Failure) -> [UInt8] {
    var rest = bytes
    var body: [UInt8] = []
    while let end = rest.firstRange(of: [0x0D, 0x0A]) {
      let line = String(decoding: rest[..<end.lowerBound], as: UTF8.self)
      guard let count = Int(line.prefix { $0 != ";" && $0 != " " }, radix: 16), count >= 0 else { throw .answer }
      if count == 0 { return body }
      rest = rest[end.upperBound...]
      guard rest.count >= 2, count <= rest.count - 2 else { throw .answer }
      body += rest.prefix(count)
      rest = rest.dropFirst(count + 2)
    }
    throw .answer
  }

  private static func maxAge(_ field: String) -> Int? {
    for item in field.lowercased().split(separator: ",") {
      let item = item.drop { $0 == " " }
      if item == "no-store" || item == "no-cache" { return 0 }
      if item.hasPrefix("max-age=") { return Int(item.dropFirst(8)).map { max($0, 0) } }
    }
    return nil
  }

  /// Who waits for an answer: whatever comes first counts.
  private final class Waiter: Sendable {
    private enum State {
      case idle
      case waiting(CheckedContinuation<FetchedDocument, any Error>)
      case done(Result<FetchedDocument, Failure>)
    }

    private let state = Mutex(State.idle)

    func wait(_ continuation: CheckedContinuation<FetchedDocument, any Error>) {
      let done = state.withLock { state -> Result<FetchedDocument, Failure>? in
        if case .done(let result) = state { return result }
        state = .waiting(continuation)
        return nil
      }
      if let done { continuation.resume(with: done.mapError { $0 }) }
    }

    func finish(_ result: Result<FetchedDocument, Failure>) {
      let waiting = state.withLock { state -> CheckedContinuation<FetchedDocument, any Error>? in
        defer { if case .done = state {} else { state = .done(result) } }
        if case .waiting(let continuation) = state { return continuation }
        return nil
      }
      waiting?.resume(with: result.mapError { $0 })
    }
  }

  /// A thread for one piece of blocking work.
  private final class WorkThread {
    private let work: @Sendable () -> Void

    private init(_ work: @escaping @Sendable () -> Void) { self.work = work }

    static func start(_ work: @escaping @Sendable () -> Void) {
      let box = Unmanaged.passRetained(WorkThread(work))
      var thread = pthread_t()
      let failed = pthread_create(
        &thread, nil,
        { context in
          // A peer that goes away is an error of the write, not the end of the process.
          var signals = sigset_t()
          sigemptyset(&signals)
          sigaddset(&signals, SIGPIPE)
          pthread_sigmask(SIG_BLOCK, &signals, nil)
          guard let context else { return nil }
          Unmanaged<WorkThread>.fromOpaque(context).takeRetainedValue().work()
          return nil
        }, box.toOpaque())
      guard failed == 0 else {
        box.takeRetainedValue().work()
        return
      }
      pthread_detach(thread)
    }
  }
}
