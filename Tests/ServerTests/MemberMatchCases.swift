import Testing

/// `Patient/$member-match` (Da Vinci HRex OperationDefinition/member-match).
@Suite struct MemberMatchCases {
  private static func patient(_ members: String, number: String? = nil) -> String {
    let system = "http://terminology.hl7.org/CodeSystem/v2-0203"
    let identifier = number.map {
      #","identifier":[{"type":{"coding":[{"system":"\#(system)","code":"MB"}]},"system":"urn:m","value":"\#($0)"}]"#
    }
    return #"{"resourceType":"Patient"\#(members.isEmpty ? "" : ",")\#(members)\#(identifier ?? "")}"#
  }

  private static func coverage(_ type: String, _ beneficiary: String, more: String = "") -> String {
    #"{"resourceType":"Coverage","status":"active","type":{"coding":[{"code":"\#(type)"}]},"#
      + #""beneficiary":{"reference":"\#(beneficiary)"},"payor":[{"display":"x"}]\#(more)}"#
  }

  private static func parameters(_ patient: String, _ coverage: String) -> String {
    #"{"resourceType":"Parameters","parameter":[{"name":"MemberPatient","resource":\#(patient)},"#
      + #"{"name":"OldCoverage","resource":\#(coverage)}]}"#
  }

  private static func plan(_ value: String) -> String {
    #","class":[{"type":{"coding":[{"code":"subplan"}]},"value":"\#(value)"}]"#
  }

  private static func fill(_ client: FormClient) async throws {
    for (members, number, type, plan) in [
      (
        #""name":[{"family":"Williams"}],"address":[{"city":"Seattle"}],"birthDate":"1970-01-01""#, "01", "EHCPOL", "P0"
      ),
      (
        #""name":[{"family":"Williamas"}],"address":[{"city":"Seattle"}],"birthDate":"1970-05-05""#, "02", "DENTPRG",
        "P1"
      ),
      (#""name":[{"family":"Robinson"}],"address":[{"city":"Portland"}],"gender":"male""#, "03", "EHCPOL", "P2"),
      (#""name":[{"family":"Parker"}],"gender":"female","birthDate":"1983-08-08""#, "04", "AUTOPOL", "P3"),
    ] {
      let id = try await client.create("Patient", patient(members, number: number))
      _ = try await client.create("Coverage", coverage(type, "Patient/\(id)", more: Self.plan(plan)))
    }
  }

  static let found: [(patient: String, type: String, plan: String?, number: String)] = [
    (#""name":[{"family":"Robinson"}]"#, "EHCPOL", nil, "03"),
    (#""address":[{"city":"Seattle"}]"#, "DENTPRG", nil, "02"),
    (#""address":[{"city":"Seattle"}]"#, "EHCPOL", nil, "01"), (#""gender":"female""#, "AUTOPOL", nil, "04"),
    (#""birthDate":"1983-08-08""#, "AUTOPOL", "P3", "04"), (#""name":[{"family":"Williams"}]"#, "EHCPOL", "P0", "01"),
    ("", "EHCPOL", "P2", "03"),
  ]

  @Test(arguments: Form.allCases, found)
  func theMemberIsFound(form: Form, row: (patient: String, type: String, plan: String?, number: String)) async throws {
    try await FormClient.run(form) { client in
      try await Self.fill(client)
      let body = Self.parameters(
        Self.patient(row.patient), Self.coverage(row.type, "Patient/1", more: row.plan.map { Self.plan($0) } ?? ""))
      let reply = try await client.post("/Patient/$member-match", body)
      try #require(reply.status == 200, "\(reply.text)")
      let answer = try reply.element()
      #expect(answer.type == "Parameters")
      let member = try #require(answer["parameter"].first { $0.text("name") == "MemberPatient" })
      let identifier = member["resource.identifier"].first { $0.text("type.coding.code") == "UMB" }
      #expect(identifier?.text("value") == row.number)
    }
  }

  static let refused: [(patient: String, type: String, words: String)] = [
    (#""address":[{"city":"Seattle"}]"#, "", "Found multiple matches, narrow search criteria."),
    (#""name":[{"family":"Nobody"}]"#, "EHCPOL", "No match found."),
    (#""name":[{"family":"Robinson"}]"#, "DENTPRG", "No match found."),
  ]

  @Test(arguments: Form.allCases, refused)
  func noneOrSeveral(form: Form, row: (patient: String, type: String, words: String)) async throws {
    try await FormClient.run(form) { client in
      try await Self.fill(client)
      let coverage =
        row.type.isEmpty
        ? #"{"resourceType":"Coverage","status":"active","beneficiary":{"reference":"Patient/1"},"payor":[{"display":"x"}]}"#
        : Self.coverage(row.type, "Patient/1")
      let reply = try await client.post("/Patient/$member-match", Self.parameters(Self.patient(row.patient), coverage))
      try reply.expectOutcome(422, diagnostics: row.words)
    }
  }

  @Test(arguments: Form.allCases)
  func whatIsNoQuestion(form: Form) async throws {
    try await FormClient.run(form) { client in
      for body in [
        Sample.patient(), #"{"resourceType":"Parameters"}"#,
        #"{"resourceType":"Parameters","parameter":[{"name":"MemberPatient","resource":\#(Sample.patient())}]}"#,
        Self.parameters(Sample.observation(), Sample.observation()),
      ] {
        try await client.post("/Patient/$member-match", body).expectOutcome(400, body)
      }
    }
  }
}
