import FHIRModel
import FHIRSearch
import Testing

/// What the modifiers of FHIR R4 search#token and search#reference ask for beside the values: words, types of
/// identifiers, identifiers of references.
@Suite struct ModifierIndexTests {
  private static let loinc = "http://loinc.org"

  private static func observation(_ code: String) -> String {
    #"{"resourceType":"Observation","status":"final","code":\#(code)}"#
  }

  // MARK: :text

  /// "text associated with the code (in a code/coding this is display, in a CodeableConcept text as well)"
  @Test func wordsOfConcepts() throws {
    let code = #"{"coding":[{"code":"1","display":"Heart rate"},{"display":"Pulse"}],"text":"Herzschläge"}"#
    #expect(
      try Extraction.lines(Self.observation(code), "code") == [
        "string Heart rate (heart rate) +", "string Herzschläge (herzschlage) +", "string Pulse (pulse) +", "token |1",
      ])
    #expect(
      try Extraction.lines(Self.observation(#"{"text":"Puls"}"#), "code") == ["string Puls (puls)"])
    // A Coding by itself.
    let tag = #"{"resourceType":"Patient","meta":{"tag":[{"system":"urn:t","code":"a","display":"Test"}]}}"#
    #expect(try Extraction.lines(tag, "_tag") == ["string Test (test)", "token urn:t|a"])
  }

  @Test func eachFoldedTextOnce() throws {
    let code = #"{"coding":[{"display":"Größe"},{"display":"x"},{"display":"GROESSE"}],"text":"grösse"}"#
    #expect(
      try Extraction.lines(Self.observation(code), "code") == [
        "string GROESSE (groesse) +", "string Größe (grosse) +", "string x (x) +",
      ])
    // One text that both say is one of one.
    let same = #"{"coding":[{"code":"1","display":"Pulse"}],"text":"pulse"}"#
    #expect(try Extraction.lines(Self.observation(same), "code") == ["string Pulse (pulse)", "token |1"])
    // In one element more often than rows are compared one by one.
    let many = (0..<40).map { #"{"display":"D\#($0 % 20)"},{"display":"d\#($0 % 20)"}"# }.joined(separator: ",")
    #expect(try Extraction.lines(Self.observation(#"{"coding":[\#(many)]}"#), "code").count == 20)
  }

  /// Each parameter has all its words, though another read the same element before.
  @Test func wordsOfSharedElements() throws {
    let json = """
      {"resourceType":"Observation","status":"final","code":{"text":"one"},
       "component":[{"code":{"text":"one"},"valueCodeableConcept":{"text":"one"}},{"code":{"text":"two"}}]}
      """
    #expect(try Extraction.lines(json, "code") == ["string one (one)"])
    #expect(try Extraction.lines(json, "component-code") == ["string one (one) +", "string two (two) +"])
    #expect(
      try Extraction.lines(json, "combo-code") == ["string one (one)", "string one (one) +", "string two (two) +"])
    #expect(try Extraction.lines(json, "combo-value-concept") == ["string one (one)"])
  }

