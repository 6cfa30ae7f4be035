import Base
import FHIRService
import Foundation
import Synchronization
import TestSupport
import Testing

/// Tells writers to end; a cancelled task would give up a write under way.
private final class BusyFlag: Sendable {
  private let state = Atomic(false)
  var isRaised: Bool { state.load(ordering: .relaxed) }
  func raise() { state.store(true, ordering: .relaxed) }
}

/// Pages while writers are busy: what does not change comes exactly once, in its order.
@Suite struct BusyPagesTests {
  /// Resources that stay as they are, and how many others writers create, change and delete meanwhile.
  private static let steady = 120
  private static let restless = 60

  private static func patient(_ id: String, _ number: Int, _ name: String) -> [UInt8] {
    let birth = number % 5 == 0 ? "" : #","birthDate":"19\#(50 + number % 7)-01-01""#
    return Array(
      #"{"resourceType":"Patient","id":"\#(id)","active":true,"name":[{"family":"\#(name)"}]\#(birth)}"#.utf8)
  }

  private static let queries = [
    "Patient?_count=7", "Patient?active=true&_count=9", "Patient?_sort=birthdate&_count=8",
    "Patient?_sort=-birthdate,family&_count=7", "Patient?_sort=family,-_id&_count=9",
    "Patient?name=S&_sort=-family&_count=5",
    "Patient?birthdate=ge1950&birthdate=lt1960&_count=6", "Patient?name:contains=t&_sort=_id&_count=11",
    "Patient?_sort=-_lastUpdated&_count=10", "?_type=Patient&_count=9", "Patient?birthdate:missing=true&_count=3",
  ]

  @Test(.timeLimit(.minutes(10))) func unchangedMatchesComeExactlyOnce() async throws {
    let server = try await OracleServer()
    for number in 0..<Self.steady {
      // Between them what will be restless, so that pages end everywhere.
      let reply = try await server.send(
        .put, "Patient/s\(number)", Self.patient("s\(number)", number, "S\(number % 11)t"))
      #expect(reply.status == 201, "\(reply.text)")
      if number % 2 == 0 {
        _ = try await server.send(
          .put, "Patient/r\(number / 2)", Self.patient("r\(number / 2)", number, "S\(number % 13)t"))
      }
    }
    var quiet: [String: [String]] = [:]
    for query in Self.queries { quiet[query] = try await Self.walk(server, query).filter { $0.hasPrefix("Patient/s") } }
    let isOver = BusyFlag()
    let writers = (0..<2).map { writer in
      Task {
        var random = SeededGenerator(seed: UInt64(writer))
        var count = 0
        while !isOver.isRaised {
          let number = Int(random.next() % UInt64(Self.restless))
          let id = "r\(number)"
          if random.next() % 3 == 0 {
            _ = try await server.send(.delete, "Patient/\(id)")
          } else {
            let name = "S\(random.next() % 17)t"
            let body = Self.patient(id, Int(random.next() % 35), name)
            let reply = try await server.send(.put, "Patient/\(id)", body)
            #expect(reply.status == 200 || reply.status == 201, "\(reply.text)")
          }
          count += 1
        }
        return count
      }
    }
    for round in 0..<4 {
      for query in Self.queries {
        let seen = try await Self.walk(server, query).filter { $0.hasPrefix("Patient/s") }
        #expect(seen == quiet[query], "\(query), round \(round)")
      }
    }
    isOver.raise()
    var written = 0
    for writer in writers { written += try await writer.value }
    #expect(written > 50)
    await server.close()
  }

  /// All matches of all pages, in order.
  private static func walk(_ server: OracleServer, _ query: String) async throws -> [String] {
    var seen: [String] = []
    var url: String? = query
    while let next = url, seen.count < 10 * (steady + restless) {
      let page = try await server.send(.get, next)
      #expect(page.status == 200, "\(next): \(page.text)")
      seen += page.resources("match")
      url = page.next
    }
    return seen
  }
}
