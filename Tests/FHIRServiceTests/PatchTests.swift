import FHIRService
import Foundation
import JSONCore
import Testing

/// FHIR R4 http#patch with both kinds of patch, as a client meets them.
@Suite struct PatchTests {
  private static let patient =
    #"{"resourceType":"Patient","id":"p","active":true,"gender":"male","address":[{"city":"X"}],"identifier":[{"system":"urn:s","value":"1"}]}"#

  private static func fhirPath(_ type: String, _ path: String, _ value: String? = nil) -> String {
    let part = value.map { #",{"name":"value",\#($0)}"# } ?? ""
    return
      #"{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"\#(type)"},{"name":"path","valueString":"\#(path)"}\#(part)]}]}"#
  }

  @Test func jsonPatch() async throws {
    try await withService { service in
      try await service.send(.put, "Patient/p", Self.patient)
      let patch = #"[{"op":"replace","path":"/gender","value":"female"},{"op":"remove","path":"/address"}]"#
      let patched = try await service.send(.patch, "Patient/p", patch, ifMatch: "W/\"1\"")
      #expect(patched.status == 200, "\(patched.text)")
      #expect(patched.answer?.version == 2)
      #expect(patched.body?["gender"]?.string == "female")
      #expect(patched.body?["address"] == nil)
      #expect(try await service.send(.get, "Patient?gender=female").ids == ["p"])
      #expect(try await service.send(.get, "Patient?gender=male").ids == [])
      let history = try await service.send(.get, "Patient/p/_history")
      #expect(history.entries.first?["request"]?["method"]?.string == "PATCH")
      // The same again changes nothing and makes no version.
      let again = #"[{"op":"replace","path":"/gender","value":"female"}]"#
      #expect(try await service.send(.patch, "Patient/p", again).answer?.version == 2)
      #expect(try await service.send(.patch, "Patient/p", again, ifMatch: "W/\"1\"").status == 412)
      #expect(try await service.send(.patch, "Patient/nobody", again).status == 404)
    }
  }

  @Test(arguments: [
    #"[{"op":"coo","path":"/active","value":true}]"#, #"[{"op":"replace","value":true}]"#,
    #"[{"op":"add","path":"/dummyProperty","value":true}]"#, #"[{"op":"replace","path":"/id","value":"x"}]"#,
    #"[{"op":"replace","path":"/meta/versionId","value":"9"}]"#,
    #"[{"op":"replace","path":"/gender","value":"bogus"}]"#,
    #"[{"op":"replace","path":"/birthDate","value":"abc"}]"#, #"[{"op":"test","path":"/active","value":false}]"#,
    #"[{"op":"add","path":"/deceasedBoolean","value":true},{"op":"add","path":"/deceasedDateTime","value":"2020"}]"#,
    #"{"resourceType":"Patient"}"#, #""x""#,
  ])
  func refusedPatches(patch: String) async throws {
    try await withService { service in
      try await service.send(.put, "Patient/p", Self.patient)
      let reply = try await service.send(.patch, "Patient/p", patch)
      #expect(reply.status == 400, "\(reply.text)")
      #expect(try await service.send(.get, "Patient/p").answer?.version == 1)
    }
  }

  @Test func fhirPathPatch() async throws {
    try await withService { service in
      try await service.send(.put, "Patient/p", Self.patient)
      let patched = try await service.send(
        .patch, "Patient/p", Self.fhirPath("replace", "Patient.gender", #""valueCode":"female""#))
      #expect(patched.status == 200, "\(patched.text)")
      #expect(patched.body?["gender"]?.string == "female")
      let deleted = try await service.send(.patch, "Patient/p", Self.fhirPath("delete", "Patient.address"))
      #expect(deleted.body?["address"] == nil)
      for (type, path, value, text) in [
        (
          "replace", "Patient.gender", #""valueCode":"bogus""#,
          "Invalid input for gender at Patient.gender when processing patch replace operation."
        ),
        (
          "coo", "Patient.gender", #""valueCode":"male""#,
          "Invalid patch operation type: 'coo'. Only 'add', 'insert', 'delete', 'replace', 'upsert', and 'move' are allowed."
        ),
      ] {
        let reply = try await service.send(.patch, "Patient/p", Self.fhirPath(type, path, value))
        #expect(reply.status == 400)
        #expect(reply.body?["issue"]?[0]?["code"]?.string == "invalid")
        #expect(reply.diagnostics == [text])
      }
      let immutable = try await service.send(
        .patch, "Patient/p", Self.fhirPath("replace", "Patient.id", #""valueId":"x""#))
      #expect(immutable.diagnostics.first?.contains("immutable") == true, "\(immutable.text)")
    }
  }

  @Test func conditionalPatch() async throws {
    try await withService { service in
      try await service.send(.put, "Patient/p", Self.patient)
      let patch = #"[{"op":"replace","path":"/gender","value":"other"}]"#
      #expect(try await service.send(.patch, "Patient?identifier=urn:s%7C1", patch).status == 200)
      #expect(try await service.send(.get, "Patient/p").body?["gender"]?.string == "other")
      #expect(try await service.send(.patch, "Patient?identifier=urn:s%7C9", patch).status == 404)
      #expect(try await service.send(.patch, "Patient?identifier=", patch).status == 412)
      _ = try await service.create("Patient", Self.patient)
      #expect(try await service.send(.patch, "Patient?identifier=urn:s%7C1", patch).status == 412)
    }
  }

  /// A bundle carries a JSON Patch in a Binary, a FHIRPath Patch as it is.
  @Test(arguments: ["batch", "transaction"])
  func patchesInBundles(type: String) async throws {
    try await withService { service in
      try await service.send(.put, "Patient/p", Self.patient)
      try await service.send(.put, "Patient/q", Self.patient.replacingOccurrences(of: #""id":"p""#, with: #""id":"q""#))
      let data = Data(#"[{"op":"replace","path":"/gender","value":"unknown"}]"#.utf8).base64EncodedString()
      let reply = try await service.send(
        .post, "",
        """
        {"resourceType":"Bundle","type":"\(type)","entry":[
          {"request":{"method":"PATCH","url":"Patient/p"},
           "resource":{"resourceType":"Binary","contentType":"application/json-patch+json","data":"\(data)"}},
          {"request":{"method":"PATCH","url":"Patient/q"},
           "resource":\(Self.fhirPath("replace", "Patient.gender", #""valueCode":"unknown""#))}]}
        """)
      #expect(reply.entries.map { $0["response"]?["status"]?.string } == ["200", "200"], "\(reply.text)")
      #expect(try await service.send(.get, "Patient?gender=unknown").ids.sorted() == ["p", "q"])
    }
  }
}
