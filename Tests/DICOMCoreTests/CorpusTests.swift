import DICOMCore
import Foundation
import JSONCore
import TestSupport
import Testing

/// Every file of the data set `dicom`: read, written back, and compared with what pydicom makes of it.
@Suite("DICOM files of others", .enabled(if: ConformanceData.has("dicom"), "needs data set dicom"))
struct CorpusTests {
  static let root = ConformanceData.path("dicom")

  static let files: [String] = {
    let all = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
    return all.filter { path in
      let name = path.split(separator: "/").last.map(String.init) ?? path
      return !name.uppercased().contains("LICENSE") && name != "SOURCE.txt"
        && (try? FileManager.default.attributesOfItem(atPath: root + "/" + path)[.type] as? FileAttributeType)
          == .typeRegular
    }.sorted()
  }()

  /// Files that are no DICOM.
  static let refused: Set<String> = [
    // A byte stands in front of the first tag.
    "no_meta.dcm"
  ]

  /// Files whose data set is not written back as it was, and why. Each is faulty, and noted so.
  static let notIdentical: [String: Tolerance.Kind] = [
    // Cut off within the last value: the length that is written is the true one.
    "3gb-bulk-data-truncated": .truncatedValue, "MR_truncated.dcm": .truncatedValue,
    "rtplan_truncated.dcm": .truncatedValue, "RG1_J2KI.dcm": .truncatedValue,
    // Cut off after the last fragment: its sequence gets the delimiter it lacks.
    "GH1339.dcm": .missingDelimiter, "emri_small_jpeg_2k_lossless_too_short.dcm": .missingDelimiter,
    // Delimiters and item tags where nothing is open are left out.
    "DIRW0007": .strayDelimiter, "FreezePattern.dcm": .strayDelimiter, "GH064.dcm": .strayDelimiter,
    "GH364.dcm": .strayDelimiter,
    // A sequence's length leaves out a delimiter or an item.
    "GH626.dcm": .valueBeyondItem, "DICOMDIR-nooffset": .valueBeyondItem,
  ]

  @Test("all are read; the data set is written back byte for byte unless it is faulty")
  func roundTrip() throws {
    var (read, identical, exceptions) = (0, 0, 0)
    for path in Self.files {
      let name = path.split(separator: "/").last.map(String.init) ?? path
      let file: DICOMFile
      do {
        file = try DICOMFile(path: Self.root + "/" + path)
      } catch {
        #expect(error.code == .notDICOM && Self.refused.contains(name), "\(path): \(error.message)")
        continue
      }
      read += 1
      #expect(file.dataSet.recordCount > 0, "\(path)")
      let range = file.dataSet.range
      let original = try #require(file.dataSet.source.bytes(at: range.lowerBound, count: range.count))
      if try file.dataSet.reencoded().elementsEqual(original) {
        identical += 1
        #expect(Self.notIdentical[name] == nil, "\(path) is identical")
      } else {
        exceptions += 1
        let reason = Self.notIdentical[name]
        #expect(reason.map { file.tolerances.contains($0) } == true, "\(path): \(file.tolerances.kinds)")
      }
    }
    print("DICOM corpus: \(read) files read, \(identical) written back identical, \(exceptions) faulty ones not")
    #expect(read >= 390)
  }

  @Test("canonical forms say the same, in every encoding")
  func canonical() throws {
    for path in Self.files {
      guard let file = try? DICOMFile(path: Self.root + "/" + path), file.source.count < 300_000 else { continue }
      let little = try DataSet(
        ByteSource(try file.dataSet.encoded(as: .explicitLittleEndian)), encoding: .explicitLittleEndian)
      let isOdd = file.tolerances.contains(.oddLength)
      let differences = JSONComparison(isBigEndian: false, isOdd: isOdd).differences(
        try JSONDocument(little.json).value, try JSONDocument(file.dataSet.json).value)
      #expect(differences.isEmpty, "\(path): \(differences.prefix(3))")
      let canonical = try little.encoded(as: .explicitLittleEndian)
      let big = try DataSet(try little.encoded(as: .explicitBigEndian), .explicitBigEndian)
      #expect(try big.encoded(as: .explicitLittleEndian) == canonical, "\(path)")
      let deflated = try DataSet(try little.encoded(as: .deflatedExplicitLittleEndian), .deflatedExplicitLittleEndian)
      #expect(try deflated.encoded(as: .explicitLittleEndian) == canonical, "\(path)")
    }
  }

