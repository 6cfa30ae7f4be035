/// Which messages of an MQTT broker a device service takes over.
public struct MQTTConfiguration: Sendable, Equatable {
  public var host: String
  public var port: Int
  /// Topic filters (MQTT 3.1.1 §4.7).
  public var filters: [String]
  /// The broker keeps messages under this name while nobody takes them; it is one client's alone.
  public var clientID: String
  public var user: String?
  public var password: String?
  /// A broker that says nothing for one and a half times as long is lost (§3.1.2.10).
  public var keepAliveSeconds: UInt16 = 30

  public init(host: String, port: Int = 1_883, filters: [String], clientID: String) {
    self.host = host
    self.port = port
    self.filters = filters
    self.clientID = clientID
  }
}
