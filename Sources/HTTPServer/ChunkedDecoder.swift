import Base

/// Takes the chunked transfer coding apart (RFC 9112 §7.1) as bytes arrive. Extensions and trailers must be well
/// formed, and are dropped.
struct ChunkedDecoder {
  private enum State {
    case sizeFirst
    case size
    case extensionFirst
    case extensionName
    case extensionValueFirst
    case extensionValue
    case quoted
    case quotedPair
    case quotedEnd
    case sizeLineFeed
    case data
    case dataReturn
    case dataLineFeed
    case trailerFirst
    case trailerName
    case trailerValue
    case trailerLineFeed
    case lastLineFeed
    case done
  }

  private let bodyBytesMax: Int
  /// Extensions and trailers together: they cost work and carry nothing.
  private var overheadLeft: Int
  private var state = State.sizeFirst
  private var size = 0
  private var digits = 0
  private var received = 0
  private var trailerName: [UInt8] = []

  init(limits: Limits) {
    bodyBytesMax = limits.bodyBytesMax
    overheadLeft = limits.headerBytesMax
  }

  var isDone: Bool { state == .done }

  /// Reads on, hands every piece of data to `data`, and returns how many bytes it took.
  mutating func decode(
    _ bytes: UnsafeRawBufferPointer, data: (UnsafeRawBufferPointer) throws(RequestError) -> Void
  ) throws(RequestError) -> Int {
    var position = 0
    while position < bytes.count, state != .done {
      if state == .data {
        let count = min(size, bytes.count - position)
        try data(UnsafeRawBufferPointer(rebasing: bytes[position..<position + count]))
        position += count
        size -= count
        if size == 0 { state = .dataReturn }
      } else {
        try read(bytes[position])
        position += 1
      }
    }
    return position
  }

  private mutating func read(_ byte: UInt8) throws(RequestError) {
    switch state {
    case .sizeFirst, .size: try readSize(byte)
    case .extensionFirst, .extensionName, .extensionValueFirst, .extensionValue, .quoted, .quotedPair, .quotedEnd:
      try readExtension(byte)
    case .sizeLineFeed:
      try expect(0x0A, byte)
      try beginChunk()
    case .dataReturn:
      try expect(0x0D, byte)
      state = .dataLineFeed
    case .dataLineFeed:
      try expect(0x0A, byte)
      state = .sizeFirst
    case .trailerFirst where byte == 0x0D: state = .lastLineFeed
    case .trailerFirst, .trailerName: try readTrailerName(byte)
    case .trailerValue: try readTrailerValue(byte)
    case .trailerLineFeed:
      try expect(0x0A, byte)
      state = .trailerFirst
    case .lastLineFeed:
      try expect(0x0A, byte)
      state = .done
    case .data, .done: break
    }
  }

  private mutating func readSize(_ byte: UInt8) throws(RequestError) {
    if let digit = Self.hexadecimal(byte) {
      digits += 1
      // Fifteen digits cannot overflow; leading zeros beyond them serve nobody.
      guard digits <= 15 else { throw RequestError(400, "A chunk size has too many digits.") }
      size = size << 4 | digit
      state = .size
      return
    }
    guard state == .size else { throw malformed }
    switch byte {
    case 0x0D: state = .sizeLineFeed
    case UInt8(ascii: ";"): state = .extensionFirst
    default: throw malformed
    }
  }

  private mutating func beginChunk() throws(RequestError) {
    digits = 0
    guard size > 0 else {
      state = .trailerFirst
      return
    }
    guard size <= bodyBytesMax - received else {
      throw RequestError(413, "The request body is longer than \(bodyBytesMax) bytes.")
    }
    received += size
    state = .data
  }

  private mutating func readTrailerName(_ byte: UInt8) throws(RequestError) {
    try countOverhead()
    if RequestHeadParser.isToken(byte) {
      state = .trailerName
      trailerName.append(lowercase(byte))
      return
    }
    guard state == .trailerName, byte == UInt8(ascii: ":") else { throw malformed }
    guard !Self.isForbidden(trailerName) else { throw malformed }
    trailerName = []
    state = .trailerValue
  }

  private mutating func readTrailerValue(_ byte: UInt8) throws(RequestError) {
    if byte == 0x0D {
      state = .trailerLineFeed
      return
    }
    guard byte >= 0x20 && byte != 0x7F || byte == 0x09 else { throw malformed }
    try countOverhead()
  }

  /// `;name`, `;name=token` or `;name="quoted string"` (RFC 9112 §7.1.1, without its "bad" white space).
  private mutating func readExtension(_ byte: UInt8) throws(RequestError) {
    try countOverhead()
    let isToken = RequestHeadParser.isToken(byte)
    let isText = byte >= 0x20 && byte < 0x7F || byte == 0x09
    switch (state, byte) {
    case (.extensionFirst, _) where isToken, (.extensionName, _) where isToken: state = .extensionName
    case (.extensionName, UInt8(ascii: "=")): state = .extensionValueFirst
    case (.extensionValueFirst, UInt8(ascii: "\"")): state = .quoted
    case (.extensionValueFirst, _) where isToken, (.extensionValue, _) where isToken: state = .extensionValue
    case (.quoted, UInt8(ascii: "\"")): state = .quotedEnd
    case (.quoted, UInt8(ascii: "\\")): state = .quotedPair
    case (.quoted, _) where isText, (.quotedPair, _) where isText: state = .quoted
    case (.extensionName, UInt8(ascii: ";")), (.extensionValue, UInt8(ascii: ";")), (.quotedEnd, UInt8(ascii: ";")):
      state = .extensionFirst
    case (.extensionName, 0x0D), (.extensionValue, 0x0D), (.quotedEnd, 0x0D): state = .sizeLineFeed
    default: throw malformed
    }
  }

  private mutating func countOverhead() throws(RequestError) {
    overheadLeft -= 1
    guard overheadLeft >= 0 else {
      throw RequestError(431, "The chunk extensions and trailers of the request are too long.")
    }
  }

  /// RFC 9110 §6.5.1: what frames or routes a message cannot stand in its trailer.
  private static func isForbidden(_ name: [UInt8]) -> Bool {
    ["content-length", "transfer-encoding", "connection", "host"].contains { name.elementsEqual($0.utf8) }
  }

  private func expect(_ expected: UInt8, _ byte: UInt8) throws(RequestError) {
    guard byte == expected else { throw malformed }
  }

  private var malformed: RequestError { RequestError(400, "The chunked request body is malformed.") }

  private static func hexadecimal(_ byte: UInt8) -> Int? {
    switch byte {
    case 0x30...0x39: Int(byte) - 0x30
    case 0x41...0x46: Int(byte) - 0x37
    case 0x61...0x66: Int(byte) - 0x57
    default: nil
    }
  }
}
