/// How a value breaks the rules of its VR (PS3.5 table 6.2-1).
public enum ValueFault: String, Sendable, CaseIterable {
  /// More characters than the VR has room for.
  case tooLong
  /// A control character, a character outside of the VR's repertoire, or bytes that are no characters.
  case invalidCharacter
  /// Not in the form the VR prescribes: a date, a time, a number, a unique identifier, a person's name.
  case invalidForm
  /// A number that the VR has no room for, or a date that is in no calendar.
  case outOfRange
  /// A binary value that is no whole number of words.
  case wrongLength
}

extension DataElement {
  /// The first rule of PS3.5 table 6.2-1 that one of the element's values breaks; nil if they keep all of them.
  ///
  /// Padding is no part of a value: spaces and NULs at its end, and spaces in front where they mean nothing. Empty
  /// values keep every rule. Sequences are not looked into; a value that a stream did not keep breaks nothing.
  public func check() -> ValueFault? {
    if isEmpty || isSequence || isEncapsulated || !isResident { return nil }
    guard vr.isText else {
      let size = vr == .AT ? 4 : vr.wordSize
      return length % size == 0 ? nil : .wrongLength
    }
    var found: ValueFault?
    var values = ValueText(bytes, vr: vr, characterSet: specificCharacterSet)
    while found == nil, values.next({ found = vr.check($0) }) {}
    return found
  }
}

extension VR {
  /// The first rule of PS3.5 table 6.2-1 that a text breaks, nil if it keeps all of them. Binary VRs have none.
  /// - Parameter value: one value in UTF-8, without padding.
  public func check(_ value: UnsafeBufferPointer<UInt8>) -> ValueFault? {
    guard isText, !value.isEmpty else { return nil }
    var text = ValueGrammar(value)
    switch self {
    case .AE: return text.check(most: 16, .defaultRepertoire)
    case .CS: return text.check(most: 16, .codeString)
    case .SH: return text.check(most: 16, .line)
    case .LO: return text.check(most: 64, .line)
    case .ST: return text.check(most: 1_024, .lines)
    case .LT: return text.check(most: 10_240, .lines)
    case .UT: return text.check(most: .max, .lines)
    case .UC: return text.check(most: .max, .line)
    case .UR: return text.check(most: .max, .address)
    case .PN: return text.check(most: .max, .line) ?? text.personName()
    case .AS: return text.age()
    case .DA: return text.date()
    case .TM: return text.whole { $0.time() }
    case .DT: return text.whole { $0.dateTime() }
    case .IS: return text.integer()
    case .DS: return text.decimal()
    case .UI:
      if value.count > 64 { return .tooLong }
      let uid = UID(String(decoding: value, as: UTF8.self))
      return uid.isValid ? nil : uid.value.utf8.allSatisfy(ValueGrammar.isOfUID) ? .invalidForm : .invalidCharacter
    default: return nil
    }
  }

  /// As above.
  public func check(_ text: String) -> ValueFault? {
    var text = text
    return text.withUTF8 { check($0) }
  }
}

/// The forms of PS3.5 table 6.2-1, read from the front.
struct ValueGrammar {
  /// What characters a text may have.
  enum Repertoire {
    /// ISO-IR 6 without `\` and control characters.
    case defaultRepertoire
    /// Upper case letters, digits, space and underscore.
    case codeString
    /// Any but control characters and `\`.
    case line
    /// Any but control characters other than TAB, LF, FF and CR.
    case lines
    /// Those of RFC 3986.
    case address
  }

  private let text: UnsafeBufferPointer<UInt8>
  private var position = 0

  init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

  static func isOfUID(_ byte: UInt8) -> Bool { byte &- 48 < 10 || byte == UInt8(ascii: ".") }

  private var isAtEnd: Bool { position >= text.count }
  private var byte: UInt8 { isAtEnd ? 0 : text[position] }

  /// Whether a form goes up to the end.
  mutating func whole(_ form: (inout ValueGrammar) -> ValueFault?) -> ValueFault? {
    form(&self) ?? (isAtEnd ? nil : .invalidForm)
  }

  // MARK: Characters

  func check(most: Int, _ repertoire: Repertoire) -> ValueFault? {
    var count = 0
    for (place, byte) in text.enumerated() {
      // U+FFFD stands for bytes that mean nothing.
      let isReplacement =
        byte == 0xEF && place + 2 < text.count && text[place + 1] == 0xBF && text[place + 2] == 0xBD
      if isReplacement || !Self.allows(byte, repertoire) { return .invalidCharacter }
      if byte & 0xC0 != 0x80 { count += 1 }
    }
    return count > most ? .tooLong : nil
  }

