import Foundation
import Base
import FHIRService
import JSONCore
import Testing

/// FHIR R4 search.html, for the parameters of one resource.
@Suite struct SearchTests {
  private static func observation(
    _ id: String, value: String = "5", code: String = "8867-4", date: String = "1980-05-11",
    subject: String = "Patient/a"
  ) -> String {
    """
    {"resourceType":"Observation","id":"\(id)","status":"final",
     "code":{"coding":[{"system":"http://loinc.org","code":"\(code)"}]},"subject":{"reference":"\(subject)"},
     "effectiveDateTime":"\(date)",
     "valueQuantity":{"value":\(value),"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}}
    """
  }

  private static func put(_ service: TestService, _ type: String, _ list: [(String, String)]) async throws {
    for (id, json) in list {
      let reply = try await service.send(.put, "\(type)/\(id)", json)
      #expect(reply.status == 201, "\(reply.text)")
    }
  }

  private static func expect(_ service: TestService, _ url: String, _ ids: [String]) async throws {
    let reply = try await service.send(.get, url)
    #expect(reply.status == 200, "\(url): \(reply.text)")
    #expect(reply.ids.sorted() == ids.sorted(), "\(url)")
  }

  @Test func strings() async throws {
    try await withService { service in
      try await Self.put(
        service, "Patient",
        [
          (
            "1",
            #"{"resourceType":"Patient","id":"1","name":[{"family":"Müller","given":["Jörg"]}],"address":[{"city":"Seattle"}]}"#
          ),
          (
            "2",
            #"{"resourceType":"Patient","id":"2","name":[{"family":"Muller","given":["Ann"]}],"address":[{"city":"SEATTLE"}]}"#
          ),
          ("3", #"{"resourceType":"Patient","id":"3","name":[{"family":"Smith, John"}],"address":[{"city":"Sea"}]}"#),
          ("4", #"{"resourceType":"Patient","id":"4"}"#),
        ])
      let cases: [(String, [String])] = [
        ("family=muller", ["1", "2"]), ("family=MÜLL", ["1", "2"]), ("family=uller", []),
        ("family:exact=Muller", ["2"]), ("family:exact=muller", []), ("family:exact=M%C3%BCller", ["1"]),
        ("family:contains=ulle", ["1", "2"]), ("family=Smith%5C,%20John", ["3"]), ("family=ann,smith", ["3"]),
        ("name=ann", ["2"]), ("name=ann&name=muller", ["2"]), ("name=ann&name=smith", []),
        ("address-city=seattle", ["1", "2"]), ("address-city=sea", ["1", "2", "3"]),
        ("family:missing=true", ["4"]), ("family:missing=false", ["1", "2", "3"]),
        ("family=muller&address-city=seattle&name:missing=false", ["1", "2"]),
      ]
      for (query, ids) in cases { try await Self.expect(service, "Patient?\(query)", ids) }
    }
  }

  @Test func tokens() async throws {
    try await withService { service in
      try await Self.put(
        service, "Patient",
        [
          (
            "1",
            #"{"resourceType":"Patient","id":"1","gender":"female","active":true,"identifier":[{"system":"urn:a","value":"x"}],"meta":{"tag":[{"system":"urn:t","code":"one"}]}}"#
          ),
          (
            "2",
            #"{"resourceType":"Patient","id":"2","gender":"male","identifier":[{"system":"urn:b","value":"x"},{"value":"y"}]}"#
          ),
          (
            "3",
            #"{"resourceType":"Patient","id":"3","identifier":[{"system":"urn:a","value":"X"}],"meta":{"profile":["http://p/1|2"]}}"#
          ),
        ])
      let cases: [(String, [String])] = [
        ("identifier=x", ["1", "2"]), ("identifier=urn:a%7Cx", ["1"]), ("identifier=%7Cx", []),
        ("identifier=%7Cy", ["2"]),
        ("identifier=urn:a%7C", ["1", "3"]), ("identifier=urn:none%7Cx", []),
        ("identifier=urn:b%7Cx,urn:a%7CX", ["2", "3"]),
        ("gender=female", ["1"]), ("gender=http://hl7.org/fhir/administrative-gender%7Cmale", ["2"]),
        ("gender=%7Cmale", []),
        ("gender:not=male", ["1", "3"]), ("gender:missing=true", ["3"]), ("active=true", ["1"]),
        ("_tag=one", ["1"]), ("_tag=urn:t%7Cone", ["1"]), ("_tag:not=one", ["2", "3"]),
        ("_id=1,3,1,nobody", ["1", "3"]), ("_id=1&gender=female", ["1"]), ("_id=1&gender=male", []),
        ("_id:not=1,2", ["3"]),
        ("_profile=http://p/1", ["3"]), ("_profile=http://p/1%7C2", ["3"]), ("_profile=http://p/1%7C3", []),
        ("identifier:not=urn:none%7Cx", ["1", "2", "3"]),
      ]
      for (query, ids) in cases { try await Self.expect(service, "Patient?\(query)", ids) }
      #expect(try await service.send(.get, "Patient?identifier=a%7Cb%7Cc%7Cd").status == 400)
    }
  }

  @Test func references() async throws {
    try await withService { service in
      try await Self.put(
        service, "Observation",
        [
          ("1", Self.observation("1", subject: "Patient/a")), ("2", Self.observation("2", subject: "Group/a")),
          ("3", Self.observation("3", subject: "http://other.example/fhir/Patient/a/_history/2")),
          ("4", Self.observation("4", subject: "Patient/b")),
        ])
      let cases: [(String, [String])] = [
        ("subject=Patient/a", ["1"]), ("subject=a", ["1", "2"]), ("subject:Patient=a", ["1"]), ("patient=a", ["1"]),
        ("subject=http://other.example/fhir/Patient/a", ["3"]), ("subject=Patient/a,Patient/b", ["1", "4"]),
        ("subject=patient/a", []), ("subject=Patient/c", []),
        ("subject=Patient/a&code=http://loinc.org%7C8867-4&status=final", ["1"]),
      ]
      for (query, ids) in cases { try await Self.expect(service, "Observation?\(query)", ids) }
    }
  }

  /// The containment rules of R4 search#prefix, for every precision.
  @Test func dates() async throws {
    try await withService { service in
      let stored = [
        "1979-12-31", "1980", "1980-05", "1980-05-11", "1980-05-11T16:32:15Z", "1980-05-11T16:32:15.500Z", "1981-01-01",
      ]
      try await Self.put(
        service, "Observation", stored.enumerated().map { ("\($0)", Self.observation("\($0)", date: $1)) })
      let cases: [(String, [String])] = [
        ("1980", ["1", "2", "3", "4", "5"]), ("1980-05", ["2", "3", "4", "5"]), ("1980-05-11", ["3", "4", "5"]),
        ("1980-05-10", []), ("1980-05-11T16:32:15Z", ["4", "5"]), ("1980-05-11T16:32Z", ["4", "5"]),
        ("1980-05-11T16:32:15.500Z", ["5"]), ("1980-05-11T18:32:15.500%2B02:00", ["5"]),
        ("1980-05-11T18:32:15.500+02:00", ["5"]),
        ("ne1980", ["0", "6"]), ("lt1980", ["0"]), ("gt1980", ["6"]), ("ge1981", ["6"]), ("le1979", ["0"]),
        ("sa1980-05-11", ["6"]), ("eb1980-05-11", ["0"]), ("gt1980-05-11", ["1", "2", "6"]),
        ("lt1980-05-11", ["0", "1", "2"]),
        ("1979-12-31,1981-01-01", ["0", "6"]), ("ge1980&date=le1980", ["1", "2", "3", "4", "5"]),
      ]
      for (value, ids) in cases { try await Self.expect(service, "Observation?date=\(value)", ids) }
      for value in ["***", "1973-02-30", "", "198"] {
        #expect(try await service.send(.get, "Observation?date=\(value)").status == 400, "\(value)")
      }
    }
  }

  @Test func numbersAndQuantities() async throws {
    try await withService { service in
      let values = ["0.002", "1", "3.12", "4", "5", "5.000", "6", "8.95", "10"]
      try await Self.put(
        service, "Observation", values.enumerated().map { ("\($0)", Self.observation("\($0)", value: $1)) })
      let cases: [(String, [String])] = [
        ("5", ["4", "5"]), ("5.000", ["4", "5"]), ("2e-3", ["0"]), ("2.00e-3", ["0"]), ("lt1", ["0"]),
        ("le1", ["0", "1"]),
        ("gt8.95", ["8"]), ("ge8.95", ["7", "8"]), ("lt5.01&value-quantity=gt4.99", ["4", "5"]),
        ("ne5", ["0", "1", "2", "3", "6", "7", "8"]),
        ("3.1", ["2"]), ("3.12", ["2"]), ("3.13", []), ("9", ["7"]), ("ap10", ["8"]),
        ("5%7Chttp://unitsofmeasure.org%7Cmg", ["4", "5"]), ("5%7C%7Cmg", ["4", "5"]),
        ("5%7Chttp://unitsofmeasure.org%7Ckg", []),
        ("5%7Curn:other%7Cmg", []), ("gt9%7C%7Cmg", ["8"]),
      ]
      for (value, ids) in cases { try await Self.expect(service, "Observation?value-quantity=\(value)", ids) }
      for value in ["foo", "gt", "1%7C2%7C3%7C4", "5,x"] {
        #expect(try await service.send(.get, "Observation?value-quantity=\(value)").status == 400, "\(value)")
      }
      let risk =
        #"{"resourceType":"RiskAssessment","id":"r","status":"final","subject":{"reference":"Patient/1"},"prediction":[{"probabilityDecimal":0.5}]}"#
      try await Self.put(service, "RiskAssessment", [("r", risk)])
      try await Self.expect(service, "RiskAssessment?probability=gt0.4", ["r"])
      try await Self.expect(service, "RiskAssessment?probability=lt0.4", [])
    }
  }

  @Test func lastUpdatedAndURI() async throws {
    try await withService { service in
      let reply = try await service.send(
        .put, "ValueSet/v", #"{"resourceType":"ValueSet","id":"v","url":"http://x.example/vs","status":"active"}"#)
      let updated = try #require(reply.body?["meta"]?["lastUpdated"]?.string)
      try await Self.expect(service, "ValueSet?_lastUpdated=\(updated)", ["v"])
      try await Self.expect(service, "ValueSet?_lastUpdated=lt\(updated)", [])
      try await Self.expect(service, "ValueSet?_lastUpdated=ge\(updated)", ["v"])
      try await Self.expect(service, "ValueSet?_lastUpdated=gt2000", ["v"])
      try await Self.expect(service, "ValueSet?url=http://x.example/vs", ["v"])
      try await Self.expect(service, "ValueSet?url=http://x.example", [])
    }
  }

  /// Pages neither skip nor repeat; the total is counted once; tokens hold only for their query.
  @Test func paging() async throws {
    try await withService { service in
      for number in 0..<23 {
        _ = try await service.create("Patient", #"{"resourceType":"Patient","active":\#(number % 2 == 0)}"#)
      }
      let all = try await service.send(.get, "Patient?_count=100").ids
      #expect(all.count == 23)
      #expect(try await service.send(.get, "Patient").ids.count == 10)
      var seen: [String] = []
      var url: String? = "Patient?active=true,false&_total=accurate&_count=5"
      var pages = 0
      while let next = url {
        let page = try await service.send(.get, next)
        #expect(page.body?["total"]?.integer == (pages == 0 ? 23 : nil))
        seen += page.ids
        url = page.link("next")
        if let url { #expect(url.hasPrefix("\(TestService.base)/Patient?active=true,false&_count=5&ct=")) }
        pages += 1
      }
      #expect(pages == 5)
      #expect(seen == all)
      let first = try await service.send(.get, "Patient?_count=5")
      let token = try #require(first.link("next")?.components(separatedBy: "ct=").last)
      #expect(try await service.send(.get, "Patient?_count=6&ct=\(token)").status == 400)
      #expect(try await service.send(.get, "Patient?_count=5&ct=YWJj").status == 400)
      let count = try await service.send(.get, "Patient?active=true&_summary=count")
      #expect(count.body?["total"]?.integer == 12)
      #expect(count.entries.isEmpty)
      #expect(try await service.send(.get, "Patient?_count=0").body?["total"]?.integer == 23)
      let large = try await service.send(.get, "Patient?_count=2147483647")
      #expect(large.ids.count == 23)
      #expect(large.entries[0]["resource"]?["issue"]?[0]?["diagnostics"]?.string?.contains("exceeds limit") == true)
    }
  }

  @Test func unknownParameters() async throws {
    try await withService { service in
      _ = try await service.create("Patient", #"{"resourceType":"Patient","active":true}"#)
      let lenient = try await service.send(.get, "Patient?Cookie=1&active=true&active=true")
      #expect(lenient.status == 200)
      let issue = lenient.entries[0]["resource"]?["issue"]?[0]
      #expect(issue?["severity"]?.string == "warning")
      #expect(issue?["code"]?.string == "not-supported")
      #expect(
        issue?["diagnostics"]?.string == "The search parameter 'Cookie' is not supported for resource type 'Patient'.")
      #expect(lenient.ids.count == 1)
      #expect(lenient.link("self") == "\(TestService.base)/Patient?active=true")
      #expect(try await service.send(.get, "Patient?Cookie=1", prefer: "handling=strict").status == 400)
      #expect(try await service.send(.get, "Patient?active=true", prefer: "handling=strict").status == 200)
      #expect(try await service.send(.get, "Patient?active=true", prefer: "handling=foo").status == 400)
      for query in ["_summary=_count", "_summary=xyz", "_count=abc", "_total=xyz", "active:bogus=true"] {
        #expect(try await service.send(.get, "Patient?\(query)").status == 400, "\(query)")
      }
    }
  }

  @Test func systemSearch() async throws {
    try await withService { service in
      _ = try await service.create("Patient", #"{"resourceType":"Patient","meta":{"tag":[{"code":"t"}]}}"#)
      _ = try await service.create(
        "Group", #"{"resourceType":"Group","type":"person","actual":true,"meta":{"tag":[{"code":"t"}]}}"#)
      _ = try await service.create("Basic", #"{"resourceType":"Basic","code":{"text":"x"}}"#)
      #expect(try await service.send(.get, "?_tag=t").ids.count == 2)
      #expect(try await service.send(.get, "?_type=Patient,Group").ids.count == 2)
      #expect(try await service.send(.get, "?_type=Patient&_tag=t").ids.count == 1)
      #expect(try await service.send(.get, "").ids.count == 3)
      let unknown = try await service.send(.get, "?_type=Patient1")
      #expect(unknown.status == 200)
      #expect(unknown.ids.isEmpty)
      #expect(
        unknown.entries[0]["resource"]?["issue"]?[0]?["diagnostics"]?.string
          == "The '_type' parameter contains unknown resource(s): 'Patient1'")
      #expect(try await service.send(.get, "?_type=").status == 400)
      #expect(try await service.send(.get, "?_type=Encounter,Practitioner&subject=Patient/1").status == 400)
    }
  }
}

extension SearchTests {
  /// A page ends where its resources reach the limit; the next link leads through all of them.
  @Test func pagesOfBoundedSize() async throws {
    var limits = Limits()
    limits.pageBytesMax = 3_000
    try await withService(limits: limits) { service in
      let text = String(repeating: "x", count: 990)
      for _ in 0..<7 {
        _ = try await service.create("Basic", #"{"resourceType":"Basic","code":{"text":"\#(text)"}}"#)
      }
      var url: String? = "Basic?_count=100"
      var sizes: [Int] = []
      while let next = url {
        let page = try await service.send(.get, next)
        sizes.append(page.ids.count)
        url = page.link("next")
      }
      #expect(sizes.reduce(0, +) == 7)
      #expect(sizes.max() == 3)
      let history = try await service.send(.get, "_history?_count=100")
      #expect(history.entries.count == 3)
      #expect(history.link("next") != nil)
    }
  }
}

extension SearchTests {
  /// FHIR R4 search#summary and #elements, in searches, reads and histories.
  @Test func shapes() async throws {
    try await withService { service in
      try await service.send(
        .put, "Patient/p",
        #"{"resourceType":"Patient","id":"p","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"},"active":true,"birthDate":"1970-01-01","contact":[{"name":{"family":"c"}}]}"#
      )
      func resource(_ url: String) async throws -> JSONValue? {
        let reply = try await service.send(.get, url)
        #expect(reply.status == 200, "\(url): \(reply.text)")
        return reply.entries.first?["resource"] ?? reply.body
      }
      for url in ["Patient?_id=p&", "Patient/p?", "Patient/p/_history?"] {
        let summary = try await resource(url + "_summary=true")
        #expect(summary?["contact"] == nil)
        #expect(summary?["birthDate"]?.string == "1970-01-01")
        let data = try await resource(url + "_summary=data")
        #expect(data?["text"] == nil)
        #expect(data?["contact"] != nil)
        let text = try await resource(url + "_summary=text")
        #expect(text?["text"] != nil)
        #expect(text?["birthDate"] == nil)
        let elements = try await resource(url + "_elements=birthDate,bogus")
        #expect(elements?["birthDate"] != nil)
        #expect(elements?["contact"] == nil)
        // Modifier elements stay whatever is asked for (FHIR R4 search#elements).
        #expect(elements?["active"]?.bool == true)
        #expect(elements?["id"]?.string == "p")
        #expect(elements?["meta"]?["tag"]?.elements.contains { $0["code"]?.string == "SUBSETTED" } == true)
        #expect(try await resource(url + "_summary=false")?["contact"] != nil)
      }
      let link = try await service.send(.get, "Patient?_elements=birthDate&_count=1")
      #expect(link.link("self") == "\(TestService.base)/Patient?_elements=birthDate&_count=1")
      #expect(try await service.send(.get, "Patient?_elements=a&_summary=true").status == 400)
    }
  }
}
