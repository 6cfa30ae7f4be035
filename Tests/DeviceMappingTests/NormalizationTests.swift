import Base
import DeviceMapping
import JSONCore
import JSONQuery
import Testing

/// What templates take from messages, and what they do not.
@Suite struct NormalizationTests {
  private func mapping(_ template: String, _ settings: MappingSettings = .init()) throws -> DeviceMapping {
    try DeviceMapping(Samples.wrapped(template), settings: settings)
  }

  private func calculated(
    match: String = #""$..[?(@hr)]""#, device: String = #""$.matchedToken.id""#, time: String = #""$.matchedToken.t""#,
    value: String = #""$.matchedToken.hr""#, required: Bool = true, more: String = ""
  ) -> String {
    """
    {"templateType":"CalculatedContent","template":{"typeName":"heartrate","typeMatchExpression":\(match),
    "deviceIdExpression":\(device),"timestampExpression":\(time),\(more)
    "values":[{"valueName":"hr","valueExpression":\(value),"required":\(required)}]}}
    """
  }

  private func jsonPath(required: Bool = true, more: String = "") -> String {
    """
    {"templateType":"JsonPathContent","template":{"typeName":"heartrate","typeMatchExpression":"$..[?(@hr)]",
    "deviceIdExpression":"$.id","timestampExpression":"$.t",\(more)
    "values":[{"valueName":"hr","valueExpression":"$.hr","required":\(required)}]}}
    """
  }

  private func body(_ text: String) throws -> JSONDocument { try DeviceMessage.document(body: Array(text.utf8)) }

  private static let time = #""t":"2024-01-02T03:04:05Z""#

  // MARK: - Texts

