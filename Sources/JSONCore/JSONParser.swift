// The parser writes the tape in one pass. Strings are scanned eight bytes at a time: a word without quote, backslash,
// control character or high bit is skipped whole; the lowest flagged byte of any other word is exact, because borrows
// in the zero-byte trick travel upwards only. The buffer ends in eight zero bytes, so a load never leaves it and every
// scan stops at the end by itself (zero is a control character).

struct JSONParser: ~Copyable {
  private let base: UnsafePointer<UInt8>
  private let end: Int
  private var position = 0
  private var tape: UnsafeMutablePointer<UInt64>
  private var words = 0
  private var capacity: Int
  private let limits: JSONLimits
  private var stack: [Frame] = []
  private(set) var isCompact = true

  private struct Frame {
    var index: Int
    var count: UInt64
    var seen: UInt64
    var isObject: Bool
  }

  /// Objects up to this many members are checked for duplicates as they are read, larger ones by sorting at their end.
  private static let incrementalMembersMax: UInt64 = 32

  init(base: UnsafePointer<UInt8>, count: Int, limits: JSONLimits) {
    self.base = base
    self.end = count
    self.limits = limits
    // FHIR has a word in 9 to 11 bytes of compact text: so the tape hardly ever moves, and what stays untouched of it
    // is never made real.
    self.capacity = min(count / 8 + 32, limits.nodesMax + 2)
    self.tape = .allocate(capacity: capacity)
  }

  deinit { tape.deallocate() }

  /// Hands the tape over; the caller deallocates it.
  mutating func takeTape() -> UnsafePointer<UInt64> {
    defer { tape = .allocate(capacity: 1) }
    return UnsafePointer(tape)
  }

  // MARK: Structure

  mutating func parse() throws(JSONError) {
    skipWhitespace()
    if position >= end { throw error(.empty) }
    stack.reserveCapacity(16)
    try parseValue()
    while let frame = stack.last {
      skipWhitespace()
      if frame.isObject { try continueObject(frame) } else { try continueArray(frame) }
    }
    skipWhitespace()
    if position < end { throw error(.trailingContent) }
  }

  @inline(__always)
  private mutating func continueObject(_ current: Frame) throws(JSONError) {
    var frame = current
    let byte = base[position]
    if byte == UInt8(ascii: "}") {
      position += 1
      return try close(frame)
    }
    if frame.count > 0 {
      guard byte == UInt8(ascii: ",") else { throw unexpected() }
      position += 1
      skipWhitespace()
    }
    guard base[position] == UInt8(ascii: "\"") else { throw unexpected() }
    let keyIndex = words
    try parseString(tag: Tape.key)
    try checkDuplicate(&frame, keyIndex)
    skipWhitespace()
    guard base[position] == UInt8(ascii: ":") else { throw unexpected() }
    position += 1
    skipWhitespace()
    frame.count += 1
    stack[stack.count - 1] = frame
    try parseValue()
  }

  @inline(__always)
  private mutating func continueArray(_ current: Frame) throws(JSONError) {
    var frame = current
    let byte = base[position]
    if byte == UInt8(ascii: "]") {
      position += 1
      return try close(frame)
    }
    if frame.count > 0 {
      guard byte == UInt8(ascii: ",") else { throw unexpected() }
      position += 1
      skipWhitespace()
    }
    frame.count += 1
    stack[stack.count - 1] = frame
    try parseValue()
  }

  @inline(__always)
  private mutating func open(isObject: Bool) throws(JSONError) {
    if stack.count >= limits.depthMax { throw error(.tooDeep) }
    try reserve(2)
    stack.append(Frame(index: words, count: 0, seen: 0, isObject: isObject))
    tape[words] = (isObject ? 7 : 6) << 60
    tape[words + 1] = UInt64(position) << 32
    words += 2
    position += 1
  }

