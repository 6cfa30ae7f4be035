import JSONCore
import Testing

/// Ways around a restriction: what a patient's app tries in order to see or change what is another patient's.
@Suite struct SmugglingTests {
  private func run(_ scope: String = "patient/*.cruds", _ body: (LiveServer, String) async throws -> Void) async throws
  {
    try await LiveServer.run(access: TestIssuer.access()) { live in
      try await live.put(AccessData.json)
      try await body(live, try TestIssuer.app(scope))
    }
  }

  // MARK: Bundles

  @Test func entriesOfABatchAreDecidedByThemselves() async throws {
    try await run { live, token in
      let bundle = #"""
        {"resourceType":"Bundle","type":"batch","entry":[
          {"request":{"method":"GET","url":"Patient/p1"}},
          {"request":{"method":"GET","url":"Patient/p2"}},
          {"request":{"method":"GET","url":"Observation/o2-lab/_history/1"}},
          {"request":{"method":"GET","url":"Observation?patient=p2"}},
          {"request":{"method":"DELETE","url":"Observation/o2-lab"}},
          {"request":{"method":"PUT","url":"Observation/o2-lab"},"resource":
            {"resourceType":"Observation","id":"o2-lab","status":"final","code":{"text":"x"},
             "subject":{"reference":"Patient/p1"}}},
          {"request":{"method":"POST","url":"Observation"},"resource":
            {"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p2"}}},
          {"request":{"method":"GET","url":"Patient/p2/$everything"}},
          {"request":{"method":"GET","url":"$meta"}},
          {"request":{"method":"GET","url":"SearchParameter/$status"}}]}
        """#
      let reply = try await live.ask("POST", "", token: token, body: bundle)
      let entries = try reply.json()["entry"]?.elements ?? []
      let statuses = entries.map { $0["response"]?["status"]?.string?.prefix(3) }
      #expect(statuses == ["200", "404", "404", "200", "204", "403", "403", "404", "200", "403"])
      #expect(entries[3]["resource"]?["entry"] == nil)
      #expect(!reply.text.contains("Patient/p2\""))
      #expect(try await live.stored("Observation", "o2-lab")?["meta"]?["versionId"]?.string == "1")
    }
  }

  @Test func aTransactionWithOneForbiddenEntryChangesNothing() async throws {
    try await run { live, token in
      let bundle = #"""
        {"resourceType":"Bundle","type":"transaction","entry":[
          {"request":{"method":"PUT","url":"Observation/own"},"resource":
            {"resourceType":"Observation","id":"own","status":"final","code":{"text":"x"},
             "subject":{"reference":"Patient/p1"}}},
          {"request":{"method":"POST","url":"Observation"},"resource":
            {"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p2"}}}]}
        """#
      let refused = try await live.ask("POST", "", token: token, body: bundle)
      #expect(refused.status == 403)
      #expect(try await live.stored("Observation", "own") == nil)
      // A reference that becomes another's only when the transaction rewrites it.
      let rewritten = #"""
        {"resourceType":"Bundle","type":"transaction","entry":[
          {"fullUrl":"urn:uuid:11111111-1111-4111-8111-111111111111",
           "request":{"method":"PUT","url":"Patient/p2"},"resource":{"resourceType":"Patient","id":"p2"}},
          {"request":{"method":"POST","url":"Observation"},"resource":
            {"resourceType":"Observation","status":"final","code":{"text":"x"},
             "subject":{"reference":"urn:uuid:11111111-1111-4111-8111-111111111111"}}}]}
        """#
      #expect(try await live.ask("POST", "", token: token, body: rewritten).status == 403)
      #expect(try await live.stored("Patient", "p2")?["name"] != nil)
      let read = #"""
        {"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"GET","url":"Patient/p2"}}]}
        """#
      #expect(try await live.ask("POST", "", token: token, body: read).status == 404)
    }
  }

  // MARK: Searches

  @Test func searchesReachNothingOfOthers() async throws {
    try await run("patient/*.rs") { live, token in
      let empty = [
        "/Observation?patient=p2", "/Observation?subject=Patient/p2", "/Observation?_id=o2-lab,o2-vital",
        "/Observation?_filter=subject eq Patient/p2", "/Observation?_filter=not (subject eq Patient/p1)",
        "/Observation?subject:not=Patient/p1", "/Patient?_id=p2", "/Patient?name=a&_id=p2",
        "/Observation?subject:Patient._id=p2", "/Patient?_has:Observation:patient:_id=o2-lab",
        "/Patient/p2/Observation", "/Patient/p2/*", "/Patient?_filter=_id eq p2", "/Device?patient=Patient/p2",
      ]
      for path in empty {
        let reply = try await live.ask(
          "GET", path.replacing(" ", with: "%20") + (path.contains("?") ? "&" : "?") + "_total=accurate", token: token)
        guard reply.status == 200 else {
          #expect([400, 403].contains(reply.status), "\(path)")
          continue
        }
        #expect(try found(reply).isEmpty, "\(path): \(reply.text)")
        #expect(!reply.text.contains("p2\""), "\(path)")
      }
      // What the caller may see stays countable and sortable.
      let all = try await live.ask("GET", "/Observation?_sort=-_lastUpdated&_total=accurate", token: token)
      #expect(try found(all) == ["Observation/o1-lab", "Observation/o1-vital"])
      #expect(try all.json()["total"]?.integer == 2)
      #expect(try await live.ask("GET", "/Observation?_summary=count", token: token).json()["total"]?.integer == 2)
      // A search by form is a search.
      let form = try await live.ask(
        "POST", "/Observation/_search", token: token, ["Content-Type": "application/x-www-form-urlencoded"],
        body: "patient=p2")
      #expect(try found(form).isEmpty)
    }
  }

  @Test func includesBringNothingOfOthers() async throws {
    try await run("patient/*.rs") { live, token in
      // The patient's own observation points at another patient's data.
      try await live.put([
        #"""
        {"resourceType":"Observation","id":"link","status":"final","code":{"text":"x"},
         "subject":{"reference":"Patient/p1"},"derivedFrom":[{"reference":"Observation/o2-lab"}],
         "encounter":{"reference":"Encounter/e2"}}
        """#
      ])
      for include in [
        "_include=Observation:derived-from", "_include=Observation:encounter", "_include=*", "_include:iterate=*",
        "_include=Observation:derived-from&_include:iterate=Observation:subject",
      ] {
        let reply = try await live.ask("GET", "/Observation?_id=link&\(include)", token: token)
        let included = try found(reply, mode: "include")
        #expect(!included.contains { $0.contains("2") && !$0.hasPrefix("Practitioner/") }, "\(include): \(included)")
      }
      let reverse = try await live.ask("GET", "/Practitioner?_id=d2&_revinclude=Observation:performer", token: token)
      #expect(try found(reverse, mode: "include") == ["Observation/o1-lab"])
      let everything = try await live.ask("GET", "/Patient/p1/$everything", token: token)
      #expect(everything.status == 200)
      #expect(!everything.text.contains(#""id":"o2-lab""#) && !everything.text.contains(#""id":"e2""#))
      #expect(try await live.ask("GET", "/Patient/p2/$everything", token: token).status == 404)
    }
  }

  @Test func aChainDoesNotTellWhatItReaches() async throws {
    try await run("patient/*.rs") { live, token in
      try await live.put([
        #"""
        {"resourceType":"Observation","id":"link","status":"final","code":{"text":"x"},
         "subject":{"reference":"Patient/p1"},"hasMember":[{"reference":"Observation/o2-lab"}]}
        """#
      ])
      // Whether the other patient's observation has this text must not show.
      for path in [
        "/Observation?_id=link&has-member:Observation.status=final",
        "/Observation?_id=link&has-member:Observation.subject:Patient.name=a",
        "/Observation?_id=link&_filter=has-member.status%20eq%20final",
      ] {
        let reply = try await live.ask("GET", path, token: token)
        if reply.status == 200 { #expect(try found(reply).isEmpty, "\(path)") }
      }
      // Nothing that the caller sees refers to o1-lab; what another has does not count.
      try await live.put([
        #"""
        {"resourceType":"Observation","id":"theirs","status":"final","code":{"text":"x"},
         "subject":{"reference":"Patient/p2"},"hasMember":[{"reference":"Observation/o1-lab"}]}
        """#
      ])
      let referred = try await live.ask(
        "GET", "/Observation?_id=o1-lab&_not-referenced=Observation:has-member", token: token)
      #expect(try found(referred) == ["Observation/o1-lab"])
      let own = try await live.ask(
        "GET", "/Observation?_id=o1-lab&_has:Observation:has-member:_id=theirs", token: token)
      #expect(try found(own).isEmpty)
    }
  }

  @Test func aChainIntoATypeWithoutScopeIsRefused() async throws {
    try await run("patient/Observation.rs") { live, token in
      #expect(try await live.ask("GET", "/Observation?subject:Patient.name=a", token: token).status == 403)
      #expect(try await live.ask("GET", "/Observation?_has:Encounter:subject:_id=e1", token: token).status >= 400)
      let include = try await live.ask("GET", "/Observation?_id=o1-lab&_include=Observation:subject", token: token)
      #expect(try found(include, mode: "include").isEmpty)
    }
  }

  @Test func anotherCallersPageTokenShowsNothingMore() async throws {
    try await run("patient/*.rs") { live, token in
      let reader = try TestIssuer.token { $0.roles = ["FHIR Data Reader"] }
      for order in ["", "&_sort=code", "&_sort=-_lastUpdated"] {
        let page = try await live.ask("GET", "/Observation?_count=1\(order)", token: reader).json()
        let next = page["link"]?.elements.first { $0["relation"]?.string == "next" }?["url"]?.string
        let path = try #require(next).dropFirst(live.base.utf8.count)
        let reply = try await live.ask("GET", String(path), token: token)
        guard reply.status == 200 else { continue }
        #expect(try found(reply).allSatisfy { $0.contains("o1-") }, "\(order)")
      }
      let forged = try await live.ask("GET", "/Observation?_count=1&ct=AAAA", token: token)
      #expect(forged.status == 400)
    }
  }

  @Test func explanationsAndCountsOfOthersAreNotTold() async throws {
    try await run("patient/*.rs") { live, token in
      let reply = try await live.ask("GET", "/Observation?subject=Patient/p2&_explain=true", token: token)
      #expect(reply.status == 200)
      #expect(!reply.text.contains("rows"))
      let labels = try await live.ask("GET", "/Patient/$meta", token: token)
      #expect(labels.status == 200)
    }
  }

  @Test func labelsOfOthersAreNotListed() async throws {
    try await run("patient/*.rs") { live, token in
      try await live.put([
        #"{"resourceType":"Patient","id":"p1","meta":{"tag":[{"system":"http://t","code":"mine"}]}}"#,
        #"{"resourceType":"Patient","id":"p2","meta":{"tag":[{"system":"http://t","code":"theirs"}]}}"#,
      ])
      let reply = try await live.ask("GET", "/Patient/$meta", token: token)
      #expect(reply.text.contains("mine"))
      #expect(!reply.text.contains("theirs"))
      #expect(try await !live.ask("GET", "/$meta", token: token).text.contains("theirs"))
    }
  }

  // MARK: History

  @Test func whatWasAnothersIsNotShown() async throws {
    try await run("patient/*.rs") { live, token in
      try await live.put([
        #"{"resourceType":"Observation","id":"moved","status":"final","code":{"text":"was theirs"},"subject":{"reference":"Patient/p2"}}"#,
        #"{"resourceType":"Observation","id":"moved","status":"final","code":{"text":"is mine"},"subject":{"reference":"Patient/p1"}}"#,
      ])
      #expect(try await live.ask("GET", "/Observation/moved", token: token).status == 200)
      #expect(try await live.ask("GET", "/Observation/moved/_history/2", token: token).status == 200)
      #expect(try await live.ask("GET", "/Observation/moved/_history/1", token: token).status == 404)
      for path in ["/Observation/moved/_history", "/Observation/_history", "/_history?_count=100"] {
        let reply = try await live.ask("GET", path, token: token)
        #expect(reply.text.contains("is mine") && !reply.text.contains("was theirs"), "\(path)")
        #expect(!reply.text.contains("o2-"), "\(path)")
      }
    }
  }

  @Test func whatIsDeletedIsTheirsAlone() async throws {
    try await run("patient/*.rs") { live, token in
      let admin = try TestIssuer.token { $0.roles = ["FHIR Data Contributor"] }
      #expect(try await live.ask("DELETE", "/Observation/o2-lab", token: admin).status == 204)
      let gone = try await live.ask("GET", "/Observation/o2-lab", token: token)
      let never = try await live.ask("GET", "/Observation/o9-lab", token: token)
      #expect(gone.status == 404 && never.status == 404)
      #expect(try gone.outcome().diagnostics == never.outcome().diagnostics.replacing("o9", with: "o2"))
    }
  }

  // MARK: Writes

  @Test func nothingIsMovedIntoOrOutOfACompartment() async throws {
    try await run { live, token in
      func observation(_ id: String, of patient: String) -> String {
        #"{"resourceType":"Observation","id":"\#(id)","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/\#(patient)"}}"#
      }
      #expect(
        try await live.ask("PUT", "/Observation/o1-lab", token: token, body: observation("o1-lab", of: "p2")).status
          == 403)
      #expect(
        try await live.ask("PUT", "/Observation/o2-lab", token: token, body: observation("o2-lab", of: "p1")).status
          == 403)
      let patch = #"[{"op":"replace","path":"/subject/reference","value":"Patient/p2"}]"#
      let patched = try await live.ask(
        "PATCH", "/Observation/o1-lab", token: token, ["Content-Type": "application/json-patch+json"], body: patch)
      #expect(patched.status == 403)
      // A second reference that is not the compartment's does not make it one's own.
      let focus = #"""
        {"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p2"},
         "focus":[{"reference":"Patient/p1"}]}
        """#
      #expect(try await live.ask("POST", "/Observation", token: token, body: focus).status == 403)
      // Nor does an address of another server's, or of this one's as the caller says it.
      let foreign = observation("x", of: "p1").replacing("Patient/p1", with: "\(live.base)/Patient/p1")
        .replacing(#""id":"x","#, with: "")
      #expect(try await live.ask("POST", "/Observation", token: token, body: foreign).status == 403)
      for (id, patient) in [("o1-lab", "p1"), ("o2-lab", "p2")] {
        let stored = try await live.stored("Observation", id)
        #expect(stored?["subject"]?["reference"]?.string == "Patient/\(patient)")
        #expect(stored?["meta"]?["versionId"]?.string == "1")
      }
    }
  }

  @Test func conditionalInteractionsFindNothingOfOthers() async throws {
    try await run { live, token in
      let body =
        #"{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"}}"#
      // Another's match is no match: a new resource comes to be.
      let created = try await live.ask(
        "POST", "/Observation", token: token, ["If-None-Exist": "_id=o2-lab"], body: body)
      #expect(created.status == 201)
      let updated = try await live.ask("PUT", "/Observation?_id=o2-lab", token: token, body: body)
      #expect(updated.status == 201)
      let deleted = try await live.ask("DELETE", "/Observation?subject=Patient/p2", token: token)
      #expect(deleted.status == 204)
      let several = try await live.ask(
        "DELETE", "/Observation?status=final&_count=100&_revinclude=Encounter:patient", token: token)
      #expect([204, 400, 403].contains(several.status))
      let patched = try await live.ask(
        "PATCH", "/Observation?_id=o2-lab", token: token, ["Content-Type": "application/json-patch+json"],
        body: #"[{"op":"add","path":"/language","value":"en"}]"#)
      #expect(patched.status == 404)
      for id in ["o2-lab", "o2-vital"] {
        #expect(try await live.stored("Observation", id)?["meta"]?["versionId"]?.string == "1", "\(id)")
      }
    }
  }

  @Test func conditionalReferencesFindNothingOfOthers() async throws {
    try await run { live, token in
      func body(_ id: String) -> String {
        #"""
        {"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"},
         "encounter":{"reference":"Encounter?_id=\#(id)"}}
        """#
      }
      #expect(try await live.ask("POST", "/Observation", token: token, body: body("e1")).status == 201)
      let hidden = try await live.ask("POST", "/Observation", token: token, body: body("e2"))
      let absent = try await live.ask("POST", "/Observation", token: token, body: body("e9"))
      #expect(hidden.status == 400 && absent.status == 400)
      #expect(try hidden.outcome().diagnostics == absent.outcome().diagnostics.replacing("e9", with: "e2"))
    }
  }

  @Test func referencesOfOthersStayWhenOnesOwnIsDeleted() async throws {
    try await run { live, token in
      try await live.put([
        #"""
        {"resourceType":"Observation","id":"theirs","status":"final","code":{"text":"x"},
         "subject":{"reference":"Patient/p2"},"encounter":{"reference":"Encounter/e1"}}
        """#,
        #"""
        {"resourceType":"Observation","id":"mine","status":"final","code":{"text":"x"},
         "subject":{"reference":"Patient/p1"},"encounter":{"reference":"Encounter/e1"}}
        """#,
      ])
      let reply = try await live.ask("DELETE", "/Encounter/e1?_remove-references=true", token: token)
      #expect(reply.status == 204)
      #expect(try await live.stored("Observation", "mine")?["encounter"]?["reference"] == nil)
      #expect(try await live.stored("Observation", "theirs")?["encounter"]?["reference"]?.string == "Encounter/e1")
    }
  }

  @Test func metaIsChangedOfOnesOwnOnly() async throws {
    try await run { live, token in
      let parameters = #"""
        {"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"system":"http://t","code":"x"}]}}]}
        """#
      let own = try await live.ask("POST", "/Observation/o1-lab/$meta-add", token: token, body: parameters)
      #expect(own.status == 200)
      #expect(try await live.ask("POST", "/Observation/o2-lab/$meta-add", token: token, body: parameters).status == 404)
      #expect(try await live.ask("GET", "/Observation/o2-lab/$meta", token: token).status == 404)
    }
  }

  @Test func aProvenanceIsWrittenByThoseWhoMay() async throws {
    try await run("patient/Observation.cruds") { live, token in
      let body =
        #"{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"}}"#
      let header = #"{"resourceType":"Provenance","recorded":"2026-01-01T00:00:00Z","agent":[{"who":{"display":"x"}}]}"#
      let refused = try await live.ask("POST", "/Observation", token: token, ["X-Provenance": header], body: body)
      #expect(refused.status == 403)
      #expect(try await live.ask("GET", "/Observation?_summary=count", token: token).json()["total"]?.integer == 2)
    }
  }

  /// Profiles and search parameters are the whole service's, and take an action of their own (Azure: Writer has
  /// `editProfileDefinitions`, open source's globalWriter has not).
  @Test func definitionsTakeMoreThanWriting() async throws {
    try await run { live, _ in
      let writer = try TestIssuer.token { $0.roles = ["globalWriter"] }
      let admin = try TestIssuer.token { $0.roles = ["globalAdmin"] }
      let valueSet = #"{"resourceType":"ValueSet","id":"v","status":"draft"}"#
      #expect(try await live.ask("PUT", "/ValueSet/v", token: writer, body: valueSet).status == 403)
      #expect(try await live.ask("PUT", "/ValueSet/v", token: admin, body: valueSet).status == 201)
      #expect(try await live.ask("DELETE", "/ValueSet/v", token: writer).status == 403)
      #expect(try await live.ask("DELETE", "/ValueSet?_id=v", token: writer).status == 403)
      let reader = try TestIssuer.token { $0.roles = ["globalReader"] }
      #expect(try await live.ask("POST", "/$reindex", token: reader).status == 403)
      #expect(try await live.ask("DELETE", "/Patient/p1?_hardDelete=true", token: writer).status == 403)
      #expect(try await live.ask("DELETE", "/Patient/p1/$purge-history", token: writer).status == 403)
      #expect(try await live.ask("DELETE", "/Patient/p1?_hardDelete=true", token: admin).status == 204)
    }
  }

  /// Containers decide for what they contain.
  @Test func containedResourcesAreTheirContainers() async throws {
    try await run("patient/*.rs") { live, token in
      for patient in ["p1", "p2"] {
        try await live.put([
          #"""
          {"resourceType":"Observation","id":"c-\#(patient)","status":"final","code":{"text":"x"},
           "contained":[{"resourceType":"Organization","id":"in","name":"Inside \#(patient)"}],
           "subject":{"reference":"Patient/\#(patient)"},"performer":[{"reference":"#in"}]}
          """#
        ])
      }
      for kind in ["container", "contained"] {
        let reply = try await live.ask(
          "GET", "/Organization?_contained=true&_containedType=\(kind)&name=Inside", token: token)
        #expect(reply.status == 200)
        #expect(reply.text.contains("Inside p1") && !reply.text.contains("Inside p2"), "\(kind)")
      }
    }
  }
}
