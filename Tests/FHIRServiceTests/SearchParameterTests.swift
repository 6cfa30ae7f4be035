import FHIRService
import FHIRStore
import Foundation
import JSONCore
import Testing

/// A service's own search parameters (FHIR R4 searchparameter.html) as Azure carries them out.
@Suite struct SearchParameterTests {
  static func parameter(
    id: String? = nil, code: String, base: String = "Person", type: String = "string",
    expression: String? = "Person.name.given", url: String? = nil, status: String = "active", more: String = ""
  ) -> String {
    let bases = base.split(separator: ",").map { "\"\($0)\"" }.joined(separator: ",")
    return """
      {"resourceType":"SearchParameter",\(id.map { "\"id\":\"\($0)\"," } ?? "")"url":"\(url ?? "http://example.org/\(code)")",
       "name":"\(code.filter { $0 != "-" })","status":"\(status)","description":"A test's","code":"\(code)","base":[\(bases)],
       "type":"\(type)"\(expression.map { ",\"expression\":\"\($0)\"" } ?? "")\(more)}
      """
  }

  private func refusal(_ service: TestService, _ json: String) async throws -> (Int, String) {
    let reply = try await service.send(.post, "SearchParameter", json)
    return (reply.status, reply.diagnostics.joined(separator: "\n"))
  }

