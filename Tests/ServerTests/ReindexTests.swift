import JSONCore
import Testing

/// A service's own search parameters over the wire: defined, waited for, used, switched off.
@Suite struct ReindexTests {
  private let parameter =
    #"{"resourceType":"SearchParameter","id":"f","url":"http://example.org/first","name":"first","status":"active","description":"x","code":"first","base":["Person"],"type":"string","expression":"Person.name.given"}"#
  private let form = ["Content-Type": "application/x-www-form-urlencoded"]

  private func value(_ reply: Reply, _ name: String) throws -> String? {
    let found = try reply.json()["parameter"]?.elements.first { $0["name"]?.string == name }
    return found?.members.first { $0.name.hasPrefix("value") }?.value.string
  }

  @Test func aParameterFromItsDefinitionToItsAnswer() async throws {
    try await LiveServer.run { live in
      for name in ["Ada", "Adam", "Eve"] {
        let reply = try await live.send(
          "POST", "/Person", "{\"resourceType\":\"Person\",\"name\":[{\"given\":[\"\(name)\"]}]}")
        #expect(reply.status == 201)
      }
      #expect(try await live.send("PUT", "/SearchParameter/f", parameter).status == 201)
      let waiting = try await live.ask("GET", "/Person?first=ada")
      #expect(waiting.status == 200)
      #expect(waiting.text.contains("The search parameter 'first' is not supported for resource type 'Person'."))
      let partly = try await live.ask("GET", "/Person?first=ada", ["x-ms-use-partial-indices": "true"])
      #expect(try partly.json()["entry"] == nil)

      let made = try await live.send("POST", "/$reindex", #"{"resourceType":"Parameters"}"#)
      #expect(made.status == 201, "\(made.text)")
      #expect(made.header("location") == nil)
      let address = try #require(made.header("content-location"))
      let id = try #require(try value(made, "id"))
      #expect(address == "\(live.base)/_operations/reindex/\(id)")
      var job = try await live.ask("GET", "/_operations/reindex/\(id)")
      for _ in 0..<1_000 where try ["Queued", "Running"].contains(value(job, "status") ?? "") {
        try await Task.sleep(for: .milliseconds(5))
        job = try await live.ask("GET", "/_operations/reindex/\(id)")
      }
      #expect(try value(job, "status") == "Completed")
      #expect(job.text.contains(#"{"name":"totalResourcesToReindex","valueDecimal":3.0}"#))
      #expect(
        job.text.contains(
          #"{"name":"searchParameterProgress","part":[{"name":"url","valueUri":"http://example.org/first"},{"name":"totalResourcesToReindex","valueDecimal":3.0},{"name":"resourcesSuccessfullyReindexed","valueDecimal":3.0},{"name":"progress","valueDecimal":100.0}]}"#
        ))
      let xml = try await live.ask("GET", "/_operations/reindex/\(id)", ["Accept": "application/fhir+xml"])
      #expect(xml.text.contains("<valueUri value=\"http://example.org/first\"/>"))
      let found = try await live.ask("GET", "/Person?first=ada", ["Prefer": "handling=strict"])
      #expect(try found.json()["entry"]?.count == 2)
      #expect(try await live.ask("GET", "/metadata").text.contains("http://example.org/first"))
      #expect(try await live.ask("DELETE", "/_operations/reindex/\(id)").status == 409)
      // Without a body, and with the one of Azure's documentation.
      for again in [
        try await live.ask("POST", "/$reindex"),
        try await live.send("POST", "/$reindex", #"{"resourceType":"Parameters","parameter":[]}"#),
      ] {
        #expect(again.status == 201, "\(again.text)")
        #expect(try value(again, "status") == "Canceled")
      }
      let options = try await live.ask("OPTIONS", "/_operations/reindex/\(id)")
      #expect(options.header("allow") == "GET, HEAD, DELETE, OPTIONS")
    }
  }

  @Test func statusesOverTheWire() async throws {
    try await LiveServer.run { live in
      let url = "http://hl7.org/fhir/SearchParameter/individual-gender"
      let posted = try await live.ask(
        "POST", "/SearchParameter/$status/_search", form,
        body: "url=http%3A%2F%2Fhl7.org%2Ffhir%2FSearchParameter%2Findividual-gender")
      #expect(posted.status == 200, "\(posted.text)")
      #expect(posted.text.contains(#"[{"name":"url","valueUrl":"\#(url)"},{"name":"status","valueString":"Enabled"}]"#))
      let off =
        #"{"resourceType":"Parameters","parameter":[{"name":"searchParameterStatus","part":[{"name":"url","valueUrl":"\#(url)"},{"name":"status","valueString":"Disabled"}]}]}"#
      let put = try await live.send("PUT", "/SearchParameter/$status", off)
      #expect(put.status == 200, "\(put.text)")
      #expect(try await live.ask("GET", "/Patient?gender=male", ["Prefer": "handling=strict"]).status == 400)
      #expect(try await !live.ask("GET", "/metadata").text.contains(url))
      #expect(try await live.send("PUT", "/SearchParameter/$status", #"{"resourceType":"Patient"}"#).status == 400)
      #expect(try await live.ask("GET", "/SearchParameter/$status?url=urn:none").status == 200)
      let xml = try await live.ask("GET", "/SearchParameter/$status?url=\(url)", ["Accept": "application/fhir+xml"])
      #expect(xml.text.contains("<valueUrl value=\"\(url)\"/>"))
    }
  }

  @Test func oneResourceOverTheWire() async throws {
    try await LiveServer.run { live in
      let made = try await live.send(
        "POST", "/Person", #"{"resourceType":"Person","name":[{"given":["Ada"]}],"gender":"female"}"#)
      let id = try made.id()
      #expect(try await live.send("PUT", "/SearchParameter/f", parameter).status == 201)
      let dry = try await live.ask("GET", "/Person/\(id)/$reindex")
      #expect(dry.status == 200)
      #expect(dry.text.contains(#"{"name":"first","valueString":"Ada"}"#))
      #expect(try await live.ask("POST", "/Person/\(id)/$reindex").status == 200)
      let found = try await live.ask("GET", "/Person?first=ada", ["x-ms-use-partial-indices": "true"])
      #expect(try found.json()["entry"]?.count == 1)
    }
  }
}
