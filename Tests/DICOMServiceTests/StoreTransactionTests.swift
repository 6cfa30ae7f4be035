import DICOMCore
import DICOMService
import DICOMweb
import Testing

/// What Microsoft's end-to-end tests assert of store transactions, in the order of their list.
@Suite struct StoreTransactionTests {
  private static let versions: [DICOMVersion] = [.v1, .v2]

  private func failure(_ reply: ServiceFixture.Reply, _ number: Int = 0) throws -> DataSet {
    try #require(reply.dataSet().items(.failedSOPSequence).dropFirst(number).first)
  }

  // MARK: Both versions

  @Test(arguments: versions) func `an empty stream is a conflict`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      let reply = await service.storeSingle([], version)
      #expect(reply.status == 409)
      #expect(try failure(reply).integer(.failureReason) == 272)
    }
  }

  @Test(arguments: versions) func `a study UID of 65 letters is a bad request`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      let path = "studies/" + String(repeating: "a", count: 65)
      #expect(try await service.storeSingle(try TestFile().bytes, version, path: path).status == 400)
    }
  }

  @Test(arguments: versions) func `answers that are not DICOM JSON are not acceptable`(version: DICOMVersion)
    async throws
  {
    try await ServiceFixture.run { service async throws in
      for accept in [["application/dicom"], ["application/data"], []] {
        let reply = await service.send(
          .post, "studies", version, accept: accept, contentType: "application/dicom",
          body: .whole(try TestFile().bytes))
        #expect(reply.status == 406)
      }
    }
  }

  @Test(arguments: versions) func `multipart that is not related is no media type`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      for type in [
        "multipart/form; type=\"application/dicom\"; boundary=b-1", "multipart/related; type=\"application/dicom\"",
        "application/json", "", "multipart/form-data; boundary=b-1",
      ] {
        let reply = await service.send(.post, "studies", version, contentType: type, body: .whole([]))
        #expect(reply.status == 415, "\(type)")
      }
    }
  }

  @Test(arguments: versions) func `multipart without parts has no content`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      for body in ["--b-1\r\n\r\n--b-1--\r\n", "--b-1--"] {
        let reply = await service.send(
          .post, "studies", version, contentType: ServiceFixture.multipart, body: .whole(Array(body.utf8)))
        #expect(reply.status == 204 && reply.bytes.isEmpty)
      }
    }
  }

  @Test(arguments: versions) func `an empty part is a conflict`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      let reply = await service.send(
        .post, "studies", version, contentType: ServiceFixture.multipart,
        body: .whole(ServiceFixture.multipart([[]])))
      #expect(reply.status == 409)
    }
  }

  @Test(arguments: versions) func `an empty part and a valid one are accepted`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      let file = try TestFile()
      let reply = await service.send(
        .post, "studies", version, contentType: ServiceFixture.multipart,
        body: .whole(ServiceFixture.multipart([[], file.bytes])))
      #expect(reply.status == 202)
      let stored = try reply.dataSet().items(.referencedSOPSequence)
      #expect(stored.count == 1)
      #expect(stored.first?.string(.referencedSOPInstanceUID) == file.instance)
      #expect(stored.first?.string(.referencedSOPClassUID) == "1.2.840.10008.5.1.4.1.1.7")
      #expect(stored.first?.string(.retrieveURL) == "\(ServiceFixture.base(version))/\(file.target.path)")
    }
  }

  @Test(arguments: versions) func `a first part without a type has the request's`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      let file = try TestFile()
      let body = Array("--b-1\r\n\r\n".utf8) + file.bytes + Array("\r\n--b-1--".utf8)
      let reply = await service.send(
        .post, "studies", version, contentType: ServiceFixture.multipart, body: .whole(body))
      #expect(reply.status == 200)
    }
  }

  @Test(arguments: versions) func `instances of other studies are a conflict`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      let reply = await service.store([try TestFile(), try TestFile()], version, path: "studies/1.2.3")
      #expect(reply.status == 409)
      let dataSet = try reply.dataSet()
      #expect(dataSet.tags == [.failedSOPSequence])
      let failures = dataSet.items(.failedSOPSequence)
      #expect(failures.map { $0.integer(.failureReason) } == [43_264, 43_264])
      let comment =
        "DICOM100: (0020,000d) - The StudyInstanceUid in the payload does not match the specified StudyInstanceUid."
      #expect(try reply.comments(.failedSOPSequence) == [[comment], [comment]])
      #expect(try await service.blobCount() == 0)
    }
  }

  @Test(arguments: versions) func `one of the study and one of another are accepted`(version: DICOMVersion) async throws
  {
    try await ServiceFixture.run { service async throws in
      let (file, other) = (try TestFile(), try TestFile())
      let reply = await service.store([file, other], version, path: file.studyPath)
      #expect(reply.status == 202)
      let dataSet = try reply.dataSet()
      #expect(dataSet.tags == [.retrieveURL, .failedSOPSequence, .referencedSOPSequence])
      #expect(dataSet.string(.retrieveURL)?.hasSuffix("studies/\(file.study)") == true)
      #expect(try failure(reply).integer(.failureReason) == 43_264)
      #expect(try failure(reply).string(.referencedSOPInstanceUID) == other.instance)
      #expect(await service.send(.get, other.target.path + "/metadata", version).status == 404)
    }
  }

  @Test(arguments: versions) func `the same instance twice is accepted once`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      let study = TestFile.uid()
      // UIDs of different levels may be the same.
      let file = try TestFile(study: study, series: study)
      let reply = await service.store([file, file], version, path: "studies/\(study)")
      #expect(reply.status == 202)
      #expect(try failure(reply).integer(.failureReason) == 45_070)
    }
  }

  @Test(arguments: versions) func `an instance that is there is a conflict`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      let file = try TestFile(pixels: 200_000)
      let first = await service.storeSingle(file.bytes, version)
      #expect(first.status == 200)
      #expect(try first.dataSet()[.failedSOPSequence] == nil)
      let second = await service.storeSingle(file.bytes, version)
      #expect(second.status == 409)
      let failure = try failure(second)
      #expect(failure.integer(.failureReason) == 45_070)
      #expect(failure.string(.referencedSOPInstanceUID) == file.instance)
      #expect(failure.string(.referencedSOPClassUID) == "1.2.840.10008.5.1.4.1.1.7")
      #expect(try await service.blobCount() == 1)
    }
  }

  @Test(arguments: versions, ["abc.123", "11|"])
  func `a study UID that is none is a conflict`(version: DICOMVersion, uid: String) async throws {
    try await ServiceFixture.run { service async throws in
      let reply = await service.storeSingle(try TestFile(study: uid).bytes, version)
      #expect(reply.status == 409)
      #expect(try failure(reply).integer(.failureReason) == 43_264)
      #expect(try reply.dataSet()[.referencedSOPSequence] == nil)
    }
  }

  @Test(arguments: versions) func `a single part is answered in DICOM JSON`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      let file = try TestFile()
      for (path, file) in [("studies", file), ("studies/\(TestFile.uid())", nil)] as [(String, TestFile?)] {
        let study = path.split(separator: "/").last.map(String.init) ?? ""
        let bytes = try (file ?? TestFile(study: study)).bytes
        let reply = await service.storeSingle(bytes, version, path: path)
        #expect(reply.status == 200)
        #expect(reply.header("Content-Type") == "application/dicom+json")
      }
    }
  }

  @Test(arguments: versions, [0, 65_000, 70_000, 3_000_000, 20_000_000])
  func `a single part of any size is the same when it is retrieved`(version: DICOMVersion, size: Int) async throws {
    try await ServiceFixture.run { service async throws in
      let file = try TestFile(pixels: size)
      #expect(await service.storeSingle(file.bytes, version).status == 200)
      #expect(await service.stored(file, version) == file.bytes)
    }
  }

  @Test(arguments: versions) func `parts of any size are the same when they are retrieved`(version: DICOMVersion)
    async throws
  {
    try await ServiceFixture.run { service async throws in
      let study = TestFile.uid()
      let files = try [15_000_000, 100, 9_000_000].map { try TestFile(study: study, pixels: $0) }
      #expect(await service.store(files, version).status == 200)
      for file in files { #expect(await service.stored(file, version) == file.bytes) }
    }
  }

  @Test(arguments: versions) func `several values of an attribute with one are a warning`(version: DICOMVersion)
    async throws
  {
    try await ServiceFixture.run { service async throws in
      let reply = await service.storeSingle(
        try TestFile([(.studyDescription, .LO, "Value1\\Value2")]).bytes, version)
      #expect(reply.status == 200)
      #expect(
        reply.header("Warning")
          == "299 example.org \"One or more indexed Dicom tag(s) have multiple values, only first value is indexed.\"")
    }
  }

  @Test(arguments: versions) func `spaces that pad a UID say nothing`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      let (study, series, instance) = (TestFile.uid(), TestFile.uid(), TestFile.uid())
      let file = try TestFile(study: study + " ", series: series, instance: instance)
      #expect(await service.storeSingle(file.bytes, version).status == 200)
      #expect(await service.stored(file, version) == file.bytes)
      let padded = try TestFile(study: study + "   ", series: series, instance: instance)
      let reply = await service.storeSingle(padded.bytes, version)
      #expect(reply.status == 409)
      #expect(try failure(reply).integer(.failureReason) == 45_070)
    }
  }

  @Test(arguments: versions) func `a private attribute of implicit VR stays in the file`(version: DICOMVersion)
    async throws
  {
    try await ServiceFixture.run { service async throws in
      let unknown = Tag(0x0401, 0x1001)
      let file = try TestFile(
        [(Tag(0x0401, 0x0010), .LO, "NOBODY KNOWS"), (unknown, .UN, "abc")], transferSyntax: .implicitVRLittleEndian)
      let reply = await service.storeSingle(file.bytes, version)
      #expect(reply.status == (version == .v1 ? 200 : 202))
      #expect(try reply.dataSet().items(.referencedSOPSequence).first?.integer(.warningReason) == 45_063)
      #expect(await service.stored(file, version) == file.bytes)
      #expect(try await service.metadata(file, version)?[unknown] == nil)
    }
  }

  // MARK: v2

  @Test func `an invalid date is stored in v2, and left out of metadata and search`() async throws {
    try await ServiceFixture.run { service async throws in
      let file = try TestFile([(.studyDate, .DA, "NotAValidStudyDate"), (.patientBirthDate, .DA, "20220315")])
      let reply = await service.storeSingle(file.bytes, .v2)
      #expect(reply.status == 202)
      #expect(await service.stored(file) == file.bytes)
      let metadata = try await service.metadata(file)
      #expect(metadata?.string(.patientBirthDate) == "20220315")
      #expect(metadata?[.studyDate] == nil)
      #expect(try await service.search("instances", "PatientBirthDate=20220315").count == 1)
      let search = await service.send(.get, "instances", query: "StudyDate=NotAValidStudyDate")
      #expect(search.status == 400)
      #expect(
        search.text
          == "Invalid query: specified Date value 'NotAValidStudyDate' is invalid for attribute 'StudyDate'. Date should be "
          + "valid and formatted as yyyyMMdd.")
      #expect(
        try reply.comments(.referencedSOPSequence) == [
          [
            #"DICOM100: (0008,0020) - Content "NotAValidStudyDate" does not validate VR DA: one of the date values does not match the pattern YYYYMMDD"#
          ]
        ])
    }
  }

  @Test func `a NUL inside of a value is a warning in v2`() async throws {
    try await ServiceFixture.run { service async throws in
      let reply = await service.storeSingle(try TestFile([(.modality, .CS, "X\0X ")]).bytes, .v2)
      #expect(reply.status == 202)
      let comment = try #require(reply.comments(.referencedSOPSequence).first?.first)
      #expect(comment.contains("does not validate VR CS: value contains invalid character"))
    }
  }

  @Test func `a NUL at the end of a value is padding in v2`() async throws {
    try await ServiceFixture.run { service async throws in
      let file = try TestFile([(.modality, .CS, "X\0")])
      let reply = await service.storeSingle(file.bytes, .v2)
      #expect(reply.status == 200)
      let stored = try #require(reply.dataSet().items(.referencedSOPSequence).first)
      #expect(stored[.failedAttributesSequence] != nil && stored.items(.failedAttributesSequence).isEmpty)
      #expect(await service.stored(file) == file.bytes)
      // PS3.5 §6.2: only UIDs are padded with NUL, so here it is of the value.
      let metadata = await service.send(.get, file.target.path + "/metadata")
      #expect(metadata.text.contains(#""00080060":{"vr":"CS","Value":["X\u0000"]}"#))
      for query in ["Modality=X\0", "Modality=X%00", "Modality=X"] {
        #expect(try await service.search("instances", query).count == 1)
      }
    }
  }

  @Test func `a NUL that pads the study's UID is none of the address`() async throws {
    try await ServiceFixture.run { service async throws in
      let study = TestFile.uid()
      let file = try TestFile(study: study + "\0")
      #expect(await service.storeSingle(file.bytes, .v2, path: "studies/\(study)").status == 200)
      #expect(try await service.metadata(file) != nil)
    }
  }

  @Test func `NULs in a patient's ID are padding at the end alone`() async throws {
    try await ServiceFixture.run { service async throws in
      let padded = await service.storeSingle(try TestFile([(.patientID, .LO, "123\0")]).bytes, .v2)
      #expect(padded.status == 200)
      let reply = await service.storeSingle(try TestFile([(.patientID, .LO, "\0" + "123\0")]).bytes, .v2)
      #expect(reply.status == 409)
      #expect(try failure(reply).integer(.failureReason) == 43_264)
      #expect(try reply.dataSet()[.referencedSOPSequence] == nil)
    }
  }

  @Test func `a patient without ID is stored in v2, and does not overwrite one with ID`() async throws {
    try await ServiceFixture.run { service async throws in
      let study = TestFile.uid()
      func patient() async throws -> String? {
        try await service.search("studies", "StudyInstanceUID=\(study)").first?.string(.patientID)
      }
      let missing = "DICOM100: (0010,0020) - The required tag '(0010,0020)' is missing."
      for (patientID, status, expected) in [("", 202, nil), ("123", 200, "123"), ("", 202, "123")]
        as [(String, Int, String?)]
      {
        let reply = await service.storeSingle(try TestFile(study: study, [(.patientID, .LO, patientID)]).bytes, .v2)
        #expect(reply.status == status)
        #expect(try reply.comments(.referencedSOPSequence) == [status == 202 ? [missing] : []])
        #expect(try await patient() == expected)
      }
    }
  }

  // MARK: v1

  @Test func `an invalid attribute that is indexed is a conflict in v1, and accepted in v2`() async throws {
    try await ServiceFixture.run { service async throws in
      let bytes = try TestFile([(.studyDate, .DA, "x")]).bytes
      let reply = await service.storeSingle(bytes, .v1)
      #expect(reply.status == 409)
      #expect(try failure(reply).integer(.failureReason) == 43_264)
      #expect(try reply.dataSet()[.referencedSOPSequence] == nil)
      #expect(await service.storeSingle(bytes, .v2).status == 202)
    }
  }

  @Test func `a patient's ID with a NUL is a conflict in v1`() async throws {
    try await ServiceFixture.run { service async throws in
      let reply = await service.storeSingle(
        try TestFile([(.patientID, .LO, "Before Null Character, \0")]).bytes, .v1)
      #expect(reply.status == 409)
      #expect(
        try reply.comments(.failedSOPSequence).first?.first
          == "DICOM100: (0010,0020) - Dicom element 'PatientID' failed validation for VR 'LO': Value contains invalid "
          + "character.")
    }
  }
}
