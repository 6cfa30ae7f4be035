extension JPEGHuffmanDecoder {
  /// T.81 Annex F, components of one sampling: each MCU has one block of each component of the scan.
  mutating func decodeSequential(_ scan: Scan) throws(ImageError) {
    let across = (header.columns + 7) / 8
    let down = (header.rows + 7) / 8
    var predictions = [Int](repeating: 0, count: scan.components.count)
    var block = [Int](repeating: 0, count: 64)
    for unit in 0..<across * down {
      if scan.restartInterval > 0, unit > 0, unit % scan.restartInterval == 0 {
        guard bits.restart() else { throw ImageError(.malformedStream) }
        for place in predictions.indices { predictions[place] = 0 }
      }
      for (place, component) in scan.components.enumerated() {
        try decodeBlock(component, &predictions[place], &block)
        InverseDCT.transform(&block, precision: header.precision)
        store(block, component.index, unit % across * 8, unit / across * 8)
      }
      if unit % across == 0, bits.isOverrun { throw ImageError(.malformedStream) }
    }
  }

  /// T.81 F.2.2: coefficients, multiplied by their quantization.
  private mutating func decodeBlock(
    _ component: ScanComponent, _ prediction: inout Int, _ block: inout [Int]
  ) throws(ImageError) {
    for place in 0..<64 { block[place] = 0 }
    guard let ac = component.ac, let category = component.dc.decode(&bits), category < 16 else {
      throw ImageError(.malformedStream)
    }
    prediction = (prediction + bits.signed(category)).clamped(to: -65_536...65_535)
    block[0] = prediction * component.quantization[0]
    var place = 1
    while place < 64 {
      guard let code = ac.decode(&bits) else { throw ImageError(.malformedStream) }
      let (run, category) = (code >> 4, code & 15)
      if category == 0 {
        if run != 15 { break }
        place += 16
        continue
      }
      place += run
      guard place < 64 else { throw ImageError(.malformedStream) }
      block[Self.zigzag[place]] = bits.signed(category) * component.quantization[place]
      place += 1
    }
  }

  private mutating func store(_ block: [Int], _ component: Int, _ left: Int, _ top: Int) {
    for row in top..<min(top + 8, header.rows) {
      for column in left..<min(left + 8, header.columns) {
        let value = block[(row - top) * 8 + column - left]
        samples[(row * header.columns + column) * header.samples + component] = UInt16(truncatingIfNeeded: value)
      }
    }
  }

  /// T.81 figure A.6: where the coefficients go, in the order they come.
  private static let zigzag = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
  ]
}

/// The inverse discrete cosine transform (T.81 A.3.3) in whole numbers, after Loeffler, Ligtenberg and Moschytz: the
/// same steps as the usual libraries, so that the same samples come out.
enum InverseDCT {
  private static let constantBits = 13
  private static let passBits = 1

  /// Coefficients to samples of `precision` bits.
  static func transform(_ block: inout [Int], precision: Int) {
    for column in 0..<8 { pass(&block, column, 8, shift: constantBits - passBits) }
    for row in 0..<8 { pass(&block, row * 8, 1, shift: constantBits + passBits + 3) }
    let center = 1 << (precision - 1)
    for place in 0..<64 { block[place] = (block[place] + center).clamped(to: 0...(1 << precision) - 1) }
  }

  private static func pass(_ block: inout [Int], _ start: Int, _ step: Int, shift: Int) {
    func value(_ place: Int) -> Int { block[start + place * step] }
    // Even part
    let z1 = (value(2) + value(6)) * 4433
    let t2 = z1 - value(6) * 15_137
    let t3 = z1 + value(2) * 6270
    let t0 = (value(0) + value(4)) << constantBits
    let t1 = (value(0) - value(4)) << constantBits
    let even = (t0 + t3, t1 + t2, t1 - t2, t0 - t3)
    // Odd part
    let (a, b, c, d) = (value(7), value(5), value(3), value(1))
    let z5 = (a + c + b + d) * 9633
    let y1 = (a + d) * -7373
    let y2 = (b + c) * -20_995
    let y3 = (a + c) * -16_069 + z5
    let y4 = (b + d) * -3196 + z5
    let odd = (d * 12_299 + y1 + y4, c * 25_172 + y2 + y3, b * 16_819 + y2 + y4, a * 2446 + y1 + y3)
    let round = 1 << (shift - 1)
    let sums = [
      even.0 + odd.0, even.1 + odd.1, even.2 + odd.2, even.3 + odd.3, even.3 - odd.3, even.2 - odd.2, even.1 - odd.1,
      even.0 - odd.0,
    ]
    for place in 0..<8 { block[start + place * step] = (sums[place] + round) >> shift }
  }
}

extension Int {
  func clamped(to range: ClosedRange<Int>) -> Int { Swift.min(Swift.max(self, range.lowerBound), range.upperBound) }
}
