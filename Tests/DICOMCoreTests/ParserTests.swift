import DICOMCore
import Testing

/// PS3.5 §7 and what is met instead: pitfalls 7 to 16 and the limits.
@Suite("Data set parser")
struct ParserTests {
  @Test("long and short lengths, by VR")
  func lengths() throws {
    for vr in VR.allCases where vr != .SQ {
      var bytes = EncodedBytes()
      bytes.explicit(0x0008_0005, "CS", "")
      bytes.explicit(0x0009_1001, vr.name.description, [1, 0, 0, 0, 0, 0, 0, 0])
      bytes.explicit(0x0010_0020, "LO", "P1")
      let dataSet = try DataSet(bytes.bytes)
      #expect(dataSet[Tag(0x0009, 0x1001)]?.vr == vr)
      #expect(dataSet[Tag(0x0009, 0x1001)]?.length == 8)
      #expect(dataSet.string(.patientID) == "P1")
    }
    let long: Set<VR> = [.OB, .OD, .OF, .OL, .OV, .OW, .SQ, .SV, .UC, .UN, .UR, .UT, .UV]
    #expect(Set(VR.allCases.filter(\.hasLongLength)) == long)
  }

  @Test("letters that are no VR are UN, with a length of either size", arguments: ["OX", "??", "ZZ", "\0\0", "  "])
  func unknownVR(letters: String) throws {
    for isLong in [false, true] where !(isLong && letters == "\0\0") {
      var bytes = EncodedBytes()
      bytes.explicit(0x0008_0016, "UI", "1.2\0")
      bytes.tag(0x0009_1001)
      bytes.bytes += Array(letters.utf8) + (isLong ? [0, 0, 4, 0, 0, 0] : [4, 0]) + [1, 2, 3, 4]
      bytes.explicit(0x0010_0020, "LO", "P1")
      let dataSet = try DataSet(bytes.bytes)
      #expect(dataSet[Tag(0x0009, 0x1001)]?.vr == .UN)
      #expect(dataSet[Tag(0x0009, 0x1001)].map { Array($0.bytes) } == [1, 2, 3, 4])
      #expect(dataSet.string(.patientID) == "P1")
      #expect(dataSet.tolerances.contains(.unknownVR))
      #expect(try dataSet.reencoded() == bytes.bytes)
    }
  }

  @Test("implicit elements in an explicit data set, and explicit ones in an implicit")
  func mixed() throws {
    var bytes = EncodedBytes()
    bytes.explicit(0x0008_0016, "UI", "1.2\0")
    bytes.implicit(0x0008_0060, "CT")
    bytes.explicit(0x0010_0020, "LO", "P1")
    let explicit = try DataSet(bytes.bytes)
    #expect(explicit.string(.modality) == "CT")
    #expect(explicit.string(.patientID) == "P1")
    #expect(explicit.tolerances.kinds == [.implicitElement])
    #expect(try explicit.reencoded() == bytes.bytes)

    bytes = EncodedBytes()
    bytes.implicit(0x0008_0016, "1.2\0")
    bytes.explicit(0x0008_0060, "CS", "CT")
    bytes.implicit(0x0010_0020, "P1")
    let implicit = try DataSet(bytes.bytes, .implicitLittleEndian)
    #expect(implicit.string(.modality) == "CT")
    #expect(implicit.string(.patientID) == "P1")
    #expect(implicit.tolerances.kinds == [.explicitElement])
  }

