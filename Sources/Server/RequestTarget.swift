import Base

/// A request's path, cut into decoded segments, and its query as received (RFC 3986 §3.3, §3.4).
///
/// A decoded segment never holds a slash, a backslash or a control character and is never `.` or `..`, so that no
/// reading of a path differs from ours.
struct RequestTarget {
  let segments: [String]
  let query: Substring

  /// - Throws: `.invalid` for a path that has no single reading, `.notFound` for one with empty segments.
  init(_ target: String) throws(Fault) {
    var target = target
    let parsed = target.withUTF8 { bytes in Result { () throws(Fault) in try Self.path(bytes) } }
    let path = try parsed.get()
    segments = path.segments
    query = path.end == target.utf8.count ? "" : target[target.utf8.index(target.startIndex, offsetBy: path.end + 1)...]
  }

  private static func path(_ bytes: UnsafeBufferPointer<UInt8>) throws(Fault) -> (segments: [String], end: Int) {
    let end = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.count
    var segments: [String] = []
    segments.reserveCapacity(6)
    // The path begins with a slash; a slash at its end adds nothing.
    var start = 1
    while start < end {
      let stop = bytes[start..<end].firstIndex(of: UInt8(ascii: "/")) ?? end
      segments.append(try decode(bytes[start..<stop]))
      start = stop + 1
    }
    return (segments, end)
  }

  private static func decode(_ text: Slice<UnsafeBufferPointer<UInt8>>) throws(Fault) -> String {
    guard !text.isEmpty else { throw Fault(.notFound, "The path has an empty segment.") }
    if text.allSatisfy({ $0 != UInt8(ascii: "%") && $0 != UInt8(ascii: "\\") && $0 > 0x20 && $0 < 0x7F }) {
      return try checked(String(decoding: text, as: UTF8.self))
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var rest = text
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(hex), let low = rest.popFirst().flatMap(hex) else {
        throw Fault(.invalid, "The path has a percent sign that is not followed by two hexadecimal digits.")
      }
      bytes.append(high << 4 | low)
    }
    guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "\\") }) else {
      throw Fault(.invalid, "A segment of the path holds an encoded slash, a backslash or a control character.")
    }
    guard let decoded = String(validating: bytes, as: UTF8.self) else {
      throw Fault(.invalid, "The path is not UTF-8.")
    }
    return try checked(decoded)
  }

  private static func checked(_ segment: String) throws(Fault) -> String {
    guard segment != ".", segment != ".." else { throw Fault(.invalid, "The path has a dot segment.") }
    return segment
  }

  private static func hex(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
