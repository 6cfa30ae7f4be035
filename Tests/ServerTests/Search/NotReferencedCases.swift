import Testing

/// `_not-referenced`, which others have as well: what nothing refers to.
@Suite(
  .scene { scene in
    for name in ["observed", "encountered", "grouped", "alone"] {
      try await scene.create(name, #"{"resourceType":"Patient"}"#)
    }
    try await scene.create(
      "observation",
      #"{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/{{observed}}"}}"#
    )
    try await scene.create(
      "encounter",
      #"{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/{{encountered}}"}}"#
    )
    try await scene.create(
      "performed",
      #"{"resourceType":"Observation","status":"final","code":{"text":"x"},"performer":[{"reference":"Patient/{{grouped}}"}]}"#
    )
  }) struct NotReferencedCases
{
  @Test(arguments: [
    SearchRow("*:*", "alone"), SearchRow("Observation:*", "alone encountered"),
    SearchRow("Observation:subject", "alone encountered grouped"),
    SearchRow("Encounter:subject", "alone grouped observed"),
    SearchRow("Encounter:*&_not-referenced=Observation:subject", "alone grouped"),
    SearchRow("Group:member", "alone encountered grouped observed"),
  ]) func notReferenced(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("Patient?_tag=t&_not-referenced=" + row.query, row.names))
  }

  /// Named wrongly, it is ignored with a warning, and left out of the self link.
  @Test(arguments: ["invalid", "a:b:c", ":", "*:subject"]) func anUnreadableOneIsIgnored(_ value: String) async throws {
    let found = try await SearchScene.current.find(
      "Patient?_tag=t&_not-referenced=" + value, dropping: ["&_not-referenced=" + value])
    #expect(found.matches.count == 4)
    #expect(
      found.issues == [
        .unsupported("Not referenced requires a resource type and search field separated by a :")
      ])
    try await SearchScene.current.checkRefused(
      "Patient?_not-referenced=" + value, ["Not referenced"], headers: ["Prefer": "handling=strict"])
  }

  @Test(arguments: [("Foo:subject", "Foo"), ("Observation:foo", "foo"), ("Observation:code", "code")])
  func unknownNamesAreRefused(_ value: String, _ word: String) async throws {
    try await SearchScene.current.checkRefused("Patient?_not-referenced=" + value, [word])
  }
}
