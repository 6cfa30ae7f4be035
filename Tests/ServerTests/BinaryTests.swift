import Base
import JSONCore
import Server
import Testing
import Workspace

/// FHIR R4 binary.html#rest: contents in their own media type.
@Suite struct BinaryTests {
  /// Every byte there is, so that nothing on the way can take it for text.
  static let picture = [[UInt8](0...255), [UInt8](0...255), [7]].reduce([], +)

  @Test func aContentComesBackAsItWasSent() async throws {
    try await LiveServer.run { live in
      let created = try await live.upload("POST", "/Binary", Self.picture, "image/png")
      #expect(created.status == 201)
      let resource = try created.json()
      #expect(resource["resourceType"]?.string == "Binary")
      #expect(resource["contentType"]?.string == "image/png")
      let id = try created.id()
      #expect(created.header("location") == "\(live.base)/Binary/\(id)/_history/1")
      for accept in ["image/png", "*/*", "image/*", "image/avif, image/webp, */*;q=0.8", "text/html", nil] {
        let read = try await live.fetch("GET", "/Binary/\(id)", accept)
        #expect(read.status == 200)
        #expect(read.body == Self.picture, "\(accept ?? "none")")
        #expect(read.header("content-type") == "image/png")
        #expect(read.header("etag") == "W/\"1\"")
        #expect(read.header("vary") == "Accept")
      }
      let version = try await live.fetch("GET", "/Binary/\(id)/_history/1", "image/png")
      #expect(version.body == Self.picture)
      let head = try await live.fetch("HEAD", "/Binary/\(id)", "image/png")
      #expect(head.status == 200)
      #expect(head.header("content-length") == String(Self.picture.count))
      #expect(head.header("content-type") == "image/png")
      #expect(head.body.isEmpty)
    }
  }

