import DICOMCore
import Testing

/// PS3.5 table 6.2-1.
@Suite("Rules of the VRs")
struct ValueFaultTests {
  static let letters16 = String(repeating: "A", count: 16)

  static let table: [(VR, String, ValueFault?)] = [
    (.AE, letters16, nil), (.AE, letters16 + "A", .tooLong), (.AE, "A\\B", .invalidCharacter),
    (.AE, "É", .invalidCharacter),
    (.AS, "042Y", nil), (.AS, "003D", nil), (.AS, "42Y", .invalidForm), (.AS, "042y", .invalidForm),
    (.AS, "0042Y", .invalidForm), (.AS, "042", .invalidForm),
    (.CS, "ORIGINAL_1 2", nil), (.CS, letters16, nil), (.CS, letters16 + "A", .tooLong), (.CS, "ct", .invalidCharacter),
    (.CS, "A-B", .invalidCharacter),
    (.DA, "20240229", nil), (.DA, "20230229", .outOfRange), (.DA, "19000229", .outOfRange), (.DA, "20000229", nil),
    (.DA, "20241301", .outOfRange), (.DA, "20240431", .outOfRange), (.DA, "2024.02.29", .invalidForm),
    (.DA, "2024", .invalidForm), (.DA, "2024022x", .invalidForm), (.DA, "20240101-20240202", .invalidForm),
    (.DS, "1.5", nil), (.DS, "-1.25E-3", nil), (.DS, "+.5", nil), (.DS, "5.", nil), (.DS, "1234567890.12345", nil),
    (.DS, "1234567890.123456", .tooLong), (.DS, "1,5", .invalidForm), (.DS, "1 5", .invalidForm),
    (.DS, "E5", .invalidForm),
    (.DS, "1e", .invalidForm), (.DS, "NaN", .invalidForm), (.DS, ".", .invalidForm),
    (.DT, "2024", nil), (.DT, "202402", nil), (.DT, "20240229", nil), (.DT, "2024022923", nil),
    (.DT, "20240229235960.123456+1400", nil), (.DT, "20240229-1200", nil), (.DT, "2024022924", .outOfRange),
    (.DT, "20240230", .outOfRange), (.DT, "202402292359.5", .invalidForm),
    (.DT, "20240229235959.1234567", .invalidForm),
    (.DT, "20240229+15", .outOfRange), (.DT, "20240229+12", .invalidForm), (.DT, "2024022", .invalidForm),
    (.IS, "0", nil), (.IS, "-2147483648", nil), (.IS, "2147483647", nil), (.IS, "2147483648", .outOfRange),
    (.IS, "-2147483649", .outOfRange), (.IS, "+7", nil), (.IS, "000000000012", nil), (.IS, "0000000000012", .tooLong),
    (.IS, "1.0", .invalidForm), (.IS, "1e3", .invalidForm), (.IS, "-", .invalidForm),
    (.IS, "99999999999999999999", .tooLong),
    (.LO, String(repeating: "é", count: 64), nil), (.LO, String(repeating: "é", count: 65), .tooLong),
    (.LO, "A\u{0}B", .invalidCharacter), (.LO, "A\nB", .invalidCharacter), (.LO, "A\\B", .invalidCharacter),
    (.LT, "A\r\n\tB\u{C}\\C", nil), (.LT, "A\u{7}", .invalidCharacter),
    (.LT, String(repeating: "A", count: 10_240), nil),
    (.LT, String(repeating: "A", count: 10_241), .tooLong),
    (.PN, "Yamada^Tarou=山田^太郎=やまだ^たろう", nil), (.PN, "A^B^C^D^E", nil), (.PN, "A^B^C^D^E^F", .invalidForm),
    (.PN, "A=B=C=D", .invalidForm), (.PN, String(repeating: "ä", count: 64) + "=B", nil),
    (.PN, "A=" + String(repeating: "ä", count: 65), .tooLong), (.PN, "A\u{1}", .invalidCharacter),
    (.SH, letters16, nil), (.SH, letters16 + "A", .tooLong),
    (.ST, String(repeating: "A", count: 1_024), nil), (.ST, String(repeating: "A", count: 1_025), .tooLong),
    (.TM, "23", nil), (.TM, "2359", nil), (.TM, "235960", nil), (.TM, "235959.1", nil), (.TM, "235959.123456", nil),
    (.TM, "24", .outOfRange), (.TM, "2360", .outOfRange), (.TM, "235961", .outOfRange), (.TM, "23:59:59", .invalidForm),
    (.TM, "235959.", .invalidForm), (.TM, "2", .invalidForm), (.TM, "235959.1234567", .invalidForm),
    (.UC, String(repeating: "A", count: 100_000), nil), (.UC, "A\u{2}", .invalidCharacter),
    (.UI, "1.2.840", nil), (.UI, "1." + String(repeating: "2", count: 62), nil),
    (.UI, "1." + String(repeating: "2", count: 63), .tooLong), (.UI, "1.02", .invalidForm), (.UI, "1..2", .invalidForm),
    (.UI, "1.2.", .invalidForm), (.UI, "1.2/../3", .invalidCharacter),
    (.UR, "https://example.org/a?b=%20#c", nil), (.UR, "https://example.org/a b", .invalidCharacter),
    (.UT, "A\r\nB", nil), (.UT, "A\u{FFFD}", .invalidCharacter),
    // Nothing is always allowed; binary VRs have no text.
    (.DA, "", nil), (.UI, "", nil), (.US, "anything", nil), (.SQ, "anything", nil),
  ]

