import DICOMCore
import TestSupport
import Testing

@testable import ImageCodecs

/// GIF as GIF89a has it, read back by a decoder of its own.
@Suite("GIF")
struct GIFTests {
  struct Image {
    var columns = 0
    var rows = 0
    /// RGB of each picture.
    var pictures: [[UInt8]] = []
    var hundredths: [Int] = []
    var repeats = false
  }

  struct Malformed: Error {}

  /// Reads blocks (appendix B) and LZW (appendix F), as the specification describes a decoder.
  static func read(_ bytes: [UInt8]) throws -> Image {
    guard bytes.starts(with: Array("GIF89a".utf8)), bytes.count > 13 else { throw Malformed() }
    var image = Image()
    image.columns = Int(bytes[6]) | Int(bytes[7]) << 8
    image.rows = Int(bytes[8]) | Int(bytes[9]) << 8
    var place = 13
    func table(_ flags: UInt8) -> [UInt8]? {
      guard flags & 0x80 != 0 else { return nil }
      let count = 3 << (Int(flags & 7) + 1)
      defer { place += count }
      return Array(bytes[place..<place + count])
    }
    func blocks() -> [UInt8] {
      var all: [UInt8] = []
      while bytes[place] > 0 {
        all += bytes[place + 1...place + Int(bytes[place])]
        place += 1 + Int(bytes[place])
      }
      place += 1
      return all
    }
    let global = table(bytes[10])
    while place < bytes.count {
      switch bytes[place] {
      case 0x21:
        let label = bytes[place + 1]
        place += 2
        let content = blocks()
        if label == 0xF9 { image.hundredths.append(Int(content[1]) | Int(content[2]) << 8) }
        if label == 0xFF { image.repeats = content.starts(with: Array("NETSCAPE2.0".utf8)) }
      case 0x2C:
        let flags = bytes[place + 9]
        place += 10
        guard let colors = table(flags) ?? global else { throw Malformed() }
        let length = Int(bytes[place])
        place += 1
        let indices = try decompressed(blocks(), length)
        guard indices.count == image.columns * image.rows else { throw Malformed() }
        image.pictures.append(indices.flatMap { colors[3 * Int($0)..<3 * Int($0) + 3] })
      case 0x3B:
        guard place == bytes.count - 1 else { throw Malformed() }
        return image
      default: throw Malformed()
      }
    }
    throw Malformed()
  }

  static func decompressed(_ codes: [UInt8], _ least: Int) throws -> [UInt8] {
    let (clear, end) = (1 << least, 1 << least + 1)
    var (length, bit) = (least + 1, 0)
    var strings: [[UInt8]] = []
    var previous: [UInt8]?
    var result: [UInt8] = []
    while true {
      guard bit + length <= codes.count * 8 else { throw Malformed() }
      var code = 0
      for place in 0..<length { code |= Int(codes[(bit + place) / 8] >> UInt8((bit + place) % 8) & 1) << place }
      bit += length
      if code == end { return result }
      if code == clear {
        strings = (0..<clear).map { [UInt8($0)] } + [[], []]
        length = least + 1
        previous = nil
        continue
      }
      guard let last = previous else {
        guard code < clear else { throw Malformed() }
        previous = strings[code]
        result += strings[code]
        continue
      }
      guard code <= strings.count else { throw Malformed() }
      let string = code < strings.count ? strings[code] : last + [last[0]]
      result += string
      if strings.count < 4_096 { strings.append(last + [string[0]]) }
      if strings.count == 1 << length, length < 12 { length += 1 }
      previous = string
    }
  }

  static func rgb(_ levels: [UInt8]) -> [UInt8] { levels.flatMap { [$0, $0, $0] } }

  static func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
  }

  @Test("grey levels are exact, however many codes they take", arguments: [1, 2, 255, 3_839, 65_000])
  func grey(count: Int) throws {
    let slope = (0..<count).map { UInt8(truncatingIfNeeded: $0 / 7) }
    for pixels in [Self.noise(count), slope, [UInt8](repeating: 9, count: count)] {
      let image = try Self.read(Picture(columns: count, rows: 1, samples: 1, bytes: pixels).gif())
      #expect(image.pictures == [Self.rgb(pixels)])
      #expect(image.hundredths.isEmpty && !image.repeats)
    }
  }

  @Test("sides that GIF cannot say are refused")
  func sides() throws {
    #expect { try Picture(columns: 65_536, rows: 1, samples: 1, bytes: Self.noise(65_536)).gif() } throws: {
      ($0 as? ImageError)?.code == .tooLarge
    }
    let widest = Picture(columns: 65_535, rows: 1, samples: 1, bytes: Self.noise(65_535))
    #expect(try Self.read(widest.gif()).columns == 65_535)
  }

  @Test("up to 256 colours are exact, more are near")
  func colors() throws {
    let palette = Self.noise(256 * 3, seed: 7)
    let few = Self.noise(4_000, seed: 8).flatMap { palette[3 * Int($0)..<3 * Int($0) + 3] }
    #expect(try Self.read(Picture(columns: 80, rows: 50, samples: 3, bytes: few).gif()).pictures == [few])
    // A gradient in two parts.
    var many: [UInt8] = []
    for place in 0..<128 * 128 { many += [UInt8(place % 128 * 2), UInt8(place / 128 * 2), 100] }
    let gif = try Picture(columns: 128, rows: 128, samples: 3, bytes: many).gif()
    let shown = try Self.read(gif).pictures[0]
    var furthest = 0
    for (one, other) in zip(many, shown) { furthest = max(furthest, abs(Int(one) - Int(other))) }
    #expect(furthest <= 24)
    var seen: Set<[UInt8]> = []
    for start in stride(from: 0, to: shown.count, by: 3) { seen.insert(Array(shown[start..<start + 3])) }
    #expect(seen.count > 200)
  }

  @Test("frames follow each other as fast as the data set says")
  func moving() throws {
    let frames = (1...4).map { TestImages.frame(stored: 12, seed: UInt64($0)) }
    func image(_ more: (inout DataSetBuilder) throws -> Void = { _ in }) throws -> Image {
      var bytes: [UInt8] = []
      try Renderer(try TestImages.file(frames, more)).animate([0, 2, 3]) { bytes += $0 }
      return try Self.read(bytes)
    }
    let plain = try image()
    #expect(plain.repeats)
    #expect(plain.hundredths == [10, 10, 10])
    let renderer = try Renderer(try TestImages.file(frames))
    for (picture, number) in zip(plain.pictures, [0, 2, 3]) {
      #expect(picture == Self.rgb(try renderer.picture(number).bytes))
    }
    // PS3.3 C.7.6.5: Frame Time in milliseconds, Cine Rate in frames a second, a vector of steps.
    #expect(try image { try $0.append(Tag(0x0018, 0x1063), .DS, "40") }.hundredths == [4, 4, 4])
    #expect(try image { try $0.append(Tag(0x0018, 0x0040), .IS, "25") }.hundredths == [4, 4, 4])
    #expect(try image { try $0.append(Tag(0x0018, 0x1065), .DS, "0\\50\\70\\90") }.hundredths == [5, 9, 10])
    #expect(try image { try $0.append(Tag(0x0018, 0x1063), .DS, "-3") }.hundredths == [10, 10, 10])
  }
}