  @Test("sequences and items of defined and undefined length, in all mixtures and encodings")
  func sequences() throws {
    for encoding in [TransferSyntax.Encoding.explicitLittleEndian, .implicitLittleEndian, .explicitBigEndian] {
      for (sequence, item) in [(false, false), (false, true), (true, false), (true, true)] {
        var bytes = EncodedBytes(isBigEndian: encoding.isBigEndian)
        func add(_ bytes: inout EncodedBytes, _ tag: UInt32, _ vr: String, _ text: String) {
          if encoding.isImplicit { bytes.implicit(tag, text) } else { bytes.explicit(tag, vr, text) }
        }
        let vr = encoding.isImplicit ? nil : "SQ"
        bytes.sequence(0x0008_1115, vr: vr, isUndefined: sequence) { bytes in
          for number in 1...2 {
            bytes.item(isUndefined: item) { bytes in
              bytes.sequence(0x0008_1199, vr: vr, isUndefined: sequence) { bytes in
                bytes.item(isUndefined: item) { add(&$0, 0x0008_1155, "UI", "1.2.\(number)\0") }
                bytes.item(isUndefined: item) { _ in }
              }
              add(&bytes, 0x0020_000E, "UI", "9.\(number)\0")
            }
          }
        }
        add(&bytes, 0x0010_0020, "LO", "P1")
        let dataSet = try DataSet(bytes.bytes, encoding)
        #expect(dataSet.tolerances.list.isEmpty)
        let items = try #require(dataSet[Tag(0x0008, 0x1115)]).items.map { $0 }
        #expect(items.map { $0.dataSet.string(.seriesInstanceUID) } == ["9.1", "9.2"])
        #expect(items[1].hasUndefinedLength == item)
        let inner = items[1].dataSet[Tag(0x0008, 0x1199)]?.items.map { $0 }
        #expect(inner?.count == 2)
        #expect(inner?[0].dataSet.uid(.referencedSOPInstanceUID) == "1.2.2")
        #expect(inner?[1].dataSet.recordCount == 0)
        #expect(dataSet.string(.patientID) == "P1")
        #expect(try dataSet.reencoded() == bytes.bytes)
      }
    }
  }

  @Test("UN of undefined length is an implicit little endian sequence, in big endian too")
  func unSequence() throws {
    for isBigEndian in [false, true] {
      var inner = EncodedBytes()
      inner.item(isUndefined: true) { $0.implicit(0x0008_0060, "CT") }
      inner.delimiter(0xFFFE_E0DD)
      var bytes = EncodedBytes(isBigEndian: isBigEndian)
      bytes.explicit(0x0009_0010, "LO", "ACESO TEST")
      bytes.explicit(0x0009_1001, "UN", inner.bytes, claims: EncodedBytes.undefined)
      bytes.explicit(0x0010_0020, "LO", "P1")
      let dataSet = try DataSet(bytes.bytes, isBigEndian ? .explicitBigEndian : .explicitLittleEndian)
      let element = try #require(dataSet[privateGroup: 9, creator: "ACESO TEST", element: 1])
      #expect(element.vr == .SQ)
      #expect(element.isEncodedAsUN)
      #expect(element.items.map { $0.dataSet.string(.modality) } == ["CT"])
      #expect(dataSet.string(.patientID) == "P1")
      #expect(try dataSet.reencoded() == bytes.bytes)
    }
  }

  @Test("a private sequence in an implicit data set is seen by its first item")
  func privateSequence() throws {
    var bytes = EncodedBytes()
    bytes.implicit(0x0009_0010, "ACESO TEST")
    bytes.sequence(0x0009_1001, vr: nil) { $0.item { $0.implicit(0x0008_0060, "CT") } }
    bytes.implicit(0x0009_1002, [0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0, 0, 0])
    let dataSet = try DataSet(bytes.bytes, .implicitLittleEndian)
    #expect(dataSet[Tag(0x0009, 0x1001)]?.items.map { $0.dataSet.string(.modality) } == ["CT"])
    // An item that would be longer than the value is none.
    #expect(dataSet[Tag(0x0009, 0x1002)]?.vr == .UN)
  }

