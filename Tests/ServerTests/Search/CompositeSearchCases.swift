import JSONCore
import Testing

/// FHIR R4 search#composite: the parts hold of the same element. Data: the samples of a public server's own suite.
@Suite(
  .enabled(if: SearchSamples.areThere, "needs data set ms-fhir-server"),
  .scene { scene in
    guard SearchSamples.areThere else { return }
    for (name, file) in [
      ("apgar1", "ObservationWith1MinuteApgarScore"), ("apgar20", "ObservationWith20MinuteApgarScore"),
      ("temperature", "ObservationWithTemperature"), ("pressure", "ObservationWithBloodPressure"),
      ("diplotype", "ObservationWithTPMTDiplotype"), ("haplotype", "ObservationWithTPMTHaplotypeOne"),
      ("eyes", "ObservationWithEyeColor"), ("longEyes", "ObservationWithLongEyeColor"),
    ] {
      try await scene.create(name, sample: "Normative/\(file)")
    }
    for (name, kind) in [("appends", "appends"), ("transforms", "transforms"), ("both", "transforms-replaces-target")] {
      try await scene.create(name, sample: "R4/DocumentReference-example-relatesTo-code-\(kind)")
    }
    try await scene.create(
      "sequence",
      #"{"resourceType":"MolecularSequence","coordinateSystem":0,"referenceSeq":{"referenceSeqId":{"coding":["#
        + #"{"system":"http://ncbi.org","code":"NT_007592.15"}]},"windowStart":18130918,"windowEnd":18143955}}"#)
  }) struct CompositeSearchCases
{
  @Test(arguments: rows) func observation(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("Observation?_tag=t&" + row.query, row.names))
  }

  static let rows = [
    // Token and quantity.
    SearchRow("code-value-quantity=http://loinc.org|8310-5$39|http://unitsofmeasure.org|Cel", "temperature"),
    SearchRow("code-value-quantity=http://loinc.org|8331-1$39|http://unitsofmeasure.org|Cel", "temperature"),
    SearchRow("code-value-quantity=http://snomed.info/sct|56342008$39|http://unitsofmeasure.org|Cel", "temperature"),
    SearchRow("code-value-quantity=8310-5$39|http://unitsofmeasure.org|Cel", "temperature"),
    SearchRow("code-value-quantity=http://loinc.org|8310-5$39", "temperature"),
    SearchRow("code-value-quantity=http://loinc.org|8310-5$39||Cel", "temperature"),
    SearchRow("code-value-quantity=http://loinc.org|8310-5$38|http://unitsofmeasure.org|Cel", ""),
    SearchRow("code-value-quantity=http://loinc.org|8310-5$eq39", "temperature"),
    SearchRow("code-value-quantity=http://loinc.org|8310-5$ne39", ""),
    SearchRow("code-value-quantity=http://loinc.org|8310-5$lt39", ""),
    SearchRow("code-value-quantity=http://loinc.org|8310-5$lt39.1", "temperature"),
    SearchRow("code-value-quantity=http://loinc.org|8310-5$le39", "temperature"),
    SearchRow("code-value-quantity=http://loinc.org|8310-5$le38.9", ""),
    SearchRow("code-value-quantity=http://loinc.org|8310-5$gt39", ""),
    SearchRow("code-value-quantity=http://loinc.org|8310-5$gt38.9", "temperature"),
    SearchRow("code-value-quantity=http://loinc.org|8310-5$ge39", "temperature"),
    SearchRow("code-value-quantity=http://loinc.org|8310-5$ge39.1", ""),
    SearchRow("code-value-quantity=http://loinc.org|8310-5$sa38", "temperature"),
    SearchRow("code-value-quantity=http://loinc.org|8310-5$eb40", "temperature"),
    SearchRow("code-value-quantity=http://loinc.org|8310-5$ap40", "temperature"),
    SearchRow("code-value-quantity=http://loinc.org|9272-6$39", ""),
    SearchRow("code-value-quantity=http://loinc.org|9272-6$0", "apgar1"),
    SearchRow("code-value-quantity=http://loinc.org|9272-6$ge0,http://loinc.org|8310-5$ge0", "apgar1 temperature"),
    SearchRow("code-value-quantity=|8310-5$39", ""),
    // The root pairs with the root only, not with a component's value.
    SearchRow("code-value-quantity=http://loinc.org|85354-9$107", ""),
    // Root and components.
    SearchRow("combo-code-value-quantity=http://loinc.org|8480-6$107|http://unitsofmeasure.org|mm[Hg]", "pressure"),
    SearchRow("combo-code-value-quantity=http://loinc.org|8462-4$60|http://unitsofmeasure.org|mm[Hg]", "pressure"),
    SearchRow("combo-code-value-quantity=http://loinc.org|8480-6$60", ""),
    SearchRow("combo-code-value-quantity=http://loinc.org|8462-4$107", ""),
    SearchRow("combo-code-value-quantity=http://loinc.org|85354-9$107", ""),
    SearchRow("combo-code-value-quantity=http://loinc.org|8310-5$39", "temperature"),
    SearchRow("combo-code-value-quantity=8480-6$gt100,8310-5$gt38", "pressure temperature"),
    SearchRow("component-code-value-quantity=http://loinc.org|8480-6$107", "pressure"),
    SearchRow("component-code-value-quantity=http://loinc.org|8310-5$39", ""),
    // Both values of one code, in different components.
    SearchRow("combo-code-value-quantity=8480-6$107&combo-code-value-quantity=8462-4$60", "pressure"),
    // Token and token.
    SearchRow("combo-code-value-concept=http://loinc.org|32406-1$http://loinc.org/la|LA6722-8", "apgar1"),
    SearchRow("combo-code-value-concept=http://snomed.info/sct|249227004$http://loinc.org/la|LA6722-8", "apgar1"),
    SearchRow("combo-code-value-concept=32406-1$LA6722-8", "apgar1"),
    SearchRow("combo-code-value-concept=http://loinc.org|32406-1$http:/acme.ped/apgarcolor|0", "apgar1"),
    SearchRow("combo-code-value-concept=http://loinc.org|32406-1$http:/acme.ped/apgarheartrate|0", ""),
    SearchRow("combo-code-value-concept=http://loinc.org|32407-9$http:/acme.ped/apgarheartrate|0", "apgar1"),
    SearchRow("combo-code-value-concept=http://loinc.org|32406-1$nothing", ""),
    // Token and string.
    SearchRow("code-value-string=http://snomed.info/sct|162806009$blue", "eyes"),
    SearchRow("code-value-string=162806009$blue", "eyes"),
    SearchRow("code-value-string=http://snomed.info/sct|162806009$BLU", "eyes"),
    SearchRow("code-value-string=http://snomed.info/sct|162806009$lue", ""),
    SearchRow("code-value-string=http://snomed.info/sct|162806009$\(longEyeColor)", "longEyes"),
    SearchRow("code-value-string=http://snomed.info/sct|162806009$\(longEyeColor)Not", ""),
    SearchRow("code-value-string=http://snomed.info/sct|162806009$Lorem", "longEyes"),
    SearchRow("code-value-string=http://snomed.info/sct|363779003$*1/*4", "diplotype"),
    SearchRow("code-value-string=http://snomed.info/sct|363779003$blue", ""),
    SearchRow("code-value-string:missing=false", "diplotype eyes longEyes"),
  ]

  private static let longEyeColor: String = {
    let value = try? SearchSamples.read("Normative/ObservationWithLongEyeColor")["valueString"]?.string
    // FHIR R4 search#escaping
    return (value ?? "Lorem").replacing("\\", with: "\\\\").replacing(",", with: "\\,").replacing("$", with: "\\$")
  }()

  /// Reference and token: what is related, and how.
  @Test(arguments: [
    SearchRow(
      "relationship=DocumentReference/example-appends$http://hl7.org/fhir/document-relationship-type|appends",
      "appends"),
    SearchRow("relationship=DocumentReference/example-appends$appends", "appends"),
    SearchRow("relationship=example-appends$appends", "appends"),
    SearchRow("relationship=DocumentReference/example-appends$transforms", ""),
    SearchRow("relationship=DocumentReference/example-transforms$transforms", "both transforms"),
    SearchRow("relationship=DocumentReference/example-replaces$replaces", "both"),
    SearchRow("relationship=DocumentReference/example-replaces$transforms", ""),
    SearchRow("relationship=example-replaces$replaces,example-appends$appends", "appends both"),
  ]) func relationship(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("DocumentReference?_tag=t&" + row.query, row.names))
  }

  /// Token and two numbers.
  @Test(arguments: [
    SearchRow("http://ncbi.org|NT_007592.15$18130918$18143955", "sequence"),
    SearchRow("NT_007592.15$ge18130900$le18143960", "sequence"),
    SearchRow("NT_007592.15$gt18130918$le18143960", ""),
    SearchRow("NT_007592.15$18130918$lt18143955", ""),
  ]) func coordinates(_ row: SearchRow) async throws {
    let query = "MolecularSequence?_tag=t&referenceseqid-window-coordinate="
    try await SearchScene.current.check(SearchRow(query + row.query, row.names))
  }

  @Test(arguments: [
    "code-value-quantity=8310-5", "code-value-quantity=8310-5$", "code-value-quantity=$39",
    "code-value-quantity=8310-5$39$1", "code-value-quantity=8310-5$foo", "code-value-quantity=8310-5$gt",
    "code-value-quantity=a|b|c$39", "code-value-quantity:exact=8310-5$39", "code-value-date=8310-5$2000-99",
  ]) func whatIsNoCompositeIsRefused(_ query: String) async throws {
    try await SearchScene.current.checkRefused(
      "Observation?" + query, ["'\(query.prefix { $0 != ":" && $0 != "=" })'"])
  }
}

extension SearchScene {
  /// Creates a sample under a name, without its own labels, and without what is not R4 in some of them.
  func create(_ name: String, sample: String) async throws {
    try await create(name, Self.stripped(try SearchSamples.read(sample)))
  }

  private static func stripped(_ value: JSONValue) -> String {
    switch value.kind {
    case .object:
      let members = value.members.filter {
        !["meta", "text", "interpretation", "contained"].contains($0.name) || $0.value.kind == .string
      }
      return "{" + members.map { "\"\($0.name)\":\(stripped($0.value))" }.joined(separator: ",") + "}"
    case .array: return "[" + value.elements.map(stripped).joined(separator: ",") + "]"
    default: return String(decoding: value.json, as: UTF8.self)
    }
  }
}
