import Base
import FHIRService
import Foundation
import JSONCore
import Synchronization
import Testing

/// FHIR R4 http#history with its parameters, above all `_at`.
@Suite struct HistoryTests {
  /// A clock that stands until it is set.
  private final class Hands: Sendable {
    private let time = Mutex<Int64>(0)

    init(_ text: String) { set(text) }

    func set(_ text: String) {
      let date = ISO8601DateFormatter().date(from: text)
      time.withLock { $0 = Int64((date?.timeIntervalSince1970 ?? 0) * 1_000) }
    }

    var clock: Clock { Clock { Instant(milliseconds: self.time.withLock { $0 }) } }
  }

  private static func patient(_ id: String, _ number: Int) -> String {
    #"{"resourceType":"Patient","id":"\#(id)","multipleBirthInteger":\#(number)}"#
  }

  /// Patient a: 2020, 2021, 2022, deleted 2023, back 2024. Patient b: 2021-06. Basic c: 2022-06. Asked in 2025.
  private static func withCourse(_ body: (TestService) async throws -> Void) async throws {
    let hands = Hands("2020-01-01T00:00:00Z")
    let service = try await TestService(clock: hands.clock)
    func at(_ time: String, _ method: Route.Method, _ url: String, _ json: String? = nil) async throws {
      hands.set(time)
      #expect(try await service.send(method, url, json).status < 300)
    }
    try await at("2020-01-01T00:00:00Z", .put, "Patient/a", patient("a", 1))
    try await at("2021-01-01T00:00:00Z", .put, "Patient/a", patient("a", 2))
    try await at("2021-06-01T12:00:00Z", .put, "Patient/b", patient("b", 1))
    try await at("2022-01-01T00:00:00Z", .put, "Patient/a", patient("a", 3))
    try await at("2022-06-01T00:00:00Z", .put, "Basic/c", #"{"resourceType":"Basic","id":"c","code":{"text":"c"}}"#)
    try await at("2023-01-01T00:00:00Z", .delete, "Patient/a")
    try await at("2024-01-01T00:00:00Z", .put, "Patient/a", patient("a", 5))
    hands.set("2025-07-01T00:00:00Z")
    do {
      try await body(service)
    } catch {
      await service.close()
      throw error
    }
    await service.close()
  }

  /// The versions as "id version", newest first.
  private static func versions(_ reply: TestService.Reply) -> [String] {
    #expect(reply.status == 200, "\(reply.text)")
    #expect(reply.body?["total"]?.integer == reply.entries.count)
    return reply.entries.map { entry in
      let url = entry["fullUrl"]?.string ?? ""
      return "\(url.split(separator: "/").last ?? "") \(entry["response"]?["etag"]?.string?.filter(\.isNumber) ?? "")"
    }
  }

  /// "Only include resource versions that were current at some point during the time period specified in the date time
  /// value" (FHIR R4 http#history).
  @Test(arguments: [
    ("Patient/a/_history", "2019", []), ("Patient/a/_history", "2020-01-01T00:00:00Z", ["a 1"]),
    ("Patient/a/_history", "2020-06-01", ["a 1"]), ("Patient/a/_history", "2020", ["a 1"]),
    ("Patient/a/_history", "2020-12-31T23:59:59.999Z", ["a 1"]),
    // In the second of a change both were current at some point.
    ("Patient/a/_history", "2021-01-01T00:00:00.000Z", ["a 2"]), ("Patient/a/_history", "2021", ["a 2"]),
    ("Patient/a/_history", "2020-12-31T23:59:59-01:00", ["a 2"]),
    ("Patient/a/_history", "2022-12", ["a 3"]), ("Patient/a/_history", "2023-05", ["a 4"]),
    ("Patient/a/_history", "2025", ["a 5"]), ("Patient/_history", "2021", ["b 1", "a 2"]),
    ("Patient/_history", "2021-03", ["a 2"]), ("_history", "2022", ["c 1", "a 3", "b 1"]),
    ("_history", "2025-01-01", ["a 5", "c 1", "b 1"]), ("_history", "2010", []), ("Basic/_history", "2022-05", []),
  ])
  func at(url: String, time: String, expected: [String]) async throws {
    try await Self.withCourse { service in
      let escaped = time.replacingOccurrences(of: "+", with: "%2B")
      let reply = try await service.send(.get, "\(url)?_at=\(escaped)")
      #expect(Self.versions(reply) == expected)
      #expect(reply.link("self") == "\(TestService.base)/\(url)?_at=\(escaped)")
      let counted = try await service.send(.get, "\(url)?_at=\(escaped)&_count=0")
      #expect(counted.body?["total"]?.integer == expected.count)
      #expect(counted.entries.isEmpty && counted.link("next") == nil)
    }
  }

  @Test func atOfSeveralYearsOfChanges() async throws {
    try await Self.withCourse { service in
      let hour = try await service.send(.get, "Patient/a/_history?_at=2021-01-01T00:00")
      #expect(Self.versions(hour) == ["a 2"])
      // From 23:30 UTC to 00:29 UTC a version ends and another begins.
      let across = try await service.send(.get, "_history?_at=2022-12-31&_sort=_lastUpdated")
      #expect(Self.versions(across) == ["b 1", "a 3", "c 1"])
    }
  }

  @Test func atInPages() async throws {
    try await Self.withCourse { service in
      var found: [String] = []
      var url: String? = "_history?_at=2022&_count=1"
      while let next = url {
        let page = try await service.send(.get, next)
        #expect(page.body?["total"]?.integer == 3)
        #expect(page.entries.count == 1)
        found += page.entries.compactMap { $0["resource"]?["id"]?.string }
        url = page.link("next")
        #expect(url?.hasPrefix("\(TestService.base)/_history?_at=2022&_count=1&ct=") != false)
      }
      #expect(found == ["c", "a", "b"])
      let token = try await service.send(.get, "_history?_at=2022&_count=1").link("next")?.split(separator: "ct=").last
      #expect(try await service.send(.get, "_history?_at=2021&_count=1&ct=\(token ?? "")").status == 400)
    }
  }

  @Test(arguments: [
    "_at=", "_at=yesterday", "_at=gt2020", "_at=2020-13", "_at=2030", "_at=2025-07-01T00:00:00.001Z",
    "_at=2020&_since=2019", "_before=2021&_at=2020", "_at=2020&_at=2021", "_count=-1", "_count=x", "_count=1&_count=2",
    "_since=x", "_since=2020&_since=2021", "_before=", "_sort=_id", "_sort=", "ct=x",
  ])
  func badParameters(query: String) async throws {
    try await Self.withCourse { service in
      for url in ["Patient/a/_history", "Patient/_history", "_history"] {
        let reply = try await service.send(.get, "\(url)?\(query)")
        #expect(reply.status == 400, "\(url)?\(query)")
      }
    }
  }

  @Test func wordsThatClientsCompare() async throws {
    try await Self.withCourse { service in
      let future = try await service.send(.get, "_history?_before=2030")
      #expect(future.diagnostics == ["Parameter _before cannot a be a value in the future"])
      let sort = try await service.send(.get, "_history?_sort=_id")
      #expect(sort.diagnostics == ["Sorting by the '_id' parameter is not supported."])
      let all = try await service.send(.get, "Patient/a/_history")
      #expect(
        all.entries.map { "\($0["request"]?["method"]?.string ?? "") \($0["response"]?["status"]?.string ?? "")" } == [
          "PUT 200 OK", "DELETE 204 NoContent", "PUT 200 OK", "PUT 200 OK", "PUT 201 Created",
        ])
      #expect(try await service.send(.get, "Patient/nobody/_history?_at=2020").status == 404)
    }
  }

