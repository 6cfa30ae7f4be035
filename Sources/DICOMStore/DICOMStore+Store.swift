import Base
import BlobStore
import Storage

extension DICOMStore {
  /// Stores instances, all in one transaction, which shares its commit with whoever writes at the same time.
  ///
  /// Blobs must be durable before. Of two instances with the same UIDs, in one request or raced by two, exactly one is
  /// stored. The blobs of those that are not are removed, also when this throws, unless it is unknown whether they were
  /// stored (`.outcomeUnknown`).
  /// - Returns: for each instance what became of it, in order.
  public func store(_ instances: [NewInstance]) async throws -> [StoreOutcome] {
    if instances.isEmpty { return [] }
    return try await faulting {
      let (outcomes, partitions, uids): ([StoreOutcome], [String: Int64], [String: Int64])
      do {
        let prepared = try instances.map { try PreparedInstance($0, compression) }
        (outcomes, partitions, uids) = try await database.write { [self] transaction in
          var writer = try InstanceWriter(self, transaction)
          let outcomes = try writer.write(prepared)
          return (outcomes, writer.partitions, writer.uids)
        }
      } catch {
        // What may be in the tables after all must keep its bytes.
        if (error as? StorageError)?.code != .outcomeUnknown { await removeBlobs(of: instances) }
        throw error
      }
      self.partitions.merge(partitions)
      self.uids.merge(uids)
      await removeBlobs(of: zip(instances, outcomes).compactMap { $1 == .exists ? $0 : nil })
      return outcomes
    }
  }

  /// A blob that cannot be removed now has no row, and is found by a sweep.
  private func removeBlobs(of instances: [NewInstance]) async {
    let names = instances.compactMap { instance -> BlobName? in
      guard case .blob(let name, _) = instance.content else { return nil }
      return name
    }
    if !names.isEmpty { try? await blobs.remove(names) }
  }
}
