import Base
import Glibc

/// What is transferred: a closed loop, each connection sends its next request when it has its answer.
protocol Transfer {
  mutating func next(_ connection: Int) -> TransferRequest?
  /// Looks at an answer; false if it is not what was to come.
  mutating func accepts(_ answer: TransferAnswer, _ connection: Int) -> Bool
}

/// What came of it.
struct TransferFigure {
  var measurement = Measurement()
  /// Of bodies, both ways.
  var bytes = 0

  var megabytesPerSecond: Double { measurement.seconds > 0 ? Double(bytes) / 1e6 / measurement.seconds : 0 }
  /// Milliseconds of the server's processors for one request.
  var cost: Double { measurement.serverMicrosecondsEach / 1_000 }
}

/// Drives connections from one thread with poll(2), as `LoadClient` does, but for bodies of any length.
struct TransferClient {
  struct Refusal: Error { let text: String }

  private static let silenceMillisecondsMax: Int32 = 120_000

  let server: ServerProcess

  func run<T: Transfer>(_ transfer: inout T, connections: Int, seconds limit: Double?) throws -> TransferFigure {
    var clients = try (0..<connections).map { _ in try connect() }
    var polls = clients.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    var figure = TransferFigure()
    let processorBefore = server.processorSeconds
    let began = monotonicNanoseconds()
    let end = limit.map { began + UInt64($0 * 1e9) } ?? .max
    var active = 0
    for index in clients.indices where try send(&transfer, index, clients[index], &polls, &figure) { active += 1 }
    while active > 0 {
      guard poll(&polls, nfds_t(polls.count), Self.silenceMillisecondsMax) > 0 else {
        throw Refusal(text: "the server is silent")
      }
      for index in clients.indices where polls[index].revents != 0 {
        let client = clients[index]
        if client.wantsToWrite, !client.write() { throw Refusal(text: "the server closed a connection") }
        polls[index].events = Int16(client.wantsToWrite ? POLLIN | POLLOUT : POLLIN)
        guard polls[index].revents & ~Int16(POLLOUT) != 0 else { continue }
        switch client.receive() {
        case .incomplete: continue
        case .gone: throw Refusal(text: "the server closed a connection")
        case .complete(let answer):
          let now = monotonicNanoseconds()
          record(answer, now - client.sentAt, transfer.accepts(answer, index), &figure)
          if answer.header("connection")?.lowercased() == "close" {
            clients[index] = try connect()
            polls[index].fd = clients[index].descriptor
          }
          let goesOn = try now < end && send(&transfer, index, clients[index], &polls, &figure)
          if !goesOn {
            active -= 1
            polls[index].fd = -1
          }
        }
      }
    }
    figure.measurement.seconds = Double(monotonicNanoseconds() - began) / 1e9
    figure.measurement.serverProcessorSeconds = server.processorSeconds - processorBefore
    figure.measurement.latencies.sort()
    return figure
  }

  private func connect() throws -> TransferConnection {
    guard let client = TransferConnection(port: server.port) else { throw Refusal(text: "cannot connect") }
    return client
  }

  private func record(_ answer: TransferAnswer, _ latency: UInt64, _ accepted: Bool, _ figure: inout TransferFigure) {
    figure.measurement.latencies.append(latency)
    figure.bytes += answer.bodyCount
    guard !accepted else { return }
    if figure.measurement.refused == 0 {
      let text = String(decoding: answer.body.prefix(600), as: UTF8.self)
      figure.measurement.firstRefusal = "\(answer.status) \(text)"
    }
    figure.measurement.refused += 1
  }

  private func send<T: Transfer>(
    _ transfer: inout T, _ index: Int, _ client: TransferConnection, _ polls: inout [pollfd],
    _ figure: inout TransferFigure
  ) throws -> Bool {
    guard let request = transfer.next(index) else {
      polls[index].fd = -1
      return false
    }
    // The first piece is the head.
    figure.bytes += request.pieces.dropFirst().reduce(0) { $0 + $1.count }
    guard client.begin(request, at: monotonicNanoseconds()) else {
      throw Refusal(text: "the server closed a connection")
    }
    polls[index].events = Int16(client.wantsToWrite ? POLLIN | POLLOUT : POLLIN)
    return true
  }

  /// One request and its answer.
  func ask(_ request: TransferRequest) throws -> TransferAnswer {
    var asking = OneTransfer(request: request)
    _ = try run(&asking, connections: 1, seconds: nil)
    guard let answer = asking.answer else { throw Refusal(text: "no answer") }
    return answer
  }
}

private struct OneTransfer: Transfer {
  let request: TransferRequest
  var answer: TransferAnswer?
  private var isSent = false

  init(request: TransferRequest) { self.request = request }

  mutating func next(_ connection: Int) -> TransferRequest? {
    defer { isSent = true }
    return isSent ? nil : request
  }

  mutating func accepts(_ answer: TransferAnswer, _ connection: Int) -> Bool {
    self.answer = answer
    return true
  }
}
