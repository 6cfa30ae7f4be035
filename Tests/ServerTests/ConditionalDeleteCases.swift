import Testing

/// FHIR R4 http#cdelete, with `_count` and `_hardDelete` as Microsoft's server has them.
@Suite struct ConditionalDeleteCases {
  private static func tagged(_ tag: String, _ number: Int = 0) -> String {
    Sample.patient("f\(number)", more: #","meta":{"tag":[{"code":"\#(tag)"}]}"#)
  }

  private static func fill(_ client: FormClient, _ count: Int) async throws {
    for number in 0..<count { _ = try await client.create("Patient", tagged("t", number)) }
  }

  private static func left(_ client: FormClient) async throws -> Int? {
    try await client.get("/?_tag=t&_summary=count").expectBundle("searchset").total
  }

  @Test(arguments: Form.allCases, ["_tag=", "", "_count=5", "_count=5&hardDelete=true"])
  func unselectiveCriteria(form: Form, query: String) async throws {
    try await FormClient.run(form) { client in
      try await client.delete("/Encounter?\(query)").expectOutcome(
        412,
        diagnostics:
          "Conditional operation on Encounter was not attempted because search criteria was not selective enough.")
    }
  }

  @Test(arguments: Form.allCases, ["", "&_count=1", "&_count=100"])
  func noMatch(form: Form, query: String) async throws {
    try await FormClient.run(form) { client in
      let reply = try await client.delete("/Patient?_tag=t\(query)")
      #expect(reply.status == 204)
      #expect(reply.reply.body.isEmpty)
    }
  }

  static let parameters = ["_hardDelete=true", "_hardDelete=false", "hardDelete=true", "hardDelete=false", ""]

  @Test(arguments: parameters, ["&_count=1", "&_count=100", ""])
  func oneMatch(parameter: String, count: String) async throws {
    for form in Form.allCases {
      try await FormClient.run(form) { client in
        try await Self.fill(client, 1)
        let id = try #require(try await client.get("/Patient?_tag=t").element().matches.first)
        let reply = try await client.delete("/Patient?_tag=t\(count)\(parameter.isEmpty ? "" : "&\(parameter)")")
        #expect(reply.status == 204)
        #expect(try await Self.left(client) == 0)
        #expect(try await client.get("/Patient/\(id)").status == (parameter.hasSuffix("true") ? 404 : 410))
      }
    }
  }

  @Test(arguments: Form.allCases)
  func severalMatchesNeedACount(form: Form) async throws {
    try await FormClient.run(form) { client in
      try await Self.fill(client, 3)
      try await client.delete("/Patient?_tag=t").expectOutcome(412)
      for count in ["-1", "0", "101", "2147483647", "x", "99999999999999999999"] {
        try await client.delete("/Patient?_tag=t&_count=\(count)").expectOutcome(400, count)
      }
      #expect(try await Self.left(client) == 3)
    }
  }

  static let counts: [(made: Int, count: Int, deleted: Int)] = [(3, 100, 3), (10, 5, 5), (50, 50, 50), (2, 1, 1)]

  @Test(arguments: Form.allCases, counts)
  func asManyAsTheCountAllows(form: Form, row: (made: Int, count: Int, deleted: Int)) async throws {
    try await FormClient.run(form) { client in
      try await Self.fill(client, row.made)
      let reply = try await client.delete("/Patient?_tag=t&_count=\(row.count)")
      #expect(reply.status == 204)
      #expect(reply.header("items-deleted") == String(row.deleted))
      #expect(try await Self.left(client) == row.made - row.deleted)
    }
  }
}
