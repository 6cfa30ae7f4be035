import Base
import Foundation
import Synthesis
import TestSupport
import Testing

/// R4 search against a slow, obvious evaluator in memory, over random queries: the same matches in the same order on
/// every page, the same totals, the same included resources, the same refusals.
@Suite struct SearchOracleTests {
  /// How many queries: `ACESO_ORACLE_QUERIES`; the first seed: `ACESO_ORACLE_SEED`.
  private static func setting(_ name: String, _ fallback: Int) -> Int {
    ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? fallback
  }

  @Test(.timeLimit(.minutes(60))) func randomQueries() async throws {
    try await compare(try await OracleWorld.loaded(), count: Self.setting("ACESO_ORACLE_QUERIES", 5_000))
  }

  /// Where matches are gone through in the order of an index, as in large stores: each once, in whatever order.
  @Test(.timeLimit(.minutes(60))) func inOrderOfIndexes() async throws {
    try await compare(
      try await OracleWorld.loaded(listedMax: 2), count: Self.setting("ACESO_ORACLE_QUERIES", 5_000) / 2,
      isOrdered: false)
  }

  private func compare(_ world: OracleWorld, count: Int, isOrdered: Bool = true) async throws {
    let first = Self.setting("ACESO_ORACLE_SEED", 1)
    let most = Self.setting("ACESO_ORACLE_DIFFERENCES", 5)
    var differences = 0
    var matched = 0
    var refused = 0
    var pages = 0
    var generator = QueryGenerator(world.oracle.data, seed: 0)
    for seed in first..<(first + count) {
      generator.random = .init(seed: UInt64(seed))
      var run = generator.run(world, seed: UInt64(seed))
      run.isOrdered = isOrdered
      let outcome = try await run.compare()
      matched += outcome.matches > 0 ? 1 : 0
      refused += outcome.isRefused ? 1 : 0
      pages += outcome.pages
      guard outcome.difference != nil else { continue }
      let small = try await run.shrunk()
      Issue.record("seed \(seed): \(small)")
      differences += 1
      if differences >= most { break }
    }
    await world.server.close()
    print("\(count) queries, \(matched) with matches, \(refused) refused, \(pages) pages, \(differences) differences")
    // Queries that find nothing prove little; some two in five are to find something.
    #expect(matched * 5 > count * 2 || differences > 0)
  }
}