  @Test("missing, stray and wrong delimiters")
  func delimiters() throws {
    // Neither item nor sequence delimited at the end.
    var bytes = EncodedBytes()
    bytes.explicit(0x0008_1115, "SQ", claims: EncodedBytes.undefined)
    bytes.implicit(0xFFFE_E000, claims: EncodedBytes.undefined)
    bytes.explicit(0x0020_000E, "UI", "9.1\0")
    let open = try DataSet(bytes.bytes)
    #expect(open[Tag(0x0008, 0x1115)]?.items.map { $0.dataSet.string(.seriesInstanceUID) } == ["9.1"])
    #expect(open.tolerances.kinds == [.missingDelimiter, .missingDelimiter])
    // The item's delimiter is missing, the sequence's is there; and both have a length.
    bytes.delimiter(0xFFFE_E0DD, length: 2)
    bytes.explicit(0x0010_0020, "LO", "P1")
    let half = try DataSet(bytes.bytes)
    #expect(half.string(.patientID) == "P1")
    #expect(half.tolerances.kinds == [.missingDelimiter, .delimiterLength])
    // A delimiter that closes nothing.
    bytes = EncodedBytes()
    bytes.delimiter(0xFFFE_E00D)
    bytes.explicit(0x0010_0020, "LO", "P1")
    bytes.delimiter(0xFFFE_E0DD)
    let stray = try DataSet(bytes.bytes)
    #expect(stray.string(.patientID) == "P1")
    #expect(stray.tolerances.kinds == [.strayDelimiter, .strayDelimiter])
    // An item in the other byte order.
    bytes = EncodedBytes()
    bytes.explicit(0x0008_1115, "SQ", claims: EncodedBytes.undefined)
    bytes.isBigEndian = true
    bytes.item(isUndefined: true) { $0.explicit(0x0028_0010, "US", [0, 7]) }
    bytes.isBigEndian = false
    bytes.delimiter(0xFFFE_E0DD)
    let swapped = try DataSet(bytes.bytes)
    #expect(swapped[[Tag(0x0008, 0x1115), .rows]]?.integer == 7)
    #expect(swapped.tolerances.contains(.swappedItemTag))
  }

  @Test("an item whose length is too small, and a value whose length is too large")
  func wrongLengths() throws {
    var bytes = EncodedBytes()
    bytes.explicit(0x0008_1115, "SQ", claims: 8 + 18)
    bytes.implicit(0xFFFE_E000, claims: 18)
    bytes.explicit(0x0008_0060, "CS", "CT")
    bytes.explicit(0x0020_000E, "UI", claims: 40)
    // The item should end here; the value claims more than the item, and an element follows.
    bytes.explicit(0x0010_0020, "LO", "P1")
    let item = try DataSet(bytes.bytes)
    #expect(item.tolerances.contains(.valueBeyondItem))
    #expect(item.string(.patientID) == "P1")
    // A value beyond the end is cut, whatever it claims, and nothing is reserved for it.
    bytes = EncodedBytes()
    bytes.explicit(0x0010_0020, "LO", "P1")
    bytes.explicit(0x7FE0_0010, "OB", [1, 2, 3], claims: 0xFFFF_FFF0)
    let cut = try DataSet(bytes.bytes)
    #expect(cut[.pixelData]?.length == 3)
    #expect(cut.tolerances.kinds == [.truncatedValue, .oddLength])
  }

  @Test("bytes after the last data element")
  func trailing() throws {
    for tail in [[UInt8](repeating: 0, count: 64), [0, 0, 0], Array("trailing text that is none".utf8)] {
      var bytes = EncodedBytes()
      bytes.explicit(0x0010_0020, "LO", "P1")
      let dataSet = try DataSet(bytes.bytes + tail)
      #expect(dataSet.string(.patientID) == "P1")
      #expect(dataSet.tolerances.kinds == [.trailingBytes])
      #expect(dataSet.range == 0..<bytes.bytes.count)
    }
    var bytes = EncodedBytes()
    bytes.explicit(0x0010_0020, "LO", "P1")
    bytes.explicit(0xFFFC_FFFC, "OB", [UInt8](repeating: 0, count: 126))
    let padded = try DataSet(bytes.bytes)
    #expect(padded[.dataSetTrailingPadding]?.length == 126)
    #expect(padded.tolerances.list.isEmpty)
  }

