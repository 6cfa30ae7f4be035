/// A JSON text parsed once into a tape that points into the text.
///
/// The document owns a copy of the bytes (with eight bytes of padding) and the tape; both never change after
/// `init`. Nothing is decoded until asked for: numbers keep their lexeme, strings their escapes.
///
/// It is `@unchecked Sendable` because the two buffers are written only by `init`, before anyone else can see them.
public final class JSONDocument: @unchecked Sendable {
  @usableFromInline let base: UnsafePointer<UInt8>
  @usableFromInline let tape: UnsafePointer<UInt64>
  /// Bytes of the text.
  public let byteCount: Int
  /// Whether the text has no whitespace between its tokens.
  public let isCompact: Bool

  /// Parses a text.
  /// - Throws: `JSONError` with the place of the first fault.
  public convenience init(_ bytes: UnsafeRawBufferPointer, limits: JSONLimits = JSONLimits()) throws(JSONError) {
    self.init(try Parts.parse(bytes, limits))
  }

  /// Parses a text given as bytes.
  public convenience init(_ bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) {
    let parsed = bytes.withUnsafeBytes { buffer in
      Result { () throws(JSONError) in try Parts.parse(buffer, limits) }
    }
    self.init(try parsed.get())
  }

  /// Parses a text given as a string.
  public convenience init(_ text: String, limits: JSONLimits = JSONLimits()) throws(JSONError) {
    try self.init(Array(text.utf8), limits: limits)
  }

  private init(_ parts: Parts) {
    self.base = parts.base
    self.tape = parts.tape
    self.byteCount = parts.byteCount
    self.isCompact = parts.isCompact
  }

  deinit {
    base.deallocate()
    tape.deallocate()
  }

  /// What a parse leaves behind; the document takes ownership of both buffers.
  private struct Parts {
    var base: UnsafePointer<UInt8>
    var tape: UnsafePointer<UInt64>
    var byteCount: Int
    var isCompact: Bool

    static func parse(_ bytes: UnsafeRawBufferPointer, _ limits: JSONLimits) throws(JSONError) -> Parts {
      guard bytes.count <= Tape.bytesMax else { throw JSONError(code: .tooLarge, line: 1, column: 1, offset: 0) }
      let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count + 16)
      if let source = bytes.baseAddress {
        UnsafeMutableRawPointer(buffer).copyMemory(from: source, byteCount: bytes.count)
      }
      (buffer + bytes.count).initialize(repeating: 0, count: 16)
      var parser = JSONParser(base: UnsafePointer(buffer), count: bytes.count, limits: limits)
      do {
        try parser.parse()
      } catch {
        buffer.deallocate()
        throw error
      }
      let isCompact = parser.isCompact
      return Parts(
        base: UnsafePointer(buffer), tape: parser.takeTape(), byteCount: bytes.count, isCompact: isCompact)
    }
  }
}
