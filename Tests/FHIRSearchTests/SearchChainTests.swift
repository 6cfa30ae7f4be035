import Base
import FHIRModel
import Testing

@testable import FHIRSearch

/// FHIR R4 search#chaining, search#has and what is made of them.
@Suite struct SearchChainTests {
  private func text(_ query: String, _ types: [String] = ["Observation"]) throws -> String {
    CriterionText.text(try SearchQueryParserTests.parse(query, types))
  }

  private func refusal(_ query: String, _ types: [String] = ["Observation"], limits: Limits = Limits()) -> String? {
    SearchQueryParserTests.refusal(query, types, limits: limits)?.reasons.first?.diagnostics
  }

  @Test(arguments: [
    ("Observation", "subject:Patient.name=a,b", "subject→Patient{name='a','b'}"),
    (
      "Observation", "subject:Patient.organization.address-city=Oslo",
      "subject→Patient{organization→Organization{address-city='Oslo'}}"
    ),
    (
      "DiagnosticReport", "result.subject:Patient.organization:Organization.address-city:exact=Oslo",
      "result→Observation{subject→Patient{organization→Organization{address-city:exact='Oslo'}}}"
    ),
    ("Observation", "subject:Patient.gender:not=female", "subject→Patient{gender:not=female}"),
    ("Observation", "subject:Patient.gender:missing=true", "subject→Patient{gender:missing=true}"),
    ("Observation", "subject:Patient._type=Observation", "subject→Patient{type(Observation)}"),
    ("Observation", "subject:Patient._type:not=Patient", "subject→Patient{!type(Patient)}"),
    ("Observation", "subject:Patient._id=1", "subject→Patient{_id=1}"),
    ("Observation", "subject:Patient._tag=x", "subject→Patient{_tag=x}"),
    (
      "Observation", "subject:Patient.birthdate=1980-05",
      "subject→Patient{birthdate=eq[1980-05-01T00:00:00,1980-05-31T23:59:59.999999]}"
    ),
    (
      "Patient", "general-practitioner:Practitioner.address-state:contains=a",
      "general-practitioner→Practitioner{address-state:contains='a'}"
    ),
    ("Observation", "subject:Patient._list=7", "subject→Patient{←List.item{_id=7}}"),
    ("Patient", "_has:Observation:patient:code=s|1", "←Observation.patient{code=s|1}"),
    (
      "Patient", "_has:Observation:patient:_has:DiagnosticReport:result:code=1",
      "←Observation.patient{←DiagnosticReport.result{code=1}}"
    ),
    ("Patient", "_has:Group:member:_id=1", "←Group.member{_id=1}"),
    ("Patient", "_has:Group:member:_type=Group", "←Group.member{type(Group)}"),
    ("Patient", "_has:Observation:patient:code:not=1", "←Observation.patient{code:not=1}"),
    (
      "Patient", "_has:Observation:patient:encounter:Encounter.status=planned",
      "←Observation.patient{encounter→Encounter{status=planned}}"
    ),
    ("Observation", "patient:Patient._has:Group:member:_tag=x", "patient→Patient{←Group.member{_tag=x}}"),
    ("Patient", "_list=42", "←List.item{_id=42}"),
    ("Patient", "_list=42,b.c-D", "←List.item{_id=42,b.c-D}"),
    ("Patient", "_not-referenced=Observation:subject", "unreferenced(Observation.subject)"),
    ("Patient", "_not-referenced=Endpoint:*", "unreferenced(Endpoint.organization)"),
  ])
  func read(type: String, query: String, expected: String) throws {
    #expect(try text(query, [type]) == expected)
  }

