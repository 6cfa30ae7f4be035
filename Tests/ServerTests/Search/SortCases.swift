import JSONCore
import Testing

/// FHIR R4 search#sort.
@Suite(
  .scene { scene in
    for (name, members) in [
      ("none", #""active":true"#),
      ("jones", #""name":[{"family":"Jones","given":["Zoe"]}],"birthDate":"1990-05-01","gender":"female""#),
      ("cathy", #""name":[{"family":"Cathy","given":["Ann"]}],"birthDate":"1985-01-01","gender":"male""#),
      ("mary", #""name":[{"family":"Mary"}],"birthDate":"1985-01-01","gender":"female""#),
      (
        "williams",
        #""name":[{"family":"Williams"},{"family":"Andrews"}],"gender":"male","#
          + #""address":[{"postalCode":"98052"},{"postalCode":"10001"}]"#
      ), ("umlaut", #""name":[{"family":"Äbel"}],"birthDate":"2001","address":[{"postalCode":"50000"}]"#),
    ] {
      try await scene.create(
        name,
        #"{"resourceType":"Patient","managingOrganization":{"identifier":{"value":"x"}},"link":["#
          + #"{"other":{"reference":"Patient/x"},"type":"refer"}],\#(members)}"#)
    }
    for (name, date, value) in [
      ("o1", #""effectiveDateTime":"2020-01-01""#, "3"),
      ("o2", #""effectivePeriod":{"start":"2019-05-01","end":"2022"}"#, "10"),
      ("o3", #""effectiveDateTime":"2019""#, "-1"), ("o4", #""issued":"2020-01-01T00:00:00Z""#, "2.5"),
    ] {
      try await scene.create(
        name,
        #"{"resourceType":"Observation","status":"final","code":{"coding":[{"code":"\#(name == "o1" ? "b" : "a")"}]},"#
          + #""valueQuantity":{"value":\#(value)},\#(date)}"#)
    }
    try await scene.create("parent", #"{"resourceType":"Organization","name":"Parent","identifier":[{"value":"p"}]}"#)
    for name in ["cc", "aa", "bb"] {
      try await scene.create(
        name,
        #"{"resourceType":"Organization","name":"\#(name)","partOf":{"reference":"Organization/{{parent}}"}}"#,
        tag: "child")
    }
    // More than a page, some without the value.
    for number in 0..<24 {
      let date = number % 3 == 0 ? "" : #","birthDate":"19\#(50 + number * 7 % 24)-01-01""#
      try await scene.create("m\(number)", #"{"resourceType":"Patient","active":true\#(date)}"#, tag: "many")
    }
  }) struct SortCases
{
  /// Ascending: nothing first, of several values the lowest; descending the other way round. Ties: the older first.
  @Test(arguments: [
    SearchRow("Patient?_tag=t&_sort=birthdate", "none williams cathy mary jones umlaut"),
    SearchRow("Patient?_tag=t&_sort=-birthdate", "umlaut jones cathy mary none williams"),
    SearchRow("Patient?_tag=t&_sort=family", "none umlaut williams cathy jones mary"),
    SearchRow("Patient?_tag=t&_sort=-family", "williams mary jones cathy umlaut none"),
    SearchRow("Patient?_tag=t&_sort=name", "none umlaut williams cathy jones mary"),
    SearchRow("Patient?_tag=t&_sort=-name", "jones williams mary cathy umlaut none"),
    SearchRow("Patient?_tag=t&_sort=address-postalcode", "none jones cathy mary williams umlaut"),
    SearchRow("Patient?_tag=t&_sort=-address-postalcode", "williams umlaut none jones cathy mary"),
    SearchRow("Patient?_tag=t&_sort=_lastUpdated", "none jones cathy mary williams umlaut"),
    SearchRow("Patient?_tag=t&_sort=-_lastUpdated", "umlaut williams mary cathy jones none"),
    SearchRow("Patient?_tag=t&family:missing=false&_sort=family", "umlaut williams cathy jones mary"),
    SearchRow("Patient?_tag=t&birthdate:missing=true&_sort=birthdate", "none williams"),
    SearchRow("Patient?_tag=t&family=m,c&_sort=-family", "mary cathy"),
    SearchRow("Patient?_tag=t&birthdate=1985-01-01&_sort=family", "cathy mary"),
    SearchRow("Patient?_tag=t&birthdate=lt2000&_sort=-birthdate", "jones cathy mary"),
    SearchRow("Observation?_tag=t&_sort=date", "o4 o3 o2 o1"),
    SearchRow("Observation?_tag=t&_sort=-date", "o1 o2 o3 o4"),
    SearchRow("Observation?_tag=t&_sort=value-quantity", "o3 o4 o1 o2"),
    SearchRow("Observation?_tag=t&_sort=-value-quantity", "o2 o1 o4 o3"),
    SearchRow("Observation?_tag=t&_sort=code", "o2 o3 o4 o1"),
    SearchRow("Organization?_tag=child&partof:Organization.name=Parent&_sort=name", "aa bb cc"),
    SearchRow("Organization?_tag=child&partof.identifier=p&_sort=-name", "cc bb aa"),
    // Several keys (FHIR R4 search#sort: "_sort … comma-separated list of sort rules in priority order").
    SearchRow("Patient?_tag=t&_sort=birthdate,family", "none williams cathy mary jones umlaut"),
    SearchRow("Patient?_tag=t&_sort=birthdate,-family", "williams none mary cathy jones umlaut"),
    SearchRow("Patient?_tag=t&_sort=-birthdate,-family", "umlaut jones mary cathy williams none"),
    SearchRow("Patient?_tag=t&_sort=gender,-birthdate,family", "umlaut none jones mary cathy williams"),
    SearchRow("Patient?_tag=t&_sort=-gender,family", "williams cathy jones mary none umlaut"),
    SearchRow("Observation?_tag=t&_sort=code,-date", "o2 o3 o4 o1"),
    SearchRow("Observation?_tag=t&_sort=-code,value-quantity", "o1 o3 o4 o2"),
    SearchRow("Patient?_tag=t&_sort=-_lastUpdated,family", "umlaut williams mary cathy jones none"),
  ]) func sorted(_ row: SearchRow) async throws {
    let scene = try SearchScene.current
    #expect(try await scene.find(row.query).matches == row.names)
    // Every page length gives the same order.
    for count in [1, 2, 4] {
      let found = try await scene.find(row.query + "&_count=\(count)")
      #expect(found.matches == row.names, "_count=\(count)")
      #expect(found.pages.count == (row.names.count + count - 1) / count)
    }
  }

  /// Both ways through many pages: nothing twice, nothing left out, the same order.
  @Test(arguments: ["birthdate", "-birthdate", "birthdate,_id", "-birthdate,-_lastUpdated"])
  func manyPages(_ sort: String) async throws {
    let scene = try SearchScene.current
    let whole = try await scene.find("Patient?_tag=many&_count=100&_sort=\(sort)")
    #expect(whole.pages.count == 1)
    #expect(Set(whole.matches).count == 24)
    let paged = try await scene.find("Patient?_tag=many&_sort=\(sort)&_total=accurate")
    #expect(paged.matches == whole.matches)
    #expect(paged.pages.map { $0.entries.count } == [10, 10, 4])
    #expect(paged.total == 24)
    let without = whole.matches.filter { (Int($0.dropFirst()) ?? 1) % 3 == 0 }
    let isDescending = sort.hasPrefix("-")
    #expect(Array(isDescending ? whole.matches.suffix(8) : whole.matches.prefix(8)) == without)
  }

  /// One phase is one page: no next link where nothing follows.
  @Test func noNextLinkAtTheEnd() async throws {
    let found = try await SearchScene.current.find(
      "Patient?_tag=many&birthdate:missing=false&_sort=birthdate&_count=16")
    #expect(found.pages.count == 1)
    #expect(found.matches.count == 16)
    #expect(found.pages[0]["next"] == nil)
  }

  /// Sorting and includes: the matches in order, then what they include.
  @Test func withIncludes() async throws {
    let found = try await SearchScene.current.find(
      "Organization?_tag=child&_sort=-name&_include=Organization:partof&_count=2")
    #expect(found.matches == ["cc", "bb", "aa"])
    #expect(found.pages.map { $0.entries.map(\.name) } == [["cc", "bb", "parent"], ["aa", "parent"]])
  }

  /// References can be sorted by here; unknown names cannot (FHIR R4 search#errors: lenient unless asked otherwise).
  @Test func unknownKeys() async throws {
    let scene = try SearchScene.current
    let found = try await scene.find("Patient?_tag=t&_sort=abcd1234", dropping: ["&_sort=abcd1234"])
    let text =
      "Sort parameter value 'abcd1234' is invalid, must be a subset of valid search parameters for resource type "
      + "'Patient'."
    #expect(found.issues == [.unsupported(text)])
    #expect(found.matches.count == 6)
    try await scene.checkRefused("Patient?_sort=abcd1234", [text], headers: ["Prefer": "handling=strict"])
    let part = try await scene.find("Patient?_tag=t&_sort=abcd1234,-family", dropping: ["abcd1234,"])
    #expect(part.matches.first == "williams")
    #expect(part.issues == [.unsupported(text)])
    let link = try await scene.find("Patient?_tag=t&_sort=link")
    #expect(link.matches.count == 6)
    let composite = try await scene.find(
      "Observation?_tag=t&_sort=code-value-quantity", dropping: ["&_sort=code-value-quantity"])
    #expect(composite.issues == [.unsupported("Sorting by the 'code-value-quantity' parameter is not supported.")])
    try await scene.checkRefused(
      "Observation?_sort=code-value-quantity", ["code-value-quantity"], headers: ["Prefer": "handling=strict"])
  }

  @Test(arguments: ["", ",", "-", "family,,name"]) func emptyKeys(_ value: String) async throws {
    let reply = try await SearchScene.current.ask("Patient?_sort=\(value)", ["Prefer": "handling=strict"])
    #expect(reply.status == 400)
    #expect(try reply.outcome().diagnostics.contains("ort"))
  }

  @Test func keysHaveALimit() async throws {
    let keys = ["_id", "family", "given", "name", "birthdate", "gender", "active", "address-city", "phone"]
    try await SearchScene.current.checkRefused(
      "Patient?_sort=" + keys.joined(separator: ","), ["'_sort'", "8"], code: "too-costly")
    let most = try await SearchScene.current.find("Patient?_tag=t&_sort=" + keys.dropLast().joined(separator: ","))
    #expect(most.matches.count == 6)
  }
}
