import Base
import FHIRModel
import FHIRSearch
import FHIRService
import JSONCore
import Testing

/// `$fhirpath` by the convention of the FHIRPath Lab's server API; every answer must be sound R4 besides.
@Suite struct FHIRPathOperationTests {
  static let patient = """
    {"resourceType":"Patient","id":"example","active":true,
     "text":{"status":"generated","div":"<div xmlns=\\"http://www.w3.org/1999/xhtml\\">Peter</div>"},
     "identifier":[{"use":"usual","system":"urn:oid:1.2.36.146.595.217.0.1","value":"12345"}],
     "name":[{"use":"official","family":"Chalmers","given":["Peter","James"]},{"use":"usual","given":["Jim"]}],
     "gender":"male","birthDate":"1974-12-25",
     "_birthDate":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthTime",
       "valueDateTime":"1974-12-25T14:35:45-05:00"}]},
     "deceasedBoolean":false,
     "contact":[{"name":{"family":"du Marché","given":["Bénédicte"]},"gender":"female"}],
     "contained":[{"resourceType":"Organization","id":"o","name":"Acme"}],
     "managingOrganization":{"reference":"#o"}}
    """

  /// A request by POST.
  static func body(
    _ expression: String, context: String? = nil, resource: String? = patient, variables: String? = nil
  ) -> String {
    var parameters = [#"{"name":"expression","valueString":\#(quoted(expression))}"#]
    if let context { parameters.append(#"{"name":"context","valueString":\#(quoted(context))}"#) }
    if let resource { parameters.append(#"{"name":"resource","resource":\#(resource)}"#) }
    if let variables { parameters.append(#"{"name":"variables","part":[\#(variables)]}"#) }
    return #"{"resourceType":"Parameters","parameter":[\#(parameters.joined(separator: ","))]}"#
  }

  static func quoted(_ text: String) -> String {
    var writer = JSONWriter()
    writer.string(text)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  /// Asks, and checks that a success is a sound Parameters resource.
  func ask(_ service: TestService, _ body: String) async throws -> TestService.Reply {
    let reply = try await service.send(.post, "$fhirpath", body)
    try expectSound(reply)
    return reply
  }

  func expectSound(_ reply: TestService.Reply) throws {
    guard reply.status == 200, let body = reply.body else { return }
    let check = StructureCheck(schema: .r4)
    let parameters = try #require(Schema.r4.resourceType("Parameters"))
    #expect(
      check.issues(of: body.document, expecting: parameters).map(\.diagnostics) == [], "\(reply.text.prefix(2_000))")
  }

  func results(_ reply: TestService.Reply) -> [JSONValue] {
    (reply.body?["parameter"]?.elements ?? []).filter { $0["name"]?.string == "result" }
  }

  /// The items of the only result as `name=JSON of the value`.
  func items(_ service: TestService, _ body: String) async throws -> [String] {
    let reply = try await ask(service, body)
    #expect(reply.status == 200, "\(reply.text)")
    let results = results(reply)
    #expect(results.count == 1)
    return (results.first?["part"]?.elements ?? []).map { show($0) }
  }

  /// For values that are awaited, which `#expect` does not take inside closures.
  func expectEqual<Value: Equatable>(
    _ value: Value, _ expected: Value, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(value == expected, comment, sourceLocation: sourceLocation)
  }

  func show(_ part: JSONValue) -> String {
    let name = part["name"]?.string ?? "?"
    let shown = part.members.filter { $0.name != "name" && $0.name != "extension" }
      .map { "\($0.name)=\(String(decoding: $0.value.json, as: UTF8.self))" }
    if !shown.isEmpty { return "\(name) \(shown.joined(separator: " "))" }
    return jsonValue(part).map { "\(name) json \($0)" } ?? name
  }

  func jsonValue(_ part: JSONValue) -> String? { extensionText(part, "json-value") }

  func extensionText(_ part: JSONValue, _ name: String) -> String? {
    let url = "http://fhir.forms-lab.com/StructureDefinition/" + name
    return part["extension"]?.elements.first { $0["url"]?.string == url }?["valueString"]?.string
  }

  // MARK: - Requests

  @Test func anExpressionAloneByGET() async throws {
    try await withService { service in
      let reply = try await service.send(.get, "$fhirpath?expression=1%20%2B%202")
      try expectSound(reply)
      #expect(reply.status == 200)
      let echo = try #require(reply.body?["parameter"]?[0])
      #expect(echo["name"]?.string == "parameters")
      let parts = echo["part"]?.elements ?? []
      #expect(parts.map { $0["name"]?.string } == ["evaluator", "expression"])
      #expect(parts.last?["valueString"]?.string == "1 + 2")
      let result = results(reply)
      #expect(result.count == 1)
      #expect(result[0]["valueString"] == nil)
      #expect(result[0]["part"]?.elements.map { show($0) } == ["integer valueInteger=3"])
    }
  }

  @Test func contextAndResourceByGET() async throws {
    try await withService { service in
      let resource = QueryString.encode(#"{"resourceType":"Patient","name":[{"family":"A"},{"family":"B"}]}"#)
      let reply = try await service.send(.get, "$fhirpath?expression=family&context=name&resource=\(resource)")
      try expectSound(reply)
      #expect(results(reply).map { $0["valueString"]?.string } == ["Patient.name[0]", "Patient.name[1]"])
      #expect(results(reply).map { $0["part"]?[0]?["valueString"]?.string } == ["A", "B"])
    }
  }

  @Test func theAnswerRepeatsTheRequest() async throws {
    try await withService { service in
      let reply = try await ask(
        service, Self.body("given", context: "name", variables: #"{"name":"x","valueString":"testMe"}"#))
      let parts = reply.body?["parameter"]?[0]?["part"]?.elements ?? []
      #expect(parts.map { $0["name"]?.string } == ["evaluator", "expression", "context", "resource", "variables"])
      let sent = try JSONDocument(Self.patient).value.json
      #expect(parts[3]["resource"]?.json == sent)
      #expect(parts[4]["part"]?[0]?["valueString"]?.string == "testMe")
      // Each item of the context has a result with its path, items have theirs.
      #expect(results(reply).map { $0["valueString"]?.string } == ["Patient.name[0]", "Patient.name[1]"])
      let given = results(reply)[0]["part"]?.elements ?? []
      #expect(given.map { show($0) } == [#"string valueString="Peter""#, #"string valueString="James""#])
      #expect(extensionText(given[1], "resource-path") == "Patient.name[0].given[1]")
    }
  }

  @Test func theResourceAsJSONText() async throws {
    try await withService { service in
      let text = Self.quoted(Self.patient)
      let asString = #"""
        {"resourceType":"Parameters","parameter":[{"name":"expression","valueString":"gender"},
          {"name":"resource","valueString":\#(text)}]}
        """#
      expectEqual(try await items(service, asString), [#"code valueCode="male""#])
      let asExtension = #"""
        {"resourceType":"Parameters","parameter":[{"name":"expression","valueString":"gender"},
          {"name":"resource","extension":[
            {"url":"http://fhir.forms-lab.com/StructureDefinition/json-value","valueString":\#(text)}]}]}
        """#
      expectEqual(try await items(service, asExtension), [#"code valueCode="male""#])
    }
  }

  @Test func theResourceAsBody() async throws {
    try await withService { service in
      let reply = try await service.send(.post, "$fhirpath?expression=gender", Self.patient)
      try expectSound(reply)
      #expect(results(reply).first?["part"]?[0]?["valueCode"]?.string == "male")
    }
  }

  @Test func variables() async throws {
    try await withService { service in
      let variables = #"""
        {"name":"word","valueString":"a"},{"name":"word","valueString":"b"},{"name":"none"},
        {"name":"when","valueDate":"2020-02","_valueDate":{"extension":[{"url":"urn:e","valueCode":"c"}]}},
        {"name":"other","resource":{"resourceType":"Patient","id":"p2"}},
        {"name":"size","valueQuantity":{"value":3.0,"unit":"mg"}}
        """#
      func value(_ expression: String) async throws -> [String] {
        try await items(service, Self.body(expression, variables: variables))
      }
      expectEqual(try await value("%word.join('-')"), [#"string valueString="a-b""#])
      expectEqual(try await value("%none.count()"), ["integer valueInteger=0"])
      expectEqual(
        try await value("%when"),
        [#"date valueDate="2020-02" _valueDate={"extension":[{"url":"urn:e","valueCode":"c"}]}"#])
      expectEqual(try await value("%other.id"), [#"id valueId="p2""#])
      expectEqual(try await value("%size.value"), ["decimal valueDecimal=3.0"])
      expectEqual(try await value("%resource.id | %other.id").count, 2)
    }
  }

  @Test func contextResourceAndRootResource() async throws {
    try await withService { service in
      let body = Self.body("%context.family.exists() | %resource.id | %rootResource.id", context: "name.first()")
      expectEqual(try await items(service, body), ["boolean valueBoolean=true", #"id valueId="example""#])
      // A context of computed values has no paths.
      let reply = try await ask(service, Self.body("$this + 1", context: "1 | 2"))
      #expect(results(reply).map { $0["valueString"]?.string } == ["1 | 2[0]", "1 | 2[1]"])
      // And one without items no results.
      let none = try await ask(service, Self.body("1", context: "photo"))
      #expect(none.status == 200)
      #expect(results(none).isEmpty)
    }
  }

  @Test func tracesArePartsOfTheirResult() async throws {
    try await withService { service in
      let reply = try await ask(service, Self.body("given.trace('trc').count()", context: "name"))
      let parts = results(reply).map { $0["part"]?.elements ?? [] }
      #expect(parts.count == 2)
      #expect(parts[0].map { $0["name"]?.string } == ["integer", "trace"])
      #expect(parts[0][1]["valueString"]?.string == "trc")
      #expect(parts[0][1]["part"]?.elements.map { $0["valueString"]?.string } == ["Peter", "James"])
      #expect(parts[1][1]["part"]?.elements.map { $0["valueString"]?.string } == ["Jim"])
      // Nothing traced, and a name that no FHIR string may have.
      let empty = try await ask(service, Self.body(#"photo.trace('\f')"#))
      #expect(results(empty)[0]["part"]?.elements.map { show($0) } == ["trace"])
    }
  }

  @Test func resolveStaysWithinTheRequest() async throws {
    try await withService { service in
      let id = try await service.create("Organization", #"{"resourceType":"Organization","name":"Stored"}"#)
      expectEqual(
        try await items(service, Self.body("managingOrganization.resolve().name")), [#"string valueString="Acme""#])
      let stored = #"{"resourceType":"Patient","managingOrganization":{"reference":"Organization/\#(id)"}}"#
      expectEqual(try await items(service, Self.body("managingOrganization.resolve()", resource: stored)), [])
      let bundle = #"""
        {"resourceType":"Bundle","type":"collection","entry":[
          {"fullUrl":"http://x.org/fhir/Patient/1","resource":{"resourceType":"Patient","id":"1",
            "managingOrganization":{"reference":"Organization/2"}}},
          {"fullUrl":"http://x.org/fhir/Organization/2","resource":
            {"resourceType":"Organization","id":"2","name":"Two"}}]}
        """#
      let body = Self.body("entry.resource.ofType(Patient).managingOrganization.resolve()", resource: bundle)
      let reply = try await ask(service, body)
      let part = try #require(results(reply)[0]["part"]?[0])
      #expect(part["name"]?.string == "Organization")
      #expect(part["resource"]?["name"]?.string == "Two")
      #expect(extensionText(part, "resource-path") == "Bundle.entry[1].resource")
    }
  }

  // MARK: - Values

  @Test(arguments: [
    ("true", "boolean valueBoolean=true"), ("'a\"b'", #"string valueString="a\"b""#), ("''", "empty-string"),
    ("'\\f'", #"string json "\f""#), ("42", "integer valueInteger=42"), ("-7", "integer valueInteger=-7"),
    ("2147483647", "integer valueInteger=2147483647"), ("2147483647 + 1", "integer64 json 2147483648"),
    ("1.50", "decimal valueDecimal=1.50"), ("@2015-02-04", #"date valueDate="2015-02-04""#),
    ("@2015", #"date valueDate="2015""#), ("@2015T", #"dateTime valueDateTime="2015""#),
    ("@2015-02-04T14:34:28Z", #"dateTime valueDateTime="2015-02-04T14:34:28Z""#),
    ("@2015-02-04T14:34:28.123+10:00", #"dateTime valueDateTime="2015-02-04T14:34:28.123+10:00""#),
    // R4's dateTime needs seconds and a zone, its time seconds.
    ("@2015-02-04T14:34:28", #"dateTime json "2015-02-04T14:34:28""#),
    ("@2015-02-04T14:34Z", #"dateTime json "2015-02-04T14:34Z""#),
    ("@T14:34:28", #"time valueTime="14:34:28""#), ("@T14:34", #"time json "14:34""#),
    (
      "4.5 'mg'",
      #"Quantity valueQuantity={"value":4.5,"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}"#
    ),
    ("3 days", #"Quantity valueQuantity={"value":3,"unit":"day"}"#),
    ("1.type()", #"TypeInfo json {"namespace":"System","name":"Integer"}"#),
  ])
  func systemValues(expression: String, expected: String) async throws {
    try await withService { service in
      expectEqual(try await items(service, Self.body(expression, resource: nil)), [expected])
    }
  }

  /// Numbers past 28 digits are none that the structure check takes.
  @Test func longDecimals() async throws {
    try await withService { service in
      let digits28 = "1234567890123456789012345.678"
      expectEqual(try await items(service, Self.body(digits28, resource: nil)), ["decimal valueDecimal=\(digits28)"])
      expectEqual(
        try await items(service, Self.body(digits28 + "9", resource: nil)), ["decimal json \(digits28)9"])
      let quantity = try await items(service, Self.body(digits28 + "9 'mg'", resource: nil))
      #expect(quantity.first?.hasPrefix("Quantity json") == true)
      _ = try await items(service, Self.body("10.power(27) * 1.5 | 10.power(30) | 0.1.power(20)", resource: nil))
    }
  }

  @Test func elementsOfAPatient() async throws {
    try await withService { service in
      let expected: [(String, [String])] = [
        ("active", ["boolean valueBoolean=true"]), ("gender", [#"code valueCode="male""#]),
        ("id", [#"id valueId="example""#]),
        ("name[1]", [#"HumanName valueHumanName={"use":"usual","given":["Jim"]}"#]),
        ("identifier.system", [#"uri valueUri="urn:oid:1.2.36.146.595.217.0.1""#]),
        ("deceased", ["boolean valueBoolean=false"]),
        (
          "contact",
          [#"Patient.contact json {"name":{"family":"du Marché","given":["Bénédicte"]},"gender":"female"}"#]
        ),
        ("text.div", [#"xhtml json "<div xmlns=\"http://www.w3.org/1999/xhtml\">Peter</div>""#]),
        ("contained", [#"Organization resource={"resourceType":"Organization","id":"o","name":"Acme"}"#]),
        ("photo", []),
      ]
      for (expression, items) in expected {
        expectEqual(try await self.items(service, Self.body(expression)), items, "\(expression)")
      }
      let reply = try await ask(service, Self.body("birthDate | birthDate.extension | birthDate.extension.value"))
      let parts = results(reply)[0]["part"]?.elements ?? []
      #expect(parts.map { $0["name"]?.string } == ["date", "Extension", "dateTime"])
      #expect(parts[0]["_valueDate"]?["extension"]?.count == 1)
      #expect(
        parts.map { extensionText($0, "resource-path") } == [
          "Patient.birthDate", "Patient.birthDate.extension[0]", "Patient.birthDate.extension[0].value",
        ])
      // Everything there is, of whatever type.
      let all = try await ask(service, Self.body("descendants()"))
      #expect(results(all)[0]["part"]?.elements.count ?? 0 > 30)
      #expect(results(all)[0]["part"]?.elements.allSatisfy { extensionText($0, "resource-path") != nil } == true)
    }
  }

  /// A value of each type that value[x] may have (R4 datatypes.html#open), and what comes of it.
  static let openTypes: [(key: String, json: String)] = [
    ("valueBase64Binary", #""AAAA""#), ("valueBoolean", "true"), ("valueCanonical", #""http://x.org/a|1""#),
    ("valueCode", #""a b""#), ("valueDate", #""2020-01""#), ("valueDateTime", #""2020-01-01T10:00:00Z""#),
    ("valueDecimal", "1.10e2"), ("valueId", #""a-1""#), ("valueInstant", #""2020-01-01T10:00:00.5Z""#),
    ("valueInteger", "-5"), ("valueMarkdown", #""*a*\n""#), ("valueOid", #""urn:oid:1.2.3""#),
    ("valuePositiveInt", "1"), ("valueString", #""a\tb""#), ("valueTime", #""10:00:00""#), ("valueUnsignedInt", "0"),
    ("valueUri", #""urn:x""#), ("valueUrl", #""http://x.org""#),
    ("valueUuid", #""urn:uuid:c757873d-ec9a-4326-a141-556f43239520""#), ("valueAddress", #"{"city":"Ulm"}"#),
    ("valueAge", #"{"value":3,"system":"http://unitsofmeasure.org","code":"a"}"#),
    ("valueAnnotation", #"{"text":"note"}"#), ("valueAttachment", #"{"contentType":"text/plain"}"#),
    ("valueCodeableConcept", #"{"text":"c"}"#), ("valueCoding", #"{"system":"urn:s","code":"c"}"#),
    ("valueContactPoint", #"{"system":"phone","value":"1"}"#),
    ("valueCount", #"{"value":3,"system":"http://unitsofmeasure.org","code":"1"}"#),
    ("valueDistance", #"{"value":3,"system":"http://unitsofmeasure.org","code":"m"}"#),
    ("valueDuration", #"{"value":3,"system":"http://unitsofmeasure.org","code":"h"}"#),
    ("valueHumanName", #"{"family":"F"}"#), ("valueIdentifier", #"{"value":"1"}"#),
    ("valueMoney", #"{"value":1.00,"currency":"EUR"}"#), ("valuePeriod", #"{"start":"2020"}"#),
    ("valueQuantity", #"{"value":1,"unit":"mg"}"#), ("valueRange", #"{"low":{"value":1}}"#),
    ("valueRatio", #"{"numerator":{"value":1},"denominator":{"value":2}}"#),
    ("valueReference", #"{"reference":"Patient/1"}"#),
    ("valueSampledData", #"{"origin":{"value":0},"period":10,"dimensions":1,"data":"1 2"}"#),
    (
      "valueSignature",
      #"{"type":[{"code":"1"}],"when":"2020-01-01T10:00:00Z","who":{"reference":"Patient/1"}}"#
    ), ("valueTiming", #"{"event":["2020"]}"#), ("valueContactDetail", #"{"name":"n"}"#),
    ("valueContributor", #"{"type":"author","name":"n"}"#), ("valueDataRequirement", #"{"type":"Patient"}"#),
    ("valueExpression", #"{"language":"text/fhirpath","expression":"1"}"#),
    ("valueParameterDefinition", #"{"use":"in","type":"string"}"#),
    ("valueRelatedArtifact", #"{"type":"citation"}"#),
    ("valueTriggerDefinition", #"{"type":"named-event","name":"n"}"#),
    ("valueUsageContext", #"{"code":{"code":"c"},"valueCodeableConcept":{"text":"t"}}"#),
    ("valueDosage", #"{"text":"d"}"#), ("valueMeta", #"{"versionId":"1"}"#),
  ]

  @Test func everyOpenType() async throws {
    #expect(Self.openTypes.count == 50)
    try await withService { service in
      for (key, json) in Self.openTypes {
        let resource = #"{"resourceType":"Parameters","parameter":[{"name":"p","\#(key)":\#(json)}]}"#
        let name = key.dropFirst("value".count)
        let type = Schema.r4.type(String(name)) == nil ? name.prefix(1).lowercased() + name.dropFirst() : String(name)
        let value = String(decoding: try JSONDocument(json).value.json, as: UTF8.self)
        expectEqual(
          try await items(service, Self.body("parameter.value", resource: resource)), ["\(type) \(key)=\(value)"])
      }
    }
  }

  // MARK: - Bad requests

  func expectFault(
    _ reply: TestService.Reply, _ status: Int, _ code: String, _ text: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(reply.status == status, "\(reply.text.prefix(500))", sourceLocation: sourceLocation)
    #expect(
      reply.body?["issue"]?[0]?["code"]?.string == code, "\(reply.text.prefix(500))", sourceLocation: sourceLocation)
    #expect(
      reply.diagnostics.first?.contains(text) == true, "\(reply.text.prefix(500))", sourceLocation: sourceLocation)
  }

  @Test func requestsThatCannotBeRead() async throws {
    try await withService { service in
      func post(_ parameters: String) async throws -> TestService.Reply {
        try await ask(service, #"{"resourceType":"Parameters","parameter":[\#(parameters)]}"#)
      }
      expectFault(try await service.send(.get, "$fhirpath"), 400, "required", "expression")
      expectFault(try await service.send(.post, "$fhirpath"), 400, "required", "expression")
      expectFault(try await service.send(.get, "$fhirpath?expression="), 400, "value", "expression")
      expectFault(try await service.send(.get, "$fhirpath?expression=1%00"), 400, "value", "expression")
      expectFault(try await service.send(.post, "$fhirpath", Self.patient), 400, "required", "expression")
      expectFault(try await service.send(.put, "$fhirpath", Self.patient), 405, "not-supported")
      let given = #"{"name":"expression","valueString":"1"}"#
      expectFault(try await post(#"{"name":"expression","valueInteger":1}"#), 400, "value", "valueString")
      expectFault(try await post("\(given),\(given)"), 400, "invalid", "more than once")
      expectFault(
        try await service.send(
          .post, "$fhirpath?expression=2", #"{"resourceType":"Parameters","parameter":[\#(given)]}"#),
        400, "invalid", "more than once")
      expectFault(try await post(#"{"name":"expression"}"#), 400, "value")
      expectFault(try await post(#"{"nam":"expression"}"#), 400, "structure")
      expectFault(try await post(#"\#(given),{"name":"resource","valueString":"{\"a\":"}"#), 400, "structure", "line 1")
      expectFault(
        try await post(#"\#(given),{"name":"resource","valueString":"http://x.org/Patient/1"}"#), 400, "structure")
      expectFault(try await post(#"\#(given),{"name":"resource","valueBoolean":true}"#), 400, "value", "resource")
      expectFault(
        try await post(#"\#(given),{"name":"resource","resource":{"resourceType":"Patient","nme":[]}}"#), 400,
        "structure")
      expectFault(
        try await post(#"\#(given),{"name":"variables","part":[{"name":"resource","valueString":"x"}]}"#), 400, "value")
      expectFault(
        try await post(#"\#(given),{"name":"variables","part":[{"name":"x","part":[{"name":"y"}]}]}"#), 400, "value")
      expectFault(try await service.send(.post, "$fhirpath?expression=1", "[]"), 400, "structure")
    }
  }

  @Test func expressionsThatCannotBeReadOrEvaluated() async throws {
    try await withService { service in
      func fault(
        _ expression: String, _ status: Int, _ code: String, _ text: String,
        sourceLocation: SourceLocation = #_sourceLocation
      ) async throws {
        expectFault(try await ask(service, Self.body(expression)), status, code, text, sourceLocation: sourceLocation)
      }
      try await fault("name.given.", 400, "invalid", "line 1, column 12")
      try await fault("name\n.where(é", 400, "invalid", "line 2, column 8")
      try await fault("name.nonsense()", 400, "invalid", "line 1, column 6")
      try await fault("%unknown", 400, "invalid", "unknown")
      try await fault("name.given + 1", 422, "processing", "")
      try await fault("gender.memberOf('http://hl7.org/fhir/ValueSet/administrative-gender')", 400, "not-supported", "")
      expectFault(try await ask(service, Self.body("1", context: "name.(")), 400, "invalid", "'context'")
    }
  }

  // MARK: - Hostile requests

  /// Each must end soon, with an error that says why.
  @Test(arguments: [
    // Larger than an expression may be, deeper, or longer in a row.
    String(repeating: "1+", count: 8_192) + "1",
    String(repeating: "(", count: 4_000) + "1" + String(repeating: ")", count: 4_000),
    String(repeating: "-", count: 8_000) + "1", "1" + String(repeating: "+1", count: 8_000),
    "name" + String(repeating: ".where(true", count: 1_000) + String(repeating: ")", count: 1_000),
    // Without an end, or with doubling items.
    "repeatAll($this)", "repeatAll($this.combine($this))", "(1|2).repeat($this + 1)",
    "%resource" + String(repeating: ".select($this.combine($this))", count: 60),
    "descendants()" + String(repeating: ".select(%resource.descendants())", count: 8),
    "(1|2)" + String(repeating: ".select(1|2|3|4|5|6|7|8|9|10).combine($this)", count: 40),
    "defineVariable('a', 'xxxxxxxxxxxxxxxx')" + String(repeating: ".select('x')", count: 3)
      + ".select((1|2|3|4|5|6|7|8|9|10).aggregate($total & $total & 'xxxxxxxxxxxxxxxx', 'xxxxxxxxxxxxxxxx'))"
      + ".repeat($this & $this)",
    // Results and traces larger than an answer.
    "%resource" + String(repeating: ".select($this.combine($this))", count: 17),
    "descendants().select(%resource.descendants().select(%resource.descendants().trace('t'))).count()",
  ])
  func costlyExpressions(expression: String) async throws {
    try await withService { service in
      let clock = ContinuousClock()
      let start = clock.now
      let reply = try await ask(service, Self.body(expression))
      #expect(clock.now - start < .seconds(30))
      #expect(reply.status == 422, "\(expression.prefix(60)): \(reply.text.prefix(300))")
      #expect(reply.body?["issue"]?[0]?["code"]?.string == "too-costly", "\(reply.text.prefix(300))")
    }
  }

  /// Patterns that take exponential time in backtracking engines.
  @Test func evilPatterns() async throws {
    try await withService { service in
      let text = String(repeating: "a", count: 10_000)
      for pattern in ["(a+)+$", "(a|aa)+$", "(a*)*b", "(.*a){20}$", "^(([a-z])+.)+[A-Z]([a-z])+$"] {
        let clock = ContinuousClock()
        let start = clock.now
        let reply = try await ask(service, Self.body("'\(text)!'.matches('\(pattern)')", resource: nil))
        #expect(clock.now - start < .seconds(30))
        #expect(reply.status == 200 || reply.status == 422, "\(pattern): \(reply.text.prefix(300))")
      }
    }
  }

  @Test func theDeepestExpressionIsEvaluated() async throws {
    try await withService { service in
      let depth = 180
      let expression = String(repeating: "(", count: depth) + "1" + String(repeating: ")", count: depth)
      expectEqual(try await items(service, Self.body(expression)), ["integer valueInteger=1"])
      let nested = String(repeating: "select(", count: 80) + "1" + String(repeating: ")", count: 80)
      expectEqual(try await items(service, Self.body(nested)), ["integer valueInteger=1"])
    }
  }

  @Test func limitsComeFromTheService() async throws {
    var limits = Limits()
    limits.fhirPathBytesMax = 10
    limits.fhirPathStepsMax = 50
    try await withService(limits: limits) { service in
      func reply(_ expression: String, _ context: String? = nil) async throws -> TestService.Reply {
        try await ask(service, Self.body(expression, context: context))
      }
      expectEqual(try await reply("1234567890").status, 200)
      expectFault(try await reply("12345678901"), 422, "too-costly", "10 bytes")
      expectFault(try await reply("1", "12345678901"), 422, "too-costly", "10 bytes")
      expectEqual(try await reply("name").status, 200)
      expectFault(try await reply("**|**|**|*|"), 422, "too-costly", "10 bytes")
    }
    limits.fhirPathBytesMax = 100
    try await withService(limits: limits) { service in
      expectFault(try await ask(service, Self.body("descendants().descendants()")), 422, "too-costly", "50 steps")
      // The items of a context share the steps.
      let one = "given | given | given | given"
      expectEqual(try await ask(service, Self.body(one, context: "name[0]")).status, 200)
      expectFault(try await ask(service, Self.body(one, context: "(1|2|3|4|5|6)")), 422, "too-costly", "8 steps")
    }
  }

  @Test func contextsHaveALimit() async throws {
    try await withService { service in
      func bundle(_ count: Int) -> String {
        let entries = (0..<count).map { #"{"resource":{"resourceType":"Basic","id":"b\#($0)","code":{"text":"x"}}}"# }
        return #"{"resourceType":"Bundle","type":"collection","entry":[\#(entries.joined(separator: ","))]}"#
      }
      let most = try await ask(service, Self.body("resource.id", context: "entry", resource: bundle(5_000)))
      #expect(results(most).count == 5_000)
      #expect(results(most).last?["valueString"]?.string == "Bundle.entry[4999]")
      #expect(results(most).last?["part"]?[0]?["valueId"]?.string == "b4999")
      let past = try await ask(service, Self.body("resource.id", context: "entry", resource: bundle(5_001)))
      expectFault(past, 422, "too-costly", "5000")
      // A hundred thousand of them as the result of one evaluation.
      let large = bundle(20_000)
      let all = try await ask(service, Self.body("entry.resource.descendants()", resource: large))
      #expect(all.status == 200, "\(all.text.prefix(300))")
      #expect(results(all).first?["part"]?.elements.count == 60_000)
      let tooMany = try await ask(
        service,
        Self.body(
          "entry.combine(entry).combine(entry).combine(entry).select($this.combine($this).combine($this))",
          resource: large))
      expectFault(tooMany, 422, "too-costly", "items")
    }
  }

  /// An element whose JSON no FHIR string holds is named by its path alone.
  @Test func largeElements() async throws {
    try await withService { service in
      let data = String(repeating: "AAAA", count: 300_000)
      let resource = #"""
        {"resourceType":"Bundle","type":"collection","entry":[{"resource":
          {"resourceType":"Binary","contentType":"text/plain","data":"\#(data)"}}]}
        """#
      let reply = try await ask(service, Self.body("entry | entry.resource", resource: resource))
      let parts = results(reply)[0]["part"]?.elements ?? []
      #expect(parts.map { $0["name"]?.string } == ["Bundle.entry", "Binary"])
      #expect(jsonValue(parts[0]) == nil)
      #expect(extensionText(parts[0], "resource-path") == "Bundle.entry[0]")
      #expect(parts[1]["resource"]?["data"]?.string?.utf8.count == 1_200_000)
    }
  }

  /// What comes back is deeper than what was sent, and must be readable as well.
  @Test func deepResources() async throws {
    try await withService { service in
      func item(_ depth: Int) -> String {
        depth == 0
          ? #"{"linkId":"x"}"# : #"{"linkId":"x","item":[\#(item(depth - 1))]}"#
      }
      func questionnaire(_ depth: Int) -> String {
        #"{"resourceType":"QuestionnaireResponse","status":"completed","item":[\#(item(depth))]}"#
      }
      var refused = 0
      for depth in 50..<60 {
        let reply = try await ask(service, Self.body("repeat(item).count()", resource: questionnaire(depth)))
        if reply.status == 200 {
          #expect(results(reply)[0]["part"]?[0]?["valueInteger"]?.integer == depth + 1)
        } else {
          refused += 1
          expectFault(reply, 400, "structure", "nested")
        }
      }
      #expect(refused > 0 && refused < 10)
    }
  }
}
