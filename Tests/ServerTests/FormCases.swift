import JSONCore
import Testing

/// JSON and XML are two forms of the same resource, whatever the interaction (FHIR R4 formats.html).
@Suite struct FormCases {
  static func json(_ text: String) throws -> JSONValue { try JSONDocument(text).value }

  /// Each read and search of one, once in each form: the same elements with the same values.
  @Test func bothFormsSayTheSame() async throws {
    try await LiveServer.run { live in
      let json = FormClient(live: live, form: .json)
      let xml = FormClient(live: live, form: .xml)
      for (type, body) in CreateCases.bodies { _ = try await json.create(type, body) }
      for (type, body) in CreateCases.bodies { _ = try await xml.create(type, body) }
      for path in [
        "/Observation", "/Location?_summary=true", "/DocumentReference?_elements=status", "/Binary", "/_history",
        "/Observation/_history", "/Communication?_summary=text", "/metadata", "/?_type=Binary,Location",
        "/Observation?nothing=1", "/Observation?_summary=count",
      ] {
        let first = try await json.get(path)
        let second = try await xml.get(path)
        #expect(first.status == 200, "\(path): \(first.text.prefix(300))")
        #expect(second.status == 200, "\(path): \(second.text.prefix(300))")
        #expect(try Self.plain(first) == Self.plain(second), "\(path)")
      }
    }
  }

  /// Without what belongs to the answer alone.
  private static func plain(_ reply: FormReply) throws -> String {
    let whole = try reply.element()
    let own = whole.type == "Bundle" ? ["id", "meta"] : []
    let outcomes = whole.children.map { child in
      child.text("search.mode") == "outcome"
        ? Element(name: child.name, type: nil, value: nil, children: child["resource.issue"]) : child
    }
    let left = outcomes.filter { !own.contains($0.name) }
    return Element(name: "", type: whole.type, value: nil, children: left).canonical
  }
}
