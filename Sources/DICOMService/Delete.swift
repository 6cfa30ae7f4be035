import Base
import DICOMStore
import DICOMweb

extension DICOMService {
  /// Microsoft's deletion of a study, series or instance; what has no instance left goes with it.
  func delete(_ target: Target, _ call: DICOMCall) async throws -> DICOMAnswer {
    let count = try await store.delete(target, partition: call.partitionName)
    guard count > 0 else {
      try await checkPartition(call)
      throw Retrieve.notFound(target)
    }
    return DICOMAnswer(204)
  }
}
