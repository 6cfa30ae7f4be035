import Base

extension Timestamp {
  struct Civil {
    var year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int
    /// Below a second, in ticks.
    var fraction: Int
  }

  var civil: Civil {
    var day = ticks / Timestamp.ticksPerDay
    var rest = ticks % Timestamp.ticksPerDay
    if rest < 0 {
      rest += Timestamp.ticksPerDay
      day -= 1
    }
    let (year, month, dayOfMonth) = Instant.civil(days: Int(day))
    let seconds = Int(rest / Timestamp.ticksPerSecond)
    return Civil(
      year: year, month: month, day: dayOfMonth, hour: seconds / 3_600, minute: seconds / 60 % 60,
      second: seconds % 60, fraction: Int(rest % Timestamp.ticksPerSecond))
  }

  private static func digits(_ value: Int, _ width: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, width - text.count)) + text
  }

  private static func append(_ value: Int, _ width: Int, to bytes: inout [UInt8]) {
    var divisor = 1
    for _ in 1..<width { divisor *= 10 }
    var rest = value
    while divisor > 0 {
      bytes.append(UInt8(truncatingIfNeeded: 48 + rest / divisor % 10))
      rest %= divisor
      divisor /= 10
    }
  }

  private func appendDateTime(to bytes: inout [UInt8]) {
    let c = civil
    Timestamp.append(c.year, 4, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    Timestamp.append(c.month, 2, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    Timestamp.append(c.day, 2, to: &bytes)
    bytes.append(UInt8(ascii: "T"))
    Timestamp.append(c.hour, 2, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    Timestamp.append(c.minute, 2, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    Timestamp.append(c.second, 2, to: &bytes)
    bytes.append(UInt8(ascii: "."))
    Timestamp.append(c.fraction, 7, to: &bytes)
  }

  /// As existing services write it into `effectivePeriod`: always seven digits, `2019-02-01T22:46:01.8750000Z`.
  public var roundTrip: String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(28)
    appendDateTime(to: &bytes)
    bytes.append(UInt8(ascii: "Z"))
    return String(decoding: bytes, as: UTF8.self)
  }

  /// As existing services write it into measurements: no zeros at the end, `2019-02-01T22:46:01.875Z`.
  public var shortest: String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(28)
    appendDateTime(to: &bytes)
    while bytes.last == UInt8(ascii: "0") { bytes.removeLast() }
    if bytes.last == UInt8(ascii: ".") { bytes.removeLast() }
    bytes.append(UInt8(ascii: "Z"))
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The form inside identifiers, `20190201224601Z`.
  func segment(withFraction: Bool) -> String {
    let c = civil
    var bytes: [UInt8] = []
    Timestamp.append(c.year, 4, to: &bytes)
    for part in [c.month, c.day, c.hour, c.minute, c.second] { Timestamp.append(part, 2, to: &bytes) }
    if withFraction, c.fraction > 0 { Timestamp.append(c.fraction, 7, to: &bytes) }
    bytes.append(UInt8(ascii: "Z"))
    return String(decoding: bytes, as: UTF8.self)
  }

  /// What becomes of a date where existing services make a text of it, `02/01/2019 22:46:01`.
  var invariant: String {
    let c = civil
    let two = { Timestamp.digits($0, 2) }
    return
      "\(two(c.month))/\(two(c.day))/\(Timestamp.digits(c.year, 4)) \(two(c.hour)):\(two(c.minute)):\(two(c.second))"
  }
}
