import JSONCore
import Testing

/// Chains, `:not`, `:missing`, sorts and totals at once, on a public data set of 15 services and their 14 roles; the
/// same addresses escaped and not.
@Suite(
  .enabled(if: SearchSamples.areThere, "needs data set ms-fhir-server"),
  .scene { scene in
    guard SearchSamples.areThere else { return }
    let bundle = try SearchSamples.read("R4/Bundle-ChainingSortAndSearchValidation")
    let reply = try await scene.live.send("POST", "", String(decoding: bundle.json, as: UTF8.self))
    try #require(reply.status == 200, "\(reply.text)")
  }) struct ChainingAndSortCases
{
  private static let practitioner = "2ec3586b-9454-4c7f-8eaf-7a0e64cecf17"
  private static let query =
    "HealthcareService?name:missing=false&_has:PractitionerRole:service:practitioner=\(practitioner)"
    + "&active:not=false&location:missing=false&_has:PractitionerRole:service:active=true"

  @Test(arguments: ["", "&_sort=name", "&_sort=-name", "&_total=accurate", "&_sort=name&_total=accurate"])
  func everythingAtOnce(_ more: String) async throws {
    let scene = try SearchScene.current
    let found = try await scene.find(Self.query + more)
    #expect(found.matches.count == 13)
    #expect(Set(found.matches).count == 13)
    #expect(found.pages[0].entries.count == 10)
    #expect(found.pages[0].links.map(\.relation) == ["self", "next"])
    if more.contains("_total") { #expect(found.total == 13) }
    let count = try await scene.find(Self.query + more.replacing("&_total=accurate", with: "") + "&_summary=count")
    #expect(count.total == 13)
  }

  /// What is escaped and what is not is the same address.
  @Test func escapedAndRaw() async throws {
    let scene = try SearchScene.current
    let raw = try await scene.find(Self.query + "&_sort=name&_total=accurate")
    let target =
      LiveServer.path + "/"
      + Self.query.replacing(":", with: "%3A").replacing("_has", with: "%5Fhas") + "&_sort=name&_total=accurate"
    let escaped = try Page(try await scene.live.askRoot("GET", target).json(), scene)
    #expect(escaped.entries.map(\.name) == raw.pages[0].entries.map(\.name))
    #expect(escaped.total == raw.total)
    let decoded = escaped.links.map { SearchScene.decoded($0.url).prefix { $0 != "?" } }
    #expect(decoded == raw.pages[0].links.map { SearchScene.decoded($0.url).prefix { $0 != "?" } })
    let next = try #require(escaped["next"])
    let second = try Page(
      try await scene.live.askRoot("GET", LiveServer.path + String(next.dropFirst(scene.live.base.count))).json(), scene
    )
    #expect(second.entries.map(\.name) == raw.pages[1].entries.map(\.name))
  }

  /// All services by their ids, in one list.
  @Test func listsOfIds() async throws {
    let scene = try SearchScene.current
    let all = try await scene.find("HealthcareService?_count=100").matches
    #expect(all.count == 15)
    let ids = all.map { $0.split(separator: "/")[1] }.joined(separator: ",")
    for (more, count) in [
      ("", 15), ("&active:not=false", 13), ("&active:not=true", 2), ("&active=true", 13), ("&_id:not=fake-01", 14),
    ] {
      let found = try await scene.find("HealthcareService?_id=\(ids)&_count=100\(more)")
      #expect(found.matches.count == count, "\(more)")
      let paged = try await scene.find("HealthcareService?_id=\(ids)\(more)")
      #expect(paged.matches.sorted() == found.matches.sorted())
    }
  }
}
