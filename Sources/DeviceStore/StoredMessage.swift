/// A device message as it came, without what the log adds.
public struct MessageContent: Sendable, Equatable {
  /// JSON, if all is well.
  public var body: [UInt8]
  /// What the sender added, as a JSON object; empty for nothing.
  public var properties: [UInt8]
  /// What the broker added, as a JSON object; empty for nothing.
  public var systemProperties: [UInt8]

  public init(body: [UInt8], properties: [UInt8] = [], systemProperties: [UInt8] = []) {
    self.body = body
    self.properties = properties
    self.systemProperties = systemProperties
  }

  var byteCount: Int { body.count + properties.count + systemProperties.count }
}

/// A message in the log.
public struct StoredMessage: Sendable, Equatable {
  /// Its place in the log of its service, from 1, without gaps.
  public let number: Int64
  /// When it arrived, in units of 100 ns since 1970; no two messages of a service arrived at once.
  public let received: Int64
  public let content: MessageContent

  public init(number: Int64, received: Int64, content: MessageContent) {
    self.number = number
    self.received = received
    self.content = content
  }
}
