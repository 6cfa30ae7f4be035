/// What the frame header of a JPEG or JPEG-LS stream says (ITU-T T.81 B.2.2).
struct JPEGHeader {
  enum Process { case sequential, progressive, lossless, jpegLS, other }

  struct Component {
    let identifier: UInt8
    let horizontal: Int
    let vertical: Int
    let quantization: Int
  }

  let process: Process
  let precision: Int
  let rows: Int
  let columns: Int
  let components: [Component]

  var samples: Int { components.count }

  /// Nil if no frame header is found before the first scan.
  init?(_ stream: UnsafeRawBufferPointer) {
    var segments = JPEGSegments(stream)
    while let (marker, segment) = segments.next() {
      switch marker {
      case 0xC0...0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF, 0xF7:
        guard segment.count >= 6, segment.count >= 6 + 3 * Int(segment[5]) else { return nil }
        process =
          switch marker {
          case 0xC0, 0xC1: .sequential
          case 0xC2: .progressive
          case 0xC3: .lossless
          case 0xF7: .jpegLS
          default: .other
          }
        precision = Int(segment[0])
        rows = Int(segment[1]) << 8 | Int(segment[2])
        columns = Int(segment[3]) << 8 | Int(segment[4])
        components = (0..<Int(segment[5])).map {
          let sampling = segment[7 + 3 * $0]
          return Component(
            identifier: segment[6 + 3 * $0], horizontal: Int(sampling >> 4), vertical: Int(sampling & 15),
            quantization: Int(segment[8 + 3 * $0]))
        }
        return
      case 0xDA, 0xD9: return nil
      default: continue
      }
    }
    return nil
  }
}

/// The marker segments of a JPEG stream, up to the first scan's entropy-coded data (T.81 B.1.1).
struct JPEGSegments {
  let stream: UnsafeRawBufferPointer
  /// Behind the last segment that was read.
  var place: Int

  init(_ stream: UnsafeRawBufferPointer, from place: Int = 0) {
    self.stream = stream
    self.place = place
  }

  /// The next marker, and its segment without the length. Nil at the end, or where no marker is.
  mutating func next() -> (marker: UInt8, segment: UnsafeRawBufferPointer)? {
    // Bytes before a marker are passed over, as other readers do.
    while place < stream.count, stream[place] != 0xFF { place += 1 }
    while place < stream.count, stream[place] == 0xFF { place += 1 }
    guard place < stream.count else { return nil }
    let marker = stream[place]
    place += 1
    if marker == 0 || marker == 1 || (0xD0...0xD9).contains(marker) {
      return (marker, UnsafeRawBufferPointer(start: nil, count: 0))
    }
    guard place + 2 <= stream.count else { return nil }
    let length = Int(stream[place]) << 8 | Int(stream[place + 1])
    guard length >= 2, length <= stream.count - place else { return nil }
    defer { place += length }
    return (marker, UnsafeRawBufferPointer(rebasing: stream[place + 2..<place + length]))
  }
}
