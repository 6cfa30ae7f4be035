import DICOMCore
import JSONCore
import Testing

/// PS3.18 Annex F, both ways.
@Suite("DICOM JSON model")
struct JSONTests {
  static func json(_ build: (inout EncodedBytes) -> Void) throws -> String {
    var bytes = EncodedBytes()
    build(&bytes)
    return try DataSet(bytes.bytes).json
  }

  static let numbers: [(written: String, json: String)] = [
    ("1", "1"), ("-1.50", "-1.50"), ("1.0E-05", "1.0E-05"), ("+1.5", "1.5"), (".5", "0.5"), ("-.5", "-0.5"),
    ("5.", "5"),
    ("007", "7"), ("00", "0"), ("0.10", "0.10"), ("1e5", "1e5"), (" 12 ", "12"), ("abc", "\"abc\""),
    ("1.2.3", "\"1.2.3\""),
    ("1e", "\"1e\""), ("-", "\"-\""), ("1,5", "\"1,5\""), ("NaN", "\"NaN\""), ("1 2", "\"1 2\""),
    ("12345678901234567890", "12345678901234567890"),
  ]

  @Test("DS and IS keep their digits where JSON allows", arguments: numbers)
  func decimals(written: String, json: String) throws {
    for vr in ["DS", "IS"] {
      #expect(
        try Self.json { $0.explicit(0x0009_1001, vr, written) } == #"{"00091001":{"vr":"\#(vr)","Value":[\#(json)]}}"#)
    }
  }

