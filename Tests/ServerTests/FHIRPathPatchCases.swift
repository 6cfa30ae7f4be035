import Testing

/// FHIRPath Patch (FHIR R4 fhirpatch.html), with the messages that Microsoft's clients compare.
@Suite struct FHIRPathPatchCases {
  private static func one(_ type: String?, _ path: String?, name: String? = nil, value: String? = nil) -> String {
    PatchCases.parameters([PatchCases.operation(type, path, name: name, value: value)])
  }

  @Test(arguments: Form.allCases)
  func replaceAndDelete(form: Form) async throws {
    try await PatchCases.run(form) { client in
      let patch = PatchCases.parameters([
        PatchCases.operation("replace", "Patient.gender", value: #""valueCode":"female""#),
        PatchCases.operation("delete", "Patient.address"),
      ])
      // The standard deletes one element at most; two addresses are two.
      try await client.patch("/Patient/p", patch).expectOutcome(400)
      let second = PatchCases.parameters([
        PatchCases.operation("replace", "Patient.gender", value: #""valueCode":"female""#),
        PatchCases.operation("delete", "Patient.address[0]"), PatchCases.operation("delete", "Patient.address[0]"),
      ])
      let patched = try await client.patch("/Patient/p", second).expectVersion(200, 2)
      #expect(patched.text("gender") == "female")
      #expect(patched["address"].isEmpty)
    }
  }

  struct Failure: Sendable, CustomTestStringConvertible {
    let patch: String
    let words: String
    var isPart = false
    var testDescription: String { words }
  }

  private static let unknownType =
    "Invalid patch operation type: 'coo'. Only 'add', 'insert', 'delete', 'replace', 'upsert', and 'move' are allowed."
  private static let gender = "Invalid input for gender at Patient.gender when processing patch replace operation."
  private static let birthDate =
    "Invalid input for birthDate at Patient.birthDate when processing patch replace operation."
  private static let unknownElement = "Element dummyProperty not found at Patient when processing patch add operation."

  static let failures = [
    Failure(
      patch: one("replace", nil, value: #""valueCode":"female""#),
      words: "Patch replace operations must have the 'path' part."),
    Failure(patch: one("replace", "Patient.gender"), words: "Patch replace operations must have the 'value' part."),
    Failure(patch: one("coo", "Patient.gender", value: #""valueCode":"female""#), words: unknownType),
    Failure(patch: one("add", "Patient", name: "dummyProperty", value: #""valueString":"x""#), words: unknownElement),
    Failure(patch: one("replace", "Patient.gender", value: #""valueCode":"dummyGender""#), words: gender),
    Failure(patch: one("replace", "Patient.birthDate", value: #""valueString":"abc""#), words: birthDate),
    Failure(
      patch: one("replace", "Patient.address[0].use", value: #""valueCode":"dummyUse""#),
      words: "Invalid input for use at Patient.address[0].use when processing patch replace operation."),
    Failure(patch: one("replace", "Patient.id", value: #""valueId":"q""#), words: "immutable", isPart: true),
    Failure(
      patch: one("replace", "Patient.meta.versionId", value: #""valueId":"9""#), words: "immutable", isPart: true),
    Failure(
      patch: one(
        "replace", "Patient.text.div",
        value: #""valueString":"<div xmlns=\"http://www.w3.org/1999/xhtml\">y</div>""#),
      words: "immutable", isPart: true),
    Failure(
      patch: one("replace", "Patient.text.status", value: #""valueCode":"empty""#), words: "immutable", isPart: true),
    Failure(
      patch: one("add", "Patient", name: "deceased", value: #""valueDateTime":"2020-01-01""#),
      words: "Existing element deceased found", isPart: true),
    Failure(
      patch: one(
        "add", "Patient", name: "link",
        value:
          #""part":[{"name":"type1","valueCode":"seealso"},{"name":"other","valueReference":{"reference":"Patient/q"}}]"#
      ), words: "not found at Patient", isPart: true),
    Failure(
      patch: one("replace", "Patient.birthDate", value: #""valueDateTime":"2022-05-02T14:00:00+02:00""#),
      words: birthDate),
  ]

  @Test(arguments: Form.allCases, failures)
  func whatIsRefused(form: Form, row: Failure) async throws {
    try await PatchCases.run(form) { client in
      let reply = try await client.patch("/Patient/p", row.patch)
      if row.isPart {
        try reply.expectOutcome(400, code: "invalid", contains: row.words)
      } else {
        try reply.expectOutcome(400, code: "invalid", diagnostics: row.words)
      }
      try await client.get("/Patient/p").expectVersion(200, 1)
    }
  }

  /// What is patched and where the new value then is.
  static let changes: [(patch: String, path: String, values: [String])] = [
    (
      one("add", "Patient", name: "address", value: #""valueAddress":{"use":"home","city":"New"}"#), "address.city",
      ["PleasantVille", "Elsewhere", "New"]
    ),
    (
      one(
        "add", "Patient", name: "link",
        value:
          #""part":[{"name":"type","valueCode":"seealso"},{"name":"other","valueReference":{"reference":"Patient/q"}}]"#
      ), "link.other.reference", ["Patient/q"]
    ),
    (
      one("replace", "Patient.address.where(use = 'home').city", value: #""valueString":"Moved""#), "address.city",
      ["Moved", "Elsewhere"]
    ),
    (
      one("replace", "Patient.deceased", value: #""valueDateTime":"2022-05-02T14:00:00+02:00""#), "deceasedDateTime",
      ["2022-05-02T14:00:00+02:00"]
    ),
    (one("replace", "Patient.birthDate", value: #""valueDate":"2005""#), "birthDate", ["2005"]),
    (
      one("upsert", "Patient", name: "maritalStatus", value: #""valueCodeableConcept":{"text":"m"}"#),
      "maritalStatus.text", ["m"]
    ),
    (one("delete", "Patient.nothing.where(false)".replacing(".nothing", with: ".contact")), "contact.gender", []),
  ]

  @Test(arguments: Form.allCases, changes)
  func whatIsChanged(form: Form, row: (patch: String, path: String, values: [String])) async throws {
    try await PatchCases.run(form) { client in
      let reply = try await client.patch("/Patient/p", row.patch)
      try #require(reply.status == 200, "\(reply.text)")
      let patched = try reply.element()
      #expect(patched.texts(row.path) == row.values, "\(reply.text)")
    }
  }

  /// Labels one after the other, each upon the version before.
  @Test(arguments: Form.allCases)
  func labelsAddUp(form: Form) async throws {
    try await PatchCases.run(form) { client in
      let first = Self.one("add", "Patient.meta", name: "tag", value: #""valueCoding":{"code":"a"}"#)
      try await client.patch("/Patient/p", first, ["If-Match": "W/\"1\""]).expectVersion(200, 2)
      let second = Self.one("add", "Patient.meta", name: "tag", value: #""valueCoding":{"code":"b"}"#)
      try await client.patch("/Patient/p", second, ["If-Match": "W/\"3\""]).expectOutcome(412)
      let patched = try await client.patch("/Patient/p", second, ["If-Match": "W/\"2\""]).expectVersion(200, 3)
      #expect(patched.texts("meta.tag.code") == ["a", "b"])
      #expect(try await client.get("/Patient/p/_history").element().entries.count == 3)
    }
  }

  /// Two patches of one resource in a batch: both, in order, whichever mode is asked for.
  @Test(arguments: Form.allCases, ["Sequential", "Parallel"])
  func withinABundle(form: Form, mode: String) async throws {
    try await PatchCases.run(form) { client in
      let gender = Self.one("replace", "Patient.gender", value: #""valueCode":"female""#)
      let date = Self.one("replace", "Patient.birthDate", value: #""valueDate":"2001""#)
      let entries = [gender, date].map {
        #"{"fullUrl":"http://example.org/fhir/Patient/p","resource":\#($0),"request":{"method":"PATCH","url":"Patient/p"}}"#
      }
      let bundle = #"{"resourceType":"Bundle","type":"batch","entry":[\#(entries.joined(separator: ","))]}"#
      let headers = ["x-bundle-processing-logic": mode]
      let answer = try await client.post("", bundle, headers).expectBundle("batch-response")
      #expect(answer.texts("entry.response.status") == ["200", "200"])
      let patched = try await client.get("/Patient/p").element()
      #expect(patched.text("gender") == "female")
      #expect(patched.text("birthDate") == "2001")
    }
  }
}
