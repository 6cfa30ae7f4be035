import Base
import DICOMStore
import DICOMweb
import JSONCore

extension DICOMService {
  /// Microsoft's list of data partitions.
  func partitions(_ call: DICOMCall) async throws -> DICOMAnswer {
    guard call.acceptance.takesJSON else { throw Acceptance.notAcceptable }
    let partitions = try await store.dataPartitions()
    var writer = JSONWriter()
    writer.beginArray()
    for partition in partitions {
      writer.beginObject()
      writer.key("partitionKey")
      writer.number(partition.number)
      writer.member("partitionName", partition.name)
      writer.member("createdDate", partition.created.fhir)
      writer.endObject()
    }
    writer.endArray()
    return DICOMAnswer(200, contentType: "application/json", .bytes(writer.bytes))
  }

  /// Says so if the partition that a call names is not there, where nothing was found in it.
  /// - Throws: `.notFound`.
  func checkPartition(_ call: DICOMCall) async throws {
    guard let name = call.partition, try await store.dataPartitions().allSatisfy({ $0.name != name }) else { return }
    throw Fault(.notFound, "Specified PartitionName does not exist.")
  }
}
