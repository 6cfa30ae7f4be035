import DICOMCore
import DICOMweb
import Testing

/// What Microsoft's end-to-end tests assert of deletions.
@Suite struct DeleteTransactionTests {
  private static let versions: [DICOMVersion] = [.v1, .v2]

  @Test(arguments: versions, Target.Level.allCases)
  func `what is deleted is not found, and is not deleted again`(version: DICOMVersion, level: Target.Level) async throws
  {
    try await ServiceFixture.run { service async throws in
      let file = try TestFile(pixels: 100_000)
      _ = await service.store([file], version)
      let path = level == .study ? file.studyPath : level == .series ? file.seriesPath : file.target.path
      let reply = await service.send(.delete, path, version)
      #expect(reply.status == 204 && reply.bytes.isEmpty)
      // The last instance takes its series and study with it.
      for path in [file.studyPath, file.seriesPath, file.target.path] {
        #expect(await service.send(.get, path + "/metadata", version).status == 404)
        let retrieved = await service.send(
          .get, path, version, accept: ["multipart/related; type=\"application/dicom\"; transfer-syntax=*"])
        #expect(retrieved.status == 404)
        let again = await service.send(.delete, path, version)
        #expect(again.status == 404)
      }
      for scope in ["studies", "series", "instances"] {
        #expect(try await service.search(scope, "", version).isEmpty)
      }
    }
  }

  @Test(arguments: versions) func `the others of a series and study stay`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      let (study, series) = (TestFile.uid(), TestFile.uid())
      let files = try [series, series, TestFile.uid()].map { try TestFile(study: study, series: $0) }
      _ = await service.store(files, version)
      #expect(await service.send(.delete, files[0].target.path, version).status == 204)
      #expect(await service.stored(files[0], version) == nil)
      #expect(await service.stored(files[1], version) == files[1].bytes)
      #expect(await service.send(.delete, files[1].seriesPath, version).status == 204)
      #expect(await service.stored(files[1], version) == nil)
      #expect(await service.stored(files[2], version) == files[2].bytes)
      #expect(try await service.search("studies/\(study)/series", "", version).count == 1)
    }
  }

  @Test(arguments: versions) func `the last instance takes series and study with it`(version: DICOMVersion) async throws
  {
    try await ServiceFixture.run { service async throws in
      let study = TestFile.uid()
      let files = try (0..<2).map { _ in try TestFile(study: study) }
      _ = await service.store(files, version)
      #expect(await service.send(.delete, files[0].target.path, version).status == 204)
      #expect(await service.send(.get, files[0].seriesPath + "/metadata", version).status == 404)
      #expect(await service.send(.get, files[0].studyPath + "/metadata", version).status == 200)
      #expect(await service.send(.delete, files[1].target.path, version).status == 204)
      #expect(await service.send(.get, files[1].studyPath + "/metadata", version).status == 404)
    }
  }

  @Test(arguments: versions, ["studies/x", "studies/1.2/series/x", "studies/1.2/series/3/instances/x"])
  func `what is no UID is a bad request`(version: DICOMVersion, path: String) async throws {
    try await ServiceFixture.run { service async throws in
      #expect(await service.send(.delete, path, version).status == 400)
    }
  }

  @Test(arguments: versions) func `what was deleted may be stored again`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      let file = try TestFile(pixels: 100_000)
      for _ in 0..<2 {
        #expect(await service.store([file], version).status == 200)
        #expect(await service.stored(file, version) == file.bytes)
        #expect(await service.send(.delete, file.studyPath, version).status == 204)
      }
    }
  }

  @Test func `texts are Microsoft's`() async throws {
    try await ServiceFixture.run { service async throws in
      #expect(await service.send(.delete, "studies/1.2").text == "The specified study cannot be found.")
      #expect(await service.send(.delete, "studies/1.2/series/3").text == "The specified series cannot be found.")
      #expect(
        await service.send(.delete, "studies/1.2/series/3/instances/4").text
          == "The specified instance cannot be found.")
    }
  }
}
