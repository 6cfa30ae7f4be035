import Foundation
import FHIRService
import JSONCore
import Testing

/// FHIR R4 http.html: read, vread, create, update, delete, history.
@Suite struct CreateReadUpdateDeleteTests {
  static let patient = #"{"resourceType":"Patient","active":true,"name":[{"family":"Grün","given":["Anna"]}]}"#

  @Test func createAssignsIdentityAndKeepsContent() async throws {
    try await withService { service in
      let sent =
        #"{"id":"mine","meta":{"versionId":"7","lastUpdated":"2001-01-01T00:00:00Z","tag":[{"code":"t"}]},"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.00}}"#
      let reply = try await service.send(.post, "Observation", sent)
      #expect(reply.status == 201)
      let id = try #require(reply.body?["id"]?.string)
      #expect(id != "mine")
      #expect(reply.body?["meta"]?["versionId"]?.string == "1")
      #expect(reply.body?["meta"]?["lastUpdated"]?.string != "2001-01-01T00:00:00Z")
      #expect(reply.body?["meta"]?["tag"]?[0]?["code"]?.string == "t")
      #expect(reply.text.contains(#""value":1.00"#))
      #expect(reply.answer?.etag == "W/\"1\"")
      #expect(reply.answer?.location == "\(TestService.base)/Observation/\(id)/_history/1")
      let read = try await service.send(.get, "Observation/\(id)")
      #expect(read.status == 200)
      #expect(read.text == reply.text)
    }
  }

  @Test func updateMakesVersionsAndNoOpDoesNot() async throws {
    try await withService { service in
      let id = try await service.create("Patient", Self.patient)
      let changed = #"{"resourceType":"Patient","id":"\#(id)","active":false}"#
      let second = try await service.send(.put, "Patient/\(id)", changed)
      #expect(second.status == 200)
      #expect(second.answer?.version == 2)
      let same = try await service.send(.put, "Patient/\(id)", changed)
      #expect(same.status == 200)
      #expect(same.answer?.version == 2)
      #expect(same.text == second.text)
      // The client's own meta.versionId and lastUpdated do not make content.
      let withMeta = #"{"resourceType":"Patient","id":"\#(id)","meta":{"versionId":"9"},"active":false}"#
      #expect(try await service.send(.put, "Patient/\(id)", withMeta).answer?.version == 2)
      let first = try await service.send(.get, "Patient/\(id)/_history/1")
      #expect(first.body?["active"]?.bool == true)
      #expect(try await service.send(.get, "Patient/\(id)/_history/3").status == 404)
      #expect(try await service.send(.get, "Patient/\(id)/_history/x").status == 404)
    }
  }