  @Test("odd lengths, order, duplicates; the later of two is the one")
  func order() throws {
    var bytes = EncodedBytes()
    bytes.explicit(0x0010_0020, "LO", "P1")
    bytes.explicit(0x0008_0060, "CS", "CT ")
    bytes.explicit(0x0010_0020, "LO", "P2")
    bytes.explicit(0x0010_0020, "LO", "P3")
    let dataSet = try DataSet(bytes.bytes)
    #expect(dataSet.tolerances.kinds == [.oddLength, .unorderedElements, .duplicateElement, .duplicateElement])
    #expect(dataSet.string(.patientID) == "P3")
    #expect(dataSet.string(.modality) == "CT")
    #expect(dataSet.json == #"{"00080060":{"vr":"CS","Value":["CT"]},"00100020":{"vr":"LO","Value":["P3"]}}"#)
    #expect(try dataSet.reencoded() == bytes.bytes)
    var canonical = EncodedBytes()
    canonical.explicit(0x0008_0060, "CS", "CT  ")
    canonical.explicit(0x0010_0020, "LO", "P3")
    #expect(try dataSet.encoded(as: .explicitLittleEndian) == canonical.bytes)
  }

  @Test("US or SS by the pixel representation of the data set or the one around it")
  func pixelRepresentation() throws {
    for (own, outer, expected) in [(nil, 1, VR.SS), (nil, 0, .US), (0, 1, .US), (1, 0, .SS), (nil, nil, .US)]
      as [(UInt8?, UInt8?, VR)]
    {
      var bytes = EncodedBytes()
      bytes.sequence(0x0022_1450, vr: nil) { bytes in
        bytes.item { bytes in
          if let own { bytes.implicit(0x0028_0103, [own, 0]) }
          bytes.implicit(0x0040_9211, [0xFF, 0xFF])
        }
      }
      if let outer { bytes.implicit(0x0028_0103, [outer, 0]) }
      bytes.implicit(0x0028_0106, [0xFF, 0xFF])
      bytes.implicit(0x7FE0_0010, [1, 2])
      let dataSet = try DataSet(bytes.bytes, .implicitLittleEndian)
      let nested = dataSet[[Tag(0x0022, 0x1450), Tag(0x0040, 0x9211)]]
      #expect(nested?.vr == expected)
      #expect(nested?.integer == (expected == .SS ? -1 : 65535))
      #expect(dataSet[.smallestImagePixelValue]?.vr == (outer == 1 ? .SS : .US))
      #expect(dataSet[.pixelData]?.vr == .OW)
    }
  }

  @Test("repeating groups")
  func repeatingGroups() throws {
    var bytes = EncodedBytes()
    bytes.implicit(0x0020_3105, "AB")
    bytes.implicit(0x5004_0005, [1, 0])
    bytes.implicit(0x601E_0010, [1, 0])
    bytes.implicit(0x601E_3000, [1, 0])
    let dataSet = try DataSet(bytes.bytes, .implicitLittleEndian)
    #expect(dataSet.elements.map(\.vr) == [.CS, .US, .US, .OW])
    #expect(Tag(0x601E, 0x3000).keyword == "OverlayData")
    #expect(Tag(0x6101, 0x3000).keyword == nil)
  }

  @Test("private elements have their creators' VRs; illegal and ownerless ones are noted")
  func privateElements() throws {
    var bytes = EncodedBytes()
    bytes.implicit(0x0019_0010, "SIEMENS MR HEADER ")
    bytes.implicit(0x0019_0011, "GEMS_ACQU_01")
    bytes.implicit(0x0019_100C, "1000")
    bytes.implicit(0x0019_1102, [5, 0, 0, 0])
    bytes.implicit(0x0019_1299, "A ")
    bytes.implicit(0x0021_0002, "B ")
    let dataSet = try DataSet(bytes.bytes, .implicitLittleEndian)
    #expect(dataSet.elements.map(\.vr) == [.LO, .LO, .IS, .SL, .UN, .UN])
    #expect(dataSet[privateGroup: 0x19, creator: "SIEMENS MR HEADER", element: 0x0C]?.integer == 1000)
    #expect(dataSet[Tag(0x0019, 0x1102)]?.privateCreator == "GEMS_ACQU_01")
    #expect(dataSet[Tag(0x0019, 0x1299)]?.privateCreator == nil)
    #expect(dataSet.tolerances.kinds == [.privateElementWithoutCreator, .illegalGroup])
    #expect(PrivateDictionary.standard.entry(Tag(0x0019, 0x420C), creator: "SIEMENS MR HEADER")?.vr == .IS)
  }

