import ArgumentParser
import DeviceKafka
import DeviceMQTT

/// A broker that a device service takes messages from: `name=kafka://host:port[,host:port]/topic?group=g&…`, or
/// `name=mqtt://host[:port]/topic/filter?client=c&…`.
struct DeviceSourceOption: Sendable {
  enum Kind: String, Sendable { case kafka, mqtt }

  let service: String
  let kind: Kind
  let host: String
  let topic: String
  private var parameters: [String: String] = [:]

  private static let form =
    "name=kafka://host:port/topic?group=… or name=mqtt://host:port/topic/filter?client=…"

  /// - Throws: what is wrong with the text.
  init(_ text: String) throws {
    let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
    let scheme = parts.count == 2 ? parts[1].split(separator: ":", maxSplits: 1).first.map(String.init) : nil
    guard let scheme, let kind = Kind(rawValue: scheme), parts[1].hasPrefix("\(scheme)://") else {
      throw ValidationError("'\(text)' is no source of messages: \(Self.form)")
    }
    (service, self.kind) = (parts[0], kind)
    let address = parts[1].dropFirst(scheme.count + 3).split(separator: "?", maxSplits: 1).map(String.init)
    let place = (address.first ?? "").split(separator: "/", maxSplits: 1).map(String.init)
    guard place.count == 2, !place[0].isEmpty, !place[1].isEmpty else {
      throw ValidationError("'\(text)' names no broker and topic: \(Self.form)")
    }
    (host, topic) = (place[0], place[1])
    for pair in address.dropFirst().first?.split(separator: "&") ?? [] {
      let pair = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard pair.count == 2 else { throw ValidationError("'\(pair[0])' has no value.") }
      parameters[pair[0]] = pair[1]
    }
  }

  /// A password is in a file of its own, for everyone sees a command line.
  private func password() throws -> String? {
    guard let file = parameters["password-file"] else { return nil }
    return try DataFolder.text(file).split(separator: "\n").first.map(String.init) ?? ""
  }

  /// What librdkafka is told: every parameter that is none of ours is one of its settings.
  func kafka() throws -> KafkaConfiguration {
    var configuration = KafkaConfiguration(brokers: host, topic: topic, group: parameters["group"] ?? "aceso")
    if let password = try password() {
      if parameters["event-hubs"] == "true" {
        configuration.useEventHubs(connectionString: password)
      } else {
        configuration.settings["sasl.password"] = password
      }
    }
    for (name, value) in parameters where !["group", "password-file", "event-hubs"].contains(name) {
      configuration.settings[name] = value
    }
    return configuration
  }

  func mqtt() throws -> MQTTConfiguration {
    let parts = host.split(separator: ":", maxSplits: 1).map(String.init)
    guard let port = parts.count == 2 ? UInt16(parts[1]) : 1_883 else { throw CommandError("'\(host)' has no port") }
    if let unknown = parameters.keys.first(where: { !["client", "user", "password-file"].contains($0) }) {
      throw CommandError("a source by MQTT has no parameter '\(unknown)'")
    }
    var configuration = MQTTConfiguration(
      host: parts[0], port: Int(port), filters: [topic], clientID: parameters["client"] ?? "aceso-\(service)")
    configuration.user = parameters["user"]
    configuration.password = try password()
    return configuration
  }
}
