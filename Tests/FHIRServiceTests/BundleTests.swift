import Base
import FHIRService
import Foundation
import JSONCore
import Testing

/// FHIR R4 http#transaction: batch and transaction rules.
@Suite struct BundleTests {
  private static func bundle(_ type: String, _ entries: [String]) -> String {
    #"{"resourceType":"Bundle","type":"\#(type)","entry":[\#(entries.joined(separator: ","))]}"#
  }

  private static func entry(
    _ method: String, _ url: String, _ resource: String? = nil, fullURL: String? = nil, extra: String = ""
  )
    -> String
  {
    let body = resource.map { #""resource":\#($0),"# } ?? ""
    let address = fullURL.map { #""fullUrl":"\#($0)","# } ?? ""
    return #"{\#(address)\#(body)"request":{"method":"\#(method)","url":"\#(url)"\#(extra)}}"#
  }

  private static func observation(_ subject: String, extra: String = "") -> String {
    #"{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"\#(subject)"}\#(extra)}"#
  }

  private static func statuses(_ reply: TestService.Reply) -> [String?] {
    reply.entries.map { $0["response"]?["status"]?.string }
  }

  @Test func transactionRewritesReferences() async throws {
    try await withService { service in
      let patient = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"
      let reply = try await service.send(
        .post, "",
        Self.bundle(
          "transaction",
          [
            Self.entry(
              "POST", "Observation", Self.observation(patient, extra: #","identifier":[{"value":"\#(patient)"}]"#),
              fullURL: "urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e059"),
            Self.entry(
              "POST", "Patient",
              #"{"resourceType":"Patient","link":[{"other":{"reference":"urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e050"},"type":"seealso"}]}"#,
              fullURL: patient),
            Self.entry(
              "POST", "Group",
              #"{"resourceType":"Group","type":"person","actual":true,"member":[{"entity":{"reference":"Patient/7"}}]}"#,
              fullURL: "http://old.example/fhir/Group/1"),
            Self.entry(
              "POST", "Patient", #"{"resourceType":"Patient","id":"7"}"#, fullURL: "http://old.example/fhir/Patient/7"),
          ]))
      #expect(reply.status == 200, "\(reply.text)")
      #expect(reply.body?["type"]?.string == "transaction-response")
      #expect(Self.statuses(reply) == ["201", "201", "201", "201"])
      let resources = reply.entries.compactMap { $0["resource"] }
      let patientID = try #require(resources[1]["id"]?.string)
      #expect(resources[0]["subject"]?["reference"]?.string == "Patient/\(patientID)")
      #expect(resources[0]["identifier"]?[0]?["value"]?.string == patient)
      // A urn that no entry has stays as it is.
      #expect(
        resources[1]["link"]?[0]?["other"]?["reference"]?.string == "urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e050")
      // A relative reference is resolved against its entry's own fullUrl.
      let seven = try #require(resources[3]["id"]?.string)
      #expect(resources[2]["member"]?[0]?["entity"]?["reference"]?.string == "Patient/\(seven)")
      #expect(try await service.send(.get, "Observation?subject=Patient/\(patientID)").ids.count == 1)
      #expect(reply.entries[0]["response"]?["location"]?.string?.hasPrefix("\(TestService.base)/Observation/") == true)
    }
  }

  @Test func transactionKeepsOrderAndReadsItsWrites() async throws {
    try await withService { service in
      let old = try await service.create("Patient", #"{"resourceType":"Patient"}"#)
      let reply = try await service.send(
        .post, "",
        Self.bundle(
          "transaction",
          [
            Self.entry("GET", "Patient?active=true"),
            Self.entry("PUT", "Patient/p", #"{"resourceType":"Patient","id":"p","active":true}"#),
            Self.entry("POST", "Patient", #"{"resourceType":"Patient","active":true}"#),
            Self.entry("GET", "Patient/p"), Self.entry("DELETE", "Patient/\(old)"),
          ]))
      #expect(Self.statuses(reply) == ["200", "201", "201", "200", "204"], "\(reply.text)")
      #expect(reply.entries[0]["resource"]?["entry"]?.count == 2)
      #expect(reply.entries[3]["resource"]?["id"]?.string == "p")
    }
  }

  /// One entry fails: nothing of the transaction remains.
  @Test(arguments: [
    (
      #"{"request":{"method":"GET","url":"Patient/nobody"}}"#, 404,
      "Transaction failed on 'GET' for the requested url '/Patient/nobody'."
    ),
    (
      #"{"resource":{"resourceType":"Patient"},"request":{"method":"PUT","url":"Patient/x"}}"#, 400,
      "Transaction failed on 'PUT' for the requested url '/Patient/x'."
    ),
    (
      #"{"resource":{"resourceType":"Patient","id":"keep"},"request":{"method":"PUT","url":"Patient/keep","ifMatch":"W/\"9\""}}"#,
      412, "Transaction failed on 'PUT' for the requested url '/Patient/keep'."
    ),
  ])
  func rollback(entry: String, status: Int, diagnostics: String) async throws {
    try await withService { service in
      try await service.send(.put, "Patient/keep", #"{"resourceType":"Patient","id":"keep"}"#)
      let reply = try await service.send(
        .post, "",
        Self.bundle(
          "transaction",
          [
            Self.entry("POST", "Patient", #"{"resourceType":"Patient","active":true}"#),
            Self.entry("DELETE", "Patient/keep2"), entry,
          ]))
      #expect(reply.status == status, "\(reply.text)")
      #expect(reply.body?["issue"]?[0]?["code"]?.string == "processing")
      #expect(reply.diagnostics.first == diagnostics)
      #expect(reply.diagnostics.count == 2)
      #expect(try await service.send(.get, "Patient?active=true").ids == [])
      #expect(try await service.send(.get, "Patient/keep").answer?.version == 1)
    }
  }

  @Test func transactionRefusals() async throws {
    try await withService { service in
      let patient = #"{"resourceType":"Patient","id":"a","identifier":[{"value":"v"}]}"#
      let twice = Self.bundle(
        "transaction", [Self.entry("PUT", "Patient/a", patient), Self.entry("PUT", "Patient?identifier=v", patient)])
      let reply = try await service.send(.post, "", twice)
      #expect(reply.status == 400)
      #expect(
        reply.diagnostics.contains { $0.hasPrefix("Bundle contains multiple entries that refers to the same resource") }
      )
      let noType = try await service.send(.post, "", #"{"resourceType":"Bundle"}"#)
      #expect(noType.status == 405)
      #expect(noType.diagnostics == ["Bundle type is not present. Possible values are: transaction or batch"])
      #expect(try await service.send(.post, "", Self.bundle("collection", [])).status == 400)
      #expect(try await service.send(.post, "", patient).status == 400)
      let same = Self.entry("POST", "Patient", #"{"resourceType":"Patient"}"#, fullURL: "urn:uuid:1")
      #expect(try await service.send(.post, "", Self.bundle("transaction", [same, same])).status == 400)
      let invalid = Self.bundle("transaction", [Self.entry("POST", "Observation", #"{"resourceType":"Observation"}"#)])
      let structure = try await service.send(.post, "", invalid)
      #expect(structure.status == 400)
      #expect(
        structure.body?["issue"]?[0]?["expression"]?[0]?.string == "Bundle.entry[0].resource.status",
        "\(structure.text)")
      #expect(try await service.send(.get, "?_summary=count").body?["total"]?.integer == 0)
    }
  }

  @Test func entryLimit() async throws {
    var limits = Limits()
    limits.bundleEntriesMax = 3
    try await withService(limits: limits) { service in
      let entry = Self.entry("POST", "Patient", #"{"resourceType":"Patient"}"#)
      let allowed = try await service.send(.post, "", Self.bundle("transaction", [entry, entry, entry]))
      #expect(allowed.status == 200)
      #expect(try await service.send(.post, "", Self.bundle("batch", [entry, entry, entry, entry])).status == 413)
    }
  }

  @Test func conditionalEntries() async throws {
    try await withService { service in
      let patient = #"{"resourceType":"Patient","identifier":[{"system":"urn:s","value":"1"}]}"#
      let json = Self.bundle(
        "transaction",
        [
          Self.entry("POST", "Observation", Self.observation("urn:uuid:p")),
          Self.entry("POST", "Patient", patient, fullURL: "urn:uuid:p", extra: #","ifNoneExist":"identifier=urn:s|1""#),
          Self.entry(
            "PUT", "Organization?name=acme", #"{"resourceType":"Organization","name":"acme","partOf":{"display":"x"}}"#,
            fullURL: "urn:uuid:o"),
          Self.entry(
            "POST", "Encounter",
            #"{"resourceType":"Encounter","status":"planned","class":{"code":"AMB"},"serviceProvider":{"reference":"urn:uuid:o"}}"#
          ),
        ])
      let first = try await service.send(.post, "", json)
      #expect(Self.statuses(first) == ["201", "201", "201", "201"], "\(first.text)")
      let second = try await service.send(.post, "", json)
      #expect(Self.statuses(second) == ["201", "200", "200", "201"], "\(second.text)")
      let id = try #require(first.entries[1]["resource"]?["id"]?.string)
      #expect(second.entries[1]["resource"]?["id"]?.string == id)
      for reply in [first, second] {
        #expect(reply.entries[0]["resource"]?["subject"]?["reference"]?.string == "Patient/\(id)")
        let organization = try #require(reply.entries[2]["resource"]?["id"]?.string)
        #expect(
          reply.entries[3]["resource"]?["serviceProvider"]?["reference"]?.string == "Organization/\(organization)")
      }
      #expect(try await service.send(.get, "Patient?_summary=count").body?["total"]?.integer == 1)
    }
  }

  @Test func batchEntriesAreIndependent() async throws {
    try await withService { service in
      let reply = try await service.send(
        .post, "",
        Self.bundle(
          "batch",
          [
            Self.entry("POST", "Patient", #"{"resourceType":"Patient","active":true}"#),
            Self.entry("PUT", "Patient/b", #"{"resourceType":"Patient","id":"b"}"#),
            Self.entry("POST", "Observation", #"{"resourceType":"Observation"}"#),
            Self.entry("POST", "ValueSet/$lookup"),
            Self.entry("GET", "Patient?active=true"), Self.entry("GET", "Patient/12334"),
            Self.entry("DELETE", "Patient/b"), Self.entry("GET", "Patient/b"),
          ]))
      #expect(reply.status == 200)
      #expect(Self.statuses(reply) == ["201", "201", "400", "404", "200", "404", "204", "410"], "\(reply.text)")
      let lookup = reply.entries[3]["response"]?["outcome"]?["issue"]?[0]
      #expect(lookup?["diagnostics"]?.string == "The route for \"/ValueSet/$lookup\" was not found.")
      #expect(lookup?["code"]?.string == "not-found")
      let missing = reply.entries[5]["response"]?["outcome"]?["issue"]?[0]
      #expect(missing?["diagnostics"]?.string == "Resource type 'Patient' with id '12334' couldn't be found.")
      let reads = try await service.send(
        .post, "", Self.bundle("batch", [Self.entry("GET", "Patient/b/_history"), Self.entry("GET", "metadata")]))
      #expect(Self.statuses(reads) == ["200", "200"])
      #expect(reads.entries[0]["resource"]?["resourceType"]?.string == "Bundle")
    }
  }
}
