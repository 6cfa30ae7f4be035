import Base
import DeviceMapping
import JSONCore
import Testing

/// Observations made of measurements: windows, identity, elements.
@Suite struct ObservationTests {
  typealias M = Measurements

  // MARK: - Groups

  @Test func groupsByWhatMeasurementsAreAbout() throws {
    var other = M.of("2024-01-02T03:00:00Z", "2")
    other.patientID = "p2"
    let groups = MeasurementGroup.groups(of: [
      M.of("2024-01-02T03:00:00Z", "1"), other, M.of("2024-01-02T03:00:01Z", "3"),
    ])
    #expect(groups.map(\.patientID) == [nil, "p2"])
    #expect(groups[0].measurements.map { $0.properties[0].value } == ["1", "3"])
  }

  /// Of two measurements of one moment the one that arrived last counts, the first if they arrived together.
  @Test(arguments: [(1, 2, "b"), (2, 1, "a"), (1, 1, "a"), (nil, 1, "b"), (1, nil, "a")] as [(Int?, Int?, String)])
  func latestArrivalCounts(_ first: Int?, _ second: Int?, _ expected: String) throws {
    var a = M.of("2024-01-02T03:00:00Z", "a")
    var b = M.of("2024-01-02T03:00:00Z", "b")
    a.ingestion = first.map { Timestamp(Instant(milliseconds: Int64($0))) }
    b.ingestion = second.map { Timestamp(Instant(milliseconds: Int64($0))) }
    let groups = MeasurementGroup.groups(of: [a, b])
    #expect(groups[0].measurements.map { $0.properties[0].value } == [expected])
  }

  // MARK: - Windows and identity

  @Test(arguments: [
    (0, "20190101002536Z.20190101002536Z", "2019-01-01T00:25:36.1234567Z", "2019-01-01T00:25:36.1234567Z"),
    (60, "20190101000000Z.20190101005959Z", "2019-01-01T00:00:00.0000000Z", "2019-01-01T00:59:59.9999999Z"),
    (1_440, "20190101000000Z.20190101235959Z", "2019-01-01T00:00:00.0000000Z", "2019-01-01T23:59:59.9999999Z"),
  ])
  func windows(_ interval: Int, _ segment: String, _ start: String, _ end: String) throws {
    let mapping = try M.mapping(interval: interval)
    let group = try #require(try M.groups(mapping, [M.of("2019-01-01T00:25:36.1234567Z", "1")]).first)
    #expect(group.segment == segment)
    let observation = try M.observation(mapping, group)
    #expect(observation["effectivePeriod"]?["start"]?.string == start)
    #expect(observation["effectivePeriod"]?["end"]?.string == end)
  }

  @Test func correlation() throws {
    let mapping = try M.mapping(interval: -1)
    var measurements = [M.of("2024-01-02T03:00:05Z", "2"), M.of("2024-01-02T03:00:00Z", "1")]
    #expect(throws: MappingFailure.self) { try M.groups(mapping, measurements) }
    for index in measurements.indices { measurements[index].correlationID = "corr-7" }
    let groups = try M.groups(mapping, measurements)
    #expect(groups.map(\.segment) == ["corr-7"])
    #expect(groups[0].start.shortest == "2024-01-02T03:00:00Z")
    #expect(groups[0].end.shortest == "2024-01-02T03:00:05Z")
  }

