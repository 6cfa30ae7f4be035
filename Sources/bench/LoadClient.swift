import Base
import Glibc

/// What a load client sends: a closed loop, each connection sends its next request when it has its answer.
protocol Workload {
  /// The next request on this connection; nil when it has nothing more to send.
  mutating func next(_ connection: Int) -> [UInt8]?
  /// Looks at an answer; false if it is not what was to come.
  mutating func accepts(_ response: LoadResponse, _ connection: Int) -> Bool
}

/// What came of one run.
struct Measurement {
  var seconds = 0.0
  var serverProcessorSeconds = 0.0
  var refused = 0
  /// The first answer that was not accepted.
  var firstRefusal = ""
  /// Nanoseconds, ascending.
  var latencies: [UInt64] = []

  var count: Int { latencies.count }
  var perSecond: Double { seconds > 0 ? Double(count) / seconds : 0 }
  var serverMicrosecondsEach: Double { count > 0 ? serverProcessorSeconds * 1e6 / Double(count) : 0 }
  /// What one core does in a second, when it does nothing else.
  var perServerCore: Double { serverProcessorSeconds > 0 ? Double(count) / serverProcessorSeconds : 0 }

  /// In milliseconds.
  func percentile(_ share: Double) -> Double {
    guard !latencies.isEmpty else { return 0 }
    return Double(latencies[min(latencies.count - 1, Int(Double(latencies.count) * share))]) / 1e6
  }
}

/// Drives many connections from one thread with poll(2): requests are ready-made bytes, and the only work per answer
/// is to find its end.
struct LoadClient {
  struct Refusal: Error { let text: String }

  /// A server that says nothing for this long has failed.
  private static let silenceMillisecondsMax: Int32 = 60_000

  let server: ServerProcess

  /// Runs until `seconds` are over, or, without a time, until no connection has anything to send.
  func run<W: Workload>(_ workload: inout W, connections: Int, seconds limit: Double?) throws -> Measurement {
    let clients = try (0..<connections).map { _ in
      guard let client = ClientConnection(port: server.port) else { throw Refusal(text: "cannot connect") }
      client.makeNonblocking()
      return client
    }
    var polls = clients.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    var measurement = Measurement()
    measurement.latencies.reserveCapacity(1 << 18)
    let processorBefore = server.processorSeconds
    let began = monotonicNanoseconds()
    let end = limit.map { began + UInt64($0 * 1e9) } ?? .max
    var active = 0
    for index in clients.indices where try send(&workload, index, clients[index], &polls, began) { active += 1 }

    while active > 0 {
      guard poll(&polls, nfds_t(polls.count), Self.silenceMillisecondsMax) > 0 else {
        throw Refusal(text: "the server is silent")
      }
      for index in clients.indices where polls[index].revents != 0 {
        let client = clients[index]
        if client.wantsToWrite, !client.write() { throw Refusal(text: "the server closed a connection") }
        if !client.wantsToWrite { polls[index].events = Int16(POLLIN) }
        guard polls[index].revents & ~Int16(POLLOUT) != 0 else { continue }
        switch client.receive() {
        case .incomplete: continue
        case .gone: throw Refusal(text: "the server closed a connection")
        case .complete(let response):
          let now = monotonicNanoseconds()
          record(response, now - client.sentAt, workload.accepts(response, index), &measurement)
          let goesOn = try now < end && send(&workload, index, client, &polls, now)
          if !goesOn {
            active -= 1
            polls[index].fd = -1
          }
        }
      }
    }
    measurement.seconds = Double(monotonicNanoseconds() - began) / 1e9
    measurement.serverProcessorSeconds = server.processorSeconds - processorBefore
    measurement.latencies.sort()
    return measurement
  }

  private func record(_ response: LoadResponse, _ latency: UInt64, _ accepted: Bool, _ measurement: inout Measurement) {
    measurement.latencies.append(latency)
    guard !accepted else { return }
    if measurement.refused == 0 {
      measurement.firstRefusal = "\(response.status) \(String(decoding: response.body.prefix(600), as: UTF8.self))"
    }
    measurement.refused += 1
  }

  /// False when the workload has nothing more for this connection.
  private func send<W: Workload>(
    _ workload: inout W, _ index: Int, _ client: ClientConnection, _ polls: inout [pollfd], _ now: UInt64
  ) throws -> Bool {
    guard let request = workload.next(index) else {
      polls[index].fd = -1
      return false
    }
    guard client.begin(request, at: now) else { throw Refusal(text: "the server closed a connection") }
    polls[index].events = Int16(client.wantsToWrite ? POLLIN | POLLOUT : POLLIN)
    return true
  }
}
