import DICOMCore
import Testing

/// PS3.19 A.1, both ways.
@Suite("Native DICOM Model in XML")
struct XMLTests {
  static let head = #"""
    <?xml version="1.0" encoding="UTF-8"?>
    <NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM" xml:space="preserve">
    """#

  static func xml(_ content: String) -> [UInt8] { Array((head + content + "</NativeDicomModel>\n").utf8) }

  static var dataSet: DataSet {
    get throws {
      var bytes = EncodedBytes()
      bytes.explicit(0x0008_0005, "CS", "ISO_IR 192")
      bytes.explicit(0x0008_0008, "CS", "A\\\\B")
      bytes.sequence(0x0008_1115) { bytes in
        bytes.item { $0.explicit(0x0020_000E, "UI", "1.2\0") }
        bytes.item { _ in }
      }
      bytes.explicit(0x0009_0010, "LO", "ACESO & CO")
      bytes.explicit(0x0009_1001, "OB", [1, 2, 3, 4])
      bytes.explicit(0x0010_0010, "PN", "Yamada^Tarou^^Dr=山田^太郎")
      bytes.explicit(0x0010_4000, "LT", "<a>\r\n&\"")
      bytes.explicit(0x0028_0010, "US", [0, 2])
      bytes.explicit(0x0028_0034, "IS", "1\\2 ")
      return try DataSet(bytes.bytes)
    }
  }

  static let content =
    #"<DicomAttribute tag="00080005" vr="CS" keyword="SpecificCharacterSet"><Value number="1">ISO_IR 192</Value></DicomAttribute>"#
    + #"<DicomAttribute tag="00080008" vr="CS" keyword="ImageType"><Value number="1">A</Value><Value number="2"></Value><Value number="3">B</Value></DicomAttribute>"#
    + #"<DicomAttribute tag="00081115" vr="SQ" keyword="ReferencedSeriesSequence"><Item number="1"><DicomAttribute tag="0020000E" vr="UI" keyword="SeriesInstanceUID"><Value number="1">1.2</Value></DicomAttribute></Item><Item number="2"></Item></DicomAttribute>"#
    + #"<DicomAttribute tag="00090010" vr="LO"><Value number="1">ACESO &amp; CO</Value></DicomAttribute>"#
    + #"<DicomAttribute tag="00091001" vr="OB" privateCreator="ACESO &amp; CO"><InlineBinary>AQIDBA==</InlineBinary></DicomAttribute>"#
    + #"<DicomAttribute tag="00100010" vr="PN" keyword="PatientName"><PersonName number="1"><Alphabetic><FamilyName>Yamada</FamilyName><GivenName>Tarou</GivenName><NamePrefix>Dr</NamePrefix></Alphabetic><Ideographic><FamilyName>山田</FamilyName><GivenName>太郎</GivenName></Ideographic></PersonName></DicomAttribute>"#
    + #"<DicomAttribute tag="00104000" vr="LT" keyword="PatientComments"><Value number="1">&lt;a&gt;&#13;"#
    + "\n" + #"&amp;&quot;</Value></DicomAttribute>"#
    + #"<DicomAttribute tag="00280010" vr="US" keyword="Rows"><Value number="1">512</Value></DicomAttribute>"#
    + #"<DicomAttribute tag="00280034" vr="IS" keyword="PixelAspectRatio"><Value number="1">1</Value><Value number="2">2</Value></DicomAttribute>"#

  @Test("a data set as XML, and back")
  func bothWays() throws {
    let dataSet = try Self.dataSet
    let xml = NativeXMLWriter.xml(dataSet)
    #expect(String(decoding: xml, as: UTF8.self) == String(decoding: Self.xml(Self.content), as: UTF8.self))
    let back = try NativeXMLReader.dataSet(xml)
    #expect(back.json == dataSet.json)
    #expect(try back.encoded(as: .explicitLittleEndian) == dataSet.encoded(as: .explicitLittleEndian))
  }

  @Test("bulk data by reference")
  func bulk() throws {
    let xml = NativeXMLWriter.xml(try Self.dataSet) { _ in .uri("a?b&c") }
    #expect(String(decoding: xml, as: UTF8.self).contains(#"<BulkData uri="a?b&amp;c"/>"#))
    let back = try NativeXMLReader.dataSet(xml) { uri, _, _ in Array(uri.utf8) }
    #expect(back[Tag(0x0009, 0x1001)].map { String(decoding: $0.bytes, as: UTF8.self) } == "a?b&c\0")
  }

  @Test("prefixes, order, numbers, CDATA, comments")
  func variants() throws {
    let xml = #"""
      <?xml version="1.0"?><!-- x --><n:NativeDicomModel xmlns:n="http://dicom.nema.org/PS3.19/models/NativeDICOM">
        <n:DicomAttribute tag='00100020' vr='LO'><n:Value number="2">b</n:Value><n:Value number="1"><![CDATA[<a>]]></n:Value></n:DicomAttribute>
        <n:DicomAttribute tag="00080060" keyword="Modality"><n:Value number="1">CT</n:Value></n:DicomAttribute>
        <n:DicomAttribute tag="00100010" vr="PN"/>
      </n:NativeDicomModel>
      """#
    let dataSet = try NativeXMLReader.dataSet(Array(xml.utf8))
    #expect(
      dataSet.json
        == #"{"00080060":{"vr":"CS","Value":["CT"]},"00100010":{"vr":"PN"},"00100020":{"vr":"LO","Value":["<a>","b"]}}"#
    )
  }

  @Test(
    "what is not well-formed, or not the model, is refused",
    arguments: [
      "", "<a/>", "<NativeDicomModel>", "<NativeDicomModel></a>", "<NativeDicomModel/><NativeDicomModel/>",
      "<!DOCTYPE a [<!ENTITY b \"c\">]><NativeDicomModel/>", "<NativeDicomModel>&b;</NativeDicomModel>",
      "<NativeDicomModel>&#0;</NativeDicomModel>", "<NativeDicomModel a=\"1\" a=\"2\"/>", "<NativeDicomModel a=1/>",
      "<NativeDicomModel><DicomAttribute tag=\"1\" vr=\"LO\"/></NativeDicomModel>",
      "<NativeDicomModel><DicomAttribute tag=\"00091001\"/></NativeDicomModel>",
      "<NativeDicomModel><DicomAttribute tag=\"00280010\" vr=\"US\"><Value number=\"1\">x</Value></DicomAttribute></NativeDicomModel>",
      "<NativeDicomModel><DicomAttribute tag=\"00100020\" vr=\"LO\"><Value number=\"9999999\">x</Value></DicomAttribute></NativeDicomModel>",
      "<NativeDicomModel><DicomAttribute tag=\"00091001\" vr=\"OB\"><InlineBinary>*</InlineBinary></DicomAttribute></NativeDicomModel>",
      "<NativeDicomModel><!-- ",
    ])
  func invalid(text: String) {
    #expect { try NativeXMLReader.dataSet(Array(text.utf8)) } throws: { ($0 as? DICOMError)?.code == .invalidXML }
  }

  @Test("items nested at the limit and past it")
  func depth() throws {
    func nested(_ depth: Int) -> [UInt8] {
      Self.xml(
        String(repeating: #"<DicomAttribute tag="00081115" vr="SQ"><Item number="1">"#, count: depth)
          + String(repeating: "</Item></DicomAttribute>", count: depth))
    }
    let most = DICOMLimits().sequenceDepthMax
    #expect(try NativeXMLReader.dataSet(nested(most)).recordCount == 2 * most)
    for depth in [most + 1, 10_000] {
      #expect { try NativeXMLReader.dataSet(nested(depth)) } throws: { ($0 as? DICOMError)?.code == .tooDeep }
    }
  }
}
