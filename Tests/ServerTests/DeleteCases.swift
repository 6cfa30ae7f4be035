import Testing

/// FHIR R4 http#delete, and what Microsoft's server adds to it.
@Suite struct DeleteCases {
  @Test(arguments: Form.allCases)
  func aDeletedResourceKeepsItsVersions(form: Form) async throws {
    try await FormClient.run(form) { client in
      let id = try await client.create("Patient", Sample.patient())
      let deleted = try await client.delete("/Patient/\(id)")
      #expect(deleted.status == 204)
      #expect(deleted.reply.body.isEmpty)
      #expect(deleted.header("etag") == "W/\"2\"")
      let gone = try await client.get("/Patient/\(id)")
      try gone.expectOutcome(410)
      #expect(gone.header("etag") == "W/\"2\"")
      try await client.get("/Patient/\(id)/_history/1").expectVersion(200, 1)
      try await client.get("/Patient/\(id)/_history/2").expectOutcome(410)
      // Again, and of what never was: 204 both times (http#delete).
      #expect(try await client.delete("/Patient/\(id)").status == 204)
      #expect(try await client.delete("/Patient/never").status == 204)
      let history = try await client.get("/Patient/\(id)/_history").expectBundle("history")
      #expect(history.texts("entry.request.method") == ["DELETE", "POST"])
    }
  }

  /// What is deleted is found by nothing, negations included.
  @Test(arguments: Form.allCases, ["", "?identifier:not=123", "?identifier:missing=true", "?_lastUpdated=gt2000"])
  func whatIsDeletedIsNotFound(form: Form, query: String) async throws {
    try await FormClient.run(form) { client in
      let flag =
        #"{"resourceType":"Flag","status":"active","code":{"text":"x"},"subject":{"reference":"Patient/p"}}"#
      for _ in 0..<2 {
        let id = try await client.create("Flag", flag)
        #expect(try await client.delete("/Flag/\(id)").status == 204)
      }
      #expect(try await client.get("/Flag\(query)").expectBundle("searchset").entries.isEmpty)
    }
  }

  /// Nothing is left, whatever happened before.
  @Test(arguments: Form.allCases, ["_hardDelete", "hardDelete"])
  func aHardDeletionLeavesNothing(form: Form, parameter: String) async throws {
    try await FormClient.run(form) { client in
      let id = try await client.create("Patient", Sample.patient("a"))
      _ = try await client.put("/Patient/\(id)", Sample.patient("b", id: id))
      _ = try await client.delete("/Patient/\(id)")
      let back = try await client.put("/Patient/\(id)", Sample.patient("c", id: id))
      try back.expectVersion(201, 4)
      #expect(try await client.delete("/Patient/\(id)?\(parameter)=true").status == 204)
      try await client.get("/Patient/\(id)").expectOutcome(404)
      try await client.get("/Patient/\(id)/_history").expectOutcome(404)
      for version in 1...5 {
        try await client.get("/Patient/\(id)/_history/\(version)").expectOutcome(404)
      }
      #expect(try await client.get("/Patient/_history").element().total == 0)
    }
  }

  @Test(arguments: Form.allCases)
  func aHardDeletionOfFiftyVersions(form: Form) async throws {
    try await FormClient.run(form) { client in
      for number in 1...51 { _ = try await client.put("/Patient/p", Sample.patient("f\(number)", id: "p")) }
      try await client.get("/Patient/p").expectVersion(200, 51)
      #expect(try await client.delete("/Patient/p?hardDelete=true").status == 204)
      for version in [1, 25, 51] { try await client.get("/Patient/p/_history/\(version)").expectOutcome(404) }
      try await client.get("/Patient/p").expectOutcome(404)
    }
  }

  @Test(arguments: Form.allCases)
  func aPurgedHistoryKeepsTheCurrentVersion(form: Form) async throws {
    try await FormClient.run(form) { client in
      for family in ["a", "b", "c"] { _ = try await client.put("/Patient/p", Sample.patient(family, id: "p")) }
      #expect(try await client.delete("/Patient/p/$purge-history").status == 204)
      try await client.get("/Patient/p").expectVersion(200, 3)
      try await client.get("/Patient/p/_history/3").expectVersion(200, 3)
      try await client.get("/Patient/p/_history/1").expectOutcome(404)
      try await client.get("/Patient/p/_history/2").expectOutcome(404)
    }
  }

  /// A version cannot be deleted alone.
  @Test(arguments: Form.allCases)
  func aVersionIsNotDeleted(form: Form) async throws {
    try await FormClient.run(form) { client in
      let id = try await client.create("Patient", Sample.patient())
      try await client.delete("/Patient/\(id)/_history/1").expectOutcome(405)
    }
  }
}
