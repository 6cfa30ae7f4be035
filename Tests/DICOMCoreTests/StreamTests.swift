import DICOMCore
import Foundation
import TestSupport
import Testing

@Suite("Streamed DICOM files")
struct StreamTests {
  static func streamed(
    _ bytes: [UInt8], pieces: Int, limits: DICOMLimits = DICOMLimits()
  ) throws -> DICOMFile {
    var stream = DICOMStream(limits: limits)
    for start in stride(from: 0, to: bytes.count, by: pieces) {
      try stream.append(Array(bytes[start..<min(bytes.count, start + pieces)]))
    }
    return try stream.finish()
  }

  static func sample(_ transferSyntax: TransferSyntax = .explicitVRLittleEndian, pixels: Int = 200_000) throws
    -> [UInt8]
  {
    var bytes = EncodedBytes()
    bytes.explicit(0x0008_0005, "CS", "ISO_IR 100")
    bytes.explicit(0x0008_0016, "UI", "1.2.840.10008.5.1.4.1.1.7\0")
    bytes.explicit(0x0008_0018, "UI", "1.2.3.4\0")
    bytes.sequence(0x0008_1115, isUndefined: true) { bytes in
      bytes.item { $0.explicit(0x0020_000E, "UI", "1.2\0") }
      bytes.item(isUndefined: true) { $0.explicit(0x0042_0011, "OB", [UInt8](repeating: 7, count: 100_000)) }
    }
    bytes.explicit(0x0009_0010, "LO", "SIEMENS MR HEADER ")
    bytes.explicit(0x0009_1001, "UN", [UInt8](repeating: 9, count: 65_536))
    bytes.explicit(0x0010_0010, "PN", [0xC4, 0x41])
    bytes.explicit(0x7FE0_0010, "OW", [UInt8](repeating: 5, count: pixels))
    bytes.explicit(0xFFFC_FFFC, "OB", [0, 0])
    return try DICOMFile(EncodedBytes.file("1.2.840.10008.1.2.1", bytes.bytes)).encoded(as: transferSyntax)
  }

  @Test("pieces of any size give the data set that the whole gives, without the long values")
  func pieces() throws {
    for syntax in [
      TransferSyntax.explicitVRLittleEndian, .implicitVRLittleEndian, .explicitVRBigEndian,
      .deflatedExplicitVRLittleEndian,
    ] {
      let bytes = try Self.sample(syntax)
      let whole = try DICOMFile(bytes)
      for pieces in [1_000_000, 70_000, 4096, 997, 3] {
        let streamed = try Self.streamed(bytes, pieces: pieces)
        #expect(streamed.transferSyntax == syntax)
        #expect(streamed.dataSet.recordCount == whole.dataSet.recordCount)
        #expect(streamed.tolerances.kinds == whole.tolerances.kinds)
        #expect(streamed.dataSet.string(.patientName) == "ÄA")
        #expect(streamed.dataSet[.pixelData]?.valueRange == whole.dataSet[.pixelData]?.valueRange)
        #expect(streamed.dataSet[Tag(0x0009, 0x1001)]?.isResident == true)
        #expect(streamed.dataSet[.dataSetTrailingPadding]?.isResident == true)
        if pieces < 100_000 { #expect(streamed.dataSet[.pixelData]?.isResident == false) }
        let choice: BulkDataChoice = { .uri("\($0.valueRange)") }
        #expect(
          DICOMJSONWriter.json(streamed.dataSet, bulkData: choice)
            == DICOMJSONWriter.json(whole.dataSet, bulkData: choice))
      }
    }
  }

