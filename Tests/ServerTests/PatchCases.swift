import Testing

/// What both languages of patches have in common (FHIR R4 http#patch).
@Suite struct PatchCases {
  /// A FHIRPath Patch (FHIR R4 fhirpatch.html).
  static func parameters(_ operations: [String]) -> String {
    #"{"resourceType":"Parameters","parameter":[\#(operations.joined(separator: ","))]}"#
  }

  /// One operation; a value is given as its member, such as `"valueCode":"female"`, or as `"part":[…]`.
  static func operation(_ type: String?, _ path: String?, name: String? = nil, value: String? = nil) -> String {
    let parts = [
      type.map { #"{"name":"type","valueCode":"\#($0)"}"# }, path.map { #"{"name":"path","valueString":"\#($0)"}"# },
      name.map { #"{"name":"name","valueString":"\#($0)"}"# }, value.map { #"{"name":"value",\#($0)}"# },
    ].compactMap { $0 }
    return #"{"name":"operation","part":[\#(parts.joined(separator: ","))]}"#
  }

  static let person =
    #"{"resourceType":"Patient","id":"p","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"},"#
    + #""active":true,"name":[{"use":"official","family":"Chalmers","given":["Peter"]}],"gender":"male","#
    + #""birthDate":"1974-12-25","deceasedBoolean":false,"#
    + #""address":[{"use":"home","city":"PleasantVille"},{"use":"work","city":"Elsewhere"}]}"#

  /// A server with `Patient/p`.
  static func run(_ form: Form, _ body: (FormClient) async throws -> Void) async throws {
    try await FormClient.run(form) { client in
      try await client.put("/Patient/p", person).expectVersion(201, 1)
      try await body(client)
    }
  }

  /// The same request in either language.
  static func gender(_ client: FormClient, isJSON: Bool, _ path: String, _ headers: [String: String] = [:]) async throws
    -> FormReply
  {
    isJSON
      ? try await client.jsonPatch(path, #"[{"op":"replace","path":"/gender","value":"female"}]"#, headers)
      : try await client.patch(
        path, parameters([operation("replace", "Patient.gender", value: #""valueCode":"female""#)]), headers)
  }

  @Test(arguments: Form.allCases, [true, false])
  func whatIsNotThereIs404(form: Form, isJSON: Bool) async throws {
    try await Self.run(form) { client in
      try await Self.gender(client, isJSON: isJSON, "/Patient/none").expectOutcome(404, code: "not-found")
      _ = try await client.delete("/Patient/p")
      try await Self.gender(client, isJSON: isJSON, "/Patient/p").expectOutcome(410)
    }
  }

  @Test(arguments: [true, false], UpdateCases.tags)
  func anExpectedVersion(isJSON: Bool, row: (tag: String, status: Int)) async throws {
    for form in Form.allCases {
      try await Self.run(form) { client in
        let reply = try await Self.gender(client, isJSON: isJSON, "/Patient/p", ["If-Match": row.tag])
        if row.status == 200 { try reply.expectVersion(200, 2) } else { try reply.expectOutcome(row.status) }
      }
    }
  }

  /// Empty or blank bodies.
  @Test(
    arguments: ["application/json-patch+json", "application/fhir+json", "application/fhir+xml"], ["", " ", "\n\n"])
  func emptyBodies(contentType: String, body: String) async throws {
    try await Self.run(.json) { client in
      let reply = try await client.send("PATCH", "/Patient/p", body, ["Content-Type": contentType])
      try reply.expectOutcome(400)
    }
  }

  /// One field changes, all others stay as they were.
  @Test(arguments: Form.allCases, [true, false])
  func theRestStays(form: Form, isJSON: Bool) async throws {
    try await Self.run(form) { client in
      let before = try await client.get("/Patient/p").element()
      let after = try await Self.gender(client, isJSON: isJSON, "/Patient/p").expectVersion(200, 2)
      func rest(_ whole: Element) -> String {
        let children = whole.children.filter { !["meta", "gender"].contains($0.name) }
        return Element(name: "", type: whole.type, value: nil, children: children).canonical
      }
      #expect(rest(before) == rest(after))
      #expect(after.text("gender") == "female")
    }
  }

  @Test(arguments: Form.allCases, [true, false])
  func whatChangesNothingMakesNoVersion(form: Form, isJSON: Bool) async throws {
    try await Self.run(form) { client in
      let first = try await Self.gender(client, isJSON: isJSON, "/Patient/p").expectVersion(200, 2)
      let again = try await Self.gender(client, isJSON: isJSON, "/Patient/p").expectVersion(200, 2)
      #expect(first.text("meta.lastUpdated") == again.text("meta.lastUpdated"))
    }
  }

  @Test(arguments: Form.allCases, [true, false])
  func theHistoryOfLabels(form: Form, isKept: Bool) async throws {
    try await Self.run(form) { client in
      let label = Self.operation("add", "Patient.meta", name: "tag", value: #""valueCoding":{"code":"t"}"#)
      let reply = try await client.patch("/Patient/p?_meta-history=\(isKept)", Self.parameters([label]))
      #expect(try reply.expectVersion(200, 2).text("meta.tag.code") == "t")
      #expect(try await client.get("/Patient/p/_history").element().entries.count == (isKept ? 2 : 1))
    }
  }
}
