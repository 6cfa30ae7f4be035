import FHIRModel
import Testing

@Suite struct FHIRDateTimeTests {
  typealias Form = FHIRDateTime.Form

  func value(_ text: String, _ form: Form = .fhirPathDateTime) throws -> FHIRDateTime {
    try #require(FHIRDateTime(text, as: form))
  }

  // FHIR R4 datatypes: the regular expressions of date, dateTime, instant and time.
  @Test(arguments: [
    ("2018", "dD s"), ("1973-06", "dD s"), ("1905-08-23", "dD s"), ("2015-02-07T13:28:17-05:00", " Di s"),
    ("2017-01-01T00:00:00.000Z", " Di s"), ("2015-02-07T13:28:17.239+02:00", " Di s"),
    ("2016-12-31T23:59:60Z", " Di s"),
    ("2015-02-07T13:28:17", "    s"), ("2015-02-07T13:28", "    s"), ("2015-02-07T13:28Z", "    s"),
    ("2015-02-07T13:28:17 02:00", "    s"), ("2015-02-07T13", "     "), ("2021-10-13+02:00", "     "),
    ("13:28:17", "   t "), ("13:28:17.5", "   t "), ("13:28", "     "), ("13:28:17Z", "     "), ("24:00:00", "     "),
    ("2015-02-07T24:00:00Z", "     "), ("2015-02-07T13:60:00Z", "     "), ("2015-02-07T13:28:61Z", "     "),
    ("2015-02-07t13:28:17z", "     "), ("2015-02-07T13:28:17.Z", "     "), ("2015-02-07T13:28:17+14:01", "     "),
    ("2015-02-07T13:28:17+14:00", " Di s"), ("2015-02-07T13:28:17-13:59", " Di s"), ("2015-02-07T13:28:17+02", "     "),
    ("2019-02-29", "     "), ("2020-02-29", "dD s"), ("1900-02-29", "     "), ("2000-02-29", "dD s"),
    ("2020-04-31", "     "), ("2020-13", "     "), ("2020-00", "     "), ("2020-01-00", "     "), ("0000", "     "),
    ("0001", "dD s"), ("9999-12-31", "dD s"), ("999", "     "), ("20200101", "     "), ("2020-1-1", "     "),
    ("2020-", "     "), ("", "     "), ("2020-01-01T", "     "), ("2020-01-01 ", "     "), ("２０２０", "     "),
  ])
  func readsByForm(_ text: String, _ forms: String) {
    for (letter, form) in [("d", Form.date), ("D", .dateTime), ("i", .instant), ("t", .time), ("s", .search)] {
      #expect((FHIRDateTime(text, as: form) != nil) == forms.contains(letter), "\(text) as \(form)")
    }
  }