  /// Without a type, a chain leads to the targets that have the rest of it; each reads it as its own kind.
  @Test func withoutType() throws {
    // Observation.subject refers to Group, Device, Patient and Location (R4 search parameter Observation-subject).
    #expect(try text("subject.birthdate=2000").hasPrefix("subject→Patient{birthdate="))
    #expect(
      try text("subject.identifier=1")
        == "subject→Group{identifier=1}|Device{identifier=1}|Patient{identifier=1}|Location{identifier=1}")
    // Location.type is a token as Device.type is; the modifier fits all.
    #expect(try text("subject.type=a") == "subject→Group{type=a}|Device{type=a}|Location{type=a}")
    // R4: Location.name is a string; a Device has device-name only.
    #expect(try text("subject.name=a") == "subject→Patient{name='a'}|Location{name='a'}")
    #expect(try text("subject.organization.name=a").contains("Patient{organization→Organization{name='a'}}"))
    #expect(try text("_has:Provenance:target:agent.name=a", ["Patient"]).contains("Practitioner{name='a'}"))
  }

  /// One chain over several searched types has the targets of all.
  @Test func severalTypes() throws {
    #expect(
      try text("subject:Patient.name=a", ["Observation", "Condition"]) == "subject→Patient{name='a'}")
    let query = try SearchQueryParserTests.parse("_type=Patient,Device&_has:Observation:subject:code=1", [])
    #expect(CriterionText.text(query) == "←Observation.subject{code=1}")
  }

  @Test func everyReference() throws {
    let all = try text("_not-referenced=*:*", ["Patient"])
    let references = Schema.r4.resourceTypes.flatMap { Extraction.parameters.parameters($0) }.filter {
      $0.kind == .reference
    }
    #expect(all == "unreferenced(\(references.count))")
    let query = try SearchQueryParserTests.parse("_not-referenced=*:*&_not-referenced=*:*", ["Patient"])
    #expect(query.criteria.count == 1)
  }

  @Test(arguments: ["invalid", "", ":", "a:", ":a", "a:b:c", "*:subject", "Observation"])
  func notReferencedWithoutForm(value: String) throws {
    let text = "Not referenced requires a resource type and search field separated by a :"
    let query = try SearchQueryParserTests.parse("_not-referenced=\(value)&family=a")
    #expect(query.warnings.map(\.diagnostics) == [text])
    #expect(query.warnings.map(\.severity) == [.warning])
    #expect(query.warnings.map(\.code) == ["not-supported"])
    #expect(query.link == "family=a")
    #expect(query.criteria.count == 1)
    #expect(
      SearchQueryParserTests.refusal("_not-referenced=\(value)", isStrict: true)?.reasons.first?.diagnostics == text)
  }

  @Test(arguments: [
    ("Observation", "subject:NotAType.name=a", "Resource type 'NotAType' is not supported."),
    (
      "Observation", "subject:Practitioner.name=a",
      "The search parameter 'subject' does not refer to resources of type 'Practitioner'."
    ),
    (
      "Observation", "subject:Patient.nope=a",
      "The search parameter 'nope' is not supported for resource type 'Patient'."
    ),
    (
      "Observation", "subject.nope=a",
      "The search parameter 'nope' is not supported for any resource type that 'subject' may refer to."
    ),
    (
      "Observation", "subject:Patient.=a", "The search parameter '' is not supported for resource type 'Patient'."
    ),
    (
      "Observation", "code.text=a",
      "The search parameter 'code' is of type token, not a reference, and cannot be chained."
    ),
    (
      "Observation", "subject:Patient.name.given=a",
      "The search parameter 'name' is of type string, not a reference, and cannot be chained."
    ),
    (
      "Observation", "subject.birthdate=05",
      "The value '05' of the search parameter 'birthdate' is invalid; expected "
        + "[prefix]yyyy[-MM[-dd[Thh:mm[:ss[.fff]][Z|±hh:mm]]]]."
    ),
    ("Observation", "subject:Patient._type=Nope", "The '_type' parameter contains unknown resource(s): 'Nope'"),
    (
      "Patient", "_has=a", "The parameter '_has' is invalid; expected _has:[type]:[reference parameter]:[parameter]."
    ),
    (
      "Patient", "_has:Observation:patient=a",
      "The parameter '_has:Observation:patient' is invalid; expected _has:[type]:[reference parameter]:[parameter]."
    ),
    ("Patient", "_has:Nope:patient:code=a", "Resource type 'Nope' is not supported."),
    (
      "Patient", "_has:Observation:nope:code=a",
      "The search parameter 'nope' is not supported for resource type 'Observation'."
    ),
    (
      "Patient", "_has:Observation:code:code=a",
      "The search parameter 'code' is of type token, not a reference, and cannot be chained."
    ),
    (
      "Patient", "_has:Observation:patient:nope=a",
      "The search parameter 'nope' is not supported for resource type 'Observation'."
    ),
    (
      "Patient", "_has:Observation:device:code=a",
      "The search parameter 'device' of 'Observation' does not refer to resources of type 'Patient'."
    ),
    (
      "Patient", "_list=$current-allergies",
      "The value '$current-allergies' of the search parameter '_list' is invalid; expected the id of a List."
    ),
    ("Patient", "_list=", "The value '' of the search parameter '_list' is invalid; expected the id of a List."),
    ("Patient", "_not-referenced=Nope:subject", "Resource type 'Nope' is not supported."),
    (
      "Patient", "_not-referenced=Observation:nope",
      "The search parameter 'nope' is not supported for resource type 'Observation'."
    ),
  ])
  func refused(type: String, query: String, expected: String) {
    #expect(refusal(query, [type]) == expected)
  }

  /// An unknown first step is an unknown parameter, which lenient handling passes over.
  @Test func unknownFirstStep() throws {
    let query = try SearchQueryParserTests.parse("nope:Patient.name=a")
    #expect(
      query.warnings.map(\.diagnostics) == [
        "The search parameter 'nope:Patient.name' is not supported for resource type 'Patient'."
      ])
    #expect(query.link.isEmpty)
  }

  @Test func depthAtAndPast() throws {
    var limits = Limits()
    limits.searchChainDepthMax = 3
    #expect(refusal("partof:Location.partof:Location.partof:Location.name=a", ["Location"], limits: limits) == nil)
    let deep = "partof:Location.partof:Location.partof:Location.partof:Location.name=a"
    #expect(refusal(deep, ["Location"], limits: limits)?.contains("chained more than 3 deep") == true)
    let has = String(repeating: "_has:Location:partof:", count: 3)
    #expect(refusal("\(has)name=a", ["Location"], limits: limits) == nil)
    #expect(refusal("_has:Location:partof:\(has)name=a", ["Location"], limits: limits) != nil)
    #expect(refusal("\(has)_list=1", ["Location"], limits: limits) != nil)
    #expect(refusal("\(has)partof.name=1", ["Location"], limits: limits) != nil)
  }

  /// A chain over references to anything multiplies: it is stopped, and soon.
  @Test func fanOutIsBounded() {
    let clock = ContinuousClock()
    var refusals: [String?] = []
    let time = clock.measure {
      for length in [3, 6, 9] {
        let chain = String(repeating: "subject.", count: length)
        refusals.append(refusal("\(chain)_id=1", ["Composition"]))
        refusals.append(refusal(String(repeating: "focus.", count: length) + "_id=1", ["Task"]))
      }
      refusals.append(refusal(String(repeating: "subject.", count: 8_000) + "_id=1", ["Composition"]))
    }
    #expect(refusals.contains { $0?.contains("lead to more than 2000 types of resources") == true })
    #expect(time < .seconds(20))
  }

  /// Values of chains count with all others.
  @Test func valuesOfChainsCount() {
    var limits = Limits()
    limits.searchValuesMax = 4
    #expect(refusal("subject:Patient.name=a,b&code=c,d", limits: limits) == nil)
    #expect(refusal("subject:Patient.name=a,b,c&code=d,e", limits: limits)?.contains("at most 4 values") == true)
    // Four types have it.
    #expect(refusal("subject.identifier=a", limits: limits) == nil)
    #expect(refusal("subject.identifier=a,b", limits: limits)?.contains("at most 4 values") == true)
    let many = (0..<10_000).map(String.init).joined(separator: ",")
    for query in ["_id=\(many)", "subject:Patient._id=\(many)", "_list=\(many)", "_type=\(many)", "code:text=\(many)"] {
      #expect(refusal(query) != nil)
    }
  }
}
