import Base
import FoundationEssentials
import Glibc
import JSONCore

/// Measures a device service: messages from HTTP batches to committed Observations, with the `vitals` mapping.
struct DeviceBench {
  struct Refusal: Error { let text: String }

  private static let begin = "<!-- device-bench: begin -->"
  private static let end = "<!-- device-bench: end -->"
  private static let service = "/default/devices"
  private static let connections = 2
  private static let messagesPerRequest = 500
  private static let drainSecondsMax = 600.0
  private static let manyTemplates = 100

  private struct Row {
    let name: String
    let figure: String
    let detail: String
    let goal: String
  }

  private let options: Options
  private let folder: String
  private var rows: [Row] = []

  init(_ options: Options) throws {
    self.options = options
    folder = FileManager.default.temporaryDirectory.path + "/aceso-device-bench-\(getpid())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  mutating func measureAll() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let messages = options.isQuick ? 20_000 : 400_000
    let server = try ServerProcess(options.aceso, health: Run.healthPath, log: "\(folder)/log") { [folder] port in
      [
        "serve", "--data-dir", "\(folder)/data", "--host", "127.0.0.1", "--port", "\(port)", "--dicom-service", "",
        "--device-service", "devices=vitals",
      ]
    }
    let client = DeviceClient(server: server, path: Self.service)
    try measure(
      "One message a second of 200 devices", client, devices: 200, messages, goal: "≥ 4,000/s per core, then 10,000")
    try measure("One message a second of 5,000 devices", client, devices: 5_000, messages / 2, first: 200)
    let memory = Double(server.residentBytes) / 1_048_576
    try measureLatency(client, perSecond: options.isQuick ? 1_000 : 5_000)
    try client.putTemplates(Self.manyTemplates)
    try measure(
      "The same with 100 templates", client, devices: 200, messages / 4, first: 10_000, goal: "linear in templates")
    add("Memory after this", "\(memory.text(0)) MiB", "", goal: "flat")
    server.stop()
  }

  private mutating func add(_ name: String, _ figure: String, _ detail: String, goal: String = "") {
    rows.append(Row(name: name, figure: figure, detail: detail, goal: goal))
    Report.say("  \(name.padded(to: 44)) \(figure.padded(to: 20)) \(detail)")
  }

  /// From the first request until the last Observation is committed.
  private mutating func measure(
    _ name: String, _ client: DeviceClient, devices: Int, _ messages: Int, first: Int = 0, goal: String = ""
  ) throws {
    let before = try client.state()
    var workload = MessageWorkload(
      client, devices: first..<(first + devices), requests: messages / Self.messagesPerRequest,
      messagesPerRequest: Self.messagesPerRequest)
    let processor = client.server.processorSeconds
    let began = monotonicNanoseconds()
    let sent = try LoadClient(server: client.server).run(&workload, connections: Self.connections, seconds: nil)
    guard sent.refused == 0 else { throw Refusal(text: "\(sent.refused) requests refused: \(sent.firstRefusal)") }
    let state = try client.drained(secondsMax: Self.drainSecondsMax)
    let took = seconds(since: began)
    let cost = client.server.processorSeconds - processor
    let count = Double(state.messages - before.messages)
    add(
      name, "\((count / cost).text(0))/s per core",
      "\((count / took).text(0))/s, \((cost * 1e6 / count).text(0)) µs CPU each; request of \(Self.messagesPerRequest) "
        + "p50 \(sent.percentile(0.5).text(1)) ms, p99 \(sent.percentile(0.99).text(1)) ms; "
        + "\(state.quarantined) put aside", goal: goal)
  }

  /// From a request's sending until its messages' Observations are committed, at a rate.
  private mutating func measureLatency(_ client: DeviceClient, perSecond: Int) throws {
    var latencies: [Double] = []
    let perRequest = max(1, perSecond / 20)
    var workload = MessageWorkload(client, devices: 20_000..<20_200, requests: .max, messagesPerRequest: perRequest)
    guard let sender = ClientConnection(port: client.server.port) else { throw Refusal(text: "cannot connect") }
    let began = monotonicNanoseconds()
    var waiting: [(number: Int, at: UInt64)] = []
    var turn = 0
    while seconds(since: began) < options.seconds {
      if seconds(since: began) >= Double(turn) / 20 {
        turn += 1
        let at = monotonicNanoseconds()
        guard let request = workload.next(0), let answer = sender.exchange(request), answer.status == 202 else {
          throw Refusal(text: "a request was refused")
        }
        waiting.append((try client.last(in: answer), at))
      }
      let consumed = try client.state().consumed
      while let first = waiting.first, first.number <= consumed {
        latencies.append(seconds(since: first.at) * 1_000)
        waiting.removeFirst()
      }
      usleep(2_000)
    }
    latencies.sort()
    guard !latencies.isEmpty else { throw Refusal(text: "nothing was worked through in time") }
    func percentile(_ share: Double) -> Double {
      latencies[min(latencies.count - 1, Int(Double(latencies.count) * share))]
    }
    add(
      "Arrival to commit at \(Double(perSecond).text(0)) messages/s", "p99 \(percentile(0.99).text(0)) ms",
      "p50 \(percentile(0.5).text(0)) ms, \(latencies.count) requests of \(perRequest)", goal: "p99 ≤ 1,000 ms")
    _ = try client.drained(secondsMax: Self.drainSecondsMax)
  }

