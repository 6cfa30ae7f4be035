import Testing

/// FHIR R4 http#read and #vread.
@Suite struct ReadCases {
  @Test(arguments: Form.allCases)
  func aReadIsWhatWasCreated(form: Form) async throws {
    try await FormClient.run(form) { client in
      let created = try await client.post("/Patient", Sample.patient())
      let id = try #require(try created.expectVersion(201, 1).text("id"))
      for path in ["/Patient/\(id)", "/Patient/\(id)/_history/1"] {
        let read = try await client.get(path)
        try read.expectVersion(200, 1)
        #expect(read.text == created.text)
        #expect(read.header("last-modified") == created.header("last-modified"))
      }
    }
  }

  @Test(arguments: Form.allCases)
  func whatNeverWasIs404(form: Form) async throws {
    try await FormClient.run(form) { client in
      let unknown = "5d1c8b3e-07b2-4f0e-8c22-9f4b3b0f6a11"
      try await client.get("/Patient/\(unknown)").expectOutcome(
        404, code: "not-found", diagnostics: "Resource type 'Patient' with id '\(unknown)' couldn't be found.",
        issues: 1)
      try await client.get("/Patient/\(unknown)/_history/1").expectOutcome(404, code: "not-found")
      let id = try await client.create("Patient", Sample.patient())
      for version in [unknown, "2", "0", "-1", "99999999999999999999", "1.0", "01x"] {
        try await client.get("/Patient/\(id)/_history/\(version)").expectOutcome(404, code: "not-found", version)
      }
      try await client.get("/Observation/\(id)").expectOutcome(404, code: "not-found")
    }
  }

  /// http#read: 410 for what was deleted, with the deletion's version.
  @Test(arguments: Form.allCases)
  func whatWasDeletedIs410(form: Form) async throws {
    try await FormClient.run(form) { client in
      let id = try await client.create("Patient", Sample.patient())
      let deleted = try await client.delete("/Patient/\(id)")
      #expect(deleted.status == 204)
      let tag = try #require(deleted.header("etag"))
      #expect(tag == "W/\"2\"")
      for path in ["/Patient/\(id)", "/Patient/\(id)/_history/2"] {
        let gone = try await client.get(path)
        try gone.expectOutcome(410, code: "deleted")
        #expect(gone.header("etag") == tag)
      }
      try await client.get("/Patient/\(id)/_history/1").expectVersion(200, 1)
    }
  }

  /// http#cread (RFC 9110 §13.1.2, §13.1.3).
  @Test(arguments: Form.allCases)
  func aConditionalRead(form: Form) async throws {
    try await FormClient.run(form) { client in
      let created = try await client.post("/Patient", Sample.patient())
      let id = try #require(try created.element().text("id"))
      let modified = try #require(created.header("last-modified"))
      let rows: [([String: String], Int)] = [
        (["If-None-Match": "W/\"1\""], 304), (["If-None-Match": "W/\"2\""], 200), (["If-None-Match": "*"], 304),
        (["If-None-Match": "W/\"9\", W/\"1\""], 304), (["If-Modified-Since": modified], 304),
        (["If-Modified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"], 200),
        // The tag decides where both are given (RFC 9110 §13.2.2).
        (["If-None-Match": "W/\"2\"", "If-Modified-Since": modified], 200),
        (["If-None-Match": "W/\"1\"", "If-Modified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"], 304),
        // What is no date is no condition (RFC 9110 §13.1.3).
        (["If-Modified-Since": "yesterday"], 200),
      ]
      for (headers, status) in rows {
        let read = try await client.get("/Patient/\(id)", headers)
        #expect(read.status == status, "\(headers)")
        if status == 304 {
          #expect(read.reply.body.isEmpty)
          #expect(read.header("etag") == "W/\"1\"")
        }
      }
      // RFC 9110 §13.1.3: a date at or after the last change is met.
      let later = try await client.get(
        "/Patient/\(id)", ["If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"])
      #expect(later.status == 304)
    }
  }
}
