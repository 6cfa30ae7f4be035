public import Base

/// Reads a multipart body (RFC 2046 §5.1) whose bytes come in pieces: bytes in, events out. However the bytes are cut
/// into pieces, the events are the same, but for the cuts of a part's bytes.
public struct MultipartReader: Sendable {
  public enum Event: Sendable {
    case began(Part)
    /// Bytes of the part; as many of these as it takes.
    case bytes(ArraySlice<UInt8>)
    case ended
  }

  /// The header of a part.
  public struct Part: Sendable {
    /// Names in lower case.
    public let headers: [(name: String, value: String)]

    public subscript(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    public var contentType: MediaType? { self["content-type"].map { MediaType($0) } }
  }

  public struct Limits: Sendable, Equatable {
    /// Bytes of a part's header, and of what is in front of the first part.
    public var headerBytesMax = 16 * 1024
    public var partsMax = 100_000
    /// RFC 2046 has 70; some write more.
    public var boundaryBytesMax = 200

    public init() {}
  }

  private enum State {
    /// Before the first boundary.
    case preamble
    /// Behind a boundary: `--`, or white space and the end of the line.
    case boundary
    case header
    case body
    case epilogue
  }

  private let limits: Limits
  /// CRLF, two hyphens, the boundary.
  private let delimiter: [UInt8]
  /// How far the search may move on where a byte stands under the delimiter's last (Horspool).
  private let shifts: [UInt8]
  private var state = State.preamble
  /// Bytes that have come and that a decision still needs.
  private var held: [UInt8] = []
  /// Whether the body may begin with the delimiter's hyphens, since the CRLF in front was the header's.
  private var isBodyStart = false
  /// The header of a part that is not told yet: one without fields may be no part at all.
  private var pending: Part?
  private var preambleCount = 0
  private var partCount = 0

  /// - Parameter boundary: the parameter of the `Content-Type`, without quotes.
  /// - Throws: `.unsupportedMediaType` for none, or one that is too long.
  public init(boundary: String?, limits: Limits = Limits()) throws(Fault) {
    guard let boundary, !boundary.isEmpty, boundary.utf8.count <= limits.boundaryBytesMax else {
      throw Fault(.unsupportedMediaType, "The content type is either not multipart or is missing boundary.")
    }
    self.limits = limits
    let delimiter = Array("\r\n--\(boundary)".utf8)
    var shifts = [UInt8](repeating: UInt8(clamping: delimiter.count), count: 256)
    for (place, byte) in delimiter.dropLast().enumerated() {
      shifts[Int(byte)] = UInt8(clamping: delimiter.count - 1 - place)
    }
    self.delimiter = delimiter
    self.shifts = shifts
    // The first boundary needs no line in front of it.
    held = [0x0D, 0x0A]
  }

  private static var malformed: Fault { Fault(.invalid, "There was an error reading the multipart request.") }

  /// Takes the next bytes.
  /// - Throws: `.invalid` for a malformed body, `.tooLarge` for a limit.
  public mutating func append(_ bytes: [UInt8]) throws(Fault) -> [Event] {
    var input = bytes[...]
    if !held.isEmpty {
      input = (held + bytes)[...]
      held = []
    }
    var events: [Event] = []
    var goesOn = true
    while goesOn, !input.isEmpty {
      switch state {
      case .preamble: goesOn = try readPreamble(&input)
      case .boundary: goesOn = try readBoundary(&input, &events)
      case .header: goesOn = try readHeader(&input, &events)
      case .body: goesOn = readBody(&input, &events)
      case .epilogue: input = []
      }
    }
    held = Array(input)
    return events
  }

  /// All bytes have come.
  /// - Throws: `.invalid` if the last boundary has not.
  public func finish() throws(Fault) {
    guard state == .epilogue else { throw Self.malformed }
  }

  /// Each reads what it can from the front, and says whether there is enough to go on.
  private mutating func readPreamble(_ input: inout ArraySlice<UInt8>) throws(Fault) -> Bool {
    let found = find(input)
    preambleCount += found.place - input.startIndex
    guard preambleCount <= limits.headerBytesMax else { throw Self.malformed }
    input = input[found.place...]
    guard found.isWhole else { return false }
    input = input.dropFirst(delimiter.count)
    state = .boundary
    return true
  }

