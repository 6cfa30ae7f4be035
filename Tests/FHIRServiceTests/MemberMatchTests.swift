import Base
import FHIRService
import JSONCore
import Testing

/// `Patient/$member-match` (Da Vinci HRex OperationDefinition/member-match).
@Suite struct MemberMatchTests {
  private static func patient(family: String? = nil, city: String? = nil, birthDate: String? = nil, more: String = "")
    -> String
  {
    let members = [
      family.map { #""name":[{"family":"\#($0)"}]"# }, city.map { #""address":[{"city":"\#($0)"}]"# },
      birthDate.map { #""birthDate":"\#($0)""# },
    ].compactMap { $0 }
    return #"{\#((["\"resourceType\":\"Patient\""] + members).joined(separator: ","))\#(more)}"#
  }

  private static func coverage(_ type: String, beneficiary: String = "Patient/elsewhere", plan: String? = nil) -> String
  {
    let `class` = plan.map {
      #","class":[{"type":{"coding":[{"code":"subplan"}]},"value":"\#($0)"}]"#
    }
    return """
      {"resourceType":"Coverage","status":"active","type":{"coding":[{"code":"\(type)"}]},
       "beneficiary":{"reference":"\(beneficiary)"},"payor":[{"display":"x"}]\(`class` ?? "")}
      """
  }

  private static func parameters(_ patient: String, _ coverage: String) -> String {
    """
    {"resourceType":"Parameters","parameter":[{"name":"MemberPatient","resource":\(patient)},
     {"name":"OldCoverage","resource":\(coverage)}]}
    """
  }

  private static func fill(_ service: TestService) async throws {
    func member(_ number: String) -> String {
      """
      ,"identifier":[{"value":"other"},{"system":"urn:m","value":"\(number)",
        "type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MB"}]}}]
      """
    }
    let people: [(String, String, String?)] = [
      (patient(family: "Williams", city: "Seattle", birthDate: "1970-02-03", more: member("01")), "EHCPOL", "P0"),
      (patient(family: "Williamas", city: "Seattle", birthDate: "1970-05-05", more: member("02")), "DENTPRG", nil),
      (patient(family: "Robinson", city: "Portland", birthDate: "1980-01-01", more: member("03")), "EHCPOL", "P2"),
      (patient(family: "Nobody"), "EHCPOL", "P9"),
    ]
    for (patient, type, plan) in people {
      let id = try await service.create("Patient", patient)
      _ = try await service.create("Coverage", coverage(type, beneficiary: "Patient/\(id)", plan: plan))
    }
  }

  @Test func findsTheMember() async throws {
    try await withService { service in
      try await Self.fill(service)
      let cases = [
        (Self.patient(city: "Seattle"), Self.coverage("EHCPOL", plan: "P0"), "01"),
        (Self.patient(birthDate: "1970"), Self.coverage("DENTPRG"), "02"),
        (Self.patient(birthDate: "1970-02"), Self.coverage("EHCPOL"), "01"),
        (Self.patient(family: "Robinson"), Self.coverage("EHCPOL"), "03"),
        (Self.patient(), Self.coverage("EHCPOL", plan: "P2"), "03"),
      ]
      for (patient, coverage, number) in cases {
        let reply = try await service.send(.post, "Patient/$member-match", Self.parameters(patient, coverage))
        #expect(reply.status == 200, "\(reply.text)")
        let parameter = reply.body?["parameter"]?[0]
        #expect(parameter?["name"]?.string == "MemberPatient")
        let identifiers = parameter?["resource"]?["identifier"]?.elements ?? []
        #expect(identifiers.count == 1)
        #expect(identifiers.first?["type"]?["coding"]?[0]?["code"]?.string == "UMB")
        #expect(identifiers.first?["value"]?.string == number)
        #expect(identifiers.first?["system"]?.string == "urn:m")
        // What comes back is what was described, not what is stored.
        #expect(parameter?["resource"]?["id"] == nil)
      }
    }
  }

  @Test func noneOrMany() async throws {
    try await withService { service in
      try await Self.fill(service)
      let cases = [
        (Self.patient(), Self.coverage("EHCPOL"), "Found multiple matches, narrow search criteria."),
        (Self.patient(city: "Seattle", birthDate: "1980"), Self.coverage("EHCPOL"), "No match found."),
        (Self.patient(family: "williams"), Self.coverage("EHCPOL"), "No match found."),
        (Self.patient(birthDate: "1970-02"), Self.coverage("DENTPRG"), "No match found."),
        // A match without a member number cannot be told.
        (Self.patient(family: "Nobody"), Self.coverage("EHCPOL"), "No match found."),
      ]
      for (patient, coverage, text) in cases {
        let reply = try await service.send(.post, "Patient/$member-match", Self.parameters(patient, coverage))
        #expect(reply.status == 422)
        #expect(reply.diagnostics == [text])
      }
    }
  }

  /// 1,000 patients are looked at; a description that fits one more is too wide, whoever has the coverage.
  @Test func manyCandidates() async throws {
    try await withService { service in
      func put(_ ids: Range<Int>) async throws {
        let entries = ids.map {
          #"{"resource":{"resourceType":"Patient","id":"\#($0)","birthDate":"1970","identifier":[{"value":"m","#
            + #""type":{"coding":[{"code":"MB"}]}}]},"request":{"method":"PUT","url":"Patient/\#($0)"}}"#
        }
        let reply = try await service.send(
          .post, "",
          #"{"resourceType":"Bundle","type":"transaction","entry":[\#(entries.joined(separator: ","))]}"#)
        #expect(reply.status == 200)
      }
      try await put(0..<1_000)
      _ = try await service.create("Coverage", Self.coverage("A", beneficiary: "Patient/7"))
      let body = Self.parameters(Self.patient(birthDate: "1970"), Self.coverage("A"))
      let one = try await service.send(.post, "Patient/$member-match", body)
      #expect(one.status == 200)
      try await put(1_000..<1_001)
      let many = try await service.send(.post, "Patient/$member-match", body)
      #expect(many.diagnostics == ["Found multiple matches, narrow search criteria."])
    }
  }

  @Test func badRequests() async throws {
    try await withService { service in
      let patient = Self.patient(city: "Seattle")
      for body in [
        nil, patient, #"{"resourceType":"Parameters"}"#,
        #"{"resourceType":"Parameters","parameter":[{"name":"MemberPatient","resource":\#(patient)}]}"#,
        Self.parameters(Self.coverage("EHCPOL"), patient),
        Self.parameters(#"{"resourceType":"Patient","city":"x"}"#, Self.coverage("EHCPOL")),
      ] {
        let reply = try await service.send(.post, "Patient/$member-match", body)
        #expect(reply.status == 400, "\(body ?? "none")")
      }
      #expect(try await service.send(.get, "Patient/$member-match").status == 405)
    }
  }
}
