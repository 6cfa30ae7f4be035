import DICOMCore
import Testing

/// PS3.10 §7 and what is met instead: pitfalls 1 to 6.
@Suite("DICOM files")
struct FileTests {
  static var minimal: EncodedBytes {
    var bytes = EncodedBytes()
    bytes.explicit(0x0008_0016, "UI", "1.2.840.10008.5.1.4.1.1.7\0")
    bytes.explicit(0x0008_0018, "UI", "1.2.3.4\0")
    bytes.explicit(0x0010_0020, "LO", "P1")
    return bytes
  }

  static var minimalImplicit: [UInt8] {
    var bytes = EncodedBytes()
    bytes.implicit(0x0008_0016, "1.2.840.10008.5.1.4.1.1.7\0")
    bytes.implicit(0x0008_0018, "1.2.3.4\0")
    bytes.implicit(0x0010_0020, "P1")
    return bytes.bytes
  }

  static var minimalBigEndian: [UInt8] {
    var bytes = EncodedBytes(isBigEndian: true)
    bytes.explicit(0x0008_0016, "UI", "1.2.840.10008.5.1.4.1.1.7\0")
    bytes.explicit(0x0010_0020, "LO", "P1")
    bytes.explicit(0x0028_0010, "US", [1, 2])
    return bytes.bytes
  }

  @Test("a file as PS3.10 wants it has nothing to tolerate")
  func conformant() throws {
    let file = try DICOMFile(EncodedBytes.file("1.2.840.10008.1.2.1", Self.minimal.bytes))
    #expect(file.tolerances.list.isEmpty)
    #expect(file.preamble == 0..<128)
    #expect(file.transferSyntax == .explicitVRLittleEndian)
    #expect(file.sopInstanceUID == "1.2.3.4")
    #expect(file.fileMetaInformation?.implementationClassUID == "1.2.3")
    #expect(file.dataSet.string(.patientID) == "P1")
    #expect(file.dataSetOffset == file.source.count - Self.minimal.bytes.count)
  }

  @Test("a missing preamble, prefix or file meta information is tolerated")
  func missingParts() throws {
    let whole = EncodedBytes.file("1.2.840.10008.1.2.1", Self.minimal.bytes)
    for (drop, expected) in [(128, [Tolerance.Kind.missingPreamble]), (132, [.missingPreamble])] {
      let file = try DICOMFile(Array(whole.dropFirst(drop)))
      #expect(file.tolerances.kinds == expected)
      #expect(file.dataSet.string(.patientID) == "P1")
      #expect(file.preamble == nil)
    }
    for (bytes, encoding) in [
      (Self.minimal.bytes, TransferSyntax.explicitVRLittleEndian), (Self.minimalImplicit, .implicitVRLittleEndian),
      (Self.minimalBigEndian, .explicitVRBigEndian),
    ] {
      let file = try DICOMFile(bytes)
      #expect(file.transferSyntax == encoding)
      #expect(file.dataSet.string(.patientID) == "P1")
      #expect(file.tolerances.kinds == [.missingPreamble, .missingFileMetaInformation, .missingTransferSyntax])
    }
  }

  @Test("a preamble without prefix, and the four letters DICM within a value, are told apart")
  func prefixElsewhere() throws {
    let file = try DICOMFile([UInt8](repeating: 0, count: 128) + Self.minimal.bytes)
    #expect(file.dataSet.string(.patientID) == "P1")
    var bytes = EncodedBytes()
    bytes.explicit(0x0008_0005, "CS", "ISO_IR 100")
    bytes.explicit(0x0008_0008, "CS", String(repeating: "A", count: 128 - 18 - 8) + "DICM" + "BBBBBBBB")
    bytes.explicit(0x0010_0020, "LO", "P1")
    #expect(Array(bytes.bytes[128..<132]) == Array("DICM".utf8))
    #expect(try DICOMFile(bytes.bytes).dataSet.string(.patientID) == "P1")
  }

