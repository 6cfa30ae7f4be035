/// A Huffman table (T.81 Annex C and F.2.2.3).
struct JPEGHuffmanTable {
  private static let fastBits = 9
  /// By the next bits of the stream: length of the code and its value; 0 for codes that are longer.
  private var fast = [UInt16](repeating: 0, count: 1 << fastBits)
  /// By length: the largest code, -1 for none, and what leads from a code to its value.
  private var largest = [Int](repeating: -1, count: 17)
  private var offset = [Int](repeating: 0, count: 17)
  private let values: [UInt8]

  /// Nil if there are more codes of a length than it has room for.
  init?(counts: some Collection<UInt8>, values: [UInt8]) {
    self.values = values
    var code = 0
    var place = 0
    for (index, count) in counts.prefix(16).enumerated() {
      let length = index + 1
      guard code + Int(count) <= 1 << length, place + Int(count) <= values.count else { return nil }
      offset[length] = place - code
      if count > 0 { largest[length] = code + Int(count) - 1 }
      for _ in 0..<Int(count) {
        if length <= Self.fastBits {
          let shift = Self.fastBits - length
          let entry = UInt16(length) << 8 | UInt16(values[place])
          for low in 0..<1 << shift { fast[code << shift | low] = entry }
        }
        code += 1
        place += 1
      }
      code <<= 1
    }
  }

  /// The value of the code that stands next; nil if there is no such code.
  @inline(__always)
  func decode(_ bits: inout JPEGBits) -> Int? {
    let next = bits.peek16()
    let entry = fast[next >> (16 - Self.fastBits)]
    if entry != 0 {
      bits.drop(Int(entry >> 8))
      return Int(entry & 0xFF)
    }
    for length in Self.fastBits + 1...16 where next >> (16 - length) <= largest[length] {
      let place = (next >> (16 - length)) + offset[length]
      guard place >= 0, place < values.count else { return nil }
      bits.drop(length)
      return Int(values[place])
    }
    return nil
  }
}

/// The bits of entropy-coded data (T.81 F.2.2.5), zeros after its end.
struct JPEGBits {
  private let stream: UnsafeRawBufferPointer
  private(set) var place: Int
  private var held: UInt64 = 0
  private var count = 0
  /// Zeros among those held that no byte stands for.
  private var invented = 0

  init(_ stream: UnsafeRawBufferPointer, from place: Int) {
    self.stream = stream
    self.place = place
  }

  /// Whether bits were taken that are not there.
  var isOverrun: Bool { invented > count }

  @inline(__always)
  mutating func peek16() -> Int {
    if count < 16 { fill() }
    return Int(truncatingIfNeeded: held >> UInt64(count - 16)) & 0xFFFF
  }

  @inline(__always)
  mutating func drop(_ bits: Int) { count -= bits }

  /// Takes up to 16 bits.
  @inline(__always)
  mutating func take(_ bits: Int) -> Int {
    let value = peek16() >> (16 - bits)
    count -= bits
    return value
  }

  /// T.81 F.2.2.1: a difference or coefficient of a category.
  @inline(__always)
  mutating func signed(_ category: Int) -> Int {
    guard category > 0 else { return 0 }
    let value = take(category)
    return value < 1 << (category - 1) ? value - (1 << category) + 1 : value
  }

  private mutating func fill() {
    while count <= 48 {
      var byte: UInt8 = 0
      if place < stream.count, stream[place] != 0xFF {
        byte = stream[place]
        place += 1
      } else if place + 1 < stream.count, stream[place + 1] == 0 {
        byte = 0xFF
        place += 2
      } else {
        invented += 8
      }
      held = held << 8 | UInt64(byte)
      count += 8
    }
  }

  /// Goes on behind the next restart marker (T.81 E.2.4).
  /// - Returns: false if there is none.
  mutating func restart() -> Bool {
    guard !isOverrun, place + 1 < stream.count, stream[place] == 0xFF, (0xD0...0xD7).contains(stream[place + 1]) else {
      return false
    }
    place += 2
    (held, count, invented) = (0, 0, 0)
    return true
  }
}
