/// Which messages of a Kafka cluster a device service takes over.
public struct KafkaConfiguration: Sendable, Equatable {
  /// `host:port` of some brokers, with commas between them.
  public var brokers: String
  public var topic: String
  /// Processes of one group share the topic's partitions.
  public var group: String
  /// Settings of librdkafka by their names, such as `security.protocol`; they stand above ours.
  public var settings: [String: String] = [:]

  public init(brokers: String, topic: String, group: String) {
    self.brokers = brokers
    self.topic = topic
    self.group = group
  }

  /// How the Kafka endpoint of Event Hubs is reached: TLS, and SASL PLAIN with the connection string as password.
  public mutating func useEventHubs(connectionString: String) {
    settings["security.protocol"] = "sasl_ssl"
    settings["sasl.mechanism"] = "PLAIN"
    settings["sasl.username"] = "$ConnectionString"
    settings["sasl.password"] = connectionString
  }

  /// The settings that the consumer needs to be what it is: places are ours to keep.
  var all: [String: String] {
    [
      "bootstrap.servers": brokers, "group.id": group, "enable.auto.commit": "false",
      "enable.auto.offset.store": "false", "auto.offset.reset": "earliest", "isolation.level": "read_committed",
      "max.poll.interval.ms": "3600000", "session.timeout.ms": "10000", "client.id": "aceso",
      "allow.auto.create.topics": "true", "queued.max.messages.kbytes": "16384", "log_level": "0",
    ].merging(settings) { _, own in own }
  }
}

/// Why messages cannot be taken over.
public struct KafkaError: Error, Sendable, CustomStringConvertible {
  /// librdkafka's own words; they name settings and brokers, no messages.
  public let description: String

  public init(description: String) { self.description = description }
}
