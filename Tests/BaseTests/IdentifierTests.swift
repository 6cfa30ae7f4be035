import Base
import Testing

@Suite struct IdentifierTests {
  /// Ids are RFC 9562 version 7, unique, and ordered by creation even within one millisecond.
  @Test func orderedAndUnique() {
    let source = IdentifierSource(clock: Clock { Instant(milliseconds: 1_700_000_000_000) })
    let ids = (0..<10_000).map { _ in source.next() }
    #expect(ids == ids.sorted())
    #expect(Set(ids).count == ids.count)
    for id in ids.prefix(100) {
      let bytes = Array(id.utf8)
      #expect(bytes.count == 36)
      #expect(bytes[14] == UInt8(ascii: "7"))
      #expect("89ab".utf8.contains(bytes[19]))
    }
  }
}
