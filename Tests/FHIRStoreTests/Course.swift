import Base
import FHIRStore
import TestSupport

/// Random transactions of one writer, the same for the same seed, with what must be there after each.
struct Course: Sendable {
  let writer: Int
  /// The edits of each transaction.
  private(set) var transactions: [[StoreFixture.Edit]] = []
  /// After 0, 1, 2 … transactions: every resource's contents in order of version, nil for deletions.
  private(set) var states: [[String: [[UInt8]?]]] = [[:]]

  init(writer: Int, seed: UInt64, transactions count: Int) throws {
    self.writer = writer
    var generator = SeededGenerator(seed: seed &+ UInt64(writer) &* 7_919)
    for number in 0..<count {
      var state = states[number]
      var edits: [StoreFixture.Edit] = []
      for slot in (0..<6).shuffled(using: &generator).prefix(Int.random(in: 1...4, using: &generator)) {
        let edit = Course.edit(writer, slot, number, state, &generator)
        edits.append(edit)
        let content = try edit.content.map { try StoreFixture.body(edit.type, edit.id, $0).bytes }
        state["\(edit.type)/\(edit.id)", default: []].append(content)
      }
      transactions.append(edits)
      states.append(state)
    }
  }

  private static func edit(
    _ writer: Int, _ slot: Int, _ number: Int, _ state: [String: [[UInt8]?]], _ generator: inout SeededGenerator
  ) -> StoreFixture.Edit {
    let type = ["Patient", "Observation", "Location", "RiskAssessment", "DocumentReference", "Questionnaire"][slot]
    let id = "w\(writer)-\(slot)"
    let isLive = state["\(type)/\(id)"]?.last.map { $0 != nil } ?? false
    if isLive && Int.random(in: 0..<4, using: &generator) == 0 { return .delete(type, id) }
    return .put(type, id, content(type, "\(writer)-\(number)", &generator))
  }

  /// Contents with rows in every index table; some values stay from version to version, some change.
  static func content(_ type: String, _ tag: String, _ generator: inout SeededGenerator) -> String {
    let pick = Int.random(in: 0..<4, using: &generator)
    let words = String(repeating: "text \(pick) ", count: [1, 1, 40, 400][pick])
    switch type {
    case "Patient":
      return """
        "text":{"status":"empty","div":"\(words)"},"identifier":[{"system":"urn:tag:\(pick)","value":"\(tag)"}],
        "name":[{"family":"Müller\(pick)","given":["A","B\(tag)"]}],"birthDate":"19\(50 + pick)-0\(1 + pick)",
        "generalPractitioner":[{"reference":"Practitioner/\(pick)"}]
        """
    case "Observation":
      return """
        "status":"final","code":{"coding":[{"system":"urn:code","code":"c\(pick)"},{"code":"\(tag)"}]},
        "subject":{"reference":"Patient/\(tag)"},"effectivePeriod":{"start":"2020-0\(1 + pick)-01"},
        "valueQuantity":{"value":\(pick).5,"unit":"u\(pick)","system":"urn:unit:\(pick)","code":"\(tag)"},
        "note":[{"text":"\(words)"}]
        """
    case "Location":
      return #""name":"\#(tag)","position":{"latitude":\#(pick).25,"longitude":-1\#(pick).5},"description":"\#(words)""#
    case "RiskAssessment":
      return
        #""status":"final","subject":{"display":"x"},"prediction":[{"probabilityDecimal":0.\#(1 + pick)}],"note":[{"text":"\#(tag)"}]"#
    case "DocumentReference":
      return """
        "status":"current","content":[{"attachment":{"url":"urn:u:\(tag)"}}],
        "relatesTo":[{"code":"replaces","target":{"reference":"DocumentReference/\(pick)"}}]
        """
    default:
      return #""status":"draft","url":"urn:q:\#(tag)","meta":{"profile":["http://a/P|\#(pick)"]},"name":"Q\#(pick)""#
    }
  }
}
