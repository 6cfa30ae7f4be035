import Base
import FHIRSearch
import Testing

@Suite struct PagingTokenTests {
  private let seal = SipHash(key0: 0x0123_4567_89AB_CDEF, key1: 0xFEDC_BA98_7654_3210)

  @Test(arguments: [Int64.min, -1, 0, 1, 255, 256, 1 << 53, .max])
  func comesBack(position: Int64) {
    let text = PagingToken(position: position).sealed(for: "name=a", with: seal)
    #expect(text.utf8.allSatisfy { ($0 >= 48 && $0 <= 57) || ($0 >= 97 && $0 <= 122) })
    #expect(PagingToken(text, for: "name=a", with: seal)?.position == position)
  }

  @Test func severalPositions() {
    let positions: [Int64] = [3, 0, -1, .max]
    let text = PagingToken(positions: positions).sealed(for: "q", with: seal)
    #expect(PagingToken(text, for: "q", with: seal, count: 4)?.positions == positions)
    for count in [0, 1, 3, 5] { #expect(PagingToken(text, for: "q", with: seal, count: count) == nil) }
  }

  @Test func isBoundToQueryAndKey() {
    let text = PagingToken(position: 7).sealed(for: "name=a", with: seal)
    for query in ["", "name=b", "name=a&", "name=A"] { #expect(PagingToken(text, for: query, with: seal) == nil) }
    let other = SipHash(key0: 0x0123_4567_89AB_CDEF, key1: 0xFEDC_BA98_7654_3211)
    #expect(PagingToken(text, for: "name=a", with: other) == nil)
  }

  /// Every change of one digit is found out.
  @Test func cannotBeForged() {
    let text = PagingToken(position: 1_000).sealed(for: "q", with: seal)
    var accepted = 0
    for place in text.indices {
      for digit in "0123456789abcdefABCDEFg" where digit != text[place] {
        var forged = text
        forged.replaceSubrange(place...place, with: String(digit))
        if PagingToken(forged, for: "q", with: seal) != nil { accepted += 1 }
      }
    }
    #expect(accepted == 0)
    for wrong in [
      "", "YWJj", "0", String(text.dropLast()), text + "0", text.uppercased() + "", "é" + text.dropFirst(2),
    ]
    where wrong != text {
      #expect(PagingToken(wrong, for: "q", with: seal) == nil, "\(wrong)")
    }
  }
}