  @Test func codesAndValuesHaveNoWords() throws {
    #expect(try Extraction.lines(#"{"resourceType":"Patient","gender":"male"}"#, "gender").count == 1)
    #expect(
      try Extraction.lines(#"{"resourceType":"Patient","telecom":[{"system":"email","value":"a@b"}]}"#, "email") == [
        "token |a@b"
      ])
    // Nor do composites pair words.
    let json =
      #"{"resourceType":"Observation","status":"final","code":{"text":"c"},"valueCodeableConcept":{"coding":[{"code":"v","display":"d"}]}}"#
    #expect(try Extraction.lines(json, "code-value-concept") == [])
  }

  /// Long words are kept to their beginning, as strings are.
  @Test(arguments: [4_096, 4_097])
  func longWords(length: Int) throws {
    let text = String(repeating: "a", count: length)
    let rows = try Extraction.rows(Self.observation(#"{"text":"\#(text)"}"#))
    let lengths = rows.compactMap { row in
      if case .string(_, let folded, _, _) = row { return folded.utf8.count }
      return nil
    }
    #expect(Set(lengths) == [4_096])
  }

  // MARK: :of-type

  private static let type = "http://terminology.hl7.org/CodeSystem/v2-0203"

  @Test func typesOfIdentifiers() throws {
    let json = """
      {"resourceType":"Patient","identifier":[{"system":"urn:s","value":"1","type":{"text":"Record",
        "coding":[{"system":"\(Self.type)","code":"MR","display":"Medical record number"},{"system":"urn:x","code":"r"}]}},
        {"value":"2","type":{"coding":[{"code":"nosystem"},{"system":"urn:nocode"}]}},
        {"type":{"coding":[{"system":"\(Self.type)","code":"SS","display":"no value"}]}}]}
      """
    #expect(
      try Extraction.lines(json, "identifier") == [
        "string Medical record number (medical record number) +", "string Record (record) +",
        "string no value (no value) +", "token urn:s|1", "token |2", "token ~\(Self.type)|MR|1", "token ~urn:x|r|1",
      ])
    let patient = try #require(Schema.r4.resourceType("Patient"))
    let number = try #require(Extraction.parameters.parameter(patient, "identifier")?.number)
    let row = IndexRow.token(parameter: number, system: IndexRow.ofType(system: Self.type, code: "MR"), code: "1")
    #expect(try Extraction.rows(json).contains(row))
  }

  @Test func pseudoSystems() {
    #expect(IndexRow.isPseudoSystem(IndexRow.ofType(system: "", code: "")))
    #expect(!IndexRow.isPseudoSystem(""))
    #expect(!IndexRow.isPseudoSystem("http://unitsofmeasure.org"))
  }

  /// A resource cannot claim a system of ours.
  @Test func claimedPseudoSystems() throws {
    let json =
      #"{"resourceType":"Patient","identifier":[{"system":"\u0001\#(Self.type)|MR","value":"1"}]}"#
    #expect(try Extraction.lines(json, "identifier") == ["token |1"])
    let quantity = #"{"value":1,"system":"\u0001ucum","code":"g"}"#
    let observation =
      #"{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":\#(quantity)}"#
    #expect(try Extraction.lines(observation, "value-quantity") == ["quantity 1.0…1.0 |g"])
  }

  // MARK: :identifier

  @Test func identifiersOfReferences() throws {
    let json = """
      {"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"#c","type":"Patient",
        "identifier":{"system":"urn:mrn","value":"7","type":{"coding":[{"system":"urn:t","code":"MR","display":"d"}]}}},
       "contained":[{"resourceType":"Patient","id":"c"}]}
      """
    // Of a reference only the identifier counts, not the identifier's type.
    #expect(try Extraction.lines(json, "subject") == ["token urn:mrn|7"])
    #expect(try Extraction.lines(json, "patient") == ["token urn:mrn|7"])
  }

  /// In a composite a reference is what it refers to.
  @Test func identifiersInComposites() throws {
    let json = """
      {"resourceType":"DocumentReference","status":"current","content":[{"attachment":{"url":"urn:u"}}],
       "relatesTo":[{"code":"replaces","target":{"reference":"DocumentReference/1","identifier":{"value":"i"}}}]}
      """
    #expect(
      try Extraction.lines(json, "relationship") == [
        "composite DocumentReference|1 $ http://hl7.org/fhir/document-relationship-type|replaces"
      ])
    #expect(try Extraction.lines(json, "relatesto") == ["reference DocumentReference/1", "token |i"])
  }

  /// `where(resolve() is …)`: each type's parameter has its own references only.
  @Test func targetsByType() throws {
    let json = """
      {"resourceType":"Appointment","status":"booked","participant":[{"status":"accepted","actor":{"reference":"Patient/p"}},
       {"status":"accepted","actor":{"reference":"http://a.b/fhir/Practitioner/d/_history/2"}},
       {"status":"accepted","actor":{"reference":"Location/l/_history/4"}},
       {"status":"accepted","actor":{"type":"Location","identifier":{"value":"L"}}}]}
      """
    // Identifiers are those of all that the element refers to.
    #expect(try Extraction.lines(json, "patient") == ["reference Patient/p", "token |L"])
    #expect(try Extraction.lines(json, "practitioner") == ["reference /http://a.b/fhir/Practitioner/d", "token |L"])
    #expect(try Extraction.lines(json, "location") == ["reference Location/l", "token |L"])
    #expect(try Extraction.lines(json, "actor").count == 4)
  }
}
