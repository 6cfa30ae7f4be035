import HTTPServer
import Testing
import Workspace

@testable import Server

/// Who may ask from where, and how much.
@Suite struct NetworkTests {
  private static let proxied: @Sendable (inout ServerConfiguration) -> Void = { configuration in
    configuration.trustedProxies = [AddressRange("127.0.0.1"), AddressRange("10.9.0.0/16")].compactMap { $0 }
  }

  private static func service(_ change: (inout ServiceSettings) -> Void) -> [Workspace] {
    var workspace = Workspace(name: "w")
    var service = ServiceDefinition(name: "s", .fhir(FHIRProperties()))
    change(&service.settings)
    workspace.services = [service, ServiceDefinition(name: "open", .fhir(FHIRProperties()))]
    return [workspace]
  }

  private static func access(_ allow: [String], _ deny: [String]) -> NetworkAccess {
    var access = NetworkAccess()
    access.allow = allow.compactMap { AddressRange($0) }
    access.deny = deny.compactMap { AddressRange($0) }
    return access
  }

  @Test(arguments: [
    (["127.0.0.0/8"], [], true), (["10.0.0.0/8"], [], false), ([], ["127.0.0.1"], false), ([], ["10.0.0.0/8"], true),
    (["127.0.0.0/8"], ["127.0.0.1"], false), (["::ffff:127.0.0.1"], [], true), (["::1"], [], false),
  ])
  func theServerTakesRequestsFrom(allow: [String], deny: [String], isTaken: Bool) async throws {
    try await LiveRegistry.run(fixed: LiveRegistry.declared) { configuration in
      configuration.network = Self.access(allow, deny)
    } _: { live async throws in
      for path in ["/file/fhir/metadata", "/health/check", "/metrics", "/", "/admin/workspaces", "/nothing"] {
        let reply = try await live.ask("GET", path)
        #expect(reply.status == (isTaken ? path == "/nothing" ? 404 : 200 : 403), "\(path)")
        if !isTaken { #expect(try reply.outcome().code == "forbidden") }
      }
    }
  }

  @Test(arguments: [
    ("10.1.2.3", true), ("11.1.2.3", false), ("evil, 10.1.2.3", true), ("11.1.2.3, 10.1.2.3", true),
    ("10.1.2.3, 11.1.2.3", false), ("10.1.2.3, 10.9.0.7", true), ("11.1.2.3, 10.9.0.7, 127.0.0.1", false),
    ("10.1.2.3:4711", true), ("[fd00::1]:80", false), ("nonsense", false), ("10.1.2.3, nonsense", false),
    ("10.9.0.1, 10.9.0.2", true),
  ])
  func behindProxiesTheForwardedAddressCounts(forwarded: String, isTaken: Bool) async throws {
    let fixed = Self.service { $0.network = Self.access(["10.0.0.0/8"], []) }
    try await LiveRegistry.run(fixed: fixed, configure: Self.proxied) { live async throws in
      let headers = ["X-Forwarded-For": forwarded]
      #expect(try await live.ask("GET", "/w/s/metadata", headers).status == (isTaken ? 200 : 403))
      // The rule is one service's.
      #expect(try await live.ask("GET", "/w/open/metadata", headers).status == 200)
    }
  }

  @Test func nobodyElseForwards() async throws {
    let fixed = Self.service { $0.network = Self.access(["10.0.0.0/8"], []) }
    try await LiveRegistry.run(fixed: fixed) { live async throws in
      #expect(try await live.ask("GET", "/w/s/metadata", ["X-Forwarded-For": "10.0.0.1"]).status == 403)
    }
  }

  /// `publicNetworkAccess: Disabled`
  @Test(arguments: [
    ("10.1.2.3", true), ("192.168.0.9", true), ("172.16.0.1", true), ("172.32.0.1", false), ("8.8.8.8", false),
    ("fd00::1", true), ("2001:db8::1", false),
  ])
  func aPrivateServiceTakesPrivateAddresses(forwarded: String, isTaken: Bool) async throws {
    try await LiveRegistry.run(fixed: Self.service { $0.isPublic = false }, configure: Self.proxied) {
      live async throws in
      let reply = try await live.ask("GET", "/w/s/metadata", ["X-Forwarded-For": forwarded])
      #expect(reply.status == (isTaken ? 200 : 403))
      #expect(try await live.ask("GET", "/w/open/metadata", ["X-Forwarded-For": forwarded]).status == 200)
    }
  }

  @Test func aClientThatAsksTooMuchIsToldWhenToComeAgain() async throws {
    let fixed = Self.service {
      $0.clients.requestsPerSecond = 1
      $0.clients.burst = 5
    }
    try await LiveRegistry.run(fixed: fixed, configure: Self.proxied) { live async throws in
      let replies = try await Self.flood(live, "/w/s/metadata", ["X-Forwarded-For": "10.1.1.1"])
      let refused = replies.filter { $0.status == 429 }
      #expect(!refused.isEmpty)
      #expect(replies.count - refused.count >= 5)
      #expect(replies.allSatisfy { $0.status == 200 || $0.status == 429 })
      for reply in refused {
        #expect(try reply.outcome().code == "throttled")
        #expect(reply.header("retry-after") == "1")
      }
      // Neither another client nor another service is meant.
      #expect(try await live.ask("GET", "/w/s/metadata", ["X-Forwarded-For": "10.1.1.2"]).status == 200)
      #expect(try await live.ask("GET", "/w/open/metadata", ["X-Forwarded-For": "10.1.1.1"]).status == 200)
      try await Task.sleep(for: .milliseconds(1_100))
      #expect(try await live.ask("GET", "/w/s/metadata", ["X-Forwarded-For": "10.1.1.1"]).status == 200)
    }
  }

  @Test func theServersLimitIsOverAllServices() async throws {
    try await LiveRegistry.run(fixed: LiveRegistry.declared) { configuration in
      configuration.clients.requestsPerSecond = 1
      configuration.clients.burst = 2
    } _: { live async throws in
      _ = try await Self.flood(live, "/health/check", [:])
      let replies = try await Self.flood(live, "/file/fhir/metadata", [:])
      #expect(replies.contains { $0.status == 429 })
    }
  }

  /// More requests at once than the slowest machine would be allowed while they are answered.
  private static func flood(_ live: LiveRegistry, _ path: String, _ headers: [String: String]) async throws -> [Reply] {
    try await withThrowingTaskGroup(of: Reply.self) { group in
      for _ in 0..<100 { group.addTask { try await live.ask("GET", path, headers) } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
  }

  // MARK: The table

  private static let second: UInt64 = 1_000_000_000

  private func table(_ rate: Int?, burst: Int? = nil, concurrent: Int? = nil, clients: Int = ClientTable.clientsMax)
    throws -> ClientTable
  {
    var limits = ClientLimits()
    limits.requestsPerSecond = rate
    limits.burst = burst
    limits.concurrentRequests = concurrent
    return try #require(ClientTable(limits, clientsMax: clients))
  }

  private func retryAfter(_ entry: ClientTable.Entry) -> Int? {
    if case .refused(let seconds) = entry { seconds } else { nil }
  }

  @Test func aBucketFillsAgain() throws {
    let table = try table(2, burst: 4)
    let address = try #require(IPAddress("10.0.0.1"))
    var now: UInt64 = 1_000 * Self.second
    for _ in 0..<4 { #expect(retryAfter(table.enter(address, at: now)) == nil) }
    #expect(retryAfter(table.enter(address, at: now)) == 1)
    now += Self.second / 2
    #expect(retryAfter(table.enter(address, at: now)) == nil)
    #expect(retryAfter(table.enter(address, at: now)) == 1)
    // After a long rest it holds no more than the burst.
    now += 3_600 * Self.second
    for _ in 0..<4 { #expect(retryAfter(table.enter(address, at: now)) == nil) }
    #expect(retryAfter(table.enter(address, at: now)) != nil)
    // A clock that stands still or goes back gives nothing.
    #expect(retryAfter(table.enter(address, at: now - 10 * Self.second)) != nil)
  }

  @Test func requestsInWorkAreCounted() throws {
    let table = try table(nil, concurrent: 2)
    let address = try #require(IPAddress("10.0.0.1"))
    var visits: [ClientTable.Entry] = []
    for _ in 0..<2 { visits.append(table.enter(address, at: 0)) }
    #expect(visits.allSatisfy { retryAfter($0) == nil })
    #expect(retryAfter(table.enter(address, at: 0)) == 1)
    #expect(retryAfter(table.enter(try #require(IPAddress("10.0.0.2")), at: 0)) == nil)
    visits.removeLast()
    #expect(retryAfter(table.enter(address, at: 0)) == nil)
    #expect(visits.count == 1)
  }

  @Test func anIPv6ClientHasItsWholeNetwork() throws {
    let table = try table(1)
    #expect(retryAfter(table.enter(try #require(IPAddress("2001:db8:0:1::1")), at: 0)) == nil)
    #expect(retryAfter(table.enter(try #require(IPAddress("2001:db8:0:1:ffff::2")), at: 0)) == 1)
    #expect(retryAfter(table.enter(try #require(IPAddress("2001:db8:0:2::1")), at: 0)) == nil)
    #expect(retryAfter(table.enter(try #require(IPAddress("10.0.0.1")), at: 0)) == nil)
    #expect(retryAfter(table.enter(try #require(IPAddress("10.0.0.2")), at: 0)) == nil)
  }

  /// However many come, the table stays as it is; who is known keeps what is left to it.
  @Test func theTableIsBounded() throws {
    let table = try table(1, clients: 64)
    let known = try #require(IPAddress("10.0.0.1"))
    let start: UInt64 = 1_000 * Self.second
    #expect(retryAfter(table.enter(known, at: start)) == nil)
    var refused = 0
    for number in 0..<20_000 {
      let address = try #require(IPAddress("11.\(number / 250 % 250).\(number % 250).\(number / 62_500)"))
      if retryAfter(table.enter(address, at: start)) != nil { refused += 1 }
    }
    #expect(table.count <= 64)
    // Nobody has rested: newcomers share what is left.
    #expect(refused > 19_000)
    #expect(retryAfter(table.enter(known, at: start)) != nil)
    // When they have, their places are free again.
    let later = start + 10 * Self.second
    #expect(retryAfter(table.enter(try #require(IPAddress("12.0.0.1")), at: later)) == nil)
    #expect(table.count <= 64)
  }
}