  /// The files of Azure's CustomSearchParamTests, and what its clients read in the outcome.
  @Test func badParametersAreRefused() async throws {
    try await withService { service in
      for (json, text) in [
        (
          Self.parameter(code: "d", base: "foo", expression: "Encounter.status"),
          "Literal 'foo' is not a valid value for enumeration 'ResourceType'"
        ),
        (
          Self.parameter(code: "d", base: "Encounter", type: "reference", expression: "Encounter.diagnosis.foo"),
          "Can't find 'Encounter.diagnosis.foo' in type 'Encounter'"
        ),
        (
          Self.parameter(code: "d", type: "foo"), "Literal 'foo' is not a valid value for enumeration 'SearchParamType'"
        ),
        (Self.parameter(code: "d", expression: nil), "not supported"),
        (Self.parameter(code: "d", type: "special"), "not supported"),
        (Self.parameter(code: "d", type: "number", expression: "Person.name"), "not supported"),
        (Self.parameter(code: "d", type: "date", expression: "Person.gender"), "not supported"),
        (Self.parameter(code: "d", expression: "Person.name-^&given"), "invalid entries"),
        (Self.parameter(code: "d", expression: "Person.name.nothing()"), "invalid entries"),
        (Self.parameter(code: "a:b"), "The code must be"),
        (Self.parameter(code: "_sort"), "meaning of its own"),
        (Self.parameter(code: "birthdate", type: "string"), "already exists for base type 'Person'"),
        (
          Self.parameter(code: "u", url: "http://example.org/" + String(repeating: "x", count: 110)),
          "exceeds the maximum length limit of 128"
        ),
        (
          Self.parameter(code: "u", url: "http://hl7.org/fhir/SearchParameter/Person-organization"), "already exists"
        ),
        (
          Self.parameter(
            code: "pair", base: "Observation", type: "composite", expression: "Observation",
            more:
              #","component":[{"definition":"http://example.org/none","expression":"code"},{"definition":"http://hl7.org/fhir/SearchParameter/clinical-code","expression":"code"}]"#
          ),
          "no search parameter 'http://example.org/none'"
        ),
      ] {
        let (status, outcome) = try await refusal(service, json)
        #expect(status == 400, "\(json)")
        #expect(outcome.contains(text), "\(outcome) instead of \(text)")
      }
      let noBase = Self.parameter(code: "d").replacingOccurrences(of: #""base":["Person"],"#, with: "")
      #expect(try await refusal(service, noBase).1.contains("cardinality is 1"))
      let noType = Self.parameter(code: "d").replacingOccurrences(of: #""type":"string","#, with: "")
      #expect(try await refusal(service, noType).1.contains("cardinality 1 cannot be null"))
      let long = String(repeating: "x", count: 128 - "http://example.org/".count)
      #expect(try await refusal(service, Self.parameter(code: "fits", url: "http://example.org/\(long)")).0 == 201)
    }
  }

  @Test func urlsAndCodesMeanOneThing() async throws {
    try await withService { service in
      #expect(try await service.send(.put, "SearchParameter/a", Self.parameter(id: "a", code: "one")).status == 201)
      let sameURL = Self.parameter(id: "b", code: "two", url: "http://example.org/one")
      #expect(try await service.send(.put, "SearchParameter/b", sameURL).status == 400)
      #expect(try await service.send(.post, "SearchParameter", sameURL).status == 400)
      let otherMeaning = Self.parameter(code: "one", expression: "Person.name.family", url: "http://example.org/x")
      let (status, text) = try await refusal(service, otherMeaning)
      #expect(status == 400)
      #expect(text.contains("same code value 'one'"))
      // On another type, the code is free; with the same meaning, it may be declared again.
      let elsewhere = Self.parameter(
        code: "one", base: "Patient", expression: "Patient.name.family", url: "http://example.org/y")
      #expect(try await refusal(service, elsewhere).0 == 201)
      #expect(try await refusal(service, Self.parameter(code: "one", url: "http://example.org/z")).0 == 201)
      let redeclared = Self.parameter(
        code: "name", base: "Patient", expression: "Patient.name", url: "http://example.org/ig-name")
      #expect(try await refusal(service, redeclared).0 == 201)
      #expect(try await service.send(.get, "Patient?name=x").body?["entry"] == nil)
      // The standard's own cannot be changed or deleted.
      let own = Self.parameter(
        id: "Patient-x", code: "x", url: "http://hl7.org/fhir/SearchParameter/Person-organization")
      #expect(try await service.send(.put, "SearchParameter/Patient-x", own).status == 405)
      #expect(try await service.send(.delete, "SearchParameter/Person-organization").status == 405)
      #expect(try await service.send(.delete, "SearchParameter/nobody").status == 404)
    }
  }

  @Test func bundlesAreCheckedAsAWhole() async throws {
    try await withService { service in
      func bundle(_ type: String, _ parameters: [String]) -> String {
        let entries = parameters.map {
          "{\"resource\":\($0),\"request\":{\"method\":\"POST\",\"url\":\"SearchParameter\"}}"
        }
        return "{\"resourceType\":\"Bundle\",\"type\":\"\(type)\",\"entry\":[\(entries.joined(separator: ","))]}"
      }
      let clash = [
        Self.parameter(code: "same-code"),
        Self.parameter(
          code: "same-code", base: "Resource", type: "token", expression: "Resource.id", url: "http://example.org/r"),
      ]
      let codes = try await service.send(.post, "", bundle("transaction", clash))
      #expect(codes.status == 400)
      #expect(codes.text.contains("Input search parameters have duplicate codes [(Person, same-code)]"))
      let urls = [
        Self.parameter(code: "p", url: "http://example.org/u"), Self.parameter(code: "q", url: "http://example.org/u"),
      ]
      let twice = try await service.send(.post, "", bundle("transaction", urls))
      #expect(twice.status == 400)
      #expect(twice.text.contains("duplicate Urls"))
      let batch = try await service.send(.post, "", bundle("batch", urls))
      #expect(batch.entries.compactMap { $0["response"]?["status"]?.string } == ["201", "400"])
      // What comes with a parameter in one bundle is written like everything else.
      let mixed = bundle("batch", [Self.parameter(code: "m")]).replacingOccurrences(
        of: "]}",
        with:
          #",{"resource":{"resourceType":"Person","name":[{"given":["Mia"]}]},"request":{"method":"POST","url":"Person"}}]}"#
      )
      let both = try await service.send(.post, "", mixed)
      #expect(both.entries.compactMap { $0["response"]?["status"]?.string } == ["201", "201"], "\(both.text)")
      #expect(try await service.send(.get, "Person?_summary=count").body?["total"]?.integer == 1)
    }
  }

  /// A parameter that not every resource is indexed for does not answer, and says why.
  @Test func aNewParameterWaitsForItsIndex() async throws {
    try await withService { service in
      service.service.start()
      _ = try await service.create("Person", #"{"resourceType":"Person","name":[{"given":["Ada"]}]}"#)
      #expect(try await service.send(.post, "SearchParameter", Self.parameter(code: "first")).status == 201)
      let late = try await service.create("Person", #"{"resourceType":"Person","name":[{"given":["Adam"]}]}"#)
      let waiting = try await service.send(.get, "Person?first=ada")
      #expect(waiting.status == 200)
      let outcome = waiting.entries.first?["resource"]?["issue"]?[0]?["diagnostics"]?.string ?? ""
      #expect(outcome.hasPrefix("The search parameter 'first' is not supported for resource type 'Person'."))
      #expect(outcome.contains("$reindex"))
      #expect(try await service.send(.get, "Person?first=ada", prefer: "handling=strict").status == 400)
      #expect(try await status(service, "http://example.org/first") == "Supported")
      #expect(try await !metadata(service).contains("http://example.org/first"))

      let job = try await service.reindex()
      #expect(job.parameter("status") == "Completed")
      // The second was written when the parameter was known.
      #expect(job.parameter("totalResourcesToReindex") == "1.0")
      #expect(job.parameter("resourcesSuccessfullyReindexed") == "1.0")
      #expect(try await service.send(.get, "Person?first=ada").ids.count == 2)
      #expect(try await service.send(.get, "Person?first:exact=Adam").ids == [late])
      #expect(try await status(service, "http://example.org/first") == "Enabled")
      #expect(try await metadata(service).contains("http://example.org/first"))
      #expect(try await service.send(.get, "Person?_sort=-first").ids.first == late)
    }
  }

  @Test func deletingStopsAtOnce() async throws {
    try await withService { service in
      service.service.start()
      _ = try await service.create("Person", #"{"resourceType":"Person","name":[{"given":["Ada"]}]}"#)
      #expect(try await service.send(.put, "SearchParameter/f", Self.parameter(id: "f", code: "first")).status == 201)
      _ = try await service.reindex()
      #expect(try await service.send(.get, "Person?first=ada").ids.count == 1)
      #expect(try await service.send(.delete, "SearchParameter/f").status == 204)
      #expect(try await service.send(.get, "SearchParameter/f").status == 410)
      #expect(try await service.send(.get, "Person?first=ada", prefer: "handling=strict").status == 400)
      #expect(try await status(service, "http://example.org/first") == nil)
      // Coming back with another meaning, it knows nothing of what was.
      let other = Self.parameter(id: "f", code: "first", expression: "Person.name.family")
      #expect(try await service.send(.put, "SearchParameter/f", other).status == 201)
      _ = try await service.reindex()
      #expect(try await service.send(.get, "Person?first=ada").ids.isEmpty)
      try await service.removeRetired(rowsMax: 1)
      #expect(try await service.lines().allSatisfy { !$0.contains(" 2 |") && !$0.contains(" 3 |") })
    }
  }

  @Test func retiredAndChanged() async throws {
    try await withService { service in
      service.service.start()
      _ = try await service.create("Person", #"{"resourceType":"Person","name":[{"family":"Fox","given":["Ada"]}]}"#)
      let retired = Self.parameter(id: "f", code: "first", status: "retired")
      #expect(try await service.send(.put, "SearchParameter/f", retired).status == 201)
      #expect(try await status(service, "http://example.org/first") == nil)
      let active = Self.parameter(id: "f", code: "first")
      #expect(try await service.send(.put, "SearchParameter/f", active).status == 200)
      _ = try await service.reindex()
      #expect(try await status(service, "http://example.org/first") == "Enabled")
      // Words about it change nothing; another expression does.
      let described = active.replacingOccurrences(of: "A test's", with: "Another's")
      #expect(try await service.send(.put, "SearchParameter/f", described).status == 200)
      #expect(try await status(service, "http://example.org/first") == "Enabled")
      #expect(try await metadata(service).contains("Another's"))
      let moved = Self.parameter(id: "f", code: "first", url: "http://example.org/moved")
      #expect(try await service.send(.put, "SearchParameter/f", moved).status == 200)
      #expect(try await status(service, "http://example.org/first") == nil)
      #expect(try await status(service, "http://example.org/moved") == "Enabled")
      let changed = Self.parameter(
        id: "f", code: "first", expression: "Person.name.family", url: "http://example.org/moved")
      #expect(try await service.send(.put, "SearchParameter/f", changed).status == 200)
      #expect(try await status(service, "http://example.org/moved") == "Supported")
      _ = try await service.reindex()
      #expect(try await service.send(.get, "Person?first=fox").ids.count == 1)
      #expect(try await service.send(.get, "Person?first=ada").ids.isEmpty)
    }
  }

  /// Parameters for all types, of every kind, and composites of own parameters.
  @Test func everyKind() async throws {
    try await withService { service in
      service.service.start()
      let extensions =
        #""extension":[{"url":"http://e.org/n","valueDecimal":4.5},{"url":"http://e.org/w","valuePeriod":{"start":"2024-01-01","end":"2024-02-01"}}]"#
      let id = try await service.create(
        "Observation",
        #"{"resourceType":"Observation",\#(extensions),"status":"final","code":{"coding":[{"system":"s","code":"c"}]},"note":[{"text":"Hello"}],"valueQuantity":{"value":3,"unit":"mg"},"subject":{"reference":"Patient/p"}}"#
      )
      for json in [
        Self.parameter(code: "own-id", base: "Resource", type: "token", expression: "Resource.id"),
        Self.parameter(code: "own-status", base: "Observation", type: "token", expression: "Observation.status"),
        Self.parameter(code: "own-note", base: "Observation", expression: "Observation.note.text"),
        Self.parameter(
          code: "own-number", base: "Observation", type: "number",
          expression: "Observation.extension.where(url='http://e.org/n').value as decimal"),
        Self.parameter(
          code: "own-when", base: "Observation", type: "date",
          expression: "Observation.extension('http://e.org/w').value"),
        Self.parameter(
          code: "own-value", base: "Observation", type: "quantity", expression: "(Observation.value as Quantity)"),
        Self.parameter(
          code: "own-subject", base: "Observation", type: "reference", expression: "Observation.subject",
          more: #","target":["Patient"]"#),
        Self.parameter(
          code: "own-pair", base: "Observation", type: "composite", expression: "Observation",
          more:
            #","component":[{"definition":"http://example.org/own-status","expression":"status"},{"definition":"http://example.org/own-value","expression":"value.as(Quantity)"}]"#
        ),
      ] {
        let reply = try await service.send(.post, "SearchParameter", json)
        #expect(reply.status == 201, "\(reply.text)")
      }
      _ = try await service.reindex()
      for query in [
        "own-id=\(id)", "own-status=final", "own-note=hel", "own-number=4.5", "own-number=gt4", "own-when=2024",
        "own-when=gt2024-01-15",
        "own-value=3||mg", "own-subject=Patient/p", "own-subject=p", "own-pair=final$3", "own-pair=final$gt2",
      ] {
        let reply = try await service.send(.get, "Observation?\(query)", prefer: "handling=strict")
        #expect(reply.ids == [id], "\(query): \(reply.text)")
      }
      for query in ["own-number=7", "own-when=2025", "own-pair=final$4", "own-pair=draft$3", "own-note:missing=true"] {
        #expect(try await service.send(.get, "Observation?\(query)", prefer: "handling=strict").ids == [], "\(query)")
      }
      #expect(try await service.send(.get, "?own-id=\(id)&_type=Observation,Patient").ids == [id])
      #expect(try await service.send(.get, "Observation?_include=Observation:own-subject").status == 200)
      // What a composite is made of stays.
      let part = try await service.send(.get, "SearchParameter?url=http://example.org/own-value")
      #expect(try await service.send(.delete, "SearchParameter/\(try #require(part.ids.first))").status == 409)
    }
  }

  // MARK: $status

  private func status(_ service: TestService, _ url: String) async throws -> String? {
    let reply = try await service.send(.get, "SearchParameter/$status?url=\(url)")
    #expect(reply.status == 200)
    return reply.body?["parameter"]?[0]?["part"]?[1]?["valueString"]?.string
  }

  private func metadata(_ service: TestService) async throws -> String { try await service.send(.get, "metadata").text }

  private func turn(_ service: TestService, _ url: String, _ status: String) async throws -> TestService.Reply {
    try await service.send(
      .put, "SearchParameter/$status",
      #"{"resourceType":"Parameters","parameter":[{"name":"searchParameterStatus","part":[{"name":"url","valueUrl":"\#(url)"},{"name":"status","valueString":"\#(status)"}]}]}"#
    )
  }

  @Test func statusesAreTold() async throws {
    try await withService { service in
      let all = try await service.send(.get, "SearchParameter/$status")
      #expect((all.body?["parameter"]?.count ?? 0) > 1_300)
      let byCode = try await service.send(.get, "SearchParameter/$status?code=gender&code=_query")
      #expect(byCode.text.contains("http://hl7.org/fhir/SearchParameter/individual-gender"))
      #expect(byCode.text.contains("Unsupported"))
      let byType = try await service.send(.get, "SearchParameter/$status?resourcetype=Basic&code=_id")
      #expect(byType.body?["parameter"]?.count == 1)
      let posted = try await service.send(
        .post, "SearchParameter/$status/_search?url=http://hl7.org/fhir/SearchParameter/Resource-id")
      #expect(posted.body?["parameter"]?.count == 1)
      let none = try await service.send(.get, "SearchParameter/$status?url=http://example.org/none")
      #expect(none.status == 200)
      #expect(none.body?["parameter"] == nil)
      #expect(try await service.send(.get, "SearchParameter/$status?nonsense=1").status == 400)
      #expect(try await service.send(.post, "SearchParameter/$status").status == 405)
      #expect(try await service.send(.get, "Patient/$status").status == 404)
    }
  }

  @Test func parametersAreSwitchedOffAndOn() async throws {
    try await withService { service in
      service.service.start()
      let url = "http://hl7.org/fhir/SearchParameter/individual-gender"
      let id = try await service.create("Patient", #"{"resourceType":"Patient","gender":"male"}"#)
      #expect(try await service.send(.get, "Patient?gender=male").ids == [id])
      let off = try await turn(service, url, "Disabled")
      #expect(off.status == 200, "\(off.text)")
      #expect(try await status(service, url) == "PendingDisable")
      #expect(try await service.send(.get, "Patient?gender=male", prefer: "handling=strict").status == 400)
      #expect(try await !metadata(service).contains(url))
      try await service.removeRetired(rowsMax: 100)
      #expect(try await status(service, url) == "Disabled")
      #expect(try await !service.lines().contains { $0.contains(".gender ") })
      let late = try await service.create("Patient", #"{"resourceType":"Patient","gender":"male"}"#)
      #expect(try await turn(service, url, "Supported").status == 200)
      #expect(try await status(service, url) == "Supported")
      _ = try await service.reindex()
      #expect(try await status(service, url) == "Enabled")
      #expect(try await service.send(.get, "Patient?gender=male").ids == [id, late])
    }
  }

  @Test func badSwitchesAreRefused() async throws {
    try await withService { service in
      let gender = "http://hl7.org/fhir/SearchParameter/individual-gender"
      #expect(try await turn(service, "http://example.org/none", "Disabled").status == 404)
      #expect(try await turn(service, gender, "Enabled").status == 400)
      #expect(try await turn(service, gender, "nonsense").status == 400)
      #expect(try await turn(service, "", "Disabled").status == 400)
      // Compartments, ids and what is answered from another's index need them.
      for url in ["Resource-id", "Resource-lastUpdated", "clinical-patient", "Observation-performer"] {
        let reply = try await turn(service, "http://hl7.org/fhir/SearchParameter/\(url)", "Disabled")
        #expect(reply.status == 400, "\(url)")
      }
      let name = try await turn(service, "http://hl7.org/fhir/SearchParameter/Patient-name", "Disabled")
      #expect(name.status == 400)
      #expect(name.text.contains("individual-phonetic"))
      #expect(try await service.send(.put, "SearchParameter/$status", #"{"resourceType":"Parameters"}"#).status == 400)
      #expect(try await service.send(.put, "SearchParameter/$status").status == 400)
    }
  }
}
