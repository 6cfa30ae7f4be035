import FHIRModel
import FHIRXML
import JSONCore
import Testing

/// FHIR R4 xml.html over the wire: every interaction takes and gives XML as it does JSON.
@Suite struct XMLTests {
  private static let xml = ["Content-Type": "application/fhir+xml", "Accept": "application/fhir+xml"]
  private static let patient =
    #"<Patient xmlns="http://hl7.org/fhir"><id value="x"/><active value="true"/><name><family value="Größe &amp; Co"/></name><birthDate value="1970-01-02"/></Patient>"#

  /// An answer's XML as JSON, read by the standard's tables.
  private static func json(_ text: String) throws -> JSONValue {
    try JSONDocument(XMLForm(schema: .r4).json(fromXML: Array(text.utf8))).value
  }

  @Test func resourcesGoInAndComeOut() async throws {
    try await LiveServer.run { live in
      let created = try await live.ask("PUT", "/Patient/x", Self.xml, body: Self.patient)
      #expect(created.status == 201, "\(created.text)")
      #expect(created.header("content-type") == "application/fhir+xml; charset=utf-8")
      #expect(created.header("etag") == "W/\"1\"")
      #expect(try Self.json(created.text)["meta"]?["versionId"]?.string == "1")
      // What came as XML is the same resource in JSON.
      let json = try await live.ask("GET", "/Patient/x")
      #expect(try json.json()["name"]?[0]?["family"]?.string == "Größe & Co")
      let read = try await live.ask("GET", "/Patient/x?_format=xml")
      #expect(read.text == created.text)
      let search = try await live.ask("GET", "/Patient?family=gro", ["Accept": "application/fhir+xml"])
      let bundle = try Self.json(search.text)
      #expect(bundle["type"]?.string == "searchset")
      #expect(bundle["entry"]?[0]?["resource"]?["id"]?.string == "x")
      let history = try await live.ask("GET", "/Patient/x/_history?_format=xml")
      #expect(try Self.json(history.text)["total"]?.integer == 1)
      let metadata = try await live.ask("GET", "/metadata", ["Accept": "application/fhir+xml"])
      #expect(try Self.json(metadata.text)["fhirVersion"]?.string == "4.0.1")
    }
  }

  @Test func aTransactionInXML() async throws {
    try await LiveServer.run { live in
      let bundle = """
        <Bundle xmlns="http://hl7.org/fhir"><type value="transaction"/>\
        <entry><fullUrl value="urn:uuid:1"/><resource><Patient><active value="true"/></Patient></resource>\
        <request><method value="POST"/><url value="Patient"/></request></entry>\
        <entry><resource><Basic><code><text value="x"/></code><subject><reference value="urn:uuid:1"/></subject></Basic>\
        </resource><request><method value="POST"/><url value="Basic"/></request></entry></Bundle>
        """
      let reply = try await live.ask("POST", "", Self.xml, body: bundle)
      #expect(reply.status == 200, "\(reply.text)")
      let entries = try Self.json(reply.text)["entry"]?.elements ?? []
      let id = entries.first?["resource"]?["id"]?.string ?? ""
      #expect(entries.last?["resource"]?["subject"]?["reference"]?.string == "Patient/\(id)")
    }
  }

  /// Faults come as OperationOutcomes in the form asked for, and nothing outside the body is ever looked at.
  @Test(arguments: [
    "<Patient xmlns=\"http://hl7.org/fhir\"><active value=\"true\"></Patient>",
    "<Patient><active value=\"true\"/></Patient>",
    "<Patient xmlns=\"http://hl7.org/fhir\"><bogus value=\"true\"/></Patient>",
    "<!DOCTYPE p [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><Patient xmlns=\"http://hl7.org/fhir\"><name><family value=\"&e;\"/></name></Patient>",
    "<!DOCTYPE l [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><Patient xmlns=\"http://hl7.org/fhir\"><id value=\"&b;\"/></Patient>",
    "", "{}", "<x",
  ])
  func bodiesThatAreRefused(body: String) async throws {
    try await LiveServer.run { live in
      let reply = try await live.ask("POST", "/Patient", Self.xml, body: body)
      #expect(reply.status == 400)
      #expect(reply.header("content-type") == "application/fhir+xml; charset=utf-8")
      let outcome = try Self.json(reply.text)
      #expect(outcome["resourceType"]?.string == "OperationOutcome")
      #expect(outcome["issue"]?[0]?["severity"]?.string == "error")
      #expect(!reply.text.contains("root:"))
      #expect(try await live.ask("GET", "/Patient/none", ["Accept": "application/xml"]).text.hasPrefix("<?xml"))
    }
  }

  /// `_pretty` (FHIR R4 http#parameters) changes the white space and nothing else.
  @Test func prettyAnswers() async throws {
    try await LiveServer.run { live in
      _ = try await live.ask("PUT", "/Patient/x", Self.xml, body: Self.patient)
      let plain = try await live.ask("GET", "/Patient/x")
      let pretty = try await live.ask("GET", "/Patient/x?_pretty=true")
      #expect(pretty.text.contains("\n  \"active\": true"))
      let compact = try JSONDocument(pretty.text).value.json
      #expect(String(decoding: compact, as: UTF8.self) == plain.text)
      let xml = try await live.ask("GET", "/Patient/x?_pretty=true&_format=xml")
      #expect(xml.text.contains("\n  <active value=\"true\"/>"))
    }
  }
}
