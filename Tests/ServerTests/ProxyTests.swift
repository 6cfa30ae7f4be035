import JSONCore
import Server
import Testing
import Workspace

/// Behind a reverse proxy the addresses a client is told are those it knows.
@Suite struct ProxyTests {
  static let trusting: @Sendable (inout ServerConfiguration) -> Void = { configuration in
    configuration.trustedProxies = [AddressRange("127.0.0.0/8")].compactMap { $0 }
  }
  static let forwarded = [
    "X-Forwarded-Host": "fhir.example.org", "X-Forwarded-Proto": "https",
    "X-Forwarded-Prefix": "/search/bundle/tests",
  ]
  static let known = "https://fhir.example.org/search/bundle/tests"

  @Test func aTrustedProxyTellsTheAddress() async throws {
    try await LiveServer.run(configure: Self.trusting) { live in
      let created = try await live.send("POST", "/Patient", VersionTests.patient, Self.forwarded)
      let id = try created.id()
      #expect(created.header("location") == "\(Self.known)/Patient/\(id)/_history/1")
      _ = try await live.send("POST", "/Patient", VersionTests.patient, Self.forwarded)
      let found = try await live.ask("GET", "/Patient?_count=1", Self.forwarded).json()
      try Self.check(found)
      let metadata = try await live.ask("GET", "/metadata", Self.forwarded).text
      #expect(metadata.contains("\"\(Self.known)\""))
      #expect(!metadata.contains("127.0.0.1"))
      let history = try await live.ask("GET", "/Patient/_history?_count=1", Self.forwarded).json()
      try Self.check(history)
    }
  }

  @Test func searchesInABatchToo() async throws {
    try await LiveServer.run(configure: Self.trusting) { live in
      for _ in 0..<2 { _ = try await live.send("POST", "/Patient", VersionTests.patient) }
      let batch = """
        {"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Patient?_count=1"}}]}
        """
      let answer = try await live.send("POST", "/", batch, Self.forwarded).json()
      let inner = try #require(answer["entry"]?.elements.first?["resource"])
      try Self.check(inner)
    }
  }

  private static func check(_ bundle: JSONValue) throws {
    let links = bundle["link"]?.elements.compactMap { $0["url"]?.string } ?? []
    #expect(links.count == 2)
    #expect(links.allSatisfy { $0.hasPrefix("\(known)/Patient") })
    let urls = bundle["entry"]?.elements.compactMap { $0["fullUrl"]?.string } ?? []
    #expect(urls.count == 1)
    #expect(urls.allSatisfy { $0.hasPrefix("\(known)/Patient/") })
  }

  @Test func nobodyElseIsBelieved() async throws {
    let configurations: [(inout ServerConfiguration) -> Void] = [
      { _ in },
      { $0.trustedProxies = [AddressRange("10.0.0.0/8"), AddressRange("::1")].compactMap { $0 } },
    ]
    for configure in configurations {
      try await LiveServer.run(configure: configure) { live in
        for headers in [Self.forwarded, ["Forwarded": "host=evil.example;proto=https"], ["X-Forwarded-Host": "<b>"]] {
          let created = try await live.send("POST", "/Patient", VersionTests.patient, headers)
          #expect(created.header("location")?.hasPrefix("\(live.base)/Patient/") == true)
        }
      }
    }
  }

