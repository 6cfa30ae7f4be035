import DICOMCore
import DICOMweb
import JSONCore
import Testing

/// What Microsoft's end-to-end tests assert of searches, and what PS3.18 adds.
@Suite struct QueryTransactionTests {
  private static let versions: [DICOMVersion] = [.v1, .v2]

  private static func defaults(_ version: DICOMVersion, _ level: Target.Level) -> Set<Tag> {
    let study: Set<Tag> =
      version == .v1
      ? [
        .studyDate, .studyTime, .accessionNumber, .referringPhysicianName, .patientName, .patientID, .studyInstanceUID,
      ]
      : [
        .studyDate, .studyDescription, .accessionNumber, .referringPhysicianName, .patientName, .patientID,
        .studyInstanceUID,
      ]
    switch level {
    case .study: return study
    case .series:
      return version == .v1
        ? [.modality, .seriesInstanceUID, .performedProcedureStepStartDate, .seriesDescription]
        : [.modality, .seriesInstanceUID, .performedProcedureStepStartDate, .manufacturerModelName]
    case .instance: return version == .v1 ? [.sopClassUID, .sopInstanceUID, .instanceNumber] : [.sopInstanceUID]
    }
  }

  /// With every attribute that any default asks for.
  private func file(
    study: String = TestFile.uid(), series: String = TestFile.uid(), modality: String = "CT", name: String = "Doe^John",
    _ more: [TestFile.Element] = []
  ) throws -> TestFile {
    let elements: [TestFile.Element] = [
      (.studyDate, .DA, "20190101"), (.studyTime, .TM, "101500"), (.accessionNumber, .SH, "A1"),
      (.modality, .CS, modality), (.referringPhysicianName, .PN, "Ref^Erring"), (.studyDescription, .LO, "Head"),
      (.seriesDescription, .LO, "Axial"), (.manufacturerModelName, .LO, "M1"), (.patientName, .PN, name),
      (.instanceNumber, .IS, "7"), (.performedProcedureStepStartDate, .DA, "20190102"),
    ]
    return try TestFile(
      study: study, series: series, elements.filter { element in !more.contains { $0.tag == element.tag } } + more)
  }

