import DICOMCore
import Testing

/// Writing: PS3.5 §7, PS3.10 §7.
@Suite("Writing data sets")
struct EncodingTests {
  @Test("from any encoding to any other and back is the same")
  func encodings() throws {
    let file = try DICOMFile(StreamTests.sample())
    let syntaxes: [TransferSyntax] = [
      .explicitVRLittleEndian, .implicitVRLittleEndian, .explicitVRBigEndian, .deflatedExplicitVRLittleEndian,
    ]
    for first in syntaxes {
      let one = try DICOMFile(try file.encoded(as: first))
      #expect(one.tolerances.list.isEmpty)
      #expect(one.fileMetaInformation?.transferSyntaxUID == first.uid)
      for second in syntaxes {
        let two = try DICOMFile(try one.encoded(as: second))
        #expect(try two.encoded(as: .explicitVRLittleEndian) == file.encoded(as: .explicitVRLittleEndian))
      }
    }
  }

  @Test("a value too long for its VR is UN in explicit encodings, and its own VR again in implicit")
  func longValue() throws {
    for (count, vr) in [(65_534, VR.LO), (65_536, .UN)] {
      var bytes = EncodedBytes()
      bytes.implicit(0x0010_1040, [UInt8](repeating: 65, count: count))
      let implicit = try DataSet(bytes.bytes, .implicitLittleEndian)
      let explicit = try implicit.encoded(as: .explicitLittleEndian)
      #expect(Array(explicit[4..<6]) == Array(vr.name.description.utf8))
      let back = try DataSet(explicit)
      #expect(back[Tag(0x0010, 0x1040)]?.vr == .LO)
      #expect(try back.encoded(as: .implicitLittleEndian) == bytes.bytes)
    }
  }

  @Test("elements put in, replaced and left out")
  func edits() throws {
    var bytes = EncodedBytes()
    bytes.explicit(0x0008_0060, "CS", "CT")
    bytes.explicit(0x0010_0020, "LO", "P1")
    bytes.explicit(0x0020_0013, "IS", "1 ")
    let dataSet = try DataSet(bytes.bytes)
    let edits = [
      DataSetEdit(setting: .rows, .US, [0, 2]), DataSetEdit(removing: .instanceNumber),
      DataSetEdit(setting: .patientID, .LO, "P23"), DataSetEdit(setting: .sopClassUID, .UI, "1.2"),
      DataSetEdit(removing: .columns),
    ]
    var expected = EncodedBytes()
    expected.explicit(0x0008_0016, "UI", "1.2\0")
    expected.explicit(0x0008_0060, "CS", "CT")
    expected.explicit(0x0010_0020, "LO", "P23 ")
    expected.explicit(0x0028_0010, "US", [0, 2])
    #expect(try dataSet.encoded(as: .explicitLittleEndian, edits: edits) == expected.bytes)
    #expect(try dataSet.reencoded(edits: edits) == expected.bytes)
    let big = try DataSet(try dataSet.encoded(as: .explicitBigEndian, edits: edits), .explicitBigEndian)
    #expect(big.integer(.rows) == 512)
  }

  @Test("pixel data put in: words of 16 bits, or as wide as a pixel, change places in big endian")
  func wideEdit() throws {
    for (bits, expected) in [(16, [2, 1, 4, 3]), (32, [4, 3, 2, 1])] as [(UInt8, [UInt8])] {
      var bytes = EncodedBytes()
      bytes.explicit(0x0028_0100, "US", [16, 0])
      let edits = [
        DataSetEdit(setting: .bitsAllocated, .US, [bits, 0]), DataSetEdit(setting: .pixelData, .OW, [1, 2, 3, 4]),
      ]
      let encoded = try DataSet(bytes.bytes).encoded(as: .explicitBigEndian, edits: edits)
      #expect(Array(encoded.suffix(4)) == expected)
      #expect(try DataSet(encoded, .explicitBigEndian).encoded(as: .explicitLittleEndian).suffix(4) == [1, 2, 3, 4])
    }
  }

