import Base
import JSONCore
import Testing

/// Bad input of every kind: a 4xx OperationOutcome in bounded time, and the server goes on.
@Suite struct HostileCases {
  private static func check(_ requests: [HostileRequest]) async throws {
    try await LiveServer.run { live in
      for request in requests { try await request.check(live) }
    }
  }

  // MARK: Texts

  /// As a value it is stored and found as it is, or refused; nothing of it acts.
  @Test(arguments: Form.allCases, Hostile.strings)
  func textsAreTexts(form: Form, text: String) async throws {
    try await FormClient.run(form) { client in
      let body = Sample.patient(Hostile.json(text))
      if text.contains("\u{0}") {
        // FHIR R4 datatypes#string: no control characters.
        try await client.send("POST", "/Patient", Form.json.body(body), ["Content-Type": Form.json.mediaType])
          .expectOutcome(400)
        return
      }
      let made = try await client.post("/Patient", body).expectVersion(201, 1)
      #expect(made.text("name.family") == text)
      let id = try #require(made.text("id"))
      #expect(try await client.get("/Patient/\(id)").element().text("name.family") == text)
      _ = try await client.create("Patient", Sample.patient("other"))
      // A comma, a dollar and a bar would be of the search's own grammar (FHIR R4 search#escaping).
      let escaped = text.replacing("\\", with: "\\\\").replacing(",", with: "\\,").replacing("|", with: "\\|")
        .replacing("$", with: "\\$")
      let found = try await client.get("/Patient?family:exact=\(Hostile.encoded(escaped))").expectBundle("searchset")
      #expect(found.matches == [id], "\(text)")
      let begins = try await client.get("/Patient?family=\(Hostile.encoded(escaped))").expectBundle("searchset")
      #expect(begins.matches == [id])
    }
  }

