import FHIRModel
import FHIRSearch
import Testing

/// FHIR R4 search#date, #number, #quantity and `near`: bounds of what is stored.
@Suite struct RangeIndexTests {
  private static func observation(_ member: String) -> String {
    #"{"resourceType":"Observation","status":"final","code":{"text":"x"},\#(member)}"#
  }

  @Test(arguments: [
    (#""effectiveDateTime":"2013""#, "date 2013-01-01T00:00:00…2013-12-31T23:59:59.999999"),
    (#""effectiveDateTime":"2012-02""#, "date 2012-02-01T00:00:00…2012-02-29T23:59:59.999999"),
    (#""effectiveDateTime":"2013-01-14""#, "date 2013-01-14T00:00:00…2013-01-14T23:59:59.999999"),
    (#""effectiveDateTime":"2013-01-14T10:00:00+02:00""#, "date 2013-01-14T08:00:00…2013-01-14T08:00:00.999999"),
    (
      #""effectiveDateTime":"2013-01-14T23:30:00.5-05:00""#,
      "date 2013-01-15T04:30:00.500000…2013-01-15T04:30:00.599999"
    ),
    // An instant is a point, however it is written (FHIR R4 search#date: "an effective width of 0").
    (#""effectiveInstant":"2013-01-14T10:00:00.123Z""#, "date 2013-01-14T10:00:00.123000…2013-01-14T10:00:00.123000"),
    (#""effectiveInstant":"2013-01-14T10:00:00Z""#, "date 2013-01-14T10:00:00…2013-01-14T10:00:00"),
    (
      #""effectiveInstant":"2013-01-14T10:00:00.5-05:00""#, "date 2013-01-14T15:00:00.500000…2013-01-14T15:00:00.500000"
    ),
    (#""effectiveDateTime":"1950-06-15""#, "date 1950-06-15T00:00:00…1950-06-15T23:59:59.999999"),
    (
      #""effectivePeriod":{"start":"2013-01","end":"2013-02-10"}"#,
      "date 2013-01-01T00:00:00…2013-02-10T23:59:59.999999"
    ),
    // Open ends.
    (#""effectivePeriod":{"start":"2013"}"#, "date 2013-01-01T00:00:00…Δ"),
    (#""effectivePeriod":{"end":"2013"}"#, "date Δ…2013-12-31T23:59:59.999999"),
    // FHIR R4 search#date: of a schedule only the outer limits count.
    (
      #""effectiveTiming":{"event":["2013-03-05","2013-01-14","2013-02-01"]}"#,
      "date 2013-01-14T00:00:00…2013-03-05T23:59:59.999999"
    ),
    (
      #""effectiveTiming":{"repeat":{"boundsPeriod":{"start":"2013-01-14"},"frequency":2}}"#,
      "date 2013-01-14T00:00:00…Δ"
    ),
  ])
  func dates(member: String, expected: String) throws {
    #expect(try Extraction.lines(Self.observation(member), "date") == [expected])
  }

  @Test(arguments: [
    #""effectivePeriod":{"extension":[{"url":"urn:x","valueCode":"unknown"}]}"#,
    #""_effectiveDateTime":{"extension":[{"url":"urn:x","valueCode":"unknown"}]}"#,
    #""effectiveTiming":{"code":{"text":"BID"}}"#, #""effectiveTiming":{"repeat":{"boundsDuration":{"value":3}}}"#,
    #""effectiveDateTime":"nonsense""#,
  ])
  func noDate(member: String) throws {
    #expect(try Extraction.lines(Self.observation(member), "date") == ["missing"])
  }

  /// One schedule is one pair of outer limits.
  @Test func scheduleWithEventsAndBounds() throws {
    let timing =
      #""effectiveTiming":{"event":["2013-01-14"],"repeat":{"boundsPeriod":{"start":"2013-02-01","end":"2013-02-02"}}}"#
    let lines = try Extraction.lines(Self.observation(timing), "date")
    #expect(lines == ["date 2013-01-14T00:00:00…2013-02-02T23:59:59.999999"])
  }

  @Test func numbers() throws {
    func risk(_ prediction: String) throws -> [String] {
      try Extraction.lines(
        #"{"resourceType":"RiskAssessment","status":"final","subject":{"display":"x"},"prediction":[\#(prediction)]}"#,
        "probability")
    }
    #expect(try risk(#"{"probabilityDecimal":0.5}"#) == ["number 0.5…0.5"])
    #expect(
      try risk(#"{"probabilityDecimal":1e-3},{"probabilityDecimal":-2}"#) == [
        "number -2.0…-2.0 +", "number 0.001…0.001 +",
      ])
    #expect(try risk(#"{"probabilityDecimal":0.10},{"probabilityDecimal":0.1}"#) == ["number 0.1…0.1"])
    #expect(try risk(#"{"probabilityRange":{"low":{"value":1},"high":{"value":2}}}"#) == ["number 1.0…2.0"])
    #expect(try risk(#"{"probabilityRange":{"low":{"value":1}}}"#) == ["number 1.0…inf"])
    #expect(try risk(#"{"probabilityRange":{"low":{"unit":"x"}}}"#) == [])
    #expect(try risk(#"{"probabilityDecimal":1e400}"#) == [])
  }

  @Test func quantities() throws {
    func lines(_ quantity: String) throws -> [String] {
      try Extraction.lines(Self.observation("\"valueQuantity\":\(quantity)"), "value-quantity")
    }
    let ucum = "http://unitsofmeasure.org"
    #expect(
      try lines(#"{"value":5.40,"system":"\#(ucum)","code":"mg"}"#) == [
        "quantity 5.4…5.4 \(ucum)|mg"
      ])
    // A unit is found by `value||unit` too, as code or as words (FHIR R4 search#quantity).
    #expect(
      try lines(#"{"value":5,"system":"\#(ucum)","code":"mg","unit":"milligram"}"#) == [
        "quantity 5.0…5.0 \(ucum)|mg", "quantity 5.0…5.0 |milligram",
      ])
    #expect(
      try lines(#"{"value":5,"unit":"mg","system":"\#(ucum)","code":"mg"}"#) == [
        "quantity 5.0…5.0 \(ucum)|mg"
      ])
    #expect(try lines(#"{"value":5}"#) == ["quantity 5.0…5.0 |"])
    #expect(try lines(#"{"value":5,"unit":"drops"}"#) == ["quantity 5.0…5.0 |drops"])
    // A comparator opens the range: the value is somewhere beyond.
    #expect(try lines(#"{"value":5,"comparator":"<"}"#) == ["quantity -inf…5.0 |"])
    #expect(try lines(#"{"value":5,"comparator":">="}"#) == ["quantity 5.0…inf |"])
    #expect(try lines(#"{"unit":"mg"}"#) == [])
  }

  @Test func moneyRangesAndAges() throws {
    let claim = #"{"resourceType":"Invoice","status":"draft","totalNet":{"value":12.5,"currency":"EUR"}}"#
    #expect(try Extraction.lines(claim, "totalnet") == ["quantity 12.5…12.5 urn:iso:std:iso:4217|EUR"])
    let condition =
      #"{"resourceType":"Condition","subject":{"display":"x"},"onsetAge":{"value":52,"unit":"years","system":"http://unitsofmeasure.org","code":"a"}}"#
    #expect(
      try Extraction.lines(condition, "onset-age") == [
        "quantity 52.0…52.0 http://unitsofmeasure.org|a",
        "quantity 52.0…52.0 |years",
      ])
    let range =
      #"{"resourceType":"Condition","subject":{"display":"x"},"onsetRange":{"low":{"value":20,"unit":"a"},"high":{"value":30,"unit":"a"}}}"#
    #expect(try Extraction.lines(range, "onset-age") == ["quantity 20.0…30.0 |a"])
  }

  /// Observation-value-quantity: "… or a SampledData (just search on the bounds of the values in sampled data)".
  @Test func sampledDataBounds() throws {
    let sampled = Self.observation(
      #""valueSampledData":{"origin":{"value":2,"unit":"mV"},"period":10,"factor":2,"dimensions":1,"data":"1 5 -3 U"}"#)
    let lines = try Extraction.lines(sampled, "value-quantity")
    #expect(lines == ["quantity -4.0…12.0 |mV +"])
  }

  @Test func positions() throws {
    let location = #"{"resourceType":"Location","position":{"longitude":-83.69,"latitude":42.25}}"#
    #expect(try Extraction.lines(location, "near") == ["position 42.25 -83.69"])
    #expect(try Extraction.lines(#"{"resourceType":"Location","name":"x"}"#, "near") == [])
    // The ends of the earth, and past them.
    func lines(_ latitude: String, _ longitude: String) throws -> [String] {
      try Extraction.lines(
        #"{"resourceType":"Location","position":{"longitude":\#(longitude),"latitude":\#(latitude)}}"#, "near")
    }
    #expect(try lines("-90", "180") == ["position -90.0 180.0"])
    #expect(try lines("90.1", "0") == [])
    #expect(try lines("0", "-180.1") == [])
  }
}
