import FHIRModel
import Testing

/// Seeded noise over the primitives' own alphabets: nothing traps, and what is read prints as it was written.
@Suite struct PrimitiveFuzzTests {
  typealias Random = StructureCheckMutationTests.Random

  static func text(_ alphabet: [UInt8], _ random: inout Random) -> [UInt8] {
    (0..<Int.random(in: 0...24, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? 0 }
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func decimals(_ seed: UInt64) throws {
    var random = Random(state: seed)
    var last = FHIRDecimal(1)
    for _ in 0..<5_000 {
      let bytes = Self.text(Array("0123456789012345678.-+eE".utf8), &random)
      let value = bytes.withUnsafeBufferPointer { FHIRDecimal($0) }
      #expect(PrimitiveCheck.isValid(String(decoding: bytes, as: UTF8.self), as: .decimal) == (value != nil))
      guard let value else { continue }
      let again = try #require(FHIRDecimal(value.description), "seed \(seed): \(value)")
      #expect(again == value && again.scale == value.scale, "seed \(seed): \(value)")
      #expect(value < last || value > last || value == last)
      #expect(
        value.isExact == false || value.adding(last).isExact == false || value.adding(last).subtracting(last) == value)
      let range = value.implicitRange
      #expect(range.low <= value && value <= range.high, "seed \(seed): \(value)")
      _ = (value.divided(by: last), value.remainder(dividingBy: last), value.multiplied(by: last), value.double)
      _ = (value.floor, value.ceiling, value.rounded(to: 3), value.power(7), value.approximateRange, value.plainText)
      last = value
    }
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func dates(_ seed: UInt64) throws {
    var random = Random(state: seed)
    let seeds = [
      "2020-02-29T23:59:60.123456Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999-13:59", "23:59:60.5",
    ]
    for _ in 0..<5_000 {
      var bytes = Array((seeds.randomElement(using: &random) ?? "").utf8)
      for _ in 0..<Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        if Bool.random(using: &random) {
          bytes.remove(at: place)
        } else {
          bytes[place] = UInt8.random(in: 43...58, using: &random)
        }
      }
      for form in [FHIRDateTime.Form.date, .dateTime, .instant, .time, .search, .fhirPathDateTime, .fhirPathTime] {
        guard let date = bytes.withUnsafeBufferPointer({ FHIRDateTime($0, as: form) }) else { continue }
        #expect(date.low <= date.high)
        #expect(date.compare(to: date) == 0)
        #expect(date.atUTC.low == date.low, "seed \(seed): \(date)")
        for unit in [FHIRDateTime.CalendarUnit.month, .day, .minute, .millisecond] {
          _ = date.adding(FHIRDecimal(Int.random(in: -100_000...100_000, using: &random)), unit)
        }
        if date.fractionDigits <= 6 {
          let again = FHIRDateTime(date.description, as: form == .search ? .search : form)
          #expect(again?.low == date.low && again?.high == date.high, "seed \(seed): \(date)")
        }
      }
    }
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func referencesAndText(_ seed: UInt64) {
    var random = Random(state: seed)
    let words = [
      "Patient", "/", "1", "_history", "http:", "//", "#", "|", "?", "urn:uuid:", "urn:oid:", "a.b", ":", "é", "",
    ]
    for _ in 0..<5_000 {
      let text = (0..<Int.random(in: 0...7, using: &random)).map { _ in words.randomElement(using: &random) ?? "" }
        .joined()
      let reference = FHIRReference(text, schema: .r4)
      for part in [
        reference.base, reference.type, reference.id, reference.version, reference.fragment, reference.query,
      ] {
        #expect(part == nil || FHIRReference.text(part, of: text) != nil)
      }
      let noise = Self.text(Array("<>/div \"'=&;#xp!-[]?a:".utf8), &random)
      for type in Primitive.allCases { _ = PrimitiveCheck.isValid(text, as: type) }
      _ = PrimitiveCheck.isValid("<div>" + String(decoding: noise, as: UTF8.self) + "</div>", as: .xhtml)
    }
  }
}
