/// A query string's parameters in order, decoded (WHATWG URL "application/x-www-form-urlencoded": percent escapes,
/// plus as space).
public struct QueryString: Sendable {
  public struct Parameter: Sendable, Equatable {
    /// As it was sent, for links.
    public let raw: String
    public let name: String
    public let value: String

    public init(raw: String, name: String, value: String) {
      self.raw = raw
      self.name = name
      self.value = value
    }
  }

  public var parameters: [Parameter]

  public init(_ parameters: [Parameter] = []) { self.parameters = parameters }

  /// Reads a query, without the question mark. Bytes that do not decode to UTF-8 become U+FFFD.
  public init(parsing query: some StringProtocol) {
    let bytes = Array(query.utf8)
    parameters = bytes.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: true).map { piece in
      let equals = piece.firstIndex(of: UInt8(ascii: "=")) ?? piece.endIndex
      return Parameter(
        raw: String(decoding: piece, as: UTF8.self), name: Self.decode(piece[..<equals]),
        value: Self.decode(piece[equals...].dropFirst()))
    }
  }

  /// The first value under a name.
  public subscript(name: String) -> String? { parameters.first { $0.name == name }?.value }

  static func decode(_ text: Substring) -> String { decode(Array(text.utf8)[...]) }

  private static func decode(_ text: ArraySlice<UInt8>) -> String {
    guard text.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
      return String(decoding: text, as: UTF8.self)
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var place = text.startIndex
    while place < text.endIndex {
      let byte = text[place]
      if byte == UInt8(ascii: "%"), text.endIndex - place > 2, let high = hex(text[place + 1]),
        let low = hex(text[place + 2])
      {
        bytes.append(high << 4 | low)
        place += 3
      } else {
        bytes.append(byte == UInt8(ascii: "+") ? 0x20 : byte)
        place += 1
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func hex(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 48...57: byte - 48
    case 65...70: byte - 55
    case 97...102: byte - 87
    default: nil
    }
  }

  /// Percent-encodes text for a query component (RFC 3986 §2.3 unreserved characters stay).
  public static func encode(_ text: String) -> String {
    var bytes: [UInt8] = []
    let digits = Array("0123456789ABCDEF".utf8)
    for byte in text.utf8 {
      switch byte {
      case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
        bytes.append(byte)
      default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
