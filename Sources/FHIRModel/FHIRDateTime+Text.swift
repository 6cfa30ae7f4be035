extension FHIRDateTime {
  /// Reads a value by the lexical rules of `form`; nil for anything else, and for dates that do not exist.
  public init?(_ bytes: UnsafeBufferPointer<UInt8>, as form: Form) {
    var reader = DateTimeReader(bytes: bytes, form: form)
    guard reader.read() else { return nil }
    self.init(
      isTime: reader.isTime, reader.precision, reader.year, reader.month, reader.day, reader.hour, reader.minute,
      reader.second, reader.microsecond, reader.fractionDigits, reader.offsetMinutes)
  }

  /// As the byte parser.
  public init?(_ text: String, as form: Form) {
    var text = text
    guard let value = text.withUTF8({ FHIRDateTime($0, as: form) }) else { return nil }
    self = value
  }
}

/// One pass over the text. The forms differ in what may be left out and where the text may end.
private struct DateTimeReader {
  let bytes: UnsafeBufferPointer<UInt8>
  let form: FHIRDateTime.Form
  var position = 0
  var precision = FHIRDateTime.Precision.year
  var year = 1970
  var month = 1
  var day = 1
  var hour = 0
  var minute = 0
  var second = 0
  var microsecond = 0
  var fractionDigits = 0
  var offsetMinutes: Int?

  init(bytes: UnsafeBufferPointer<UInt8>, form: FHIRDateTime.Form) {
    self.bytes = bytes
    self.form = form
  }

  var isTime: Bool { form == .time || form == .fhirPathTime }
  private var atEnd: Bool { position == bytes.count }

  mutating func read() -> Bool {
    if isTime { return readTime() && atEnd }
    guard readDate() else { return false }
    if atEnd { return form != .instant }
    guard form != .date, accept(UInt8(ascii: "T")) else { return false }
    // FHIRPath N1 §4.1.6: `2015T` is the dateTime of a year, without any time.
    if atEnd { return form == .fhirPathDateTime }
    guard precision == .day, readTime() else { return false }
    guard readZone() else { return false }
    return atEnd
  }

  private mutating func readDate() -> Bool {
    guard let y = digits(4), y >= 1 else { return false }
    year = y
    guard accept(UInt8(ascii: "-")) else { return true }
    guard let m = digits(2), m >= 1, m <= 12 else { return false }
    month = m
    precision = .month
    guard accept(UInt8(ascii: "-")) else { return true }
    guard let d = digits(2), d >= 1, d <= FHIRDateTime.days(inMonth: month, ofYear: year) else { return false }
    day = d
    precision = .day
    return true
  }

  private mutating func readTime() -> Bool {
    guard let h = digits(2), h <= 23 else { return false }
    hour = h
    precision = .hour
    let partial = form == .fhirPathDateTime || form == .fhirPathTime
    guard accept(UInt8(ascii: ":")) else { return partial }
    guard let m = digits(2), m <= 59 else { return false }
    minute = m
    precision = .minute
    guard accept(UInt8(ascii: ":")) else { return partial || form == .search }
    guard let s = digits(2), s <= 60 else { return false }
    second = s
    precision = .second
    guard accept(UInt8(ascii: ".")) else { return true }
    return readFraction()
  }

  private mutating func readFraction() -> Bool {
    let start = position
    var weight = 100_000
    while position < bytes.count {
      let digit = bytes[position] &- 48
      guard digit < 10 else { break }
      microsecond += Int(digit) * weight
      weight /= 10
      position += 1
    }
    fractionDigits = position - start
    precision = .fraction
    return fractionDigits > 0
  }

  /// R4's grammar: Z, or ±00:00 … ±13:59, or ±14:00.
  private mutating func readZone() -> Bool {
    if atEnd { return form == .search || form == .fhirPathDateTime }
    if accept(UInt8(ascii: "Z")) {
      offsetMinutes = 0
      return true
    }
    let west = accept(UInt8(ascii: "-"))
    guard west || accept(UInt8(ascii: "+")) || (form == .search && accept(UInt8(ascii: " "))) else { return false }
    guard let hours = digits(2), accept(UInt8(ascii: ":")), let minutes = digits(2), minutes <= 59,
      hours <= 13 || (hours == 14 && minutes == 0)
    else { return false }
    offsetMinutes = (hours * 60 + minutes) * (west ? -1 : 1)
    return true
  }

  private mutating func accept(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  private mutating func digits(_ count: Int) -> Int? {
    guard bytes.count - position >= count else { return nil }
    var value = 0
    for index in position..<(position + count) {
      let digit = bytes[index] &- 48
      guard digit < 10 else { return nil }
      value = value * 10 + Int(digit)
    }
    position += count
    return value
  }
}

// MARK: - Printing

extension FHIRDateTime: CustomStringConvertible {
  /// The value as FHIR writes it, at its precision and in its zone (six digits of a fraction at most).
  public var description: String {
    var text: [UInt8] = []
    text.reserveCapacity(32)
    if !isTime {
      FHIRDateTime.append(year, 4, to: &text)
      if precision >= .month { FHIRDateTime.append(UInt8(ascii: "-"), month, 2, to: &text) }
      if precision >= .day { FHIRDateTime.append(UInt8(ascii: "-"), day, 2, to: &text) }
      if precision >= .hour { FHIRDateTime.append(UInt8(ascii: "T"), hour, 2, to: &text) }
    } else {
      FHIRDateTime.append(hour, 2, to: &text)
    }
    if precision >= .minute { FHIRDateTime.append(UInt8(ascii: ":"), minute, 2, to: &text) }
    if precision >= .second { FHIRDateTime.append(UInt8(ascii: ":"), second, 2, to: &text) }
    if precision >= .fraction {
      let places = min(max(fractionDigits, 1), 6)
      var fraction = microsecond
      for _ in places..<6 { fraction /= 10 }
      FHIRDateTime.append(UInt8(ascii: "."), fraction, places, to: &text)
    }
    appendZone(to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  private func appendZone(to text: inout [UInt8]) {
    guard let offsetMinutes else { return }
    if offsetMinutes == 0 { return text.append(UInt8(ascii: "Z")) }
    let distance = abs(offsetMinutes)
    FHIRDateTime.append(UInt8(ascii: offsetMinutes < 0 ? "-" : "+"), distance / 60, 2, to: &text)
    FHIRDateTime.append(UInt8(ascii: ":"), distance % 60, 2, to: &text)
  }

  private static func append(_ lead: UInt8, _ value: Int, _ places: Int, to text: inout [UInt8]) {
    text.append(lead)
    append(value, places, to: &text)
  }

  private static func append(_ value: Int, _ places: Int, to text: inout [UInt8]) {
    var divisor = 1
    for _ in 1..<places { divisor *= 10 }
    while divisor > 0 {
      text.append(UInt8(48 + value / divisor % 10))
      divisor /= 10
    }
  }
}