  @Test("group lengths are read and not written")
  func groupLengths() throws {
    var bytes = EncodedBytes()
    bytes.explicit(0x0008_0000, "UL", [10, 0, 0, 0])
    bytes.explicit(0x0008_0060, "CS", "CT")
    let dataSet = try DataSet(bytes.bytes)
    #expect(dataSet.integer(Tag(0x0008, 0)) == 10)
    #expect(dataSet.json == #"{"00080060":{"vr":"CS","Value":["CT"]}}"#)
    #expect(try dataSet.encoded(as: .explicitLittleEndian) == Array(bytes.bytes.dropFirst(12)))
    #expect(try dataSet.reencoded() == bytes.bytes)
  }

  @Test("big endian: each VR by the size of its words")
  func bigEndian() throws {
    var bytes = EncodedBytes(isBigEndian: true)
    for (number, vr) in VR.allCases.filter({ $0 != .SQ && $0 != .UN }).enumerated() {
      bytes.explicit(0x0009_1001 + UInt32(number), vr.name.description, [1, 2, 3, 4, 5, 6, 7, 8])
    }
    let dataSet = try DataSet(bytes.bytes, .explicitBigEndian)
    let little = try DataSet(try dataSet.encoded(as: .explicitLittleEndian))
    for element in little.elements {
      let expected: [UInt8] =
        switch element.vr {
        case .US, .SS, .OW, .AT: [2, 1, 4, 3, 6, 5, 8, 7]
        case .UL, .SL, .FL, .OF, .OL: [4, 3, 2, 1, 8, 7, 6, 5]
        case .FD, .OD, .SV, .UV, .OV: [8, 7, 6, 5, 4, 3, 2, 1]
        default: [1, 2, 3, 4, 5, 6, 7, 8]
        }
      #expect(Array(element.bytes) == expected, "\(element.vr)")
    }
    #expect(try little.encoded(as: .explicitBigEndian) == bytes.bytes)
    #expect(dataSet.json == little.json)
  }

  @Test("pixels of 32 bits in big endian are turned as whole numbers, of 8 and 16 bits as words")
  func bigEndianPixels() throws {
    for (bits, expected) in [(8, [2, 1, 4, 3]), (16, [2, 1, 4, 3]), (32, [4, 3, 2, 1])] as [(UInt8, [UInt8])] {
      var bytes = EncodedBytes(isBigEndian: true)
      bytes.explicit(0x0028_0100, "US", [0, bits])
      bytes.explicit(0x7FE0_0010, "OW", [1, 2, 3, 4])
      let little = try DataSet(
        try DataSet(bytes.bytes, .explicitBigEndian).encoded(as: .explicitLittleEndian))
      #expect(little[.pixelData].map { Array($0.bytes) } == expected)
      #expect(try little.encoded(as: .explicitBigEndian) == bytes.bytes)
    }
  }

  // MARK: Limits

  static func nested(_ depth: Int, isUndefined: Bool) -> [UInt8] {
    if isUndefined {
      var bytes = EncodedBytes()
      for _ in 0..<depth {
        bytes.explicit(0x0008_1115, "SQ", claims: EncodedBytes.undefined)
        bytes.implicit(0xFFFE_E000, claims: EncodedBytes.undefined)
      }
      return bytes.bytes
    }
    var bytes = EncodedBytes()
    for level in stride(from: depth - 1, through: 0, by: -1) {
      bytes.explicit(0x0008_1115, "SQ", claims: 8 + 20 * level)
      bytes.implicit(0xFFFE_E000, claims: 20 * level)
    }
    return bytes.bytes
  }

