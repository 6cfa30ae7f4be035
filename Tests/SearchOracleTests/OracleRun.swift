import FHIRService
import TestSupport

/// One query asked on both sides.
struct OracleRun {
  let world: OracleWorld
  /// nil for a search of everything.
  let type: String?
  var compartment: OracleCompartment?
  var parameters: [(name: String, value: String)]
  /// Chooses the length of the pages.
  let seed: UInt64
  /// Whether matches come in order of creation where no other order is asked for.
  var isOrdered = true

  struct Outcome {
    /// nil where both sides agree.
    var difference: String?
    var matches = 0
    var pages = 0
    var isRefused = false
  }

  /// What the search is addressed to.
  private var path: String {
    compartment.map { "\($0.type)/\($0.id)/\(type ?? "*")" } ?? type ?? ""
  }

  private var query: String {
    parameters.map { "\(OracleText.encode($0.name))=\(OracleText.encode($0.value))" }.joined(separator: "&")
  }

  func compare() async throws -> Outcome {
    var outcome = Outcome()
    let expected: Oracle.Answer
    do {
      expected = try world.oracle.answer(type, query, in: compartment)
    } catch let refusal as Refusal {
      let reply = try await world.server.send(.get, "\(path)?\(query)")
      outcome.isRefused = true
      if reply.status != 400 { outcome.difference = "status \(reply.status), but: \(refusal.reason)" }
      return outcome
    }
    let ids = expected.matches.map(name)
    outcome.matches = ids.count
    var random = SeededGenerator(seed: seed)
    let length = max(1, ids.count / Int(1 + random.next() % 5)) + Int(random.next() % 3)
    var seen: [String] = []
    var url: String? = "\(path)?\(query)\(query.isEmpty ? "" : "&")_count=\(length)"
    while let next = url {
      let page = try await world.server.send(.get, next)
      guard page.status == 200 else {
        outcome.difference = "status \(page.status): \(page.text)"
        return outcome
      }
      if outcome.pages == 0, expected.wantsTotal || expected.isCount, page.total != expected.total {
        outcome.difference = "total \(page.total ?? -1) instead of \(expected.total)"
        return outcome
      }
      if expected.isCount { return outcome }
      let matches = page.resources("match")
      seen += matches
      outcome.pages += 1
      if let difference = try await includes(page, matches, expected) {
        outcome.difference = difference
        return outcome
      }
      url = page.next
      if seen.count > ids.count || (matches.isEmpty && url != nil) { break }
    }
    let isSorted = parameters.contains { $0.name == "_sort" }
    outcome.difference = Self.difference(seen, ids, isOrdered: isOrdered || isSorted)
    return outcome
  }

  private func name(_ place: Int) -> String {
    let resource = world.oracle.data.resources[place]
    return "\(resource.type)/\(resource.id)"
  }

  private func includes(
    _ page: OracleServer.Reply, _ matches: [String], _ expected: Oracle.Answer
  ) async throws -> String? {
    var found = page.resources("include")
    // What does not fit a page is told by further ones.
    let most = parameters.last { $0.name == "_includesCount" }.flatMap { Int($0.value) }
    if let most, found.count > most { return "\(found.count) included instead of \(most) at most" }
    var url = page.link("related")
    while let next = url {
      let more = try await world.server.send(.get, next)
      let others = more.resources("include")
      guard more.status == 200, !others.isEmpty, others.count <= most ?? 0 else {
        return "\(next): status \(more.status), \(others.count) included"
      }
      found += others
      url = more.next
    }
    let places = matches.compactMap { match -> Int? in
      let parts = match.split(separator: "/").map(String.init)
      return world.oracle.data.place(parts[0], parts[1])
    }
    let wanted = Set(world.oracle.included(expected.includes, with: places).map(name))
    if Set(found).count < found.count { return "a resource is included twice" }
    if Set(found) == wanted { return nil }
    return
      "included: missing \(Self.some(wanted.subtracting(found))), too many \(Self.some(Set(found).subtracting(wanted)))"
  }

  private static func some(_ names: Set<String>) -> String { "\(names.sorted().prefix(5)) (\(names.count))" }

  private static func difference(_ seen: [String], _ wanted: [String], isOrdered: Bool) -> String? {
    if seen == wanted { return nil }
    let (missing, extra) = (Set(wanted).subtracting(seen), Set(seen).subtracting(wanted))
    if !missing.isEmpty || !extra.isEmpty { return "missing \(some(missing)), too many \(some(extra))" }
    if Set(seen).count < seen.count { return "a match came twice" }
    if !isOrdered { return nil }
    let place = zip(seen, wanted).enumerated().first { $0.element.0 != $0.element.1 }
    return "order: at \(place?.offset ?? 0) \(place?.element.0 ?? "") instead of \(place?.element.1 ?? "")"
  }

  // MARK: Small failures

  /// The failing query with as few parameters and alternatives as still fail, and what is different.
  func shrunk() async throws -> String {
    var best = self
    var text = try await compare().difference ?? "no difference any more"
    var isSmaller = true
    while isSmaller {
      isSmaller = false
      for candidate in best.smaller {
        guard let difference = try await candidate.compare().difference else { continue }
        best = candidate
        text = difference
        isSmaller = true
        break
      }
    }
    let readable = best.parameters.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    return "\(path)?\(readable.prefix(600)): \(text.prefix(700))"
  }

  private var smaller: [OracleRun] {
    var runs: [OracleRun] = []
    for place in parameters.indices {
      var run = self
      run.parameters.remove(at: place)
      runs.append(run)
      let (name, value) = parameters[place]
      if name == "_filter" { continue }
      let pieces = OracleText.split(value, at: ",")
      guard pieces.count > 1 else { continue }
      for piece in pieces.indices {
        var run = self
        run.parameters[place].value = pieces.indices.filter { $0 != piece }.map { pieces[$0] }.joined(separator: ",")
        runs.append(run)
      }
    }
    return runs
  }
}
