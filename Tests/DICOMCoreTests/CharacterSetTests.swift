import CDICOMTables
import DICOMCore
import JSONCore
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// PS3.3 C.12.1.1.2 and PS3.5 §6.1: pitfalls 17 to 22. The names are those of PS3.5 Annexes H to K.
@Suite("Character sets")
struct CharacterSetTests {
  static func dataSet(_ terms: String, _ name: [UInt8], tag: UInt32 = 0x0010_0010, vr: String = "PN") throws -> DataSet
  {
    var bytes = EncodedBytes()
    bytes.explicit(0x0008_0005, "CS", Array(terms.utf8) + (terms.utf8.count % 2 == 0 ? [] : [0x20]))
    bytes.explicit(tag, vr, name + (name.count % 2 == 0 ? [] : [0x20]))
    return try DataSet(bytes.bytes)
  }

  /// Latin letters stand for themselves, `␛` for escape, other bytes as `\xx` in hexadecimal.
  static func bytes(_ text: String) -> [UInt8] {
    var result: [UInt8] = []
    var rest = text[...]
    while let first = rest.first {
      rest.removeFirst()
      if first == "␛" {
        result.append(0x1B)
      } else if first == "‹" {
        result.append(UInt8(rest.prefix(2), radix: 16) ?? 0)
        rest.removeFirst(3)
      } else {
        result += Array(String(first).utf8)
      }
    }
    return result
  }

  static func hex(_ digits: String) -> String {
    digits.split(separator: " ").map { "‹\($0)›" }.joined()
  }