  @Test(arguments: ["2015", "2015T", "2015-02T", "2015-02-04T14", "2015-02-04T14:30Z", "2015-02-04T14:34:28.123"])
  func readsLiterals(_ text: String) { #expect(FHIRDateTime(text, as: .fhirPathDateTime) != nil) }

  @Test func readsPartialTimes() throws {
    #expect(try value("14", .fhirPathTime).precision == .hour)
    #expect(try value("14:30", .fhirPathTime).precision == .minute)
    #expect(FHIRDateTime("14:30Z", as: .fhirPathTime) == nil)
  }

  // Seconds since 1970 by `date -u -d … +%s`.
  @Test(arguments: [
    ("1970", 0, 31_535_999), ("2000", 946_684_800, 978_307_199), ("1979-12", 312_854_400, 315_532_799),
    ("2020-02-29", 1_582_934_400, 1_583_020_799), ("1980-05-11T16:32:15Z", 326_910_735, 326_910_735),
    ("1980-05-11T16:32Z", 326_910_720, 326_910_779), ("1980-05-11T16:32:15+02:00", 326_903_535, 326_903_535),
    ("1980-05-11T16:32:15-14:00", 326_961_135, 326_961_135), ("0001-01-01", -62_135_596_800, -62_135_510_401),
    ("9999-12-31", 253_402_214_400, 253_402_300_799), ("1969-12-31T23:59:59Z", -1, -1),
  ])
  func knowsItsBounds(_ text: String, _ low: Int64, _ high: Int64) throws {
    let date = try value(text, .search)
    #expect(date.low == low * 1_000_000)
    #expect(date.high == high * 1_000_000 + 999_999)
  }

  @Test func fractionsCoverTheirPrecision() throws {
    let half = try value("1970-01-01T00:00:01.5Z", .instant)
    #expect(half.low == 1_500_000 && half.high == 1_599_999)
    let milli = try value("1970-01-01T00:00:01.239Z", .instant)
    #expect(milli.low == 1_239_000 && milli.high == 1_239_999)
    let nano = try value("1970-01-01T00:00:01.123456789Z", .instant)
    #expect(nano.low == 1_123_456 && nano.high == 1_123_456 && nano.fractionDigits == 9)
    #expect(try value("01:00:00", .time).low == 3_600_000_000)
  }

  // FHIRPath N1 §6.1 and §6.2, with the specification's examples.
  @Test(
    arguments: [
      ("2018-03-01", "2018-01-01", 1), ("2018-03", "2018-03-01", nil), ("2018-03", "2018-04-01", -1),
      ("2018-03-01T10:30:00", "2018-03-01T10:00:00", 1), ("2018-03-01T10", "2018-03-01T10:30", nil),
      ("2018-03-01T10:30:00", "2018-03-01T10:30:00.0", 0), ("2012", "2012", 0), ("2012-01-01T10Z", "2012", nil),
      ("2017-11-05T01:30:00.0-04:00", "2017-11-05T01:15:00.0-05:00", -1),
      ("2017-11-05T01:30:00.0-04:00", "2017-11-05T00:30:00.0-05:00", 0),
      ("2017-01-01T00:30+01:00", "2016-12-31T23:30Z", 0), ("2012-04-15T15:30:31", "2012-04-15T15:30:31.1", -1),
    ] as [(String, String, Int?)])
  func compares(_ a: String, _ b: String, _ order: Int?) throws {
    #expect(try value(a).compare(to: value(b)) == order)
    #expect(try value(b).compare(to: value(a)) == order.map { -$0 })
  }

  @Test func timesCompareWithTimesOnly() throws {
    #expect(try value("10:30", .fhirPathTime).compare(to: value("10:30:00", .fhirPathTime)) == nil)
    #expect(try value("10:30:00", .time).compare(to: value("10:29:59", .time)) == 1)
    #expect(try value("10:30:00", .time).compare(to: value("2012")) == nil)
  }

  // FHIRPath N1 §6.6.7.
  @Test(arguments: [
    ("2020-02-29", "1", "year", "2021-02-28"), ("2020-01-31", "1", "month", "2020-02-29"),
    ("2020-03-31", "-1", "month", "2020-02-29"), ("2014", "24", "month", "2016"), ("2014", "23", "month", "2015"),
    ("2019-03-01", "24", "month", "2021-03-01"), ("2014", "730", "day", "2016"), ("2016-02", "30", "day", "2016-03"),
    ("2015-02-04T14:34:28Z", "1.5", "second", "2015-02-04T14:34:29.500Z"), ("1973-12-25", "7", "day", "1974-01-01"),
    ("1973-12-25", "7.7", "day", "1974-01-01"), ("1973-12-25", "1", "week", "1974-01-01"),
    ("1973-12-25T00:00:00.000+10:00", "-1", "second", "1973-12-24T23:59:59.000+10:00"),
    ("1973-12-25T00:00:00.000+10:00", "10", "millisecond", "1973-12-25T00:00:00.010+10:00"),
    ("1974-12-25", "1", "hour", "1974-12-25"), ("1974-12-25", "48", "hour", "1974-12-27"),
    ("2012-12-31T23:30Z", "45", "minute", "2013-01-01T00:15Z"),
  ])
  func addsDurations(_ text: String, _ amount: String, _ unit: String, _ sum: String) throws {
    let units: [String: FHIRDateTime.CalendarUnit] = [
      "year": .year, "month": .month, "week": .week, "day": .day, "hour": .hour, "minute": .minute, "second": .second,
      "millisecond": .millisecond,
    ]
    let moved = try value(text).adding(#require(FHIRDecimal(amount)), #require(units[unit]))
    #expect(moved?.description == sum)
  }

  @Test func durationsStayInTheCalendar() throws {
    for unit in [FHIRDateTime.CalendarUnit.year, .month, .week, .day, .hour, .minute, .second, .millisecond] {
      for amount in ["1e18", "-1e18", "1e30", "9223372036854775807", "1e99999"] {
        #expect(try value("9999-12-31T23:59:59.999Z").adding(#require(FHIRDecimal(amount)), unit) == nil)
      }
    }
    #expect(try value("9999-12-31").adding(FHIRDecimal(1), .day) == nil)
    #expect(try value("0001-01-01").adding(FHIRDecimal(-1), .day) == nil)
    #expect(try value("23:30:00", .time).adding(FHIRDecimal(1), .hour)?.description == "00:30:00")
    #expect(try value("23:30:00", .time).adding(FHIRDecimal(1), .day) == nil)
  }

  @Test(arguments: [
    "2018", "1973-06", "1905-08-23", "2015-02-07T13:28:17-05:00", "2017-01-01T00:00:00.000Z",
    "0001-01-01T00:00:00+14:00",
  ])
  func printsWhatItRead(_ text: String) throws { #expect(try value(text, .dateTime).description == text) }

  @Test func everyDayRoundTrips() throws {
    var day = try value("0001-01-01T00:00:00Z").low
    let last = try value("9999-12-31T00:00:00Z").low
    var previous = ""
    while day <= last {
      let date = try #require(FHIRDateTime(microseconds: day, precision: .day, offsetMinutes: nil))
      #expect(date.low == day && date.description > previous)
      previous = date.description
      day += 86_400_000_000 * 37
    }
    #expect(FHIRDateTime(microseconds: .max) == nil && FHIRDateTime(microseconds: .min) == nil)
  }
}
