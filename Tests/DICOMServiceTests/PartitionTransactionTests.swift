import DICOMCore
import DICOMweb
import JSONCore
import Testing

/// What Microsoft's end-to-end tests assert of data partitions.
@Suite struct PartitionTransactionTests {
  private func names(_ service: ServiceFixture) async throws -> [String?] {
    let reply = await service.send(.get, "partitions", accept: ["application/json"])
    #expect(reply.status == 200)
    let document = try reply.json()
    for node in document.elements(document.root) {
      #expect(document.member(node, "partitionKey").flatMap { document.integer($0) } != nil)
      #expect(document.member(node, "createdDate").flatMap { document.string($0) }?.hasSuffix("Z") == true)
    }
    return document.elements(document.root).map { node in
      document.member(node, "partitionName").flatMap { document.string($0) }
    }
  }

  @Test func `there is a default partition, and storing makes others`() async throws {
    try await ServiceFixture.run(hasPartitions: true) { service async throws in
      #expect(try await names(service) == ["Microsoft.Default"])
      for name in ["a", "b"] {
        #expect(try await service.store([try TestFile()], .v2, path: "partitions/\(name)/studies").status == 200)
      }
      #expect(try await names(service) == ["Microsoft.Default", "a", "b"])
    }
  }

  @Test func `the same UIDs are once in each partition`() async throws {
    try await ServiceFixture.run(hasPartitions: true) { service async throws in
      let uids = (TestFile.uid(), TestFile.uid(), TestFile.uid())
      func file(_ patient: String) throws -> TestFile {
        try TestFile(study: uids.0, series: uids.1, instance: uids.2, [(.patientID, .LO, patient)])
      }
      let (first, second) = (try file("1"), try file("2"))
      for (file, name) in [(first, "a"), (second, "b")] {
        let reply = await service.store([file], .v2, path: "partitions/\(name)/studies/\(file.study)")
        #expect(reply.status == 200)
        let dataSet = try reply.dataSet()
        let root = "https://example.org/default/dicom/v2/partitions/\(name)/"
        #expect(dataSet.string(.retrieveURL) == root + file.studyPath)
        #expect(
          dataSet.items(.referencedSOPSequence).first?.string(.retrieveURL) == root + file.target.path)
        #expect(await service.store([file], .v2, path: "partitions/\(name)/studies").status == 409)
      }
      #expect(await service.stored(first, partition: "a") == first.bytes)
      #expect(await service.stored(second, partition: "b") == second.bytes)
      #expect(try await service.search("partitions/a/studies", "PatientID=1").count == 1)
      #expect(try await service.search("partitions/b/studies", "PatientID=1").isEmpty)

      #expect(await service.send(.delete, "partitions/a/\(first.studyPath)").status == 204)
      #expect(await service.stored(first, partition: "a") == nil)
      #expect(await service.stored(second, partition: "b") == second.bytes)
    }
  }

  @Test func `the change feed is of all partitions, and names them`() async throws {
    try await ServiceFixture.run(hasPartitions: true) { service async throws in
      for name in ["a", "b"] { _ = await service.store([try TestFile()], .v2, path: "partitions/\(name)/studies") }
      let reply = await service.send(.get, "changefeed")
      let document = try reply.json()
      let names = document.elements(document.root).map { node in
        document.member(node, "partitionName").flatMap { document.string($0) }
      }
      #expect(names == ["a", "b"])
    }
  }

  @Test func `a partition that is not there is not found`() async throws {
    try await ServiceFixture.run(hasPartitions: true) { service async throws in
      for (method, path) in [(.get, "studies"), (.delete, "studies/1.2")] as [(DICOMRoute.Method, String)] {
        let reply = await service.send(method, "partitions/none/\(path)")
        #expect(reply.status == 404)
        #expect(reply.text == "Specified PartitionName does not exist.")
      }
      #expect(await service.send(.get, "studies").status == 400)
    }
  }

  @Test func `without partitions there are none in addresses`() async throws {
    try await ServiceFixture.run { service async throws in
      #expect(await service.send(.get, "partitions/a/studies").status == 400)
    }
  }
}