  @Test(
    "pixels of a big endian file become those of its little endian twin",
    arguments: [
      ("rtdose", "rtdose_expb"), ("MR_small", "MR_small_bigendian"),
      ("SC_rgb_small_odd", "SC_rgb_small_odd_big_endian"),
    ])
  func twins(little: String, big: String) throws {
    let folder = Self.root + "/pydicom-pydicom/src/pydicom/data/test_files/"
    let twin = try DICOMFile(path: folder + little + ".dcm")
    let file = try DICOMFile(path: folder + big + ".dcm")
    let turned = try DICOMFile(try file.encoded(as: .explicitVRLittleEndian))
    let expected = try #require(twin.dataSet[.pixelData])
    #expect(turned.dataSet[.pixelData]?.bytes.elementsEqual(expected.bytes) == true)
  }

  @Test("JSON and XML read back say the same")
  func models() throws {
    for path in Self.files {
      guard let file = try? DICOMFile(path: Self.root + "/" + path), file.source.count < 300_000 else { continue }
      let json = file.dataSet.json
      let isOdd = file.tolerances.contains(.oddLength)
      let fromJSON = try DICOMJSONReader.dataSet(try JSONDocument(json))
      #expect(
        JSONComparison(isBigEndian: false, isOdd: isOdd).differences(
          try JSONDocument(fromJSON.json).value, try JSONDocument(json).value
        ).isEmpty, "\(path)")
      // XML has no way to write control characters.
      if json.contains("\\u00") { continue }
      let fromXML = try NativeXMLReader.dataSet(NativeXMLWriter.xml(file.dataSet))
      let differences = JSONComparison(isBigEndian: false, isOdd: isOdd, isXML: true).differences(
        try JSONDocument(fromXML.json).value, try JSONDocument(json).value)
      #expect(differences.isEmpty, "\(path): \(differences.prefix(3))")
    }
  }

  @Test("a stream reads every file as the whole is read")
  func streamed() throws {
    for path in Self.files {
      let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: Self.root + "/" + path)))
      guard let whole = try? DICOMFile(bytes) else { continue }
      let choice: BulkDataChoice = { .uri("\($0.valueRange)") }
      let expected = DICOMJSONWriter.json(whole.dataSet, bulkData: choice)
      for pieces in [1 << 20, 4096] {
        let streamed = try StreamTests.streamed(bytes, pieces: pieces)
        #expect(streamed.dataSet.recordCount == whole.dataSet.recordCount, "\(path), by \(pieces)")
        #expect(DICOMJSONWriter.json(streamed.dataSet, bulkData: choice) == expected, "\(path), by \(pieces)")
      }
    }
  }

  /// Elements whose value pydicom has otherwise, by file, and why.
  static let otherwise: [String: Set<String>] = [
    // pydicom reads values of unequal VR as sequences; we leave them bytes, for there is no item.
    "Tag-0040-A170-VR-CS.dcm": ["0040A170"],
    // DICM stands in a value, not behind a preamble; pydicom begins there.
    "no_preamble_dicm_in_data": ["*"],
    // pydicom ends, or goes astray, at delimiters that close nothing and at letters that are no VR.
    "DIRW0007": ["FFFEE0DD"], "FreezePattern.dcm": ["FFFEE000"], "GH364.dcm": ["*"], "GH179A.dcm": ["*"],
    "GH179B.dcm": ["*"],
    // Explicit elements in an item of an implicit data set; pydicom takes the VR for a length.
    "GH626.dcm": ["*"],
    // Curve data: "OB or OW" is OW in implicit little endian (PS3.5 A.1).
    "RI6XDosiGap.dcm": ["50003000"],
    // GB 2312 in G1: pydicom leaves the escape sequences in.
    "chrGB2312.dcm": ["00100010"],
    // A private sequence of unknown creator in an implicit data set: pydicom has UN.
    "priv_SQ.dcm": ["3F031001"], "nested_priv_SQ.dcm": ["00010001"],
  ]

  @Test(
    "JSON is what pydicom says",
    .enabled(
      if: ConformanceData.has("dicom-reference/index.json"),
      "needs pydicom's answers: scripts/dicom-reference, with pydicom"))
  func pydicom() throws {
    let index = try ConformanceData.read("dicom-reference/index.json").value
    var (equal, otherwise, skipped) = (0, 0, 0)
    for entry in index["files"]?.elements ?? [] {
      let path = try #require(entry["file"]?.string)
      let name = path.split(separator: "/").last.map(String.init) ?? path
      guard entry["failed"] == nil, !Self.refused.contains(name), Self.files.contains(path) else {
        skipped += 1
        continue
      }
      let file = try DICOMFile(path: Self.root + "/" + path)
      let number = try #require(entry["number"]?.integer)
      let theirs = try ConformanceData.read("dicom-reference/\(number).json").value
      let comparison = JSONComparison(isBigEndian: file.transferSyntax.encoding.isBigEndian)
      let differences = comparison.differences(try JSONDocument(file.dataSet.json).value, theirs)
      let known = Self.otherwise[name] ?? []
      let unknown = differences.filter { difference in
        !known.contains("*") && !known.contains { difference.contains($0) }
      }
      #expect(unknown.isEmpty, "\(path): \(unknown.prefix(3))")
      if differences.isEmpty { equal += 1 } else { otherwise += 1 }
    }
    print("DICOM corpus: JSON of \(equal) files is pydicom's; \(otherwise) differ as listed; \(skipped) skipped")
    #expect(equal >= 380)
  }
}

