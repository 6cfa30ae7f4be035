import JSONCore
import Testing

/// `_includesCount`, the `related` link and `$includes`: what a page's matches bring along, in pages of its own.
@Suite(
  .scene { scene in
    for number in 0..<8 {
      try await scene.create("org\(number)", #"{"resourceType":"Organization","name":"x"}"#)
      try await scene.create(
        "p\(number)",
        #"{"resourceType":"Patient","name":[{"family":"F\#(number)"}],"#
          + #""managingOrganization":{"reference":"Organization/{{org\#(number)}}"}}"#)
      try await scene.create(
        "o\(number)",
        #"{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/{{p\#(number)}}"}}"#
      )
    }
  }) struct IncludesOperationCases
{
  private static let all = (0..<8).map { "org\($0)" }
  private static let isTruncated = OutcomeIssue(
    severity: "warning", code: "incomplete",
    text: "Included items are truncated. Use the related link in the response to retrieve all included items.")

  /// What the related link of a page leads to, page by page.
  private func related(_ page: Page, _ scene: SearchScene) async throws -> [Page] {
    var pages: [Page] = []
    var link = page["related"]
    while let this = link {
      #expect(this.contains("/$includes?") || this.contains("/%24includes?"))
      #expect(this.contains("&includesCt="))
      try #require(pages.count < 30)
      let reply = try await scene.live.askRoot(
        "GET", LiveServer.path + String(this.dropFirst(scene.live.base.count)))
      try #require(reply.status == 200, "\(reply.text)")
      let next = try Page(reply.json(), scene)
      #expect(next["related"] == nil)
      #expect(next.names("match").isEmpty)
      pages.append(next)
      link = next["next"]
    }
    return pages
  }

  /// Every included resource once: on the page or behind its related link.
  @Test(arguments: [1, 2, 3, 7, 8, 9]) func allIncludesInPages(_ count: Int) async throws {
    let scene = try SearchScene.current
    let found = try await scene.find("Patient?_tag=t&_include=Patient:organization&_includesCount=\(count)")
    #expect(found.matches.count == 8)
    let page = try #require(found.pages.first)
    #expect(page.names("include").count == min(count, 8))
    #expect(found.issues == (count < 8 ? [Self.isTruncated] : []))
    #expect((page["related"] != nil) == (count < 8))
    let rest = try await related(page, scene)
    #expect(1 + rest.count == max(1, (8 + count - 1) / count))
    #expect((page.names("include") + rest.flatMap { $0.names("include") }).sorted() == Self.all)
  }

  /// Every page of matches has its own.
  @Test func eachPageHasItsOwn() async throws {
    let scene = try SearchScene.current
    for sort in ["", "&_sort=family", "&_sort=-family", "&_sort=-_lastUpdated"] {
      let found = try await scene.find(
        "Patient?_tag=t&_include=Patient:organization&_includesCount=2&_count=3" + sort)
      #expect(found.pages.count == 3)
      var seen: [String] = []
      for page in found.pages {
        let rest = try await related(page, scene)
        let own = page.names("include") + rest.flatMap { $0.names("include") }
        #expect(own.sorted() == page.names("match").map { "org\($0.dropFirst())" }.sorted())
        seen += own
      }
      #expect(seen.sorted() == Self.all)
    }
  }

  @Test func bothDirections() async throws {
    let scene = try SearchScene.current
    let found = try await scene.find(
      "Patient?_tag=t&_include=Patient:organization&_revinclude=Observation:subject&_includesCount=5")
    let page = try #require(found.pages.first)
    let rest = try await related(page, scene)
    let all = page.names("include") + rest.flatMap { $0.names("include") }
    #expect(all.sorted() == ((0..<8).map { "o\($0)" } + Self.all).sorted())
    #expect(1 + rest.count == 4)
  }

  /// Iterated includes are paged as well (others cut them off).
  @Test func iteratedIncludes() async throws {
    let scene = try SearchScene.current
    let found = try await scene.find(
      "Observation?_tag=t&_include=Observation:subject&_include:iterate=Patient:organization&_includesCount=6")
    let page = try #require(found.pages.first)
    let rest = try await related(page, scene)
    let all = page.names("include") + rest.flatMap { $0.names("include") }
    #expect(all.sorted() == (Self.all + (0..<8).map { "p\($0)" }).sorted())
  }

  @Test(arguments: ["0", "-1", "x", "", "1.5"]) func unreadableCountsAreRefused(_ count: String) async throws {
    try await SearchScene.current.checkRefused(
      "Patient?_include=Patient:organization&_includesCount=" + count, ["_includesCount"])
  }

  @Test func countsAboveTheLimitAreClipped() async throws {
    let found = try await SearchScene.current.find("Patient?_tag=t&_include=Patient:organization&_includesCount=99999")
    #expect(found.included.count == 8)
    #expect(found.issues.first?.text.contains("exceeds limit") == true)
  }

  @Test(arguments: [
    "Patient/$includes", "Patient/$includes?includesCt=AAAA", "Patient/$includes?_tag=t&includesCt=YWJj",
  ])
  func forgedTokensAreRefused(_ query: String) async throws {
    try await SearchScene.current.checkRefused(query, ["includesCt"])
  }

  /// A token belongs to its query.
  @Test func aTokenOfAnotherQueryIsRefused() async throws {
    let scene = try SearchScene.current
    let found = try await scene.find("Patient?_tag=t&_include=Patient:organization&_includesCount=2")
    let link = try #require(found.pages.first?["related"])
    let token = try #require(link.split(separator: "includesCt=").last)
    try await scene.checkRefused("Patient/$includes?_tag=other&includesCt=\(token)", ["includesCt"])
  }
}
