import Base
import Testing

@Suite struct InstantTests {
  /// Known instants print in FHIR's and HTTP's forms.
  @Test(arguments: [
    (Int64(0), "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
    (951_782_400_000, "2000-02-29T00:00:00.000Z", "Tue, 29 Feb 2000 00:00:00 GMT"),
    (784_111_777_042, "1994-11-06T08:49:37.042Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
    (-1, "1969-12-31T23:59:59.999Z", "Wed, 31 Dec 1969 23:59:59 GMT"),
    (253_402_300_799_999, "9999-12-31T23:59:59.999Z", "Fri, 31 Dec 9999 23:59:59 GMT"),
  ])
  func printed(milliseconds: Int64, fhir: String, http: String) {
    let instant = Instant(milliseconds: milliseconds)
    #expect(instant.fhir == fhir)
    #expect(instant.httpDate == http)
  }

  /// Day counts and civil dates are inverse to each other over four centuries.
  @Test func daysRoundTrip() {
    for day in stride(from: -80_000, to: 80_000, by: 1) {
      let (year, month, dayOfMonth) = Instant.civil(days: day)
      #expect(Instant.days(year: year, month: month, day: dayOfMonth) == day)
    }
  }
}
