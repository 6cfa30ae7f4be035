import Foundation
import PostgreSQLServer
import Storage
import StoragePostgreSQL
import Testing

/// Figures, not assertions: run with ACESO_MEASURE set, in a release build.
@Suite(
  .serialized,
  .enabled(
    if: PostgreSQLServer.isInstalled && ProcessInfo.processInfo.environment["ACESO_MEASURE"] != nil,
    "measures: set ACESO_MEASURE"))
struct SpeedTests {
  @Test func figures() async throws {
    try await Things.withStore { database, _ in
      let body = [UInt8](repeating: 65, count: 2_000)
      for batch in 0..<20 {
        var rows = RowBatch(columns: 4)
        for row in 0..<1_000 {
          let key = batch * 1_000 + row
          rows.append(.integer(key), .text("name \(key)"), .blob(Array(body.prefix(100))), .real(1))
        }
        let time = try await ContinuousClock().measure {
          _ = try await database.write { [rows] in try $0.execute(Things.insert, rows: rows) }
        }
        if batch > 15 { print("batch of 1,000 rows: \(time)") }
      }
      let points = 20_000
      let one = try ContinuousClock().measure {
        for key in 0..<points {
          _ = try database.point { try $0.first(Things.byKey, [.integer(key)]) { $0.blob(2).count } }
        }
      }
      print("points: \(Double(points) / (one / .seconds(1))) a second, one after the other")
      let two = try await ContinuousClock().measure {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for task in 0..<2 {
            group.addTask {
              for key in 0..<points / 2 {
                let key = SQLValue.integer(key * 2 + task)
                _ = try database.point { try $0.first(Things.byKey, [key]) { $0.blob(2).count } }
              }
            }
          }
          try await group.waitForAll()
        }
      }
      print("points: \(Double(points) / (two / .seconds(1))) a second, two at once")
      let reads = try await ContinuousClock().measure {
        for key in 0..<5_000 {
          _ = try await database.read { try $0.first(Things.byKey, [.integer(key)]) { $0.blob(2).count } }
        }
      }
      print("reads: \(5_000 / (reads / .seconds(1))) a second, one after the other")
      let before = database.statistics
      let writes = try await ContinuousClock().measure {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for task in 0..<64 {
            group.addTask {
              for number in 0..<50 { try await Things.put(database, 1_000_000 + task * 50 + number) }
            }
          }
          try await group.waitForAll()
        }
      }
      let jobs = Double(database.statistics.jobs - before.jobs)
      print("single-row writes by 64 clients: \(jobs / (writes / .seconds(1))) a second,", terminator: " ")
      print("\(jobs / Double(database.statistics.commits - before.commits)) in a commit")
    }
  }
}
