import DICOMCore
import Foundation
import Testing

/// The pitfalls of PS3.5 and PS3.10 parsers, each with the tests that have its file.
@Suite("Pitfalls")
struct PitfallTests {
  /// A pitfall, and the tests as `File.function` of this target, or of another with its folder in front.
  static let table: [(String, [String])] = [
    ("1 preamble, prefix or file meta information missing", ["FileTests.missingParts", "FileTests.prefixElsewhere"]),
    (
      "2 group 2: its length wrong, its transfer syntax padded or absent",
      ["FileTests.groupLength", "FileTests.transferSyntax", "FileTests.implicitMeta"]
    ),
    (
      "3 the transfer syntax is false; the encoding changes within",
      ["FileTests.falseTransferSyntax", "ParserTests.mixed", "PitfallTests.implicitItems"]
    ),
    (
      "4 deflated: raw, with a zlib header, cut, a bomb",
      ["FileTests.deflated", "FileTests.bomb", "MutationTests.bombs"]
    ),
    (
      "5 bytes after the last element, a last element cut off",
      ["ParserTests.trailing", "StreamTests.truncated", "PixelDataTests.delimiters"]
    ),
    (
      "6 ACR-NEMA, GE's syntax, directories, other formats",
      [
        "FileTests.otherEncodings", "FileTests.directory", "FileTests.notDICOM",
      ]
    ),
    ("7 long and short lengths; too long for a short one", ["ParserTests.lengths", "EncodingTests.longValue"]),
    ("8 letters that are no VR", ["ParserTests.unknownVR"]),
    (
      "9 undefined lengths; UN as a sequence; private sequences",
      [
        "ParserTests.unSequence", "ParserTests.privateSequence", "ParserTests.delimiters",
      ]
    ),
    (
      "10 all mixtures of lengths; delimiters missing, wrong, swapped",
      [
        "ParserTests.sequences", "ParserTests.delimiters", "ParserTests.wrongLengths",
      ]
    ),
    ("11 odd lengths and padding", ["ParserTests.order", "EncodingTests.values", "ValueFaultTests.elements"]),
    (
      "12 VRs that depend on others; repeating groups",
      [
        "ParserTests.pixelRepresentation", "ParserTests.repeatingGroups", "JSONTests.lutDescriptor",
      ]
    ),
    (
      "13 private blocks; group lengths",
      [
        "ParserTests.privateElements", "ParserTests.groupLengths", "PitfallTests.privateCreators",
      ]
    ),
    (
      "14 order, duplicates, depth, claimed lengths, millions of items",
      [
        "ParserTests.order", "ParserTests.depth", "ParserTests.elements", "ParserTests.repetition",
        "MutationTests.claims", "MutationTests.nests",
      ]
    ),
    (
      "15 big endian, OW of 8 bits",
      [
        "ParserTests.bigEndian", "ParserTests.bigEndianPixels", "EncodingTests.wideEdit",
        "ImageCodecsTests/TranscodingTests.wideSamples",
      ]
    ),
    (
      "16 numbers, dates, times, UIDs out of form",
      [
        "JSONTests.decimals", "JSONTests.binary", "ValueFaultTests.oldForms", "ValueFaultTests.values",
        "DictionaryTests.uids",
      ]
    ),
    ("17 names: groups, components, a set for each", ["CharacterSetTests.groups", "CharacterSetTests.annexes"]),
    (
      "18 all character sets",
      [
        "CharacterSetTests.annexes", "CharacterSetTests.everyCode", "CharacterSetTests.fourBytes",
      ]
    ),
    ("19 the state of ISO 2022 ends with the line, the value, the component", ["CharacterSetTests.reset"]),
    ("20 a backslash that is half a character", ["CharacterSetTests.backslash"]),
    (
      "21 character sets inherited, not for all VRs, misspelt",
      [
        "CharacterSetTests.items", "CharacterSetTests.whichVRs", "CharacterSetTests.misspelt",
        "CharacterSetTests.undeclared",
      ]
    ),
    ("22 JSON and XML are UTF-8", ["JSONTests.text", "JSONTests.characterSets", "CharacterSetTests.undeclared"]),
    (
      "23 encapsulated frames",
      [
        "PixelDataTests.encapsulated", "PixelDataTests.extended", "PixelDataTests.delimiters",
      ]
    ),
    (
      "24 number of frames absent or wrong; frames that begin within a byte",
      [
        "PixelDataTests.native", "PixelDataTests.bits",
      ]
    ),
    (
      "25 measures, bits, colours",
      [
        "PixelDataTests.nonsense", "PixelDataTests.subsampled", "ImageCodecsTests/RenderingTests.overlays",
        "ImageCodecsTests/RenderingTests.inverse", "ImageCodecsTests/RenderingTests.palettes",
        "ImageCodecsTests/RenderingTests.colors",
      ]
    ),
    ("26 floating-point pixels", ["PixelDataTests.kinds"]),
    (
      "27 rescale, windows and tables",
      [
        "ImageCodecsTests/RenderingTests.linear", "ImageCodecsTests/RenderingTests.otherFunctions",
        "ImageCodecsTests/RenderingTests.ofDataSet", "ImageCodecsTests/RenderingTests.automatic",
        "ImageCodecsTests/RenderingTests.tables",
      ]
    ),
    ("28 no pixels at all", ["PixelDataTests.kinds"]),
    (
      "safety: UIDs as paths, polyglots, streams of other measures",
      [
        "DictionaryTests.uids", "FileTests.polyglot", "ImageCodecsTests/MalformedStreamTests.otherMeasures",
        "ImageCodecsTests/MalformedStreamTests.limit", "ImageCodecsTests/MalformedStreamTests.tiles",
      ]
    ),
  ]

