import DICOMCore
import DICOMStore
import DICOMweb
import TestSupport
import Testing

@Suite struct PartitionTests {
  @Test("the same UIDs may be in each partition, and each sees its own")
  func isolation() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    let store = fixture.store
    #expect(try await store.dataPartitions().map(\.name) == ["Microsoft.Default"])
    for name in ["north", "south"] {
      let outcomes = try await fixture.store(
        TestInstance("1.2", "1", "1", [(.patientName, .PN, "From^\(name)")]), partition: name)
      #expect(outcomes != [.exists])
    }
    try await fixture.store(TestInstance("1.3", "1", "1", [(.patientName, .PN, "From^south")]), partition: "south")
    let partitions = try await store.dataPartitions()
    #expect(partitions.map(\.name) == ["Microsoft.Default", "north", "south"])
    #expect(partitions.map(\.number) == [1, 2, 3])
    #expect(partitions.allSatisfy { $0.created == fixture.now })

    #expect(try await fixture.found(SearchScope(.study)) == [])
    #expect(try await fixture.found(SearchScope(.study), partition: "north") == ["1.2"])
    #expect(try await fixture.found(SearchScope(.instance), partition: "south").count == 2)
    let name = DICOMQuery.Condition.match(.patientName, .text("from^south"))
    #expect(try await fixture.found(SearchScope(.study), name, partition: "north") == [])
    #expect(try await fixture.found(SearchScope(.study), name, partition: "south") == ["1.3", "1.2"])
    let inStudy = SearchScope(.instance, study: "1.2")
    #expect(try await fixture.found(inStudy, partition: "north") == ["1.2/1.2.1/1.2.1.1"])
    let metadata = try #require(try await fixture.metadata(Target(study: "1.2"), partition: "north").first)
    #expect(metadata.texts(.patientName) == ["From^north"])

    #expect(try await store.delete(Target(study: "1.2"), partition: "north") == 1)
    #expect(try await fixture.found(SearchScope(.study), partition: "north") == [])
    #expect(try await fixture.found(SearchScope(.study), partition: "south") == ["1.3", "1.2"])
    let entries = try await store.changes(after: 0, limit: 10, withMetadata: false)
    #expect(entries.map(\.partition) == ["north", "south", "south", "north"])
    #expect(entries.map(\.state) == [.deleted, .current, .current, .deleted])
    await fixture.close()
    // After a start they are what they were.
    let again = try await StoreFixture(folder.path)
    #expect(try await again.store.dataPartitions() == partitions)
    #expect(try await again.found(SearchScope(.study), partition: "south") == ["1.3", "1.2"])
    await again.close()
  }
}
