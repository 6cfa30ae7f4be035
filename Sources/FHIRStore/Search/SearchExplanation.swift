import Storage

/// How a search was carried out (`_explain=true`): what led, what was tested, how many rows each step gave, how much
/// work it was and how long it took. It names parameters, never values.
public struct SearchExplanation: Sendable {
  public struct Step: Sendable {
    /// What was done, in words.
    public let text: String
    /// Rows it gave; nil where it gives none.
    public let rows: Int?
    /// Steps of the engine's machine (`Work.steps`): what is visited and not given costs them too.
    public let engineSteps: Int
    public let microseconds: Int
  }

  public var steps: [Step] = []
}

/// Collects an explanation while a search runs.
struct SearchTrace {
  let isOn: Bool
  private(set) var explanation = SearchExplanation()

  init(isOn: Bool) { self.isOn = isOn }

  mutating func add(_ text: String, rows: Int?, _ work: Work, since began: ContinuousClock.Instant) {
    guard isOn else { return }
    let (seconds, attoseconds) = (ContinuousClock.now - began).components
    let microseconds = Int(seconds) * 1_000_000 + Int(attoseconds / 1_000_000_000_000)
    explanation.steps.append(
      SearchExplanation.Step(text: text, rows: rows, engineSteps: work.steps, microseconds: microseconds))
  }

  mutating func add(
    _ plan: SearchPlan, _ step: String, _ type: String, rows: Int?, _ work: Work, since began: ContinuousClock.Instant
  ) {
    guard isOn else { return }
    add("\(type): \(step): \(plan.description)", rows: rows, work, since: began)
  }
}

extension StoreView {
  /// A further step of a search, added to its explanation where one is wanted.
  public func explained<R>(
    _ text: String, in explanation: inout SearchExplanation?, rows: (R) -> Int, _ body: () throws -> R
  ) throws -> R {
    guard explanation != nil else { return try body() }
    var trace = SearchTrace(isOn: true)
    let began = ContinuousClock.now
    let (result, work) = try reader.measuring(body)
    trace.add(text, rows: rows(result), work, since: began)
    explanation?.steps += trace.explanation.steps
    return result
  }
}

extension SearchPlan: CustomStringConvertible {
  var description: String {
    func counted(_ place: Int) -> String {
      guard let count = counts[place] else { return "" }
      return count >= caps[place] ? " (\(count) or more)" : " (about \(count))"
    }
    var leader: String
    switch lead {
    case .term(let place):
      leader = terms[place].walk != nil ? "walk" : "list"
      leader += " '\(terms[place].label)'\(counted(place))"
    case .stretches(let place): leader = "walk '\(terms[place].label)'\(counted(place)) in the order of its index"
    case .order: leader = "walk the index in the order asked for"
    case .type: leader = "walk all \(typeCount) resources"
    }
    let probed = terms.indices.filter { lead != .term($0) && lead != .stretches($0) }.map {
      "'\(terms[$0].label)'\(counted($0))"
    }
    return probed.isEmpty ? leader : "\(leader), test \(probed.joined(separator: ", "))"
  }
}