  @Test("nesting at the limit and past it, up to 10,000 deep")
  func depth() throws {
    let limits = DICOMLimits()
    for isUndefined in [false, true] {
      let deepest = try DataSet(Self.nested(limits.sequenceDepthMax, isUndefined: isUndefined))
      #expect(deepest.recordCount == 2 * limits.sequenceDepthMax)
      #expect(!deepest.json.isEmpty)
      for depth in [limits.sequenceDepthMax + 1, 10_000, 100_000] {
        let bytes = Self.nested(depth, isUndefined: isUndefined)
        #expect { try DataSet(bytes) } throws: { ($0 as? DICOMError)?.code == .tooDeep }
        #expect { try DICOMFile(EncodedBytes.file("1.2.840.10008.1.2.1", bytes)) } throws: {
          ($0 as? DICOMError)?.code == .tooDeep
        }
      }
    }
  }

  @Test("elements at the limit and past it; millions of empty items")
  func elements() throws {
    var limits = DICOMLimits()
    limits.elementsMax = 100
    var bytes = EncodedBytes()
    for number in 0..<100 { bytes.explicit(0x0009_1000 + UInt32(number), "LO", "") }
    #expect(try DataSet(bytes.bytes, limits: limits).recordCount == 100)
    bytes.explicit(0x0010_0020, "LO", "")
    #expect { try DataSet(bytes.bytes, limits: limits) } throws: { ($0 as? DICOMError)?.code == .tooManyElements }
    var items = EncodedBytes()
    items.explicit(0x0008_1115, "SQ", claims: EncodedBytes.undefined)
    let item: [UInt8] = [0xFE, 0xFF, 0, 0xE0, 0, 0, 0, 0]
    items.bytes.reserveCapacity(20_000_000)
    for _ in 0..<2_100_000 { items.bytes += item }
    #expect { try DataSet(items.bytes) } throws: { ($0 as? DICOMError)?.code == .tooManyElements }
  }

  @Test("what is quick once is quick a hundred thousand times")
  func repetition() throws {
    var bytes = EncodedBytes()
    bytes.explicit(0x0008_1115, "SQ", claims: EncodedBytes.undefined)
    for number in 0..<100_000 {
      bytes.item { $0.explicit(0x0008_0005, "CS", "SET \(number % 90_000 + 100_000)") }
    }
    bytes.delimiter(0xFFFE_E0DD)
    for group in 0..<400 {
      for element in 0..<250 { bytes.explicit(UInt32((0x0009 + 2 * group) << 16 | 0x1000 + element), "UN", [1, 2]) }
    }
    let start = ContinuousClock.now
    let dataSet = try DataSet(bytes.bytes)
    #expect(dataSet.recordCount == 300_001)
    #expect(!NativeXMLWriter.xml(dataSet).isEmpty)
    #expect(!dataSet.json.isEmpty)
    #expect(try !dataSet.encoded(as: .explicitBigEndian).isEmpty)
    #expect(ContinuousClock.now - start < .seconds(20))
  }

  @Test("values at the limit and past it")
  func values() throws {
    var limits = DICOMLimits()
    limits.textBytesMax = 1000
    for (count, isRefused) in [(1000, false), (1002, true)] {
      var bytes = EncodedBytes()
      bytes.explicit(0x0010_4000, "LT", String(repeating: "A", count: count))
      let result = Result { try DataSet(bytes.bytes, limits: limits) }
      switch result {
      case .success: #expect(!isRefused)
      case .failure(let error): #expect(isRefused && (error as? DICOMError)?.code == .valueTooLarge)
      }
      // A stream of bytes may be of any length.
      var binary = EncodedBytes()
      binary.explicit(0x7FE0_0010, "OB", [UInt8](repeating: 0, count: count))
      #expect(try DataSet(binary.bytes, limits: limits)[.pixelData]?.length == count)
    }
  }

  @Test("faults past the limit of the list are counted")
  func tolerances() throws {
    var limits = DICOMLimits()
    limits.tolerancesMax = 3
    var bytes = EncodedBytes()
    for _ in 0..<10 { bytes.explicit(0x0010_0020, "LO", "P") }
    let dataSet = try DataSet(bytes.bytes, limits: limits)
    #expect(dataSet.tolerances.list.count == 3)
    #expect(dataSet.tolerances.count == 19)
  }
}
