import DICOMCore
import Testing

/// Where frames are: pitfalls 23 to 26 and 28.
@Suite("Pixel data")
struct PixelDataTests {
  static func image(
    frames: String? = nil, rows: UInt8 = 2, columns: UInt8 = 2, bits: UInt8 = 8, samples: UInt8 = 1,
    interpretation: String? = nil, _ pixels: (inout EncodedBytes) -> Void
  ) throws -> PixelData? {
    var bytes = EncodedBytes()
    bytes.explicit(0x0028_0002, "US", [samples, 0])
    if let interpretation { bytes.explicit(0x0028_0004, "CS", interpretation) }
    if let frames { bytes.explicit(0x0028_0008, "IS", frames) }
    bytes.explicit(0x0028_0010, "US", [rows, 0])
    bytes.explicit(0x0028_0011, "US", [columns, 0])
    bytes.explicit(0x0028_0100, "US", [bits, 0])
    pixels(&bytes)
    return PixelData(try DataSet(bytes.bytes))
  }

  static func fragments(_ bytes: inout EncodedBytes, table: [UInt8], _ fragments: [[UInt8]], isDelimited: Bool = true) {
    bytes.explicit(0x7FE0_0010, "OB", claims: EncodedBytes.undefined)
    for fragment in [table] + fragments { bytes.implicit(0xFFFE_E000, fragment) }
    if isDelimited { bytes.delimiter(0xFFFE_E0DD) }
  }

