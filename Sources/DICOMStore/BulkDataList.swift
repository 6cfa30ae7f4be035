public import DICOMCore
import JSONCore

/// The streams of bytes of an instance that its metadata leaves out, as Microsoft's service does: what and where they
/// are, and where in the JSON each belongs, so that the standard's form with BulkDataURI (PS3.18 F.2.6) is the same
/// text with a few pieces put in.
public struct BulkDataList: Sendable, Hashable {
  public struct Item: Sendable, Hashable {
    /// Tags, between them the numbers of items from 1: `[52009229, 1, 00281201]` as numbers.
    public let path: [UInt32]
    public let vr: VR
    /// The value's place in the file; for a deflated data set in its inflated form. Empty if there is no value.
    public let range: Range<Int>
    /// Pixel data in fragments: items with their headers.
    public let isEncapsulated: Bool
    /// Words have their first byte last.
    public let isBigEndian: Bool
    /// Where in the JSON without streams it belongs.
    let place: Int

    public var tag: Tag { Tag(path.last ?? 0) }

    /// The path as segments of an address: tags in hexadecimal, items in decimal.
    public var segments: [String] {
      path.enumerated().map { place, word in place % 2 == 0 ? Tag(word).hexadecimal : "\(word)" }
    }
  }

  /// In the order of the JSON.
  public let items: [Item]

  public init(_ items: [Item] = []) { self.items = items }

  public var isEmpty: Bool { items.isEmpty }

  /// The stream that segments of an address name, nil if there is none. Hexadecimal digits may have either case.
  public func item(_ segments: [String]) -> Item? {
    var path: [UInt32] = []
    for (place, segment) in segments.enumerated() {
      guard let word = place % 2 == 0 ? Tag(hexadecimal: segment.utf8)?.rawValue : UInt32(segment) else { return nil }
      path.append(word)
    }
    return items.first { $0.path == path }
  }

  // MARK: The standard's form

  /// Adds metadata with a BulkDataURI for each stream to `output`.
  /// - Parameters:
  ///   - metadata: the instance's, without streams.
  ///   - root: what the addresses begin with, up to a slash; the segments of the path follow.
  public func write(_ metadata: some RandomAccessCollection<UInt8>, root: String, to output: inout [UInt8]) {
    let start = metadata.startIndex
    var done = 0
    for item in items where item.place >= done && item.place <= metadata.count {
      output.append(contentsOf: metadata[at: start, done..<item.place])
      done = item.place
      if let last = output.last, last != UInt8(ascii: "{"), last != UInt8(ascii: ",") {
        output.append(UInt8(ascii: ","))
      }
      item.write(root: root, to: &output)
      if done < metadata.count {
        let next = metadata[metadata.index(start, offsetBy: done)]
        if next != UInt8(ascii: "}"), next != UInt8(ascii: ",") { output.append(UInt8(ascii: ",")) }
      }
    }
    output.append(contentsOf: metadata[at: start, done..<metadata.count])
  }

  // MARK: Compact form

  /// The compact form: what an instance's row keeps.
  public var encoded: [UInt8] {
    var bytes: [UInt8] = []
    var (place, end) = (0, 0)
    for item in items {
      VariableInteger.append(item.path.count, to: &bytes)
      for word in item.path { VariableInteger.append(Int(word), to: &bytes) }
      bytes.append(item.vr.rawValue)
      bytes.append((item.isEncapsulated ? 1 : 0) | (item.isBigEndian ? 2 : 0))
      VariableInteger.append(item.place - place, to: &bytes)
      // Elements that are out of order may lie before the one before.
      let gap = item.range.lowerBound - end
      VariableInteger.append(gap >= 0 ? gap << 1 : -gap << 1 | 1, to: &bytes)
      VariableInteger.append(item.range.count, to: &bytes)
      place = item.place
      end = item.range.upperBound
    }
    return bytes
  }

  /// From the compact form; nil if it is damaged.
  public init?(encoded: [UInt8]) {
    var items: [Item] = []
    var reader = ByteReader(encoded)
    var (place, end) = (0, 0)
    while !reader.isAtEnd {
      guard let item = Self.read(&reader, place, end) else { return nil }
      items.append(item)
      place = item.place
      end = item.range.upperBound
    }
    self.items = items
  }

  private static func read(_ reader: inout ByteReader, _ place: Int, _ end: Int) -> Item? {
    guard let depth = reader.integer(), depth <= pathMax else { return nil }
    var path: [UInt32] = []
    for _ in 0..<depth {
      guard let word = reader.integer().flatMap({ UInt32(exactly: $0) }) else { return nil }
      path.append(word)
    }
    guard let vr = reader.byte().flatMap({ VR(rawValue: $0) }), let flags = reader.byte(),
      let step = reader.integer(), let gap = reader.integer(), let count = reader.integer(),
      step < Int.max - place, gap >> 1 <= Int.max / 4, end <= Int.max / 4, count <= Int.max / 4
    else { return nil }
    let start = gap & 1 == 0 ? end + gap >> 1 : end - gap >> 1
    guard start >= 0 else { return nil }
    return Item(
      path: path, vr: vr, range: start..<start + count, isEncapsulated: flags & 1 != 0, isBigEndian: flags & 2 != 0,
      place: place + step)
  }

  /// Tags and items of a path: more than sequences may be deep.
  static let pathMax = 1_000
}

extension BulkDataList.Item {
  fileprivate func write(root: String, to output: inout [UInt8]) {
    output.append(contentsOf: "\"\(tag.hexadecimal)\":{\"vr\":\"\(vr)\"".utf8)
    // PS3.18 F.2.5: an element without a value has only its VR.
    if !range.isEmpty {
      output.append(contentsOf: ",\"BulkDataURI\":".utf8)
      var address = root + segments.joined(separator: "/")
      address.withUTF8 { JSONWriter.appendQuoted($0, to: &output) }
    }
    output.append(UInt8(ascii: "}"))
  }
}

extension RandomAccessCollection {
  /// Elements counted from the collection's start.
  fileprivate subscript(at start: Index, offsets: Range<Int>) -> SubSequence {
    self[index(start, offsetBy: offsets.lowerBound)..<index(start, offsetBy: offsets.upperBound)]
  }
}
