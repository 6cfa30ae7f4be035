import Base
import BlobStore
import Storage

/// What a sweep removed.
public struct SweepResult: Sendable, Hashable {
  /// Blobs of deleted instances whose time had come.
  public var removed = 0
  /// Blobs that no row named.
  public var orphans = 0
}

extension DICOMStore {
  private static let batchCount = 100
  private static let orphanBatchCount = 500
  private static let dueBlobs = Statement("SELECT blob FROM blob_removal WHERE due <= ? ORDER BY due LIMIT ?")
  private static let forget = Statement("DELETE FROM blob_removal WHERE blob = ?")

  /// Removes blobs of deleted instances that are due, and if asked those that no row names: what a killed process wrote
  /// and did not store. Harmless at any time and any number of times; a kill in its midst leaves work for the next.
  @discardableResult
  public func sweep(searchingOrphans: Bool = true) async throws -> SweepResult {
    try await faulting {
      var result = SweepResult()
      result.removed = try await removeDue()
      if searchingOrphans { result.orphans = try await removeOrphans() }
      return result
    }
  }

  /// A blob goes before the row that tells of it.
  private func removeDue() async throws -> Int {
    let now = clock.now().milliseconds
    var count = 0
    while true {
      let texts = try await database.read { reader in
        try reader.all(Self.dueBlobs, [.integer(now), .integer(Self.batchCount)]) { $0.text(0) }
      }
      if texts.isEmpty { return count }
      try await blobs.remove(texts.compactMap { BlobName($0) })
      try await database.write { transaction in
        for text in texts { try transaction.execute(Self.forget, [.text(text)]) }
      }
      count += texts.count
      if Task.isCancelled { return count }
    }
  }

  private func removeOrphans() async throws -> Int {
    var names: [BlobName] = []
    try await blobs.names(olderThan: configuration.orphanSecondsMin) { names.append($0) }
    var count = 0
    for start in stride(from: 0, to: names.count, by: Self.orphanBatchCount) {
      let batch = names[start..<min(start + Self.orphanBatchCount, names.count)]
      let texts = batch.map { SQLValue.text($0.text) }
      let known = try await database.read { reader in
        try reader.all(
          """
          SELECT blob FROM instance WHERE blob IN (\(list: texts))
          UNION ALL SELECT blob FROM blob_removal WHERE blob IN (\(list: texts))
          """
        ) { $0.text(0) }
      }
      let kept = Set(known)
      let orphans = batch.filter { !kept.contains($0.text) }
      try await blobs.remove(orphans)
      count += orphans.count
      if Task.isCancelled { break }
    }
    return count
  }
}