  /// The standard's own words: whoever does "explicitly specify the FHIR content types" has the resource.
  @Test(arguments: [
    ("application/fhir+json", "application/fhir+json; charset=utf-8"),
    ("application/fhir+xml", "application/fhir+xml; charset=utf-8"),
    ("application/fhir+json, */*", "application/fhir+json; charset=utf-8"),
    ("image/png;q=0.5, application/fhir+json", "application/fhir+json; charset=utf-8"),
    ("image/png, application/fhir+json;q=0.5", "image/png"),
    ("image/jpeg, application/fhir+json;q=0.5", "application/fhir+json; charset=utf-8"),
    ("application/json", "application/json; charset=utf-8"), ("application/xml", "application/xml; charset=utf-8"),
    ("application/json, text/plain, */*", "application/json; charset=utf-8"),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "image/png"),
    ("application/fhir+json;q=0, image/*", "image/png"),
  ])
  func whoAsksForFHIRHasTheResource(accept: String, contentType: String) async throws {
    try await LiveServer.run { live in
      let id = try await live.upload("POST", "/Binary", Self.picture, "image/png").id()
      let read = try await live.fetch("GET", "/Binary/\(id)", accept)
      #expect(read.status == 200)
      #expect(read.header("content-type") == contentType)
      if contentType == "image/png" { #expect(read.body == Self.picture) }
    }
  }

  @Test func theFormatParameterStandsAboveAccept() async throws {
    try await LiveServer.run { live in
      let id = try await live.upload("POST", "/Binary", Self.picture, "image/png").id()
      for query in ["_format=json", "_summary=true", "_elements=contentType"] {
        let read = try await live.fetch("GET", "/Binary/\(id)?\(query)", "image/png, application/fhir+json;q=0.1")
        #expect(read.header("content-type") == "application/fhir+json; charset=utf-8", "\(query)")
      }
      let xml = try await live.fetch("GET", "/Binary/\(id)?_format=xml", "image/png")
      #expect(xml.header("content-type") == "application/fhir+xml; charset=utf-8")
      let unknown = try await live.fetch("GET", "/Binary/\(id)?_format=blah", "image/png")
      #expect(unknown.status == 406)
      #expect(try unknown.outcome().code == "not-supported")
      for accept in ["application/fhir+turtle", "application/fhir+json; fhirVersion=5.0"] {
        #expect(try await live.fetch("GET", "/Binary/\(id)", accept).status == 406)
      }
    }
  }

  @Test func aContentMayBeReplacedAndAskedAfter() async throws {
    try await LiveServer.run { live in
      let first = try await live.upload("PUT", "/Binary/scan-1", [1, 2, 3], "application/dicom")
      #expect(first.status == 201)
      #expect(try first.id() == "scan-1")
      let second = try await live.upload("PUT", "/Binary/scan-1", [4, 5], "text/plain; charset=iso-8859-1")
      #expect(second.status == 200)
      let read = try await live.fetch("GET", "/Binary/scan-1", "*/*")
      #expect(read.body == [4, 5])
      #expect(read.header("content-type") == "text/plain; charset=iso-8859-1")
      let kept = try await live.ask("GET", "/Binary/scan-1", ["Accept": "*/*", "If-None-Match": "W/\"2\""])
      #expect(kept.status == 304)
      #expect(kept.body.isEmpty)
      let old = try await live.fetch("GET", "/Binary/scan-1/_history/1", "*/*")
      #expect(old.body == [1, 2, 3])
      #expect(old.header("content-type") == "application/dicom")
      let stale = try await live.upload("PUT", "/Binary/scan-1", [6], "text/plain", ["If-Match": "W/\"1\""])
      #expect(stale.status == 412)
      #expect(try await live.ask("DELETE", "/Binary/scan-1").status == 204)
      let gone = try await live.fetch("GET", "/Binary/scan-1", "image/png")
      #expect(gone.status == 410)
      #expect(try gone.outcome().code == "deleted")
      let unknown = try await live.fetch("GET", "/Binary/none", "image/png")
      #expect(unknown.status == 404)
      #expect(try unknown.outcome().code == "not-found")
    }
  }

  /// "… except for the special case where the content is actually a Binary resource."
  @Test func aBinaryResourceIsNotWrappedAgain() async throws {
    try await LiveServer.run { live in
      let json = #"{"resourceType":"Binary","contentType":"text/plain","data":"aGVs\/bG8\u003d"}"#
        .replacing(#"aGVs\/bG8\u003d"#, with: #"\u0061GVsbG8\u003d"#)
      let xml = """
        <?xml version="1.0"?><!-- a comment --><f:Binary xmlns:f="http://hl7.org/fhir">\
        <f:contentType value="text/plain"/><f:data value="aGVs bG8="/></f:Binary>
        """.replacing("aGVs bG8=", with: "aGVs&#10;bG8=")
      for (body, type) in [(json, "application/fhir+json"), (json, "application/json"), (xml, "application/fhir+xml")] {
        let created = try await live.upload("POST", "/Binary", Array(body.utf8), type)
        #expect(created.status == 201, "\(created.text)")
        let read = try await live.fetch("GET", "/Binary/\(try created.id())", "text/plain")
        #expect(read.text == "hello")
        #expect(read.header("content-type") == "text/plain")
      }
    }
  }

  @Test func whateverElseIsContent() async throws {
    try await LiveServer.run { live in
      let bodies = [
        ("{\"resourceType\":\"Patient\"}", "application/fhir+json"), ("[1, 2]", "application/json"),
        ("<ClinicalDocument xmlns=\"urn:hl7-org:v3\"/>", "text/xml"), ("<a", "application/xml"),
        ("<Patient xmlns=\"http://hl7.org/fhir\"/>", "application/fhir+xml"),
        ("<!DOCTYPE x [<!ENTITY e \"v\">]><x>&e;</x>", "application/xml"),
      ]
      for (body, type) in bodies {
        let created = try await live.upload("POST", "/Binary", Array(body.utf8), type)
        #expect(created.status == 201, "\(body): \(created.text)")
        #expect(try created.json()["contentType"]?.string == type)
        let read = try await live.fetch("GET", "/Binary/\(try created.id())", "text/plain, */*")
        #expect(read.text == body)
      }
    }
  }

  @Test func badContentsAreRefused() async throws {
    try await LiveServer.run { live in
      let bytes: [UInt8] = [1, 2]
      for type in [
        "nonsense", "a/b/c", "text/", "/plain", "*/*", "text /plain", "text/plain; a=\u{e9}",
        "a/" + String(repeating: "b", count: 255),
      ] {
        let reply = try await live.upload("POST", "/Binary", bytes, type)
        #expect(reply.status == 415, "\(type)")
        #expect(try reply.outcome().code == "not-supported")
      }
      #expect(try await live.upload("POST", "/Binary", bytes, "a/" + String(repeating: "b", count: 254)).status == 201)
      let untyped = try await live.upload("POST", "/Binary", bytes, nil)
      #expect(untyped.status == 415)
      let empty = try await live.upload("POST", "/Binary", [], "image/png")
      #expect(empty.status == 400)
      let packed = try await live.upload("POST", "/Binary", bytes, "image/png", ["Content-Encoding": "gzip"])
      #expect(packed.status == 415)
      #expect(try packed.outcome().diagnostics.contains("Content-Encoding"))
      for broken in ["{", "{\"resourceType\":\"Binary\"}", "{\"resourceType\":\"Binary\",\"contentType\":1}"] {
        let reply = try await live.upload("POST", "/Binary", Array(broken.utf8), "application/fhir+json")
        #expect(reply.status == 400, "\(broken)")
        _ = try reply.outcome()
      }
      let elsewhere = try await live.upload("POST", "/Patient", bytes, "image/png")
      #expect(elsewhere.status == 415)
      #expect(try await live.upload("PUT", "/Binary/a_b", bytes, "image/png").status == 400)
    }
  }

  /// In base64 a content takes a third more, and as a resource it must fit into a body too.
  @Test func aContentHasALimit() async throws {
    var limits = Limits()
    limits.bodyBytesMax = 4_000
    try await LiveServer.run(limits: limits) { live in
      let most = [UInt8](repeating: 9, count: 3_000)
      let created = try await live.upload("POST", "/Binary", most, "image/png")
      #expect(created.status == 201)
      #expect(try await live.fetch("GET", "/Binary/\(try created.id())", "*/*").body == most)
      let refused = try await live.upload("POST", "/Binary", most + [9], "image/png")
      #expect(refused.status == 413)
      #expect(try refused.outcome().code == "too-long")
    }
  }

  @Test func aLargeContentTakesLittleTime() async throws {
    try await LiveServer.run { live in
      let bytes = (0..<20_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
      let begun = monotonicNanoseconds()
      let created = try await live.upload("PUT", "/Binary/large", bytes, "image/tiff", ["Prefer": "return=minimal"])
      #expect(created.status == 201)
      let read = try await live.fetch("GET", "/Binary/large", "image/tiff")
      #expect(read.body == bytes)
      #expect(monotonicNanoseconds() - begun < 20_000_000_000)
    }
  }

  @Test func theSecurityContextTravelsInAHeader() async throws {
    try await LiveServer.run { live in
      let patient = try await live.send("POST", "/Patient", VersionTests.patient).id()
      let headers = ["X-Security-Context": "Patient/\(patient)"]
      let created = try await live.upload("POST", "/Binary", [1], "image/png", headers)
      #expect(try created.json()["securityContext"]?["reference"]?.string == "Patient/\(patient)")
      let read = try await live.fetch("GET", "/Binary/\(try created.id())", "image/png")
      #expect(read.header("x-security-context") == "Patient/\(patient)")
      for bad in ["", String(repeating: "a", count: 1_025)] {
        let reply = try await live.upload("POST", "/Binary", [1], "image/png", ["X-Security-Context": bad])
        #expect(reply.status == 400)
        _ = try reply.outcome()
      }
      let twice = try await live.exchange(
        "POST", "/Binary", [1],
        ["Content-Type: image/png", "X-Security-Context: Patient/1", "X-Security-Context: Patient/2"])
      #expect(twice.status == 400)
      #expect(try twice.outcome().diagnostics.contains("x-security-context"))
    }
  }

  /// A stored page is not a page of this server's.
  @Test(arguments: [
    ("text/html", true), ("image/svg+xml", true), ("application/xhtml+xml", true), ("text/xml", true),
    ("application/javascript", true), ("application/octet-stream", true), ("image/png", false),
    ("text/plain; charset=utf-8", false), ("application/pdf", false), ("video/mp4", false),
  ])
  func noContentRunsHere(type: String, isSaved: Bool) async throws {
    try await LiveServer.run { live in
      let page = Array("<script>alert(1)</script>".utf8)
      let id = try await live.upload("POST", "/Binary", page, type).id()
      let read = try await live.fetch("GET", "/Binary/\(id)", "*/*")
      #expect(read.body == page)
      #expect(read.header("content-type") == type)
      #expect(read.header("content-disposition") == (isSaved ? "attachment" : nil))
      #expect(read.header("content-security-policy")?.contains("sandbox") == true)
      #expect(read.header("content-security-policy")?.contains("default-src 'none'") == true)
      #expect(read.header("x-content-type-options") == "nosniff")
      #expect(read.headers.count { $0.name == "content-security-policy" } == 1)
    }
  }

  /// A code may be anything without white space at its ends, a header value may not.
  @Test func aTypeThatIsNoneIsNotSent() async throws {
    try await LiveServer.run { live in
      for type in ["nonsense", "text/html\\u00e9", "a/b; x=\\u2028", "text/html,image/png"] {
        let body = #"{"resourceType":"Binary","contentType":"\#(type)","data":"PGI+"}"#
        let created = try await live.send("POST", "/Binary", body)
        guard created.status == 201 else {
          #expect(created.status == 400)
          continue
        }
        let read = try await live.fetch("GET", "/Binary/\(try created.id())", "*/*")
        #expect(read.status == 200)
        #expect(read.header("content-type") == "application/octet-stream", "\(type)")
        #expect(read.header("content-disposition") == "attachment")
        #expect(read.text == "<b>")
      }
      let without = try await live.send("POST", "/Binary", #"{"resourceType":"Binary","contentType":"text/plain"}"#)
      let read = try await live.fetch("GET", "/Binary/\(try without.id())", "*/*")
      #expect(read.status == 200)
      #expect(read.body.isEmpty)
      #expect(read.header("content-type") == "text/plain")
    }
  }

  /// A form of any web page may post plain text without asking; the browser says whose page it is.
  @Test func pagesOfOtherOriginsWriteNoContents() async throws {
    try await LiveServer.run(configure: { $0.cors.origins = ["https://app.example.org"] }) { live in
      for origin in ["https://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1.evil.example"] {
        let reply = try await live.upload("POST", "/Binary", [1], "text/plain", ["Origin": origin])
        #expect(reply.status == 403, "\(origin)")
        #expect(try reply.outcome().code == "forbidden")
      }
      for origin in ["https://app.example.org", "http://127.0.0.1:\(live.port)"] {
        let reply = try await live.upload("POST", "/Binary", [1], "text/plain", ["Origin": origin])
        #expect(reply.status == 201, "\(origin)")
      }
      #expect(try await live.ask("GET", "/Binary?_summary=count").json()["total"]?.integer == 2)
    }
  }
}

extension LiveServer {
  /// One request with header lines as they are, in their order.
  func exchange(_ method: String, _ path: String, _ body: [UInt8]?, _ lines: [String]) async throws -> Reply {
    var head = "\(method) \(Self.path)\(path) HTTP/1.1\r\nConnection: close\r\nHost: 127.0.0.1:\(port)\r\n"
    for line in lines { head += line + "\r\n" }
    if let body { head += "Content-Length: \(body.count)\r\n" }
    return try Reply(try await raw(Array((head + "\r\n").utf8) + (body ?? [])), toHead: method == "HEAD")
  }

  /// Sends a content.
  func upload(
    _ method: String, _ path: String, _ body: [UInt8], _ contentType: String?, _ headers: [String: String] = [:]
  ) async throws -> Reply {
    let lines = headers.map { "\($0.key): \($0.value)" } + (contentType.map { ["Content-Type: \($0)"] } ?? [])
    return try await exchange(method, path, body, lines)
  }

  /// Asks for a form, or for none.
  func fetch(_ method: String, _ path: String, _ accept: String?) async throws -> Reply {
    try await exchange(method, path, nil, accept.map { ["Accept: \($0)"] } ?? [])
  }
}
