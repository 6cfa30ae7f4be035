import JSONCore
import Testing

/// `_contained` and `_containedType` (FHIR R4 search §2.1.1.5.6).
@Suite(
  .scene { scene in
    func medication(_ id: String, _ code: String, _ more: String = "") -> String {
      #"{"resourceType":"Medication","id":"\#(id)","code":{"coding":[{"system":"urn:s","code":"\#(code)"}]}\#(more)}"#
    }
    try await scene.create("maker", #"{"resourceType":"Organization","name":"Acme Drugs"}"#)
    try await scene.create(
      "patient", #"{"resourceType":"Patient","name":[{"family":"Young"}],"birthDate":"2001-02-03"}"#)
    try await scene.create("plain", medication("x", "a"))
    try await scene.create("other", medication("x", "b"))
    let maker = #","manufacturer":{"reference":"Organization/{{maker}}"}"#
    func request(_ name: String, _ contained: String...) async throws {
      try await scene.create(
        name,
        ##"{"resourceType":"MedicationRequest","status":"active","intent":"order","medicationReference":{"reference":"#m1"},"subject":{"reference":"Patient/{{patient}}"},"contained":[\##(contained.joined(separator: ","))]}"##
      )
    }
    try await request("one", medication("m1", "a", maker))
    try await request("two", medication("m1", "a"), medication("m2", "b", maker))
    try await request("three", medication("m1", "c"), medication("m2", "a"), medication("m3", "a"))
    // A report with its measurements, and the patient they are of.
    try await scene.create(
      "report",
      #"""
      {"resourceType":"DiagnosticReport","status":"final","code":{"text":"r"},"subject":{"reference":"#p"},
       "result":[{"reference":"#o1"},{"reference":"#o2"}],
       "contained":[
        {"resourceType":"Patient","id":"p","name":[{"family":"Ältere"}],"birthDate":"1950-01-01"},
        {"resourceType":"Observation","id":"o1","status":"final","code":{"coding":[{"system":"urn:l","code":"w"}]},
         "subject":{"reference":"Patient/{{patient}}"},"effectiveDateTime":"2020-05-01",
         "valueQuantity":{"value":70,"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"}},
        {"resourceType":"Observation","id":"o2","status":"preliminary",
         "code":{"coding":[{"system":"urn:l","code":"h"}]},"effectiveDateTime":"2021-05-01",
         "subject":{"reference":"#p"},
         "valueQuantity":{"value":180,"unit":"cm","system":"http://unitsofmeasure.org","code":"cm"}}]}
      """#)
  }) struct ContainedSearchCases
{
  @Test(arguments: [
    // By itself a search finds no contained resources.
    SearchRow("Medication?code=urn:s|a", "plain"), SearchRow("Medication?code=a&_contained=false", "plain"),
    SearchRow("Medication?code=a&_containedType=contained", "plain"),
    // The containers, each once.
    SearchRow("Medication?code=urn:s|a&_contained=true", "one two three"),
    SearchRow("Medication?code=a&_contained=true&_containedType=container", "one two three"),
    SearchRow("Medication?code=b&_contained=true", "two"), SearchRow("Medication?code=d&_contained=true", ""),
    SearchRow("Medication?code=a&_contained=both", "plain one two three"),
    SearchRow("Medication?_contained=true", "one two three"),
    SearchRow("Medication?_contained=both&_tag=t", "plain other"),
    // One contained resource must satisfy all.
    SearchRow("Medication?code=a&code=b&_contained=true", ""),
    SearchRow("Medication?code=a&_id=m2&_contained=true", "three"),
    SearchRow("Medication?_id=m2&_contained=true", "two three"),
    SearchRow("Medication?code:not=a&_contained=true", "two three"),
    SearchRow("Medication?manufacturer=Organization/{{maker}}&_contained=true", "one two"),
    SearchRow("Medication?manufacturer:missing=true&_contained=true", "two three"),
    SearchRow("Medication?code=a&manufacturer:missing=true&_contained=true", "two three"),
    // Chains lead out of them.
    SearchRow("Medication?manufacturer.name=acme&_contained=true", "one two"),
    SearchRow("Medication?manufacturer.name=acme&code=b&_contained=true", "two"),
    SearchRow("Medication?manufacturer:Organization.name:exact=acme&_contained=true", ""),
    SearchRow("Observation?subject:Patient.family=young&_contained=true", "report"),
    SearchRow("Observation?patient.family=young&code=h&_contained=true", ""),
    // And into them, with `_contained` or without.
    SearchRow("MedicationRequest?medication.code=urn:s|c", "three"),
    SearchRow("MedicationRequest?medication.code=a", "one two"),
    SearchRow("MedicationRequest?medication:Medication.code=b", ""),
    SearchRow("MedicationRequest?medication.code:not=a", "three"),
    SearchRow("MedicationRequest?medication.code=a,c&status=active", "one two three"),
    SearchRow("MedicationRequest?medication.manufacturer.name=acme", "one"),
    SearchRow("MedicationRequest?_filter=medication.code eq c", "three"),
    SearchRow("DiagnosticReport?result.code=w", "report"), SearchRow("DiagnosticReport?result.code=x", ""),
    SearchRow("DiagnosticReport?result.code=w&result.value-quantity=lt1", ""),
    SearchRow("DiagnosticReport?subject:Patient.family=altere", "report"),
    SearchRow("DiagnosticReport?patient.birthdate=1950", "report"),
    SearchRow("DiagnosticReport?subject:Patient.family=young", ""),
    SearchRow("DiagnosticReport?result.subject:Patient.family=altere", "report"),
    SearchRow("DiagnosticReport?result.patient.family=young", "report"),
    SearchRow("DiagnosticReport?result.patient.family=nobody", ""),
    SearchRow("Observation?subject:Patient.family=altere&_contained=true", "report"),
    SearchRow("Observation?subject:Patient.family=altere&code=w&_contained=true", ""),
    SearchRow("Observation?patient.name=altere,young&_contained=true", "report"),
    // What refers to them from their container.
    SearchRow("Medication?_has:MedicationRequest:medication:status=active&_contained=true", "one two three"),
    SearchRow("Medication?_has:MedicationRequest:medication:status=active&code=a&_contained=true", "one two"),
    SearchRow("Medication?_has:MedicationRequest:medication:status=draft&_contained=true", ""),
    SearchRow("Medication?_has:MedicationRequest:medication:status=active&_contained=both", "one two three"),
    SearchRow("Patient?_has:Observation:subject:code=h&_contained=true", "report"),
    SearchRow("Patient?_has:Observation:subject:code=w&_contained=true", ""),
    SearchRow("Patient?_has:DiagnosticReport:subject:status=final&_contained=true", "report"),
    SearchRow("Patient?_has:Observation:patient:_has:DiagnosticReport:result:status=final&_contained=true", "report"),
    SearchRow("Medication?_list=1&_contained=true", ""),
    // All kinds of parameters.
    SearchRow("Patient?family=altere&_contained=true", "report"), SearchRow("Patient?name=x&_contained=true", ""),
    SearchRow("Patient?family:exact=Ältere&_contained=both", "report"),
    SearchRow("Patient?birthdate=lt1960&_contained=both", "report"),
    SearchRow("Patient?birthdate=gt1940&_contained=both", "patient report"),
    SearchRow("Observation?value-quantity=70000|http://unitsofmeasure.org|g&_contained=true", "report"),
    SearchRow("Observation?value-quantity=gt75||kg&_contained=true", ""),
    SearchRow("Observation?code-value-quantity=w$gt60&_contained=true", "report"),
    SearchRow("Observation?code-value-quantity=h$70&_contained=true", ""),
    SearchRow("Observation?code=w&value-quantity=gt60&_contained=true", "report"),
    SearchRow("Observation?code=w&value-quantity=gt100&_contained=true", ""),
    SearchRow("Observation?date=ge2020&date=lt2021&_contained=true", "report"),
    SearchRow("Observation?date=ge2022&_contained=true", ""),
    SearchRow("Observation?status=final,preliminary&_contained=true", "report"),
    SearchRow("Observation?subject=Patient/{{patient}}&_contained=true", "report"),
    SearchRow("Observation?_filter=code eq w and status eq final&_contained=true", "report"),
    SearchRow("Observation?_filter=code eq w and status eq preliminary&_contained=true", ""),
    // When it was stored a contained resource does not tell.
    SearchRow("Medication?_lastUpdated=gt2000&_contained=true", ""),
    SearchRow("Medication?_lastUpdated:missing=true&_contained=true", "one two three"),
    SearchRow("Medication?_lastUpdated=gt2000&code=a&_contained=both", "plain"),
    // Several types: a container once, whatever is found in it.
    SearchRow("?_type=Patient,Observation&_contained=true", "report"),
    SearchRow("?_type=Patient,Medication,Organization&_contained=true", "one two three report"),
    SearchRow("?_contained=true", "one two three report"),
    SearchRow("?_type=DiagnosticReport,Observation&_contained=both", "report"),
    SearchRow(
      "?_contained=both&_type=Patient,Medication,MedicationRequest,DiagnosticReport",
      "patient plain other one two three report"),
    // A compartment has what refers to its patient.
    SearchRow("Patient/{{patient}}/Observation?_contained=true", "report"),
    SearchRow("Patient/{{patient}}/Observation?_contained=true&code=h", ""),
  ]) func containers(_ row: SearchRow) async throws {
    let scene = try SearchScene.current
    try await scene.check(row)
    let total = try await scene.find(row.query + "&_total=accurate")
    #expect(total.total == row.names.count)
    let count = try await scene.find(row.query + "&_summary=count")
    #expect(count.total == row.names.count && count.matches.isEmpty)
    let paged = try await scene.find(row.query + "&_count=1")
    #expect(paged.matches.sorted() == row.names.sorted())
    #expect(paged.pages.allSatisfy { $0.entries.count <= 1 })
  }

  /// In the order of their containers, and in these in their own.
  @Test(arguments: [
    SearchRow("Medication?code=a&_contained=true", "one#m1 two#m1 three#m2 three#m3"),
    SearchRow("Medication?code=a&_contained=both", "plain one#m1 two#m1 three#m2 three#m3"),
    SearchRow("Medication?_contained=true&_sort=-code,_id", "three#m1 two#m2 one#m1 two#m1 three#m2 three#m3"),
    SearchRow("Medication?_contained=true&_sort=code,-_id", "three#m3 three#m2 one#m1 two#m1 two#m2 three#m1"),
    SearchRow("Medication?_contained=true&_sort=manufacturer,code", "two#m1 three#m2 three#m3 three#m1 one#m1 two#m2"),
    SearchRow(
      "Medication?_has:MedicationRequest:medication:status=active&_contained=true&_sort=-code",
      "three#m1 one#m1 two#m1"),
    SearchRow("Observation?_contained=true&patient.family=altere", "report#o2"),
    SearchRow("Observation?_contained=true&_sort=-date", "report#o2 report#o1"),
    SearchRow("Observation?_contained=true&_sort=date", "report#o1 report#o2"),
    SearchRow("Observation?_contained=true&_sort=_lastUpdated", "report#o1 report#o2"),
    SearchRow("Patient?_contained=both&_sort=birthdate", "report#p patient"),
    SearchRow("Patient?_contained=both&_sort=-family", "patient report#p"),
    SearchRow("?_type=Patient,Observation&_contained=true", "report#p report#o1 report#o2"),
  ]) func alone(_ row: SearchRow) async throws {
    let scene = try SearchScene.current
    let containers = Dictionary(
      uniqueKeysWithValues: try ["patient", "plain", "other", "one", "two", "three", "report"].map { name in
        let resource = try #require(scene[name])
        return ("\(scene.live.base)/\(resource.type)/\(resource.id)", name)
      })
    for more in ["", "&_count=1", "&_count=2", "&_count=4"] {
      let found = try await scene.find(row.query + "&_containedType=contained" + more)
      let entries = found.pages.flatMap(\.entries)
      let names = entries.map { entry -> String in
        let parts = entry.fullURL.split(separator: "#", maxSplits: 1)
        let name = containers[String(parts.first ?? "")] ?? "?"
        // What comes back is the resource of that id.
        let id = (try? JSONDocument(entry.json))?.value["id"]?.string
        if parts.count == 2 { #expect(id == String(parts[1])) }
        return parts.count == 2 ? "\(name)#\(parts[1])" : name
      }
      #expect(names == row.names, "\(row.query)\(more)")
      #expect(entries.allSatisfy { $0.mode == "match" })
    }
    let count = try await scene.find(row.query + "&_containedType=contained&_summary=count")
    #expect(count.total == row.names.count)
  }

  /// The resource is as it stands in its container; `_elements` and `_summary` shorten it.
  @Test func theResourceAlone() async throws {
    let scene = try SearchScene.current
    let report = try #require(scene["report"])
    let inner = try #require(try JSONDocument(report.json).value["contained"]?.elements)
    let query = "Observation?code=w&_contained=true&_containedType=contained"
    let found = try await scene.find(query)
    #expect(found.pages.first?.entries.map(\.json) == [inner[1].json])
    #expect(
      found.pages.first?.entries.map(\.fullURL) == ["\(scene.live.base)/DiagnosticReport/\(report.id)#o1"])
    let short = try #require(try await scene.find(query + "&_elements=status").pages.first?.entries.first)
    let value = try JSONDocument(short.json).value
    #expect(value["status"]?.string == "final" && value["valueQuantity"] == nil)
    #expect(value["id"]?.string == "o1")
  }

  /// What containers and what is found in them refer to.
  @Test(arguments: [
    ("Medication?code=a&_contained=true&_include=MedicationRequest:subject", "one two three", "patient"),
    ("Medication?code=b&_contained=true&_include=Medication:manufacturer", "two", "maker"),
    ("Medication?code=c&_contained=true&_include=Medication:manufacturer", "three", ""),
    ("Medication?code=b&_contained=true&_include=*", "two", "maker patient"),
    ("Medication?code=a&_contained=both&_include=Medication:manufacturer", "plain one two three", "maker"),
    ("Observation?_contained=true&_include=Observation:subject", "report", "patient"),
    ("Observation?code=h&_contained=true&_include=Observation:subject", "report", ""),
  ]) func includes(_ query: String, _ matches: String, _ included: String) async throws {
    let scene = try SearchScene.current
    let found = try await scene.find(query)
    #expect(found.matches.sorted() == matches.split(separator: " ").map(String.init).sorted(), "\(query)")
    #expect(found.included.sorted() == included.split(separator: " ").map(String.init), "\(query)")
  }

  @Test func includesOfTheResourceAlone() async throws {
    let scene = try SearchScene.current
    let query = "Medication?code=b&_contained=true&_containedType=contained&_include="
    #expect(try await scene.find(query + "Medication:manufacturer").included == ["maker"])
    #expect(try await scene.find(query + "MedicationRequest:subject").included == [])
    #expect(try await scene.find(query + "*").included == ["maker"])
  }

  @Test(arguments: [
    ("Medication?_contained=maybe", "_contained"), ("Medication?_contained=", "_contained"),
    ("Medication?_contained=True", "_contained"), ("Medication?_contained=true,both", "_contained"),
    ("Medication?_contained=true&_containedType=both", "_containedType"),
    ("Medication?_containedType=", "_containedType"), ("Medication?_text=a&_contained=true", "_text"),
    ("Medication?_content=a&_contained=both", "_content"),
    ("Medication?_not-referenced=*:*&_contained=true", "_not-referenced"),
    ("Medication?code=a&_contained=true&ct=YWJj", "ct"),
  ]) func badValuesAreRefused(_ query: String, _ word: String) async throws {
    try await SearchScene.current.checkRefused(query, [word])
  }

  /// A conditional interaction is about resources that can be changed.
  @Test func conditionalInteractionsAreRefused() async throws {
    let scene = try SearchScene.current
    let body = #"{"resourceType":"Medication","status":"active"}"#
    for (method, target, headers) in [
      ("PUT", "/Medication?code=b&_contained=true", [:]),
      ("DELETE", "/Medication?code=b&_contained=both", [:]),
      ("POST", "/Medication", ["If-None-Exist": "code=b&_contained=true"]),
    ] as [(String, String, [String: String])] {
      let reply = try await scene.live.send(method, target, body, headers)
      #expect(reply.status == 400, "\(method): \(reply.text)")
      #expect(reply.text.contains("_contained"))
    }
    #expect(try await scene.names("Medication?code=b") == ["other"])
  }
}
