import FHIRSearch
import Storage
import Testing

@testable import FHIRStore

@Suite("values that PostgreSQL has in another form")
struct PostgreSQLFormsTests {
  @Test("the bytes of composites' dates and numbers are in the order of the values")
  func compositeBounds() {
    let dates: [Int64] = [.min, -62_135_596_800_000_000, -1, 0, 1, 1_795_243_000_123_456, .max]
    let numbers = [-Double.infinity, -1e300, -2.5, -Double.leastNonzeroMagnitude, 0, 1e-9, 6.3, 120, 1e300, .infinity]
    check(dates.map { CompositeRow.Bounds.date(low: $0, high: $0) })
    check(numbers.map { CompositeRow.Bounds.number(low: $0, high: $0) })
    #expect(values(.number(low: -0.0, high: 0)).map(\.0) == values(.number(low: 0, high: 0)).map(\.0))
    #expect(values(.none).map(\.0) == [])
  }

  private func values(_ bounds: CompositeRow.Bounds) -> ([UInt8], [UInt8])? {
    guard case (.blob(let low), .blob(let high)) = CompositeBound.values(bounds) else { return nil }
    return (low, high)
  }

  private func check(_ ascending: [CompositeRow.Bounds]) {
    let bytes = ascending.compactMap { values($0) }
    #expect(bytes.count == ascending.count)
    for (left, right) in zip(bytes, bytes.dropFirst()) { #expect(left.0.lexicographicallyPrecedes(right.0)) }
    for (bounds, pair) in zip(ascending, bytes) { #expect(CompositeBound.bounds(pair.0, pair.1) == bounds) }
  }

  @Test("a text has room in an index's entry, and differing texts stay so")
  func indexedText() {
    let whole = String(repeating: "a", count: 1_000)
    #expect(IndexedText.cut(whole) == whole)
    let long = String(repeating: "ä", count: 2_000)
    let other = String(repeating: "ä", count: 1_999) + "b"
    #expect(IndexedText.cut(long).utf8.count <= 1_000)
    #expect(IndexedText.cut(long).hasPrefix(String(repeating: "ä", count: 450)))
    #expect(IndexedText.cut(long) != IndexedText.cut(other))
    #expect(IndexedText.cut(long) == IndexedText.cut(long))
    #expect(IndexedText.sql(long).binds == [.text(long)])
    #expect(IndexedText.sql(long).binds(.postgreSQL) == [.text(IndexedText.cut(long))])
  }

  @Test("words are runs of letters and numbers, so nothing in a search can be taken for PostgreSQL's grammar")
  func words() {
    #expect(
      TextWords.words("Na+ 140mmol/l, d'accord (C₁₂H₂₂) \\ :A & | !x") == [
        "Na", "140mmol", "l", "d", "accord", "C₁₂H₂₂", "A", "x",
      ])
    #expect(TextWords.words(" \u{0} ' ") == [])
    let condition = FullTextCondition(
      field: .narrative, alternatives: [.init(phrases: [["chest", "pain"], ["x'); --"]]), .init(phrases: [["!"]])])
    #expect(TextWords.query(condition) == "(('chest':A <-> 'pain':A) & ('x':A))")
    #expect(TextWords.leading(condition) == ["chest", "x"])
  }
}
