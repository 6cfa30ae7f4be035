import Base
import JSONCore

/// How fast the JSON core parses and writes (token by token) one large bundle on one core.
struct JSONThroughput {
  /// Bytes per second.
  let parse: Double
  let write: Double
  let bytes: Int

  private static let bytesMin = 2_000_000

  init(_ bundles: [[UInt8]], seconds limit: Double) throws {
    var writer = JSONWriter(reserving: Self.bytesMin * 2)
    writer.beginArray()
    // The line ends keep the writer from copying the document as a whole: it goes token by token.
    for bundle in bundles where writer.bytes.count < Self.bytesMin { writer.raw([0x0a] + bundle) }
    writer.endArray()
    let text = writer.bytes
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

  private static func perSecond(bytes: Int, _ limit: Double, _ work: () throws -> Void) throws -> Double {
    var rounds = 0
    let began = monotonicNanoseconds()
    repeat {
      try work()
      rounds += 1
    } while seconds(since: began) < limit
    return Double(bytes * rounds) / seconds(since: began)
  }
}
