/// Dates by precision (FHIR R4 search#date), read with a calendar of its own. Values without a zone are UTC.
enum OracleDate {
  static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    var days = 0
    if year >= 1970 {
      for past in 1970..<year { days += isLeap(past) ? 366 : 365 }
    } else {
      for past in year..<1970 { days -= isLeap(past) ? 366 : 365 }
    }
    for past in 1..<month { days += length(past, year) }
    return days + day - 1
  }

  static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

  static func length(_ month: Int, _ year: Int) -> Int {
    [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
  }

  static let second: Int64 = 1_000_000

  /// The first and the last microsecond that a text covers; nil for what is no date.
  static func range(_ text: String) -> (low: Int64, high: Int64)? {
    let halves = text.split(separator: "T", maxSplits: 1, omittingEmptySubsequences: false)
    let date = halves[0].split(separator: "-", omittingEmptySubsequences: false)
    let lengths = [4, 2, 2]
    guard date.count <= 3, zip(date, lengths).allSatisfy({ isNumber($0, $1) }) else { return nil }
    let parts = date.compactMap { Int($0) }
    let year = parts[0]
    let month = parts.count > 1 ? parts[1] : 1
    let day = parts.count > 2 ? parts[2] : 1
    guard year > 0, (1...12).contains(month), day >= 1, day <= length(month, year) else { return nil }
    let low = Int64(days(year, month, day)) * 86_400 * second
    if halves.count == 1 {
      let count = parts.count == 1 ? (isLeap(year) ? 366 : 365) : parts.count == 2 ? length(month, year) : 1
      return (low, low + Int64(count) * 86_400 * second - 1)
    }
    guard parts.count == 3, let (time, width) = time(halves[1]) else { return nil }
    return (low + time, low + time + width - 1)
  }

  /// A time of day with its zone, as microseconds after the day's beginning, and how many it covers.
  private static func time(_ text: Substring) -> (Int64, Int64)? {
    let zoneStart = text.firstIndex { $0 == "Z" || $0 == "+" || $0 == "-" } ?? text.endIndex
    guard let shift = zone(text[zoneStart...]) else { return nil }
    let parts = text[..<zoneStart].split(separator: ":", omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count), isNumber(parts[0], 2), isNumber(parts[1], 2), let hour = Int64(parts[0]),
      let minute = Int64(parts[1]), hour < 24, minute < 60
    else { return nil }
    let start = (hour * 3_600 + minute * 60) * second - shift
    if parts.count == 2 { return (start, 60 * second) }
    let seconds = parts[2].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard isNumber(seconds[0], 2), let whole = Int64(seconds[0]), whole < 60 else { return nil }
    if seconds.count == 1 { return (start + whole * second, second) }
    guard let digits = seconds.last, (1...6).contains(digits.count), let fraction = Int64(digits) else { return nil }
    var width = second
    for _ in digits { width /= 10 }
    return (start + whole * second + fraction * width, width)
  }

  private static func zone(_ text: Substring) -> Int64? {
    if text.isEmpty || text == "Z" { return 0 }
    let parts = text.dropFirst().split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, isNumber(parts[0], 2), isNumber(parts[1], 2), let hours = Int64(parts[0]),
      let minutes = Int64(parts[1]), hours <= 14, minutes < 60
    else { return nil }
    return (hours * 3_600 + minutes * 60) * second * (text.first == "-" ? -1 : 1)
  }

  private static func isNumber(_ text: Substring, _ length: Int) -> Bool {
    text.utf8.count == length && text.utf8.allSatisfy { (48...57).contains($0) }
  }
}