  /// Wherever it stands in an address: ids are refused, parameters ignored or refused, and the table is still there.
  @Test(arguments: Form.allCases, Hostile.strings)
  func textsInAddresses(form: Form, text: String) async throws {
    try await FormClient.run(form) { client in
      let id = try await client.create("Patient", Sample.patient())
      let bad = Hostile.encoded(text)
      for path in [
        "/Patient/\(bad)", "/Patient/\(id)/_history/\(bad)", "/\(bad)", "/\(bad)/1", "/Patient/\(id)/\(bad)",
      ] {
        let reply = try await client.live.ask("GET", path)
        #expect([400, 404].contains(reply.status), "\(path): \(reply.status)")
        #expect(try !reply.outcome().diagnostics.isEmpty)
      }
      for query in ["\(bad)=1", "_sort=\(bad)", "_count=\(bad)", "_id=\(bad)", "_lastUpdated=\(bad)", "_tag=\(bad)"] {
        let reply = try await client.get("/Patient?\(query)")
        #expect([200, 400].contains(reply.status), "\(query): \(reply.status)")
        // JSON that no browser may take for anything else can hold it; XML holds it escaped.
        #expect(reply.header("x-content-type-options") == "nosniff")
        if form == .xml { #expect(!reply.text.contains("<script"), "\(query)") }
      }
      let history = try await client.get("/_history?_since=\(bad)")
      try history.expectOutcome(400)
      #expect(try await client.get("/Patient?_summary=count").element().total == 1)
    }
  }

  @Test(arguments: Hostile.strings.filter { !$0.contains("\u{0}") })
  func textsInHeaders(text: String) async throws {
    try await LiveServer.run { live in
      for name in ["If-None-Match", "If-Match", "If-None-Exist", "Prefer", "Accept", "X-Request-Id", "X-Provenance"] {
        let request = HostileRequest(
          name, headers: [HostileRequest.json, "\(name): \(text)"], text: Sample.patient(), allowed: 200...499)
        let reply = try await request.send(to: live)
        #expect((200...499).contains(reply.status), "\(name): \(text)")
        if name == "X-Provenance" || name == "If-None-Exist" { #expect(reply.status == 400, "\(name): \(text)") }
      }
      #expect(try await live.ask("GET", "/Patient").status == 200)
    }
  }

  // MARK: Encodings

  private static let patient = Sample.patient("Größe")

  private static func utf16(_ text: String, isBig: Bool, mark: Bool) -> [UInt8] {
    let units = (mark ? [0xFEFF] : []) + Array(text.utf16)
    return units.flatMap { unit in
      let high = UInt8(unit >> 8)
      let low = UInt8(unit & 0xFF)
      return isBig ? [high, low] : [low, high]
    }
  }

  private static func latin1(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8($0.value & 0xFF) } }

  private static let xml = #"<Patient xmlns="http://hl7.org/fhir"><name><family value="Größe"/></name></Patient>"#

  @Test func wrongEncodings() async throws {
    let json = Array(Self.patient.utf8)
    let body = Self.xml
    try await Self.check([
      HostileRequest("UTF-16LE JSON", body: Self.utf16(Self.patient, isBig: false, mark: true)),
      HostileRequest("UTF-16BE JSON", body: Self.utf16(Self.patient, isBig: true, mark: false)),
      HostileRequest("UTF-32 JSON", body: Self.patient.unicodeScalars.flatMap { [0, 0, 0, UInt8($0.value & 0xFF)] }),
      HostileRequest("latin-1 bytes in JSON", body: Self.latin1(Self.patient)),
      HostileRequest(
        "latin-1 declared", headers: [HostileRequest.json + "; charset=iso-8859-1"], body: Self.latin1(Self.patient)),
      HostileRequest(
        "overlong UTF-8", body: Array(#"{"resourceType":"Patient","id":""#.utf8) + [0xC0, 0xAF, 0x22, 0x7D]),
      HostileRequest("a surrogate in UTF-8", body: Array(#"{"resourceType":""#.utf8) + [0xED, 0xA0, 0x80, 0x22, 0x7D]),
      HostileRequest("a lone surrogate, escaped", text: Sample.patient(#"\ud800"#)),
      HostileRequest("a control character, escaped", text: Sample.patient(#"\u0007"#)),
      HostileRequest("a cut character", body: Array(json.prefix(40)) + [0xC3]),
      HostileRequest("XML as JSON", text: body),
      HostileRequest("JSON as XML", headers: [HostileRequest.xml], body: json),
      HostileRequest("latin-1 bytes in XML", headers: [HostileRequest.xml], body: Self.latin1(body)),
      HostileRequest(
        "XML that declares latin-1", headers: [HostileRequest.xml],
        body: Self.latin1(#"<?xml version="1.0" encoding="ISO-8859-1"?>"# + body)),
      HostileRequest(
        "XML that declares UTF-16 and is not", headers: [HostileRequest.xml],
        text: #"<?xml version="1.0" encoding="UTF-16"?>"# + body),
      HostileRequest(
        "XML in an encoding that nobody has", headers: [HostileRequest.xml],
        text: #"<?xml version="1.0" encoding="EBCDIC-XX"?>"# + body),
      HostileRequest(
        "XML 1.1", headers: [HostileRequest.xml], text: #"<?xml version="1.1"?>"# + body.replacing("xmlns", with: "x")),
      HostileRequest("a zero byte", body: json + [0]), HostileRequest("nothing but zero bytes", body: [0, 0, 0, 0]),
    ])
  }

  /// A byte order mark is allowed before XML (XML 1.0 §4.3.3), and UTF-16 with one.
  @Test func encodingsOfXML() async throws {
    try await LiveServer.run { live in
      for body in [[0xEF, 0xBB, 0xBF] + Array(Self.xml.utf8), Self.utf16(Self.xml, isBig: false, mark: true)] {
        let request = HostileRequest("XML", headers: [HostileRequest.xml], body: body)
        let reply = try await request.send(to: live)
        #expect(reply.status == 201, "\(reply.text)")
        #expect(try FormReply(reply, .json).element().text("name.family") == "Größe")
      }
    }
  }

  /// What claims to be compressed is refused: 415 (RFC 9110 §15.5.16).
  @Test(arguments: ["gzip", "deflate", "br", "gzip, gzip", "x"])
  func whatClaimsToBeCompressed(coding: String) async throws {
    try await Self.check([
      HostileRequest(
        "\(coding) and is not", headers: [HostileRequest.json, "Content-Encoding: \(coding)"], text: Sample.patient()),
      HostileRequest(
        "\(coding) in XML", headers: [HostileRequest.xml, "Content-Encoding: \(coding)"], text: Self.xml),
    ])
  }

  // MARK: Depth and size

  private static func nested(_ open: String, _ close: String, _ depth: Int, _ inner: String = "") -> String {
    String(repeating: open, count: depth) + inner + String(repeating: close, count: depth)
  }

  @Test func deepNesting() async throws {
    let xhtml = "http://www.w3.org/1999/xhtml"
    let name = #"{"resourceType":"Patient","extension":"#
    try await Self.check([
      HostileRequest("arrays", text: Self.nested("[", "]", 100_000)),
      HostileRequest("arrays that do not end", text: String(repeating: "[", count: 1_000_000)),
      HostileRequest("objects", text: Self.nested(#"{"a":"#, "}", 100_000, "1")),
      HostileRequest("extensions", text: name + Self.nested(#"[{"url":"u","extension":"#, "}]", 10_000, "[]") + "}"),
      HostileRequest(
        "contained", text: Self.nested(#"{"resourceType":"Patient","contained":["#, "]}", 5_000)),
      HostileRequest(
        "elements of XML", headers: [HostileRequest.xml],
        text: #"<Patient xmlns="http://hl7.org/fhir">"# + Self.nested("<a>", "</a>", 100_000) + "</Patient>"),
      HostileRequest(
        "extensions of XML", headers: [HostileRequest.xml],
        text: #"<Patient xmlns="http://hl7.org/fhir">"# + Self.nested(#"<extension url="u">"#, "</extension>", 10_000)
          + "</Patient>"),
      HostileRequest(
        "tags that do not end", headers: [HostileRequest.xml],
        text: #"<Patient xmlns="http://hl7.org/fhir">"# + String(repeating: "<extension>", count: 100_000)),
      HostileRequest(
        "a narrative in XML", headers: [HostileRequest.xml],
        text: #"<Patient xmlns="http://hl7.org/fhir"><text><status value="generated"/><div xmlns="\#(xhtml)">"#
          + Self.nested("<b>", "</b>", 50_000, "x") + "</div></text></Patient>"),
      HostileRequest(
        "a narrative in JSON", "POST", "/Basic",
        text: Sample.narrative(Hostile.json(Hostile.div(Self.nested("<b>", "</b>", 50_000, "x"))))),
      HostileRequest(
        "a FHIRPath expression", "POST", "/$fhirpath",
        text:
          #"{"resourceType":"Parameters","parameter":[{"name":"expression","valueString":"\#(Self.nested("(", ")", 7_000, "1"))"}]}"#
      ),
      HostileRequest(
        "a search", "GET", "/Patient?\(Self.nested("link.", "x", 1_000))=1", headers: [], body: [],
        allowed: 200...499),
      HostileRequest("a path", "GET", "/" + Self.nested("a/", "b", 5_000), headers: [], body: []),
    ])
  }

  @Test func hugeValues() async throws {
    let digits = String(repeating: "9", count: 200_000)
    func quantity(_ value: String) -> String { Sample.observation(more: #","valueQuantity":{"value":\#(value)}"#) }
    let members = (0..<50_000).map { #""x\#($0)":1"# }.joined(separator: ",")
    let same = String(repeating: #""active":true,"#, count: 20_000)
    try await Self.check([
      HostileRequest("a long number", "POST", "/Observation", text: quantity(digits)),
      HostileRequest("a long fraction", "POST", "/Observation", text: quantity("0." + digits)),
      HostileRequest("no number", "POST", "/Observation", text: quantity("NaN")),
      HostileRequest("a hexadecimal number", "POST", "/Observation", text: quantity("0x10")),
      HostileRequest("a number with a plus", "POST", "/Observation", text: quantity("+1")),
      HostileRequest("a number with a zero before it", "POST", "/Observation", text: quantity("01")),
      HostileRequest("an integer past its bounds", text: Sample.patient(more: #","multipleBirthInteger":99999999999"#)),
      HostileRequest("a date past the years", text: Sample.patient(more: #","birthDate":"99999-01-01""#)),
      HostileRequest("a day that is none", text: Sample.patient(more: #","birthDate":"2023-02-30""#)),
      HostileRequest("many unknown members", text: #"{"resourceType":"Patient",\#(members)}"#),
      HostileRequest("one member many times", text: #"{"resourceType":"Patient",\#(same)"active":true}"#),
      HostileRequest(
        "a long id", "PUT", "/Patient/a", text: Sample.patient(id: String(repeating: "a", count: 100_000))),
      HostileRequest(
        "many attributes", headers: [HostileRequest.xml],
        text: #"<Patient xmlns="http://hl7.org/fhir" \#((0..<20_000).map { #"a\#($0)="1""# }.joined(separator: " "))/>"#
      ),
      HostileRequest(
        "many namespaces", headers: [HostileRequest.xml],
        text:
          #"<Patient xmlns="http://hl7.org/fhir" \#((0..<5_000).map { #"xmlns:a\#($0)="u\#($0)""# }.joined(separator: " "))/>"#
      ),
      HostileRequest(
        "many entries", "POST", "",
        text: BatchCases.bundle(
          "batch", Array(repeating: #"{"request":{"method":"GET","url":"Patient/1"}}"#, count: 20_000))),
    ])
  }

  /// Numbers that no machine holds are of FHIR's grammar (R4 datatypes#decimal): kept as they are or refused, and in
  /// either case searches go on.
  @Test(arguments: ["1e999999999999", "1e-999999999999", "-1e400", "1e99999999999999999999999", "0e5", "-0.0"])
  func extremeNumbers(value: String) async throws {
    try await LiveServer.run { live in
      let body = Sample.observation(more: #","valueQuantity":{"value":\#(value)}"#)
      let request = HostileRequest(value, "POST", "/Observation", text: body, allowed: 201...400)
      try await request.check(live)
      for query in ["gt1", "lt1", "0", "1e5", "ap1", value] {
        let found = try await live.ask("GET", "/Observation?value-quantity=\(query)")
        #expect([200, 400].contains(found.status), "\(query): \(found.text.prefix(300))")
      }
    }
  }

  /// A megabyte-long text is a text like any other; broken markup of that length is refused.
  @Test func longNarratives() async throws {
    try await LiveServer.run { live in
      let long = String(repeating: "<p>0123456789</p>", count: 620_000)
      let whole = Sample.narrative(Hostile.json(Hostile.div(long)))
      #expect(whole.utf8.count > 10_000_000)
      let stored = try await HostileRequest("whole", "POST", "/Basic", text: whole).send(to: live)
      #expect(stored.status == 201, "\(stored.text.prefix(300))")
      for broken in [long + "<p>", long + "<script>x</script>", "<p " + String(repeating: "x", count: 10_000_000)] {
        let body = Sample.narrative(Hostile.json(Hostile.div(broken)))
        try await HostileRequest("broken", "POST", "/Basic", text: body).check(live)
      }
      let markup = String(repeating: "&lt;", count: 2_500_000)
      let text = Sample.narrative(Hostile.json(Hostile.div(markup)))
      #expect(try await HostileRequest("entities", "POST", "/Basic", text: text).send(to: live).status == 201)
    }
  }

  // MARK: Entities

  @Test func entityBombs() async throws {
    let laughs = (1...9).map { level in
      "<!ENTITY lol\(level) \"\(String(repeating: "&lol\(level - 1);", count: 10))\">"
    }.joined()
    func patient(_ declaration: String, _ value: String) -> String {
      #"<?xml version="1.0"?><!DOCTYPE Patient [\#(declaration)]><Patient xmlns="http://hl7.org/fhir"><name><family value="\#(value)"/></name></Patient>"#
    }
    func div(_ inner: String) -> String {
      #"<!DOCTYPE div [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><div xmlns=\"http://www.w3.org/1999/xhtml\">\#(inner)</div>"#
    }
    let bombs = [
      ("laughs", patient("<!ENTITY lol0 \"lol\">" + laughs, "&lol9;")),
      (
        "a quadratic one",
        patient("<!ENTITY a \"\(String(repeating: "a", count: 50_000))\">", String(repeating: "&a;", count: 50_000))
      ),
      ("a circle", patient("<!ENTITY a \"&b;\"><!ENTITY b \"&a;\">", "&a;")),
      ("a file", patient("<!ENTITY e SYSTEM \"file:///etc/passwd\">", "&e;")),
      ("a device", patient("<!ENTITY e SYSTEM \"file:///dev/zero\">", "&e;")),
      ("an address", patient("<!ENTITY e SYSTEM \"http://127.0.0.1:1/x\">", "&e;")),
      ("a parameter entity", patient("<!ENTITY % p SYSTEM \"http://127.0.0.1:1/x.dtd\">%p;", "x")),
      (
        "an external subset",
        #"<!DOCTYPE Patient SYSTEM "http://127.0.0.1:1/x.dtd"><Patient xmlns="http://hl7.org/fhir"/>"#
      ),
      ("defaults", patient("<!ATTLIST Patient x CDATA \"y\">", "x")),
      ("an undeclared one", #"<Patient xmlns="http://hl7.org/fhir"><name><family value="&reg;"/></name></Patient>"#),
      (
        "an inclusion",
        #"<Patient xmlns="http://hl7.org/fhir" xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd"/></Patient>"#
      ),
    ]
    try await Self.check(
      bombs.map { HostileRequest($0.0, headers: [HostileRequest.xml], text: $0.1) } + [
        HostileRequest("an entity within a narrative", "POST", "/Basic", text: Sample.narrative(div("&e;")))
      ])
  }

  // MARK: Patches

  private static let jsonPatch = "Content-Type: application/json-patch+json"

  @Test func patchesThatExplode() async throws {
    let doubling = (0..<60).map { _ in #"{"op":"copy","from":"/contained","path":"/contained/0/contained"}"# }
    let copies = (0..<40).map { _ in #"{"op":"copy","from":"/name","path":"/name/0/extension"}"# }
    let many = Array(repeating: #"{"op":"replace","path":"/gender","value":"male"}"#, count: 200_000)
    func expression(_ path: String) -> String {
      PatchCases.parameters([PatchCases.operation("replace", path, value: #""valueString":"x""#)])
    }
    let all = "Patient.descendants()"
    let crossed = Self.nested("Patient.descendants().where(", ".exists())", 12, "true")
    let inserts = Array(
      repeating: PatchCases.operation("add", "Patient", name: "name", value: #""valueHumanName":{"family":"x"}"#),
      count: 100_000)
    try await LiveServer.run { live in
      _ = try await live.send("PUT", "/Patient/p", PatchCases.person)
      let requests: [(String, String, String)] = [
        ("copies within themselves", Self.jsonPatch, "[\(doubling.joined(separator: ","))]"),
        ("copies of copies", Self.jsonPatch, "[\(copies.joined(separator: ","))]"),
        ("many operations", Self.jsonPatch, "[\(many.joined(separator: ","))]"),
        (
          "a deep path", Self.jsonPatch,
          #"[{"op":"add","path":"\#(String(repeating: "/a", count: 100_000))","value":1}]"#
        ),
        ("an index past all numbers", Self.jsonPatch, #"[{"op":"remove","path":"/name/99999999999999999999"}]"#),
        ("a negative index", Self.jsonPatch, #"[{"op":"remove","path":"/name/-1"}]"#),
        ("a move into itself", Self.jsonPatch, #"[{"op":"move","from":"/name/0","path":"/name/0/given/0"}]"#),
        ("all that descends", HostileRequest.json, expression(all)),
        ("all that descends, crossed", HostileRequest.json, expression(crossed)),
        ("a repetition without end", HostileRequest.json, expression("Patient.repeat($this | $this.name)")),
        ("many additions", HostileRequest.json, PatchCases.parameters(inserts)),
        (
          "a pattern that never ends", HostileRequest.json,
          expression("Patient.name.where(family.matches('(a+)+$')).family")
        ),
      ]
      for (what, type, body) in requests {
        try await HostileRequest(what, "PATCH", "/Patient/p", headers: [type], text: body).check(live)
      }
      #expect(try await live.ask("GET", "/Patient/p").header("etag") == "W/\"1\"")
    }
  }

  /// A patch that makes a resource grow ends at a limit; what it made is not stored.
  @Test func patchesThatDouble() async throws {
    var limits = Limits()
    limits.bodyBytesMax = 2_000_000
    try await LiveServer.run(limits: limits) { live in
      _ = try await live.send("PUT", "/Patient/p", PatchCases.person)
      // Each step copies the whole list into its own first element's extensions: twice as much each time.
      let steps = (0..<64).map { _ in
        #"{"op":"copy","from":"/address","path":"/address/-"},{"op":"copy","from":"/address/0","path":"/address/-"}"#
      }
      let request = HostileRequest(
        "doubling", "PATCH", "/Patient/p", headers: [Self.jsonPatch], text: "[\(steps.joined(separator: ","))]")
      try await request.check(live)
    }
  }

  // MARK: Headers

  private static let lengths = ["Content-Length: 5", "Content-Length: 6"]

  @Test func contradictoryHeaders() async throws {
    let json = HostileRequest.json
    let body = Sample.patient()
    let length = "Content-Length: \(body.utf8.count)"
    let whole = "\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
    try await Self.check([
      HostileRequest("two lengths", headers: [json] + Self.lengths, text: body),
      HostileRequest("a length and chunks", headers: [json, length, "Transfer-Encoding: chunked"], text: whole),
      HostileRequest("a length that is none", headers: [json, "Content-Length: +5"], text: body),
      HostileRequest("a negative length", headers: [json, "Content-Length: -1"], text: body),
      HostileRequest("two hosts", headers: [json, "Host: example.org"], text: body),
      HostileRequest("two types of content", headers: [json, HostileRequest.xml], text: body),
      HostileRequest("two conditions", headers: [json, "If-None-Exist: _id=1", "If-None-Exist: _id=2"], text: body),
      HostileRequest(
        "If-Match and If-None-Match", "PUT", "/Patient/new",
        headers: [json, "If-Match: W/\"1\"", "If-None-Match: *"], text: Sample.patient(id: "new")),
      HostileRequest("a folded header", headers: [json, "X-A: b\r\n c"], text: body),
      HostileRequest("a header with a space in its name", headers: [json, "X A: b"], text: body),
      HostileRequest("an expectation nobody knows", headers: [json, "Expect: 200-ok"], text: body),
      HostileRequest("two preferences", headers: [json, "Prefer: return=minimal, return=everything"], text: body),
      HostileRequest(
        "a type that is JSON and not", headers: ["Content-Type: application/fhir+json, text/html"], text: body),
      HostileRequest("an empty type", headers: ["Content-Type:"], text: body),
      HostileRequest("a release that is another", headers: [json + "; fhirVersion=3.0"], text: body),
    ])
  }
}