  @Test("a value at the limit and past it, of every VR with text", arguments: table)
  func values(_ vr: VR, _ text: String, _ fault: ValueFault?) { #expect(vr.check(text) == fault) }

  @Test("an element: padding is no part of a value, each of several is looked at, in its character set")
  func elements() throws {
    var bytes = EncodedBytes()
    bytes.explicit(0x0008_0005, "CS", "ISO_IR 100")
    bytes.explicit(0x0008_0008, "CS", "ORIGINAL\\primary")
    bytes.explicit(0x0008_0018, "UI", "1.2.3\0")
    bytes.explicit(0x0008_0020, "DA", "20240101  ")
    bytes.explicit(0x0008_0060, "CS", "CT\0\0")
    bytes.explicit(0x0010_0010, "PN", [0xC4, 0x20])
    bytes.explicit(0x0010_0020, "LO", "P\u{0}1 ")
    bytes.explicit(0x0010_1030, "DS", " 72.5 ")
    bytes.explicit(0x0028_0010, "US", [1, 0, 0])
    bytes.explicit(0x0028_0009, "AT", [1, 0, 0, 0, 0, 0])
    let dataSet = try DataSet(bytes.bytes)
    #expect(
      dataSet.elements.map { $0.check() } == [
        nil, .invalidCharacter, nil, nil, nil, nil, .invalidCharacter, nil, .wrongLength, .wrongLength,
      ])
  }

  /// Pitfall 16: what is written in old or wrong forms stays as it is.
  @Test("dates, times and numbers of forms that are no more, or never were, keep their text")
  func oldForms() throws {
    var bytes = EncodedBytes()
    bytes.explicit(0x0008_0020, "DA", "1997.04.24")
    bytes.explicit(0x0008_0030, "TM", "12:30:15")
    bytes.explicit(0x0010_1010, "AS", "42Y ")
    bytes.explicit(0x0020_0013, "IS", "7.0 ")
    bytes.explicit(0x0028_1050, "DS", "12 34\\")
    let dataSet = try DataSet(bytes.bytes)
    #expect(
      dataSet.json
        == #"{"00080020":{"vr":"DA","Value":["1997.04.24"]},"00080030":{"vr":"TM","Value":["12:30:15"]},"00101010":{"vr":"AS","Value":["42Y"]},"00200013":{"vr":"IS","Value":[7.0]},"00281050":{"vr":"DS","Value":["12 34",null]}}"#
    )
    #expect(try dataSet.encoded(as: .explicitLittleEndian) == bytes.bytes)
    #expect(
      dataSet.elements.map { $0.check() } == [.invalidForm, .invalidForm, .invalidForm, .invalidForm, .invalidForm])
  }
}
