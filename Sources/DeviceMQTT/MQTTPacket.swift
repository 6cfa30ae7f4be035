/// The packets of MQTT 3.1.1 (OASIS, 2014) that a client which receives messages has to do with.
enum MQTTPacket: Sendable, Equatable {
  case connect(MQTTConnect)
  case connack(sessionPresent: Bool, code: UInt8)
  case publish(MQTTPublish)
  case puback(UInt16)
  case subscribe(UInt16, filters: [String])
  case suback(UInt16, codes: [UInt8])
  case pingreq
  case pingresp
  case disconnect
}

/// §3.1
struct MQTTConnect: Sendable, Equatable {
  var clientID: String
  var keepAliveSeconds: UInt16
  var user: String?
  var password: String?
  /// Whether the server forgets the client when it goes.
  var isClean = false
}

/// §3.3
struct MQTTPublish: Sendable, Equatable {
  var topic: String
  var payload: [UInt8]
  /// 0 or 1; nothing is subscribed with 2.
  var quality: UInt8
  /// nil at quality 0.
  var identifier: UInt16?
}

/// What breaks the protocol, so that the connection is given up (§4.8).
struct MQTTError: Error, Sendable, Equatable, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

extension MQTTPacket {
  /// A packet on the wire (§2).
  var bytes: [UInt8] {
    var body: [UInt8] = []
    let head: UInt8
    switch self {
    case .connect(let connect):
      head = 0x10
      Self.append("MQTT", to: &body)
      body.append(4)
      body.append(
        (connect.isClean ? 0x02 : 0) | (connect.password == nil ? 0 : 0x40) | (connect.user == nil ? 0 : 0x80))
      Self.append(connect.keepAliveSeconds, to: &body)
      Self.append(connect.clientID, to: &body)
      if let user = connect.user { Self.append(user, to: &body) }
      if let password = connect.password { Self.append(password, to: &body) }
    case .connack(let sessionPresent, let code):
      head = 0x20
      body = [sessionPresent ? 1 : 0, code]
    case .publish(let publish):
      head = 0x30 | publish.quality << 1
      Self.append(publish.topic, to: &body)
      if let identifier = publish.identifier { Self.append(identifier, to: &body) }
      body += publish.payload
    case .puback(let identifier):
      head = 0x40
      Self.append(identifier, to: &body)
    case .subscribe(let identifier, let filters):
      head = 0x82
      Self.append(identifier, to: &body)
      for filter in filters {
        Self.append(filter, to: &body)
        body.append(1)
      }
    case .suback(let identifier, let codes):
      head = 0x90
      Self.append(identifier, to: &body)
      body += codes
    case .pingreq: head = 0xC0
    case .pingresp: head = 0xD0
    case .disconnect: head = 0xE0
    }
    return [head] + Self.length(body.count) + body
  }

  private static func append(_ number: UInt16, to bytes: inout [UInt8]) {
    bytes += [UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)]
  }

  /// §1.5.3; a text longer than the form allows is cut.
  private static func append(_ text: String, to bytes: inout [UInt8]) {
    let content = text.utf8.prefix(Int(UInt16.max))
    append(UInt16(truncatingIfNeeded: content.count), to: &bytes)
    bytes += content
  }

  /// §2.2.3
  private static func length(_ count: Int) -> [UInt8] {
    var rest = count
    var bytes: [UInt8] = []
    repeat {
      let more = rest >= 128
      bytes.append(UInt8(truncatingIfNeeded: rest & 127) | (more ? 128 : 0))
      rest >>= 7
    } while rest > 0
    return bytes
  }
}

/// Reads one packet after the other from what has come so far.
struct MQTTReader {
  /// A longer packet is none that we take.
  static let packetBytesMax = 16 << 20

  /// The length of the packet at the beginning, its head included; nil while it is not known yet.
  static func length(_ bytes: some Collection<UInt8>) throws(MQTTError) -> (head: Int, body: Int)? {
    var count = 0
    var shift = 0
    var head = 1
    for byte in bytes.dropFirst().prefix(4) {
      head += 1
      count |= Int(byte & 127) << shift
      shift += 7
      if byte < 128 {
        guard count <= packetBytesMax else { throw MQTTError("a packet is longer than \(packetBytesMax) bytes") }
        return (head, count)
      }
    }
    guard shift < 28 else { throw MQTTError("the length of a packet is malformed") }
    return nil
  }

  private var rest: ArraySlice<UInt8>

  /// Reads a packet of a known length.
  static func packet(_ first: UInt8, _ body: [UInt8]) throws(MQTTError) -> MQTTPacket {
    var reader = MQTTReader(rest: body[...])
    switch first >> 4 {
    case 1: return try reader.connect()
    case 2:
      let flags = try reader.byte()
      return .connack(sessionPresent: flags & 1 == 1, code: try reader.byte())
    case 3: return try reader.publish(first)
    case 4: return .puback(try reader.number())
    case 8:
      let identifier = try reader.number()
      var filters: [String] = []
      while !reader.rest.isEmpty {
        filters.append(try reader.text())
        _ = try reader.byte()
      }
      return .subscribe(identifier, filters: filters)
    case 9: return .suback(try reader.number(), codes: Array(reader.rest))
    case 12: return .pingreq
    case 13: return .pingresp
    case 14: return .disconnect
    default: throw MQTTError("a packet is of no type that was to come")
    }
  }

  private mutating func byte() throws(MQTTError) -> UInt8 {
    guard let byte = rest.popFirst() else { throw MQTTError("a packet is too short") }
    return byte
  }

  private mutating func number() throws(MQTTError) -> UInt16 {
    let high = try byte()
    return UInt16(high) << 8 | UInt16(try byte())
  }

  private mutating func text() throws(MQTTError) -> String {
    let count = Int(try number())
    guard count <= rest.count else { throw MQTTError("a packet is too short") }
    defer { rest = rest.dropFirst(count) }
    guard let text = String(validating: rest.prefix(count), as: UTF8.self) else {
      throw MQTTError("a text is not UTF-8")
    }
    return text
  }

  private mutating func connect() throws(MQTTError) -> MQTTPacket {
    guard try text() == "MQTT", try byte() == 4 else { throw MQTTError("the protocol is not MQTT 3.1.1") }
    let flags = try byte()
    let keepAlive = try number()
    let clientID = try text()
    let user = flags & 0x80 == 0 ? nil : try text()
    let password = flags & 0x40 == 0 ? nil : try text()
    return .connect(
      MQTTConnect(
        clientID: clientID, keepAliveSeconds: keepAlive, user: user, password: password, isClean: flags & 2 != 0))
  }

  private mutating func publish(_ first: UInt8) throws(MQTTError) -> MQTTPacket {
    let quality = first >> 1 & 3
    guard quality < 2 else { throw MQTTError("a message comes with a quality of service that was not asked for") }
    let topic = try text()
    let identifier = quality == 0 ? nil : try number()
    return .publish(MQTTPublish(topic: topic, payload: Array(rest), quality: quality, identifier: identifier))
  }
}
