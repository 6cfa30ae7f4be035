import Base

/// The same requests in turn, each connection beginning at another one.
struct RepeatedRequests: Workload {
  private let requests: [[UInt8]]
  private var position = 0

  init(_ requests: [[UInt8]]) { self.requests = requests }

  mutating func next(_ connection: Int) -> [UInt8]? {
    guard !requests.isEmpty else { return nil }
    // A step without a common divisor with most lengths, so that neighbours in the store are not neighbours in time.
    position = (position + 7_919) % requests.count
    return requests[position]
  }

  func accepts(_ response: LoadResponse, _ connection: Int) -> Bool { response.status == 200 }
}

/// Each request once, in order, on whichever connection is free.
struct RequestsOnce: Workload {
  private var requests: ArraySlice<[UInt8]>

  init(_ requests: [[UInt8]]) { self.requests = requests[...] }

  mutating func next(_ connection: Int) -> [UInt8]? { requests.popFirst() }

  func accepts(_ response: LoadResponse, _ connection: Int) -> Bool { response.status == 200 || response.status == 201 }
}

/// Each connection sends requests of its own in turn, such as two changes of one resource that undo each other.
struct RequestsOfConnections: Workload {
  private let requests: [[[UInt8]]]
  private var positions: [Int]

  /// - Parameter requests: one list for each connection.
  init(_ requests: [[[UInt8]]]) {
    self.requests = requests
    positions = requests.map { _ in 0 }
  }

  mutating func next(_ connection: Int) -> [UInt8]? {
    let own = requests[connection]
    guard !own.isEmpty else { return nil }
    positions[connection] = (positions[connection] + 1) % own.count
    return own[positions[connection]]
  }

  func accepts(_ response: LoadResponse, _ connection: Int) -> Bool { response.status == 200 }
}

/// Each connection takes the sample types in turn, and creates, reads, updates and deletes one resource: the loop of
/// the public FHIR server comparison by Health Samurai. All four count as requests.
struct CRUDMix: Workload {
  private enum Step { case create, read, update, delete }
  private struct Turn {
    var sample: Int
    var step: Step = .create
    var reference = ""
  }

  private let requests: Requests
  private let samples: [(type: String, json: [UInt8])]
  private let creates: [[UInt8]]
  private var turns: [Turn]

  /// - Parameter samples: JSON objects of resources that begin with `resourceType` and carry no id.
  init(_ requests: Requests, samples: [(type: String, json: [UInt8])], connections: Int) {
    self.requests = requests
    self.samples = samples
    creates = samples.map { requests.send("POST", $0.type, $0.json) }
    turns = (0..<connections).map { Turn(sample: $0 % max(1, samples.count)) }
  }

  mutating func next(_ connection: Int) -> [UInt8]? {
    let turn = turns[connection]
    let sample = samples[turn.sample]
    switch turn.step {
    case .create: return creates[turn.sample]
    case .read: return requests.read(turn.reference)
    case .delete: return requests.delete(turn.reference)
    case .update:
      let id = turn.reference.split(separator: "/").last ?? ""
      return requests.send("PUT", turn.reference, Self.edited(sample.json, id: String(id)))
    }
  }

  /// The same resource with its id and another language, so that it is a change.
  private static func edited(_ json: [UInt8], id: String) -> [UInt8] {
    Array(#"{"id":"\#(id)","language":"en","#.utf8) + json.dropFirst()
  }

  mutating func accepts(_ response: LoadResponse, _ connection: Int) -> Bool {
    switch turns[connection].step {
    case .create:
      guard response.status == 201, let reference = Self.reference(response.header("location")) else { return false }
      turns[connection].reference = reference
      turns[connection].step = .read
      return true
    case .read:
      turns[connection].step = .update
      return response.status == 200
    case .update:
      turns[connection].step = .delete
      return response.status == 200
    case .delete:
      turns[connection] = Turn(sample: (turns[connection].sample + 1) % samples.count)
      return response.status == 204 || response.status == 200
    }
  }

  /// `Type/id` of a `Location` such as `http://host/base/Type/id/_history/1`.
  static func reference(_ location: String?) -> String? {
    guard let parts = location?.split(separator: "/"), let history = parts.lastIndex(of: "_history"), history >= 2
    else { return nil }
    return "\(parts[history - 2])/\(parts[history - 1])"
  }
}
