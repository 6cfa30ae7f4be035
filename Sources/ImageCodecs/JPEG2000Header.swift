/// What the main header of a JPEG 2000 codestream says (ISO/IEC 15444-1 Annex A), read before a decoder takes memory
/// for it.
struct JPEG2000Header {
  private(set) var columns = 0
  private(set) var rows = 0
  private(set) var samples = 0
  private(set) var precision = 0
  private(set) var isSigned = false
  /// The multiple component transformation is used: RGB went in.
  private(set) var isTransformed = false
  /// The wavelet is the reversible one (5-3).
  private(set) var isReversible = false
  private var tiles = 0
  private var smallestPrecinct = 15
  private var smallestBlock = 10

  /// Nil if it is no codestream, nor a JP2 file with one.
  init?(_ stream: UnsafeRawBufferPointer) {
    guard let start = Self.codestream(stream) else { return nil }
    var place = start + 2
    while let marker = Self.word(stream, place), marker != 0xFF90 {
      guard let length = Self.word(stream, place + 2), length >= 2, place + 2 + length <= stream.count else {
        return nil
      }
      let segment = UnsafeRawBufferPointer(rebasing: stream[place + 4..<place + 2 + length])
      switch marker {
      case 0xFF51: guard readSize(segment) else { return nil }
      case 0xFF52: readCoding(segment)
      case 0xFF53: readComponentCoding(segment)
      default: guard marker > 0xFF00 else { return nil }
      }
      place += 2 + length
    }
    guard columns > 0, rows > 0, samples > 0 else { return nil }
  }

  /// Whether tiles, precincts and code blocks are large enough for the image that their bookkeeping, some hundred bytes
  /// each, stays in proportion to the pixels.
  var isAffordable: Bool {
    let area = columns * rows
    let isSmall = area <= 1 << 20
    return tiles <= 16 + area / 1024 && (isSmall || smallestPrecinct >= 4) && (isSmall || smallestBlock >= 4)
  }

  /// Where the codestream begins: at the start, or in the box `jp2c` of a file (15444-1 Annex I).
  private static func codestream(_ stream: UnsafeRawBufferPointer) -> Int? {
    if word(stream, 0) == 0xFF4F { return 0 }
    guard word(stream, 4) == 0x6A50, word(stream, 6) == 0x2020 else { return nil }
    var place = 0
    while let high = word(stream, place), let low = word(stream, place + 2), let type = word(stream, place + 4),
      let typeEnd = word(stream, place + 6)
    {
      if type == 0x6A70, typeEnd == 0x3263 { return word(stream, place + 8) == 0xFF4F ? place + 8 : nil }
      let length = high << 16 | low
      guard length >= 8 else { return nil }
      place += length
    }
    return nil
  }

  private static func word(_ stream: UnsafeRawBufferPointer, _ place: Int) -> Int? {
    guard place >= 0, place + 2 <= stream.count else { return nil }
    return Int(stream[place]) << 8 | Int(stream[place + 1])
  }

  private static func long(_ stream: UnsafeRawBufferPointer, _ place: Int) -> Int {
    (word(stream, place) ?? 0) << 16 | (word(stream, place + 2) ?? 0)
  }

  /// SIZ (A.5.1).
  private mutating func readSize(_ segment: UnsafeRawBufferPointer) -> Bool {
    guard segment.count >= 39 else { return false }
    let (right, bottom) = (Self.long(segment, 2), Self.long(segment, 6))
    let (left, top) = (Self.long(segment, 10), Self.long(segment, 14))
    let (tileColumns, tileRows) = (Self.long(segment, 18), Self.long(segment, 22))
    let (tileLeft, tileTop) = (Self.long(segment, 26), Self.long(segment, 30))
    guard right > left, bottom > top, tileColumns > 0, tileRows > 0, tileLeft <= left, tileTop <= top else {
      return false
    }
    columns = right - left
    rows = bottom - top
    samples = Self.word(segment, 34) ?? 0
    precision = Int(segment[36] & 0x7F) + 1
    isSigned = segment[36] & 0x80 != 0
    let across = (right - tileLeft + tileColumns - 1) / tileColumns
    let down = (bottom - tileTop + tileRows - 1) / tileRows
    guard across <= 65_535, down <= 65_535 else { return false }
    tiles = across * down
    return true
  }

  /// COD (A.6.1).
  private mutating func readCoding(_ segment: UnsafeRawBufferPointer) {
    guard segment.count >= 10 else { return }
    isTransformed = segment[4] == 1 && samples >= 3
    isReversible = segment[9] == 1
    note(segment, from: 5, hasPrecincts: segment[0] & 1 != 0)
  }

  /// COC (A.6.2).
  private mutating func readComponentCoding(_ segment: UnsafeRawBufferPointer) {
    let start = samples < 257 ? 1 : 2
    guard segment.count >= start + 6 else { return }
    note(segment, from: start + 1, hasPrecincts: segment[start] & 1 != 0)
  }

  private mutating func note(_ segment: UnsafeRawBufferPointer, from start: Int, hasPrecincts: Bool) {
    guard segment.count >= start + 5 else { return }
    smallestBlock = min(smallestBlock, Int(segment[start + 1] & 0xF) + 2, Int(segment[start + 2] & 0xF) + 2)
    guard hasPrecincts else { return }
    // The first is of the lowest resolution, where small ones are few.
    for size in segment[(start + 5)...].dropFirst() {
      smallestPrecinct = min(smallestPrecinct, Int(size & 0xF), Int(size >> 4))
    }
  }
}