  static let jpeg: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0]
  static let more: [UInt8] = [1, 2, 3, 4]

  @Test(
    "native frames: no more than declared, no more than there are",
    arguments: [
      (nil, 4, [4]), ("1 ", 4, [4]), ("0 ", 4, [4]), ("2 ", 8, [4, 4]), ("3 ", 8, [4, 4]), ("2 ", 12, [4, 4]),
      ("1 ", 3, []),
      ("x ", 4, [4]), ("-1", 4, [4]),
    ] as [(String?, Int, [Int])])
  func native(frames: String?, length: Int, counts: [Int]) throws {
    let image = try Self.image(frames: frames) { $0.explicit(0x7FE0_0010, "OB", [UInt8](repeating: 0, count: length)) }
    #expect(image?.frames.map(\.count) == counts)
    let start = try #require(image?.element.valueRange.lowerBound)
    for (number, frame) in (image?.frames ?? []).enumerated() {
      #expect(frame.ranges == [start + 4 * number..<start + 4 * number + 4])
    }
  }

  /// PS3.5 §8.1.1: frames of 1-bit pixels follow without a gap.
  @Test("frames of 1-bit pixels do not begin on bytes")
  func bits() throws {
    let image = try #require(
      try Self.image(frames: "3 ", rows: 3, columns: 3, bits: 1) { $0.explicit(0x7FE0_0010, "OB", [0, 1, 2, 3]) })
    #expect(image.frames.map(\.bitOffset) == [0, 1, 2])
    let start = image.element.valueRange.lowerBound
    #expect(image.frames.map(\.ranges) == [[start..<start + 2], [start + 1..<start + 3], [start + 2..<start + 4]])
  }

  /// PS3.3 C.7.6.3.1.2: two pixels share their chrominance, so that each has two samples.
  @Test(
    "native frames of YBR_FULL_422 are as long as two samples a pixel, or three where they are there",
    arguments: [
      ("YBR_FULL_422", 2, "1 ", 8, [8]), ("YBR_FULL_422", 2, "3 ", 24, [8, 8, 8]),
      ("YBR_PARTIAL_422 ", 2, "2 ", 16, [8, 8]), ("YBR_FULL_422", 2, "2 ", 24, [12, 12]),
      ("YBR_FULL_422", 2, "2 ", 22, [8, 8]), ("YBR_FULL_422", 2, "2 ", 14, [8]), ("YBR_FULL_422", 3, "1 ", 18, [18]),
      ("YBR_FULL", 2, "2 ", 16, [12]),
    ])
  func subsampled(_ interpretation: String, _ columns: UInt8, _ frames: String, _ length: Int, _ counts: [Int]) throws {
    let image = try Self.image(frames: frames, columns: columns, samples: 3, interpretation: interpretation) {
      $0.explicit(0x7FE0_0010, "OB", [UInt8](repeating: 0, count: length))
    }
    #expect(image?.frames.map(\.count) == counts)
  }

  @Test("measures that make no sense give no frame and no overflow")
  func nonsense() throws {
    var bytes = EncodedBytes()
    bytes.explicit(0x0028_0002, "US", [0xFF, 0xFF])
    bytes.explicit(0x0028_0008, "IS", "999999999999")
    bytes.explicit(0x0028_0010, "UL", [0xFF, 0xFF, 0xFF, 0xFF])
    bytes.explicit(0x0028_0011, "UL", [0xFF, 0xFF, 0xFF, 0xFF])
    bytes.explicit(0x0028_0100, "UL", [0xFF, 0xFF, 0xFF, 0xFF])
    bytes.explicit(0x7FE0_0010, "OB", [1, 2])
    let image = try #require(PixelData(try DataSet(bytes.bytes)))
    #expect(image.frameBits == nil)
    #expect(image.frames.isEmpty)
    #expect(try Self.image(rows: 0) { $0.explicit(0x7FE0_0010, "OB", [1, 2]) }?.frames.isEmpty == true)
  }

  @Test("float pixel data, and no pixel data")
  func kinds() throws {
    let float = try Self.image { $0.explicit(0x7FE0_0008, "OF", [UInt8](repeating: 0, count: 16)) }
    #expect(float?.kind == .float)
    #expect(float?.frames.map(\.count) == [16])
    let double = try Self.image { $0.explicit(0x7FE0_0009, "OD", [UInt8](repeating: 0, count: 32)) }
    #expect(double?.kind == .double)
    #expect(double?.frames.map(\.count) == [32])
    #expect(try Self.image { _ in } == nil)
  }

  @Test("encapsulated frames by the Basic Offset Table, by count, by marker")
  func encapsulated() throws {
    let (jpeg, more) = (Self.jpeg, Self.more)
    func counts(_ frames: String?, _ table: [UInt8], _ fragments: [[UInt8]]) throws -> [Int] {
      let image = try Self.image(frames: frames) { Self.fragments(&$0, table: table, fragments) }
      return image?.frames.map(\.ranges.count) ?? []
    }
    // One frame takes all fragments; a video is one stream.
    #expect(try counts(nil, [], [jpeg, more, more]) == [3])
    #expect(try counts("2 ", [0, 0, 0, 0, 24, 0, 0, 0], [jpeg, more, jpeg]) == [2, 1])
    #expect(try counts("2 ", [], [jpeg, jpeg]) == [1, 1])
    #expect(try counts("2 ", [], [jpeg, more, jpeg, more, more]) == [2, 3])
    // A table that does not lead to fragments is not believed.
    #expect(try counts("2 ", [0, 0, 0, 0, 20, 0, 0, 0], [jpeg, more, jpeg]) == [2, 1])
    #expect(try counts("2 ", [0, 0, 0, 0, 0, 0, 0, 0], [jpeg, more, jpeg]) == [2, 1])
    #expect(try counts("2 ", [255, 255, 255, 255], [jpeg, jpeg]) == [1, 1])
    // RLE has one fragment for each frame and no marker.
    #expect(try counts("3 ", [], [more, more, more]) == [1, 1, 1])
    #expect(try counts("2 ", [], []) == [])
    #expect(try counts("4 ", [], [jpeg, jpeg]) == [1, 1])
  }

  @Test("the extended offset table goes before the basic one")
  func extended() throws {
    let image = try Self.image(frames: "2 ") { bytes in
      bytes.explicit(0x7FE0_0001, "OV", [0, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0])
      bytes.explicit(0x7FE0_0002, "OV", [4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0])
      Self.fragments(&bytes, table: [], [Self.more, Self.more, Self.more])
    }
    #expect(image?.frames.map(\.ranges.count) == [1, 2])
  }

  @Test("a delimiter within a fragment ends nothing; a missing one is noted")
  func delimiters() throws {
    let inside = try Self.image { Self.fragments(&$0, table: [], [[0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]]) }
    #expect(inside?.frames.map(\.count) == [8])
    var bytes = EncodedBytes()
    Self.fragments(&bytes, table: [], [Self.jpeg], isDelimited: false)
    let open = try DataSet(bytes.bytes)
    #expect(open[.pixelData]?.fragments.count == 2)
    #expect(open.tolerances.kinds == [.missingDelimiter])
    let cut = try DataSet(Array(bytes.bytes.dropLast(1)))
    #expect(cut[.pixelData]?.fragments.last?.count == 3)
    #expect(cut.tolerances.kinds == [.truncatedValue, .missingDelimiter])
  }
}
