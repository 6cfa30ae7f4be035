import Testing

/// FHIR R4 search#uri: exact, `:above`, `:below`; and canonical URLs (search#canonical).
@Suite(
  .scene { scene in
    for (name, url) in [
      ("u0", "http://somewhere.com/test/system"), ("u1", "http://somewhere.com/test/system/123"),
      ("u2", "urn://localhost/test"), ("u3", "http://somewhere.com/test/system#part"),
      ("u4", "urn:oid:1.2.3.4"), ("u5", "http://somewhere.com/test"), ("u6", "http://somewhere.com/tests"),
    ] {
      try await scene.create(
        name, #"{"resourceType":"ValueSet","status":"active","url":"\#(url)"}"#)
    }
    for (name, profiles) in [
      ("c0", #"["http://hl7.org/fhir/StructureDefinition/bp|1#frag"]"#),
      ("c1", #"["http://hl7.org/fhir/StructureDefinition/bp|2"]"#),
      ("c2", #"["http://example.org/alt","http://hl7.org/fhir/StructureDefinition/bp|1"]"#),
    ] {
      try await scene.create(
        name,
        #"{"resourceType":"Observation","meta":{"profile":\#(profiles),"tag":[{"code":"t"}],"source":"http://src.org/a"},"#
          + #""status":"final","code":{"text":"x"}}"#, tag: nil)
    }
  }) struct UriSearchCases
{
  @Test(arguments: rows) func uri(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("ValueSet?_tag=t&url" + row.query, row.names))
  }

  static let rows = [
    SearchRow("=http://somewhere.com/test/system", "u0"),
    SearchRow("=http://somewhere.com/TEST/system", ""),
    SearchRow("=http://somewhere.com/test/system/", ""),
    SearchRow("=http://somewhere.com/test/sys", ""),
    SearchRow("=urn://localhost/test", "u2"),
    SearchRow("=urn:oid:1.2.3.4", "u4"),
    // A fragment counts; in a target it is escaped.
    SearchRow("=http://somewhere.com/test/system%23part", "u3"),
    SearchRow("=http://somewhere.com/test/system%23other", ""),
    SearchRow("=http://somewhere.com/test,urn:oid:1.2.3.4", "u4 u5"),
    SearchRow(":above=http://somewhere.com/test/system/123", "u0 u1 u5"),
    SearchRow(":above=http://somewhere.com/test/system/123/more", "u0 u1 u5"),
    SearchRow(":above=http://somewhere.com/test", "u5"),
    SearchRow(":above=urn://localhost/test/more", ""),
    SearchRow(":above=urn:oid:1.2.3.4.5", ""),
    SearchRow(":below=http://somewhere.com/test/system", "u0 u1 u3"),
    SearchRow(":below=http://somewhere.com/test/", "u0 u1 u3"),
    SearchRow(":below=test", ""),
    SearchRow(":below=http://somewhere.com/test/systems", ""),
    SearchRow(":missing=true", ""),
  ]

  /// `:below` is a prefix of URLs, as Azure has it; of URNs nothing is above or below (FHIR R4 search#uri: "only apply
  /// to URLs, and not URNs").
  @Test(arguments: [
    SearchRow("http", "u0 u1 u3 u5 u6"), SearchRow("urn", ""), SearchRow("urn:oid:1.2", ""), SearchRow("test", ""),
    SearchRow("http://somewhere.com/tes", "u0 u1 u3 u5 u6"), SearchRow("http://somewhere.com/test/", "u0 u1 u3"),
    SearchRow("http://somewhere.com", "u0 u1 u3 u5 u6"), SearchRow("http://else", ""),
  ]) func prefixes(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("ValueSet?_tag=t&url:below=" + row.query, row.names))
  }

  /// Without a version every version is meant, with one it alone (FHIR R4 references#canonical).
  @Test(arguments: [
    SearchRow("_profile=http://hl7.org/fhir/StructureDefinition/bp", "c0 c1 c2"),
    SearchRow("_profile=http://example.org/alt", "c2"), SearchRow("_profile=http://example.org/none", ""),
    SearchRow("_profile=http://hl7.org/fhir/StructureDefinition", ""),
    SearchRow("_profile:below=http://hl7.org/fhir/StructureDefinition/bp", "c0 c1 c2"),
    SearchRow("_source=http://src.org/a", "c0 c1 c2"), SearchRow("_source=http://src.org/", ""),
  ]) func canonical(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("Observation?_tag=t&" + row.query, row.names))
  }

  @Test(arguments: ["url:exact=x", "url:contains=x", "url:not=x", "url=", "url:Patient=x"])
  func whatIsNoUriIsRefused(_ query: String) async throws {
    try await SearchScene.current.checkRefused("ValueSet?" + query, ["'url'"])
  }
}
