/// Writes a multipart body (RFC 2046 §5.1), as bytes between what the parts hold. All it writes is known before, so
/// that a body's length is the sum of `head`s, parts and `end`.
public struct MultipartWriter: Sendable {
  public let boundary: String

  /// - Parameter boundary: at most 70 characters that need no quotes, and that no part contains.
  public init(boundary: String) { self.boundary = boundary }

  /// With a boundary of 128 random bits.
  public init() {
    var generator = SystemRandomNumberGenerator()
    self.init(using: &generator)
  }

  public init(using generator: inout some RandomNumberGenerator) {
    let digits = Array("0123456789abcdef".utf8)
    var bytes: [UInt8] = []
    for _ in 0..<2 {
      let word = generator.next()
      for shift in stride(from: UInt64(0), to: 64, by: 4) { bytes.append(digits[Int(word >> shift & 15)]) }
    }
    boundary = String(decoding: bytes, as: UTF8.self)
  }

  /// The body's `Content-Type` (RFC 2387 §3.1).
  /// - Parameter type: the type of the first part.
  public func contentType(_ type: String) -> String {
    "multipart/related; type=\"\(type)\"; boundary=\(boundary)"
  }

  /// What is in front of a part.
  public func head(isFirst: Bool, _ headers: [(name: String, value: String)]) -> [UInt8] {
    var text = isFirst ? "--\(boundary)\r\n" : "\r\n--\(boundary)\r\n"
    for header in headers { text += "\(header.name): \(header.value)\r\n" }
    text += "\r\n"
    return Array(text.utf8)
  }

  /// What is behind the last part.
  public var end: [UInt8] { Array("\r\n--\(boundary)--\r\n".utf8) }
}
