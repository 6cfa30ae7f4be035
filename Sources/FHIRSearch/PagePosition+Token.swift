public import Base

/// A position as the `ct` of a next link.
extension PagePosition {
  /// Unicode scalars of a text that a position keeps. An order that pages are cut from compares no more than these of
  /// a text (and then the key), so that a position's beginning of a long text is as good as all of it.
  public static let textScalarsMax = 128

  /// The form that is sealed: texts no longer than `textScalarsMax`.
  public var bounded: PagePosition {
    PagePosition(
      values: values.map { value in
        guard case .text(let text) = value, text.unicodeScalars.count > Self.textScalarsMax else { return value }
        var start = String.UnicodeScalarView()
        start.append(contentsOf: text.unicodeScalars.prefix(Self.textScalarsMax))
        return .text(String(start))
      }, key: key)
  }

  /// URL-safe text; valid on every node and after a restart. Nothing of the values can be read from it.
  public func sealed(for query: String, with seal: SipHash) -> String {
    var writer = TokenWriter(.page, count: values.count)
    for value in bounded.values {
      switch value {
      case .none: writer.append(UInt8(0))
      case .integer(let integer):
        writer.append(UInt8(1))
        writer.append(integer)
      case .real(let real):
        writer.append(UInt8(2))
        writer.append(Int64(bitPattern: real.bitPattern))
      case .text(let text):
        writer.append(UInt8(3))
        writer.append(text)
      }
    }
    writer.append(key)
    return TokenSeal(seal).seal(writer.bytes, for: query)
  }

  /// nil unless `text` was sealed by this key for this query.
  /// - Parameter keys: the sort keys of the query.
  public init?(_ text: String, for query: String, with seal: SipHash, keys: Int) {
    guard let bytes = TokenSeal(seal).open(text, for: query), var reader = TokenReader(bytes, .page, count: keys) else {
      return nil
    }
    var values: [SortValue] = []
    for _ in 0..<keys {
      guard let value = Self.value(&reader) else { return nil }
      values.append(value)
    }
    guard let key = reader.integer() else { return nil }
    self.init(values: values, key: key)
  }

  private static func value(_ reader: inout TokenReader) -> SortValue? {
    switch reader.byte() {
    case 0: SortValue.none
    case 1: reader.integer().map { .integer($0) }
    case 2: reader.integer().map { .real(Double(bitPattern: UInt64(bitPattern: $0))) }
    case 3: reader.text().map { .text($0) }
    default: nil
    }
  }
}
