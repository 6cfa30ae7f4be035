import Base
import FHIRService
import Foundation
import JSONCore
import Synchronization
import Testing
import TestSupport

/// `$validate` (FHIR R4 resource-operation-validate.html).
@Suite struct ValidateTests {
  private static let sound = """
    {"resourceType":"Observation","status":"final","code":{"text":"a"},"subject":{"reference":"Patient/p"},
     "valueQuantity":{"value":1.0,"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"}}
    """

  private static func parameters(_ resource: String?, _ more: String...) -> String {
    let list = (resource.map { [#"{"name":"resource","resource":\#($0)}"#] } ?? []) + more
    return #"{"resourceType":"Parameters","parameter":[\#(list.joined(separator: ","))]}"#
  }

  /// The issues as "severity code expression".
  private static func issues(_ reply: TestService.Reply) -> [String] {
    #expect(reply.status == 200, "\(reply.text)")
    #expect(reply.body?["resourceType"]?.string == "OperationOutcome")
    return (reply.body?["issue"]?.elements ?? []).map { issue in
      let words = [issue["severity"], issue["code"], issue["expression"]?[0]].compactMap { $0?.string }
      return words.joined(separator: " ")
    }
  }

  @Test func soundResources() async throws {
    try await withService { service in
      for (url, body) in [
        ("Observation/$validate", Self.sound), ("Observation/$validate", Self.parameters(Self.sound)),
        ("Observation/new/$validate", Self.sound), ("Observation/$validate?mode=create", Self.sound),
        ("Observation/$validate?profile=http://hl7.org/fhir/StructureDefinition/Observation", Self.sound),
        ("Observation/$validate?profile=http://hl7.org/fhir/StructureDefinition/DomainResource", Self.sound),
        ("Parameters/$validate", #"{"resourceType":"Parameters","parameter":[{"name":"a","valueString":"b"}]}"#),
      ] {
        let reply = try await service.send(.post, url, body)
        #expect(Self.issues(reply) == ["information informational"], "\(url): \(reply.text)")
        #expect(reply.diagnostics == ["All OK"])
      }
      // Nothing is stored.
      #expect(try await service.send(.get, "Observation").ids.isEmpty)
    }
  }

  @Test func brokenStructure() async throws {
    try await withService { service in
      let cases: [(String, [String])] = [
        (
          #"{"resourceType":"Observation","code":{"text":"a"}}"#, ["error required Observation.status"]
        ),
        (
          #"{"resourceType":"Observation","status":"final","code":{"text":"a"},"effectiveDateTime":"yesterday"}"#,
          ["error value Observation.effective"]
        ),
        (#"{"resourceType":"Patient"}"#, ["error invalid TypeName"]),
        (#"{"status":"final"}"#, ["error structure"]),
        (#"{"resourceType":["Observation"]}"#, ["error structure"]),
      ]
      for (json, expected) in cases {
        for body in [json, Self.parameters(json)] {
          let reply = try await service.send(.post, "Observation/$validate", body)
          #expect(Self.issues(reply) == expected, "\(json): \(reply.text)")
        }
      }
      let mismatch = try await service.send(.post, "Observation/$validate", #"{"resourceType":"Patient"}"#)
      #expect(mismatch.diagnostics == ["Resource type in the URL must match resourceType in the resource."])
    }
  }

  @Test func brokenRules() async throws {
    try await withService { service in
      let cases: [(String, String, [String])] = [
        // pat-1: a contact has at least one detail.
        (
          "Patient", #"{"resourceType":"Patient","contact":[{"name":{"text":"a"}},{"gender":"male"}]}"#,
          ["error invariant Patient.contact[1]"]
        ),
        // per-1: a period's start is not after its end.
        (
          "Patient", #"{"resourceType":"Patient","name":[{"text":"a","period":{"start":"2020-02","end":"2020-01"}}]}"#,
          ["error invariant Patient.name[0].period"]
        ),
        // obs-6: no dataAbsentReason beside a value; obs-7 the value's code is not a component's.
        (
          "Observation",
          """
          {"resourceType":"Observation","status":"final","code":{"text":"a"},"valueString":"x",
           "dataAbsentReason":{"text":"b"}}
          """, ["error invariant Observation"]
        ),
        // org-1, and dom-2 and dom-3 for what is contained but not referred to.
        ("Organization", #"{"resourceType":"Organization","active":true}"#, ["error invariant Organization"]),
        (
          "Patient",
          #"{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o","name":"x"}]}"#,
          ["error invariant Patient"]
        ),
        // The rules of a resource within a resource.
        (
          "Bundle",
          """
          {"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:uuid:0",
           "resource":{"resourceType":"Organization","active":true}}]}
          """, ["error invariant Bundle.entry[0].resource"]
        ),
        // A warning (nsd-0): a name that a program could not use.
        (
          "ValueSet", #"{"resourceType":"ValueSet","status":"draft","url":"http://v","name":"a b"}"#,
          ["warning invariant ValueSet"]
        ),
      ]
      for (type, json, expected) in cases {
        let reply = try await service.send(.post, "\(type)/$validate", json)
        #expect(Self.issues(reply) == expected, "\(reply.text)")
      }
    }
  }

  @Test func manyIssuesAreCut() async throws {
    try await withService { service in
      func contacts(_ count: Int) -> String {
        let list = Array(repeating: #"{"gender":"male"}"#, count: count).joined(separator: ",")
        return #"{"resourceType":"Patient","contact":[\#(list)]}"#
      }
      for (count, shown) in [(49, 49), (50, 50), (51, 50)] {
        let reply = try await service.send(.post, "Patient/$validate", contacts(count))
        #expect(Self.issues(reply).count == shown)
      }
    }
  }

  @Test func profiles() async throws {
    try await withService { service in
      let unknown = try await service.send(.post, "Observation/$validate?profile=http://p/x", Self.sound)
      #expect(Self.issues(unknown) == ["error not-supported"])
      #expect(unknown.diagnostics.first?.contains("http://p/x") == true)
      let inBody = try await service.send(
        .post, "Observation/$validate",
        Self.parameters(Self.sound, #"{"name":"profile","valueUri":"http://hl7.org/fhir/StructureDefinition/Patient"}"#)
      )
      #expect(Self.issues(inBody) == ["error not-supported"])
      let claimed = try await service.send(
        .post, "Patient/$validate", #"{"resourceType":"Patient","meta":{"profile":["http://p/x"]}}"#)
      #expect(Self.issues(claimed) == ["warning not-supported Patient.meta.profile[0]"])
      for url in ["profile=abc", "profile=", "profile=http://a&profile=http://b", "profile=%20:x"] {
        #expect(try await service.send(.post, "Observation/$validate?\(url)", Self.sound).status == 400, "\(url)")
      }
      let abc = Self.parameters(Self.sound, #"{"name":"profile","valueString":"abc"}"#)
      #expect(try await service.send(.post, "Observation/$validate", abc).status == 400)
      let twice = Self.parameters(Self.sound, #"{"name":"profile","valueUri":"http://a"}"#)
      #expect(try await service.send(.post, "Observation/$validate?profile=http://a", twice).status == 400)
    }
  }

  @Test func modes() async throws {
    try await withService { service in
      try await service.send(.put, "Patient/p", #"{"resourceType":"Patient","id":"p"}"#)
      func body(_ mode: String, _ resource: String?) -> String {
        Self.parameters(resource, #"{"name":"mode","valueCode":"\#(mode)"}"#)
      }
      let own = #"{"resourceType":"Patient","id":"p"}"#
      #expect(try await Self.issues(service.send(.post, "Patient/p/$validate", body("update", own))).count == 1)
      let other = try await service.send(
        .post, "Patient/p/$validate", body("update", #"{"resourceType":"Patient","id":"q"}"#))
      #expect(Self.issues(other) == ["error invalid Patient.id"])
      let delete = try await service.send(.post, "Patient/p/$validate", body("delete", nil))
      #expect(delete.diagnostics == ["All OK"])
      #expect(try await service.send(.post, "Patient/none/$validate", body("delete", nil)).status == 404)
      #expect(try await service.send(.get, "Patient/p").status == 200)
      for (url, json) in [
        ("Patient/$validate", body("update", own)), ("Patient/$validate", body("delete", nil)),
        ("Patient/$validate", body("nonsense", own)), ("Patient/$validate", body("create", nil)),
        ("Patient/p/$validate", body("update", nil)), ("Patient/$validate?mode=create", body("create", own)),
      ] {
        #expect(try await service.send(.post, url, json).status == 400, "\(url) \(json)")
      }
      #expect(try await service.send(.post, "Patient/$validate").status == 400)
    }
  }

  @Test func storedResources() async throws {
    try await withService { service in
      // dom-3, which a write is not held to.
      let unsound = """
        {"resourceType":"Organization","id":"o","name":"x",
         "contained":[{"resourceType":"Organization","id":"c","name":"y"}]}
        """
      #expect(try await service.send(.put, "Organization/o", unsound).status == 201)
      #expect(try await Self.issues(service.send(.get, "Organization/o/$validate")) == ["error invariant Organization"])
      let unknown = try await service.send(.get, "Organization/o/$validate?profile=http://p/x")
      #expect(Self.issues(unknown) == ["error invariant Organization", "error not-supported"])
      #expect(try await service.send(.get, "Organization/none/$validate").status == 404)
      #expect(try await service.send(.get, "Organization/$validate").status == 405)
      try await service.send(.delete, "Organization/o")
      #expect(try await service.send(.get, "Organization/o/$validate").status == 410)
    }
  }

  /// A check that takes too long ends, and says so.
  @Test func checksEndInTime() async throws {
    for (step, expected) in [(10_000, "information"), (10_001, "warning")] as [(Int64, String)] {
      // Looked at once when the check begins, and once for each element.
      let time = Mutex<Int64>(1_700_000_000_000)
      let clock = Clock { time.withLock { now in Instant(milliseconds: (now += step, now).1) } }
      let service = try await TestService(clock: clock)
      let reply = try await service.send(.post, "Patient/$validate", #"{"resourceType":"Patient"}"#)
      #expect(reply.body?["issue"]?[0]?["severity"]?.string == expected, "\(reply.text)")
      await service.close()
    }
  }

  private static let folder = "fhir-r4-examples/json"

  /// The standard's own examples break no rule, but for one that R4 states wrongly.
  @Test(.enabled(if: ConformanceData.has(folder), "needs data set fhir-r4-examples"))
  func examplesAreSound() async throws {
    try await withService { service in
      var checked = 0
      for file in try ConformanceData.files(Self.folder) where file.pathExtension == "json" {
        let json = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        guard json.utf8.count < 200_000, let type = try JSONDocument(json).value["resourceType"]?.string else {
          continue
        }
        let reply = try await service.send(.post, "\(type)/$validate", json)
        #expect(reply.status == 200)
        let errors = (reply.body?["issue"]?.elements ?? []).filter {
          $0["severity"]?.string == "error" && $0["code"]?.string == "invariant"
            // que-7 asks for System.Boolean where the answer is FHIR's boolean; R5 corrected it.
            && $0["diagnostics"]?.string?.contains("que-7") != true
        }
        #expect(errors.isEmpty, "\(file.lastPathComponent): \(reply.text.prefix(500))")
        checked += 1
      }
      #expect(checked > 600)
    }
  }
}
