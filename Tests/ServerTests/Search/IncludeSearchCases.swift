import JSONCore
import Testing

/// FHIR R4 search#include: `_include`, `_revinclude`, `:iterate`.
@Suite(.scene { try await IncludeScene.fill($0) }) struct IncludeSearchCases {
  /// A search, its matches, and what they bring along.
  struct Row: Sendable, CustomTestStringConvertible {
    let query: String
    let matches: [String]
    let included: [String]

    init(_ query: String, _ matches: String, _ included: String) {
      self.query = query
      self.matches = matches.split(separator: " ").map(String.init)
      self.included = included.split(separator: " ").map(String.init)
    }

    var testDescription: String { query }
  }

  @Test(arguments: rows) func include(_ row: Row) async throws {
    let found = try await SearchScene.current.find(row.query)
    #expect(found.matches.sorted() == row.matches.sorted())
    #expect(found.included.sorted() == row.included.sorted())
    #expect(found.outcomes.isEmpty)
    for page in found.pages {
      let modes = page.entries.map(\.mode)
      #expect(modes == modes.sorted { $0 == "match" && $1 != "match" }, "matches come first")
    }
  }

  static let rows = [
    Row("Location?_tag=t&_include=Location:organization:Organization", "location", "seattle"),
    Row("Location?_tag=t&_include=Location:organization", "location", "seattle"),
    Row("Location?_tag=t&_include=Location:*", "location", "seattle"),
    Row("Location?_tag=t&_include=Location:partof", "location", ""),
    Row("Location?_tag=t&_id={{location}}&_include=Location:organization", "location", "seattle"),
    Row("Location?_tag=t&_id=nothing&_include=Location:organization", "", ""),
    Row("Location?_tag=t&_lastUpdated=lt2100&_include=Location:organization", "location", "seattle"),
    Row("Location?_tag=t&_lastUpdated=gt2100&_include=Location:organization", "", ""),
    Row("Location?_tag=t&organization:missing=false&_include=Location:organization", "location", "seattle"),
    Row(
      "DiagnosticReport?_tag=t&_include=DiagnosticReport:patient:Patient&code=snomed", "smithReport trumanReport",
      "smith truman"),
    Row(
      "DiagnosticReport?_tag=t&_include=DiagnosticReport:patient&code=snomed", "smithReport trumanReport",
      "smith truman"),
    Row("DiagnosticReport?_tag=t&_include=DiagnosticReport:patient:Group&code=snomed", "smithReport trumanReport", ""),
    Row(
      "DiagnosticReport?_tag=t&_include=DiagnosticReport:patient:Patient&_include=DiagnosticReport:result:Observation"
        + "&code=snomed", "smithReport trumanReport", "smith smithObservation truman trumanObservation"),
    Row(
      "DiagnosticReport?_tag=t&_include=DiagnosticReport:*&code=snomed", "smithReport trumanReport",
      "smith smithObservation truman trumanObservation"),
    Row(
      "DiagnosticReport?_tag=t&_include=*&code=snomed", "smithReport trumanReport",
      "smith smithObservation truman trumanObservation"),
    Row(
      "Observation?_tag=t&_include=Observation:*", "adamsObservation smithObservation trumanObservation",
      "adams practitioner smith truman"),
    // One resource is included once, whoever refers to it.
    Row("Patient?_tag=t&_include=Patient:organization", "adams smith truman", "seattle"),
    Row(
      "Patient?_tag=t&_include=Patient:organization&_include=Patient:organization:Organization", "adams smith truman",
      "seattle"),
    Row("Patient?_tag=t&_include=Patient:general-practitioner", "adams smith truman", "andersen practitioner seattle"),
    Row(
      "Patient?_tag=t&_include=Patient:general-practitioner:Practitioner", "adams smith truman",
      "andersen practitioner"),
    Row("Patient?_tag=t&_include=Patient:general-practitioner:Organization", "adams smith truman", "seattle"),
    // Backwards.
    Row("Organization?_tag=t&_id={{seattle}}&_revinclude=Location:organization", "seattle", "location"),
    Row("Organization?_tag=t&_id={{seattle}}&_revinclude=Location:organization:Organization", "seattle", "location"),
    Row("Organization?_tag=t&_id={{seattle}}&_revinclude=Patient:organization", "seattle", "adams smith truman"),
    Row(
      "Observation?_tag=t&_revinclude=DiagnosticReport:result&code=snomed", "smithObservation trumanObservation",
      "smithReport trumanReport"),
    Row(
      "Observation?_tag=t&_revinclude=DiagnosticReport:*&code=snomed", "smithObservation trumanObservation",
      "smithReport trumanReport"),
    Row(
      "Observation?_tag=t&_revinclude=*:*&code=snomed", "smithObservation trumanObservation",
      "smithReport trumanReport"),
    Row(
      "Observation?_tag=t&_revinclude=*&code=snomed", "smithObservation trumanObservation",
      "smithReport trumanReport"),
    Row("Observation?_tag=t&_revinclude=Observation:focus", "adamsObservation smithObservation trumanObservation", ""),
    Row(
      "Patient?_tag=t&family=Smith&_revinclude=Observation:patient&_revinclude=DiagnosticReport:patient", "smith",
      "smithObservation smithReport"),
    Row("Patient?_tag=t&family=Smith&_revinclude=Group:member&_include=Patient:organization", "smith", "group seattle"),
    // What matches is not included again, even where it refers to itself.
    Row("Organization?_tag=self&_include=Organization:partof", "self", ""),
    Row("Organization?_tag=self&_revinclude=Organization:partof", "self", ""),
    Row("Organization?_tag=t&_include=Organization:partof", "child grandchild seattle", ""),
    // References without a type, to what was deleted, or of a former version.
    Row("Patient?_tag=untyped&_include=Patient:organization", "untyped", ""),
    Row("Location?_tag=deleted&_include=Location:organization", "ofDeleted", ""),
    Row("Location?_tag=moved&_include=Location:organization", "movedLocation", "child"),
    Row("Organization?_id={{seattle}}&_revinclude=Location:organization", "seattle", "location"),
    // Again and again.
    Row(
      "MedicationDispense?_tag=t&_include=MedicationDispense:prescription", "dispense1 dispense2", "request1 request2"),
    Row(
      "MedicationDispense?_tag=t&_include=MedicationDispense:prescription&_include:iterate=MedicationRequest:patient",
      "dispense1 dispense2", "adams request1 request2 smith"),
    Row(
      "MedicationDispense?_tag=t&_include=MedicationDispense:prescription&_include:recurse=MedicationRequest:patient",
      "dispense1 dispense2", "adams request1 request2 smith"),
    Row(
      "MedicationDispense?_tag=t&_include:iterate=MedicationRequest:patient&_include=MedicationDispense:prescription",
      "dispense1 dispense2", "adams request1 request2 smith"),
    Row(
      "MedicationDispense?_tag=t&_include=MedicationDispense:prescription&_include:iterate=MedicationRequest:patient"
        + "&_include:iterate=Patient:general-practitioner", "dispense1 dispense2",
      "adams andersen practitioner request1 request2 seattle smith"),
    Row(
      "MedicationDispense?_tag=t&_include=MedicationDispense:prescription&_include:iterate=MedicationRequest:patient"
        + "&_include:iterate=Patient:general-practitioner:Practitioner", "dispense1 dispense2",
      "adams andersen practitioner request1 request2 smith"),
    Row(
      "MedicationRequest?_tag=t&_include=MedicationRequest:*&_include:iterate=Patient:*", "request1 request2",
      "adams andersen practitioner seattle smith"),
    // Without `:iterate` one step is made.
    Row(
      "MedicationDispense?_tag=t&_include=MedicationDispense:prescription&_include=MedicationRequest:patient",
      "dispense1 dispense2", "request1 request2"),
    Row(
      "Patient?_tag=t&family=Smith&_revinclude=MedicationRequest:patient&_revinclude:iterate=MedicationDispense:prescription",
      "smith", "dispense1 request1"),
    Row(
      "Practitioner?_tag=t&_id={{andersen}}&_revinclude=Patient:general-practitioner"
        + "&_revinclude:iterate=MedicationRequest:patient:Patient&_revinclude:iterate=MedicationDispense:prescription",
      "andersen",
      "dispense1 request1 smith"),
    Row("Patient?_tag=t&family=Smith&_revinclude:iterate=MedicationRequest:subject:Patient", "smith", "request1"),
  ]

  /// Includes count neither in `_total` nor in `_summary=count`.
  @Test func includedResourcesAreNotCounted() async throws {
    let scene = try SearchScene.current
    let query = "Location?_tag=t&_include=Location:organization"
    #expect(try await scene.find(query + "&_total=accurate").total == 1)
    let count = try await scene.find(query + "&_summary=count")
    #expect(count.total == 1)
    #expect(count.included.isEmpty)
  }

  /// A page has its own matches' includes only.
  @Test func pages() async throws {
    let found = try await SearchScene.current.find(
      "DiagnosticReport?_tag=t&code=snomed&_include=DiagnosticReport:patient&_include=DiagnosticReport:result&_count=1")
    #expect(found.pages.count == 2)
    for page in found.pages {
      let match = try #require(page.names("match").first)
      let person = match.dropLast("Report".count)
      #expect(page.names("include").sorted() == ["\(person)", "\(person)Observation"])
    }
  }

  @Test func byPost() async throws {
    let scene = try SearchScene.current
    let reply = try await scene.live.ask(
      "POST", "/Location/_search", ["Content-Type": "application/x-www-form-urlencoded"],
      body: "_tag=t&_include=Location:organization:Organization")
    let page = try Page(reply.json(), scene)
    #expect(page.names("match") == ["location"])
    #expect(page.names("include") == ["seattle"])
  }

  /// The condition on the time of change is the match's.
  @Test func lastUpdatedIsTheMatchs() async throws {
    let scene = try SearchScene.current
    let location = try #require(scene["location"])
    let meta = try await scene.live.ask("GET", "/Location/\(location.id)").json()["meta"]
    let updated = try #require(meta?["lastUpdated"]?.string).replacing("+", with: "%2B")
    let found = try await scene.find("Location?_lastUpdated=\(updated)&_include=Location:organization")
    #expect(found.matches == ["location"])
    #expect(found.included == ["seattle"])
  }

  @Test func withASort() async throws {
    let scene = try SearchScene.current
    let query = "MedicationDispense?_tag=t&_include=MedicationDispense:prescription&_sort="
    let descending = try await scene.find(query + "-whenprepared")
    #expect(descending.matches == ["dispense1", "dispense2"])
    #expect(descending.included.sorted() == ["request1", "request2"])
    #expect(try await scene.find(query + "whenprepared").matches == ["dispense2", "dispense1"])
  }

  /// FHIR R4 search#include: a circle is followed until nothing new is found. Azure makes one step, and says so.
  @Test func circularIncludes() async throws {
    let found = try await SearchScene.current.find(
      "Organization?_tag=t&_id={{grandchild}}&_include:iterate=Organization:partof")
    #expect(found.matches == ["grandchild"])
    #expect(found.included.sorted() == ["child", "seattle"])
    #expect(found.outcomes.isEmpty)
  }

  /// A resource that refers to itself ends.
  @Test func aCircleOfOneEnds() async throws {
    for query in ["_include:iterate=Organization:partof", "_revinclude:iterate=Organization:partof:Organization"] {
      let found = try await SearchScene.current.find("Organization?_tag=self&" + query)
      #expect(found.matches == ["self"])
      #expect(found.included.isEmpty)
    }
  }

  /// A wildcard that goes on backwards for ever is passed over, as Azure does.
  @Test func backwardsWildcardsDoNotIterate() async throws {
    let found = try await SearchScene.current.find(
      "Patient?_tag=t&family=Smith&_revinclude:iterate=MedicationRequest:*")
    #expect(found.matches == ["smith"])
    #expect(found.included.isEmpty)
  }

  @Test(arguments: [
    (
      "Observation?_include=Observation:subject:NotAResourceType", "not-supported",
      "Resource type 'NotAResourceType' is not supported."
    ),
    (
      "Observation?_revinclude=NotAResourceType:subject", "not-supported",
      "Resource type 'NotAResourceType' is not supported."
    ),
    ("Observation?_include=Observation:subject:", "invalid", "The target resource type cannot be empty."),
    ("Observation?_include=Observation:subject:%20", "invalid", "The target resource type cannot be empty."),
    (
      "Practitioner?_revinclude:iterate=Patient:general-practitioner", "invalid",
      "The '_revinclude:iterate=Patient:general-practitioner' search parameter has multiple target types. "
        + "Please specify a target type."
    ),
    ("Observation?_include=Observation:foo", "not-supported", "foo"),
    ("Observation?_include=Observation:code", "invalid", "_include"),
    ("Observation?_include=Observation", "invalid", "_include"),
    ("Observation?_include=", "invalid", "_include"), ("Observation?_include=:", "invalid", "_include"),
    ("Observation?_include=*:subject", "invalid", "_include"), ("Observation?_include=a:b:c:d", "invalid", "_include"),
  ]) func whatCannotBeIncludedIsRefused(_ query: String, _ code: String, _ text: String) async throws {
    try await SearchScene.current.checkRefused(query, [text], code: code)
  }

  /// Any other modifier is none of these parameters.
  @Test func anUnknownModifierIsNoInclude() async throws {
    let found = try await SearchScene.current.find(
      "Location?_tag=t&_include:foo=Location:organization", dropping: ["&_include:foo=Location:organization"])
    #expect(found.included.isEmpty)
    #expect(found.issues.map(\.code) == ["not-supported"])
  }
}

