import Base
import DeviceMapping
import JSONCore
import TestSupport
import Testing

/// Mappings, messages and stored Observations with bytes changed: each ends in a result or a typed error.
@Suite struct MappingFuzzTests {
  static let device = """
    {"templateType":"CollectionContent","template":[
    {"templateType":"CalculatedContent","template":{"typeName":"heartrate","typeMatchExpression":"$..[?(@hr)]",
    "deviceIdExpression":"$.matchedToken.id","timestampExpression":"$.matchedToken.t","values":[{"valueName":"hr",
    "valueExpression":{"value":"multiply(matchedToken.hr, `1.5`)","language":"JmesPath"},"required":true}]}},
    {"templateType":"IotJsonPathContent","template":{"typeName":"heartrate","typeMatchExpression":"$..[?(@Body)]",
    "values":[{"valueName":"hr","valueExpression":"$.Body.hr"}]}}]}
    """
  static let body = #"{"id":"device","t":"2024-01-02T03:04:05.678+01:00","hr":65.25,"x":[1,"é\u0041",null]}"#

  private func changed(_ text: String, _ random: inout SeededGenerator) -> [UInt8] {
    var bytes = Array(text.utf8)
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      let place = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes.remove(at: place)
      case 2: bytes.insert(Array("\"{}[],:$.@'0e-".utf8).randomElement(using: &random) ?? 0, at: place)
      default: bytes[place] ^= 1 << UInt8.random(in: 0..<7, using: &random)
      }
    }
    return bytes
  }

  @Test(arguments: [1, 2, 3])
  func mappingsAndMessages(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let mapping = try DeviceMapping(Array(Self.device.utf8))
    let message = try DeviceMessage.document(body: Array(Self.body.utf8))
    var (read, measured) = (0, 0)
    for _ in 0..<2_000 {
      if let other = try? DeviceMapping(changed(Self.device, &random)) {
        read += 1
        _ = other.normalize(message)
        _ = other.debug(message)
      }
      if let other = try? DeviceMessage.document(body: changed(Self.body, &random)) {
        let result = mapping.normalize(other)
        measured += result.measurements.count
        #expect(mapping.debug(other).measurements.count >= result.measurements.count, "seed \(seed)")
      }
    }
    #expect(read > 50)
    #expect(measured > 50)
  }

  @Test(arguments: [1, 2, 3])
  func storedObservations(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var settings = MappingSettings()
    settings.keepsSampleTimes = true
    settings.samplesMax = 10_000
    let mapping = try Measurements.mapping(interval: 60, settings, value: Measurements.sampled(period: "60000"))
    let group = try #require(
      try Measurements.groups(mapping, [Measurements.of("2024-01-02T03:04:05Z", "65")]).first)
    let stored = String(decoding: try Measurements.observation(mapping, group).json, as: UTF8.self)
    var merged = 0
    for _ in 0..<2_000 {
      guard let document = try? JSONDocument(changed(stored, &random)) else { continue }
      guard let bytes = try? mapping.merged(group, into: document) else { continue }
      #expect((try? JSONDocument(bytes)) != nil, "seed \(seed)")
      merged += 1
    }
    #expect(merged > 10)
  }
}