  /// `_since` is inclusive to the millisecond, `_before` exclusive; parameters that are none are dropped.
  @Test func windows() async throws {
    try await Self.withCourse { service in
      for (query, total) in [
        ("_since=2024-01-01T00:00:00.000Z", 1), ("_since=2024-01-01T00:00:00.001Z", 0),
        ("_before=2021-01-01T00:00:00Z", 1), ("_since=2021&_before=2022-01-01", 2), ("_summary=count", 6), ("", 6),
      ] {
        let type =
          query == "_since=2021&_before=2022-01-01" || query.isEmpty || query.hasPrefix("_summary") ? "Patient/" : ""
        let reply = try await service.send(.get, "\(type)_history?\(query)")
        #expect(reply.body?["total"]?.integer == total, "\(query): \(reply.text)")
      }
      let dropped = try await service.send(.get, "_history?_nonsense=1&_count=2&name=x")
      #expect(dropped.link("self") == "\(TestService.base)/_history?_count=2")
    }
  }

  /// What superseded it in the same millisecond leaves a version no time of its own.
  @Test func severalVersionsInOneMillisecond() async throws {
    let hands = Hands("2020-01-01T00:00:00Z")
    let service = try await TestService(clock: hands.clock)
    for number in 1...3 { try await service.send(.put, "Patient/a", Self.patient("a", number)) }
    hands.set("2021-01-01T00:00:00Z")
    for url in ["Patient/a/_history", "Patient/_history", "_history"] {
      #expect(Self.versions(try await service.send(.get, "\(url)?_at=2020-01-01T00:00:00.000Z")) == ["a 3"])
      #expect(Self.versions(try await service.send(.get, "\(url)?_at=2020")) == ["a 3"])
    }
    await service.close()
  }
}