  static let names: [(terms: String, encoded: String, decoded: String)] = [
    // PS3.5 H.3.1, H.3.2
    (
      #"\ISO 2022 IR 87"#,
      #"Yamada^Tarou=␛$B;3ED␛(B^␛$BB@O:␛(B=␛$B$d$^$@␛(B^␛$B$?$m$&␛(B"#,
      "Yamada^Tarou=山田^太郎=やまだ^たろう"
    ),
    (
      #"ISO 2022 IR 13\ISO 2022 IR 87"#,
      hex("D4 CF C0 DE") + "^" + hex("C0 DB B3") + #"=␛$B;3ED␛(J^␛$BB@O:␛(J=␛$B$d$^$@␛(J^␛$B$?$m$&␛(J"#,
      "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"
    ),
    // PS3.5 I.2
    (
      #"\ISO 2022 IR 149"#,
      "Hong^Gildong=␛$)C" + hex("FB F3") + "^␛$)C" + hex("D1 CE D4 D7") + "=␛$)C" + hex("C8 AB") + "^␛$)C"
        + hex("B1 E6 B5 BF"),
      "Hong^Gildong=洪^吉洞=홍^길동"
    ),
    // PS3.5 J.1 to J.4
    ("ISO_IR 192", "Wang^XiaoDong=王^小東=", "Wang^XiaoDong=王^小東="),
    ("GB18030", "Wang^XiaoDong=" + hex("CD F5") + "^" + hex("D0 A1 B6 AB") + "=", "Wang^XiaoDong=王^小东="),
    ("GBK", "Wang^XiaoDong=" + hex("CD F5") + "^" + hex("D0 A1 B6 AB") + "=", "Wang^XiaoDong=王^小东="),
    // PS3.5 K.2
    (
      #"\ISO 2022 IR 58"#,
      "Zhang^XiaoDong=␛$)A" + hex("D5 C5") + "^␛$)A" + hex("D0 A1 B6 AB") + "=",
      "Zhang^XiaoDong=张^小东="
    ),
    // JIS X 0212
    (#"\ISO 2022 IR 159"#, "A=␛$(D0!␛(B", "A=丂"),
    ("ISO_IR 100", hex("C4") + "neas^R" + hex("FC") + "diger", "Äneas^Rüdiger"),
    ("ISO_IR 101", hex("A3") + "ukasz^Wa" + hex("B3") + hex("EA") + "sa", "Łukasz^Wałęsa"),
    ("ISO_IR 109", hex("A6") + "amrun", "Ĥamrun"),
    ("ISO_IR 110", hex("A9") + "ar" + hex("FE") + "nas", "Šarūnas"),
    ("ISO_IR 144", hex("BB EE DA") + "ce" + hex("DC D1") + "yp" + hex("D3"), "Люкceмбypг"),
    ("ISO_IR 127", hex("E2 C8 C7 E6 EA") + "^" + hex("E4 E6 D2 C7 D1"), "قباني^لنزار"),
    ("ISO_IR 126", hex("C4 E9 EF ED F5 F3 E9 EF F2"), "Διονυσιος"),
    ("ISO_IR 138", hex("F9 F8 E5 EF") + "^" + hex("E3 E1 E5 F8 E4"), "שרון^דבורה"),
    ("ISO_IR 148", "I" + hex("FE FD") + "k", "Işık"),
    ("ISO_IR 203", hex("BD") + "uvre " + hex("A4"), "œuvre €"),
    ("ISO_IR 166", hex("A1 D2 C3"), "การ"),
    ("ISO_IR 13", hex("D4 CF C0 DE") + "~", "ﾔﾏﾀﾞ‾"),
    // Two sets of G1 by escapes: French and Greek.
    (
      #"ISO 2022 IR 100\ISO 2022 IR 126"#, "Buc^J" + hex("E9") + "r" + hex("F4") + "me=␛-F" + hex("C4 E9 EF"),
      "Buc^Jérôme=Διο"
    ),
    (#"\ISO 2022 IR 144"#, "Luk=␛-L" + hex("BB EE"), "Luk=Лю"),
  ]

  @Test("names of the standard's annexes", arguments: names)
  func annexes(terms: String, encoded: String, decoded: String) throws {
    let dataSet = try Self.dataSet(terms, Self.bytes(encoded))
    #expect(dataSet[.patientName]?.string == decoded)
    #expect(dataSet.tolerances.list.isEmpty)
    let json = try DICOMJSONReader.dataSet(try JSONDocument(dataSet.json))
    let trimmed = decoded.hasSuffix("=") ? String(decoded.dropLast()) : decoded
    #expect(json[.patientName]?.string == trimmed)
    #expect(json.string(.specificCharacterSet) == "ISO_IR 192")
  }

  @Test("a name's groups and components")
  func groups() throws {
    let name = PersonName("Yamada^Tarou^^Dr=山田^太郎=やまだ^たろう")
    #expect(name.alphabetic.familyName == "Yamada")
    #expect(name.alphabetic.namePrefix == "Dr")
    #expect(name.ideographic.givenName == "太郎")
    #expect(name.phonetic.text == "やまだ^たろう")
    #expect(PersonName("A^^^").alphabetic.text == "A")
    #expect(PersonName("").groups.map(\.text) == ["", "", ""])
  }

  @Test("the state is that of the beginning after line ends, values and name delimiters")
  func reset() throws {
    // After ^ nothing is designated any more: the bytes are ASCII again though no escape says so.
    let text = try Self.dataSet(#"\ISO 2022 IR 87"#, Self.bytes("␛$B;3ED\r\nAB"), tag: 0x0010_4000, vr: "LT")
    #expect(text[.patientComments]?.string == "山田\r\nAB")
    let names = try Self.dataSet(
      #"ISO 2022 IR 100\ISO 2022 IR 126"#,
      Self.bytes("␛-F" + Self.hex("C4") + "^" + Self.hex("C4") + #"\"# + Self.hex("C4")))
    #expect(names[.patientName]?.strings == ["Δ^Ä", "Ä"])
  }

  @Test("a backslash that is half a character separates nothing")
  func backslash() throws {
    // GBK: 8A 5C is 奬's neighbour; GB18030: the same. JIS X 0208: 2-byte codes of 21–7E hold 5C.
    for terms in ["GBK", "GB18030"] {
      let dataSet = try Self.dataSet(terms, [0x81, 0x5C, 0x5C, 0x41], tag: 0x0008_1030, vr: "LO")
      #expect(dataSet[.studyDescription]?.strings.count == 2)
      #expect(dataSet[.studyDescription]?.strings.last == "A")
      #expect(dataSet[.studyDescription]?.strings.first?.unicodeScalars.count == 1)
    }
    let japanese = try Self.dataSet(
      #"\ISO 2022 IR 87"#, Self.bytes("␛$B\\\\␛(B\\A"), tag: 0x0008_1030, vr: "LO")
    #expect(japanese[.studyDescription]?.strings.count == 2)
    // In JIS X 0201 it shows as a yen sign where it is a character, and separates values where it does not.
    let yen = try Self.dataSet("ISO_IR 13", Array("A\\B".utf8) + [0xB1], tag: 0x0010_4000, vr: "LT")
    #expect(yen[.patientComments]?.string == "A¥Bｱ")
    let values = try Self.dataSet("ISO_IR 13", Array("A\\B".utf8) + [0xB1], tag: 0x0008_1030, vr: "LO")
    #expect(values[.studyDescription]?.strings == ["A", "Bｱ"])
  }

  @Test("items inherit the set around them unless they have their own")
  func items() throws {
    var bytes = EncodedBytes()
    bytes.explicit(0x0008_0005, "CS", "ISO_IR 100")
    bytes.sequence(0x0008_1115) { bytes in
      bytes.item { $0.explicit(0x0010_0010, "PN", [0xC4, 0x20]) }
      bytes.item { bytes in
        bytes.explicit(0x0008_0005, "CS", "ISO_IR 144")
        bytes.explicit(0x0010_0010, "PN", [0xC4, 0x20])
      }
      bytes.item { $0.explicit(0x0010_0010, "PN", [0xC4, 0x20]) }
    }
    let dataSet = try DataSet(bytes.bytes)
    #expect(dataSet[Tag(0x0008, 0x1115)]?.items.map { $0.dataSet.string(.patientName) } == ["Ä", "Ф", "Ä"])
  }

  @Test("the set applies to SH LO ST LT PN UC UT only")
  func whichVRs() throws {
    for vr in ["SH", "LO", "ST", "LT", "PN", "UC", "UT"] {
      #expect(
        try Self.dataSet("ISO_IR 144", [0xC4, 0xC4], tag: 0x0009_1001, vr: vr)[Tag(0x0009, 0x1001)]?.string == "ФФ")
    }
    for vr in ["CS", "AE", "UI", "DA"] {
      #expect(
        try Self.dataSet("ISO_IR 144", [0xC4, 0xC4], tag: 0x0009_1001, vr: vr)[Tag(0x0009, 0x1001)]?.string == "ÄÄ")
    }
  }

  @Test(
    "misspelt terms are understood and noted",
    arguments: [
      ("ISO-IR 100", "ISO_IR 100"), ("ISO_IR_100", "ISO_IR 100"), ("latin1", "ISO_IR 100"),
      ("ISO IR 144", "ISO_IR 144"),
      ("UTF-8", "ISO_IR 192"), ("iso_ir 192", "ISO_IR 192"), ("ISO 2022 GBK", "GBK"),
      ("ISO2022 IR 87", "ISO 2022 IR 87"),
      ("ISO 2022 58", "ISO 2022 IR 58"), ("8859-1", ""),
    ])
  func misspelt(term: String, meant: String) throws {
    let set = try Self.dataSet(term, [0x41, 0x42])
    #expect(set.specificCharacterSet.terms == (meant.isEmpty ? [] : [meant]))
    #expect(set.tolerances.kinds == [meant.isEmpty ? .unknownCharacterSet : .misspeltCharacterSet])
  }

  @Test("undeclared text is UTF-8 where it can be, else Latin-1; what means nothing is U+FFFD")
  func undeclared() throws {
    #expect(try Self.dataSet("", Array("Müller".utf8))[.patientName]?.string == "Müller")
    #expect(try Self.dataSet("", [0x4D, 0xFC])[.patientName]?.string == "Mü")
    #expect(try Self.dataSet("ISO_IR 192", [0x4D, 0xFC])[.patientName]?.string == "M\u{FFFD}")
    #expect(try Self.dataSet("GB18030", [0x4D, 0xFF])[.patientName]?.string == "M\u{FFFD}")
    #expect(try Self.dataSet("ISO_IR 127", [0x4D, 0xA1])[.patientName]?.string == "M\u{FFFD}")
    #expect(try Self.dataSet(#"\ISO 2022 IR 87"#, [0x1B, 0x24, 0x42, 0x21])[.patientName]?.string == "\u{FFFD}")
  }

  /// The C library's converters are another's work; the table was made from them, the decoder was not.
  @Test("every code of the sets with several bytes is what iconv says")
  func everyCode() throws {
    for (charset, terms, first, second) in [
      ("GBK", "GBK", UInt8(0x81)...0xFE, UInt8(0x40)...0xFE), ("GB18030", "GB18030", 0x81...0xFE, 0x40...0xFE),
      ("EUC-KR", "ISO 2022 IR 149", 0xA1...0xFE, 0xA1...0xFE), ("EUC-CN", "ISO 2022 IR 58", 0xA1...0xFE, 0xA1...0xFE),
    ] {
      let converter = try #require(Converter(charset))
      var count = 0
      for high in first {
        for low in second where low != 0x7F {
          guard let expected = converter.decode([high, low]), expected.unicodeScalars.count == 1 else { continue }
          let found = try Self.dataSet(terms, [high, low])[.patientName]?.string
          if found != expected { Issue.record("\(charset) \(high) \(low): \(found ?? "nil"), not \(expected)") }
          count += 1
        }
      }
      #expect(count > 6000)
    }
  }

  @Test("GB18030's codes of four bytes, in the basic plane and beyond")
  func fourBytes() throws {
    let converter = try #require(Converter("GB18030"))
    var count = 0
    for high in UInt8(0x81)...0x84 {
      for second in UInt8(0x30)...0x39 {
        for third in UInt8(0x81)...0xFE {
          let code = [high, second, third, 0x30 + third % 10]
          guard let expected = converter.decode(code) else { continue }
          let found = try Self.dataSet("GB18030", code)[.patientName]?.string
          if found != expected { Issue.record("GB18030 \(code): \(found ?? "nil"), not \(expected)") }
          count += 1
        }
      }
    }
    #expect(count > 3000)
    #expect(try Self.dataSet("GB18030", [0x90, 0x30, 0x81, 0x30])[.patientName]?.string == "\u{10000}")
    #expect(try Self.dataSet("GB18030", [0xE3, 0x32, 0x9A, 0x35])[.patientName]?.string == "\u{10FFFF}")
    #expect(try Self.dataSet("GB18030", [0xE3, 0x32, 0x9A, 0x36])[.patientName]?.string == "\u{FFFD}")
  }

  /// A converter of the C library to UTF-8.
  final class Converter {
    private let descriptor: iconv_t

    init?(_ charset: String) {
      guard let descriptor = iconv_open("UTF-8", charset), descriptor != iconv_t(bitPattern: -1) else { return nil }
      self.descriptor = descriptor
    }

    deinit { iconv_close(descriptor) }

    func decode(_ code: [UInt8]) -> String? {
      var input = code.map { CChar(bitPattern: $0) }
      var output = [CChar](repeating: 0, count: 16)
      let count = input.withUnsafeMutableBufferPointer { input in
        output.withUnsafeMutableBufferPointer { output -> Int? in
          var (from, to) = (input.baseAddress, output.baseAddress)
          var (fromLeft, toLeft) = (input.count, output.count)
          iconv(descriptor, nil, nil, nil, nil)
          return iconv(descriptor, &from, &fromLeft, &to, &toLeft) == -1 ? nil : output.count - toLeft
        }
      }
      return count.map { String(decoding: output[..<$0].map { UInt8(bitPattern: $0) }, as: UTF8.self) }
    }
  }
}
