import Base
import DeviceMapping
import JSONCore
import Testing

/// New measurements in stored Observations.
@Suite struct ObservationMergeTests {
  typealias M = Measurements

  private func first(_ mapping: FHIRMapping, _ samples: [(String, String)]) throws -> ObservationGroup {
    let measurements = samples.map { M.of("2024-01-02T\($0.0)Z", $0.1, correlation: "c") }
    return try #require(try M.groups(mapping, measurements).first)
  }

  private func merged(
    _ mapping: FHIRMapping, _ samples: [(String, String)], into stored: JSONDocument
  ) throws -> JSONValue? {
    try mapping.merged(try first(mapping, samples), into: stored).map { try JSONDocument($0).value }
  }

  private func stored(_ mapping: FHIRMapping, _ samples: [(String, String)]) throws -> JSONDocument {
    try M.observation(mapping, try first(mapping, samples)).document
  }

  @Test func samplesOfAnHour() throws {
    let mapping = try M.mapping(interval: 60, value: M.sampled(period: "900000"))
    let stored = try stored(mapping, [("03:00:00", "1"), ("03:20:00", "2")])
    #expect(stored.value["valueSampledData"]?["data"]?.string == "1 2 E E")
    let merged = try #require(try merged(mapping, [("03:29:00", "3"), ("03:46:00", "4")], into: stored))
    #expect(merged["valueSampledData"]?["data"]?.string == "1 3 E 4")
    #expect(merged["status"]?.string == "amended")
    #expect(merged["id"]?.string == stored.value["id"]?.string)
    #expect(merged["effectivePeriod"]?["end"]?.string == "2024-01-02T03:59:59.9999999Z")
    #expect(merged.count == stored.value.count)
  }

  /// What changes nothing is not written.
  @Test func nothingNew() throws {
    let sampled = try M.mapping(interval: 60, value: M.sampled(period: "900000"))
    #expect(try merged(sampled, [("03:14:00", "1")], into: try stored(sampled, [("03:00:00", "1")])) == nil)
    let quantity = try M.mapping(interval: 0)
    let one = try stored(quantity, [("03:00:00", "65.5")])
    #expect(try merged(quantity, [("03:00:00", "65.5")], into: one) == nil)
    #expect(try merged(quantity, [("03:00:00", "65.6")], into: one) != nil)
    // Stored by another writer: members in another order, times with fewer digits.
    let text = String(decoding: one.value.json, as: UTF8.self).replacing(".0000000Z", with: "Z")
    #expect(try merged(quantity, [("03:00:00", "65.5")], into: try JSONDocument(text)) == nil)
  }

