import Foundation
import TestSupport
import Testing
@testable import UCUM

@Suite("Exact numbers")
struct RationalTests {
  @Test(
    "a decimal as the C library reads it",
    arguments: [
      "0", "1", "1e24", "254e-2", "6.02214076", "980665e-5", "3.085678e16", "1.66053906660e-24", "6.62607015e-34",
      "37e9", "0.013837", "1E3", "00.10", "12345678901234567890123456789012345678", "1e308", "1e-307", "9e-320",
    ])
  func decimals(text: String) throws {
    #expect(try #require(Self.number(text)).double == Double(text))
  }

  @Test(
    "no decimals",
    arguments: ["", ".", "e3", "1e", "1.2.3", "-1", "1e99999999", "1x", String(repeating: "1", count: 39)])
  func malformed(text: String) {
    #expect(Self.number(text) == nil)
  }

  /// Random operands of all lengths; the check is in integers of any size.
  @Test("quotients are rounded once, to the nearest")
  func quotients() {
    var generator = SeededGenerator(seed: 11)
    for round in 0..<20_000 {
      let top = UInt128.random(
        in: 1...UInt128.max >> UInt128(Int.random(in: 0...127, using: &generator)), using: &generator)
      let bottom = UInt128.random(
        in: 1...UInt128.max >> UInt128(Int.random(in: 0...127, using: &generator)), using: &generator)
      let result = Rational.quotient(top, bottom)
      #expect(Self.isNearest(result, top, bottom), "round \(round): \(top) / \(bottom)")
    }
  }

  @Test("sums, powers, reciprocals")
  func arithmetic() throws {
    let third = try #require(Rational(integer: 3).reciprocal)
    let sixth = try #require(Rational(integer: -6).reciprocal?.negated)
    #expect(third.adding(sixth) == Rational(significand: 5, scale: 1))
    #expect(third.adding(third)?.adding(third) == .one)
    #expect(third.raised(to: -3) == Rational(integer: 27))
    #expect(third.raised(to: 0) == .one)
    #expect(third.raised(to: -99) == nil)
    #expect(Rational.pi.adding(.one) == nil)
    #expect(Rational(integer: 0).reciprocal == nil)
    #expect(Rational(integer: 0).multiplied(by: third) == Rational(integer: 0))
    #expect(Rational(significand: Int128.min, scale: 0) == nil)
    #expect(Rational(significand: 1, scale: 2_000_000) == nil)
    #expect(Rational(significand: 1000, scale: 3) == .one)
    #expect(Rational(0.75) == Rational(significand: 75, scale: 2))
    #expect(Rational(-Double.leastNonzeroMagnitude)?.double == -Double.leastNonzeroMagnitude)
    #expect(Rational(Double.greatestFiniteMagnitude)?.double == Double.greatestFiniteMagnitude)
    #expect(Rational(Double.infinity) == nil)
  }

  static func number(_ text: String) -> Rational? {
    var text = text
    return text.withUTF8 { Rational(decimal: $0) }
  }

  /// |result - top / bottom| ≤ half an ulp: |significand × 2^e × bottom - top| × 2 ≤ 2^e × bottom, in integers of any size.
  static func isNearest(_ result: Double, _ top: UInt128, _ bottom: UInt128) -> Bool {
    let exponent = Int(result.exponent) - 52
    var left = BigNatural(UInt128(result.significandBitPattern | 1 << 52)).times(bottom)
    var right = BigNatural(top)
    var half = BigNatural(bottom)
    if exponent >= 0 {
      left = left.shifted(exponent)
      half = half.shifted(exponent)
    } else {
      right = right.shifted(-exponent)
    }
    return !half.isLess(than: left.distance(right).shifted(1))
  }
}

/// Natural numbers of any size, just enough to check a rounding.
struct BigNatural {
  var limbs: [UInt32]

  init(_ value: UInt128) { limbs = (0..<4).map { UInt32(truncatingIfNeeded: value >> UInt128($0 * 32)) } }

  func times(_ factor: UInt128) -> BigNatural {
    var result = BigNatural(0)
    result.limbs = Array(repeating: 0, count: limbs.count + 4)
    for (i, a) in limbs.enumerated() {
      var carry: UInt64 = 0
      for (j, b) in BigNatural(factor).limbs.enumerated() {
        let sum = UInt64(a) * UInt64(b) + UInt64(result.limbs[i + j]) + carry
        result.limbs[i + j] = UInt32(truncatingIfNeeded: sum)
        carry = sum >> 32
      }
      result.limbs[i + 4] = UInt32(carry)
    }
    return result
  }

  func shifted(_ bits: Int) -> BigNatural {
    var result = self
    result.limbs = Array(repeating: 0, count: bits / 32) + limbs + [0]
    let rest = UInt32(bits % 32)
    guard rest > 0 else { return result }
    for index in result.limbs.indices.reversed() {
      let below = index > 0 ? result.limbs[index - 1] >> (32 - rest) : 0
      result.limbs[index] = result.limbs[index] << rest | below
    }
    return result
  }

  func isLess(than other: BigNatural) -> Bool {
    for index in (0..<max(limbs.count, other.limbs.count)).reversed() {
      let (a, b) = (limb(index), other.limb(index))
      if a != b { return a < b }
    }
    return false
  }

  func distance(_ other: BigNatural) -> BigNatural {
    let (large, small) = isLess(than: other) ? (other, self) : (self, other)
    var result = large
    var borrow: Int64 = 0
    for index in large.limbs.indices {
      let difference = Int64(large.limbs[index]) - Int64(small.limb(index)) - borrow
      borrow = difference < 0 ? 1 : 0
      result.limbs[index] = UInt32(truncatingIfNeeded: difference)
    }
    return result
  }

  private func limb(_ index: Int) -> UInt32 { index < limbs.count ? limbs[index] : 0 }
}