  /// The digests are of another implementation of SHA-256.
  @Test func identity() throws {
    let mapping = try M.mapping(interval: 60)
    let group = try #require(try M.groups(mapping, [M.of("2019-01-01T00:25:36Z", "1")]).first)
    let identity = ObservationIdentity(of: group, patient: "pat1", device: "dev1")
    #expect(identity.value == "pat1.dev1.heartrate.20190101000000Z.20190101005959Z")
    #expect(identity.id == "1f78efa6dad783bffdd54842a1951141dc1e2cd7412914b9847f225793b15ac5")
    #expect(
      ObservationIdentity.id(system: "http://x|", value: String(repeating: "a", count: 200))
        == "f9687ab7ececc7fd4d0cf6c5b93bde96e5cba80bfd19a3e773a332507c049ff0")
  }

  /// Texts whose lengths with the underscore are at the borders of SHA-256's blocks; digests of another implementation.
  @Test(arguments: [
    (0, "d2e2adf7177b7a8afddbc12d1634cf23ea1a71020f6a1308070a16400fb68fde"),
    (54, "660780a499e4c65bacfc8458d4cdedc6af2745251944ec1757731a2b32326e1b"),
    (55, "37513eca2f322de25310bb3a2b7ce4bcc33274c1396cb4fdbc4dce4384ad6879"),
    (63, "adc301ba37f862386cc074cb2354a331b715ceebe3362804793e3700827c03eb"),
    (119, "f381c79c0caf6d64af4e0c156b15c42d41f192465d00be34d827430be4a062d7"),
  ])
  func digests(_ count: Int, _ expected: String) {
    #expect(ObservationIdentity.id(system: nil, value: String(repeating: "a", count: count)) == expected)
  }

  @Test func fractionsInIdentifiersAreASetting() throws {
    let samples = [M.of("2024-01-02T03:00:00.1Z", "1"), M.of("2024-01-02T03:00:00.25Z", "2")]
    let plain = try M.mapping(interval: 0)
    #expect(Set(try M.groups(plain, samples).map(\.segment)).count == 1)
    var settings = MappingSettings()
    settings.identifiesFractions = true
    let precise = try M.mapping(interval: 0, settings)
    #expect(
      try M.groups(precise, samples).map(\.segment) == [
        "202401020300001000000Z.202401020300001000000Z", "202401020300002500000Z.202401020300002500000Z",
      ])
    let whole = try M.groups(precise, [M.of("2024-01-02T03:00:00Z", "1")])
    #expect(whole.map(\.segment) == ["20240102030000Z.20240102030000Z"])
  }

  @Test func zoneOfDaysIsASetting() throws {
    var settings = MappingSettings()
    settings.windowZone = DeviceZone(minutesEastOfUTC: 5 * 60 + 30)
    let mapping = try M.mapping(interval: 1_440, settings)
    let groups = try M.groups(mapping, [M.of("2024-01-02T18:29:59Z", "1"), M.of("2024-01-02T18:30:00Z", "2")])
    #expect(groups.map(\.start.shortest) == ["2024-01-01T18:30:00Z", "2024-01-02T18:30:00Z"])
    #expect(groups.map(\.end.roundTrip) == ["2024-01-02T18:29:59.9999999Z", "2024-01-03T18:29:59.9999999Z"])
  }

  // MARK: - Elements

  @Test func wholeObservation() throws {
    let mapping = try M.mapping(interval: 0, value: M.quantity)
    let group = try #require(try M.groups(mapping, [M.of("2024-01-02T03:04:05.5Z", "65.50")]).first)
    let json = try mapping.observation(
      for: group, subject: "pat1", device: "dev1", encounter: "enc1", issued: Instant(milliseconds: 1_000))
    let id = ObservationIdentity(of: group, patient: "pat1", device: "dev1").id
    let expected = """
      {"resourceType":"Observation","id":"\(id)","identifier":[{"system":\
      "https://azure.microsoft.com/en-us/services/iomt-fhir-connector/",\
      "value":"pat1.dev1.heartrate.20240102030405Z.20240102030405Z"}],"status":"final",\
      "category":[{"coding":[{"system":"http://c","code":"vital-signs","display":"Vital Signs"}],"text":"Vital Signs"}],\
      "code":{"coding":[{"system":"http://loinc.org","code":"8867-4","display":"Heart rate"},\
      {"system":"https://azure.microsoft.com/en-us/services/iomt-fhir-connector/","code":"heartrate",\
      "display":"heartrate"}],"text":"heartrate"},"subject":{"reference":"Patient/pat1"},\
      "encounter":{"reference":"Encounter/enc1"},"effectivePeriod":{"start":"2024-01-02T03:04:05.5000000Z",\
      "end":"2024-01-02T03:04:05.5000000Z"},"issued":"1970-01-01T00:00:01.000Z",\
      "valueQuantity":{"value":65.50,"unit":"beats/minute","system":"http://unitsofmeasure.org","code":"/min"},\
      "device":{"reference":"Device/dev1"}}
      """
    #expect(String(decoding: json, as: UTF8.self) == expected)
  }

  @Test func instantsAsDateTimesAreASetting() throws {
    var settings = MappingSettings()
    settings.writesInstants = true
    let mapping = try M.mapping(interval: 0, settings, value: M.quantity)
    let group = try #require(try M.groups(mapping, [M.of("2024-01-02T03:04:05.5Z", "65")]).first)
    let observation = try M.observation(mapping, group)
    #expect(observation["effectiveDateTime"]?.string == "2024-01-02T03:04:05.5000000Z")
    #expect(observation["effectivePeriod"] == nil)
  }

  @Test(arguments: [
    ("65", "65"), ("-1.50", "-1.50"), (" 7 ", "7"), ("+7", "7"), ("1,234.5", "1234.5"), (".5", "0.5"), ("007", "7"),
    ("1E-05", "0.00001"), ("1.25E+3", "1250"), ("0", "0"), ("-0", "-0"),
  ])
  func quantities(_ text: String, _ expected: String) throws {
    let mapping = try M.mapping(interval: 0, value: M.quantity)
    let group = try #require(try M.groups(mapping, [M.of("2024-01-02T03:04:05Z", text)]).first)
    let value = try M.observation(mapping, group)["valueQuantity"]?["value"]
    #expect(value.map { String(decoding: $0.json, as: UTF8.self) } == expected)
  }

  @Test(arguments: [
    "", "NaN", "Infinity", "abc", "1.2.3", "0x10", "1E400", "--1", String(repeating: "9", count: 60), "E5",
  ])
  func noQuantities(_ text: String) throws {
    let mapping = try M.mapping(interval: 0, value: M.quantity)
    let group = try #require(try M.groups(mapping, [M.of("2024-01-02T03:04:05Z", text)]).first)
    let failure = #expect(throws: MappingFailure.self) { try M.observation(mapping, group) }
    #expect(failure?.kind == .invalidQuantity)
    #expect(failure?.typeName == "heartrate")
  }

  /// A Quantity is of one moment: two in an hour are no Quantity.
  @Test func quantitiesAreSingle() throws {
    let mapping = try M.mapping(interval: 60, value: M.quantity)
    let group = try #require(
      try M.groups(mapping, [M.of("2024-01-02T03:00:00Z", "1"), M.of("2024-01-02T03:00:01Z", "2")]).first)
    let failure = #expect(throws: MappingFailure.self) { try M.observation(mapping, group) }
    #expect(failure?.message.contains("received 2") == true)
  }

  @Test func sampledData() throws {
    let mapping = try M.mapping(interval: -1, value: M.sampled(period: "1000"))
    let samples = [("00", "1"), ("01.5", "2"), ("01.9", "3"), ("04", "4")].map {
      M.of("2024-01-02T03:00:\($0.0)Z", $0.1, correlation: "c")
    }
    let group = try #require(try M.groups(mapping, samples.reversed()).first)
    let value = try #require(try M.observation(mapping, group)["valueSampledData"])
    #expect(
      String(decoding: value.json, as: UTF8.self)
        == #"{"origin":{"value":0,"unit":"count/min"},"period":1000,"dimensions":1,"data":"1 3 E E 4"}"#)
  }

  /// An hour of five seconds each has 720 slots, the last sample is of 59:55.
  @Test func sampledHour() throws {
    let mapping = try M.mapping(interval: 60, value: M.sampled(period: "5000"))
    let group = try #require(try M.groups(mapping, [M.of("2024-01-02T03:59:59.9Z", "7")]).first)
    let data = try #require(try M.observation(mapping, group)["valueSampledData"]?["data"]?.string)
    #expect(data.split(separator: " ").count == 720)
    #expect(data.hasSuffix("E 7"))
  }

  @Test(arguments: ["NaN", "1 2", "", "high", "1,5"])
  func noSamples(_ text: String) throws {
    let mapping = try M.mapping(interval: 60, value: M.sampled(period: "5000"))
    let group = try #require(try M.groups(mapping, [M.of("2024-01-02T03:59:59Z", text)]).first)
    #expect(throws: MappingFailure.self) { try M.observation(mapping, group) }
  }

  @Test func samplesAreLimited() throws {
    var settings = MappingSettings()
    settings.samplesMax = 720
    let group = try #require(try M.groups(try M.mapping(interval: 60), [M.of("2024-01-02T03:59:59Z", "1")]).first)
    _ = try M.observation(try M.mapping(interval: 60, settings, value: M.sampled(period: "5000")), group)
    #expect(throws: MappingFailure.self) {
      try M.observation(try M.mapping(interval: 60, settings, value: M.sampled(period: "4990")), group)
    }
  }

  @Test func componentsOfWhatIsThere() throws {
    let mapping = try M.mapping(interval: 60, value: nil, components: true)
    let one = Measurement(
      type: "heartrate", occurrence: try #require(Timestamp.parse("2024-01-02T03:04:05Z")), deviceID: "d",
      properties: [.init(name: "systolic", value: "120"), .init(name: "note", value: "sitting")])
    let group = try #require(try M.groups(mapping, [one]).first)
    let observation = try M.observation(mapping, group)
    let components = observation["component"]?.elements ?? []
    #expect(components.count == 2)
    #expect(components[0]["code"]?["text"]?.string == "systolic")
    #expect(components[0]["code"]?["coding"]?[1]?["code"]?.string == "systolic")
    #expect(components[0]["valueQuantity"]?["value"]?.integer == 120)
    #expect(components[1]["valueString"]?.string == "sitting")
    #expect(observation["valueQuantity"] == nil)
  }

  /// What was measured does not matter to a concept; that it was measured is the fact.
  @Test func concepts() throws {
    let value =
      #"{"valueName":"hr","valueType":"codeableConcept","text":"Worn","codes":[{"code":"worn","system":"http://e"}]}"#
    let mapping = try M.mapping(interval: 0, value: value)
    let group = try #require(try M.groups(mapping, [M.of("2024-01-02T03:04:05Z", "whatever")]).first)
    let concept = try #require(try M.observation(mapping, group)["valueCodeableConcept"])
    #expect(
      String(decoding: concept.json, as: UTF8.self)
        == #"{"coding":[{"system":"http://e","code":"worn"}],"text":"Worn"}"#)
  }

  // MARK: - Mappings

  @Test func typesInAnyCase() throws {
    let mapping = try M.mapping(interval: 0, value: M.quantity)
    var measurement = M.of("2024-01-02T03:04:05Z", "1")
    measurement.type = "HeartRate"
    let group = try #require(try M.groups(mapping, [measurement]).first)
    // The name in identifiers and codes is the measurement's.
    #expect(try M.observation(mapping, group)["code"]?["text"]?.string == "HeartRate")
    measurement.type = "steps"
    let failure = #expect(throws: MappingFailure.self) { try M.groups(mapping, [measurement]) }
    #expect(failure?.kind == .templateNotFound)
  }

  @Test(arguments: [
    (#""typeName":"  ","codes":[]"#, "typeName"), (#""typeName":"a""#, "codes"),
    (#""typeName":"a","codes":[],"periodInterval":30"#, "periodInterval"),
    (#""typeName":"a","codes":[],"value":{"valueName":"v","valueType":"Range"}"#, "value.valueType"),
    (#""typeName":"a","codes":[],"value":{"valueName":"v","valueType":"SampledData"}"#, "value.defaultPeriod"),
    (
      #""typeName":"a","codes":[],"value":{"valueName":"v","valueType":"SampledData","defaultPeriod":0}"#,
      "value.defaultPeriod"
    ),
    (#""typeName":"a","codes":[],"components":[{"codes":[]}]"#, "components[0].value"),
    (#""typeName":"a","codes":[],"units":1"#, "units"), (#""typeName":"a","codes":[{"coed":"x"}]"#, "codes[0].coed"),
  ])
  func invalidTemplates(_ members: String, _ field: String) throws {
    let template = "{\"templateType\":\"CodeValueFhir\",\"template\":{\(members)}}"
    let bytes = Samples.wrapped(template, in: "CollectionFhir")
    let error = try #require(#expect(throws: MappingError.self) { try FHIRMapping(bytes) })
    #expect(error.problems.map(\.field) == [field])
  }

  @Test func typesAreUnique() throws {
    let one = #"{"templateType":"CodeValueFhir","template":{"typeName":"NAME","codes":[]}}"#
    let two = [one.replacing("NAME", with: "hr"), one.replacing("NAME", with: "HR")].joined(separator: ",")
    let error = #expect(throws: MappingError.self) { try FHIRMapping(Samples.wrapped(two, in: "CollectionFhir")) }
    #expect(error?.problems.map(\.template) == [1])
  }

  @Test func warnings() throws {
    let device = try DeviceMapping(
      Samples.wrapped(
        ["heartrate", "steps"].map {
          """
          {"templateType":"JsonPathContent","template":{"typeName":"\($0)","typeMatchExpression":"$","deviceIdExpression":"$.d",
          "timestampExpression":"$.t","values":[{"valueName":"hr","valueExpression":"$.h"},{"valueName":"x","valueExpression":"$.x"}]}}
          """
        }.joined(separator: ",")))
    let warnings = try M.mapping(interval: 0).warnings(for: device)
    #expect(
      warnings.map { "\($0.typeName ?? "") \($0.field ?? "")" } == ["heartrate values[1].valueName", "steps typeName"])
    #expect(warnings.allSatisfy { $0.severity == .warning })
  }
}
