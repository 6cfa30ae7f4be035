import DICOMCore
import DICOMweb
import Testing

/// The validation matrix of §1.2, with Microsoft's texts.
@Suite struct InstanceValidationTests {
  typealias Element = (tag: Tag, vr: VR, value: String)

  private static let valid: [Element] = [
    (.sopClassUID, .UI, "1.2.840.10008.5.1.4.1.1.7"), (.sopInstanceUID, .UI, "1.2.3"), (.modality, .CS, "OT"),
    (.patientName, .PN, "Doe^John"), (.patientID, .LO, "ID1"), (.studyInstanceUID, .UI, "1.2.1"),
    (.seriesInstanceUID, .UI, "1.2.2"),
  ]

  private func dataSet(_ changes: [Element], without removed: [Tag] = []) throws -> DataSet {
    var elements = Self.valid.filter { element in
      !removed.contains(element.tag) && !changes.contains { $0.tag == element.tag }
    }
    elements += changes
    var builder = DataSetBuilder()
    for element in elements.sorted(by: { $0.tag < $1.tag }) {
      try builder.append(element.tag, element.vr, element.value)
    }
    return try builder.dataSet()
  }

  private func validation(
    _ changes: [Element], without removed: [Tag] = [], _ version: DICOMVersion,
    study: UID? = nil
  ) throws -> InstanceValidation {
    InstanceValidation(try dataSet(changes, without: removed), version, study: study)
  }

  private func comments(_ validation: InstanceValidation) -> [String] { validation.findings.map(\.comment) }

  @Test(arguments: DICOMVersion.allCases) func `a valid instance has no findings`(version: DICOMVersion) throws {
    let found = try validation([], version, study: "1.2.1")
    #expect(found.findings.isEmpty && !found.isRefused && found.dropped.isEmpty && !found.hasMultipleValues)
  }

  @Test(arguments: DICOMVersion.allCases) func `required attributes must have values`(version: DICOMVersion) throws {
    let required: [(Tag, String)] = [
      (.sopClassUID, "(0008,0016)"), (.studyInstanceUID, "(0020,000d)"), (.seriesInstanceUID, "(0020,000e)"),
      (.sopInstanceUID, "(0008,0018)"),
    ]
    for (tag, text) in required {
      let expected = "DICOM100: \(text) - The required tag '\(text)' is missing."
      for found in [try validation([], without: [tag], version), try validation([(tag, .UI, "")], version)] {
        #expect(found.isRefused)
        #expect(comments(found).contains(expected), "\(tag)")
      }
    }
  }

  @Test func `a patient's ID must have a value in v1, and be there in v2`() throws {
    let expected = "DICOM100: (0010,0020) - The required tag '(0010,0020)' is missing."
    for version in DICOMVersion.allCases {
      let found = try validation([], without: [.patientID], version)
      // The standard's form takes what is good otherwise.
      #expect(found.isRefused == (version != .standard) && comments(found) == [expected])
    }
    #expect(try validation([(.patientID, .LO, "")], .v1).isRefused)
    for version in [DICOMVersion.v2, .standard] {
      let found = try validation([(.patientID, .LO, "")], version)
      #expect(!found.isRefused && comments(found) == [expected])
      #expect(found.dropped.isEmpty)
    }
  }