  @Test("each has a test", arguments: table)
  func tested(pitfall: String, tests: [String]) throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    for test in tests {
      let target = test.contains("/") ? "../" + test.prefix { $0 != "/" } : "."
      let parts = (test.split(separator: "/").last ?? "").split(separator: ".")
      try #require(parts.count == 2)
      let file = folder.appendingPathComponent(target).appendingPathComponent("\(parts[0]).swift")
      let text = try String(contentsOf: file, encoding: .utf8)
      #expect(text.contains("func \(parts[1])("), "\(pitfall): \(test)")
    }
  }

  // MARK: Those that are nowhere else

  @Test("implicit items in a private sequence of an explicit data set")
  func implicitItems() throws {
    for isUndefined in [false, true] {
      var bytes = EncodedBytes()
      bytes.explicit(0x0008_0060, "CS", "CT")
      bytes.explicit(0x0009_0010, "LO", "MAKER ")
      bytes.sequence(0x0009_1001, isUndefined: isUndefined) { bytes in
        bytes.item(isUndefined: isUndefined) { item in
          item.implicit(0x0008_0060, "MR")
          item.implicit(0x0010_0020, "P2")
        }
      }
      bytes.explicit(0x0010_0020, "LO", "P1")
      let dataSet = try DataSet(bytes.bytes)
      let item = try #require(dataSet[Tag(0x0009, 0x1001)]?.items.first { _ in true })
      #expect(item.dataSet.string(.modality) == "MR")
      #expect(item.dataSet.string(.patientID) == "P2")
      #expect(dataSet.string(.patientID) == "P1")
      #expect(dataSet.tolerances.contains(.implicitElement))
      #expect(try dataSet.reencoded() == bytes.bytes)
    }
  }

  /// PS3.5 §7.8.1: a creator reserves a block in its own data set.
  @Test("a creator in another item reserves nothing; of two for one block the last counts")
  func privateCreators() throws {
    var bytes = EncodedBytes()
    bytes.sequence(0x0008_1115, vr: nil) { bytes in
      bytes.item { item in
        item.implicit(0x0019_0010, "SIEMENS MR HEADER ")
        item.implicit(0x0019_100C, "1000")
      }
      bytes.item { $0.implicit(0x0019_100C, "1000") }
    }
    bytes.implicit(0x0019_0010, "GEMS_ACQU_01")
    bytes.implicit(0x0019_0010, "SIEMENS MR HEADER ")
    bytes.implicit(0x0019_100C, "1000")
    let dataSet = try DataSet(bytes.bytes, .implicitLittleEndian)
    let items = try #require(dataSet[Tag(0x0008, 0x1115)]).items.map(\.dataSet)
    let tag = Tag(0x0019, 0x100C)
    #expect(items.map { $0[tag]?.vr } == [.IS, .UN])
    #expect(items[1][tag]?.privateCreator == nil)
    #expect(dataSet[tag]?.vr == .IS)
    #expect(dataSet[tag]?.privateCreator == "SIEMENS MR HEADER")
    #expect(dataSet.tolerances.kinds == [.privateElementWithoutCreator, .duplicateElement])
  }
}
