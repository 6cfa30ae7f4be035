import JSONCore
import Testing

/// JSON Patch (RFC 6902; FHIR R4 http#patch).
@Suite struct JSONPatchCases {
  @Test(arguments: Form.allCases)
  func replaceAndRemove(form: Form) async throws {
    try await PatchCases.run(form) { client in
      let patch = #"[{"op":"replace","path":"/gender","value":"female"},{"op":"remove","path":"/address"}]"#
      let patched = try await client.jsonPatch("/Patient/p", patch).expectVersion(200, 2)
      #expect(patched.text("gender") == "female")
      #expect(patched["address"].isEmpty)
    }
  }

  /// A list is made first and filled then.
  @Test(arguments: Form.allCases)
  func anEmptyListIsFilled(form: Form) async throws {
    try await PatchCases.run(form) { client in
      let patch =
        #"[{"op":"remove","path":"/address"},{"op":"add","path":"/address","value":[]},"#
        + #"{"op":"add","path":"/address/0","value":{"city":"New"}}]"#
      let patched = try await client.jsonPatch("/Patient/p", patch).expectVersion(200, 2)
      #expect(patched.texts("address.city") == ["New"])
    }
  }

  static let refused = [
    #"[{"op":"replace","value":"female"}]"#, #"[{"op":"coo","path":"/gender","value":"female"}]"#,
    #"[{"op":"replace","path":"","value":{}}]"#, #"[{"op":"add","path":"/dummyProperty","value":"x"}]"#,
    #"[{"op":"replace","path":"/dummyProperty","value":"x"}]"#,
    // Immutable.
    #"[{"op":"replace","path":"/id","value":"q"}]"#, #"[{"op":"replace","path":"/versionId","value":"9"}]"#,
    #"[{"op":"replace","path":"/meta/versionId","value":"9"}]"#,
    #"[{"op":"replace","path":"/resourceType","value":"Observation"}]"#,
    #"[{"op":"replace","path":"/text/div","value":"<div xmlns=\"http://www.w3.org/1999/xhtml\">y</div>"}]"#,
    #"[{"op":"replace","path":"/text/status","value":"empty"}]"#,
    // Values that are none.
    #"[{"op":"replace","path":"/gender","value":"dummyGender"}]"#,
    #"[{"op":"replace","path":"/birthDate","value":"abc"}]"#,
    #"[{"op":"replace","path":"/address/0/use","value":"d"}]"#,
    #"[{"op":"replace","path":"/birthDate","value":"2022-05-02T14:00:00+02:00"}]"#,
    // Two variants of one choice.
    #"[{"op":"add","path":"/deceasedDateTime","value":"2020-01-01"}]"#,
    #"[{"op":"test","path":"/active","value":false},{"op":"replace","path":"/gender","value":"female"}]"#,
    #"[{"op":"remove","path":"/address/7"}]"#, #"[{"op":"add","path":"/address/7","value":{"city":"x"}}]"#,
    #"[{"op":"remove","path":"/nothing"}]"#, #"{"op":"remove","path":"/gender"}"#, "[1]", "null", "[[]]",
    #"[{"op":"copy","path":"/gender"}]"#, #"[{"op":"move","from":"/name","path":"/name/0/given"}]"#,
  ]

  @Test(arguments: Form.allCases, refused)
  func whatIsRefused(form: Form, patch: String) async throws {
    try await PatchCases.run(form) { client in
      try await client.jsonPatch("/Patient/p", patch).expectOutcome(400)
      try await client.get("/Patient/p").expectVersion(200, 1)
    }
  }

  @Test(arguments: Form.allCases)
  func anotherVariantOfAChoice(form: Form) async throws {
    try await PatchCases.run(form) { client in
      let patch =
        #"[{"op":"add","path":"/deceasedDateTime","value":"2022-05-02T14:00:00+02:00"},"#
        + #"{"op":"remove","path":"/deceasedBoolean"}]"#
      let patched = try await client.jsonPatch("/Patient/p", patch).expectVersion(200, 2)
      // The offset stays as it was written.
      #expect(patched.text("deceasedDateTime") == "2022-05-02T14:00:00+02:00")
      #expect(patched["deceasedBoolean"].isEmpty)
    }
  }

  /// The string "true" where a boolean belongs becomes the boolean, as on Microsoft's server.
  @Test(arguments: Form.allCases)
  func aStringMayStandForABoolean(form: Form) async throws {
    try await PatchCases.run(form) { client in
      let patch =
        #"[{"op":"test","path":"/deceasedBoolean","value":false},"#
        + #"{"op":"replace","path":"/deceasedBoolean","value":"true"}]"#
      let patched = try await client.jsonPatch("/Patient/p", patch).expectVersion(200, 2)
      #expect(patched.text("deceasedBoolean") == "true")
      #expect(try await client.live.ask("GET", "/Patient/p").json()["deceasedBoolean"]?.bool == true)
    }
  }

  @Test(arguments: Form.allCases)
  func datesStayDates(form: Form) async throws {
    try await PatchCases.run(form) { client in
      let patch = #"[{"op":"replace","path":"/birthDate","value":"2005"}]"#
      let patched = try await client.jsonPatch("/Patient/p", patch).expectVersion(200, 2)
      #expect(patched.text("birthDate") == "2005")
    }
  }

  /// A label put onto a list that is not there makes the list (Microsoft's server: "accepted and creates the array").
  @Test(arguments: Form.allCases)
  func anObjectOntoAMissingList(form: Form) async throws {
    try await PatchCases.run(form) { client in
      let patch = #"[{"op":"add","path":"/meta/tag","value":{"code":"t"}}]"#
      let reply = try await client.jsonPatch("/Patient/p", patch)
      #expect(try reply.expectVersion(200, 2).texts("meta.tag.code") == ["t"])
    }
  }

  /// In a bundle the patch comes as a Binary.
  @Test(arguments: Form.allCases, ["Sequential", "Parallel"])
  func withinABundle(form: Form, logic: String) async throws {
    try await FormClient.run(form) { client in
      let bundle = #"""
        {"resourceType":"Bundle","type":"batch","entry":[
         {"fullUrl":"http://example.org/fhir/Patient/q","resource":{"resourceType":"Patient","id":"q","gender":"male"},
          "request":{"method":"PUT","url":"Patient/q"}},
         {"fullUrl":"http://example.org/fhir/Binary/x",
          "resource":{"resourceType":"Binary","contentType":"application/json-patch+json",
           "data":"W3sib3AiOiJyZXBsYWNlIiwicGF0aCI6Ii9nZW5kZXIiLCJ2YWx1ZSI6ImZlbWFsZSJ9XQ=="},
          "request":{"method":"PATCH","url":"Patient/q"}}]}
        """#
      let headers = ["x-bundle-processing-logic": logic]
      let answer = try await client.post("", bundle, headers).expectBundle("batch-response")
      #expect(answer.texts("entry.response.status") == ["201", "200"])
      #expect(answer.entries.last?.text("resource.gender") == "female")
    }
  }
}
