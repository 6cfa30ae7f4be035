import FHIRModel
import FHIRSearch
import Testing

/// FHIR R4 search#reference, references.html: what is pointed to, and by which parameters.
@Suite struct ReferenceIndexTests {
  private static func observation(_ subject: String) -> String {
    """
    {"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":\(subject),
     "contained":[{"resourceType":"Patient","id":"c"}]}
    """
  }

  @Test(arguments: [
    (#"{"reference":"Patient/1"}"#, ["reference Patient/1"], ["reference Patient/1"]),
    (#"{"reference":"Patient/1/_history/3"}"#, ["reference Patient/1"], ["reference Patient/1"]),
    (#"{"reference":"Group/1"}"#, ["reference Group/1"], []),
    (
      #"{"reference":"http://a.b/fhir/Patient/1"}"#, ["reference /http://a.b/fhir/Patient/1"],
      ["reference /http://a.b/fhir/Patient/1"]
    ),
    (
      #"{"reference":"http://a.b/fhir/Patient/1/_history/2"}"#, ["reference /http://a.b/fhir/Patient/1"],
      ["reference /http://a.b/fhir/Patient/1"]
    ),
    // An address without a type does not tell.
    (#"{"reference":"urn:uuid:5","type":"Patient"}"#, ["reference /urn:uuid:5"], []),
    (#"{"reference":"urn:uuid:5"}"#, ["reference /urn:uuid:5"], []),
    // Contained resources have no identity outside (FHIR R4 search#contained).
    (##"{"reference":"#c"}"##, [], []),
    // What is identified only is found by `:identifier`; `type` says what it is.
    (#"{"identifier":{"system":"urn:s","value":"1"}}"#, ["token urn:s|1"], ["token urn:s|1"]),
    (#"{"identifier":{"value":"1"},"type":"Patient"}"#, ["token |1"], ["token |1"]),
    (#"{"identifier":{"system":"urn:s"}}"#, [], []),
    (
      #"{"reference":"Patient/1","identifier":{"system":"urn:s","value":"1"}}"#,
      ["reference Patient/1", "token urn:s|1"], ["reference Patient/1", "token urn:s|1"]
    ),
    (#"{"display":"someone"}"#, [], []),
    (#"{"reference":"p2"}"#, ["reference /p2"], []),
  ])
  func subjectAndPatient(subject: String, all: [String], patient: [String]) throws {
    #expect(try Extraction.lines(Self.observation(subject), "subject") == all)
    #expect(try Extraction.lines(Self.observation(subject), "patient") == patient)
  }

  @Test func untypedReferenceOfASoleTarget() throws {
    let patient =
      #"{"resourceType":"Patient","managingOrganization":{"reference":"ijk"},"generalPractitioner":[{"reference":"p2"}]}"#
    #expect(try Extraction.lines(patient, "organization") == ["reference Organization/ijk"])
    #expect(try Extraction.lines(patient, "general-practitioner") == ["reference /p2"])
  }

  @Test func listsOfReferences() throws {
    let json = """
      {"resourceType":"Observation","status":"final","code":{"text":"x"},
       "performer":[{"reference":"Practitioner/1"},{"reference":"Organization/2"},{"reference":"Practitioner/1"}]}
      """
    #expect(try Extraction.lines(json, "performer") == ["reference Organization/2", "reference Practitioner/1"])
  }

  /// What a contained resource says is not said by the resource around it.
  @Test func containedResourcesAreNotIndexed() throws {
    let json = """
      {"resourceType":"Patient","contained":[{"resourceType":"Patient","id":"c","gender":"male","name":[{"family":"Inner"}],
        "identifier":[{"value":"9"}]},{"resourceType":"Organization","id":"o","name":"Org"}],"name":[{"family":"Outer"}]}
      """
    #expect(try Extraction.lines(json, "family") == ["string Outer (outer)"])
    #expect(try Extraction.lines(json, "gender") == [])
    #expect(try Extraction.lines(json, "identifier") == [])
  }

  /// Bundle's `composition` and `message` lead to a resource inside the bundle, which only a chain could ask about.
  @Test func bundlesAreNotTheirEntries() throws {
    let json = """
      {"resourceType":"Bundle","type":"document","timestamp":"2020-01-01T00:00:00Z","identifier":{"value":"b"},
       "entry":[{"fullUrl":"http://a/Composition/1","resource":{"resourceType":"Composition","id":"1","status":"final",
        "type":{"text":"t"},"date":"2020","author":[{"display":"a"}],"title":"T"}}]}
      """
    #expect(try Extraction.lines(json, "type") == ["token http://hl7.org/fhir/bundle-type|document"])
    #expect(try Extraction.lines(json, "identifier") == ["token |b"])
    #expect(try Extraction.lines(json, "composition") == [])
  }
}