  @Test("a header alone: the value is put behind it")
  func header() throws {
    var builder = DataSetBuilder()
    try builder.appendHeader(.pixelData, .OB, length: 3)
    let dataSet = try DataSet(builder.bytes + [1, 2, 3, 0])
    #expect(dataSet[.pixelData]?.value == [1, 2, 3, 0])
    #expect(dataSet.tolerances.list.isEmpty)
    try builder.appendHeader(.patientID, .LO, length: 65_534)
    for (vr, length) in [(VR.LO, 65_535), (.OB, 0xFFFF_FFFE), (.OB, -1)] {
      if vr == .OB, length > 0 {
        #expect(throws: Never.self) { try builder.appendHeader(.pixelData, vr, length: length) }
        #expect(throws: DICOMError.self) { try builder.appendHeader(.pixelData, vr, length: length + 1) }
      } else {
        #expect(throws: DICOMError.self) { try builder.appendHeader(.pixelData, vr, length: length) }
      }
    }
  }

  @Test("a file made from values")
  func build() throws {
    var builder = DataSetBuilder()
    try builder.append(.specificCharacterSet, .CS, "ISO_IR 192")
    try builder.append(.sopClassUID, .UI, "1.2.840.10008.5.1.4.1.1.7")
    try builder.append(.patientName, .PN, "Jérôme")
    try builder.append(.pixelSpacing, .DS, doubles: [0.5, 1.25])
    try builder.append(.pixelRepresentation, .US, integers: [1])
    try builder.append(.pixelPaddingValue, .SS, integers: [-2000])
    builder.beginSequence(.requestAttributesSequence)
    builder.beginItem()
    try builder.append(.scheduledProcedureStepID, .SH, "S1")
    try builder.endItem()
    try builder.endSequence()
    try builder.appendFragments(offsetTable: [0, 12], [[1, 2, 3], [4, 5]])
    let dataSet = try builder.dataSet()
    #expect(dataSet.tolerances.list.isEmpty)
    #expect(dataSet[.pixelSpacing]?.doubles == [0.5, 1.25])
    #expect(dataSet.integer(.pixelPaddingValue) == -2000)
    #expect(dataSet[[.requestAttributesSequence, .scheduledProcedureStepID]]?.string == "S1")
    #expect(dataSet[.pixelData]?.fragments.map(\.count) == [8, 4, 2])
    let meta = try FileMetaInformation.encoded(
      mediaStorageSOPClassUID: "1.2.840.10008.5.1.4.1.1.7", mediaStorageSOPInstanceUID: "1.2.3",
      transferSyntax: TransferSyntax(uid: "1.2.840.10008.1.2.4.50"), sourceApplicationEntityTitle: "ACESO")
    let file = try DICOMFile(DICOMFile.prefix + meta + builder.bytes)
    #expect(file.tolerances.list.isEmpty)
    #expect(file.transferSyntax.isEncapsulated)
    #expect(file.transferSyntax.name == "JPEG Baseline (Process 1)")
    #expect(FileMetaInformation.implementationClassUID.isValid)
    #expect(try file.dataSet.reencoded() == builder.bytes)
  }

  @Test("values as text and numbers")
  func values() throws {
    var bytes = EncodedBytes()
    bytes.explicit(0x0008_0008, "CS", "A\\ B \\\\C ")
    bytes.explicit(0x0010_1010, "AS", "042Y")
    bytes.explicit(0x0010_1030, "DS", "+72.5 ")
    bytes.explicit(0x0010_4000, "LT", " a\\b  ")
    bytes.explicit(0x0020_0013, "IS", "-7")
    bytes.explicit(0x0020_1208, "IS", "3.0 ")
    bytes.explicit(0x0040_A30A, "DS", "1e2\\x ")
    let dataSet = try DataSet(bytes.bytes)
    #expect(dataSet[.imageType]?.strings == ["A", "B", "", "C"])
    #expect(dataSet[.imageType]?.valueMultiplicity == 4)
    #expect(dataSet[.patientWeight]?.double == 72.5)
    #expect(dataSet[.patientWeight]?.value == Array("+72.5 ".utf8))
    #expect(dataSet.source.withBytes(0..<4) { Array($0) } == [8, 0, 8, 0])
    #expect(dataSet.source.withBytes(0..<100_000) { Array($0) } == nil)
    #expect(dataSet[.patientComments]?.strings == [" a\\b"])
    #expect(dataSet.integer(.instanceNumber) == -7)
    #expect(dataSet.integer(Tag(0x0020, 0x1208)) == 3)
    #expect(dataSet[Tag(0x0040, 0xA30A)]?.doubles == [100])
  }
}
