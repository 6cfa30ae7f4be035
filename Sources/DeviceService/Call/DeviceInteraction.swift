public import Base
public import DeviceStore

/// What is asked of a device service, whichever protocol asked.
public enum DeviceInteraction: Sendable, Equatable {
  /// How the service is.
  case status
  /// Messages come in; those of IoT Hub's address are of one device.
  case accept(device: String?)
  case readMapping(MappingKind)
  case writeMapping(MappingKind)
  case debug
  case quarantine
  case readQuarantined(Int64)
  case discardQuarantined(Int64)
  /// Puts a message of the quarantine, or all of them, through once more.
  case releaseQuarantined(Int64?)
  case replay
  case readReplay(Int64)

  /// Reads a path below the service's base.
  /// - Throws: `.notFound`, `.methodNotAllowed`.
  public init(method: String, path: [String]) throws(Fault) {
    let offered = Self.offered(path)
    guard !offered.isEmpty else { throw Fault(.notFound, "The requested route was not found.") }
    let method = method == "HEAD" ? "GET" : method
    guard let found = offered.first(where: { $0.method == method }) else {
      throw Fault(.methodNotAllowed, "This method is not offered here.")
    }
    self = found.interaction
  }

  /// The methods that a path takes; none if it leads nowhere.
  public static func methods(_ path: [String]) -> [String] { offered(path).map(\.method) }

  private static func offered(_ path: [String]) -> [(method: String, interaction: DeviceInteraction)] {
    switch path.count {
    case 0: [("GET", .status)]
    case 1: offered(path[0])
    case 2: offered(path[0], path[1])
    case 3 where path[0] == "quarantine" && path[2] == "$replay":
      number(path[1]).map { [("POST", .releaseQuarantined($0))] } ?? []
    // IoT Hub's REST interface, "Send Device Event".
    case 4 where path[0] == "devices" && path[2] == "messages" && path[3] == "events":
      [("POST", .accept(device: path[1]))]
    default: []
    }
  }

  private static func offered(_ first: String) -> [(method: String, interaction: DeviceInteraction)] {
    switch first {
    // Event Hubs' REST interface, "Send event".
    case "messages": [("POST", .accept(device: nil))]
    case "$debug-mapping": [("POST", .debug)]
    case "quarantine": [("GET", .quarantine)]
    case "$replay": [("POST", .replay)]
    default: []
    }
  }

  private static func offered(_ first: String, _ second: String) -> [(method: String, interaction: DeviceInteraction)] {
    switch first {
    case "mappings":
      MappingKind(rawValue: second).map { [("GET", .readMapping($0)), ("PUT", .writeMapping($0))] } ?? []
    case "quarantine" where second == "$replay": [("POST", .releaseQuarantined(nil))]
    case "quarantine":
      number(second).map { [("GET", .readQuarantined($0)), ("DELETE", .discardQuarantined($0))] } ?? []
    case "$replay": number(second).map { [("GET", .readReplay($0))] } ?? []
    default: []
    }
  }

  private static func number(_ text: String) -> Int64? { Int64(text).flatMap { $0 > 0 ? $0 : nil } }
}

/// An interaction with all that comes with it.
public struct DeviceCall: Sendable {
  public var interaction: DeviceInteraction
  public var contentType: String?
  /// Names in lower case.
  public var fields: [(name: String, value: String)] = []
  public var body: [UInt8] = []
  /// The address's parameters.
  public var parameters: [String: String] = [:]

  public init(_ interaction: DeviceInteraction) { self.interaction = interaction }
}

/// What a device service answers.
public struct DeviceAnswer: Sendable {
  /// An HTTP status code; other protocols map it.
  public let status: Int
  /// JSON; nil for none.
  public let body: [UInt8]?

  init(_ status: Int, _ body: [UInt8]? = nil) {
    self.status = status
    self.body = body
  }
}