  @Test func updateAsCreateAndItsRules() async throws {
    try await withService { service in
      let reply = try await service.send(.put, "Patient/p-1", #"{"resourceType":"Patient","id":"p-1"}"#)
      #expect(reply.status == 201)
      #expect(reply.body?["id"]?.string == "p-1")
      #expect(reply.answer?.version == 1)
      #expect(try await service.send(.put, "Patient/p-2", #"{"resourceType":"Patient","id":"p-1"}"#).status == 400)
      #expect(try await service.send(.put, "Patient/p-2", #"{"resourceType":"Patient"}"#).status == 400)
      #expect(try await service.send(.put, "Patient/p-1", #"{"resourceType":"Group","id":"p-1"}"#).status == 400)
      #expect(try await service.send(.put, "Patient/p%201", #"{"resourceType":"Patient","id":"p 1"}"#).status == 400)
    }
  }

  @Test func ifMatch() async throws {
    try await withService { service in
      let id = try await service.create("Patient", Self.patient)
      func put(_ active: Bool, _ tag: String) async throws -> Int {
        try await service.send(
          .put, "Patient/\(id)", #"{"resourceType":"Patient","id":"\#(id)","active":\#(active)}"#, ifMatch: tag
        ).status
      }
      #expect(try await put(false, "W/\"1\"") == 200)
      #expect(try await put(true, "W/\"1\"") == 412)
      #expect(try await put(true, "W/\"3\"") == 412)
      for tag in ["\"invalidVersion\"", "\"-1\"", "\"0\"", "2", "W/\"\"", "W/\"x\""] {
        #expect(try await put(true, tag) == 400, "\(tag)")
      }
      #expect(try await service.send(.delete, "Patient/\(id)", ifMatch: "W/\"1\"").status == 412)
      #expect(try await service.send(.delete, "Patient/\(id)", ifMatch: "W/\"2\"").status == 204)
    }
  }

  @Test func deleteAndAfter() async throws {
    try await withService { service in
      let id = try await service.create("Patient", Self.patient)
      let deleted = try await service.send(.delete, "Patient/\(id)")
      #expect(deleted.status == 204)
      #expect(deleted.answer?.etag == "W/\"2\"")
      let gone = try await service.send(.get, "Patient/\(id)")
      #expect(gone.status == 410)
      #expect(gone.answer?.etag == "W/\"2\"")
      #expect(gone.body?["resourceType"]?.string == "OperationOutcome")
      #expect(try await service.send(.get, "Patient/\(id)/_history/1").status == 200)
      #expect(try await service.send(.get, "Patient/\(id)/_history/2").status == 410)
      // Deleting again makes no further version.
      #expect(try await service.send(.delete, "Patient/\(id)").answer?.etag == "W/\"2\"")
      #expect(try await service.send(.get, "Patient?name=anna").ids == [])
      #expect(try await service.send(.get, "Patient?active:not=false").ids == [])
      let back = try await service.send(.put, "Patient/\(id)", #"{"resourceType":"Patient","id":"\#(id)"}"#)
      #expect(back.status == 201)
      #expect(back.answer?.version == 3)
      #expect(try await service.send(.delete, "Patient/never-was").status == 204)
      #expect(try await service.send(.get, "Patient/never-was").status == 404)
    }
  }

  @Test func history() async throws {
    try await withService { service in
      let id = try await service.create("Patient", Self.patient)
      try await service.send(.put, "Patient/\(id)", #"{"resourceType":"Patient","id":"\#(id)"}"#)
      try await service.send(.delete, "Patient/\(id)")
      _ = try await service.create("Group", #"{"resourceType":"Group","type":"person","actual":true}"#)
      let instance = try await service.send(.get, "Patient/\(id)/_history")
      #expect(instance.body?["type"]?.string == "history")
      #expect(instance.body?["total"]?.integer == 3)
      #expect(instance.entries.map { $0["request"]?["method"]?.string } == ["DELETE", "PUT", "POST"])
      #expect(
        instance.entries.map { $0["response"]?["status"]?.string } == ["204 NoContent", "200 OK", "201 Created"])
      #expect(instance.entries.map { $0["response"]?["etag"]?.string } == ["W/\"3\"", "W/\"2\"", "W/\"1\""])
      #expect(instance.entries[0]["resource"] == nil)
      #expect(instance.entries[2]["resource"]?["active"]?.bool == true)
      #expect(try await service.send(.get, "Patient/_history").body?["total"]?.integer == 3)
      #expect(try await service.send(.get, "_history").body?["total"]?.integer == 4)
      #expect(try await service.send(.get, "_history?_count=0").entries.isEmpty)
      #expect(try await service.send(.get, "Group/nobody/_history").status == 404)
      let oldest = try await service.send(.get, "Patient/\(id)/_history?_sort=_lastUpdated&_count=2")
      #expect(oldest.entries.map { $0["request"]?["method"]?.string } == ["POST", "PUT"])
      let rest = try await service.send(.get, try #require(oldest.link("next")))
      #expect(rest.entries.map { $0["request"]?["method"]?.string } == ["DELETE"])
      #expect(rest.link("next") == nil)
    }
  }

  @Test func conditionalReadAndPreferences() async throws {
    try await withService { service in
      let id = try await service.create("Patient", Self.patient)
      let notModified = try await service.send(.get, "Patient/\(id)", ifNoneMatch: "W/\"1\"")
      #expect(notModified.status == 304)
      #expect(notModified.body == nil)
      #expect(try await service.send(.get, "Patient/\(id)", ifNoneMatch: "W/\"2\"").status == 200)
      let minimal = try await service.send(.post, "Patient", Self.patient, prefer: "return=minimal")
      #expect(minimal.status == 201)
      #expect(minimal.body == nil)
      #expect(minimal.answer?.location != nil)
      let outcome = try await service.send(.post, "Patient", Self.patient, prefer: "return=OperationOutcome")
      #expect(outcome.body?["resourceType"]?.string == "OperationOutcome")
      #expect(try await service.send(.post, "Patient", Self.patient, prefer: "return=").status == 400)
    }
  }

  /// What the standard does not allow is refused with the place.
  @Test(arguments: [
    (#"{"resourceType":"Observation"}"#, "Observation.status"),
    (#"{"resourceType":"Observation","status":"final","code":{},"unknown":1}"#, "Observation"),
    (#"{"resourceType":"Observation","status":"bogus","code":{"text":"x"}}"#, "Observation.status"),
    (
      #"{"resourceType":"Observation","status":"final","code":{"text":"x"},"effectiveDateTime":"2021-10-13+02:00"}"#,
      "Observation.effective"
    ),
    (#"{"resourceType":"Patient"}"#, ""),
    (#"{"status":"final"}"#, ""),
    (#"[]"#, ""),
  ])
  func refused(json: String, expression: String) async throws {
    try await withService { service in
      let reply = try await service.send(.post, "Observation", json)
      #expect(reply.status == 400)
      #expect(reply.body?["issue"]?[0]?["severity"]?.string == "error")
      let place = reply.body?["issue"]?[0]?["expression"]?[0]?.string ?? ""
      #expect(place.hasPrefix(expression), "\(reply.text)")
    }
  }

  @Test func routes() async throws {
    try await withService { service in
      let lowerCase = try await service.send(.get, "patient/123")
      #expect(lowerCase.status == 404)
      #expect(try await service.send(.post, "NotObservation", "{}").status == 404)
      #expect(try await service.send(.get, "unknownRoute").status == 404)
      #expect(try await service.send(.get, "DomainResource").status == 404)
      #expect(try await service.send(.put, "metadata", "{}").status == 405)
      #expect(try await service.send(.delete, "_history").status == 405)
      #expect(try await service.send(.get, "Patient/1/2/3/4").status == 404)
    }
  }
}
