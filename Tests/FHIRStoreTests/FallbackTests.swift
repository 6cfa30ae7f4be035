import FHIRSearch
import FHIRStore
import TestStores
import TestSupport
import Testing

/// Conditions that depend on each other and on the order: a plan that hoped for independent ones is given up in time.
@Suite struct FallbackTests {
  /// Where time stands for steps, a fast machine gives up nothing in a store as small as this, a busy one anything.
  private static let countsSteps = TestStores.engine == .sqlite

  /// 5,000 observations, one a day; the first 500 of them with a code that went out of use.
  private static func withObservations(_ body: (StoreFixture) async throws -> Void) async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(path: folder.file("store"))
    for start in stride(from: 0, to: 5_000, by: 500) {
      try await fixture.write(
        (start..<start + 500).map { number in
          let year = 2000 + number / 336
          let (month, day) = (1 + number % 336 / 28, 1 + number % 28)
          let pad: (Int) -> String = { $0 < 10 ? "0\($0)" : "\($0)" }
          return .put(
            "Observation", "o\(number)",
            """
            "status":"final","code":{"coding":[{"system":"s","code":"\(number < 500 ? "old" : "new")"}]},
            "subject":{"reference":"Patient/\(number % 2 == 0 ? "even" : "odd")"},
            "effectiveDateTime":"\(year)-\(pad(month))-\(pad(day))"
            """)
        })
    }
    try await body(fixture)
    await fixture.close()
  }

  /// All pages of a search: the ids, and what the explanations say.
  private static func pages(_ fixture: StoreFixture, _ text: String) async throws -> (ids: [String], steps: [String]) {
    let query = try fixture.query("Observation", text + "&_explain=true")
    var ids: [String] = []
    var steps: [String] = []
    var position: PagePosition?
    repeat {
      let after = position
      let page = try await fixture.store.read(within: .none) {
        try $0.search(query, after: after, count: 20, bytesMax: 1 << 20)
      }
      ids += page.matches.map(\.id)
      steps += page.explanation?.steps.map(\.text) ?? []
      position = page.next
    } while position != nil
    return (ids, steps)
  }

  @Test func whatIsOldInTheOrderOfTheNewest() async throws {
    try await Self.withObservations { fixture in
      let (ids, steps) = try await Self.pages(fixture, "code=old&_sort=-date")
      #expect(ids == (0..<500).reversed().map { "o\($0)" })
      guard Self.countsSteps else { return }
      #expect(steps.contains { $0.contains("give up: walk the index in the order asked for") })
      #expect(steps.contains { $0.contains("find: walk 'code'") })
    }
  }

  @Test func severalKeys() async throws {
    try await Self.withObservations { fixture in
      let (ids, steps) = try await Self.pages(fixture, "code=old&_sort=-date,status")
      #expect(ids == (0..<500).reversed().map { "o\($0)" })
      #expect(steps.contains { $0.contains("give up") } || !Self.countsSteps)
    }
  }

  /// What is found early is not given up.
  @Test func whatIsNew() async throws {
    try await Self.withObservations { fixture in
      let (ids, steps) = try await Self.pages(fixture, "code=new&date=ge2014&_sort=-date")
      #expect(ids == (4_704..<5_000).reversed().map { "o\($0)" })
      #expect(!steps.contains { $0.contains("give up") } || !Self.countsSteps)
    }
  }
}