  @Test("NUL pads UIDs (PS3.5 6.2); at the end of other values it is a fault that stays to be seen")
  func padding() throws {
    func value(_ vr: String, _ text: String) throws -> String {
      let json = try Self.json { $0.explicit(0x0009_1001, vr, text) }
      return String(json.dropFirst(#"{"00091001":{"vr":"CS""#.count).dropLast(2))
    }
    #expect(try value("UI", "1.2\0") == #","Value":["1.2"]"#)
    #expect(try value("CS", "X\0") == #","Value":["X\u0000"]"#)
    #expect(try value("LO", "A\\B \0 ") == #","Value":["A","B \u0000"]"#)
    #expect(try value("PN", "A^B\0") == #","Value":[{"Alphabetic":"A^B\u0000"}]"#)
    // Numbers are none with it, and NULs alone are no value.
    #expect(try value("DS", "1.5\0") == #","Value":[1.5]"#)
    #expect(try value("IS", "2\0") == #","Value":[2]"#)
    for vr in ["CS", "LO", "UI", "PN"] { #expect(try value(vr, "\0\0") == "") }
  }

  @Test("binary numbers, and those JSON has none for")
  func binary() throws {
    func value(_ vr: String, _ bytes: [UInt8]) throws -> String {
      let json = try Self.json { $0.explicit(0x0009_1001, vr, bytes) }
      return String(json.dropFirst(#"{"00091001":{"vr":"US","Value":["#.count).dropLast(3))
    }
    #expect(try value("US", [1, 0, 255, 255]) == "1,65535")
    #expect(try value("SS", [1, 0, 255, 255]) == "1,-1")
    #expect(try value("UL", [255, 255, 255, 255]) == "4294967295")
    #expect(try value("SL", [255, 255, 255, 255]) == "-1")
    #expect(try value("FL", [0xCD, 0xCC, 0xCC, 0x3D]) == "0.1")
    #expect(try value("FD", [0, 0, 0, 0, 0, 0, 0xF8, 0x3F]) == "1.5")
    #expect(try value("FD", [0, 0, 0, 0, 0, 0, 0, 0x80]) == "-0.0")
    #expect(try value("FL", [0, 0, 0xC0, 0x7F]) == "\"NaN\"")
    #expect(try value("FL", [0, 0, 0x80, 0x7F, 0, 0, 0x80, 0xFF]) == "\"inf\",\"-inf\"")
    #expect(try value("AT", [0x10, 0, 0x20, 0, 0xE0, 0x7F, 0x10, 0]) == "\"00100020\",\"7FE00010\"")
    // RFC 8259 §6: whole numbers are exact up to 2^53.
    #expect(try value("UV", [0, 0, 0, 0, 0, 0, 0x20, 0]) == "9007199254740992")
    #expect(try value("UV", [1, 0, 0, 0, 0, 0, 0x20, 0]) == "\"9007199254740993\"")
    #expect(try value("SV", [255, 255, 255, 255, 255, 255, 255, 255]) == "-1")
    #expect(try value("SV", [0, 0, 0, 0, 0, 0, 0, 128]) == "\"-9223372036854775808\"")
    #expect(try value("US", [1, 0, 2]) == "1")
  }

  @Test("empty values, empty elements, empty items")
  func empty() throws {
    #expect(try Self.json { $0.explicit(0x0008_0008, "CS", "") } == #"{"00080008":{"vr":"CS"}}"#)
    #expect(try Self.json { $0.explicit(0x0008_0008, "CS", "  ") } == #"{"00080008":{"vr":"CS"}}"#)
    #expect(
      try Self.json { $0.explicit(0x0008_0008, "CS", "A\\\\B\\") }
        == #"{"00080008":{"vr":"CS","Value":["A",null,"B",null]}}"#)
    #expect(
      try Self.json { $0.explicit(0x0020_0032, "DS", "1\\\\2 ") } == #"{"00200032":{"vr":"DS","Value":[1,null,2]}}"#)
    #expect(try Self.json { $0.sequence(0x0008_1115) { _ in } } == #"{"00081115":{"vr":"SQ"}}"#)
    #expect(
      try Self.json { $0.sequence(0x0008_1115) { $0.item { _ in } } } == #"{"00081115":{"vr":"SQ","Value":[{}]}}"#)
    #expect(try Self.json { $0.explicit(0x0042_0011, "OB") } == #"{"00420011":{"vr":"OB"}}"#)
  }

  @Test("names by their groups, text with its escapes, character set ISO_IR 192")
  func text() throws {
    #expect(
      try Self.json { $0.explicit(0x0010_0010, "PN", "A^B==C") }
        == #"{"00100010":{"vr":"PN","Value":[{"Alphabetic":"A^B","Phonetic":"C"}]}}"#)
    #expect(
      try Self.json { $0.explicit(0x0010_4000, "LT", " \"a\\b\"\t\r\n") }
        == #"{"00104000":{"vr":"LT","Value":[" \"a\\b\"\t\r\n"]}}"#)
    #expect(
      try Self.json { bytes in
        bytes.explicit(0x0008_0005, "CS", "ISO_IR 100")
        bytes.explicit(0x0010_0010, "PN", [0xC4, 0x20])
      } == #"{"00080005":{"vr":"CS","Value":["ISO_IR 192"]},"00100010":{"vr":"PN","Value":[{"Alphabetic":"Ä"}]}}"#)
  }

  @Test("streams of bytes: inline, by reference, left out; big endian words are turned")
  func bulk() throws {
    var bytes = EncodedBytes(isBigEndian: true)
    bytes.explicit(0x0028_3006, "OW", [0, 1, 0, 2])
    bytes.explicit(0x7FE0_0010, "OB", [1, 2, 3, 4])
    let dataSet = try DataSet(bytes.bytes, .explicitBigEndian)
    #expect(
      dataSet.json
        == #"{"00283006":{"vr":"OW","InlineBinary":"AQACAA=="},"7FE00010":{"vr":"OB","InlineBinary":"AQIDBA=="}}"#)
    let json = DICOMJSONWriter.json(dataSet) { element in
      element.tag == .pixelData ? .uri("../bulk/\(element.valueRange.lowerBound)") : .omitted
    }
    #expect(String(decoding: json, as: UTF8.self) == #"{"7FE00010":{"vr":"OB","BulkDataURI":"../bulk/28"}}"#)
    #expect(
      String(decoding: DICOMJSONWriter.json(dataSet) { _ in .withoutValue }, as: UTF8.self)
        == #"{"00283006":{"vr":"OW"},"7FE00010":{"vr":"OB"}}"#)
  }

  @Test("a LUT descriptor's first value is never negative")
  func lutDescriptor() throws {
    #expect(
      try Self.json { $0.explicit(0x0028_3002, "SS", [0, 0x80, 0, 0x80, 16, 0]) }
        == #"{"00283002":{"vr":"SS","Value":[32768,-32768,16]}}"#)
  }

  @Test("what is read from JSON is written as the same JSON")
  func roundTrip() throws {
    let text = #"""
      {"00080005":{"vr":"CS","Value":["ISO_IR 192"]},"00080008":{"vr":"CS","Value":["A",null,"B"]},"00080018":{"vr":"UI","Value":["1.2.3"]},"00081115":{"vr":"SQ","Value":[{"0020000E":{"vr":"UI","Value":["1.2"]}},{}]},"00091001":{"vr":"FL","Value":[0.1,"NaN","-inf"]},"00091002":{"vr":"UV","Value":["18446744073709551615",1]},"00091003":{"vr":"OB","InlineBinary":"AQIDBA=="},"00091004":{"vr":"AT","Value":["00100020"]},"00100010":{"vr":"PN","Value":[{"Alphabetic":"Yamada^Tarou","Ideographic":"山田^太郎"},{"Phonetic":"x"}]},"00100020":{"vr":"LO","Value":["P\"1"]},"00101030":{"vr":"DS","Value":[72.50]},"00200013":{"vr":"IS","Value":[7]},"00280010":{"vr":"US","Value":[512]},"00280106":{"vr":"SS","Value":[-5]},"00104000":{"vr":"LT"}}
      """#
    let sorted = text.replacing(#","00104000":{"vr":"LT"}}"#, with: "}").replacing(
      #""00200013""#, with: #""00104000":{"vr":"LT"},"00200013""#)
    let dataSet = try DICOMJSONReader.dataSet(try JSONDocument(text))
    #expect(dataSet.json == sorted)
    #expect(dataSet.tolerances.list.isEmpty)
    #expect(try DICOMJSONReader.dataSet(try JSONDocument(dataSet.json)).json == sorted)
  }

  /// PS3.18 F.2: text is UTF-8. In ISO_IR 13, 5C and 7E would be other characters.
  @Test("whatever character set the model tells of, the data set's is UTF-8", arguments: ["ISO_IR 13", "ISO_IR 100"])
  func characterSets(term: String) throws {
    for comment in ["a~b", "ä"] {
      let json = #"{"00080005":{"vr":"CS","Value":["\#(term)"]},"00104000":{"vr":"LT","Value":["\#(comment)"]}}"#
      let dataSet = try DICOMJSONReader.dataSet(try JSONDocument(json))
      #expect(dataSet.string(.specificCharacterSet) == "ISO_IR 192")
      #expect(dataSet.string(.patientComments) == comment)
      let xml = XMLTests.xml(
        #"<DicomAttribute tag="00080005" vr="CS"><Value number="1">\#(term)</Value></DicomAttribute>"#
          + #"<DicomAttribute tag="00104000" vr="LT"><Value number="1">\#(comment)</Value></DicomAttribute>"#)
      let other = try NativeXMLReader.dataSet(xml)
      #expect(other.string(.specificCharacterSet) == "ISO_IR 192")
      #expect(other.string(.patientComments) == comment)
    }
    let empty = try DICOMJSONReader.dataSet(try JSONDocument(#"{"00080005":{"vr":"CS"}}"#))
    #expect(empty[.specificCharacterSet]?.isEmpty == true)
  }

  @Test("bulk data is fetched by its reference")
  func bulkSource() throws {
    let document = try JSONDocument(#"{"7FE00010":{"vr":"OW","BulkDataURI":"x/1"}}"#)
    let dataSet = try DICOMJSONReader.dataSet(document) { uri, tag, vr in
      uri == "x/1" && tag == .pixelData && vr == .OW ? [1, 2, 3, 4] : []
    }
    #expect(dataSet[.pixelData].map { Array($0.bytes) } == [1, 2, 3, 4])
    #expect(try DICOMJSONReader.dataSet(document)[.pixelData]?.isEmpty == true)
  }

  @Test("a missing vr is the dictionary's; group 2 and group lengths are passed over")
  func lenient() throws {
    let document = try JSONDocument(
      #"{"00020010":{"vr":"UI","Value":["1.2"]},"00080000":{"vr":"UL","Value":[1]},"00100020":{"Value":["P1"]}}"#)
    #expect(try DICOMJSONReader.dataSet(document).json == #"{"00100020":{"vr":"LO","Value":["P1"]}}"#)
  }

  @Test(
    "what is not the model is refused",
    arguments: [
      "[]", "1", #"{"PatientID":{"vr":"LO"}}"#, #"{"0010002":{"vr":"LO"}}"#, #"{"00100020":1}"#,
      #"{"00100020":{"vr":"XX"}}"#, #"{"00091001":{"Value":["a"]}}"#, #"{"00100020":{"vr":"LO","Value":"a"}}"#,
      #"{"00100020":{"vr":"LO","Value":[{}]}}"#, #"{"00100020":{"vr":"LO","Value":[true]}}"#,
      #"{"00280010":{"vr":"US","Value":["a"]}}"#, #"{"00280010":{"vr":"US","Value":[65536]}}"#,
      #"{"00280010":{"vr":"US","Value":[1.5]}}"#, #"{"00091001":{"vr":"AT","Value":["0010"]}}"#,
      #"{"00091001":{"vr":"OB","InlineBinary":"*"}}"#, #"{"00091001":{"vr":"OB","InlineBinary":1}}"#,
      #"{"00091001":{"vr":"OB","BulkDataURI":1}}"#, #"{"00081115":{"vr":"SQ","Value":[1]}}"#,
    ])
  func invalid(text: String) throws {
    let document = try JSONDocument(text)
    #expect { try DICOMJSONReader.dataSet(document) } throws: { ($0 as? DICOMError)?.code == .invalidJSON }
  }

  @Test("items nested at the limit and past it")
  func depth() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: #"{"00081115":{"vr":"SQ","Value":["#, count: depth) + "{}"
        + String(repeating: "]}}", count: depth)
    }
    var limits = JSONLimits()
    limits.depthMax = 1000
    let most = DICOMLimits().sequenceDepthMax
    #expect(try DICOMJSONReader.dataSet(try JSONDocument(nested(most), limits: limits)).recordCount == 2 * most)
    let deeper = try JSONDocument(nested(most + 1), limits: limits)
    #expect { try DICOMJSONReader.dataSet(deeper) } throws: { ($0 as? DICOMError)?.code == .tooDeep }
  }
}