  /// Values become the texts that .NET's invariant culture makes of them.
  @Test(arguments: [
    ("65", "65"), ("65.50", "65.5"), ("1.0", "1"), ("-0.0", "-0"), ("1e2", "100"), ("0.0001", "0.0001"),
    ("0.00001", "1E-05"), ("1e15", "1E+15"), ("100000000000000.0", "100000000000000"),
    ("123456789012345680.0", "1.2345678901234568E+17"), ("98.43639286275842", "98.43639286275842"),
    ("1e-7", "1E-07"), ("1.5e300", "1.5E+300"), ("true", "True"), ("false", "False"), (#""65.50""#, "65.50"),
    (#""2024-01-02T03:04:05.123Z""#, "01/02/2024 03:04:05"), (#""2024-01-02T03:04:05+02:00""#, "01/02/2024 01:04:05"),
    (#""2024-01-02T03:04Z""#, "2024-01-02T03:04Z"), (#""2024-13-02T03:04:05Z""#, "2024-13-02T03:04:05Z"),
    (#""a\u00e9\"""#, "aé\""), ("9223372036854775807", "9223372036854775807"),
  ])
  func texts(_ json: String, _ expected: String) throws {
    let message = try body("{\"id\":\"d\",\(Self.time),\"hr\":\(json)}")
    #expect(try mapping(jsonPath()).normalize(message).measurements.first?.properties.first?.value == expected)
    #expect(try mapping(calculated()).normalize(message).measurements.first?.properties.first?.value == expected)
  }

  @Test func textsAsTheyAreWrittenIsASetting() throws {
    var settings = MappingSettings()
    settings.preservesNumbers = true
    settings.preservesDates = true
    let mapping = try mapping(jsonPath(), settings)
    for (json, expected) in [("65.50", "65.50"), (#""2024-01-02T03:04:05Z""#, "2024-01-02T03:04:05Z")] {
      let message = try body("{\"id\":\"d\",\(Self.time),\"hr\":\(json)}")
      #expect(mapping.normalize(message).measurements.first?.properties.first?.value == expected)
    }
  }

  /// Null, arrays, objects and whole numbers of more than 64 bits are no values; blank is one, unless it is required.
  @Test(arguments: [
    ("null", false), ("[1]", false), (#"{"a":1}"#, false), ("9223372036854775808", false), (#""""#, true),
    (#""  ""#, true),
  ])
  func noValues(_ json: String, _ isOptionalValue: Bool) throws {
    let message = try body("{\"id\":\"d\",\(Self.time),\"hr\":\(json)}")
    let failure = try #require(try mapping(jsonPath()).normalize(message).failures.first)
    #expect(failure.kind == .incompatibleData)
    #expect(failure.field == "values[0].valueExpression")
    #expect(failure.typeName == "heartrate")
    let measurement = try #require(try mapping(jsonPath(required: false)).normalize(message).measurements.first)
    #expect(measurement.properties.isEmpty != isOptionalValue)
  }

  // MARK: - Times

  @Test(arguments: [
    ("2019-02-01T22:46:01.8750000Z", "2019-02-01T22:46:01.875Z"), ("2019-02-01T22:46:01", "2019-02-01T22:46:01Z"),
    ("2019-02-01T22:46:01.12345678+01:30", "2019-02-01T21:16:01.1234568Z"), ("2019-02-01", "2019-02-01T00:00:00Z"),
    ("2019-02-01 22:46", "2019-02-01T22:46:00Z"), ("2/1/2019 10:46:01 PM", "2019-02-01T22:46:01Z"),
    ("2019/02/01 22:46:01", "2019-02-01T22:46:01Z"), ("Fri, 01 Feb 2019 22:46:01 GMT", "2019-02-01T22:46:01Z"),
    ("2020-02-29T24:00:00Z", "2020-03-01T00:00:00Z"), ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z"),
  ])
  func times(_ text: String, _ expected: String) throws {
    let message = try body("{\"id\":\"d\",\"t\":\"\(text)\",\"hr\":1}")
    #expect(try mapping(jsonPath()).normalize(message).measurements.first?.occurrence.shortest == expected)
  }

  @Test(arguments: [
    #""yesterday""#, #""""#, "null", "1549061161", "true", #""2019-02-30T00:00:00Z""#, #""2019-02-01T25:00:00Z""#,
    #""0000-01-01T00:00:00Z""#, #""10000-01-01T00:00:00Z""#, #""0001-01-01T00:00:00+01:00""#,
    #""2019-02-01T22:46:01Zx""#, #""2019-02-01T22:60:00Z""#, "[]",
  ])
  func noTimes(_ json: String) throws {
    let message = try body("{\"id\":\"d\",\"t\":\(json),\"hr\":1}")
    let failure = try #require(try mapping(jsonPath()).normalize(message).failures.first)
    #expect(failure.kind == .incompatibleData)
    #expect(failure.field == "timestampExpression")
    #expect(failure.expression == "$.t")
  }

  @Test func zoneOfTimesWithoutOneIsASetting() throws {
    var settings = MappingSettings()
    settings.timestampZone = DeviceZone(minutesEastOfUTC: 120)
    let mapping = try mapping(jsonPath(), settings)
    func time(_ text: String) throws -> String? {
      mapping.normalize(try body("{\"id\":\"d\",\"t\":\"\(text)\",\"hr\":1}")).measurements.first?.occurrence.shortest
    }
    #expect(try time("2019-02-01T22:46:01") == "2019-02-01T20:46:01Z")
    #expect(try time("2019-02-01T22:46:01Z") == "2019-02-01T22:46:01Z")
  }

  @Test func futureAndPastAreLimitedOnRequest() throws {
    var settings = MappingSettings()
    settings.futureSecondsMax = 60
    settings.pastSecondsMax = 3_600
    let mapping = try mapping(jsonPath(), settings)
    let message = try body("{\"id\":\"d\",\(Self.time),\"hr\":1}")
    let time = try #require(Timestamp.parse("2024-01-02T03:04:05Z"))
    func count(arrivesLater seconds: Int64) -> Int {
      let received = Timestamp(ticks: time.ticks + seconds * Timestamp.ticksPerSecond)
      return mapping.normalize(message, received: received).measurements.count
    }
    #expect(count(arrivesLater: -60) == 1)
    #expect(count(arrivesLater: -61) == 0)
    #expect(count(arrivesLater: 3_600) == 1)
    #expect(count(arrivesLater: 3_601) == 0)
    #expect(mapping.normalize(message).measurements.count == 1)
  }

  // MARK: - Matches

  @Test func jsonPathTemplatesSeeTheMatchAlone() throws {
    let template = jsonPath().replacing("$.id", with: "$.Body.id")
    let message = try body(#"{"id":"d","t":"2024-01-02T03:04:05Z","hr":1}"#)
    #expect(try mapping(template).normalize(message).failures.first?.field == "deviceIdExpression")
    let calculated = calculated(device: #""$.Body.id""#)
    #expect(try lines(mapping(calculated), message) == ["heartrate d 2024-01-02T03:04:05Z hr=1"])
  }

  @Test func severalValuesAreAFailure() throws {
    let message = try body(#"{"id":"d","t":"2024-01-02T03:04:05Z","hr":1,"x":[{"v":1},{"v":2}]}"#)
    for value in [#""$..v""#, #"{"value":"matchedToken.x[].v","language":"JmesPath"}"#] {
      let failure = try mapping(calculated(value: value, required: false)).normalize(message).failures.first
      #expect(failure?.kind == .templateExpression)
      #expect(failure?.field == "values[0].valueExpression")
    }
  }

  @Test func optionalIdentifiers() throws {
    let more = #""patientIdExpression":"$.p","encounterIdExpression":"$.e","#
    let message = try body(#"{"id":"d","t":"2024-01-02T03:04:05Z","hr":1,"p":7}"#)
    #expect(try lines(mapping(jsonPath(more: more)), message) == ["heartrate d 2024-01-02T03:04:05Z patient:7 hr=1"])
  }

  /// A correlation id is optional in a mapping, but if it is there it must be in the message too.
  @Test func correlationIDs() throws {
    let mapping = try mapping(jsonPath(more: #""correlationIdExpression":"$.c","#))
    let without = try body(#"{"id":"d","t":"2024-01-02T03:04:05Z","hr":1}"#)
    #expect(mapping.normalize(without).failures.first?.field == "correlationIdExpression")
    let with = try body(#"{"id":"d","t":"2024-01-02T03:04:05Z","hr":1,"c":"s1"}"#)
    #expect(lines(mapping, with) == ["heartrate d 2024-01-02T03:04:05Z correlation:s1 hr=1"])
  }

  /// Tokens that an expression makes are seen by both languages.
  @Test func computedMatches() throws {
    let match = #"{"value":"Body.items[?hr].{hr: hr, id: id, t: t, n: add(hr, `1`)}","language":"JmesPath"}"#
    let more = #""patientIdExpression":"$.Body.patient","#
    let template = calculated(match: match, value: #"{"value":"matchedToken.n","language":"jmespath"}"#, more: more)
    let message = try body(
      #"{"patient":"p","items":[{"hr":1,"id":"a","t":"2024-01-02T03:04:05Z"},{"x":1},{"hr":2,"id":"b","t":"2024-01-02"}]}"#
    )
    #expect(
      try lines(mapping(template), message) == [
        "heartrate a 2024-01-02T03:04:05Z patient:p hr=2", "heartrate b 2024-01-02T00:00:00Z patient:p hr=3",
      ])
  }

  @Test func defaultLanguage() throws {
    let template = calculated(
      match: #""Body[?hr]""#, device: #""matchedToken.id""#,
      time: #""fromUnixTimestampMs(matchedToken.ms)""#, value: #""matchedToken.hr""#,
      more:
        #""defaultExpressionLanguage":"JmesPath","patientIdExpression":{"value":"$.matchedToken.p","language":"JsonPath"},"#
    )
    let message = try body(#"[{"hr":1,"id":"a","p":"p1","ms":1625097600123}]"#)
    #expect(try lines(mapping(template), message) == ["heartrate a 2021-07-01T00:00:00.123Z patient:p1 hr=1"])
  }

  /// A function that fails concerns one message; by default the message ends there.
  @Test func failuresEndTheMessage() throws {
    let bad = calculated(value: #"{"value":"divide(matchedToken.hr, `0`)","language":"JmesPath"}"#)
    let collection = Array(
      "{\"templateType\":\"CollectionContent\",\"template\":[\(jsonPath()),\(bad),\(jsonPath())]}".utf8)
    let message = try body("{\"id\":\"d\",\(Self.time),\"hr\":4}")
    let result = try DeviceMapping(collection).normalize(message)
    #expect(result.measurements.count == 1)
    let failure = try #require(result.failures.first)
    #expect(failure.kind == .templateExpression)
    #expect(failure.template == 1)
    #expect(failure.line == 5)
    #expect(failure.offset == 0)
    #expect(failure.description == "MappingFailure(TemplateExpressionException)")
    var settings = MappingSettings()
    settings.isolatesTemplates = true
    let isolated = try DeviceMapping(collection, settings: settings).normalize(message)
    #expect(isolated.measurements.count == 2)
    #expect(isolated.failures.count == 1)
  }

  // MARK: - Bad input

  @Test(arguments: [
    "", "{", "nope", "NaN", #"{"hr":NaN}"#, #"{"hr":Infinity}"#, #"{"hr":1}{"hr":2}"#, #"{"a":1,"a":2}"#,
  ])
  func noJSON(_ text: String) throws {
    if text.isEmpty {
      let message = try body("")
      #expect(message.value["Body"]?.kind == .null)
      return
    }
    let failure = #expect(throws: MappingFailure.self) { try body(text) }
    #expect(failure?.kind == .invalidDataFormat)
    #expect(failure?.line == 1)
  }

  /// A body that closes its own place in the envelope is no body.
  @Test func bodiesCannotBreakOut() throws {
    for text in [#"1,"Properties":{},"SystemProperties":{}},{"x":1"#, #"1,"x":2"#, #"{}},"y":{"#, "1 2"] {
      #expect(throws: MappingFailure.self, "\(text)") { try body(text) }
    }
    #expect(try body(" [1] \n").value["Body"]?.count == 1)
    #expect(try body("\u{FEFF}[1]").value["Body"]?.count == 1)
  }

  @Test func hugeNumbersAndDepth() throws {
    let mapping = try mapping(jsonPath())
    #expect(mapping.normalize(try body("{\"id\":\"d\",\(Self.time),\"hr\":1e400}")).failures.count == 1)
    let deep = String(repeating: "[", count: 120) + String(repeating: "]", count: 120)
    #expect(mapping.normalize(try body("{\"id\":\"d\",\(Self.time),\"hr\":1,\"x\":\(deep)}")).measurements.count == 1)
    let deeper = String(repeating: "[", count: 200)
    #expect(throws: MappingFailure.self) { try body(deeper) }
    #expect(mapping.normalize(try JSONDocument("[1]")).failures.first?.kind == .invalidDataFormat)
  }

  @Test func measurementsAreLimited() throws {
    var settings = MappingSettings()
    settings.measurementsMax = 2
    let mapping = try mapping(jsonPath(), settings)
    let one = "{\"id\":\"d\",\(Self.time),\"hr\":1}"
    #expect(mapping.normalize(try body("[\(one),\(one)]")).failures.isEmpty)
    #expect(mapping.normalize(try body("[\(one),\(one),\(one)]")).failures.count == 1)
  }

  @Test func expressionBombsEnd() throws {
    let doubling = Array(repeating: "[@, @]", count: 30).joined(separator: " | ")
    let bomb = calculated(value: "{\"value\":\"\(doubling) | to_string(@)\",\"language\":\"JmesPath\"}")
    let result = try mapping(bomb).normalize(try body("{\"id\":\"d\",\(Self.time),\"hr\":1}"))
    #expect(result.failures.first?.kind == .templateExpression)
  }

  // MARK: - Mappings

  @Test func badExpressionsAreProblemsOfTheMapping() throws {
    let text = jsonPath().replacing("$..[?(@hr)]", with: "$..[?(@hr]")
    let error = try #require(#expect(throws: MappingError.self) { try mapping(text) })
    #expect(error.problems.map(\.field) == ["typeMatchExpression"])
    #expect(error.problems[0].message.contains("JsonPath"))
    #expect(error.problems[0].line == 1)
    let jmes = calculated(value: #"{"value":"foo(@)","language":"JmesPath"}"#)
    let other = try #require(#expect(throws: MappingError.self) { try mapping(jmes) })
    #expect(other.problems[0].message.contains("no function foo"))
    #expect(other.problems[0].field == "values[0].valueExpression")
  }

  @Test func namesInAnyCase() throws {
    let text = #"{"TemplateType":"collectioncontenttemplate","TEMPLATE":[\#(jsonPath())]}"#
      .replacing("JsonPathContent", with: "jsonPathContentTemplate").replacing("\"typeName\"", with: "\"TypeName\"")
    #expect(try DeviceMapping(Array(text.utf8)).types.map(\.typeName) == ["heartrate"])
    #expect(throws: MappingError.self) {
      try mapping(calculated().replacing("CalculatedContent", with: "CalculatedContentTemplate"))
    }
  }

  @Test(arguments: [
    "1", "[]", "{}", #"{"templateType":"CollectionContent"}"#, #"{"templateType":"CollectionContent","template":{}}"#,
    #"{"templateType":"CollectionContent","template":[1]}"#,
    #"{"templateType":"CollectionContent","template":[{"templateType":"Nothing","template":{}}]}"#,
    #"{"templateType":"CollectionContent","template":[{"templateType":"JsonPathContent","template":[]}]}"#,
    #"{"templateType":"CollectionFhir","template":[]}"#,
  ])
  func noMappings(_ text: String) {
    let error = #expect(throws: MappingError.self) { try DeviceMapping(Array(text.utf8)) }
    #expect(error?.problems.count == 1)
    #expect(error?.description == "MappingError(1 problems)")
  }

  @Test func templatesAreLimited() throws {
    var settings = MappingSettings()
    settings.templatesMax = 2
    func collection(_ count: Int) -> [UInt8] {
      Samples.wrapped(Array(repeating: jsonPath(), count: count).joined(separator: ","))
    }
    _ = try DeviceMapping(collection(2), settings: settings)
    #expect(throws: MappingError.self) { try DeviceMapping(collection(3), settings: settings) }
  }

  // MARK: - Debugging

  @Test func debugTellsEverything() throws {
    let collection = Samples.wrapped(
      [jsonPath(), jsonPath().replacing("@hr", with: "@steps"), calculated(value: #""$..hr""#)].joined(separator: ","))
    let mapping = try DeviceMapping(collection)
    let message = try body(#"[{"id":"d","t":"2024-01-02T03:04:05Z","hr":1},{"id":"d","t":"bad","hr":2}]"#)
    let trace = mapping.debug(message)
    #expect(trace.templates.map(\.isMatched) == [true, false, true])
    let first = trace.templates[0]
    #expect(first.templateType == "JsonPathContent")
    #expect(first.matches.map { $0.measurement.map(line) } == ["heartrate d 2024-01-02T03:04:05Z hr=1", nil])
    #expect(
      first.matches[0].values.map { "\($0.name) \($0.expression) \($0.result ?? "-")" } == [
        "DeviceIdExpression $.id d", "TimestampExpression $.t 2024-01-02T03:04:05.0000000Z", "hr $.hr 1",
      ])
    #expect(first.matches[1].failure?.field == "timestampExpression")
    #expect(first.matches[1].token == #"{"id":"d","t":"bad","hr":2}"#)
    #expect(trace.templates[2].matches[0].values.last?.failure?.kind == .templateExpression)
    #expect(trace.measurements.count == 1)
    #expect(trace.failures.count == 3)
  }

  @Test func measurementAsJSON() throws {
    let message = try body(#"{"id":"d","t":"2024-01-02T03:04:05.500Z","hr":65}"#)
    let received = Timestamp(Instant(milliseconds: 1_704_164_646_000))
    let measurement = try #require(try mapping(jsonPath()).normalize(message, received: received).measurements.first)
    var writer = JSONWriter()
    measurement.write(to: &writer)
    #expect(
      String(decoding: writer.bytes, as: UTF8.self)
        == #"{"Type":"heartrate","OccurrenceTimeUtc":"2024-01-02T03:04:05.5Z","IngestionTimeUtc":"#
        + #""2024-01-02T03:04:06Z","DeviceId":"d","PatientId":null,"EncounterId":null,"CorrelationId":null,"#
        + #""Properties":[{"Name":"hr","Value":"65"}]}"#)
  }
}
