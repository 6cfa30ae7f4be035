import Base
import FHIRModel
import JSONCore
import Testing

@Suite struct StructureCheckTests {
  static let check = StructureCheck(schema: .r4)

  /// The issues as `code expression`.
  func issues(_ json: String, expecting type: String? = nil) throws -> [String] {
    let expected = try type.map { try #require(Schema.r4.type($0)) }
    return try Self.check.issues(of: JSONDocument(json), expecting: expected).map {
      #expect($0.severity == .error && !$0.diagnostics.isEmpty)
      return "\($0.code ?? "") \($0.expression ?? "")"
    }
  }

  /// Members of a Patient, and what is to be said about them.
  @Test(arguments: [
    (#""active":true,"gender":"male","birthDate":"1974-12""#, []),
    (#""name":[{"family":"A","given":["B","C"]}],"deceasedBoolean":false"#, []),
    (#""name1":[]"#, ["structure Patient.name1"]),
    (#""name":[{"use1":"official"}]"#, ["structure Patient.name[0].use1"]),
    (#""active":"true""#, ["structure Patient.active"]),
    (#""active":[true]"#, ["structure Patient.active"]),
    (#""active":null"#, ["structure Patient.active"]),
    (#""name":{"family":"A"}"#, ["structure Patient.name"]),
    (#""name":[]"#, ["structure Patient.name"]),
    (#""name":[{}]"#, ["invariant Patient.name[0]"]),
    (#""name":[null]"#, ["structure Patient.name[0]"]),
    (#""name":[{"id":"a"}]"#, ["invariant Patient.name[0]"]),
    (#""name":["A"]"#, ["structure Patient.name[0]"]),
    (#""name":[{"given":["A",""]}]"#, ["value Patient.name[0].given[1]"]),
    (#""name":[{"given":"A"}]"#, ["structure Patient.name[0].given"]),
    (#""gender":"Male""#, ["code-invalid Patient.gender"]),
    (#""gen\u0064er":"m\u0061le""#, []),
    (#""gender":"x\u0061""#, ["code-invalid Patient.gender"]),
    (#""birthDate":"1974-13""#, ["value Patient.birthDate"]),
    (#""birthDate":1974"#, ["structure Patient.birthDate"]),
    (#""multipleBirthInteger":2147483648"#, ["value Patient.multipleBirth"]),
    (#""multipleBirthInteger":1.0"#, ["value Patient.multipleBirth"]),
    (#""multipleBirthInteger":1,"multipleBirthBoolean":true"#, ["structure Patient.multipleBirth"]),
    (#""multipleBirth":1"#, ["structure Patient.multipleBirth"]),
    (#""multipleBirthString":"1""#, ["structure Patient.multipleBirthString"]),
    (#""id":"a_b""#, ["value Patient.id"]), (#""id":1"#, ["structure Patient.id"]), (#""id":"A-1.b""#, []),
    (#""contact":[{"name":{"text":"x"}},{"gender":"x"}]"#, ["code-invalid Patient.contact[1].gender"]),
    (#""link":[{"type":"refer"}]"#, ["required Patient.link[0].other"]),
    (#""text":{"status":"generated","div":"<div>\u003cscript/></div>"}"#, ["invariant Patient.text.div"]),
    (#""text":"x""#, ["structure Patient.text"]),
    (#""photo":[{"data":"YQ"}]"#, ["value Patient.photo[0].data"]),
    (#""photo":[{"size":-1}]"#, ["value Patient.photo[0].size"]),
    (#""maritalStatus":{"text":"a\u0000"}"#, ["value Patient.maritalStatus.text"]),
    (#""maritalStatus":{"text":"a\b"}"#, ["value Patient.maritalStatus.text"]),
    (#""maritalStatus":{"text":"\\u0000 \\b \t \n é \u00e9"}"#, []),
    (#""meta":{"lastUpdated":"2000-01-01T00:00:00"}"#, ["value Patient.meta.lastUpdated"]),
    (#""fhir_comments":["x"]"#, ["structure Patient.fhir_comments"]),
    (#""language":"de""#, []),
  ])
  func membersOfAPatient(_ members: String, _ expected: [String]) throws {
    #expect(try issues(#"{"resourceType":"Patient",\#(members)}"#) == expected)
  }

  // FHIR R4 json.html#primitive.
  @Test(arguments: [
    (#""_birthDate":{"extension":[{"url":"u","valueString":"x"}]}"#, []),
    (#""birthDate":"1970","_birthDate":{"id":"a"}"#, []),
    (#""birthDate":"1970","_birthDate":{}"#, ["invariant Patient.birthDate"]),
    (#""_birthDate":{"id":"a"}"#, ["invariant Patient.birthDate"]),
    (#""birthDate":"1970","_birthDate":{"extension":[{"url":"u","valueString":"x"}]}"#, []),
    (#""birthDate":null,"_birthDate":{"extension":[{"url":"u","valueString":"x"}]}"#, ["structure Patient.birthDate"]),
    (#""_birthDate":{}"#, ["invariant Patient.birthDate"]), (#""_birthDate":null"#, ["structure Patient.birthDate"]),
    (#""_birthDate":{"value":"1970"}"#, ["structure Patient.birthDate.value"]),
    (#""_birthDate":[{"id":"a"}]"#, ["structure Patient.birthDate"]),
    (#""_name":[{"id":"a"}]"#, ["structure Patient._name"]), (#""_x":{"id":"a"}"#, ["structure Patient._x"]),
    (#""name":[{"given":["A",null],"_given":[null,{"extension":[{"url":"u","valueCode":"x"}]}]}]"#, []),
    (
      #""name":[{"_given":[null,{"extension":[{"url":"u","valueCode":"x"}]}]}]"#, ["structure Patient.name[0].given[0]"]
    ),
    (#""name":[{"_given":[{"extension":[{"url":"u","valueCode":"x"}]}]}]"#, []),
    (#""name":[{"given":["A",null]}]"#, ["structure Patient.name[0].given[1]"]),
    (
      #""name":[{"given":["A","B"],"_given":[{"extension":[{"url":"u","valueCode":"x"}]}]}]"#,
      ["structure Patient.name[0].given"]
    ),
    (#""name":[{"given":["A",null],"_given":[null,null]}]"#, ["structure Patient.name[0].given[1]"]),
    (#""name":[{"given":["A"],"_given":{"id":"x"}}]"#, ["structure Patient.name[0].given"]),
    (#""name":[{"given":["A"],"_given":[]}]"#, ["structure Patient.name[0].given"]),
    (#""deceasedBoolean":true,"_deceasedBoolean":{"extension":[{"url":"u","valueCode":"x"}]}"#, []),
    (
      #""deceasedBoolean":true,"_deceasedDateTime":{"extension":[{"url":"u","valueCode":"x"}]}"#,
      ["structure Patient.deceased"]
    ),
  ])
  func siblingsOfPrimitives(_ members: String, _ expected: [String]) throws {
    // ele-1 of Element: an id alone is no content, beside a value it is welcome.
    #expect(try issues(#"{"resourceType":"Patient",\#(members)}"#) == expected)
  }

  @Test(arguments: [
    (#"{"url":"u","valueString":"x"}"#, []), (#"{"url":"u","extension":[{"url":"v","valueCode":"x"}]}"#, []),
    (#"{"url":"u"}"#, ["invariant Patient.extension[0]"]),
    (#"{"url":"u","valueString":"x","extension":[{"url":"v","valueCode":"x"}]}"#, ["invariant Patient.extension[0]"]),
    (#"{"valueString":"x"}"#, ["required Patient.extension[0].url"]),
    (#"{"url":"u","_valueString":{"extension":[{"url":"v","valueCode":"x"}]}}"#, []),
    (#"{"url":"u","valueCode":" x"}"#, ["value Patient.extension[0].value"]),
    (#"{"url":"","valueCode":"x"}"#, ["value Patient.extension[0].url"]),
  ])
  func extensions(_ json: String, _ expected: [String]) throws {
    #expect(try issues(#"{"resourceType":"Patient","extension":[\#(json)]}"#) == expected)
  }

  static let observation = #""resourceType":"Observation","status":"final","code":{"text":"x"}"#

  @Test(arguments: [
    (#"{"resourceType":"Patient"}"#, []), (#"{}"#, ["structure Resource"]), (#"[]"#, ["structure Resource"]),
    (#"{"resourceType":"Money"}"#, ["structure Resource"]), (#"{"resourceType":""}"#, ["structure Resource"]),
    (#"{"resourceType":"DomainResource"}"#, ["structure Resource"]), (#"{"resourceType":1}"#, ["structure Resource"]),
    (#"{"resourceType":"patient"}"#, ["structure Resource"]), (#"{"resourceType":"P\u0061tient"}"#, []),
    (#"{"resourceType":"Observation"}"#, ["required Observation.status", "required Observation.code"]),
    (#"{\#(observation)}"#, []),
    (#"{\#(observation),"effectiveDateTime":"2021-10-13+02:00"}"#, ["value Observation.effective"]),
    (#"{\#(observation),"valueQuantity":{"value":10.91968939701716}}"#, []),
    (#"{\#(observation),"valueQuantity":{"value":1234567890123456789.012345678}}"#, []),
    (#"{\#(observation),"valueQuantity":{"value":1234567890123456789.0123456789}}"#, ["value Observation.value.value"]),
    (#"{\#(observation),"valueQuantity":{"value":0.00000000000000000000000000000000001}}"#, []),
    (#"{\#(observation),"valueQuantity":{"value":"1"}}"#, ["structure Observation.value.value"]),
    (#"{\#(observation),"component":[{"valueString":"x"}]}"#, ["required Observation.component[0].code"]),
    (#"{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o"}]}"#, []),
    (#"{"resourceType":"Patient","contained":[{"resourceType":"Organization"}]}"#, ["required Patient.contained[0]"]),
    (
      #"""
      {"resourceType":"Patient","contained":[{"resourceType":"Patient","id":"a",
        "contained":[{"resourceType":"Basic","id":"b","code":{"text":"x"}}]}]}
      """#,
      ["invariant Patient.contained[0]"]
    ),
    (#"{"resourceType":"Patient","contained":[{"id":"o"}]}"#, ["structure Patient.contained[0]"]),
    (#"{"resourceType":"Patient","contained":["x"]}"#, ["structure Patient.contained[0]"]),
    (
      #"""
      {"resourceType":"Bundle","type":"batch",
        "entry":[{"resource":{"resourceType":"Patient","gender":"x"}},{"resource":{}}]}
      """#,
      ["code-invalid Bundle.entry[0].resource.gender", "structure Bundle.entry[1].resource"]
    ),
    (
      #"{"resourceType":"Parameters","parameter":[{"name":"a","resource":{"resourceType":"Patient","x":1}}]}"#,
      ["structure Parameters.parameter[0].resource.x"]
    ),
  ])
  func resources(_ json: String, _ expected: [String]) throws { #expect(try issues(json) == expected) }

  // terminologies.html#required: of a CodeableConcept at least one coding is from the value set.
  @Test(arguments: [
    (#"{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]}"#, true),
    (#"{"coding":[{"system":"http:\/\/terminology.hl7.org\/CodeSystem\/condition-clinical","code":"active"}]}"#, true),
    (
      #"""
      {"coding":[{"system":"u","code":"x"},
        {"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]}
      """#,
      true
    ),
    (#"{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"x"}]}"#, false),
    (#"{"coding":[{"system":"u","code":"active"}]}"#, false), (#"{"coding":[{"code":"active"}]}"#, false),
    (#"{"text":"active"}"#, false), (#"{"extension":[{"url":"u","valueCode":"x"}]}"#, true),
  ])
  func requiredConcepts(_ status: String, _ isSound: Bool) throws {
    let json = #"{"resourceType":"Condition","subject":{"display":"x"},"clinicalStatus":\#(status)}"#
    #expect(try issues(json) == (isSound ? [] : ["code-invalid Condition.clinicalStatus"]))
  }

  @Test func expectsATypeIfTold() throws {
    #expect(try issues(#"{"resourceType":"Patient"}"#, expecting: "Patient") == [])
    #expect(try issues(#"{"resourceType":"Patient"}"#, expecting: "DomainResource") == [])
    #expect(try issues(#"{"resourceType":"Patient"}"#, expecting: "Observation") == ["structure Patient"])
    #expect(try issues(#"{"family":"A"}"#, expecting: "HumanName") == [])
    #expect(try issues(#"{"family":1}"#, expecting: "HumanName") == ["structure HumanName.family"])
  }

  @Test func saysWhatWouldBeRight() throws {
    let document = try JSONDocument(#"{"resourceType":"Observation","status":"done","code":{"text":"x"},"value":"1"}"#)
    let issues = Self.check.issues(of: document)
    #expect(
      issues.map(\.diagnostics) == [
        "'done' is not from the required value set http://hl7.org/fhir/ValueSet/observation-status: registered, "
          + "preliminary, final, amended, corrected, cancelled, entered-in-error, unknown.",
        "'value' is written with its type in JSON: valueQuantity, valueCodeableConcept, valueString, valueBoolean, "
          + "valueInteger, valueRange, valueRatio, valueSampledData ….",
      ])
  }

  @Test func stopsAtFiftyIssues() throws {
    for count in [50, 51, 5000] {
      let names = Array(repeating: "{}", count: count).joined(separator: ",")
      #expect(try issues(#"{"resourceType":"Patient","name":[\#(names)]}"#).count == 50)
    }
  }

  @Test func nestsAsDeepAsJSONMay() throws {
    var limits = Limits()
    limits.jsonDepthMax = 10
    let check = StructureCheck(schema: .r4, limits: limits)
    func nested(_ depth: Int) throws -> [Fault.Reason] {
      let open = String(repeating: #"{"linkId":"a","type":"group","item":["#, count: depth)
      let close = String(repeating: "]}", count: depth)
      let leaf = #"{"linkId":"a","type":"group"}"#
      return try check.issues(
        of: JSONDocument(
          #"{"resourceType":"Questionnaire","status":"draft","item":[\#(open)\#(leaf)\#(close)]}"#))
    }
    #expect(try nested(8).isEmpty)
    #expect(try nested(9).count == 1)
  }
}
