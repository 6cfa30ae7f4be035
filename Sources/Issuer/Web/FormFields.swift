import Identity

/// The fields of a query or of a form's body (application/x-www-form-urlencoded), in their order.
struct FormFields: Sendable {
  private(set) var fields: [(name: String, value: String)]

  static let bytesMax = 64 * 1024
  static let fieldsMax = 400

  init(_ fields: [(name: String, value: String)]) { self.fields = fields }

  /// nil for what has no single reading, or is past the limits.
  init?(_ text: some Collection<UInt8>) {
    guard text.count <= Self.bytesMax else { return nil }
    fields = []
    for part in text.split(separator: UInt8(ascii: "&")) {
      let pair = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      guard fields.count < Self.fieldsMax, let first = pair.first, let name = Self.decode(first),
        let value = pair.count == 2 ? Self.decode(pair[1]) : ""
      else { return nil }
      fields.append((name, value))
    }
  }

  /// The value of a field, nil if it is absent or empty (RFC 6749 §3.1: a parameter without a value counts as omitted).
  subscript(name: String) -> String? {
    fields.first { $0.name == name && !$0.value.isEmpty }?.value
  }

  func all(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }

  /// A name that stands there twice, which RFC 6749 §3.1 forbids.
  func repeated(except allowed: Set<String> = []) -> String? {
    var seen: Set<String> = []
    return fields.first { !allowed.contains($0.name) && !seen.insert($0.name).inserted }?.name
  }

  mutating func removeAll(_ name: String) { fields.removeAll { $0.name == name } }

  /// The fields as a query.
  var encoded: String {
    fields.map { "\(Self.encode($0.name))=\(Self.encode($0.value))" }.joined(separator: "&")
  }

  /// nil for an escape that is none, a control character, or what is not UTF-8.
  static func decode(_ text: some Collection<UInt8>) -> String? {
    guard let decoded = PercentCoding.decode(utf8: text, isForm: true),
      decoded.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
    else { return nil }
    return decoded
  }

  private static let hex = Array("0123456789ABCDEF".utf8)

  /// Everything but RFC 3986's unreserved characters as an escape.
  static func encode(_ text: String) -> String {
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        bytes.append(byte)
      default: bytes += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 0xF)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// An address with these fields added to its query.
  func added(to address: String) -> String {
    address + (address.contains("?") ? "&" : "?") + encoded
  }
}