  @Test func `the study must be the one of the address`() throws {
    for version in DICOMVersion.allCases {
      let found = try validation([], version, study: "9.9")
      #expect(found.isRefused)
      #expect(
        comments(found) == [
          "DICOM100: (0020,000d) - The StudyInstanceUid in the payload does not match the specified StudyInstanceUid."
        ])
    }
  }

  @Test(arguments: ["abc.123", "11|", "1.2.", "x", String(repeating: "1", count: 65)])
  func `UIDs with other characters refuse the instance`(uid: String) throws {
    for version in DICOMVersion.allCases {
      let found = try validation([(.studyInstanceUID, .UI, uid)], version)
      #expect(found.isRefused)
      #expect(
        comments(found).first
          == "DICOM100: (0020,000d) - Dicom element 'StudyInstanceUID' failed validation for VR 'UI': DICOM Identifier is "
          + "invalid. Value length should not exceed the maximum length of 64 characters. Value should contain characters in "
          + "'0'-'9' and '.'. Each component must start with non-zero number.")
    }
  }

  @Test func `UIDs may be padded, have leading zeros and be the same`() throws {
    for uid in ["1.2.1 ", "1.2.1  ", "1.02.1", "1.2.1\0", String(repeating: "1", count: 64)] {
      #expect(try !validation([(.studyInstanceUID, .UI, uid)], .v1).isRefused, "\(uid)")
      #expect(try !validation([(.studyInstanceUID, .UI, uid)], .v2).isRefused, "\(uid)")
    }
    #expect(try validation([(.studyInstanceUID, .UI, "1.2.1\0")], .v2, study: "1.2.1").findings.isEmpty)
    let same = try validation(
      [(.sopInstanceUID, .UI, "1.2"), (.studyInstanceUID, .UI, "1.2"), (.seriesInstanceUID, .UI, "1.2")], .v2)
    #expect(same.findings.isEmpty)
  }

  @Test func `a wrong date refuses the instance in v1`() throws {
    let found = try validation([(.studyDate, .DA, "NotAValidStudyDate")], .v1)
    #expect(found.isRefused)
    #expect(
      comments(found) == [
        "DICOM100: (0008,0020) - Dicom element 'StudyDate' failed validation for VR 'DA': Value cannot be parsed as a valid "
          + "date."
      ])
  }

  @Test func `a wrong date is left out of the metadata in v2, and kept by the standard's form`() throws {
    let found = try validation([(.studyDate, .DA, "NotAValidStudyDate")], .v2)
    #expect(!found.isRefused)
    #expect(
      comments(found) == [
        #"DICOM100: (0008,0020) - Content "NotAValidStudyDate" does not validate VR DA: one of the date values does not match the pattern YYYYMMDD"#
      ])
    #expect(found.dropped == [.studyDate])
    #expect(try validation([(.studyDate, .DA, "NotAValidStudyDate")], .standard).dropped.isEmpty)
  }

  @Test func `other attributes are not looked at in v1, and are warnings in v2`() throws {
    #expect(try validation([(.contentDate, .DA, "x")], .v1).findings.isEmpty)
    let found = try validation([(.contentDate, .DA, "x")], .v2)
    #expect(!found.isRefused && found.findings.map(\.tag) == [.contentDate] && found.dropped.isEmpty)
  }

  @Test func `attributes within items are looked at in v2`() throws {
    var builder = DataSetBuilder()
    for element in Self.valid { try builder.append(element.tag, element.vr, element.value) }
    builder.beginSequence(.requestAttributesSequence)
    builder.beginItem()
    try builder.append(.scheduledProcedureStepID, .SH, String(repeating: "x", count: 17))
    try builder.endItem()
    try builder.endSequence()
    let found = InstanceValidation(try builder.dataSet(), .v2, study: nil)
    #expect(found.findings.map(\.tag) == [.scheduledProcedureStepID])
    #expect(found.dropped.isEmpty)
  }

  @Test func `NULs are padding in v2, at the end`() throws {
    #expect(try validation([(.modality, .CS, "X\0")], .v2).findings.isEmpty)
    #expect(try validation([(.patientID, .LO, "123\0")], .v2).findings.isEmpty)
    let inside = try validation([(.modality, .CS, "X\0X ")], .v2)
    #expect(!inside.isRefused && inside.dropped == [.modality])
    #expect(comments(inside).first?.contains("does not validate VR CS: value contains invalid character") == true)
    #expect(try validation([(.patientID, .LO, "\0" + "123\0")], .v2).isRefused)
    let v1 = try validation([(.patientID, .LO, "Before Null Character, \0")], .v1)
    #expect(v1.isRefused)
    #expect(
      comments(v1) == [
        "DICOM100: (0010,0020) - Dicom element 'PatientID' failed validation for VR 'LO': Value contains invalid character."
      ])
  }

  @Test func `several values of an attribute with one are noted`() throws {
    for version in DICOMVersion.allCases {
      let found = try validation([(.studyDescription, .LO, "Value1\\Value2")], version)
      #expect(found.hasMultipleValues && !found.isRefused)
    }
  }

  @Test(
    arguments: [
      (VR.AE, "ABC", "12345678901234567"), (.AS, "010Y", "10Y"), (.CS, "ABC_1 2", "abc"),
      (.CS, "A", "12345678901234567"),
      (.DA, "20200131", "20201331"), (.DA, "20200101-20200131", "2020-01-01-"), (.DA, "20200131", "20200132"),
      (.DS, "-1.5e+3", "1,5"), (.DS, ".5", "1.23456789012345678"), (.DS, "1.", "e5"),
      (.IS, "-2147483648", "2147483648"),
      (.IS, "+12", "1.0"), (.TM, "235960.123456", "2400"), (.TM, "10", "101"), (.TM, "1015", "101530."),
      (.TM, "10", "10:15"), (.DT, "2020", "202"), (.DT, "20200131101530.123456+0100", "20200131101530+2500"),
      (.DT, "2020-2021", "20201301"), (.DT, "20200101-1200", "20200101-1300x"), (.UI, "1.2.3", "1..2"),
      (.UI, "1.2", "1.02"), (.UI, "1.2", ".1"), (.SH, "1234567890123456", "12345678901234567"),
      (.LO, "x", String(repeating: "x", count: 65)), (.LO, "x", "a\u{7}b"), (.PN, "A^B^C^D^E=F=G", "A^B^C^D^E^F"),
      (.PN, "A", "A=B=C=D"), (.PN, String(repeating: "x", count: 64), String(repeating: "x", count: 65)),
      (.ST, "a\r\nb", String(repeating: "x", count: 1_025)), (.LT, "x", String(repeating: "x", count: 10_241)),
    ] as [(VR, String, String)])
  func `each VR has its rules`(vr: VR, good: String, bad: String) throws {
    // Of any VR, and searched for by nobody.
    let tag = Tag(0x0018, 0x9999)
    #expect(try validation([(tag, vr, good)], .v2).findings.isEmpty, "\(vr) \(good)")
    let found = try validation([(tag, vr, bad)], .v2)
    #expect(found.findings.count == 1 && !found.isRefused, "\(vr) \(bad)")
    #expect(comments(found).first?.contains("does not validate VR \(vr): ") == true)
  }

  @Test func `a value in another character set is measured in characters`() throws {
    let name = String(repeating: "ü", count: 64)
    #expect(
      try validation([(.specificCharacterSet, .CS, "ISO_IR 192"), (.patientName, .PN, name)], .v2).findings.isEmpty)
  }

  @Test func `findings are limited in number and length`() throws {
    var builder = DataSetBuilder()
    for element in Self.valid { try builder.append(element.tag, element.vr, element.value) }
    for number in 0..<UInt16(200) {
      try builder.append(Tag(0x0029, 0x1000 + number), .DA, String(repeating: "x", count: 5_000))
    }
    let found = InstanceValidation(try builder.dataSet(), .v2, study: nil)
    #expect(found.findings.count == InstanceValidation.findingsMax)
    #expect(found.findings.allSatisfy { $0.comment.utf8.count < 1_000 })
  }
}
