/// Writes pictures as GIF (GIF89a), one or many that follow one another.
///
/// Greyscale has all its 256 levels. Colours are exact if a picture has no more than 256; else those that stand for the
/// most pixels are chosen by cutting the cube of colours at medians.
struct GIFWriter {
  /// Sides that its words of 16 bits can say.
  static let sideMax = 65_535

  private let columns: Int
  private let rows: Int
  private let isGrey: Bool
  private(set) var bytes: [UInt8] = []

  /// - Parameter isMoving: several pictures, which begin anew after the last.
  /// - Throws: `tooLarge`.
  init(_ first: Picture, isMoving: Bool) throws(ImageError) {
    guard first.columns <= Self.sideMax, first.rows <= Self.sideMax else { throw ImageError(.tooLarge) }
    (columns, rows, isGrey) = (first.columns, first.rows, first.samples == 1)
    bytes += Array("GIF89a".utf8)
    appendSize()
    // §18: a table of 256 colours for all pictures, or none.
    bytes += [isGrey ? 0xF7 : 0x70, 0, 0]
    if isGrey { for level in UInt8.min...UInt8.max { bytes += [level, level, level] } }
    // The application extension that every browser reads: without end.
    if isMoving { bytes += [0x21, 0xFF, 11] + Array("NETSCAPE2.0".utf8) + [3, 1, 0, 0, 0] }
  }

  private mutating func append(_ word: Int) {
    bytes.append(UInt8(truncatingIfNeeded: word))
    bytes.append(UInt8(truncatingIfNeeded: word >> 8))
  }

  private mutating func appendSize() {
    append(columns)
    append(rows)
  }

  /// Appends a picture of the first one's size and kind.
  /// - Parameter hundredths: of a second that it is shown; nil for one that does not move.
  /// - Throws: `mismatch`
  mutating func append(_ picture: Picture, hundredths: Int? = nil) throws(ImageError) {
    guard picture.columns == columns, picture.rows == rows, (picture.samples == 1) == isGrey else {
      throw ImageError(.mismatch)
    }
    if let hundredths {
      // §23: stays until the next one covers it.
      bytes += [0x21, 0xF9, 4, 0x04]
      append(max(1, min(hundredths, 65_535)))
      bytes += [0, 0]
    }
    bytes.append(0x2C)
    append(0)
    append(0)
    appendSize()
    if isGrey {
      bytes.append(0)
      appendIndices(picture.bytes)
    } else {
      let (palette, indices) = GIFPalette.reduced(picture.bytes)
      bytes.append(0x87)
      bytes += palette
      appendIndices(indices)
    }
  }

  /// All that was made since the last call.
  mutating func take() -> [UInt8] {
    defer { bytes = [] }
    return bytes
  }

  mutating func end() { bytes.append(0x3B) }

  /// §22: the compressed indices in blocks of at most 255 bytes.
  private mutating func appendIndices(_ indices: [UInt8]) {
    let codes = GIFCompression.codes(indices)
    bytes.reserveCapacity(bytes.count + codes.count + codes.count / 255 + 3)
    bytes.append(8)
    var place = 0
    while place < codes.count {
      let count = min(255, codes.count - place)
      bytes.append(UInt8(count))
      bytes += codes[place..<place + count]
      place += count
    }
    bytes.append(0)
  }
}

/// LZW with codes of growing length (GIF89a appendix F), for indices of 8 bits.
enum GIFCompression {
  private static let clear = 256
  private static let end = 257
  private static let codesMax = 4_096
  /// Twice as many places as there are codes.
  private static let places = 8_192

  static func codes(_ indices: [UInt8]) -> [UInt8] {
    var writer = Bits()
    writer.bytes.reserveCapacity(indices.count / 2 + 16)
    // For each string that has a code: the code of all but its last byte, and that byte, plus one; 0 for none.
    var keys = [UInt32](repeating: 0, count: places)
    var values = [UInt16](repeating: 0, count: places)
    writer.append(clear)
    guard var prefix = indices.first.map(Int.init) else {
      writer.append(end)
      return writer.finish()
    }
    keys.withUnsafeMutableBufferPointer { keys in
      values.withUnsafeMutableBufferPointer { values in
        var next = end + 1
        for byte in indices.dropFirst() {
          let key = UInt32(truncatingIfNeeded: prefix << 8 | Int(byte)) + 1
          var place = Int((key &* 2_654_435_761) >> 19)
          while keys[place] != 0, keys[place] != key { place = (place + 1) & (places - 1) }
          if keys[place] == key {
            prefix = Int(values[place])
            continue
          }
          writer.append(prefix)
          prefix = Int(byte)
          if next < codesMax {
            // The reader knows a code one step later than the writer, so the length grows behind it.
            if next == 1 << writer.length, writer.length < 12 { writer.length += 1 }
            keys[place] = key
            values[place] = UInt16(truncatingIfNeeded: next)
            next += 1
          } else {
            writer.append(clear)
            writer.length = 9
            keys.update(repeating: 0)
            next = end + 1
          }
        }
        writer.append(prefix)
        if next == 1 << writer.length, writer.length < 12 { writer.length += 1 }
      }
    }
    writer.append(end)
    return writer.finish()
  }

  /// Codes, the lowest bit first.
  private struct Bits {
    var bytes: [UInt8] = []
    var length = 9
    private var held: UInt32 = 0
    private var heldCount = 0

    @inline(__always)
    mutating func append(_ code: Int) {
      held |= UInt32(truncatingIfNeeded: code) << UInt32(heldCount)
      heldCount += length
      while heldCount >= 8 {
        bytes.append(UInt8(truncatingIfNeeded: held))
        held >>= 8
        heldCount -= 8
      }
    }

