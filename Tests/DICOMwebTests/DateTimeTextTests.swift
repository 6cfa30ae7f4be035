import DICOMweb
import Testing

@Suite struct DateTimeTextTests {
  @Test func `dates are of the calendar`() {
    #expect(DateTimeText.date("20240229") == 20_240_229)
    #expect(DateTimeText.date("00010101") == 10_101)
    for text in ["20230229", "19000229", "20240431", "2024", "2024022", "202402299", "2024022a", "00000101", ""] {
      #expect(DateTimeText.date(text) == nil, "\(text)")
    }
  }

  @Test func `old dates and times are read where that is asked for`() {
    #expect(DateTimeText.date("1999.12.31") == nil)
    #expect(DateTimeText.date("1999.12.31", allowsDots: true) == 19_991_231)
    #expect(DateTimeText.time("10:15:30") == nil)
    #expect(DateTimeText.time("10:15:30.5", allowsColons: true)?.lowerBound == 36_930_500_000)
    #expect(DateTimeText.time("10:15", allowsColons: true)?.lowerBound == 36_900_000_000)
  }

  @Test func `times cover what they do not say`() {
    #expect(DateTimeText.time("00") == 0...3_599_999_999)
    #expect(DateTimeText.time("235960") == 86_400_000_000...86_400_999_999)
    #expect(DateTimeText.time("000000.000001") == 1...1)
    for text in ["24", "1", "101", "10156", "1060", "101561", "10.5", "1015.5", "101530.", "101530.1234567", "x", ""] {
      #expect(DateTimeText.time(text) == nil, "\(text)")
    }
  }
}
