import HTTPServer
import Synchronization

/// Counts what the server does, as Prometheus counters: a few relaxed additions per request.
///
/// It is `@unchecked Sendable` because of the pointers to its counters, which are made in `init`, freed in `deinit` and
/// never change in between; the counters themselves are atomic.
final class Metrics: @unchecked Sendable {
  /// Upper bounds of the duration histogram in nanoseconds.
  static let bounds: [UInt64] = [
    100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000,
    250_000_000, 500_000_000, 1_000_000_000, 2_500_000_000, 10_000_000_000,
  ]
  static let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"]
  /// The statuses counted by themselves; others are counted together as `other`.
  static let statuses: [Int] = [
    200, 201, 204, 304, 400, 401, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 417, 422, 429, 431, 500,
    501, 503, 505,
  ]

  private static let statusCount = statuses.count + 1
  private static let durationCount = bounds.count + 1
  private static let refusalStart = Activity.allCases.count * methods.count * statusCount
  private static let durationStart = refusalStart + statusCount
  private static let sumStart = durationStart + Activity.allCases.count * durationCount
  private static let bytesStart = sumStart + Activity.allCases.count
  private static let total = bytesStart + 2
  private static let slotOfStatus: [UInt8] = {
    var slots = [UInt8](repeating: UInt8(statuses.count), count: 600)
    for (slot, status) in statuses.enumerated() { slots[status] = UInt8(slot) }
    return slots
  }()

  private let counters: UnsafeMutablePointer<Atomic<Int>>

  init() {
    counters = .allocate(capacity: Self.total)
    for place in 0..<Self.total { (counters + place).initialize(to: Atomic(0)) }
  }

  deinit {
    counters.deinitialize(count: Self.total)
    counters.deallocate()
  }

  /// A request was handled.
  func record(_ activity: Activity, _ method: HTTPMethod, status: Int, nanoseconds: UInt64) {
    add(1, at: (activity.rawValue * Self.methods.count + Self.slot(method)) * Self.statusCount + Self.slot(status))
    let bucket = Self.bounds.firstIndex { nanoseconds <= $0 } ?? Self.bounds.count
    add(1, at: Self.durationStart + activity.rawValue * Self.durationCount + bucket)
    add(Int(truncatingIfNeeded: nanoseconds), at: Self.sumStart + activity.rawValue)
  }

  /// An answer left the server, from a handler or not.
  func record(_ exchange: HTTPExchange) {
    add(exchange.bytesIn, at: Self.bytesStart)
    add(exchange.bytesOut, at: Self.bytesStart + 1)
    // Only what reached no handler takes no time.
    if exchange.nanoseconds == 0 { add(1, at: Self.refusalStart + Self.slot(exchange.status)) }
  }

  private func add(_ count: Int, at place: Int) { counters[place].wrappingAdd(count, ordering: .relaxed) }

  private func value(_ place: Int) -> Int { counters[place].load(ordering: .relaxed) }

  private static func slot(_ status: Int) -> Int {
    slotOfStatus.indices.contains(status) ? Int(slotOfStatus[status]) : statuses.count
  }

  private static func slot(_ method: HTTPMethod) -> Int {
    switch method {
    case .get: 0
    case .head: 1
    case .post: 2
    case .put: 3
    case .patch: 4
    case .delete: 5
    case .options: 6
    case .other: 7
    }
  }

  // MARK: Reading

  /// The counters as samples; those that are still 0 are left out.
  var samples: [MetricSample] {
    requestSamples + refusalSamples + durationSamples + [
      MetricSample("aceso_http_received_bytes_total", .counter, "Bytes of requests.", Double(value(Self.bytesStart))),
      MetricSample("aceso_http_sent_bytes_total", .counter, "Bytes of answers.", Double(value(Self.bytesStart + 1))),
    ]
  }

  private static func statusName(_ slot: Int) -> String { slot < statuses.count ? String(statuses[slot]) : "other" }

  private var requestSamples: [MetricSample] {
    var samples: [MetricSample] = []
    for activity in Activity.allCases {
      for (place, method) in Self.methods.enumerated() {
        for slot in 0..<Self.statusCount {
          let count = value((activity.rawValue * Self.methods.count + place) * Self.statusCount + slot)
          guard count > 0 else { continue }
          samples.append(
            MetricSample(
              "aceso_http_requests_total", .counter, "Requests handled.", Double(count),
              [("method", method), ("interaction", activity.name), ("status", Self.statusName(slot))]))
        }
      }
    }
    return samples
  }

  private var refusalSamples: [MetricSample] {
    (0..<Self.statusCount).compactMap { slot in
      let count = value(Self.refusalStart + slot)
      guard count > 0 else { return nil }
      return MetricSample(
        "aceso_http_refused_total", .counter, "Requests refused while they were received.", Double(count),
        [("status", Self.statusName(slot))])
    }
  }

  private var durationSamples: [MetricSample] {
    var samples: [MetricSample] = []
    let name = "aceso_http_request_duration_seconds"
    for activity in Activity.allCases {
      let start = Self.durationStart + activity.rawValue * Self.durationCount
      var below = 0
      let counts = (0..<Self.durationCount).map { value(start + $0) }
      guard counts.contains(where: { $0 > 0 }) else { continue }
      for (place, count) in counts.enumerated() {
        below += count
        let bound = place < Self.bounds.count ? "\(Double(Self.bounds[place]) / 1e9)" : "+Inf"
        samples.append(
          MetricSample(
            name, .histogram, "From the whole request to its answer.", Double(below),
            [("interaction", activity.name), ("le", bound)], suffix: "_bucket"))
      }
      let labels = [("interaction", activity.name)]
      let sum = Double(value(Self.sumStart + activity.rawValue)) / 1e9
      samples.append(MetricSample(name, .histogram, "", sum, labels, suffix: "_sum"))
      samples.append(MetricSample(name, .histogram, "", Double(below), labels, suffix: "_count"))
    }
    return samples
  }
}
