import JSONQuery

/// The values of a SampledData (FHIR R4 §2.24.0.9): one slot for each period, `E` where there is none.
enum SampledSeries {
  typealias Sample = (time: Timestamp, value: String)

  /// A period in ticks from milliseconds as they are written; nil if it is no number above zero.
  static func ticks(period lexeme: String) -> Int64? {
    guard let number = JSONNumber(text: lexeme) else { return nil }
    let ticks = (number.double * Double(Timestamp.ticksPerMillisecond)).rounded(.towardZero)
    guard ticks >= 1, ticks < 1e17 else { return nil }
    return Int64(ticks)
  }

  /// Writes samples, sorted by time, into slots from `start` to `end` inclusive. The last of a slot counts.
  static func text(
    _ samples: [Sample], from start: Timestamp, through end: Timestamp, period: Int64, slotsMax: Int
  ) throws(MappingFailure) -> String {
    let slots = (end.ticks - start.ticks) / period
    guard slots < Int64(slotsMax) else {
      throw MappingFailure(.fhirDataMapping, "The SampledData has more than \(slotsMax) values")
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(slots) * 2 + samples.count * 4 + 2)
    var next = 0
    for slot in 0...max(slots, 0) {
      let limit = start.ticks &+ (slot &+ 1) &* period
      var value: String?
      while next < samples.count, samples[next].time.ticks < limit {
        value = samples[next].value
        next += 1
      }
      if slot > 0 { bytes.append(UInt8(ascii: " ")) }
      if let value { bytes.append(contentsOf: value.utf8) } else { bytes.append(UInt8(ascii: "E")) }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Reads slots back as samples, without the empty ones.
  static func samples(
    _ text: String, from start: Timestamp, period: Int64, slotsMax: Int
  ) throws(MappingFailure) -> [Sample] {
    var samples: [Sample] = []
    var slot: Int64 = 0
    var begin = 0
    let bytes = Array(text.utf8)
    while begin <= bytes.count {
      var end = begin
      while end < bytes.count, bytes[end] != UInt8(ascii: " ") { end += 1 }
      guard slot < Int64(slotsMax) else {
        throw MappingFailure(.fhirDataMapping, "The stored SampledData has more than \(slotsMax) values")
      }
      if end != begin + 1 || bytes[begin] != UInt8(ascii: "E") {
        samples.append((start.advanced(by: slot &* period), String(decoding: bytes[begin..<end], as: UTF8.self)))
      }
      slot += 1
      begin = end + 1
    }
    return samples
  }

  /// Both by time; at the same moment the newer counts.
  static func merged(_ stored: [Sample], _ newer: [Sample]) -> [Sample] {
    var result: [Sample] = []
    result.reserveCapacity(stored.count + newer.count)
    var (a, b) = (0, 0)
    while a < stored.count || b < newer.count {
      if b == newer.count || a < stored.count && stored[a].time < newer[b].time {
        result.append(stored[a])
        a += 1
      } else {
        if a < stored.count, stored[a].time == newer[b].time { a += 1 }
        result.append(newer[b])
        b += 1
      }
    }
    return result
  }

  /// SampledData holds decimals and the letters E, L and U only (FHIR R4 §2.24.0.9).
  static func isSample(_ text: String) -> Bool {
    if text == "E" || text == "L" || text == "U" { return true }
    return !text.utf8.contains { $0 == UInt8(ascii: ",") || $0 <= 0x20 } && QuantityText.decimal(text) != nil
  }
}