    mutating func finish() -> [UInt8] {
      if heldCount > 0 { bytes.append(UInt8(truncatingIfNeeded: held)) }
      return bytes
    }
  }
}

/// 256 colours for a picture of more.
enum GIFPalette {
  private static let colorsMax = 256

  /// The palette, three bytes for each of 256 colours, and each pixel's place in it.
  static func reduced(_ rgb: [UInt8]) -> (palette: [UInt8], indices: [UInt8]) {
    if let exact = exact(rgb) { return exact }
    let boxes = Box.cut(histogram(rgb))
    var palette: [UInt8] = []
    var places = [UInt8](repeating: 0, count: 1 << 15)
    for (place, box) in boxes.enumerated() {
      palette += box.mean
      for entry in box.entries { places[entry.bin] = UInt8(truncatingIfNeeded: place) }
    }
    palette += [UInt8](repeating: 0, count: 3 * colorsMax - palette.count)
    let indices = rgb.withUnsafeBufferPointer { rgb in
      [UInt8](unsafeUninitializedCapacity: rgb.count / 3) { indices, filled in
        for pixel in 0..<rgb.count / 3 { indices[pixel] = places[bin(rgb, pixel)] }
        filled = rgb.count / 3
      }
    }
    return (palette, indices)
  }

  private static func exact(_ rgb: [UInt8]) -> (palette: [UInt8], indices: [UInt8])? {
    var places: [UInt32: UInt8] = [:]
    var palette: [UInt8] = []
    var indices: [UInt8] = []
    indices.reserveCapacity(rgb.count / 3)
    var last: (color: UInt32, place: UInt8)?
    for start in stride(from: 0, to: rgb.count - 2, by: 3) {
      let color = UInt32(rgb[start]) << 16 | UInt32(rgb[start + 1]) << 8 | UInt32(rgb[start + 2])
      if let last, last.color == color {
        indices.append(last.place)
        continue
      }
      var place = places[color]
      if place == nil {
        guard places.count < colorsMax else { return nil }
        place = UInt8(truncatingIfNeeded: places.count)
        places[color] = place
        palette += rgb[start..<start + 3]
      }
      guard let place else { return nil }
      last = (color, place)
      indices.append(place)
    }
    return (palette + [UInt8](repeating: 0, count: 3 * colorsMax - palette.count), indices)
  }

  /// A pixel's colour in five bits for each of its parts.
  @inline(__always)
  private static func bin(_ rgb: UnsafeBufferPointer<UInt8>, _ pixel: Int) -> Int {
    Int(rgb[3 * pixel] >> 3) << 10 | Int(rgb[3 * pixel + 1] >> 3) << 5 | Int(rgb[3 * pixel + 2] >> 3)
  }

  /// Pixels of a colour of five bits a part, and the sums of their eight bits.
  struct Entry {
    let bin: Int
    var count = 0
    var sums = SIMD3<Int>(repeating: 0)

    func part(_ axis: Int) -> Int { bin >> (10 - 5 * axis) & 31 }
  }

  private static func histogram(_ rgb: [UInt8]) -> [Entry] {
    var entries = (0..<1 << 15).map { Entry(bin: $0) }
    rgb.withUnsafeBufferPointer { rgb in
      for pixel in 0..<rgb.count / 3 {
        let bin = bin(rgb, pixel)
        entries[bin].count += 1
        entries[bin].sums &+= SIMD3(Int(rgb[3 * pixel]), Int(rgb[3 * pixel + 1]), Int(rgb[3 * pixel + 2]))
      }
    }
    return entries.filter { $0.count > 0 }
  }

  /// Colours that one of the palette stands for (P. Heckbert, Color image quantization, 1982).
  struct Box {
    var entries: ArraySlice<Entry>
    let count: Int
    /// The part in which they differ most, and by how much.
    let axis: Int
    let extent: Int

    init(_ entries: ArraySlice<Entry>) {
      self.entries = entries
      count = entries.reduce(0) { $0 + $1.count }
      var widest = (axis: 0, extent: -1)
      for axis in 0..<3 {
        var (low, high) = (31, 0)
        for entry in entries {
          low = min(low, entry.part(axis))
          high = max(high, entry.part(axis))
        }
        if high - low > widest.extent { widest = (axis, high - low) }
      }
      (axis, extent) = widest
    }

    var mean: [UInt8] {
      let sums = entries.reduce(SIMD3<Int>(repeating: 0)) { $0 &+ $1.sums }
      return (0..<3).map { UInt8(truncatingIfNeeded: sums[$0] / max(1, count)) }
    }

    static func cut(_ entries: [Entry]) -> [Box] {
      var boxes = [Box(entries[...])]
      while boxes.count < colorsMax {
        let widest = boxes.indices.filter { boxes[$0].entries.count > 1 }.max {
          boxes[$0].count * boxes[$0].extent < boxes[$1].count * boxes[$1].extent
        }
        guard let widest else { break }
        let (low, high) = boxes[widest].halves
        boxes[widest] = low
        boxes.append(high)
      }
      return boxes
    }

    /// Cut where half of the pixels are.
    private var halves: (Box, Box) {
      let axis = axis
      let sorted = entries.sorted { $0.part(axis) < $1.part(axis) }
      var (place, seen) = (1, sorted[0].count)
      while place < sorted.count - 1, seen < count / 2 {
        seen += sorted[place].count
        place += 1
      }
      return (Box(sorted[..<place]), Box(sorted[place...]))
    }
  }
}