  @Test(arguments: [
    (["X-Forwarded-Host": "a.example"], "http://a.example/default/fhir"),
    (["X-Forwarded-Host": "a.example:8443", "X-Forwarded-Proto": "HTTPS"], "https://a.example:8443/default/fhir"),
    (["X-Forwarded-Host": "[2001:db8::1]:80"], "http://[2001:db8::1]:80/default/fhir"),
    // A list's last item is what the proxy itself added.
    (["X-Forwarded-Host": "evil.example, a.example"], "http://a.example/default/fhir"),
    (["X-Forwarded-Host": "a.example", "X-Forwarded-Prefix": "/"], "http://a.example"),
    (["X-Forwarded-Host": "a.example", "X-Forwarded-Prefix": "/x/"], "http://a.example/x"),
    (["X-Forwarded-Host": "a.example", "X-Forwarded-Prefix": "/~a/b-c_d.e"], "http://a.example/~a/b-c_d.e"),
    (["X-Forwarded-Host": "a.example", "Forwarded": "host=evil.example"], "http://a.example/default/fhir"),
    (["X-Forwarded-Host": "a.example", "X-Forwarded-Prefix": ""], "http://a.example/default/fhir"),
  ])
  func eachHeaderCounts(headers: [String: String], base: String) async throws {
    try await LiveServer.run(configure: Self.trusting) { live in
      let created = try await live.send("POST", "/Patient", VersionTests.patient, headers)
      #expect(created.header("location") == "\(base)/Patient/\(try created.id())/_history/1")
    }
  }

  @Test(arguments: [
    ["X-Forwarded-Host": "a b"], ["X-Forwarded-Host": "<script>"], ["X-Forwarded-Host": "a/b"],
    ["X-Forwarded-Host": "user@a"], ["X-Forwarded-Host": "a\""], ["X-Forwarded-Host": "a:b"],
    ["X-Forwarded-Proto": "javascript"], ["X-Forwarded-Proto": "https://x"], ["X-Forwarded-Prefix": "xyzzy"],
    ["X-Forwarded-Prefix": "//evil.example"], ["X-Forwarded-Prefix": "/a/../b"], ["X-Forwarded-Prefix": "/a//b"],
    ["X-Forwarded-Prefix": "/a?b"], ["X-Forwarded-Prefix": "/a%0d%0ab"], ["X-Forwarded-Prefix": "/a\"><script>"],
    ["X-Forwarded-Prefix": "/" + String(repeating: "a", count: 512)],
  ])
  func whatIsNoAddressIs400(headers: [String: String]) async throws {
    try await LiveServer.run(configure: Self.trusting) { live in
      let reply = try await live.ask("GET", "/Patient", headers)
      #expect(reply.status == 400)
      #expect(try reply.outcome().code == "value")
      for value in headers.values { #expect(!reply.text.contains(value)) }
    }
  }

  @Test func theLongestPrefix() async throws {
    try await LiveServer.run(configure: Self.trusting) { live in
      let prefix = "/" + String(repeating: "a", count: 511)
      let reply = try await live.ask("GET", "/Patient", ["X-Forwarded-Prefix": prefix])
      #expect(reply.status == 200)
    }
  }

  @Test(arguments: [
    ("127.0.0.1", true), ("127.0.0.0/31", true), ("127.0.0.2/31", false), ("126.0.0.0/7", true), ("0.0.0.0/0", true),
    ("127.0.0.0/32", false), ("128.0.0.0/1", false), ("::ffff:127.0.0.1", true), ("::/0", true), ("::/96", false),
    ("::ffff:0:0/96", true),
  ])
  func aProxyIsTrustedByItsRange(range: String, isTrusted: Bool) async throws {
    let trusted = try #require(AddressRange(range))
    try await LiveServer.run(configure: { $0.trustedProxies = [trusted] }) { live in
      let created = try await live.send("POST", "/Patient", VersionTests.patient, Self.forwarded)
      #expect(created.header("location")?.hasPrefix(isTrusted ? Self.known : live.base) == true)
    }
  }

  @Test(arguments: [
    "", "10.0.0", "10.0.0.0/33", "10.0.0.1/8", "::/129", "fe80::1/10", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "a/8",
    "10.0.0.0/8/8", "10.0.0.0/+8", "1.2.3.4.5", "/8", "::ffff:0:0/99999999999999999999",
  ])
  func whatIsNoRangeIsNone(text: String) { #expect(AddressRange(text) == nil) }

  @Test(arguments: ["10.0.0.0/8", "127.0.0.1", "0.0.0.0/0", "::/0", "fd00::/8", "::1/128", "192.168.1.128/25"])
  func ranges(text: String) { #expect(AddressRange(text)?.description == text) }
}
