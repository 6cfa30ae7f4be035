import Base
import JSONCore

/// How fast the JSON core parses and writes one large text on one core.
struct JSONThroughput {
  /// Bytes of the text per second.
  let parse: Double
  let write: Double
  let bytes: Int

  private static let bytesMin = 2_000_000

  /// Many bundles as one text.
  init(_ bundles: [[UInt8]], seconds limit: Double) throws {
    var writer = JSONWriter(reserving: Self.bytesMin * 2)
    writer.beginArray()
    // The line ends keep the writer from copying the document as a whole: it goes token by token.
    for bundle in bundles where writer.bytes.count < Self.bytesMin { writer.raw([0x0a] + bundle) }
    writer.endArray()
    try self.init(writer.bytes, seconds: limit)
  }

  init(_ text: [UInt8], seconds limit: Double) throws {
    Self.keepFreedMemory()
    let document = try JSONDocument(text)
    var output: [UInt8] = []
    output.reserveCapacity(text.count)
    bytes = text.count
    parse = try Self.perSecond(bytes: text.count, limit) { _ = try JSONDocument(text) }
    write = try Self.perSecond(bytes: text.count, limit) {
      output.removeAll(keepingCapacity: true)
      document.appendCompact(document.root, to: &output)
    }
  }

  /// Lets the allocator keep what a round frees for the next one: otherwise the figure is as much the kernel's, which
  /// takes large blocks back and hands them out again page by page. In glibc a block that was mapped by itself and is
  /// freed raises the size from which blocks are mapped, up to 32 MiB (mallopt(3), M_MMAP_THRESHOLD).
  private static func keepFreedMemory() {
    UnsafeMutableRawPointer.allocate(byteCount: 31 << 20, alignment: 16).deallocate()
  }

  /// The best round counts: whatever else the machine does only adds to the others.
  private static func perSecond(bytes: Int, _ limit: Double, _ work: () throws -> Void) throws -> Double {
    var best = Double.infinity
    let began = monotonicNanoseconds()
    repeat {
      let round = monotonicNanoseconds()
      try work()
      best = min(best, seconds(since: round))
    } while seconds(since: began) < limit
    return best > 0 ? Double(bytes) / best : 0
  }
}
