import JSONCore

/// One long resource, and two versions of it that differ in one field: an ExplanationOfBenefit with many items, which
/// is what long resources in practice are.
struct LongBill {
  static let bytesMin = 30_000
  /// Its two states; `outcome` is an element of required binding.
  private static let outcomes = ["complete", "partial"]

  let id: String
  /// The whole resource in each state.
  let states: [[UInt8]]

  init(id: String) throws {
    self.id = id
    states = try Self.outcomes.map { try Self.json(id: id, outcome: $0) }
  }

  var reference: String { "ExplanationOfBenefit/\(id)" }

  /// A JSON Patch (RFC 6902) into each state.
  static let jsonPatches = outcomes.map { outcome in
    Array(#"[{"op":"replace","path":"/outcome","value":"\#(outcome)"}]"#.utf8)
  }

  /// A FHIRPath Patch (FHIR R4 fhirpatch.html) into each state.
  static let fhirPathPatches = outcomes.map { outcome in
    Array(
      """
      {"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"replace"},\
      {"name":"path","valueString":"ExplanationOfBenefit.outcome"},{"name":"value","valueCode":"\(outcome)"}]}]}
      """.utf8)
  }

  private static func json(id: String, outcome: String) throws -> [UInt8] {
    let sample = SampleResources.explanationOfBenefit
    let document = try JSONDocument(sample)
    var writer = JSONWriter(reserving: bytesMin + 1_024)
    writer.beginObject()
    for (key, value) in document.members(document.root) {
      switch document.string(key) ?? "" {
      case "created":
        writer.member("id", id)
        writer.key("created")
        writer.raw(sample[document.range(value)])
      case "outcome": writer.member("outcome", outcome)
      case "item": writeItems(to: &writer)
      case let name:
        writer.key(name)
        writer.raw(sample[document.range(value)])
      }
    }
    writer.endObject()
    return writer.bytes
  }

  private static func writeItems(to writer: inout JSONWriter) {
    var random = SplitMix(state: 30_000)
    var sequence = 1
    writer.key("item")
    writer.beginArray()
    while writer.bytes.count < bytesMin {
      writer.raw(item(sequence, &random))
      sequence += 1
    }
    writer.endArray()
  }

  private static func item(_ sequence: Int, _ random: inout SplitMix) -> [UInt8] {
    let day = 10 + random.next() % 18
    let code = 100_000_000 + random.next() % 800_000_000
    let net = "\(10 + random.next() % 990).\(10 + random.next() % 90)"
    let paid = "\(1 + random.next() % 9).\(10 + random.next() % 90)"
    return Array(
      """
      {"sequence":\(sequence),"category":{"coding":[{"system":"http://example.org/line-of-service","code":\
      "\(1 + code % 9)","display":"Medical care"}]},"productOrService":{"coding":[{"system":"http://snomed.info/sct",\
      "code":"\(code)","display":"Procedure \(code % 1_000) of the visit"}],"text":"Procedure \(code % 1_000)"},\
      "servicedPeriod":{"start":"2025-03-\(day)T09:00:00Z","end":"2025-03-\(day)T09:30:00Z"},"net":{"value":\(net),\
      "currency":"USD"},"adjudication":[{"category":{"coding":[{"system":\
      "http://terminology.hl7.org/CodeSystem/adjudication","code":"benefit"}]},"amount":{"value":\(paid),"currency":\
      "USD"}}]}
      """.utf8)
  }
}
