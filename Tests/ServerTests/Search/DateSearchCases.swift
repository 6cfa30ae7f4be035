import Testing

/// FHIR R4 search#date with all prefixes of search#prefix, by the ranges that its table names. Where others test `eq` by
/// overlap, the standard's containment holds: "the range of the search value fully contains the range of the target
/// value".
@Suite(
  .scene { scene in
    for (name, date) in [
      ("d0", "1979-12-31"), ("d1", "1980"), ("d2", "1980-05"), ("d3", "1980-05-11"), ("d4", "1980-05-11T16:32:15Z"),
      ("d5", "1980-05-11T16:32:15.500Z"), ("d6", "1981-01-01"),
    ] {
      try await scene.create(
        name,
        #"{"resourceType":"Observation","status":"final","code":{"text":"x"},"effectiveDateTime":"\#(date)"}"#)
    }
    try await scene.create(
      "d7",
      #"{"resourceType":"Observation","status":"final","code":{"text":"x"},"#
        + #""effectivePeriod":{"start":"1980-05-16","end":"1980-05-17"}}"#)
    try await scene.create("undated", #"{"resourceType":"Observation","status":"final","code":{"text":"x"}}"#)
    for (name, date) in [
      ("b1", "1999-12-31"), ("b2", "2000"), ("b3", "2000-03"), ("b4", "2000-03-03"), ("b5", "2000-03-31"),
      ("b6", "2000-04-01"),
    ] {
      try await scene.create(name, #"{"resourceType":"Patient","birthDate":"\#(date)"}"#)
    }
    for (name, timing) in [
      ("z1", #""effectiveDateTime":"2020-01-01T01:30:00+02:00""#),
      ("z2", #""effectiveTiming":{"event":["2021-01-01","2021-03-01"]}"#),
      ("z3", #""effectivePeriod":{"start":"2022-01-01"}"#), ("z4", #""effectivePeriod":{"end":"2019-01-01"}"#),
      ("z5", #""effectiveInstant":"2020-06-01T00:00:00Z""#),
    ] {
      try await scene.create(
        name, #"{"resourceType":"Observation","status":"final","code":{"text":"x"},\#(timing)}"#, tag: "z")
    }
  }) struct DateSearchCases
{
  @Test(arguments: rows) func date(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("Observation?_tag=t&date=" + row.query, row.names))
  }

  static let rows = [
    SearchRow("1980", "d1 d2 d3 d4 d5 d7"),
    SearchRow("eq1980", "d1 d2 d3 d4 d5 d7"),
    SearchRow("ne1980", "d0 d6"),
    SearchRow("gt1980", "d6"),
    SearchRow("lt1980", "d0"),
    SearchRow("ge1980", "d1 d2 d3 d4 d5 d6 d7"),
    SearchRow("le1980", "d0 d1 d2 d3 d4 d5 d7"),
    SearchRow("sa1980", "d6"),
    SearchRow("eb1980", "d0"),
    SearchRow("1980-01", ""),
    SearchRow("eq1980-01", ""),
    SearchRow("ne1980-01", "d0 d1 d2 d3 d4 d5 d6 d7"),
    SearchRow("gt1980-01", "d1 d2 d3 d4 d5 d6 d7"),
    SearchRow("lt1980-01", "d0"),
    SearchRow("ge1980-01", "d1 d2 d3 d4 d5 d6 d7"),
    SearchRow("le1980-01", "d0"),
    SearchRow("sa1980-01", "d2 d3 d4 d5 d6 d7"),
    SearchRow("eb1980-01", "d0"),
    SearchRow("1980-05", "d2 d3 d4 d5 d7"),
    SearchRow("eq1980-05", "d2 d3 d4 d5 d7"),
    SearchRow("ne1980-05", "d0 d1 d6"),
    SearchRow("gt1980-05", "d1 d6"),
    SearchRow("lt1980-05", "d0 d1"),
    SearchRow("ge1980-05", "d1 d2 d3 d4 d5 d6 d7"),
    SearchRow("le1980-05", "d0 d1 d2 d3 d4 d5 d7"),
    SearchRow("sa1980-05", "d6"),
    SearchRow("eb1980-05", "d0"),
    SearchRow("1980-05-10", ""),
    SearchRow("eq1980-05-10", ""),
    SearchRow("ne1980-05-10", "d0 d1 d2 d3 d4 d5 d6 d7"),
    SearchRow("gt1980-05-10", "d1 d2 d3 d4 d5 d6 d7"),
    SearchRow("lt1980-05-10", "d0 d1 d2"),
    SearchRow("ge1980-05-10", "d1 d2 d3 d4 d5 d6 d7"),
    SearchRow("le1980-05-10", "d0 d1 d2"),
    SearchRow("sa1980-05-10", "d3 d4 d5 d6 d7"),
    SearchRow("eb1980-05-10", "d0"),
    SearchRow("1980-05-11", "d3 d4 d5"),
    SearchRow("eq1980-05-11", "d3 d4 d5"),
    SearchRow("ne1980-05-11", "d0 d1 d2 d6 d7"),
    SearchRow("gt1980-05-11", "d1 d2 d6 d7"),
    SearchRow("lt1980-05-11", "d0 d1 d2"),
    SearchRow("ge1980-05-11", "d1 d2 d3 d4 d5 d6 d7"),
    SearchRow("le1980-05-11", "d0 d1 d2 d3 d4 d5"),
    SearchRow("sa1980-05-11", "d6 d7"),
    SearchRow("eb1980-05-11", "d0"),
    SearchRow("1980-05-11T16:32", "d4 d5"),
    SearchRow("eq1980-05-11T16:32", "d4 d5"),
    SearchRow("ne1980-05-11T16:32", "d0 d1 d2 d3 d6 d7"),
    SearchRow("gt1980-05-11T16:32", "d1 d2 d3 d6 d7"),
    SearchRow("lt1980-05-11T16:32", "d0 d1 d2 d3"),
    SearchRow("ge1980-05-11T16:32", "d1 d2 d3 d4 d5 d6 d7"),
    SearchRow("le1980-05-11T16:32", "d0 d1 d2 d3 d4 d5"),
    SearchRow("sa1980-05-11T16:32", "d6 d7"),
    SearchRow("eb1980-05-11T16:32", "d0"),
    SearchRow("1980-05-11T16:32:15", "d4 d5"),
    SearchRow("eq1980-05-11T16:32:15", "d4 d5"),
    SearchRow("ne1980-05-11T16:32:15", "d0 d1 d2 d3 d6 d7"),
    SearchRow("gt1980-05-11T16:32:15", "d1 d2 d3 d6 d7"),
    SearchRow("lt1980-05-11T16:32:15", "d0 d1 d2 d3"),
    SearchRow("ge1980-05-11T16:32:15", "d1 d2 d3 d4 d5 d6 d7"),
    SearchRow("le1980-05-11T16:32:15", "d0 d1 d2 d3 d4 d5"),
    SearchRow("sa1980-05-11T16:32:15", "d6 d7"),
    SearchRow("eb1980-05-11T16:32:15", "d0"),
    SearchRow("1980-05-11T16:32:15.500", "d5"),
    SearchRow("eq1980-05-11T16:32:15.500", "d5"),
    SearchRow("ne1980-05-11T16:32:15.500", "d0 d1 d2 d3 d4 d6 d7"),
    SearchRow("gt1980-05-11T16:32:15.500", "d1 d2 d3 d4 d6 d7"),
    SearchRow("lt1980-05-11T16:32:15.500", "d0 d1 d2 d3 d4"),
    SearchRow("ge1980-05-11T16:32:15.500", "d1 d2 d3 d4 d5 d6 d7"),
    SearchRow("le1980-05-11T16:32:15.500", "d0 d1 d2 d3 d4 d5"),
    SearchRow("sa1980-05-11T16:32:15.500", "d6 d7"),
    SearchRow("eb1980-05-11T16:32:15.500", "d0"),
    SearchRow("1980-05-11T16:32:15.5", "d5"),
    SearchRow("eq1980-05-11T16:32:15.5", "d5"),
    SearchRow("ne1980-05-11T16:32:15.5", "d0 d1 d2 d3 d4 d6 d7"),
    SearchRow("gt1980-05-11T16:32:15.5", "d1 d2 d3 d4 d6 d7"),
    SearchRow("lt1980-05-11T16:32:15.5", "d0 d1 d2 d3 d4"),
    SearchRow("ge1980-05-11T16:32:15.5", "d1 d2 d3 d4 d5 d6 d7"),
    SearchRow("le1980-05-11T16:32:15.5", "d0 d1 d2 d3 d4 d5"),
    SearchRow("sa1980-05-11T16:32:15.5", "d6 d7"),
    SearchRow("eb1980-05-11T16:32:15.5", "d0"),
    SearchRow("1980-05-16", ""),
    SearchRow("eq1980-05-16", ""),
    SearchRow("ne1980-05-16", "d0 d1 d2 d3 d4 d5 d6 d7"),
    SearchRow("gt1980-05-16", "d1 d2 d6 d7"),
    SearchRow("lt1980-05-16", "d0 d1 d2 d3 d4 d5"),
    SearchRow("ge1980-05-16", "d1 d2 d6 d7"),
    SearchRow("le1980-05-16", "d0 d1 d2 d3 d4 d5"),
    SearchRow("sa1980-05-16", "d6"),
    SearchRow("eb1980-05-16", "d0 d3 d4 d5"),
    SearchRow("1980-05-17", ""),
    SearchRow("eq1980-05-17", ""),
    SearchRow("ne1980-05-17", "d0 d1 d2 d3 d4 d5 d6 d7"),
    SearchRow("gt1980-05-17", "d1 d2 d6"),
    SearchRow("lt1980-05-17", "d0 d1 d2 d3 d4 d5 d7"),
    SearchRow("ge1980-05-17", "d1 d2 d6"),
    SearchRow("le1980-05-17", "d0 d1 d2 d3 d4 d5 d7"),
    SearchRow("sa1980-05-17", "d6"),
    SearchRow("eb1980-05-17", "d0 d3 d4 d5"),
    SearchRow("1981", "d6"),
    SearchRow("eq1981", "d6"),
    SearchRow("ne1981", "d0 d1 d2 d3 d4 d5 d7"),
    SearchRow("gt1981", ""),
    SearchRow("lt1981", "d0 d1 d2 d3 d4 d5 d7"),
    SearchRow("ge1981", "d6"),
    SearchRow("le1981", "d0 d1 d2 d3 d4 d5 d6 d7"),
    SearchRow("sa1981", ""),
    SearchRow("eb1981", "d0 d1 d2 d3 d4 d5 d7"),
    SearchRow("1981-01-01", "d6"),
    SearchRow("eq1981-01-01", "d6"),
    SearchRow("ne1981-01-01", "d0 d1 d2 d3 d4 d5 d7"),
    SearchRow("gt1981-01-01", ""),
    SearchRow("lt1981-01-01", "d0 d1 d2 d3 d4 d5 d7"),
    SearchRow("ge1981-01-01", "d6"),
    SearchRow("le1981-01-01", "d0 d1 d2 d3 d4 d5 d6 d7"),
    SearchRow("sa1981-01-01", ""),
    SearchRow("eb1981-01-01", "d0 d1 d2 d3 d4 d5 d7"),
    SearchRow("1981-01-01T00:00:00", ""),
    SearchRow("eq1981-01-01T00:00:00", ""),
    SearchRow("ne1981-01-01T00:00:00", "d0 d1 d2 d3 d4 d5 d6 d7"),
    SearchRow("gt1981-01-01T00:00:00", "d6"),
    SearchRow("lt1981-01-01T00:00:00", "d0 d1 d2 d3 d4 d5 d7"),
    SearchRow("ge1981-01-01T00:00:00", "d6"),
    SearchRow("le1981-01-01T00:00:00", "d0 d1 d2 d3 d4 d5 d7"),
    SearchRow("sa1981-01-01T00:00:00", ""),
    SearchRow("eb1981-01-01T00:00:00", "d0 d1 d2 d3 d4 d5 d7"),
    // Two of a kind are both to hold; comma is one of both.
    SearchRow("ge1980-05-11&date=lt1980-05-16", "d1 d2 d3 d4 d5"),
    SearchRow("sa1979-12-31&date=eb1980-05-16", "d3 d4 d5"),
    SearchRow("1979-12-31,1981-01-01", "d0 d6"),
    SearchRow("lt1980,gt1980", "d0 d6"),
    // A moment inside the period: it lies below its end and above its start.
    SearchRow("le1980-05-16T12:00:00Z&date=ge1980-05-16T12:00:00Z", "d1 d2 d7"),
    // Finer than what is stored: contains nothing (milliseconds are a range of their own, search#date).
    SearchRow("1980-05-11T16:32:15.5000001Z", ""),
    SearchRow("lt1980-05-11T16:32:15.5000001Z&date=gt1980-05-11", "d1 d2"),
    // Zones: the same moment written otherwise; without one it is UTC.
    SearchRow("1980-05-11T18:32:15%2B02:00", "d4 d5"),
    SearchRow("1980-05-11T18:32:15+02:00", "d4 d5"),
    SearchRow("1980-05-11T11:32:15-05:00", "d4 d5"),
    SearchRow("1980-05-11T16:32:15", "d4 d5"),
    SearchRow("1980-05-11T16:32Z", "d4 d5"),
  ]

  /// Birth dates of every precision.
  @Test(arguments: [
    SearchRow("2000-03", "b3 b4 b5"), SearchRow("2000", "b2 b3 b4 b5 b6"), SearchRow("2000-03-03", "b4"),
    SearchRow("ne2000-03", "b1 b2 b6"), SearchRow("gt2000-03", "b2 b6"), SearchRow("lt2000-03", "b1 b2"),
    SearchRow("sa2000-03", "b6"), SearchRow("eb2000-03", "b1"), SearchRow("ge2000-03-31", "b2 b5 b6"),
    SearchRow("le2000-03-03", "b1 b2 b3 b4"),
  ]) func birthDates(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("Patient?_tag=t&birthdate=" + row.query, row.names))
  }

  /// Zones, schedules, open periods (FHIR R4 search#date: a missing end is open, a Timing counts by its outer bounds).
  @Test(arguments: [
    SearchRow("2019-12-31", "z1"), SearchRow("2020-01-01", ""), SearchRow("2019-12-31T23:30", "z1"),
    SearchRow("2021", "z2"), SearchRow("2021-02", ""), SearchRow("ge2021-02&date=le2021-02", "z2"),
    SearchRow("gt2030", "z3"), SearchRow("lt1900", "z4"), SearchRow("sa2021-12-31", "z3"),
    SearchRow("eb2019-01-02", "z4"),
    SearchRow("2020-06-01T00:00:00", "z5"), SearchRow("ne2020", "z1 z2 z3 z4"),
  ]) func zonesSchedulesAndOpenPeriods(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("Observation?_tag=z&date=" + row.query, row.names))
  }

  /// FHIR R4 search#date: an instant is "a fixed point in time … with an effective width of 0".
  @Test func instantsArePoints() async throws {
    let found = try await SearchScene.current.names("Observation?_tag=z&date=2020-06-01T00:00:00.000")
    #expect(found == ["z5"])
    for query in ["sa2020-06-01T00:00:00.000", "gt2020-06-01T00:00:00.000", "eb2020-06-01", "2020-06-01T00:00:00.001"] {
      #expect(try await !SearchScene.current.names("Observation?_tag=z&date=\(query)").contains("z5"), "\(query)")
    }
  }

  /// `ap` (FHIR R4 search#prefix: "the recommended value … is 10 % of the stated value", for dates of the time from now).
  @Test func approximateDates() async throws {
    let scene = try SearchScene.current
    #expect(try await scene.names("Observation?_tag=t&date=ap1982").contains("d0"))
    #expect(try await !scene.names("Observation?_tag=t&date=ap2020").contains("d6"))
  }

  @Test(arguments: [
    SearchRow("true", "undated"), SearchRow("false", "d0 d1 d2 d3 d4 d5 d6 d7"),
  ]) func missing(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("Observation?_tag=t&date:missing=" + row.query, row.names))
  }

  @Test(arguments: [
    "***", "|", "!", "1973-02-30", "2019-02-29", "1974-08-13T01:01:09.123456789012345678", "05", "2000-13", "20000101",
    "gt", "xx2000", "2000-01-01T", "2000-01-01T24:00:00Z", "2000-01-01T10", "gtgt2000", "2000-1-1", "-2000", "99999",
    "2000-01-01T00:00:00+99:00", "yesterday",
  ]) func unreadableDatesAreRefused(_ value: String) async throws {
    try await SearchScene.current.checkRefused("Patient?birthdate=" + value, ["'birthdate'"])
  }
}
