import Base
import FHIRModel
import TestSupport
import Testing

@testable import FHIRSearch

/// Whatever a stranger sends, a query is read or refused: nothing traps, and nothing takes long.
@Suite struct SearchMutationTests {
  private static let seeds = [
    "subject:Patient.organization.address-city:exact=Os\\,lo,x&_has:Group:member:_tag=s|c",
    "patient:Patient._has:Group:member:_type=Group&_list=4,5&_not-referenced=Observation:subject",
    "code-value-quantity=s|c$ge5.40|http://unitsofmeasure.org|mg,a$b&date=ge2013-01-14T10:00:00.5+02:00&code:in=http://x",
    "near=-83.69|42.25|11.2|[mi_us]&probability=ap1e-3&identifier:of-type=a|b|c&subject:identifier=a|b",
    "_sort=-date,code,_score&_include:iterate=Observation:subject:Patient&_revinclude=*:*&_includesCount=5&_count=3",
    "_filter=not (subject[name co \"p\\u00e9t\"].birthdate ge 2014-10-10) or code eq loinc|1 and value-quantity pr true",
    "_text=(bone OR \"liver cell\") AND metastases&_content=a,b&_type:not=Patient&_total=accurate&_summary=count",
    "_contained=both&_explain=true&_elements=id&ct=00ff&_lastUpdated=lt2020&value-date:missing=true&code:not-in=a",
  ]

  private static let pieces = [
    ":", ".", "$", "|", ",", "\\", "\"", "(", ")", "[", "]", "*", "-", "_has:", "_filter=", "eq", " ", "&", "=", "%",
    "%00", "%F0%9F", "é", "😀", "\u{301}", "9999999999999999999999", "1e99999", "-1", "subject.", "Patient", "_id",
    "not(", " and ", " or ", "_has:Observation:patient:", "0001-01-01", "9999-12-31T23:59:59.999999Z", "ap", "\u{0}",
    "_sort=", "_include=", "near=", "\\u", "\\ud83d", "code-value-quantity=",
  ]

  private static func mutated(_ text: String, _ random: inout SeededGenerator) -> String {
    var scalars = Array(text.unicodeScalars)
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      let place = Int.random(in: 0...scalars.count, using: &random)
      let piece = pieces[Int.random(in: 0..<pieces.count, using: &random)]
      switch Int.random(in: 0..<4, using: &random) {
      case 0: scalars.insert(contentsOf: piece.unicodeScalars, at: place)
      case 1 where place < scalars.count: scalars.remove(at: place)
      case 2:
        let end = min(scalars.count, place + Int.random(in: 0...12, using: &random))
        scalars.replaceSubrange(place..<end, with: piece.unicodeScalars)
      default:
        let start = Int.random(in: 0...place, using: &random)
        scalars.insert(contentsOf: scalars[start..<place], at: place)
      }
    }
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars.prefix(4_000))
    return String(view)
  }

  @Test func nothingTraps() throws {
    let seed: UInt64 = 4_020_261
    var random = SeededGenerator(seed: seed)
    var read = 0
    var refused = 0
    for turn in 0..<6_000 {
      let query = Self.mutated(Self.seeds[turn % Self.seeds.count], &random)
      let type = ["Observation", "Location", "RiskAssessment", "Patient"][turn / Self.seeds.count % 4]
      do {
        let search = try SearchQueryParserTests.parse(query, turn % 7 == 0 ? [] : [type])
        read += 1
        // What was understood is understood again, and says the same.
        let again = try SearchQueryParserTests.parse(search.link, turn % 7 == 0 ? [] : [type])
        #expect(CriterionText.text(again) == CriterionText.text(search), "seed \(seed), turn \(turn): \(query)")
        #expect(again.link == search.link, "seed \(seed), turn \(turn): \(query)")
      } catch let fault as Fault {
        refused += 1
        #expect(fault.category == .invalid, "seed \(seed), turn \(turn): \(query)")
      }
    }
    #expect(read > 500 && refused > 500)
  }

  /// 64 kB of anything are answered within a second.
  @Test(arguments: [
    "_has:", "subject.", "a,", "\\,", "$", "|", "(", "not(", "_id=a&", "_filter=(", "\"", "a and ", "_include=*&", "*",
    "%41", "-", ":", "é",
  ])
  func largeQueries(piece: String) {
    let clock = ContinuousClock()
    let large = String(repeating: piece, count: 64 * 1024 / piece.utf8.count)
    for head in ["", "_filter=", "_text=", "code=", "_sort=", "code-value-quantity=", "_include=", "_type=", "_list="] {
      let time = clock.measure { _ = SearchQueryParserTests.refusal(head + large, ["Observation"]) }
      #expect(time < .seconds(3), "\(head)\(piece)")
    }
  }
}