  @Test("group 2 is read to its end, whatever its length says")
  func groupLength() throws {
    var bytes = EncodedBytes.file("1.2.840.10008.1.2.1", Self.minimal.bytes)
    bytes[140] = 4
    let file = try DICOMFile(bytes)
    #expect(file.tolerances.kinds == [.wrongFileMetaInformationLength])
    #expect(file.dataSet.string(.patientID) == "P1")
  }

  @Test("an absent, padded or unknown transfer syntax")
  func transferSyntax() throws {
    var meta = EncodedBytes()
    meta.explicit(0x0002_0002, "UI", "1.2\0")
    let absent = try DICOMFile(DICOMFile.prefix + meta.bytes + Self.minimalImplicit)
    #expect(absent.transferSyntax == .implicitVRLittleEndian)
    #expect(absent.tolerances.contains(.missingTransferSyntax))
    for padding in ["\0", " ", "  \0"] {
      let padded = try DICOMFile(EncodedBytes.file("1.2.840.10008.1.2" + padding, Self.minimalImplicit))
      #expect(padded.transferSyntax == .implicitVRLittleEndian)
    }
    let unknown = try DICOMFile(EncodedBytes.file("1.2.3.4.5.6", Self.minimal.bytes))
    #expect(unknown.tolerances.kinds == [.unknownTransferSyntax])
    #expect(unknown.dataSet.string(.patientID) == "P1")
  }

  @Test("a false transfer syntax is found out")
  func falseTransferSyntax() throws {
    for (declared, dataSet, found) in [
      ("1.2.840.10008.1.2.1", Self.minimalImplicit, TransferSyntax.Encoding.implicitLittleEndian),
      ("1.2.840.10008.1.2", Self.minimal.bytes, .explicitLittleEndian),
      ("1.2.840.10008.1.2.1", Self.minimalBigEndian, .explicitBigEndian),
      ("1.2.840.10008.1.2.2", Self.minimal.bytes, .explicitLittleEndian),
      ("1.2.840.10008.1.2.1.99", Self.minimal.bytes, .explicitLittleEndian),
    ] {
      let file = try DICOMFile(EncodedBytes.file(declared, dataSet))
      #expect(file.transferSyntax.encoding == found)
      #expect(file.tolerances.kinds == [.wrongTransferSyntax])
      #expect(file.dataSet.string(.patientID) == "P1")
    }
  }

  @Test("implicit file meta information is read")
  func implicitMeta() throws {
    var meta = EncodedBytes()
    meta.implicit(0x0002_0002, "1.2.840.10008.5.1.4.1.1.7\0")
    meta.implicit(0x0002_0010, "1.2.840.10008.1.2\0")
    let file = try DICOMFile(DICOMFile.prefix + meta.bytes + Self.minimalImplicit)
    #expect(file.transferSyntax == .implicitVRLittleEndian)
    #expect(file.tolerances.contains(.implicitFileMetaInformation))
    #expect(file.dataSet.string(.patientID) == "P1")
  }

  @Test("a deflated data set is inflated; one with a zlib header or cut off is tolerated")
  func deflated() throws {
    let plain = try DICOMFile(EncodedBytes.file("1.2.840.10008.1.2.1", Self.minimal.bytes))
    let bytes = try plain.encoded(as: .deflatedExplicitVRLittleEndian)
    let file = try DICOMFile(bytes)
    #expect(file.tolerances.list.isEmpty)
    #expect(file.isDeflated)
    #expect(file.dataSet.string(.patientID) == "P1")
    let cut = try DICOMFile(Array(bytes.dropLast(6)))
    #expect(cut.tolerances.contains(.imperfectDeflate))
    // zlib's own format: 78 9C, the deflated bytes, a checksum.
    let start = file.dataSetOffset
    let wrapped = Array(bytes[..<start]) + [0x78, 0x9C] + Array(bytes[start...])
    let zlib = try DICOMFile(wrapped)
    #expect(zlib.tolerances.contains(.imperfectDeflate))
    #expect(zlib.dataSet.string(.patientID) == "P1")
  }

