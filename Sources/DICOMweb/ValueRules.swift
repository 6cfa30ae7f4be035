import DICOMCore

/// The rules of PS3.5 table 6.2-1 for the values of each VR, in the words of the library that Microsoft's service
/// checks with, since its clients show them. Values are looked at as bytes as long as nothing is suspicious.
enum ValueRules {
  /// What is wrong with the first value that is wrong.
  static func complaint(_ element: DataElement) -> (value: String, text: StaticString)? {
    switch element.vr {
    case .AE, .AS, .CS, .DA, .DS, .DT, .IS, .TM, .UI: return asciiComplaint(element)
    case .LO, .SH, .PN, .ST, .LT:
      if isHarmless(element) { return nil }
      for value in element.strings where !value.isEmpty {
        if let text = textComplaint(element.vr, value) { return (quoted(value), text) }
      }
      return nil
    default: return nil
    }
  }

  private static func quoted(_ value: String) -> String {
    guard value.utf8.count > InstanceValidation.quotedBytesMax else { return value }
    return String(decoding: value.utf8.prefix(InstanceValidation.quotedBytesMax), as: UTF8.self) + "…"
  }

  static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 && scalar.value != 0x1B || scalar.value >= 0x7F && scalar.value < 0xA0
  }

  // MARK: Text in a character set

  private static func lengthMax(_ vr: VR) -> Int {
    switch vr {
    case .SH: 16
    case .ST: 1_024
    case .LT: 10_240
    default: 64
    }
  }

  /// Whether nothing can be wrong with it: short and plain.
  private static func isHarmless(_ element: DataElement) -> Bool {
    let bytes = element.bytes
    guard bytes.count <= lengthMax(element.vr) else { return false }
    if element.vr == .ST || element.vr == .LT { return true }
    if element.vr == .PN, bytes.count(where: { $0 == UInt8(ascii: "^") }) > 4 { return false }
    if element.vr == .PN, bytes.count(where: { $0 == UInt8(ascii: "=") }) > 2 { return false }
    return bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
  }

  private static func textComplaint(_ vr: VR, _ value: String) -> StaticString? {
    switch vr {
    case .LO:
      if value.utf16.count > 64 { return "value exceeds maximum length of 64 characters" }
      return hasControls(value) ? "value contains invalid character" : nil
    case .SH:
      if hasControls(value) { return "value contains invalid character" }
      return value.utf16.count > 16 ? "value exceeds maximum length of 16 characters" : nil
    case .LT: return value.utf16.count > 10_240 ? "value exceeds maximum length of 10240 characters" : nil
    case .ST: return value.utf16.count > 1_024 ? "value exceeds maximum length of 1024 characters" : nil
    case .PN: return nameComplaint(value)
    default: return nil
    }
  }

  private static func hasControls(_ text: some StringProtocol) -> Bool {
    text.unicodeScalars.contains(where: isControl)
  }

  private static func nameComplaint(_ value: String) -> StaticString? {
    let groups = value.split(separator: "=", omittingEmptySubsequences: false)
    if groups.count > 3 { return "value contains too many groups" }
    for group in groups {
      if group.utf16.count > 64 { return "value exceeds maximum length of 64 characters" }
      if hasControls(group) { return "value contains invalid control character" }
    }
    let isTooLong = groups.contains { $0.split(separator: "^", omittingEmptySubsequences: false).count > 5 }
    return isTooLong ? "value contains too many components" : nil
  }

  // MARK: Text in ASCII

  private static func asciiComplaint(_ element: DataElement) -> (value: String, text: StaticString)? {
    var bytes = UnsafeRawBufferPointer(element.bytes)[...]
    while let last = bytes.last, last == 0 || last == 0x20 { bytes.removeLast() }
    for part in bytes.split(separator: UInt8(ascii: "\\"), omittingEmptySubsequences: true) {
      var value = part
      while value.last == 0x20 { value.removeLast() }
      if value.isEmpty { continue }
      if let text = asciiComplaint(element.vr, Array(value)[...]) {
        return (quoted(String(decoding: value, as: UTF8.self)), text)
      }
    }
    return nil
  }

  static func asciiComplaint(_ vr: VR, _ value: ArraySlice<UInt8>) -> StaticString? {
    switch vr {
    case .AE:
      if value.count > 16 { return "value exceeds maximum length of 16 characters" }
      return value.contains { $0 < 0x20 || $0 == 0x7F } ? "value contains invalid control character" : nil
    case .AS:
      let isAge = value.count == 4 && value.dropLast().allSatisfy(isDigit) && "DWMY".utf8.contains(value.last ?? 0)
      return isAge ? nil : "value does not have pattern 000[DWMY]"
    case .CS: return codeComplaint(value)
    case .DA: return eachEnd(value, "value contains too many range separators '-'", dateComplaint)
    case .DS:
      if value.count > 16 { return "value exceeds maximum length of 16 characters" }
      return isDecimal(value) ? nil : "value is no decimal string"
    case .IS: return integerComplaint(value)
    case .TM: return eachEnd(value, "value contains too many range separators '-'", timeComplaint)
    case .DT: return isDateTime(value) ? nil : "value does not mach pattern YYYY[MM[DD[HH[MM[SS[.F{1-6}]]]]]]"
    case .UI: return uidComplaint(value)
    default: return nil
    }
  }

  static func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }

  private static func codeComplaint(_ value: ArraySlice<UInt8>) -> StaticString? {
    if value.count > 16 { return "value exceeds maximum length of 16 characters" }
    let isCode = value.allSatisfy { isDigit($0) || $0 &- 65 < 26 || $0 == 0x20 || $0 == UInt8(ascii: "_") }
    return isCode
      ? nil : "value contains invalid character. Only uppercase character, digits, space and underscore alre allowed"
  }

  /// A value, or a range of them, of which an end may be open.
  private static func eachEnd(
    _ value: ArraySlice<UInt8>, _ tooMany: StaticString, _ complaint: (ArraySlice<UInt8>) -> StaticString?
  ) -> StaticString? {
    let ends = value.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    if ends.count > 2 { return tooMany }
    for var end in ends {
      while end.last == 0x20 { end.removeLast() }
      if !end.isEmpty, let text = complaint(end) { return text }
    }
    return nil
  }

  private static func dateComplaint(_ value: ArraySlice<UInt8>) -> StaticString? {
    guard value.count == 8, let number = number(value) else {
      return "one of the date values does not match the pattern YYYYMMDD"
    }
    if number / 100 % 100 > 12 { return "month component exceeds the value 12" }
    return number % 100 > 31 ? "day component exceeds the value 31" : nil
  }

  private static func timeComplaint(_ value: ArraySlice<UInt8>) -> StaticString? {
    let point = value.firstIndex(of: UInt8(ascii: ".")) ?? value.endIndex
    let digits = value[..<point]
    let fraction = value[point...].dropFirst()
    let hasForm =
      point == value.endIndex
      ? [2, 4, 6].contains(digits.count)
      : digits.count == 6 && (1...6).contains(fraction.count) && fraction.allSatisfy(isDigit)
    guard hasForm, digits.allSatisfy(isDigit) else {
      return "value does not mach pattern HH or HHMM or HHMMSS or HHMMSS.F{1-6}"
    }
    if component(digits, 0) > 23 { return "hour component exceeds 23" }
    if component(digits, 2) > 59 { return "minutes component exceeds 59" }
    return component(digits, 4) > 60 ? "seconds component exceeds 60" : nil
  }

  /// Two digits at a place, 0 if they are not there.
  private static func component(_ digits: ArraySlice<UInt8>, _ place: Int) -> Int {
    number(digits.dropFirst(place).prefix(2)) ?? 0
  }

  private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
    guard digits.count <= 15 else { return nil }
    var value = 0
    for byte in digits {
      guard isDigit(byte) else { return nil }
      value = value * 10 + Int(byte - 48)
    }
    return value
  }

  private static func integerComplaint(_ value: ArraySlice<UInt8>) -> StaticString? {
    var digits = value.drop { $0 == 0x20 }
    let isNegative = digits.first == UInt8(ascii: "-")
    if isNegative || digits.first == UInt8(ascii: "+") { digits.removeFirst() }
    guard !digits.isEmpty, digits.allSatisfy(isDigit) else { return "value is not an integer string" }
    guard let number = number(digits.drop { $0 == 48 }), number <= Int(Int32.max) + (isNegative ? 1 : 0) else {
      return "value too large to fit 32 bit integer"
    }
    return nil
  }

  private static func isDecimal(_ value: ArraySlice<UInt8>) -> Bool {
    var rest = value.drop { $0 == 0x20 }
    if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
    let whole = rest.prefix(while: isDigit)
    rest = rest.dropFirst(whole.count)
    var fraction: ArraySlice<UInt8> = []
    if rest.first == UInt8(ascii: ".") {
      fraction = rest.dropFirst().prefix(while: isDigit)
      rest = rest.dropFirst(1 + fraction.count)
    }
    guard !whole.isEmpty || !fraction.isEmpty else { return false }
    guard let exponent = rest.first else { return true }
    guard exponent == UInt8(ascii: "e") || exponent == UInt8(ascii: "E") else { return false }
    rest.removeFirst()
    if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
    return !rest.isEmpty && rest.allSatisfy(isDigit)
  }

  /// A date with a time and an offset from UTC, or a range of two.
  private static func isDateTime(_ value: ArraySlice<UInt8>) -> Bool {
    if isMoment(value) { return true }
    return value.indices.contains { place in
      guard value[place] == UInt8(ascii: "-") else { return false }
      let (low, high) = (value[..<place], value[(place + 1)...])
      if low.isEmpty && high.isEmpty { return false }
      return (low.isEmpty || isMoment(low)) && (high.isEmpty || isMoment(high))
    }
  }

  private static func isMoment(_ value: ArraySlice<UInt8>) -> Bool {
    var text = value
    if let sign = text.lastIndex(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }) {
      let offset = text[(sign + 1)...]
      guard offset.count == 4, let number = number(offset), number % 100 < 60 else { return false }
      // PS3.5 table 6.2-1: -1200 to +1400, and no -0000.
      let isNegative = text[sign] == UInt8(ascii: "-")
      guard isNegative ? number > 0 && number <= 1200 : number <= 1400 else { return false }
      text = text[..<sign]
    }
    let point = text.firstIndex(of: UInt8(ascii: ".")) ?? text.endIndex
    let digits = text[..<point]
    if point < text.endIndex {
      let fraction = text[point...].dropFirst()
      guard digits.count == 14, (1...6).contains(fraction.count), fraction.allSatisfy(isDigit) else { return false }
    }
    guard [4, 6, 8, 10, 12, 14].contains(digits.count), digits.allSatisfy(isDigit) else { return false }
    if digits.count >= 6, !(1...12).contains(component(digits, 4)) { return false }
    if digits.count >= 8, !(1...31).contains(component(digits, 6)) { return false }
    return component(digits, 8) < 24 && component(digits, 10) < 60 && component(digits, 12) <= 60
  }

  private static func uidComplaint(_ value: ArraySlice<UInt8>) -> StaticString? {
    if value.count > 64 { return "value exceeds maximum length of 64 characters" }
    guard value.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ".") }) else {
      return "value contains invalid characters other than '0'-'9' and '.'"
    }
    let components = value.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    // The first component may not even be 0 there.
    if value.first == 48 || components.dropFirst().contains(where: { $0.count > 1 && $0.first == 48 }) {
      return "components must not have leading zeros"
    }
    return components.contains { $0.isEmpty } ? "a component can not be empty" : nil
  }
}
