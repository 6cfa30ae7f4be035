import Testing

/// `_filter` (FHIR R4 search_filter.html): its examples, every operator, its grammar.
@Suite(
  .scene { scene in
    for (name, members) in [
      (
        "peter",
        #""name":[{"given":["Peter"],"family":"Chalmers"}],"birthDate":"2015-01-01","gender":"male","active":true"#
      ),
      ("petra", #""name":[{"given":["Petra"],"family":"Olsen"}],"birthDate":"2010-06-15","gender":"female""#),
      ("carpet", #""name":[{"given":["Ann"],"family":"Carpet"}],"birthDate":"2014-10-10""#),
      ("peterJunior", #""name":[{"given":["Peter","James"]}],"birthDate":"2001""#),
      ("bare", #""active":false"#),
    ] {
      try await scene.create(name, #"{"resourceType":"Patient",\#(members)}"#)
    }
    for (name, system, code, patient, value, more) in [
      ("glucose", "http://loinc.org", "1234-5", "peter", "6.3", #","effectiveDateTime":"2020-01-01""#),
      (
        "sodium", "http://loinc.org", "2951-2", "petra", "140",
        #","effectivePeriod":{"start":"2020-01-01","end":"2020-03-01"}"#
      ),
      ("other", "http://example.org", "1234-5", "carpet", "7", ""),
    ] {
      try await scene.create(
        name,
        #"{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"\#(system)","code":"\#(code)"}]},"#
          + #""subject":{"reference":"Patient/{{\#(patient)}}"},"valueQuantity":{"value":\#(value),"unit":"mmol/L"}\#(more)}"#
      )
    }
    try await scene.create(
      "panel",
      #"{"resourceType":"Observation","status":"amended","code":{"coding":[{"system":"http://loinc.org","code":"panel"}]},"#
        + #""subject":{"reference":"Patient/{{peter}}"},"hasMember":[{"reference":"Observation/{{glucose}}"}]}"#)
    try await scene.create(
      "values", #"{"resourceType":"ValueSet","status":"active","url":"http://example.org/vs/a"}"#)
  }) struct FilterCases
{
  @Test(arguments: [
    // The page's own examples, on R4's parameters.
    SearchRow(#"name co "pet""#, "carpet peter peterJunior petra"),
    SearchRow(#"given eq "peter" and birthdate ge 2014-10-10"#, "peter"),
    SearchRow("given eq peter", "peter peterJunior"),
    SearchRow(#"given eq "peter" and not (birthdate ge 2014-10-10)"#, "peterJunior"),
    // Strings.
    SearchRow("name sw pet", "peter peterJunior petra"), SearchRow("name ew pet", "carpet"),
    SearchRow("given eq Pete", ""), SearchRow("given ne peter", "carpet petra"),
    SearchRow("given co ETE", "peter peterJunior"), SearchRow("family gt carpet", "peter petra"),
    SearchRow("family ge carpet", "carpet peter petra"), SearchRow("family lt chalmers", "carpet"),
    SearchRow("family le chalmers", "carpet peter"),
    // Presence.
    SearchRow("name pr true", "carpet peter peterJunior petra"), SearchRow("name pr false", "bare"),
    SearchRow("gender pr true", "peter petra"),
    // Tokens.
    SearchRow("gender eq male", "peter"), SearchRow("gender ne male", "petra"),
    SearchRow("active eq true", "peter"), SearchRow("active eq false", "bare"),
    SearchRow("_id eq {{petra}}", "petra"), SearchRow("id eq {{petra}}", "petra"),
    // Dates.
    SearchRow("birthdate eq 2014-10-10", "carpet"), SearchRow("birthdate eq 2014", "carpet"),
    SearchRow("birthdate ne 2014", "peter peterJunior petra"), SearchRow("birthdate gt 2014-10-10", "peter"),
    SearchRow("birthdate lt 2010", "peterJunior"), SearchRow("birthdate le 2010-06-15", "peterJunior petra"),
    SearchRow("birthdate sa 2010", "carpet peter"), SearchRow("birthdate eb 2010", "peterJunior"),
    SearchRow("birthdate po 2001-03", "peterJunior"), SearchRow("birthdate co 2001-03", "peterJunior"),
    // Logic: from left to right, parentheses, case of the operators.
    SearchRow("gender eq male or gender eq female and active eq true", "peter"),
    SearchRow("gender eq female or (gender eq male and active eq true)", "peter petra"),
    SearchRow("(gender eq female or gender eq male) and birthdate lt 2012", "petra"),
    SearchRow("not (gender eq female)", "bare carpet peter peterJunior"),
    SearchRow("not(gender pr true) and not(name pr false)", "carpet peterJunior"),
    SearchRow("given eq peter and given eq james", "peterJunior"),
    // Backwards.
    SearchRow("_has:Observation:patient:code eq http://loinc.org|1234-5", "peter"),
    SearchRow("_has:Observation:patient:value-quantity gt 6.5", "carpet petra"),
  ]) func patients(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("Patient?_tag=t&_filter=" + row.query, row.names))
  }

  @Test(arguments: [
    SearchRow(#"code eq http://loinc.org|1234-5 and subject.name co "peter""#, "glucose"),
    SearchRow(#"code eq loinc|1234-5 and subject.name co "peter""#, "glucose"),
    SearchRow("code eq 1234-5", "glucose other"), SearchRow("code ne loinc|1234-5", "other panel sodium"),
    SearchRow("subject re Patient/{{peter}}", "glucose panel"),
    SearchRow("subject eq Patient/{{peter}}", "glucose panel"),
    SearchRow("subject:Patient.birthdate lt 2012", "sodium"), SearchRow("subject.gender eq female", "sodium"),
    SearchRow("subject.id eq {{carpet}}", "other"), SearchRow("patient.name sw ann", "other"),
    SearchRow("has-member[code eq loinc|1234-5].subject re Patient/{{peter}}", "panel"),
    SearchRow("has-member[code eq loinc|2951-2].subject re Patient/{{peter}}", ""),
    SearchRow("has-member pr true", "panel"), SearchRow("status eq amended", "panel"),
    SearchRow("value-quantity gt 6.3", "other sodium"),
    SearchRow("value-quantity ge 6.3||mmol/L", "glucose other sodium"),
    SearchRow("value-quantity ap 135", "sodium"), SearchRow("value-quantity eq 7", "other"),
    SearchRow("date po 2020-02", "sodium"), SearchRow("date co 2020-02", "sodium"),
    SearchRow("date sa 2019-12-31 and date eb 2020-02", "glucose"),
    SearchRow("_tag eq t and (status eq final or status eq amended) and not (code eq 1234-5)", "panel sodium"),
  ]) func observations(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("Observation?_tag=t&_filter=" + row.query, row.names))
  }

  /// With the other parameters of the search, sorts and pages.
  @Test func withOtherParameters() async throws {
    let scene = try SearchScene.current
    let found = try await scene.find(#"Patient?_tag=t&gender=male&_filter=name co "pet""#)
    #expect(found.matches == ["peter"])
    let sorted = try await scene.find(#"Patient?_tag=t&_filter=name co "pet"&_sort=birthdate&_count=2&_total=accurate"#)
    #expect(sorted.matches == ["peterJunior", "petra", "carpet", "peter"])
    #expect(sorted.total == 4)
    let two = try await scene.names(#"Patient?_tag=t&_filter=name co "pet"&_filter=birthdate ge 2012"#)
    #expect(two == ["carpet", "peter"])
  }

  @Test(arguments: [
    "", "name", "name eq", "name co ", "name xx peter", "eq peter", "name eq peter and", "name eq peter or or",
    "(name eq peter", "name eq peter)", "not name", "not (", "foo eq peter", "name eq peter birthdate",
    #"name co "peter"#, #"name co "pet\q""#, "gender gt male", "birthdate co", "birthdate eq foo", "subject.name eq x",
    "name pr maybe", "_has:Observation eq x", "_has:Foo:bar:baz eq x", "general-practitioner:Foo.name eq x",
    "general-practitioner[name eq x] eq y", "name:exact eq x", "birthdate ss 2000", "name and name",
    "[name eq x].name eq y",
    "name eq peter and (birthdate ge 2014 or", "%00", "'; DROP TABLE resource; --",
  ]) func whatIsNoFilterIsRefused(_ filter: String) async throws {
    let scene = try SearchScene.current
    let reply = try await scene.ask("Patient?_filter=" + filter)
    #expect(reply.status == 400, "\(reply.text)")
    #expect(try reply.outcome().diagnostics.contains("_filter"))
  }

  @Test func filtersHaveLimits() async throws {
    let scene = try SearchScene.current
    let deep = String(repeating: "(", count: 60) + "name eq x" + String(repeating: ")", count: 60)
    try await scene.checkRefused("Patient?_filter=" + deep, ["_filter"], code: "too-costly")
    let nots = String(repeating: "not(", count: 5_000)
    try await scene.checkRefused("Patient?_filter=" + nots, ["_filter"])
    let long = (0..<2_000).map { "name eq n\($0)" }.joined(separator: " or ")
    try await scene.checkRefused("Patient?_filter=" + long.prefix(20_000), ["_filter"], code: "too-costly")
    let wide = (0..<500).map { "name eq n\($0)" }.joined(separator: " or ")
    #expect(try await scene.find("Patient?_filter=" + wide + " or given eq petra").matches == ["petra"])
  }
}