  @Test(arguments: versions) func `studies are not searched by Modality`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      let reply = await service.send(.get, "studies", version, query: "Modality=CT")
      #expect(reply.status == 400)
      #expect(
        reply.text
          == "Invalid query: AttributeId Modality is not queryable.  If the parameter is an attribute keyword, check the "
          + "casing as they are case-sensitive. The conformance statement has a list of supported query parameters, "
          + "attributes and the levels.")
    }
  }

  @Test(arguments: DICOMVersion.allCases) func `no match has no content`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      let reply = await service.send(.get, "studies", version, query: "StudyDate=20200101")
      #expect(reply.status == 204 && reply.bytes.isEmpty)
    }
  }

  @Test(arguments: versions) func `a study by its date has the defaults`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      let file = try file()
      _ = await service.store([file, try self.file([(.studyDate, .DA, "20180101")])], version)
      let reply = await service.send(.get, "studies", version, query: "StudyDate=20190101")
      #expect(reply.header("Content-Type") == "application/dicom+json")
      let found = try reply.dataSets()
      #expect(found.count == 1)
      #expect(found.first?.tags == Self.defaults(version, .study))
      #expect(found.first?.string(.studyInstanceUID) == file.study)
    }
  }

  @Test(arguments: versions) func `a study by its modalities tells all of them`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      let study = TestFile.uid()
      let files = try ["CT", "MR", "CT"].map { try file(study: study, modality: $0) }
      _ = await service.store(files + [try file(modality: "US")], version)
      let found = try await service.search("studies", "ModalitiesInStudy=CT&StudyInstanceUID=\(study)", version)
      #expect(found.count == 1)
      #expect(found.first?[.modalitiesInStudy]?.strings == ["CT", "MR"])
      let counted = try await service.search(
        "studies", "ModalitiesInStudy=CT&includefield=NumberOfStudyRelatedInstances", version)
      #expect(counted.first?.integer(.numberOfStudyRelatedInstances) == 3)
    }
  }

  @Test(arguments: versions) func `names are found in any case and without accents`(version: DICOMVersion) async throws
  {
    try await ServiceFixture.run { service async throws in
      let file = try file(name: "Hernández^José", [(.specificCharacterSet, .CS, "ISO_IR 192")])
      _ = await service.store([file], version)
      for query in ["PatientName=hernandez%5EJose", "PatientName=HERN%C3%81NDEZ%5EJOS%C3%89"] {
        let found = try await service.search("studies", query, version)
        #expect(found.first?.string(.patientName) == "Hernández^José", "\(query)")
      }
    }
  }

  @Test(arguments: versions) func `series of a study by Modality`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      let study = TestFile.uid()
      let (ct, mr) = (try file(study: study, modality: "CT"), try file(study: study, modality: "MR"))
      _ = await service.store([ct, mr], version)
      let found = try await service.search("studies/\(study)/series", "Modality=MR", version)
      #expect(found.count == 1)
      #expect(found.first?.tags == Self.defaults(version, .series).union([.studyInstanceUID]))
      #expect(found.first?.string(.seriesInstanceUID) == mr.series)
      #expect(try await service.search("studies/\(study)/series", "", version).count == 2)
    }
  }

  @Test(arguments: versions) func `all series by Modality, with their studies`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      _ = await service.store([try file(modality: "CT"), try file(modality: "MR")], version)
      let found = try await service.search("series", "Modality=MR", version)
      #expect(found.count == 1)
      #expect(found.first?.tags == Self.defaults(version, .series).union(Self.defaults(version, .study)))
    }
  }

  @Test(arguments: versions) func `the instances of a series are counted`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      let (study, series) = (TestFile.uid(), TestFile.uid())
      let files = try (0..<2).map { _ in try file(study: study, series: series) }
      _ = await service.store(files, version)
      let found = try await service.search(
        "studies/\(study)/series", "includefield=NumberOfSeriesRelatedInstances", version)
      #expect(found.map { $0.integer(.numberOfSeriesRelatedInstances) } == [2])
    }
  }

  @Test(arguments: versions) func `instances of a study, of a series, and all`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      let study = TestFile.uid()
      let (ct, mr) = (try file(study: study, modality: "CT"), try file(study: study, modality: "MR"))
      _ = await service.store([ct, mr, try file(modality: "CT")], version)
      let instance = Self.defaults(version, .instance)
      let ofStudy = try await service.search("studies/\(study)/instances", "Modality=MR", version)
      #expect(ofStudy.map { $0.string(.sopInstanceUID) } == [mr.instance])
      #expect(
        ofStudy.first?.tags == instance.union(Self.defaults(version, .series)).union([.studyInstanceUID]))
      let ofSeries = try await service.search("\(ct.seriesPath)/instances", "SOPInstanceUID=\(ct.instance)", version)
      #expect(ofSeries.map(\.tags) == [instance.union([.studyInstanceUID, .seriesInstanceUID])])
      let all = try await service.search("instances", "Modality=CT", version)
      #expect(all.count == 2)
      #expect(
        all.first?.tags
          == instance.union(Self.defaults(version, .series)).union(Self.defaults(version, .study)))
    }
  }

  @Test(arguments: versions) func `fuzzy matching finds words of names`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      let names = ["Jonathan^Stone^Hall^^", "Jon^Stone^Hall^^", "Ann^Smith"]
      for name in names {
        _ = await service.store([try file(name: name, [(.referringPhysicianName, .PN, name)])], version)
      }
      for attribute in ["PatientName", "ReferringPhysicianName"] {
        #expect(try await service.search("studies", "\(attribute)=Stone&fuzzymatching=true", version).count == 2)
        #expect(try await service.search("studies", "\(attribute)=hall+jona&fuzzymatching=true", version).count == 1)
        #expect(try await service.search("studies", "\(attribute)=Stone", version).isEmpty)
      }
    }
  }

  @Test(arguments: versions) func `a viewer's list of studies`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      _ = await service.store([try file()], version)
      let query = "limit=25&offset=0&includefield=00081030%2C00080060&StudyDate=20180101-20200101"
      let found = try await service.search("studies", query, version)
      #expect(found.first?.string(.studyDescription) == "Head")
      #expect(found.first?.string(.modality) == "CT")
    }
  }

  // MARK: What Microsoft's service lacks

  @Test(arguments: DICOMVersion.allCases) func `wildcards, UID lists and universal matching`(version: DICOMVersion)
    async throws
  {
    try await ServiceFixture.run { service async throws in
      let files = try ["Doe^Jane", "Doe^John", "Smith^Ann"].map { try file(name: $0, [(.studyID, .SH, "S-1")]) }
      _ = await service.store(files, version)
      #expect(try await service.search("studies", "PatientName=Doe*", version).count == 2)
      #expect(try await service.search("studies", "PatientName=doe%5EJ%3Fne", version).count == 1)
      #expect(try await service.search("studies", "PatientName=*", version).count == 3)
      #expect(try await service.search("studies", "PatientName=", version).count == 3)
      #expect(try await service.search("studies", "StudyID=S-1", version).count == 3)
      let list = "StudyInstanceUID=\(files[0].study),\(files[2].study)"
      #expect(try await service.search("studies", list, version).count == 2)
      #expect(try await service.search("studies", list.replacing(",", with: "%5C"), version).count == 2)
      #expect(try await service.search("instances", "InstanceNumber=007", version).count == 3)
      #expect(try await service.search("studies", "StudyDate=20180101-20190101&StudyTime=10-1015", version).count == 3)
      #expect(try await service.search("studies", "StudyDate=20180101-20190101&StudyTime=-1014", version).isEmpty)
    }
  }

  @Test func `the standard's form has retrieve URLs and counts`() async throws {
    try await ServiceFixture.run { service async throws in
      let file = try file()
      _ = await service.store([file], .standard)
      let study = try #require(try await service.search("studies", "", .standard).first)
      #expect(study.string(.retrieveURL) == "https://example.org/default/dicom/\(file.studyPath)")
      #expect(study.integer(.numberOfStudyRelatedSeries) == 1)
      #expect(study.integer(.numberOfStudyRelatedInstances) == 1)
      #expect(study[.modalitiesInStudy]?.strings == ["CT"])
      #expect(study.string(.instanceAvailability) == "ONLINE")
      let instance = try #require(try await service.search("instances", "", .standard).first)
      #expect(instance.string(.instanceAvailability) == "ONLINE")
      #expect(instance.string(.retrieveURL) == "https://example.org/default/dicom/\(file.target.path)")
      #expect(try await service.search("studies", "Modality=CT", .standard).count == 1)
    }
  }

  @Test func `pages are in a stable order, newest first, and tell of more`() async throws {
    try await ServiceFixture.run { service async throws in
      let files = try (0..<5).map { _ in try file() }
      for file in files { _ = await service.store([file], .v2) }
      var seen: [String?] = []
      for offset in stride(from: 0, to: 6, by: 2) {
        let reply = await service.send(.get, "studies", .standard, query: "limit=2&offset=\(offset)")
        if reply.status == 200 { seen += try reply.dataSets().map { $0.string(.studyInstanceUID) } }
        let left = max(0, 3 - offset)
        #expect(
          reply.header("Warning")
            == (left > 0
              ? "299 https://example.org/default/dicom: \"There are \(left) additional results that can be requested\""
              : nil))
      }
      #expect(seen == files.reversed().map(\.study))
      #expect(
        await service.send(.get, "studies", query: "limit=2").header("Warning")
          == "299 example.org \"There are additional results that can be requested\"")
    }
  }

  @Test func `matches as XML`() async throws {
    try await ServiceFixture.run { service async throws in
      let files = [try file(), try file(name: "A&B^<C>")]
      _ = await service.store(files, .v2)
      let reply = await service.send(
        .get, "studies", accept: ["multipart/related; type=\"application/dicom+xml\""])
      #expect(reply.status == 200)
      let type = try #require(reply.header("Content-Type"))
      #expect(type.hasPrefix("multipart/related; type=\"application/dicom+xml\"; boundary="))
      var reader = try MultipartReader(boundary: type.split(separator: "=").last.map(String.init))
      var parts: [[UInt8]] = []
      for event in try reader.append(reply.bytes) {
        switch event {
        case .began(let part):
          #expect(part["content-type"] == "application/dicom+xml")
          parts.append([])
        case .bytes(let bytes): parts[parts.count - 1] += bytes
        case .ended: break
        }
      }
      try reader.finish()
      #expect(try parts.map { try NativeXMLReader.dataSet($0).string(.patientName) } == ["A&B^<C>", "Doe^John"])
    }
  }

  @Test(arguments: ["application/dicom", "text/html"]) func `other forms are not acceptable`(accept: String)
    async throws
  {
    try await ServiceFixture.run { service async throws in
      #expect(await service.send(.get, "studies", accept: [accept]).status == 406)
      #expect(await service.send(.get, "studies", accept: []).status == 406)
    }
  }
}
