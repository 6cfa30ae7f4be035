/// Decodes what libjpeg-turbo does not: lossless JPEG (process 14, T.81 Annex H) of 2 to 16 bits, and sequential JPEG
/// of 12 bits (processes 2 and 4, Annex F).
struct JPEGHuffmanDecoder {
  let header: JPEGHeader
  var bits: JPEGBits
  private let stream: UnsafeRawBufferPointer
  private var dcTables = [JPEGHuffmanTable?](repeating: nil, count: 4)
  private var acTables = [JPEGHuffmanTable?](repeating: nil, count: 4)
  private var quantization = [[Int]?](repeating: nil, count: 4)
  private var restartInterval = 0
  private var tablesLeft = Self.tablesMax
  /// Interleaved.
  var samples: [UInt16] = []

  /// Tables that one stream may define: each costs as much as some thousand samples.
  static let tablesMax = 256

  /// A component of a scan with its tables.
  struct ScanComponent {
    let index: Int
    let dc: JPEGHuffmanTable
    let ac: JPEGHuffmanTable?
    let quantization: [Int]
  }

  struct Scan {
    let components: [ScanComponent]
    /// Of lossless JPEG the predictor; 0 otherwise.
    let predictor: Int
    let pointTransform: Int
    let restartInterval: Int
  }

  init(_ stream: UnsafeRawBufferPointer, _ header: JPEGHeader) {
    self.stream = stream
    self.header = header
    bits = JPEGBits(stream, from: 0)
  }

  /// The samples of all components, interleaved.
  mutating func decode() throws(ImageError) -> [UInt16] {
    let first = header.components[0]
    let isUniform = header.components.allSatisfy {
      $0.horizontal == first.horizontal && $0.vertical == first.vertical
    }
    guard isUniform else { throw ImageError(.unsupportedTransferSyntax) }
    samples = [UInt16](repeating: 0, count: header.rows * header.columns * header.samples)
    var segments = JPEGSegments(stream)
    var missing = Set(header.components.indices)
    while !missing.isEmpty, let (marker, segment) = segments.next() {
      switch marker {
      case 0xC4: try readHuffman(segment)
      case 0xDB: try readQuantization(segment)
      case 0xDD: restartInterval = segment.count >= 2 ? Int(segment[0]) << 8 | Int(segment[1]) : 0
      case 0xDA:
        let scan = try readScan(segment)
        let decoded = Set(scan.components.map(\.index))
        guard decoded.isSubset(of: missing) else { throw ImageError(.malformedStream) }
        missing.subtract(decoded)
        bits = JPEGBits(stream, from: segments.place)
        if header.process == .lossless { try decodeLossless(scan) } else { try decodeSequential(scan) }
        guard !bits.isOverrun else { throw ImageError(.malformedStream) }
        segments.place = bits.place
      default: continue
      }
    }
    guard missing.isEmpty else { throw ImageError(.malformedStream) }
    return samples
  }

  // MARK: Tables

  /// DHT (T.81 B.2.4.2).
  private mutating func readHuffman(_ segment: UnsafeRawBufferPointer) throws(ImageError) {
    var place = 0
    while place < segment.count {
      guard segment.count - place >= 17 else { throw ImageError(.malformedStream) }
      let counts = segment[place + 1..<place + 17]
      let total = counts.reduce(0) { $0 + Int($1) }
      let (kind, number) = (segment[place] >> 4, Int(segment[place] & 15))
      guard number < 4, kind < 2, segment.count - place - 17 >= total, tablesLeft > 0,
        let table = JPEGHuffmanTable(counts: counts, values: Array(segment[place + 17..<place + 17 + total]))
      else { throw ImageError(.malformedStream) }
      tablesLeft -= 1
      if kind == 0 { dcTables[number] = table } else { acTables[number] = table }
      place += 17 + total
    }
  }

  /// DQT (T.81 B.2.4.1).
  private mutating func readQuantization(_ segment: UnsafeRawBufferPointer) throws(ImageError) {
    var place = 0
    while place < segment.count {
      let (precision, number) = (Int(segment[place] >> 4), Int(segment[place] & 15))
      guard number < 4, precision < 2, segment.count - place - 1 >= 64 * (precision + 1) else {
        throw ImageError(.malformedStream)
      }
      place += 1
      quantization[number] = (0..<64).map {
        precision == 0
          ? Int(segment[place + $0]) : Int(segment[place + 2 * $0]) << 8 | Int(segment[place + 2 * $0 + 1])
      }
      place += 64 * (precision + 1)
    }
  }

  /// SOS (T.81 B.2.3).
  private func readScan(_ segment: UnsafeRawBufferPointer) throws(ImageError) -> Scan {
    guard let count = segment.first.map(Int.init), (1...4).contains(count), segment.count >= 4 + 2 * count else {
      throw ImageError(.malformedStream)
    }
    var components: [ScanComponent] = []
    for place in 0..<count {
      let (identifier, tables) = (segment[1 + 2 * place], segment[2 + 2 * place])
      guard let index = header.components.firstIndex(where: { $0.identifier == identifier }),
        !components.contains(where: { $0.index == index }), tables >> 4 < 4, tables & 15 < 4,
        let dc = dcTables[Int(tables >> 4)]
      else { throw ImageError(.malformedStream) }
      let chosen = header.components[index].quantization
      let quantization = chosen < 4 ? quantization[chosen] : nil
      let ac = acTables[Int(tables & 15)]
      if header.process == .sequential, quantization == nil || ac == nil { throw ImageError(.malformedStream) }
      components.append(ScanComponent(index: index, dc: dc, ac: ac, quantization: quantization ?? []))
    }
    let tail = 1 + 2 * count
    return Scan(
      components: components, predictor: Int(segment[tail]), pointTransform: Int(segment[tail + 2] & 15),
      restartInterval: restartInterval)
  }
}
