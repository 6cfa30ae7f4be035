import CDICOMTables
import DICOMCore
import Foundation
import TableGeneration
import TestSupport
import Testing

@Suite("Dictionaries")
struct DictionaryTests {
  @Test("data elements of PS3.6")
  func elements() throws {
    let name = try #require(DataDictionary.standard.entry(.patientName))
    #expect(name.vr == .PN)
    #expect(name.vm == "1")
    #expect(name.keyword == "PatientName")
    #expect(name.name == "Patient's Name")
    #expect(!name.isRetired)
    #expect(DataDictionary.standard.entry(Tag(0x0008, 0x0001))?.isRetired == true)
    #expect(DataDictionary.standard.entry(.smallestImagePixelValue)?.vr == nil)
    #expect(DataDictionary.standard.entry(Tag(0x0008, 0x0003)) == nil)
    #expect(Tag("PatientID") == Tag(0x0010, 0x0020))
    #expect(Tag("00100020") == .patientID)
    #expect(Tag("7fe00010") == .pixelData)
    for text in ["patientID", "0010002", "001000200", "0010002G", ""] { #expect(Tag(text) == nil) }
    #expect(DataDictionary.standard.entries.count > 5000)
    for entry in DataDictionary.standard.entries where !entry.keyword.isEmpty {
      // Some tags have an entry of their own within a repeating group.
      let found = DataDictionary.standard.entry(entry.tag)
      #expect(found?.keyword == entry.keyword || entry.isRetired && found?.isRetired == true, "\(entry.tag)")
    }
  }

  @Test("tags")
  func tags() {
    #expect(Tag.pixelData.description == "(7FE0,0010)")
    #expect(Tag(0x0009, 0x1001).isPrivate)
    #expect(Tag(0x0009, 0x1001).privateCreatorTag == Tag(0x0009, 0x0010))
    #expect(Tag(0x0009, 0x0010).isPrivateCreator)
    #expect(Tag(0x0009, 0x0010).privateCreatorTag == nil)
    #expect(!Tag(0x0010, 0x0010).isPrivateCreator)
  }

  @Test("unique identifiers of PS3.6 and their grammar")
  func uids() {
    #expect(UID("1.2.840.10008.1.1").entry?.name == "Verification SOP Class")
    #expect(TransferSyntax(uid: "1.2.840.10008.1.2.4.201").name?.contains("High-Throughput JPEG 2000") == true)
    #expect(TransferSyntax(uid: "1.2.840.10008.1.2.8.1").isKnown)
    #expect(TransferSyntax(uid: "1.2.840.10008.1.2.4.111").isKnown)
    #expect(!TransferSyntax(uid: "1.2.840.10008.1.1").isKnown)
    let long = "1." + String(repeating: "2", count: 62)
    for text in ["1.2.840", "0.0", "2.25.0", long] { #expect(UID(text).isValid, "\(text)") }
    for text in ["", ".", "1.", ".1", "1..2", "1.2a", "1.2 ", "1/2", "../1", long + "3"] {
      #expect(!UID(text).isAcceptable, "\(text)")
    }
    #expect(!UID("1.02").isValid)
    #expect(UID("1.02").isAcceptable)
    #expect(UID(padded: Array("1.2\0 \0".utf8)) == "1.2")
  }

  static let tables = ConformanceData.path("dicom-reference/tables")

  @Test(
    "the embedded tables are what the generator makes",
    .enabled(
      if: ConformanceData.has("dicom-reference/tables/LICENSE"),
      "needs pydicom's dictionaries: scripts/dicom-reference, with pydicom"))
  func regenerate() throws {
    let embedded: [String: (UnsafePointer<UInt8>?, Int)] = [
      "elements.table": (dicom_elements_table(), dicom_elements_table_size()),
      "uids.table": (dicom_uids_table(), dicom_uids_table_size()),
      "private.table": (dicom_private_table(), dicom_private_table_size()),
      "characters.table": (dicom_characters_table(), dicom_characters_table_size()),
    ]
    for (file, table) in try DICOMTableGenerator.tables(folder: Self.tables) {
      let (bytes, count) = try #require(embedded[file])
      #expect(UnsafeBufferPointer(start: bytes, count: count).elementsEqual(table.utf8), "\(file)")
    }
  }
}
