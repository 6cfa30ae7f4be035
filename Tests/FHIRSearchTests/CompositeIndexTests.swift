import FHIRModel
import FHIRSearch
import Testing

/// FHIR R4 search#combining: a composite pairs values of one and the same element.
@Suite struct CompositeIndexTests {
  private static let ucum = "http://unitsofmeasure.org"

  private static func quantity(_ value: Int) -> String {
    #""valueQuantity":{"value":\#(value),"system":"\#(ucum)","code":"mm[Hg]"}"#
  }

  private static func code(_ code: String) -> String { #""code":{"coding":[{"system":"urn:l","code":"\#(code)"}]}"# }

  private static let pressure = """
    {"resourceType":"Observation","status":"final",\(code("panel")),
     "component":[{\(code("sys")),\(quantity(120))},{\(code("dia")),\(quantity(80))},{\(code("none"))}]}
    """

  @Test func componentsKeepTheirOwnValues() throws {
    let expected = [
      "composite urn:l|dia $ \(Self.ucum)|mm[Hg] 80.0…80.0",
      "composite urn:l|sys $ \(Self.ucum)|mm[Hg] 120.0…120.0",
    ]
    #expect(try Extraction.lines(Self.pressure, "component-code-value-quantity") == expected)
    #expect(try Extraction.lines(Self.pressure, "combo-code-value-quantity") == expected)
    #expect(try Extraction.lines(Self.pressure, "code-value-quantity") == [])
    #expect(
      try Extraction.lines(Self.pressure, "combo-code") == [
        "token urn:l|dia", "token urn:l|none", "token urn:l|panel", "token urn:l|sys",
      ])
  }

  @Test func everyCombinationWithinOneElement() throws {
    let json = """
      {"resourceType":"Observation","status":"final","code":{"coding":[{"code":"a"},{"system":"urn:l","code":"b"}]},
       "valueCodeableConcept":{"coding":[{"code":"1"},{"code":"2"}]}}
      """
    #expect(
      try Extraction.lines(json, "code-value-concept") == [
        "composite urn:l|b $ |1", "composite urn:l|b $ |2", "composite |a $ |1", "composite |a $ |2",
      ])
  }

  @Test func stringsAndDates() throws {
    let text =
      #"{"resourceType":"Observation","status":"final","code":{"coding":[{"code":"a"}]},"valueString":"Größe"}"#
    #expect(try Extraction.lines(text, "code-value-string") == ["composite |a $ |grosse"])
    let date =
      #"{"resourceType":"Observation","status":"final","code":{"coding":[{"code":"a"}]},"valueDateTime":"2013-01-14"}"#
    #expect(
      try Extraction.lines(date, "code-value-date") == [
        "composite |a $ | 2013-01-14T00:00:00…2013-01-14T23:59:59.999999"
      ])
    let period =
      #"{"resourceType":"Observation","status":"final","code":{"coding":[{"code":"a"}]},"valuePeriod":{"start":"2013"}}"#
    #expect(try Extraction.lines(period, "code-value-date") == ["composite |a $ | 2013-01-01T00:00:00…Δ"])
  }

  @Test func referencesAndCodes() throws {
    let json = """
      {"resourceType":"DocumentReference","status":"current","content":[{"attachment":{"url":"urn:u"}}],
       "relatesTo":[{"code":"replaces","target":{"reference":"DocumentReference/1"}},{"code":"appends","target":{"reference":"DocumentReference/2"}}]}
      """
    let system = "http://hl7.org/fhir/document-relationship-type"
    #expect(
      try Extraction.lines(json, "relationship") == [
        "composite DocumentReference|1 $ \(system)|replaces", "composite DocumentReference|2 $ \(system)|appends",
      ])
  }

  @Test func groupCharacteristics() throws {
    let json = """
      {"resourceType":"Group","type":"person","actual":false,"characteristic":[
        {"code":{"coding":[{"code":"g"}]},"valueCodeableConcept":{"coding":[{"code":"f"}]},"exclude":false},
        {"code":{"coding":[{"code":"m"}]},"valueBoolean":true,"exclude":false}]}
      """
    #expect(
      try Extraction.lines(json, "characteristic-value") == ["composite |g $ |f", "composite |m $ |true"])
    #expect(try Extraction.lines(json, "value") == ["token |f", "token |true"])
  }

  @Test func threeComponents() throws {
    let json = """
      {"resourceType":"MolecularSequence","coordinateSystem":0,"referenceSeq":{"referenceSeqId":{"coding":[{"system":"urn:n","code":"NC_1"}]},
        "strand":"watson","windowStart":10,"windowEnd":20},"variant":[{"start":12,"end":13},{"start":15}]}
      """
    #expect(
      try Extraction.lines(json, "referenceseqid-window-coordinate") == ["composite urn:n|NC_1 $ | 10.0…10.0 20.0…20.0"]
    )
    #expect(
      try Extraction.lines(json, "referenceseqid-variant-coordinate") == [
        "composite urn:n|NC_1 $ | 12.0…12.0 13.0…13.0"
      ])
  }

  @Test func contextsWithQuantities() throws {
    let json = """
      {"resourceType":"Questionnaire","status":"draft","useContext":[
        {"code":{"system":"urn:c","code":"age"},"valueRange":{"low":{"value":1,"unit":"a"},"high":{"value":5,"unit":"a"}}},
        {"code":{"system":"urn:c","code":"focus"},"valueCodeableConcept":{"coding":[{"code":"x"}]}}]}
      """
    #expect(try Extraction.lines(json, "context-type-quantity") == ["composite urn:c|age $ |a 1.0…5.0"])
    #expect(try Extraction.lines(json, "context-type-value") == ["composite urn:c|focus $ |x"])
  }
}