  @Test("all values of a long header are those of the file", arguments: [1_000_000, 4096, 7])
  func header(pieces: Int) throws {
    var bytes = EncodedBytes()
    bytes.explicit(0x0008_0018, "UI", "1.2.3.4\0")
    for number in 0..<300 { bytes.explicit(0x0009_1000 + UInt32(number), "LO", "value \(number + 1_000)") }
    bytes.explicit(0x0010_0020, "LO", "P1")
    let file = EncodedBytes.file("1.2.840.10008.1.2.1", bytes.bytes)
    let streamed = try Self.streamed(file, pieces: pieces)
    #expect(streamed.sopInstanceUID == "1.2.3.4")
    #expect(streamed.dataSet.string(.patientID) == "P1")
    #expect(streamed.dataSet.json == (try DICOMFile(file)).dataSet.json)
    // What a stream did not keep is not there, and nothing else in its place.
    #expect(streamed.source.bytes(at: 0, count: 4) == nil)
    #expect(streamed.source.withBytes(0..<streamed.dataSetOffset + 1) { $0.count } == nil)
  }

  @Test("a stream keeps the header, not the pixels; past its limit it is refused")
  func memory() throws {
    let head = try Self.sample(pixels: 0)
    let start = head.count - 12 - 14
    var limits = DICOMLimits()
    limits.residentBytesMax = 600_000
    var stream = DICOMStream(limits: limits)
    try stream.append(Array(head[..<start]))
    // 2 GB of pixel data go by.
    let count = 2_000_000_000
    var element = EncodedBytes()
    element.explicit(0x7FE0_0010, "OB", claims: count)
    try stream.append(element.bytes)
    let piece = [UInt8](repeating: 1, count: 10_000_000)
    for _ in 0..<count / piece.count { try stream.append(piece) }
    let file = try stream.finish()
    #expect(file.dataSet[.pixelData]?.length == count)
    #expect(file.tolerances.list.isEmpty)
    #expect { try file.dataSet.reencoded() } throws: { ($0 as? DICOMError)?.code == .notResident }

    limits.residentBytesMax = 20_000
    #expect { try Self.streamed(head, pieces: 1000, limits: limits) } throws: {
      ($0 as? DICOMError)?.code == .valueTooLarge
    }
  }

  @Test("of a file of 3 GB that is mapped only the header is read")
  func mapped() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("large.dcm")
    let count = 3_000_000_000
    var bytes = EncodedBytes()
    bytes.explicit(0x0010_0020, "LO", "P1")
    bytes.explicit(0x7FE0_0010, "OW", claims: count)
    let head = EncodedBytes.file("1.2.840.10008.1.2.1", bytes.bytes)
    #expect(FileManager.default.createFile(atPath: path, contents: Data(head)))
    let handle = try #require(FileHandle(forWritingAtPath: path))
    // Takes no room on the disk: what is not written has no blocks.
    try handle.truncate(atOffset: UInt64(head.count + count))
    try handle.close()
    let clock = ContinuousClock()
    let start = clock.now
    let file = try DICOMFile(path: path)
    #expect(file.dataSet[.pixelData]?.length == count)
    #expect(file.tolerances.list.isEmpty)
    let json = DICOMJSONWriter.json(file.dataSet) { .uri("\($0.length)") }
    #expect(json.count < 200)
    #expect(clock.now - start < .seconds(2))
  }

  @Test("a stream that ends early has what came, and says so")
  func truncated() throws {
    let bytes = try Self.sample()
    for end in stride(from: 340, to: bytes.count, by: 7919) {
      let cut = Array(bytes[..<end])
      let whole = Result { try DICOMFile(cut) }
      let streamed = Result { try Self.streamed(cut, pieces: 5000) }
      switch (whole, streamed) {
      case (.success(let whole), .success(let streamed)):
        #expect(whole.dataSet.recordCount == streamed.dataSet.recordCount, "cut at \(end)")
        #expect(streamed.tolerances.count > 0 || whole.tolerances.count == 0, "cut at \(end)")
      case (.failure(let whole), .failure(let streamed)):
        #expect((whole as? DICOMError)?.code == (streamed as? DICOMError)?.code)
      default: Issue.record("cut at \(end): the whole and the stream differ")
      }
    }
    var empty = DICOMStream()
    #expect { try empty.finish() } throws: { ($0 as? DICOMError)?.code == .notDICOM }
  }
}
