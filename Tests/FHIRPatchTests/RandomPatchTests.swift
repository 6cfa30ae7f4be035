import Base
import FHIRModel
import FHIRPatch
import JSONCore
import Testing

/// Random patches: whatever is sent, there is a fault or a text that is JSON and still the same resource.
@Suite struct RandomPatchTests {
  /// splitmix64, so that a seed tells all.
  struct Random: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }

    mutating func pick(_ list: [String]) -> String { list[Int.random(in: 0..<list.count, using: &self)] }
  }

  static let seed: UInt64 = 20_240_611
  static let tokens = [
    "name", "0", "1", "-", "given", "_given", "gender", "meta", "tag", "id", "text", "div", "birthDate", "_birthDate",
    "extension", "address", "line", "contained", "resourceType", "", "~0", "~1", "~", "01", "99999999999",
    "valueString",
    "deceasedBoolean", "deceasedDateTime", "contact", "é", "\\\"",
  ]
  static let pointers = [
    "/name", "/name/0", "/name/-", "/name/0/given", "/name/0/given/1", "/name/1/given/0", "/gender", "/meta/tag",
    "/_birthDate", "/_birthDate/extension/0", "/address/0", "/address/0/line/0", "/contained/0/name", "/photo", "/text",
    "/contact", "/deceasedBoolean", "/name/0/_given", "/active", "/meta",
  ]
  static let values = [
    "null", "true", "\"true\"", "1", "-1.5e3", "\"x\"", "\"\"", "[]", "{}", "[null]", "[[]]", "{\"use\":\"home\"}",
    "{\"resourceType\":\"Patient\",\"id\":\"c\"}", "[{\"id\":\"a\"}]", "\"2020-01-01\"", "\"\\u0000\"",
    "\"\\ud83d\\ude00\"",
    "{\"extension\":[{\"url\":\"u\",\"valueString\":\"v\"}]}",
  ]
  static let paths = [
    "Patient", "Resource", "Patient.name", "Patient.name[0]", "Patient.name.given", "name[1].given[0]",
    "Patient.gender",
    "Patient.birthDate", "Patient.birthDate.extension", "Patient.birthDate.extension[0].value", "Patient.deceased",
    "Patient.address.line", "Patient.meta", "Patient.meta.tag", "Patient.text", "Patient.text.div", "Patient.id",
    "Patient.descendants()", "Patient.children()", "Patient.name | Patient.address", "Patient.contact.name",
    "Patient.name.where(use='official')", "Patient.extension('u')", "%resource", "Patient.name.first().given.last()",
    "Patient.contained", "Patient.contained[0].name", "now()", "{}", "Patient.", "(((", "Patient.name[-1]", "",
  ]
  static let names = [
    "name", "gender", "birthDate", "deceased", "extension", "id", "meta", "tag", "given", "family", "contained",
    "contact", "text", "value", "x", "", "multipleBirth", "url", "line", "active", "link",
  ]
  static let parts = [
    "\"valueString\":\"x\"", "\"valueCode\":\"male\"", "\"valueBoolean\":true", "\"valueInteger\":3",
    "\"valueDateTime\":\"2020\"", "\"valueDate\":\"2020-02-30\"", "\"valueHumanName\":{\"family\":\"f\"}",
    "\"valueHumanName\":{}", "\"valueHumanName\":[]",
    "\"part\":[{\"name\":\"url\",\"valueUri\":\"u\"},{\"name\":\"value\",\"valueCode\":\"c\"}]",
    "\"valueReference\":{\"reference\":\"Patient/1\"}", "\"valueCoding\":{\"code\":\"c\"}", "\"part\":[]",
    "\"part\":[{\"name\":\"given\",\"valueString\":\"g\"},{\"name\":\"given\",\"_valueString\":{\"id\":\"i\"}}]",
    "\"part\":[{\"name\":\"other\",\"part\":[{\"name\":\"display\",\"valueString\":\"d\"}]}]", "\"part\":{}",
    "\"resource\":{\"resourceType\":\"Patient\",\"id\":\"c\",\"name\":[{\"text\":\"t\"}]}", "\"resource\":{}",
    "\"value\":1",
    "\"_valueDate\":{\"extension\":[{\"url\":\"u\",\"valueCode\":\"c\"}]}", "\"valueNothing\":null",
    "\"valueUri\":\"a b\"",
  ]

  private func jsonPatch(_ random: inout Random) -> String {
    let operations = (0..<Int.random(in: 1...4, using: &random)).map { _ in
      func pointer() -> String {
        if Bool.random(using: &random) { return random.pick(Self.pointers) }
        return (0..<Int.random(in: 0...5, using: &random)).map { _ in "/" + random.pick(Self.tokens) }.joined()
      }
      let op = random.pick(["add", "remove", "replace", "move", "copy", "test", "add", "coo"])
      return
        "{\"op\":\"\(op)\",\"path\":\"\(pointer())\",\"from\":\"\(pointer())\",\"value\":\(random.pick(Self.values))}"
    }
    return "[\(operations.joined(separator: ","))]"
  }

  private func fhirPathPatch(_ random: inout Random) -> String {
    let operations = (0..<Int.random(in: 1...3, using: &random)).map { _ in
      let parts = [
        Patching.type(random.pick(["add", "insert", "delete", "replace", "move", "upsert", "ADD", "coo"])),
        Patching.path(random.pick(Self.paths)), Patching.name(random.pick(Self.names)),
        "{\"name\":\"value\",\(random.pick(Self.parts))}",
        Patching.number("index", Int.random(in: -1...3, using: &random)),
        Patching.number("source", Int.random(in: -1...3, using: &random)),
        Patching.number("destination", Int.random(in: -1...3, using: &random)),
      ].filter { _ in Int.random(in: 0..<60, using: &random) > 0 }
      return "{\"name\":\"operation\",\"part\":[\(parts.joined(separator: ","))]}"
    }
    return "{\"resourceType\":\"Parameters\",\"parameter\":[\(operations.joined(separator: ","))]}"
  }

  private static let start = Patching.patient.replacing(
    #""active":true,"#, with: #""active":true,"contained":[{"resourceType":"Patient","id":"k","name":[{"text":"n"}]}],"#
  )

  private func check(_ bytes: [UInt8], _ patch: String) throws {
    let document = try JSONDocument(bytes)
    _ = Patching.check.issues(of: document)
    #expect(document.isCompact, "\(patch)")
    #expect(document.value["id"]?.string == "p1", "\(patch)")
    #expect(document.value["resourceType"]?.string == "Patient", "\(patch)")
    #expect(document.value["meta"]?["versionId"]?.string == "1", "\(patch)")
  }

  @Test func jsonPatches() throws {
    var random = Random(state: Self.seed)
    let start = try JSONDocument(Self.start)
    var applied = 0
    for _ in 0..<6_000 {
      let text = jsonPatch(&random)
      guard let document = try? JSONDocument(text), let patch = try? JSONPatch(parsing: document) else { continue }
      _ = try? patch.apply(to: start)
      guard let bytes = try? patch.apply(to: start, schema: .r4) else { continue }
      applied += 1
      try check(bytes, text)
    }
    print("random JSON Patches: \(applied) of 6000 applied, seed \(Self.seed)")
    #expect(applied > 100)
  }

  @Test func fhirPathPatches() throws {
    var random = Random(state: Self.seed)
    let start = try JSONDocument(Self.start)
    let type = try #require(Schema.r4.type("Patient"))
    var applied = 0
    for _ in 0..<6_000 {
      let text = fhirPathPatch(&random)
      guard let document = try? JSONDocument(text),
        let patch = try? FHIRPathPatch(parsing: document, schema: .r4),
        let bytes = try? patch.apply(to: start, type: type, now: Patching.now)
      else { continue }
      applied += 1
      try check(bytes, text)
    }
    print("random FHIRPath Patches: \(applied) of 6000 applied, seed \(Self.seed)")
    #expect(applied > 100)
  }
}
