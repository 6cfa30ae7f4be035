import Base
import Server
import Testing

@Suite struct ConfigurationTests {
  @Test func aFileSetsWhatItNames() throws {
    var configuration = ServerConfiguration()
    try configuration.read(
      """
      # where
      host: 127.0.0.2
      port:9090

      \tbody-bytes :  1000\r
      data-dir: /srv/a b: c
      log-level: debug
      allow-insecure-network: true
      """)
    #expect(configuration.host == "127.0.0.2")
    #expect(configuration.port == 9_090)
    #expect(configuration.limits.bodyBytesMax == 1_000)
    #expect(configuration.dataDirectory == "/srv/a b: c")
    #expect(configuration.logLevel == .debug)
    #expect(configuration.allowsInsecureNetwork)
  }

  @Test(arguments: [
    ("host: a\nhots: b", 2), ("port: 65536", 1), ("port: x", 1), ("\n\nport", 3), ("port:", 1), ("body-bytes: 0", 1),
    ("body-bytes: -1", 1), ("body-bytes: 99999999999999999999", 1), ("log-level: loud", 1), ("port: 1\nport: 2", 2),
    ("allow-insecure-network: yes", 1), (": 5", 1),
  ])
  func aMistakeIsToldWithItsLine(text: String, line: Int) throws {
    var configuration = ServerConfiguration()
    let error = #expect(throws: ConfigurationError.self) { try configuration.read(text) }
    #expect(error?.line == line)
  }

  @Test func everyKeyIsUnderstood() throws {
    for key in ServerConfiguration.keys {
      var configuration = ServerConfiguration()
      let value =
        switch key {
        case "host", "data-dir": "x"
        case "log-level": "info"
        case "allow-insecure-network", "cors-credentials": "false"
        case "trusted-proxy": "10.0.0.0/8"
        case "version-policy": "no-version, Observation=versioned-update"
        case "invariants": "all"
        default: "7"
        }
      try configuration.read("\(key): \(value)")
    }
  }

  /// A limit that nobody can set is none of the operator's.
  @Test func everyLimitHasAKey() {
    let keys = Set(ServerConfiguration.keys.map { $0.filter { $0 != "-" } })
    for case (let name?, is Int) in Mirror(reflecting: Limits()).children.map({ ($0.label, $0.value) }) {
      let bare = name.hasSuffix("Max") ? String(name.dropLast(3)) : name
      #expect(keys.contains(bare.lowercased()), "\(name)")
    }
  }

  @Test(arguments: [
    ("127.0.0.1", true), ("127.9.8.7", true), ("::1", true), ("localhost", true), ("0.0.0.0", false), ("::", false),
    ("10.0.0.1", false), ("127.0.0.1.evil.org", false), ("127.evil.0.1", false), ("example.org", false), ("", false),
  ])
  func onlyTheOwnMachineIsLoopback(host: String, isLoopback: Bool) {
    var configuration = ServerConfiguration()
    configuration.host = host
    #expect(configuration.isLoopback == isLoopback)
  }
}