  /// Puts the table into the document in the place of the last one.
  func record(in path: String, about machine: String) -> Bool {
    var text = "\n\(machine)\n\n| what | figure | detail | goal |\n|---|---:|---|---|\n"
    for row in rows { text += "| \(row.name) | \(row.figure) | \(row.detail) | \(row.goal) |\n" }
    return SmallFile.replace(between: Self.begin, and: Self.end, with: text, in: path)
  }
}

/// Speaks to a device service.
struct DeviceClient {
  struct State {
    var messages = 0
    var waiting = 0
    var quarantined = 0
    var consumed: Int { messages - waiting }
  }

  let server: ServerProcess
  let path: String

  func request(_ method: String, _ below: String, _ body: [UInt8] = [], type: String = "application/json") -> [UInt8] {
    Array(
      """
      \(method) \(path)\(below) HTTP/1.1\r
      Host: 127.0.0.1:\(server.port)\r
      Content-Type: \(type)\r
      Content-Length: \(body.count)\r
      \r

      """.utf8) + body
  }

  private func ask(_ method: String, _ below: String, _ body: [UInt8] = []) throws -> JSONDocument {
    guard let answer = ClientConnection(port: server.port)?.exchange(request(method, below, body)), answer.status == 200
    else { throw DeviceBench.Refusal(text: "\(method) \(path)\(below) is refused") }
    return try JSONDocument(Array(answer.body))
  }

  func state() throws -> State {
    let document = try ask("GET", "")
    func number(_ name: JSONKey) -> Int {
      document.member(document.root, name).flatMap { document.integer($0) } ?? 0
    }
    return State(messages: number("messages"), waiting: number("waiting"), quarantined: number("quarantined"))
  }

  /// The number of the last message that a request brought.
  func last(in answer: LoadResponse) throws -> Int {
    let document = try JSONDocument(Array(answer.body))
    return document.member(document.root, "last").flatMap { document.integer($0) } ?? 0
  }

  func drained(secondsMax: Double) throws -> State {
    let began = monotonicNanoseconds()
    while true {
      let state = try state()
      if state.waiting == 0 { return state }
      guard seconds(since: began) < secondsMax else { throw DeviceBench.Refusal(text: "messages are left") }
      usleep(5_000)
    }
  }

  /// Puts a mapping in force that has so many templates, the last of which is about heart rates.
  func putTemplates(_ count: Int) throws {
    func template(_ type: String, _ member: String) -> String {
      """
      {"templateType":"CalculatedContent","template":{"typeName":"\(type)","typeMatchExpression":"$..[?(@\(member))]",\
      "deviceIdExpression":"$.matchedToken.deviceId","patientIdExpression":"$.matchedToken.patientId",\
      "timestampExpression":"$.matchedToken.timestamp","values":[{"valueName":"hr","valueExpression":"$.matchedToken.\
      \(member)","required":true}]}}
      """
    }
    let templates =
      (1..<count).map { template("type\($0)", "member\($0)") } + [template("heartRate", "heartRate")]
    let mapping = #"{"templateType":"CollectionContent","template":[\#(templates.joined(separator: ","))]}"#
    _ = try ask("PUT", "/mappings/device", Array(mapping.utf8))
  }
}

/// Heart rates of many devices, one for each second of a day that begins anew with each run.
private struct MessageWorkload: Workload {
  private let client: DeviceClient
  private let devices: Range<Int>
  private var requests: Int
  private let messagesPerRequest: Int
  private var number = 0

  init(_ client: DeviceClient, devices: Range<Int>, requests: Int, messagesPerRequest: Int) {
    self.client = client
    self.devices = devices
    self.requests = requests
    self.messagesPerRequest = messagesPerRequest
  }

  mutating func next(_ connection: Int) -> [UInt8]? {
    guard requests > 0 else { return nil }
    requests -= 1
    var body: [UInt8] = []
    body.reserveCapacity(messagesPerRequest * 110)
    for _ in 0..<messagesPerRequest {
      let device = devices.lowerBound + number % devices.count
      let second = number / devices.count
      let rate = 60 + (number * 7 + device) % 60
      body += "{\"deviceId\":\"device-\(device)\",\"patientId\":\"patient-\(device)\",\"timestamp\":\"2026-11-".utf8
      body += "\(10 + second / 86_400)T\(two(second / 3_600 % 24)):\(two(second / 60 % 60)):\(two(second % 60))Z\"".utf8
      body += ",\"heartRate\":\(rate)}\n".utf8
      number += 1
    }
    return client.request("POST", "/messages", body, type: "application/x-ndjson")
  }

  private func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

  func accepts(_ response: LoadResponse, _ connection: Int) -> Bool { response.status == 202 }
}
