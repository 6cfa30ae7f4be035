public import Base

/// The parameters of a request's address, in their order, percent-decoded.
public struct QueryParameters: Sendable {
  public struct Parameter: Hashable, Sendable {
    public let name: String
    public let value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  public let parameters: [Parameter]

  public init(_ parameters: [Parameter] = []) { self.parameters = parameters }

  /// Parameters that one request may have.
  public static let countMax = 500

  /// Reads the part of an address behind its question mark; `+` is a space, as forms write it.
  /// - Throws: `.invalid` for `<`, which Microsoft's server refuses as well, for bytes that are no UTF-8, and for more
  ///   than `countMax` parameters.
  public init(query: some StringProtocol) throws(Fault) {
    var parameters: [Parameter] = []
    for item in query.utf8.split(separator: UInt8(ascii: "&")) {
      let pair = item.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      guard parameters.count < Self.countMax else {
        throw Fault(.invalid, "The query string has more than \(Self.countMax) parameters.")
      }
      guard let first = pair.first, let name = Self.decoded(first),
        let value = pair.count == 2 ? Self.decoded(pair[1]) : ""
      else { throw Self.invalidCharacters }
      parameters.append(Parameter(name, value))
    }
    self.parameters = parameters
  }

  private static var invalidCharacters: Fault { Fault(.invalid, "The query string included invalid characters.") }

  private static func decoded(_ text: some Collection<UInt8>) -> String? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var index = text.startIndex
    while index != text.endIndex {
      var byte = text[index]
      text.formIndex(after: &index)
      if byte == UInt8(ascii: "+") { byte = 0x20 }
      if byte == UInt8(ascii: "%"), let escaped = Self.escaped(text[index...]) {
        byte = escaped
        index = text.index(index, offsetBy: 2)
      }
      if byte == UInt8(ascii: "<") { return nil }
      bytes.append(byte)
    }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func escaped(_ text: some Collection<UInt8>) -> UInt8? {
    guard let first = text.first, let high = digit(first), let second = text.dropFirst().first, let low = digit(second)
    else { return nil }
    return high << 4 | low
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 48
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - 55
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - 87
    default: nil
    }
  }

  /// The first value of a parameter; the case of names does not matter.
  public subscript(_ name: String) -> String? { all(name).first }

  /// All values of a parameter; the case of names does not matter.
  public func all(_ name: String) -> [String] {
    let wanted = name.lowercased()
    return parameters.compactMap { $0.name == name || $0.name.lowercased() == wanted ? $0.value : nil }
  }
}