/// Compares DICOM JSON by what it says.
///
/// Passed over are group lengths and (0008,0005), which differ by rule; elements that pydicom cannot convert; fragments,
/// which pydicom has inline; padding; groups of names that are empty; and the words of big endian streams, which pydicom
/// leaves as they are.
struct JSONComparison {
  let isBigEndian: Bool
  /// Whether streams of odd length have been padded.
  var isOdd = false
  /// Whether delimiters at a name's end, which XML does not show, have been lost.
  var isXML = false

  func differences(_ ours: JSONValue, _ theirs: JSONValue, at path: String = "") -> [String] {
    var names = Set(ours.members.map(\.name))
    names.formUnion(theirs.members.map(\.name))
    return names.sorted().flatMap { name -> [String] in
      if name.hasSuffix("0000") || name == "00080005" { return [] }
      let place = path + "/" + name
      guard let theirs = theirs[JSONKey(name)] else { return [place + " is extra"] }
      if theirs["failed"] != nil { return [] }
      guard let ours = ours[JSONKey(name)] else { return [place + " is missing"] }
      return element(ours, theirs, place)
    }
  }

  private func element(_ ours: JSONValue, _ theirs: JSONValue, _ place: String) -> [String] {
    let vr = ours["vr"]?.string ?? ""
    guard vr == theirs["vr"]?.string else { return [place + " has another VR"] }
    if vr == "SQ" {
      let (items, others) = (ours["Value"]?.elements ?? [], theirs["Value"]?.elements ?? [])
      guard items.count == others.count else { return [place + " has another number of items"] }
      return zip(items, others).enumerated().flatMap { differences($1.0, $1.1, at: "\(place)[\($0)]") }
    }
    if ours["InlineBinary"] != nil || theirs["InlineBinary"] != nil {
      let (bytes, others) = (ours["InlineBinary"]?.string ?? "", theirs["InlineBinary"]?.string ?? "")
      let isFragments = place.hasSuffix("7FE00010") && bytes.isEmpty
      return bytes == others || isFragments || (isBigEndian || isOdd) && bytes.utf8.count >= others.utf8.count
        ? [] : [place + " has other bytes"]
    }
    let (values, others) = (texts(ours, vr), texts(theirs, vr))
    if values.allSatisfy(\.isEmpty) && others.allSatisfy(\.isEmpty) { return [] }
    let isEqual = values.count == others.count && zip(values, others).allSatisfy { equal($0, $1, vr) }
    return isEqual ? [] : [place + " has another value: \(values.prefix(3)), \(others.prefix(3))"]
  }

  private func texts(_ element: JSONValue, _ vr: String) -> [String] {
    (element["Value"]?.elements ?? []).map { value in
      switch value.kind {
      case .null: ""
      case .string: trimmed(value.string ?? "")
      case .object:
        value.members.compactMap { member in
          let text = member.value.string ?? ""
          return trimmed(text).isEmpty ? nil : member.name + "=" + trimmed(text)
        }.sorted().joined(separator: "\n")
      default: String(decoding: value.json, as: UTF8.self)
      }
    }
  }

  private func trimmed(_ text: String) -> String {
    var text = text[...]
    while text.last == " " || text.last == "\0" || isXML && text.last == "^" { text.removeLast() }
    return String(text)
  }

  private func equal(_ ours: String, _ theirs: String, _ vr: String) -> Bool {
    if ours == theirs { return true }
    guard ["DS", "IS", "FL", "FD", "SV", "UV"].contains(vr), let one = Double(ours), let other = Double(theirs) else {
      return false
    }
    return one == other || vr == "FL" && Float(one) == Float(other)
  }
}