  private mutating func readBoundary(_ input: inout ArraySlice<UInt8>, _ events: inout [Event]) throws(Fault) -> Bool {
    guard input.count >= 2 else { return false }
    if input[input.startIndex] == 0x2D, input[input.startIndex + 1] == 0x2D {
      pending = nil
      state = .epilogue
      return true
    }
    // RFC 2046 §5.1.1: white space may be between the boundary and the end of its line.
    guard let end = input.firstIndex(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else {
      guard input.count <= limits.headerBytesMax else { throw Self.malformed }
      return false
    }
    guard input[end] == 0x0A else { throw Self.malformed }
    if let part = pending { tell(part, isEmpty: true, &events) }
    input = input[(end + 1)...]
    state = .header
    partCount += 1
    guard partCount <= limits.partsMax else {
      throw Fault(.tooLarge, "The request has more than \(limits.partsMax) parts.")
    }
    return true
  }

  private mutating func tell(_ part: Part, isEmpty: Bool, _ events: inout [Event]) {
    events.append(.began(part))
    if isEmpty { events.append(.ended) }
    pending = nil
  }

  private mutating func readHeader(_ input: inout ArraySlice<UInt8>, _ events: inout [Event]) throws(Fault) -> Bool {
    guard let end = Self.headerEnd(input) else {
      guard input.count <= limits.headerBytesMax else { throw headerTooLarge }
      return false
    }
    guard end - input.startIndex <= limits.headerBytesMax else { throw headerTooLarge }
    let part = try Self.part(input[..<end])
    input = input[end...]
    isBodyStart = true
    state = .body
    if part.headers.isEmpty { pending = part } else { events.append(.began(part)) }
    return true
  }

  private var headerTooLarge: Fault {
    Fault(.tooLarge, "A part's header is longer than \(limits.headerBytesMax) bytes.")
  }

  /// Behind the empty line that ends a header.
  private static func headerEnd(_ input: ArraySlice<UInt8>) -> Int? {
    var line = input.startIndex
    while let end = input[line...].firstIndex(of: 0x0A) {
      let isEmpty = end == line || end == line + 1 && input[line] == 0x0D
      if isEmpty { return end + 1 }
      line = end + 1
    }
    return nil
  }

  private static func part(_ bytes: ArraySlice<UInt8>) throws(Fault) -> Part {
    var fields: [(name: String, value: String)] = []
    for line in bytes.split(separator: 0x0A) {
      let text = String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
      guard let first = text.unicodeScalars.first else { continue }
      if first == " " || first == "\t" {
        // RFC 5322 §2.2.3: a line that begins with white space goes on with the one in front.
        guard let last = fields.popLast() else { throw malformed }
        fields.append((last.name, last.value + " " + trimmed(text[...])))
        continue
      }
      guard let colon = text.firstIndex(of: ":") else { throw malformed }
      let name = trimmed(text[..<colon]).lowercased()
      guard !name.isEmpty else { throw malformed }
      fields.append((name, trimmed(text[text.index(after: colon)...])))
    }
    return Part(headers: fields)
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text
    while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return String(text)
  }

  private mutating func readBody(_ input: inout ArraySlice<UInt8>, _ events: inout [Event]) -> Bool {
    if isBodyStart {
      // The delimiter's line may end the header at once.
      let hyphens = delimiter.dropFirst(2)
      if input.starts(with: hyphens) {
        input = input.dropFirst(hyphens.count)
        isBodyStart = false
        endPart(&events)
        return true
      }
      if input.count < hyphens.count, hyphens.starts(with: input) { return false }
      isBodyStart = false
      if let part = pending { tell(part, isEmpty: false, &events) }
    }
    let found = find(input)
    if found.place > input.startIndex { events.append(.bytes(input[..<found.place])) }
    input = input[found.place...]
    guard found.isWhole else { return false }
    input = input.dropFirst(delimiter.count)
    endPart(&events)
    return true
  }

  /// A pending part is told, or not, by what follows the boundary.
  private mutating func endPart(_ events: inout [Event]) {
    if pending == nil { events.append(.ended) }
    state = .boundary
  }

  /// Where the delimiter is; or else where, at the end, something is that may become one.
  private func find(_ input: ArraySlice<UInt8>) -> (place: Int, isWhole: Bool) {
    input.withUnsafeBufferPointer { bytes in
      let count = delimiter.count
      var place = 0
      while place + count <= bytes.count {
        let last = bytes[place + count - 1]
        if last == delimiter[count - 1], bytes[place] == 0x0D, matches(bytes, place, count) {
          return (input.startIndex + place, true)
        }
        place += Int(shifts[Int(last)])
      }
      place = max(0, bytes.count - count + 1)
      while place < bytes.count {
        if bytes[place] == 0x0D, matches(bytes, place, bytes.count - place) { break }
        place += 1
      }
      return (input.startIndex + place, false)
    }
  }

  private func matches(_ bytes: UnsafeBufferPointer<UInt8>, _ place: Int, _ count: Int) -> Bool {
    for index in 0..<count where bytes[place + index] != delimiter[index] { return false }
    return true
  }
}
