import JSONCore
import Server
import Testing

/// Who may do what with a DICOM service (Azure: DICOM Data Owner and DICOM Data Reader).
@Suite struct DICOMAccessTests {
  private static let reads = ["/v2/studies", "/v2/studies/1.2.3", "/v2/changefeed", "/studies/1.2.3/metadata"]

  private func status(_ live: LiveDICOM, _ method: String, _ path: String, _ token: String?) async throws -> Int {
    let headers = token.map { ["Authorization": "Bearer \($0)"] } ?? [:]
    return try await live.ask(method, path, headers, body: method == "POST" ? Array("--xyz--\r\n".utf8) : nil).status
  }

  @Test func rolesDecide() async throws {
    try await LiveDICOM.run(access: TestIssuer.access()) { live in
      func token(_ roles: String...) throws -> String { try TestIssuer.token { $0.roles = roles } }
      let owner = try token("DICOM Data Owner")
      let reader = try token("DICOM Data Reader")
      let stranger = try token("FHIR Data Contributor")
      let patient = try TestIssuer.token {
        $0.roles = ["DICOM Data Owner"]
        $0.scope = "patient/*.rs"
        $0.patient = "p1"
      }
      let open = try TestIssuer.token { $0.scope = "system/*.cruds" }
      for path in Self.reads {
        for token in [owner, reader] {
          #expect(![401, 403].contains(try await status(live, "GET", path, token)), "\(path)")
        }
        for token in [stranger, patient, open] { #expect(try await status(live, "GET", path, token) == 403, "\(path)") }
        let none = try await live.ask("GET", path)
        #expect(none.status == 401 && none.header("www-authenticate")?.hasPrefix("Bearer ") == true, "\(path)")
      }
      for (method, path) in [("POST", "/v2/studies"), ("DELETE", "/v2/studies/1.2.3")] {
        #expect(![401, 403].contains(try await status(live, method, path, owner)), "\(method)")
        #expect(try await status(live, method, path, reader) == 403, "\(method)")
        #expect(try await status(live, method, path, patient) == 403, "\(method)")
        #expect(try await status(live, method, path, nil) == 401, "\(method)")
      }
      #expect(try await status(live, "OPTIONS", "/v2/studies", nil) < 400)
      #expect(try await status(live, "GET", "/v2/studies?access_token=x", owner) == 400)
    }
  }
}