  @inline(__always)
  private mutating func close(_ frame: Frame) throws(JSONError) {
    if frame.isObject && frame.count > Self.incrementalMembersMax { try checkDuplicatesBySorting(frame) }
    tape[frame.index] |= frame.count << 32 | UInt64(words)
    tape[frame.index + 1] |= UInt64(position)
    stack.removeLast()
  }

  @inline(__always)
  private mutating func parseValue() throws(JSONError) {
    let byte = base[position]
    switch byte {
    case UInt8(ascii: "\""): try parseString(tag: 5)
    case UInt8(ascii: "{"): try open(isObject: true)
    case UInt8(ascii: "["): try open(isObject: false)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try parseNumber()
    case UInt8(ascii: "t"): try parseLiteral("true", kind: 3)
    case UInt8(ascii: "f"): try parseLiteral("false", kind: 2)
    case UInt8(ascii: "n"): try parseLiteral("null", kind: 1)
    default: throw unexpected()
    }
  }

  // MARK: Scalars

  private mutating func parseLiteral(_ text: StaticString, kind: UInt64) throws(JSONError) {
    let length = text.utf8CodeUnitCount
    // The zero padding differs from every literal, so reading up to four bytes past `position` is safe and decisive.
    for place in 0..<length where base[position + place] != text.utf8Start[place] { throw error(.invalidLiteral) }
    try reserve(1)
    tape[words] = kind << 60 | UInt64(length) << 32 | UInt64(position)
    words += 1
    position += length
  }

