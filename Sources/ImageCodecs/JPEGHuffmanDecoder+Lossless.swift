extension JPEGHuffmanDecoder {
  /// T.81 Annex H: each sample is a difference to what its neighbours predict.
  mutating func decodeLossless(_ scan: Scan) throws(ImageError) {
    guard (1...7).contains(scan.predictor), scan.pointTransform < header.precision else {
      throw ImageError(.malformedStream)
    }
    let columns = header.columns
    // Restarts within a row would leave its predictions open; T.81 H.1.1 forbids them.
    guard scan.restartInterval % columns == 0 else { throw ImageError(.malformedStream) }
    let rowsInInterval = scan.restartInterval / columns
    var isFirst = true
    for row in 0..<header.rows {
      if rowsInInterval > 0, row > 0, row % rowsInInterval == 0 {
        guard bits.restart() else { throw ImageError(.malformedStream) }
        isFirst = true
      }
      try decodeRow(scan, row, isFirst: isFirst)
      guard !bits.isOverrun else { throw ImageError(.malformedStream) }
      isFirst = false
    }
  }

  private mutating func decodeRow(_ scan: Scan, _ row: Int, isFirst: Bool) throws(ImageError) {
    let step = header.samples
    let stride = header.columns * step
    let start = row * stride
    let initial = 1 << (header.precision - scan.pointTransform - 1)
    let shift = scan.pointTransform
    for column in 0..<header.columns {
      for component in scan.components {
        let place = start + column * step + component.index
        let prediction: Int
        if column == 0 {
          prediction = isFirst ? initial : Int(samples[place - stride]) >> shift
        } else if isFirst {
          prediction = Int(samples[place - step]) >> shift
        } else {
          prediction = predict(
            scan.predictor, Int(samples[place - step]) >> shift, Int(samples[place - stride]) >> shift,
            Int(samples[place - stride - step]) >> shift)
        }
        guard let category = component.dc.decode(&bits), category <= 16 else { throw ImageError(.malformedStream) }
        // T.81 H.1.2.2: category 16 is 32768, without further bits.
        let difference = category == 16 ? 32_768 : bits.signed(category)
        samples[place] = UInt16(truncatingIfNeeded: (prediction + difference) << shift)
      }
    }
  }

  /// T.81 table H.1. `left` is Ra, `above` Rb, `corner` Rc.
  @inline(__always)
  private func predict(_ predictor: Int, _ left: Int, _ above: Int, _ corner: Int) -> Int {
    switch predictor {
    case 1: left
    case 2: above
    case 3: corner
    case 4: left + above - corner
    case 5: left + (above - corner) >> 1
    case 6: above + (left - corner) >> 1
    default: (left + above) >> 1
    }
  }
}
