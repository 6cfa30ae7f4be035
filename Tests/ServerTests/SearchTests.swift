import JSONCore
import Testing

/// FHIR R4 http#search over the wire.
@Suite struct SearchTests {
  private func fill(_ live: LiveServer, _ count: Int) async throws {
    for number in 1...count {
      let body = #"{"resourceType":"Patient","id":"p\#(number)","name":[{"family":"Fam\#(number % 2)"}]}"#
      _ = try await live.send("PUT", "/Patient/p\(number)", body)
    }
  }

  private func link(_ bundle: JSONValue, _ relation: String) -> String? {
    bundle["link"]?.elements.first { $0["relation"]?.string == relation }?["url"]?.string
  }

  /// Every match on exactly one page; links are absolute and hold what was asked.
  @Test func pagesFollowTheirLinks() async throws {
    try await LiveServer.run { live in
      try await fill(live, 7)
      var target = "\(LiveServer.path)/Patient?name=fam&_count=3"
      var seen: [String] = []
      var sizes: [Int] = []
      while true {
        let page = try await live.askRoot("GET", target).json()
        #expect(page["resourceType"]?.string == "Bundle")
        #expect(page["type"]?.string == "searchset")
        let entries = page["entry"]?.elements ?? []
        sizes.append(entries.count)
        seen += entries.compactMap { $0["resource"]?["id"]?.string }
        #expect(entries.allSatisfy { $0["search"]?["mode"]?.string == "match" })
        guard let next = link(page, "next") else { break }
        #expect(next.hasPrefix("\(live.base)/Patient?name=fam&_count=3&ct="))
        target = String(next.dropFirst("http://127.0.0.1:\(live.port)".count))
        try #require(sizes.count < 10)
      }
      #expect(sizes == [3, 3, 1])
      #expect(seen.count == 7)
      #expect(Set(seen) == Set((1...7).map { "p\($0)" }))
    }
  }

  @Test func theSelfLinkRepeatsTheRequest() async throws {
    try await LiveServer.run { live in
      try await fill(live, 1)
      let page = try await live.ask("GET", "/Patient?name=fam1&unknown=1&_count=5").json()
      #expect(link(page, "self") == "\(live.base)/Patient?name=fam1&_count=5")
    }
  }

  /// http#search by POST: parameters of the form, of the URL, or both.
  @Test func aSearchByPostTakesAForm() async throws {
    try await LiveServer.run { live in
      try await fill(live, 4)
      let form = ["Content-Type": "application/x-www-form-urlencoded"]
      let byForm = try await live.ask("POST", "/Patient/_search", form, body: "name=Fam1&_summary=count")
      #expect(try byForm.json()["total"]?.integer == 2)
      let both = try await live.ask("POST", "/Patient/_search?name=Fam1", form, body: "_id=p1,p2&_summary=count")
      #expect(try both.json()["total"]?.integer == 1)
      #expect(try await live.ask("POST", "/Patient/_search").status == 200)
      let system = try await live.ask("POST", "/_search", form, body: "_id=p1&_summary=count")
      #expect(try system.json()["total"]?.integer == 1)
      let json = ["Content-Type": "application/fhir+json"]
      #expect(try await live.ask("POST", "/Patient/_search", json, body: "{}").status == 415)
      #expect(try await live.ask("POST", "/Patient/_search", form, body: "_format=turtle").status == 406)
    }
  }

  @Test func aForgedPagingTokenIs400() async throws {
    try await LiveServer.run { live in
      let reply = try await live.ask("GET", "/Patient?ct=AAAA")
      #expect(reply.status == 400)
      #expect(try !reply.outcome().diagnostics.isEmpty)
    }
  }

  /// search#errors: unknown parameters are ignored unless the client is strict.
  @Test func strictHandlingRefusesUnknownParameters() async throws {
    try await LiveServer.run { live in
      let lenient = try await live.ask("GET", "/Patient?nothing=1")
      #expect(lenient.status == 200)
      #expect(try await live.ask("GET", "/Patient?nothing=1", ["Prefer": "handling=strict"]).status == 400)
    }
  }
}
