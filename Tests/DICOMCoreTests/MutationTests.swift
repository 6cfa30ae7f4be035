import DICOMCore
import Foundation
import JSONCore
import TestSupport
import Testing

/// Files with bytes changed, cut out, doubled and cut off: nothing may trap, take long or take much.
@Suite("Mutated DICOM files")
struct MutationTests {
  static let seed: UInt64 = 0x2026_1121

  static func seeds() throws -> [[UInt8]] {
    var seeds = [try StreamTests.sample(pixels: 500), try StreamTests.sample(.implicitVRLittleEndian, pixels: 500)]
    seeds.append(try StreamTests.sample(.deflatedExplicitVRLittleEndian, pixels: 500))
    seeds.append(ParserTests.nested(20, isUndefined: true))
    guard ConformanceData.has("dicom") else { return seeds }
    for path in CorpusTests.files {
      let url = URL(fileURLWithPath: CorpusTests.root + "/" + path)
      let bytes = try [UInt8](Data(contentsOf: url))
      if bytes.count < 8000 { seeds.append(bytes) }
    }
    return seeds
  }

  static func mutate(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...8, using: &random) where bytes.count > 16 {
      let place = Int.random(in: 0..<bytes.count, using: &random)
      let length = min(Int.random(in: 1...32, using: &random), bytes.count - place)
      switch Int.random(in: 0..<7, using: &random) {
      case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 2: bytes.removeSubrange(place..<place + length)
      case 3: bytes.insert(contentsOf: bytes[place..<place + length], at: place)
      case 4: for at in place..<min(place + 4, bytes.count) { bytes[at] = 0xFF }
      case 5: bytes.removeLast(min(length * 20, bytes.count - 16))
      default:
        let marks: [[UInt8]] = [
          [0xFE, 0xFF, 0x00, 0xE0], [0xFE, 0xFF, 0x0D, 0xE0], [0xFE, 0xFF, 0xDD, 0xE0], Array("SQ".utf8),
          Array("UN".utf8),
          [0x1B, 0x24, 0x42], [0x08, 0x00, 0x05, 0x00],
        ]
        for (offset, byte) in (marks.randomElement(using: &random) ?? []).enumerated()
        where place + offset < bytes.count {
          bytes[place + offset] = byte
        }
      }
    }
    return bytes
  }

  @Test("reading ends with a data set or an error, and what was read can be written and read again")
  func mutations() throws {
    var random = SeededGenerator(seed: Self.seed)
    let seeds = try Self.seeds()
    var limits = DICOMLimits()
    limits.inflatedBytesMax = 10_000_000
    var (read, refused) = (0, 0)
    let clock = ContinuousClock()
    for round in 0..<6000 {
      let bytes = Self.mutate(seeds[round % seeds.count], &random)
      let start = clock.now
      do {
        let file = try DICOMFile(bytes, limits: limits)
        read += 1
        try Self.use(file, "seed \(Self.seed), round \(round)")
      } catch is DICOMError {
        refused += 1
      }
      #expect(clock.now - start < .seconds(5), "round \(round)")
      var stream = DICOMStream(limits: limits)
      do {
        for place in stride(from: 0, to: bytes.count, by: 611) {
          try stream.append(Array(bytes[place..<min(place + 611, bytes.count)]))
        }
        _ = try stream.finish()
      } catch { #expect(!error.message.isEmpty) }
    }
    print("Mutated DICOM files: \(read) read, \(refused) refused")
    #expect(read > 1000)
  }

  /// Whatever is read can be shown, written in every encoding, and read again with the same meaning.
  static func use(_ file: DICOMFile, _ hint: String) throws {
    let dataSet = file.dataSet
    for element in dataSet.elements {
      _ = element.strings
      _ = element.doubles
      _ = element.personNames
      _ = element.privateCreator
    }
    _ = PixelData(dataSet)?.frames.count
    let json = DICOMJSONWriter.json(dataSet)
    #expect(throws: Never.self, "\(hint): not JSON") { try JSONDocument(json, limits: Self.jsonLimits) }
    _ = NativeXMLWriter.xml(dataSet)
    let canonical = try dataSet.encoded(as: .explicitLittleEndian)
    // What was cut or ambiguous may be understood better the second time; then it must stay.
    let second = try DataSet(canonical).encoded(as: .explicitLittleEndian)
    #expect(try DataSet(second).encoded(as: .explicitLittleEndian) == second, "\(hint): no stable form")
    _ = try dataSet.reencoded()
  }

  static var jsonLimits: JSONLimits {
    var limits = JSONLimits()
    limits.depthMax = 1000
    return limits
  }

  @Test("mutated JSON and XML end with a data set or an error")
  func models() throws {
    var random = SeededGenerator(seed: Self.seed)
    let dataSet = try XMLTests.dataSet
    let (json, xml) = (DICOMJSONWriter.json(dataSet), NativeXMLWriter.xml(dataSet))
    for _ in 0..<3000 {
      do {
        _ = try NativeXMLReader.dataSet(Self.mutate(xml, &random)).json
      } catch is DICOMError {}
      do {
        _ = try DICOMJSONReader.dataSet(try JSONDocument(Self.mutate(json, &random))).json
      } catch is DICOMError {
      } catch is JSONError {}
    }
  }

  // MARK: What is made to do harm

  /// Reads bytes as a file and as a stream; whatever comes of it, it comes soon, and nothing is kept of what is refused.
  private func read(_ bytes: [UInt8], _ limits: DICOMLimits, _ hint: String) -> DICOMFile? {
    let clock = ContinuousClock()
    let start = clock.now
    let file = try? DICOMFile(bytes, limits: limits)
    var stream = DICOMStream(limits: limits)
    do {
      for place in stride(from: 0, to: bytes.count, by: 8_191) {
        try stream.append(Array(bytes[place..<min(place + 8_191, bytes.count)]))
      }
      _ = try stream.finish()
    } catch { #expect(!error.message.isEmpty, "\(hint)") }
    #expect(clock.now - start < .seconds(5), "\(hint)")
    return file
  }

  /// Sequences in sequences, each of defined or undefined length, explicit or UN, with lengths that may lie.
  private static func nest(_ depth: Int, lies: Bool, _ random: inout SeededGenerator) -> [UInt8] {
    var headers: [[UInt8]] = []
    var inner = 0
    for _ in 0..<depth {
      var bytes = EncodedBytes()
      func length(_ real: Int) -> Int {
        switch Int.random(in: 0..<(lies ? 5 : 2), using: &random) {
        case 0: return EncodedBytes.undefined
        case 2: return Int.random(in: 0...0xFFFF_FFFE, using: &random)
        case 3: return max(0, real - Int.random(in: 1...40, using: &random))
        default: return real
        }
      }
      let isUN = lies && Int.random(in: 0..<20, using: &random) == 0
      bytes.explicit(0x0008_1115, isUN ? "UN" : "SQ", claims: isUN ? EncodedBytes.undefined : length(inner + 8))
      bytes.implicit(0xFFFE_E000, claims: length(inner))
      headers.append(bytes.bytes)
      inner += bytes.bytes.count
    }
    return headers.reversed().flatMap { $0 }
  }

  @Test("sequences 10,000 deep, of all kinds of lengths, true and false ones, deflated too")
  func nests() throws {
    var random = SeededGenerator(seed: Self.seed)
    for round in 0..<30 {
      let bytes = Self.nest(10_000, lies: round % 2 == 1, &random)
      let hint = "seed \(Self.seed), round \(round)"
      if let file = read(EncodedBytes.file("1.2.840.10008.1.2.1", bytes), DICOMLimits(), hint) {
        // Only lengths that lie can end a nest before its depth is met.
        #expect(round % 2 == 1, "\(hint)")
        try Self.use(file, hint)
      }
      let big = EncodedBytes.file("1.2.840.10008.1.2.2", Self.mutate(bytes, &random))
      if let file = read(big, DICOMLimits(), hint) { _ = file.dataSet.json }
      let deflated = EncodedBytes.file("1.2.840.10008.1.2.1.99", Self.storedBlocks(bytes))
      if read(deflated, DICOMLimits(), hint) != nil { #expect(round % 2 == 1, "\(hint)") }
    }
  }

  /// Raw deflate without compression (RFC 1951 §3.2.4).
  private static func storedBlocks(_ bytes: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 65_535) {
      let block = bytes[start..<min(bytes.count, start + 65_535)]
      let (low, high) = (UInt8(block.count & 0xFF), UInt8(block.count >> 8))
      output += [block.endIndex == bytes.count ? 1 : 0, low, high, ~low, ~high]
      output += block
    }
    return output
  }

  @Test("bombs: deflated zeros, deflated elements without end, within any limit and past it")
  func bombs() throws {
    var random = SeededGenerator(seed: Self.seed)
    var limits = DICOMLimits()
    limits.inflatedBytesMax = 4_000_000
    limits.elementsMax = 10_000
    for round in 0..<8 {
      var builder = DataSetBuilder()
      try builder.append(.sopClassUID, .UI, "1.2")
      if round % 2 == 0 {
        let count = Int.random(in: 100_000...12_000_000, using: &random)
        try builder.append(.pixelData, .OB, bytes: [UInt8](repeating: 0, count: count))
      } else {
        builder.beginSequence(.requestAttributesSequence)
        for _ in 0..<Int.random(in: 5_000...400_000, using: &random) {
          builder.beginItem()
          try builder.endItem()
        }
        try builder.endSequence()
      }
      let bytes = builder.bytes
      let deflated = try DICOMFile(EncodedBytes.file("1.2.840.10008.1.2.1", bytes), limits: DICOMLimits())
        .encoded(as: .deflatedExplicitVRLittleEndian)
      let hint = "seed \(Self.seed), round \(round)"
      let file = read(deflated, limits, hint)
      // An empty item is a record of 8 bytes; the sequence and the UID in front are two more.
      let isWithin = round % 2 == 0 ? bytes.count <= limits.inflatedBytesMax : bytes.count / 8 < limits.elementsMax
      #expect((file != nil) == isWithin, "\(hint)")
      for _ in 0..<5 { _ = read(Self.mutate(deflated, &random), limits, hint) }
    }
  }

  @Test("every length of a file, one after the other, says something else")
  func claims() throws {
    var random = SeededGenerator(seed: Self.seed)
    for seed in try Self.seeds().filter({ $0.count < 4_000 }).prefix(8) {
      guard let file = try? DICOMFile(seed), !file.isDeflated else { continue }
      let places = file.dataSet.elements.filter { $0.tag.group > 2 }.map {
        ($0.range.lowerBound, $0.valueRange.lowerBound)
      }
      for (start, value) in places {
        let size = value - start == 8 && VR(seed[start + 4], seed[start + 5]) != nil ? 2 : 4
        for claim in [
          0, 1, 2, 0xFFFE, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFE, 0xFFFF_FFFF, Int.random(in: 0...0xFFFF, using: &random),
        ] {
          var bytes = seed
          for place in 0..<size { bytes[value - size + place] = UInt8(truncatingIfNeeded: claim >> (8 * place)) }
          let hint = "seed \(Self.seed), length at \(start) says \(claim)"
          if let read = read(bytes, DICOMLimits(), hint) { try Self.use(read, hint) }
        }
      }
    }
  }
}
