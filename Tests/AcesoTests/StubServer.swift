import Glibc
import Synchronization
import TestSupport

/// An HTTP server of a few lines, whose answers a test writes down one by one.
final class StubServer: Sendable {
  enum Step: Sendable {
    /// Takes a whole request, then sends these bytes.
    case answer(String)
    /// Sends these bytes as soon as the head has come, and closes without reading on.
    case answerAtOnce(String)
    /// Closes after so many bytes of a request.
    case hangUp(after: Int)
  }

  struct Request: Sendable {
    let head: String
    let body: [UInt8]
  }

  let port: UInt16
  private let listener: Int32
  private let steps: Mutex<ArraySlice<Step>>
  private let received = Mutex<[Request]>([])

  var requests: [Request] { received.withLock { $0 } }

  /// - Parameter port: 0 for any.
  init(_ steps: [Step], port: UInt16 = 0) throws {
    self.steps = Mutex(steps[...])
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var on: Int32 = 1
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(listener, pointer, length) == 0 && listen(listener, 16) == 0
          && getsockname(listener, pointer, &length) == 0
      }
    }
    guard isBound else { throw StubError() }
    self.port = UInt16(bigEndian: address.sin_port)
    var thread = pthread_t()
    let owner = Unmanaged.passRetained(self)
    pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<StubServer>.fromOpaque(argument).takeRetainedValue().serve()
        return nil
      }, owner.toOpaque())
    pthread_detach(thread)
  }

  /// No connection is taken any more.
  func stop() {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  private func serve() {
    while true {
      let connection = accept(listener, nil, nil)
      guard connection >= 0 else { return }
      while let step = steps.withLock({ $0.popFirst() }), carryOut(step, connection) {}
      close(connection)
      if steps.withLock({ $0.isEmpty }) { return }
    }
  }

  /// False where the connection is to be closed.
  private func carryOut(_ step: Step, _ connection: Int32) -> Bool {
    switch step {
    case .hangUp(let count):
      _ = read(connection, until: { $0.count >= count })
      return false
    case .answerAtOnce(let text):
      _ = read(connection, until: { Self.headEnd($0) != nil })
      write(text, connection)
      return false
    case .answer(let text):
      var end = 0
      var length = 0
      let bytes = read(connection) { bytes in
        guard let found = Self.headEnd(bytes) else { return false }
        end = found
        let head = String(decoding: bytes[..<found], as: UTF8.self)
        let field = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
        length = field.flatMap { Int($0.drop { $0 != ":" }.dropFirst().drop { $0 == " " }) } ?? 0
        return bytes.count >= found + length
      }
      guard bytes.count >= end + length, end > 0 else {
        // The client had nothing more to say on this connection: the step is another's.
        steps.withLock { $0 = [step] + $0 }
        return false
      }
      received.withLock {
        $0.append(
          Request(head: String(decoding: bytes[..<end], as: UTF8.self), body: Array(bytes[end..<end + length])))
      }
      write(text, connection)
      return !text.lowercased().contains("connection: close")
    }
  }

  private static func headEnd(_ bytes: [UInt8]) -> Int? {
    let end = Array("\r\n\r\n".utf8)
    guard bytes.count >= 4 else { return nil }
    return (0...bytes.count - 4).first { bytes[$0..<$0 + 4].elementsEqual(end) }.map { $0 + 4 }
  }

  private func read(_ connection: Int32, until isEnough: ([UInt8]) -> Bool) -> [UInt8] {
    var all: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while !isEnough(all) {
      let count = recv(connection, &chunk, chunk.count, 0)
      guard count > 0 else { return all }
      all += chunk[..<count]
    }
    return all
  }

  private func write(_ text: String, _ connection: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }
}

struct StubError: Error {}