/// Patients with their doctors, reports and prescriptions.
enum IncludeScene {
  static func fill(_ scene: SearchScene) async throws {
    try await scene.create("seattle", #"{"resourceType":"Organization","name":"Seattle"}"#)
    try await scene.create(
      "child", #"{"resourceType":"Organization","name":"Child","partOf":{"reference":"Organization/{{seattle}}"}}"#)
    try await scene.create(
      "grandchild",
      #"{"resourceType":"Organization","name":"Grandchild","partOf":{"reference":"Organization/{{child}}"}}"#)
    let own = #"{"resourceType":"Organization","name":"Self"}"#
    try await scene.create("self", own, tag: "self")
    try await scene.update(
      "self",
      #"{"meta":{"tag":[{"code":"self"}]},"resourceType":"Organization","name":"Self","#
        + #""partOf":{"reference":"Organization/{{self}}"}}"#)
    try await scene.create("practitioner", #"{"resourceType":"Practitioner"}"#)
    try await scene.create("andersen", #"{"resourceType":"Practitioner","name":[{"family":"Andersen"}]}"#)
    try await scene.create(
      "location",
      #"{"resourceType":"Location","managingOrganization":{"reference":"Organization/{{seattle}}"}}"#)
    try await people(scene)
    try await prescriptions(scene)
    try await scene.create(
      "untyped",
      #"{"resourceType":"Patient","managingOrganization":{"display":"x","reference":"urn:uuid:{{seattle}}"}}"#,
      tag: "untyped")
    try await scene.create("deletedOrganization", #"{"resourceType":"Organization","name":"Deleted"}"#)
    try await scene.create(
      "ofDeleted",
      #"{"resourceType":"Location","managingOrganization":{"reference":"Organization/{{deletedOrganization}}"}}"#,
      tag: "deleted")
    try await scene.delete("deletedOrganization")
    try await scene.create(
      "movedLocation",
      #"{"resourceType":"Location","managingOrganization":{"reference":"Organization/{{seattle}}"}}"#, tag: "moved")
    try await scene.update(
      "movedLocation",
      #"{"meta":{"tag":[{"code":"moved"}]},"resourceType":"Location","#
        + #""managingOrganization":{"reference":"Organization/{{child}}"}}"#)
  }

  private static func people(_ scene: SearchScene) async throws {
    for (name, doctor) in [
      ("smith", "Practitioner/{{andersen}}"), ("truman", "Organization/{{seattle}}"),
      ("adams", "Practitioner/{{practitioner}}"),
    ] {
      let second = name == "smith" ? #",{"reference":"Organization/{{seattle}}"}"# : ""
      try await scene.create(
        name,
        #"{"resourceType":"Patient","name":[{"family":"\#(name)"}],"generalPractitioner":[{"reference":"\#(doctor)"}\#(second)],"#
          + #""managingOrganization":{"reference":"Organization/{{seattle}}"}}"#)
    }
    for (name, code) in [("smith", "snomed"), ("truman", "snomed"), ("adams", "loinc")] {
      let performer = name == "adams" ? #","performer":[{"reference":"Practitioner/{{practitioner}}"}]"# : ""
      try await scene.create(
        "\(name)Observation",
        #"{"resourceType":"Observation","status":"final","code":{"coding":[{"code":"\#(code)"}]},"#
          + #""subject":{"reference":"Patient/{{\#(name)}}"}\#(performer)}"#)
    }
    for name in ["smith", "truman"] {
      try await scene.create(
        "\(name)Report",
        #"{"resourceType":"DiagnosticReport","status":"final","code":{"coding":[{"code":"snomed"}]},"#
          + #""subject":{"reference":"Patient/{{\#(name)}}"},"result":[{"reference":"Observation/{{\#(name)Observation}}"}]}"#
      )
    }
    try await scene.create(
      "group",
      #"{"resourceType":"Group","type":"person","actual":true,"member":[{"entity":{"reference":"Patient/{{smith}}"}}]}"#
    )
  }

  private static func prescriptions(_ scene: SearchScene) async throws {
    for (number, patient, prepared) in [(1, "smith", #","whenPrepared":"2000-01-01""#), (2, "adams", "")] {
      try await scene.create(
        "request\(number)",
        #"{"resourceType":"MedicationRequest","status":"active","intent":"order","#
          + #""medicationCodeableConcept":{"text":"x"},"subject":{"reference":"Patient/{{\#(patient)}}"}}"#)
      try await scene.create(
        "dispense\(number)",
        #"{"resourceType":"MedicationDispense","status":"completed","medicationCodeableConcept":{"text":"x"},"#
          + #""authorizingPrescription":[{"reference":"MedicationRequest/{{request\#(number)}}"}]\#(prepared)}"#)
    }
  }
}
