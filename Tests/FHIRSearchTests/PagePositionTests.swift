import Base
import FHIRSearch
import TestSupport
import Testing

/// A page's place as a token: sealed, hidden and bound.
@Suite struct PagePositionTests {
  private let seal = SipHash(key0: 0x0123_4567_89AB_CDEF, key1: 0xFEDC_BA98_7654_3210)

  @Test(
    arguments: [
      [], [.none], [.integer(.min)], [.integer(.max), .integer(-1)], [.real(-0.5)], [.real(.infinity)],
      [.text("")], [.text("Müller 😀\u{0}"), .none, .integer(5), .real(1.0 / 3)],
      [.text(String(repeating: "ü", count: 128))],
    ] as [[SortValue]])
  func comesBack(values: [SortValue]) {
    for key in [Int64.min, -1, 0, 7, .max] {
      let position = PagePosition(values: values, key: key)
      let text = position.sealed(for: "_sort=a", with: seal)
      #expect(PagePosition(text, for: "_sort=a", with: seal, keys: values.count) == position)
      #expect(text == position.sealed(for: "_sort=a", with: seal))
      #expect(text.utf8.allSatisfy { ($0 >= 48 && $0 <= 57) || ($0 >= 97 && $0 <= 102) })
    }
  }

  @Test func textsAreBounded() {
    let long = PagePosition(values: [.text(String(repeating: "😀", count: 1_000_000))], key: 1)
    let kept = PagePosition(values: [.text(String(repeating: "😀", count: PagePosition.textScalarsMax))], key: 1)
    #expect(long.bounded == kept)
    #expect(PagePosition(long.sealed(for: "q", with: seal), for: "q", with: seal, keys: 1) == kept)
    let widest = PagePosition(values: Array(repeating: long.values[0], count: Limits().searchSortKeysMax), key: 1)
    let text = widest.sealed(for: "q", with: seal)
    #expect(PagePosition(text, for: "q", with: seal, keys: widest.values.count) != nil)
    #expect(text.utf8.count < 10_000)
  }

  @Test func isBoundToQueryKeyAndForm() {
    let position = PagePosition(values: [.integer(7)], key: 9)
    let text = position.sealed(for: "name=a", with: seal)
    for query in ["", "name=b", "name=a&", "name=A"] {
      #expect(PagePosition(text, for: query, with: seal, keys: 1) == nil)
    }
    for keys in [0, 2, 255] { #expect(PagePosition(text, for: "name=a", with: seal, keys: keys) == nil) }
    let other = SipHash(key0: 0x0123_4567_89AB_CDEF, key1: 0xFEDC_BA98_7654_3211)
    #expect(PagePosition(text, for: "name=a", with: other, keys: 1) == nil)
    // A history's token is none of a search.
    let numbers = PagingToken(positions: [7]).sealed(for: "name=a", with: seal)
    #expect(PagePosition(numbers, for: "name=a", with: seal, keys: 1) == nil)
    #expect(PagingToken(text, for: "name=a", with: seal) == nil)
  }

  /// Nothing of a sort value is to be seen, nor that two tokens differ in one place only.
  @Test func hidesItsValues() {
    func token(_ name: String, _ key: Int64) -> String {
      PagePosition(values: [.text(name)], key: key).sealed(for: "_sort=family", with: seal)
    }
    let first = token("Andersen", 1)
    let hex = "Andersen".utf8.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    #expect(!first.contains(hex))
    let second = token("Andersen", 2)
    #expect(zip(first, second).filter { $0 == $1 }.count < first.count / 4)
    // Names of other lengths give tokens of the same length.
    #expect(token("Li", 1).count == first.count)
  }

  @Test func cannotBeForged() {
    let text = PagePosition(values: [.text("Ann"), .real(2)], key: 5).sealed(for: "q", with: seal)
    func isAccepted(_ text: String) -> Bool { PagePosition(text, for: "q", with: seal, keys: 2) != nil }
    #expect(isAccepted(text))
    for place in text.indices {
      for digit in "0123456789abcdefABCDEFg" where digit != text[place] {
        var forged = text
        forged.replaceSubrange(place...place, with: String(digit))
        #expect(!isAccepted(forged))
      }
      #expect(!isAccepted(String(text[..<place])))
    }
    for wrong in ["", "YWJj", "0", "00", text + "00", text + "0", text + text, String(repeating: "0", count: 100_000)] {
      #expect(!isAccepted(wrong))
    }
    let seed: UInt64 = 20_261_121
    var random = SeededGenerator(seed: seed)
    for _ in 0..<5_000 {
      let forged = (0..<Int.random(in: 0..<200, using: &random)).map { _ in
        "0123456789abcdef".randomElement(using: &random).map(String.init) ?? ""
      }
      #expect(!isAccepted(forged.joined()), "seed \(seed)")
    }
  }
}
