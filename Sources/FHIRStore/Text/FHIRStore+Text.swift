import Base
import Storage

extension FHIRStore {
  /// Waits until a full-text search finds everything that was acknowledged before this call. The first call begins the
  /// store's full-text index.
  /// - Parameter seconds: waits no longer.
  /// - Throws: `.unavailable` where the index is not there yet; it says how far it is.
  public func bringUpText(within seconds: Int) async throws {
    try await faulting {
      try await textIndexer.begin()
      let newest = try database.point { try $0.first(TextRows.newest) { $0.integer(0) } } ?? 0
      if await textIndexer.waits(for: newest, upTo: .seconds(seconds)) { return }
      let progress = textIndexer.progress
      throw Fault(
        .unavailable,
        "The full-text index is not ready: it has taken in \(progress.done) of \(max(progress.newest, newest)) changes. "
          + "Try again later.", code: "transient")
    }
  }
}
