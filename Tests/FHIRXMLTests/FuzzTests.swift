import Base
import FHIRModel
import FHIRXML
import FoundationEssentials
import JSONCore
import Testing

/// Official examples with seeded damage: nothing may trap, and whatever is accepted is JSON that comes back the same
/// when it is written as XML again.
@Suite struct FuzzTests {
  /// A generator that a seed determines (SplitMix64).
  struct Random: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }

  private static let pieces = [
    "<", ">", "/>", "</", "\"", "'", "&", "&amp;", "&#0;", "&#x41;", "<!--", "-->", "<![CDATA[", "]]>", "<?a?>", "=",
    " ",
    "<!DOCTYPE a>", "xmlns=\"\"", "xmlns:a=\"b\"", "a:", "value=\"\"",
    "<extension url=\"u\"><valueCode value=\"c\"/></extension>",
    "<id value=\"1\"/>", "<contained>", "</contained>", "<Patient/>", "\u{0}", "\u{FFFF}", "id=\"x\" ", "1e400", "-",
    "<div xmlns=\"http://www.w3.org/1999/xhtml\">", "</div>",
  ]

  private static func damage(_ xml: inout [UInt8], _ random: inout Random) {
    for _ in 0..<Int.random(in: 1...3, using: &random) where !xml.isEmpty {
      let place = Int.random(in: 0..<xml.count, using: &random)
      let end = min(place + Int.random(in: 0...40, using: &random), xml.count)
      switch Int.random(in: 0..<6, using: &random) {
      case 0: xml[place] = UInt8.random(in: 0...255, using: &random)
      case 1: xml.removeSubrange(place..<end)
      case 2: xml.insert(contentsOf: Array(xml[place..<end]), at: Int.random(in: 0...xml.count, using: &random))
      case 3: xml.insert(contentsOf: Array((pieces.randomElement(using: &random) ?? "").utf8), at: place)
      case 4: xml.removeLast(xml.count - place)
      default: swapElements(&xml, &random)
      }
    }
  }

  /// Puts one whole tag somewhere else.
  private static func swapElements(_ xml: inout [UInt8], _ random: inout Random) {
    let tags = xml.indices.filter { xml[$0] == UInt8(ascii: "<") }
    guard let from = tags.randomElement(using: &random), let to = tags.randomElement(using: &random),
      let end = xml[from...].firstIndex(of: UInt8(ascii: ">"))
    else { return }
    xml.insert(contentsOf: Array(xml[from...end]), at: to)
  }

  @Test(.enabled(if: ConformanceData.has("fhir-r4-examples/json"), "needs data set fhir-r4-examples"))
  func damagedExamplesNeverTrap() throws {
    let form = XMLForm(schema: .r4)
    var samples: [[UInt8]] = []
    for url in try ConformanceData.files("fhir-r4-examples/json", "json") {
      let bytes = try ConformanceData.bytes(url)
      guard bytes.count < 12_000 else { continue }
      var xml: [UInt8] = []
      try form.append(try JSONDocument(bytes), to: &xml)
      samples.append(xml)
    }
    var random = Random(state: 20)
    var accepted = 0
    for _ in 0..<10_000 {
      guard var xml = samples.randomElement(using: &random) else { return }
      Self.damage(&xml, &random)
      guard let json = try? form.json(fromXML: xml) else { continue }
      accepted += 1
      let document = try JSONDocument(json)
      var again: [UInt8] = []
      try form.append(document, to: &again)
      let back = try JSONDocument(form.json(fromXML: again))
      // A narrative that StructureCheck would refuse may come back as text.
      guard StructureCheck(schema: .r4).issues(of: document).isEmpty else { continue }
      #expect(difference(document.value, back.value) == nil)
    }
    #expect(accepted > 500)
  }

  /// Random JSON of known and unknown members is written or refused.
  @Test(.enabled(if: ConformanceData.has("fhir-r4-examples/json"), "needs data set fhir-r4-examples"))
  func damagedJSONIsWrittenOrRefused() throws {
    let form = XMLForm(schema: .r4)
    let samples = try ConformanceData.files("fhir-r4-examples/json", "json").prefix(200).map(ConformanceData.bytes)
      .filter { $0.count < 12_000 }
    var random = Random(state: 21)
    for _ in 0..<5_000 {
      guard var json = samples.randomElement(using: &random) else { return }
      // Members change places, so that values stand under names of other types.
      let names = json.indices.filter { json[$0] == UInt8(ascii: "\"") }
      guard let from = names.randomElement(using: &random), let to = names.randomElement(using: &random) else { return }
      let piece = Array(json[from..<min(from + Int.random(in: 1...30, using: &random), json.count)])
      json.replaceSubrange(to..<min(to + piece.count, json.count), with: piece)
      guard let document = try? JSONDocument(json) else { continue }
      var xml: [UInt8] = []
      guard (try? form.append(document, to: &xml)) != nil else { continue }
      do {
        _ = try form.json(fromXML: xml)
      } catch {
        // It is well-formed, whatever else it is not.
        #expect(!error.reasons.contains { $0.diagnostics.contains("not well-formed") }, "\(error.reasons)")
      }
    }
  }
}
