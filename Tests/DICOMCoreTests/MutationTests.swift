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
}