  @inline(__always)
  private static func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }

  private mutating func parseNumber() throws(JSONError) {
    let start = position
    var i = position
    if base[i] == UInt8(ascii: "-") { i += 1 }
    if base[i] == UInt8(ascii: "0") {
      i += 1
      if Self.isDigit(base[i]) { throw error(.invalidNumber) }
    } else {
      guard Self.isDigit(base[i]) else { throw error(.invalidNumber) }
      while Self.isDigit(base[i]) { i += 1 }
    }
    if base[i] == UInt8(ascii: ".") {
      i += 1
      guard Self.isDigit(base[i]) else { throw error(.invalidNumber) }
      while Self.isDigit(base[i]) { i += 1 }
    }
    if base[i] | 0x20 == UInt8(ascii: "e") {
      i += 1
      if base[i] == UInt8(ascii: "+") || base[i] == UInt8(ascii: "-") { i += 1 }
      guard Self.isDigit(base[i]) else { throw error(.invalidNumber) }
      while Self.isDigit(base[i]) { i += 1 }
    }
    try reserve(1)
    tape[words] = 4 << 60 | UInt64(i - start) << 32 | UInt64(start)
    words += 1
    position = i
  }

  /// `position` is at the opening quote.
  @inline(__always)
  private mutating func parseString(tag: UInt64) throws(JSONError) {
    let start = position + 1
    var i = start
    var escape: UInt64 = 0
    let raw = UnsafeRawPointer(base)
    while true {
      let word = raw.loadUnaligned(fromByteOffset: i, as: UInt64.self)
      let quote = word ^ 0x2222_2222_2222_2222
      let backslash = word ^ 0x5C5C_5C5C_5C5C_5C5C
      let hits =
        (((quote &- 0x0101_0101_0101_0101) & ~quote)
          | ((backslash &- 0x0101_0101_0101_0101) & ~backslash)
          | ((word &- 0x2020_2020_2020_2020) & ~word)
          | word) & 0x8080_8080_8080_8080
      if hits == 0 {
        i += 8
        continue
      }
      i += hits.trailingZeroBitCount >> 3
      let byte = base[i]
      if byte == UInt8(ascii: "\"") { break }
      if byte >= 0x80 {
        i = try validateUTF8(at: i)
      } else if byte == UInt8(ascii: "\\") {
        escape = Tape.escapeFlag
        i = try validateEscape(at: i)
      } else {
        position = i
        throw error(i >= end ? .unexpectedEnd : .controlCharacter)
      }
    }
    try reserve(1)
    tape[words] = tag << 60 | escape | UInt64(i - start) << 32 | UInt64(start)
    words += 1
    position = i + 1
  }

  /// Checks one escape sequence (RFC 8259 §7; surrogates must pair) and returns the offset after it.
  private mutating func validateEscape(at start: Int) throws(JSONError) -> Int {
    position = start
    switch base[start + 1] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      return start + 2
    case UInt8(ascii: "u"):
      guard let unit = hex4(at: start + 2) else { throw error(.invalidEscape) }
      if unit & 0xF800 != 0xD800 { return start + 6 }
      guard unit < 0xDC00, base[start + 6] == UInt8(ascii: "\\"), base[start + 7] == UInt8(ascii: "u"),
        let low = hex4(at: start + 8), low & 0xFC00 == 0xDC00
      else { throw error(.invalidEscape) }
      return start + 12
    default:
      throw error(start + 1 >= end ? .unexpectedEnd : .invalidEscape)
    }
  }

  /// Reads four hex digits; stops at the zero padding, so it never leaves the buffer.
  private func hex4(at offset: Int) -> UInt32? {
    var value: UInt32 = 0
    for place in 0..<4 {
      guard let digit = JSONDocument.hexDigit(base[offset + place]) else { return nil }
      value = value << 4 | UInt32(digit)
    }
    return value
  }

  /// Checks a run of multi-byte sequences (Unicode table 3-7) and returns the offset of the next ASCII byte.
  private mutating func validateUTF8(at start: Int) throws(JSONError) -> Int {
    var i = start
    while base[i] >= 0x80 {
      let first = base[i]
      let second = base[i + 1]
      if first >= 0xC2 && first <= 0xDF && second & 0xC0 == 0x80 {
        i += 2
      } else if first & 0xF0 == 0xE0 && second & 0xC0 == 0x80 && base[i + 2] & 0xC0 == 0x80
        && !(first == 0xE0 && second < 0xA0) && !(first == 0xED && second > 0x9F)
      {
        i += 3
      } else if first >= 0xF0 && first <= 0xF4 && second & 0xC0 == 0x80 && base[i + 2] & 0xC0 == 0x80
        && base[i + 3] & 0xC0 == 0x80 && !(first == 0xF0 && second < 0x90) && !(first == 0xF4 && second > 0x8F)
      {
        i += 4
      } else {
        position = i
        throw error(.invalidUTF8)
      }
    }
    return i
  }

  @inline(__always)
  private mutating func skipWhitespace() {
    if base[position] > 0x20 { return }
    skipWhitespaceSlowly()
  }

  private mutating func skipWhitespaceSlowly() {
    let raw = UnsafeRawPointer(base)
    while position < end {
      // Indentation: eight spaces at a time.
      if raw.loadUnaligned(fromByteOffset: position, as: UInt64.self) == 0x2020_2020_2020_2020 {
        position += 8
        isCompact = false
        continue
      }
      let byte = base[position]
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
      position += 1
      isCompact = false
    }
  }

  // MARK: Duplicate member names

  @inline(__always)
  private func fingerprint(_ word: UInt64) -> UInt64 {
    let length = Tape.length(word)
    let head = UnsafeRawPointer(base).loadUnaligned(fromByteOffset: Tape.offset(word), as: UInt64.self)
    let masked = length >= 8 ? head : head & ((1 << UInt64(8 * length)) &- 1)
    return (masked ^ UInt64(length)) &* 0x9E37_79B9_7F4A_7C15
  }

  @inline(__always)
  private mutating func checkDuplicate(_ frame: inout Frame, _ keyIndex: Int) throws(JSONError) {
    let word = tape[keyIndex]
    // An escaped name may equal any other: compare it with all, and all later ones with it.
    let bit: UInt64 = word & Tape.escapeFlag != 0 ? .max : 1 << (fingerprint(word) >> 58)
    if frame.seen & bit != 0 && frame.count <= Self.incrementalMembersMax {
      try searchDuplicate(frame, keyIndex)
    }
    frame.seen |= bit
  }

  private mutating func searchDuplicate(_ frame: Frame, _ keyIndex: Int) throws(JSONError) {
    var index = frame.index + 2
    while index < keyIndex {
      if sameKey(tape[index], tape[keyIndex]) { throw duplicate(tape[keyIndex]) }
      let value = tape[index + 1]
      index = Tape.isContainer(value) ? Tape.offset(value) : index + 2
    }
  }

  private mutating func checkDuplicatesBySorting(_ frame: Frame) throws(JSONError) {
    var keys: [(fingerprint: UInt64, word: UInt64)] = []
    keys.reserveCapacity(Int(frame.count))
    var index = frame.index + 2
    while index < words {
      keys.append((keyHash(tape[index]), tape[index]))
      let value = tape[index + 1]
      index = Tape.isContainer(value) ? Tape.offset(value) : index + 2
    }
    keys.sort { ($0.fingerprint, Tape.offset($0.word)) < ($1.fingerprint, Tape.offset($1.word)) }
    for place in keys.indices.dropFirst() where keys[place].fingerprint == keys[place - 1].fingerprint {
      if sameKey(keys[place].word, keys[place - 1].word) { throw duplicate(keys[place].word) }
    }
  }

  /// A hash of the whole decoded name.
  private func keyHash(_ word: UInt64) -> UInt64 {
    var hasher = Hasher()
    if word & Tape.escapeFlag == 0 {
      hasher.combine(bytes: UnsafeRawBufferPointer(start: base + Tape.offset(word), count: Tape.length(word)))
    } else {
      decoded(word).withUnsafeBytes { hasher.combine(bytes: $0) }
    }
    return UInt64(bitPattern: Int64(hasher.finalize()))
  }

  /// Compares names as decoded, so that an escape cannot hide a duplicate.
  private func sameKey(_ a: UInt64, _ b: UInt64) -> Bool {
    if (a | b) & Tape.escapeFlag == 0 {
      let lengthA = Tape.length(a)
      guard lengthA == Tape.length(b) else { return false }
      for place in 0..<lengthA where base[Tape.offset(a) + place] != base[Tape.offset(b) + place] { return false }
      return true
    }
    return decoded(a) == decoded(b)
  }

  private func decoded(_ word: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    JSONDocument.appendDecoded(
      UnsafeBufferPointer(start: base + Tape.offset(word), count: Tape.length(word)), to: &bytes)
    return bytes
  }

  // MARK: Room and errors

  @inline(__always)
  private mutating func reserve(_ count: Int) throws(JSONError) {
    if words + count > capacity { try grow() }
  }

  private mutating func grow() throws(JSONError) {
    // Containers take two words, so this allows at least `nodesMax` scalars and half as many containers.
    if words >= limits.nodesMax { throw error(.tooManyNodes) }
    let larger = min(capacity * 2, limits.nodesMax + 2)
    let replacement = UnsafeMutablePointer<UInt64>.allocate(capacity: larger)
    replacement.update(from: tape, count: words)
    tape.deallocate()
    tape = replacement
    capacity = larger
  }

  private func unexpected() -> JSONError { error(position >= end ? .unexpectedEnd : .unexpectedCharacter) }

  private mutating func duplicate(_ word: UInt64) -> JSONError {
    position = Tape.offset(word) - 1
    return error(.duplicateKey)
  }

  private func error(_ code: JSONError.Code) -> JSONError {
    let offset = min(position, end)
    let (line, column) = JSONDocument.position(of: offset, in: UnsafeBufferPointer(start: base, count: end))
    return JSONError(code: code, line: line, column: column, offset: offset)
  }
}