  @Test("a decompression bomb ends at the limit")
  func bomb() throws {
    var builder = DataSetBuilder()
    try builder.append(.sopClassUID, .UI, "1.2")
    try builder.append(.pixelData, .OW, bytes: [UInt8](repeating: 0, count: 10_000_000))
    let plain = try DICOMFile(EncodedBytes.file("1.2.840.10008.1.2.1", builder.bytes))
    let bytes = try plain.encoded(as: .deflatedExplicitVRLittleEndian)
    #expect(bytes.count < 30_000)
    var limits = DICOMLimits()
    limits.inflatedBytesMax = builder.bytes.count
    #expect(try DICOMFile(bytes, limits: limits).dataSet[.pixelData]?.length == 10_000_000)
    limits.inflatedBytesMax = builder.bytes.count - 1
    #expect { try DICOMFile(bytes, limits: limits) } throws: { ($0 as? DICOMError)?.code == .inflatedTooLarge }
    var stream = DICOMStream(limits: limits)
    #expect { try stream.append(bytes) } throws: { ($0 as? DICOMError)?.code == .inflatedTooLarge }
  }

  @Test("what is no DICOM is refused")
  func notDICOM() {
    let others: [[UInt8]] = [
      [], [1, 2, 3], Array("%PDF-1.7\n%âãÏÓ\n1 0 obj".utf8), Array(repeating: 0, count: 500),
      [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 0x0D], Array("{\"resourceType\":\"Patient\"}".utf8),
      Array("PK\u{3}\u{4}aaaaaaaaaaaaaaaaaaaaaaaa".utf8), Array(repeating: 0xFF, count: 300),
    ]
    for bytes in others {
      #expect { try DICOMFile(bytes) } throws: { ($0 as? DICOMError)?.code == .notDICOM }
    }
  }

  @Test("NEMA data sets in implicit big endian, and GE's syntax, are read")
  func otherEncodings() throws {
    var bytes = EncodedBytes(isBigEndian: true)
    bytes.implicit(0x0008_0016, "1.2\0\0\0")
    bytes.implicit(0x0028_0010, [1, 2])
    let file = try DICOMFile(bytes.bytes)
    #expect(file.dataSet.integer(.rows) == 0x0102)
    let ge = try DICOMFile(EncodedBytes.file("1.2.840.113619.5.2", Self.minimalImplicit))
    #expect(ge.transferSyntax == .geImplicitBigEndianPixels)
    #expect(ge.dataSet.string(.patientID) == "P1")
  }

  @Test("a media directory is told from an instance")
  func directory() throws {
    var bytes = EncodedBytes()
    bytes.explicit(0x0004_1130, "CS", "SET ")
    bytes.sequence(0x0004_1220) { $0.item { $0.explicit(0x0004_1430, "CS", "PATIENT ") } }
    let file = try DICOMFile(EncodedBytes.file("1.2.840.10008.1.2.1", bytes.bytes))
    #expect(file.isDirectory)
    #expect(try !DICOMFile(EncodedBytes.file("1.2.840.10008.1.2.1", Self.minimal.bytes)).isDirectory)
    // PS3.10 §8.6: records refer to one another by the offset of the item's tag in the file.
    let item = try #require(file.dataSet[.directoryRecordSequence]?.items.first { _ in true })
    #expect(item.offset == file.dataSetOffset + 12 + 12)
  }

  @Test("a polyglot: a preamble that is another format says nothing about the data set")
  func polyglot() throws {
    var bytes = EncodedBytes.file("1.2.840.10008.1.2.1", Self.minimal.bytes)
    for (place, byte) in Array("MZ\u{90}<script>alert(1)</script>".utf8).enumerated() { bytes[place] = byte }
    let file = try DICOMFile(bytes)
    #expect(file.dataSet.string(.patientID) == "P1")
    #expect(Array(try file.encoded(as: .explicitVRLittleEndian).prefix(128)) == Array(repeating: 0, count: 128))
  }
}
