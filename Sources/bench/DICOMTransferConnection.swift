import Glibc

/// A request as the pieces it is sent in.
struct TransferRequest {
  let pieces: [[UInt8]]

  init(_ pieces: [UInt8]...) { self.pieces = pieces }
}

/// An answer; of its body only the beginning is kept.
struct TransferAnswer {
  let head: [UInt8]
  let body: [UInt8]
  let bodyCount: Int

  /// 0 if the status line is none.
  var status: Int { LoadResponse(bytes: head[...], headEnd: head.count).status }

  func header(_ name: StaticString) -> String? { LoadResponse(bytes: head[...], headEnd: head.count).header(name) }
}

/// One kept-alive HTTP/1.1 connection for large bodies: requests are sent from where they are, and of answers no more
/// is kept than a workload looks at, however long they are.
final class TransferConnection {
  private enum Body {
    case length(Int)
    /// RFC 9112 §7.1: in the line of a size, in data of a size, in the line after it, in the trailer.
    case chunkSize, chunkData(Int), chunkEnd, trailer
    case untilClose
    case done
  }

  enum Progress { case incomplete, complete(TransferAnswer), gone }

  static let keptMax = 4 << 20
  private static let bufferBytes = 1 << 20

  let descriptor: Int32
  var sentAt: UInt64 = 0
  private var pieces: ArraySlice<[UInt8]> = []
  private var offset = 0
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferBytes, alignment: 16)
  private var head: [UInt8] = []
  private var isHeadDone = false
  private var state = Body.done
  private var line: [UInt8] = []
  private var kept: [UInt8] = []
  private var bodyCount = 0

  var wantsToWrite: Bool { !pieces.isEmpty }

  init?(port: UInt16) {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { return nil }
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
  }

  deinit {
    buffer.deallocate()
    if descriptor >= 0 { close(descriptor) }
  }

  func begin(_ request: TransferRequest, at now: UInt64) -> Bool {
    pieces = request.pieces.filter { !$0.isEmpty }[...]
    offset = 0
    head = []
    kept = []
    line = []
    isHeadDone = false
    bodyCount = 0
    sentAt = now
    return write()
  }

  /// Sends what the socket takes; false when the connection is gone.
  func write() -> Bool {
    while let piece = pieces.first {
      let count = piece.withUnsafeBytes { bytes in
        send(descriptor, bytes.baseAddress.map { $0 + offset }, bytes.count - offset, Int32(MSG_NOSIGNAL))
      }
      if count < 0 { return errno == EAGAIN || errno == EINTR }
      offset += count
      if offset == piece.count {
        pieces.removeFirst()
        offset = 0
      }
    }
    return true
  }

  /// Receives what is there.
  func receive() -> Progress {
    let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
    if count < 0 { return errno == EAGAIN || errno == EINTR ? .incomplete : .gone }
    if count == 0 {
      if case .untilClose = state, isHeadDone { return .complete(answer) }
      return .gone
    }
    take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    if case .done = state, isHeadDone { return .complete(answer) }
    return .incomplete
  }

  private var answer: TransferAnswer { TransferAnswer(head: head, body: kept, bodyCount: bodyCount) }

  private func take(_ bytes: UnsafeRawBufferPointer) {
    var place = 0
    while !isHeadDone, place < bytes.count {
      head.append(bytes[place])
      place += 1
      if head.count >= 4, head.suffix(4).elementsEqual([13, 10, 13, 10]) { beginBody() }
    }
    while place < bytes.count {
      switch state {
      case .done: return
      case .untilClose: keep(bytes, &place, bytes.count - place)
      case .length(let rest):
        let count = min(rest, bytes.count - place)
        keep(bytes, &place, count)
        state = rest == count ? .done : .length(rest - count)
      case .chunkData(let rest):
        let count = min(rest, bytes.count - place)
        keep(bytes, &place, count)
        state = rest == count ? .chunkEnd : .chunkData(rest - count)
      case .chunkSize, .chunkEnd, .trailer:
        let byte = bytes[place]
        place += 1
        if byte == 10 { endLine() } else if byte != 13 { line.append(byte) }
      }
    }
  }

  private func keep(_ bytes: UnsafeRawBufferPointer, _ place: inout Int, _ count: Int) {
    let room = min(count, Self.keptMax - kept.count)
    if room > 0 { kept.append(contentsOf: bytes[place..<place + room]) }
    bodyCount += count
    place += count
  }

  private func endLine() {
    defer { line = [] }
    switch state {
    case .chunkEnd: state = .chunkSize
    case .trailer: if line.isEmpty { state = .done }
    default:
      let digits = line.prefix { $0 != UInt8(ascii: ";") }
      let size = Int(String(decoding: digits, as: UTF8.self), radix: 16) ?? 0
      state = size == 0 ? .trailer : .chunkData(size)
    }
  }

  private func beginBody() {
    isHeadDone = true
    let answer = self.answer
    if let length = answer.header("content-length").flatMap({ Int($0) }) {
      state = length == 0 ? .done : .length(length)
    } else if answer.header("transfer-encoding") != nil {
      state = .chunkSize
    } else {
      state = answer.status == 204 || answer.status == 304 ? .done : .untilClose
    }
    // RFC 9110 §15.4.5: the length is that of the answer it stands for.
    if answer.status == 304 { state = .done }
  }
}