  @Test func quantityIsReplaced() throws {
    let mapping = try M.mapping(interval: 0)
    let merged = try #require(
      try merged(mapping, [("03:00:00", "66")], into: try stored(mapping, [("03:00:00", "65")])))
    #expect(merged["valueQuantity"]?["value"]?.integer == 66)
  }

  @Test func categoryIsTheMappingsOfToday() throws {
    let mapping = try M.mapping(interval: 0)
    let newer = try M.mapping(interval: 0, category: "Signs")
    let merged = try #require(try merged(newer, [("03:00:00", "65")], into: try stored(mapping, [("03:00:00", "65")])))
    #expect(merged["category"]?[0]?["text"]?.string == "Signs")
    #expect(merged["category"]?.count == 1)
  }

  /// What others added stays.
  @Test func foreignElementsStay() throws {
    let mapping = try M.mapping(interval: 0)
    let text = String(decoding: try stored(mapping, [("03:00:00", "65")]).value.json, as: UTF8.self)
    let foreign = "{\"meta\":{\"versionId\":\"3\"},\"note\":[{\"text\":\"n\"}]," + text.dropFirst()
    let merged = try #require(try merged(mapping, [("03:00:00", "66")], into: try JSONDocument(foreign)))
    #expect(merged["note"]?[0]?["text"]?.string == "n")
    #expect(merged["meta"]?["versionId"]?.string == "3")
  }

  @Test func correlationWidens() throws {
    let mapping = try M.mapping(interval: -1, value: M.sampled(period: "1000"))
    let stored = try stored(mapping, [("03:00:10", "1"), ("03:00:12", "2")])
    let merged = try #require(try merged(mapping, [("03:00:09", "0"), ("03:00:13", "3")], into: stored))
    #expect(merged["valueSampledData"]?["data"]?.string == "0 1 E 2 3")
    #expect(merged["effectivePeriod"]?["start"]?.string == "2024-01-02T03:00:09.0000000Z")
    #expect(merged["effectivePeriod"]?["end"]?.string == "2024-01-02T03:00:13.0000000Z")
  }

  @Test func componentsByValueName() throws {
    let mapping = try M.mapping(interval: 60, value: nil, components: true)
    func group(_ properties: [(String, String)]) throws -> ObservationGroup {
      let measurement = Measurement(
        type: "heartrate", occurrence: try #require(Timestamp.parse("2024-01-02T03:04:05Z")), deviceID: "d",
        properties: properties.map { .init(name: $0.0, value: $0.1) })
      return try #require(try M.groups(mapping, [measurement]).first)
    }
    let stored = try M.observation(mapping, try group([("systolic", "120")])).document
    let json = try #require(try mapping.merged(try group([("systolic", "121"), ("diastolic", "80")]), into: stored))
    let components = try JSONDocument(json).value["component"]?.elements ?? []
    #expect(components.map { $0["valueQuantity"]?["value"]?.integer } == [121, 80])
    #expect(components.map { $0["code"]?["text"]?.string } == ["systolic", "diastolic"])
    #expect(try mapping.merged(try group([("systolic", "120")]), into: stored) == nil)
  }

  @Test func typesCannotChange() throws {
    let stored = try stored(try M.mapping(interval: 60), [("03:00:00", "65")])
    let mapping = try M.mapping(interval: 60, value: M.sampled(period: "1000"))
    let failure = #expect(throws: MappingFailure.self) { try merged(mapping, [("03:00:00", "65")], into: stored) }
    #expect(failure?.kind == .fhirDataMapping)
    #expect(failure?.message.contains("valueQuantity") == true)
  }

  // MARK: - A period that changes

  /// Half-minute slots become minute slots. Existing services read the stored slots as if they were minutes; with the
  /// setting every sample keeps its time.
  @Test func changedPeriod() throws {
    let old = try M.mapping(interval: 60, value: M.sampled(period: "900000"))
    let stored = try stored(old, [("03:00:00", "1"), ("03:15:00", "2"), ("03:30:00", "3")])
    let compatible = try M.mapping(interval: 60, value: M.sampled(period: "1800000"))
    let corrupted = try #require(try merged(compatible, [("03:59:00", "9")], into: stored))
    #expect(corrupted["valueSampledData"]?["data"]?.string == "1 9")
    #expect(corrupted["valueSampledData"]?["period"]?.integer == 900_000)
    var settings = MappingSettings()
    settings.keepsSampleTimes = true
    let mapping = try M.mapping(interval: 60, settings, value: M.sampled(period: "1800000"))
    let merged = try #require(try merged(mapping, [("03:59:00", "9")], into: stored))
    #expect(merged["valueSampledData"]?["data"]?.string == "2 9")
    #expect(merged["valueSampledData"]?["period"]?.integer == 1_800_000)
  }

  /// Samples without news are counted from the new beginning too, if the setting says so.
  @Test func movedBeginning() throws {
    var settings = MappingSettings()
    settings.keepsSampleTimes = true
    for keeps in [true, false] {
      settings.keepsSampleTimes = keeps
      let mapping = try M.mapping(interval: -1, settings, value: M.sampled(period: "1000"))
      let stored = try stored(mapping, [("03:00:10", "1"), ("03:00:11", "2")])
      let other = M.of("2024-01-02T03:00:08Z", "x", correlation: "c", name: "unknown")
      let group = try #require(try M.groups(mapping, [other]).first)
      let json = try #require(try mapping.merged(group, into: stored))
      let data = try JSONDocument(json).value["valueSampledData"]?["data"]?.string
      #expect(data == (keeps ? "E E 1 2" : "1 2"))
    }
  }

  // MARK: - Bad input

  @Test(arguments: [
    "[]", "{}", #"{"effectivePeriod":{"start":"2024-01-02T03:00:00Z"}}"#, #"{"effectiveDateTime":"soon"}"#,
    #"{"effectiveTiming":{}}"#,
    #"{"effectiveDateTime":"2024-01-02T03:00:00Z","valueSampledData":{"dimensions":2,"data":"1 2"}}"#,
    #"{"effectiveDateTime":"2024-01-02T03:00:00Z","valueBoolean":true}"#,
  ])
  func badStored(_ text: String) throws {
    let mapping = try M.mapping(interval: 60, value: M.sampled(period: "1000"))
    #expect(throws: MappingFailure.self) {
      try merged(mapping, [("03:00:00", "1")], into: try JSONDocument(text))
    }
  }

  @Test func storedInstant() throws {
    let mapping = try M.mapping(interval: -1)
    let stored = try JSONDocument(#"{"resourceType":"Observation","effectiveDateTime":"2024-01-02T03:00:00Z"}"#)
    let merged = try #require(try merged(mapping, [("03:00:01", "1")], into: stored))
    #expect(merged["effectiveDateTime"] == nil)
    #expect(merged["effectivePeriod"]?["start"]?.string == "2024-01-02T03:00:00.0000000Z")
    #expect(merged["valueQuantity"]?["value"]?.integer == 1)
  }
}