  private static func allows(_ byte: UInt8, _ repertoire: Repertoire) -> Bool {
    let isControl = byte < 0x20 || byte == 0x7F
    switch repertoire {
    case .defaultRepertoire: return !isControl && byte < 0x7F && byte != UInt8(ascii: "\\")
    case .codeString: return byte &- 65 < 26 || byte &- 48 < 10 || byte == 0x20 || byte == UInt8(ascii: "_")
    case .line: return !isControl && byte != UInt8(ascii: "\\")
    case .lines: return !isControl || byte == 9 || byte == 10 || byte == 12 || byte == 13
    case .address: return byte > 0x20 && byte < 0x7F && !"\"<>\\^`{|}".utf8.contains(byte)
    }
  }

  /// Up to three groups of at most 64 characters, each of up to five components (PS3.5 §6.2.1).
  func personName() -> ValueFault? {
    let groups = text.split(separator: UInt8(ascii: "="), omittingEmptySubsequences: false)
    if groups.count > 3 { return .invalidForm }
    for group in groups {
      if group.count(where: { $0 == UInt8(ascii: "^") }) > 4 { return .invalidForm }
      if group.count(where: { $0 & 0xC0 != 0x80 }) > 64 { return .tooLong }
    }
    return nil
  }

  // MARK: Numbers

  /// Digits, how many there are.
  private mutating func digits(most: Int = .max) -> Int {
    let start = position
    while position - start < most, byte &- 48 < 10, !isAtEnd { position += 1 }
    return position - start
  }

  private mutating func sign() { if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { position += 1 } }

  mutating func integer() -> ValueFault? {
    sign()
    guard digits() > 0, isAtEnd else { return .invalidForm }
    if text.count > 12 { return .tooLong }
    guard let value = Int(String(decoding: text, as: UTF8.self)), Int32(exactly: value) != nil else {
      return .outOfRange
    }
    return nil
  }

  mutating func decimal() -> ValueFault? {
    sign()
    var count = digits()
    if byte == UInt8(ascii: ".") {
      position += 1
      count += digits()
    }
    guard count > 0 else { return .invalidForm }
    if byte | 0x20 == UInt8(ascii: "e") {
      position += 1
      sign()
      guard digits() > 0 else { return .invalidForm }
    }
    guard isAtEnd else { return .invalidForm }
    return text.count > 16 ? .tooLong : nil
  }

  // MARK: Dates and times

  /// So many digits as a number of the range; the fault if they are not.
  private mutating func field(_ count: Int, _ range: ClosedRange<Int>) -> ValueFault? {
    let start = position
    guard digits(most: count) == count else { return .invalidForm }
    let value = text[start..<position].reduce(0) { $0 * 10 + Int($1) - 48 }
    return range.contains(value) ? nil : .outOfRange
  }

  mutating func age() -> ValueFault? {
    guard digits(most: 3) == 3, [68, 87, 77, 89].contains(byte) else { return .invalidForm }
    position += 1
    return isAtEnd ? nil : .invalidForm
  }

  mutating func date() -> ValueFault? {
    guard text.count == 8 else { return .invalidForm }
    return calendarDay()
  }

  private mutating func calendarDay() -> ValueFault? {
    let start = position
    if let fault = field(4, 0...9_999) ?? field(2, 1...12) ?? field(2, 1...31) { return fault }
    func number(_ range: Range<Int>) -> Int { text[range].reduce(0) { $0 * 10 + Int($1) - 48 } }
    let (year, month, day) = (
      number(start..<start + 4), number(start + 4..<start + 6), number(start + 6..<start + 8)
    )
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let days = month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    return day <= days ? nil : .outOfRange
  }

  /// `HH[MM[SS[.F{1,6}]]]`; second 60 is a leap second.
  mutating func time() -> ValueFault? {
    if let fault = field(2, 0...23) { return fault }
    guard byte &- 48 < 10 else { return nil }
    if let fault = field(2, 0...59) { return fault }
    guard byte &- 48 < 10 else { return nil }
    if let fault = field(2, 0...60) { return fault }
    guard byte == UInt8(ascii: ".") else { return nil }
    position += 1
    return digits(most: 6) > 0 ? nil : .invalidForm
  }

  /// `YYYY[MM[DD[HH[MM[SS[.F{1,6}]]]]]][&ZZXX]`.
  mutating func dateTime() -> ValueFault? {
    var end = position
    while end < text.count, text[end] &- 48 < 10 { end += 1 }
    switch end - position {
    case 4: if let fault = field(4, 0...9_999) { return fault }
    case 6: if let fault = field(4, 0...9_999) ?? field(2, 1...12) { return fault }
    case 8: if let fault = calendarDay() { return fault }
    case 10, 12, 14: if let fault = calendarDay() ?? time() { return fault }
    default: return .invalidForm
    }
    guard byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") else { return nil }
    position += 1
    // From -1200 to +1400.
    return field(2, 0...14) ?? field(2, 0...59)
  }
}
