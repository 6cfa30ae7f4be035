#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Makes the table of the graphic character sets that DICOM names (PS3.3 C.12.1.1.2) from the converters of the C
/// library.
///
/// The table is text, one record per line, fields separated by tabs:
///
///     S  name  first byte  last byte  first second byte  last second byte     a set; single-byte sets lack the latter
///     R  characters                                      one row: the characters of all (second) bytes in order
///
/// A code without a character has U+FFFD. Bytes are hexadecimal. Multi-byte sets have one row for each first byte.
public struct CharacterSetTableGenerator {
  /// A set, and how the C library knows it: the charset's name and what a code has before and in its bytes.
  private struct Source {
    let name: String
    let charset: String
    let first: ClosedRange<UInt8>
    var second: ClosedRange<UInt8>?
    var prefix: [UInt8] = []
    /// Added to both bytes: EUC forms have the top bit set.
    var shift: UInt8 = 0
  }

  private static let singleByte: [(name: String, charset: String)] = [
    ("ISO-IR 101", "ISO-8859-2"), ("ISO-IR 109", "ISO-8859-3"), ("ISO-IR 110", "ISO-8859-4"),
    ("ISO-IR 144", "ISO-8859-5"), ("ISO-IR 127", "ISO-8859-6"), ("ISO-IR 126", "ISO-8859-7"),
    ("ISO-IR 138", "ISO-8859-8"), ("ISO-IR 148", "ISO-8859-9"), ("ISO-IR 203", "ISO-8859-15"),
    ("ISO-IR 166", "TIS-620"),
  ]

  private static let sources =
    singleByte.map { Source(name: $0.name, charset: $0.charset, first: 0xA0...0xFF) } + [
      Source(name: "ISO-IR 87", charset: "EUC-JP", first: 0x21...0x7E, second: 0x21...0x7E, shift: 0x80),
      Source(
        name: "ISO-IR 159", charset: "EUC-JP", first: 0x21...0x7E, second: 0x21...0x7E, prefix: [0x8F], shift: 0x80),
      Source(name: "ISO-IR 149", charset: "EUC-KR", first: 0x21...0x7E, second: 0x21...0x7E, shift: 0x80),
      Source(name: "ISO-IR 58", charset: "EUC-CN", first: 0x21...0x7E, second: 0x21...0x7E, shift: 0x80),
      Source(name: "GBK", charset: "GBK", first: 0x81...0xFE, second: 0x40...0xFE),
      Source(name: "GB18030", charset: "GB18030", first: 0x81...0xFE, second: 0x40...0xFE),
    ]

  public init() {}

  /// The whole table.
  public func table() throws -> String {
    var lines: [String] = []
    for source in Self.sources {
      guard let converter = iconv_open("UTF-8", source.charset), converter != iconv_t(bitPattern: -1) else {
        throw GenerationError("the C library does not know \(source.charset)")
      }
      defer { iconv_close(converter) }
      lines += Self.lines(source, converter)
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func lines(_ source: Source, _ converter: iconv_t) -> [String] {
    func hex(_ byte: UInt8) -> String { String(byte, radix: 16, uppercase: true) }
    let bounds = [source.first.lowerBound, source.first.upperBound].map(hex)
    guard let second = source.second else {
      let row = source.first.map { character([$0], converter) }.joined()
      return [TableGenerator.line("S", source.name, bounds[0], bounds[1]), TableGenerator.line("R", row)]
    }
    let head = TableGenerator.line(
      "S", source.name, bounds[0], bounds[1], hex(second.lowerBound), hex(second.upperBound))
    return [head]
      + source.first.map { first in
        let row = second.map { second in
          character(source.prefix + [first + source.shift, second + source.shift], converter)
        }
        return TableGenerator.line("R", row.joined())
      }
  }

  /// The character of a code, U+FFFD if it has none or if the code is not one character.
  private static func character(_ code: [UInt8], _ converter: iconv_t) -> String {
    var input = code.map { CChar(bitPattern: $0) }
    var output = [CChar](repeating: 0, count: 16)
    iconv(converter, nil, nil, nil, nil)
    let written = input.withUnsafeMutableBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output -> Int? in
        var from = input.baseAddress
        var to = output.baseAddress
        var fromLeft = input.count
        var toLeft = output.count
        guard iconv(converter, &from, &fromLeft, &to, &toLeft) != -1, fromLeft == 0 else { return nil }
        return output.count - toLeft
      }
    }
    guard let written, written > 0 else { return "\u{FFFD}" }
    let text = String(decoding: output[..<written].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard text.unicodeScalars.count == 1, let scalar = text.unicodeScalars.first, scalar.value >= 0xA0 else {
      return "\u{FFFD}"
    }
    return text
  }
}
