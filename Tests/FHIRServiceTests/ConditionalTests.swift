import FHIRService
import Foundation
import JSONCore
import Testing

/// FHIR R4 http#ccreate and #cond-update, and conditional references.
@Suite struct ConditionalTests {
  private static func patient(_ value: String, id: String? = nil, active: Bool = true) -> String {
    let idMember = id.map { #""id":"\#($0)","# } ?? ""
    return
      #"{"resourceType":"Patient",\#(idMember)"active":\#(active),"identifier":[{"system":"urn:s","value":"\#(value)"}]}"#
  }

  @Test func conditionalCreate() async throws {
    try await withService { service in
      func create(_ value: String, _ criteria: String, prefer: String? = nil) async throws -> TestService.Reply {
        try await service.send(.post, "Patient", Self.patient(value), ifNoneExist: criteria, prefer: prefer)
      }
      let first = try await create("1", "identifier=urn:s|1")
      #expect(first.status == 201)
      let second = try await create("1", "identifier=urn:s|1")
      #expect(second.status == 200)
      #expect(second.text == first.text)
      #expect(second.answer?.location == first.answer?.location)
      #expect(try await create("1", "identifier=urn:s|1", prefer: "return=minimal").body == nil)
      _ = try await service.create("Patient", Self.patient("1"))
      let several = try await create("1", "identifier=urn:s|1")
      #expect(several.status == 412)
      let empty = try await create("1", "&")
      #expect(empty.status == 400)
      #expect(
        empty.diagnostics == [
          "Conditional operation on Patient was not attempted because search criteria was not selective enough."
        ])
      #expect(try await create("1", "bogus=1").status == 400)
    }
  }

  @Test func conditionalUpdate() async throws {
    try await withService { service in
      func put(_ body: String, _ query: String, ifMatch: String? = nil) async throws -> TestService.Reply {
        try await service.send(.put, "Patient?\(query)", body, ifMatch: ifMatch)
      }
      let created = try await put(Self.patient("1"), "identifier=urn:s%7C1")
      #expect(created.status == 201)
      let updated = try await put(Self.patient("1", active: false), "identifier=urn:s%7C1")
      #expect(updated.status == 200)
      #expect(updated.answer?.version == 2)
      #expect(updated.body?["id"]?.string == created.body?["id"]?.string)
      let withID = try await put(Self.patient("2", id: "mine"), "identifier=urn:s%7C2")
      #expect(withID.status == 201)
      #expect(withID.body?["id"]?.string == "mine")
      #expect(try await put(Self.patient("2", id: "mine", active: false), "identifier=urn:s%7C2").status == 200)
      #expect(try await put(Self.patient("2", id: "other"), "identifier=urn:s%7C2").status == 400)
      #expect(try await put(Self.patient("2"), "identifier=urn:s%7C2", ifMatch: "W/\"1\"").status == 412)
      #expect(try await put(Self.patient("3"), "identifier=urn:s%7C1,urn:s%7C2").status == 412)
      #expect(try await put(Self.patient("3"), "").status == 400)
    }
  }

  @Test func conditionalReference() async throws {
    try await withService { service in
      let id = try await service.create("Patient", Self.patient("1"))
      func observation(_ reference: String) -> String {
        #"{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"\#(reference)"}}"#
      }
      let resolved = try await service.send(.post, "Observation", observation("Patient?identifier=urn:s|1"))
      #expect(resolved.status == 201)
      #expect(resolved.body?["subject"]?["reference"]?.string == "Patient/\(id)")
      #expect(try await service.send(.get, "Observation?subject=Patient/\(id)").ids.count == 1)
      let unresolved = try await service.send(.post, "Observation", observation("Patient?identifier=urn:s|9"))
      #expect(unresolved.status == 400)
      #expect(unresolved.body?["issue"]?[0]?["code"]?.string == "invalid")
      #expect(
        unresolved.diagnostics == [
          "Given conditional reference 'Patient?identifier=urn:s|9' does not resolve to a resource."
        ])
    }
  }

  /// However many clients race, a conditional create makes one resource, and no update is lost.
  @Test func races() async throws {
    try await withService { service in
      let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<64 {
          group.addTask {
            try await service.send(
              .post, "Patient", Self.patient("race"), ifNoneExist: "identifier=urn:s|race"
            ).status
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(statuses.filter { $0 == 201 }.count == 1)
      #expect(statuses.filter { $0 == 200 }.count == 63)
      let id = try await service.create("Basic", #"{"resourceType":"Basic","code":{"text":"0"}}"#)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for client in 0..<16 {
          group.addTask {
            var done = 0
            while done < 10 {
              let read = try await service.send(.get, "Basic/\(id)")
              let next = (Int(read.body?["code"]?["text"]?.string ?? "") ?? 0) + 1
              let body = #"{"resourceType":"Basic","id":"\#(id)","code":{"text":"\#(next)"},"language":"x\#(client)"}"#
              let write = try await service.send(.put, "Basic/\(id)", body, ifMatch: read.answer?.etag)
              if write.status == 200 { done += 1 } else { #expect(write.status == 412) }
            }
          }
        }
        try await group.waitForAll()
      }
      let final = try await service.send(.get, "Basic/\(id)")
      #expect(final.body?["code"]?["text"]?.string == "160")
      #expect(final.answer?.version == 161)
      #expect(try await service.send(.get, "Basic/\(id)/_history?_count=0").body?["total"]?.integer == 161)
      // Without If-Match every update succeeds, each as a version of its own.
      let free = try await withThrowingTaskGroup(of: Int.self) { group in
        for number in 0..<64 {
          group.addTask {
            let body = #"{"resourceType":"Basic","id":"\#(id)","code":{"text":"free \#(number)"}}"#
            return try await service.send(.put, "Basic/\(id)", body).status
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(free.allSatisfy { $0 == 200 })
      #expect(try await service.send(.get, "Basic/\(id)").answer?.version == 225)
    }
  }
}
