import Base
import Storage

/// What one caller may see of a store at one moment: the only way to read it.
///
/// A view is bound to a reader (one snapshot, or a transaction with its own writes so far) and to a restriction, which
/// every read applies before it counts, sorts or cuts. It is handed to a closure and means nothing outside of it.
public struct StoreView {
  let store: FHIRStore
  let reader: any Reader
  let restriction: Restriction
  /// Whether it sees what may be taken back: a transaction's writes.
  var isUncommitted = false
  /// What it need not read again.
  var foresight: Foresight?
}

extension FHIRStore {
  /// A few look-ups by key on the calling thread, which cost less than any change of thread. Each look-up sees the
  /// newest commit; several do not share a snapshot.
  public func point<R>(within restriction: Restriction, _ body: (StoreView) throws -> R) throws -> R {
    try faulting {
      try database.point { try body(StoreView(store: self, reader: $0, restriction: restriction)) }
    }
  }

  /// Reads on one snapshot, on a reader's thread.
  /// - Parameters:
  ///   - seconds: the read is ended when it takes longer; nil for no end of its own.
  ///   - isRecent: whether it may see the store as it was some seconds ago, where a replica is there to be asked.
  public func read<R: Sendable>(
    within restriction: Restriction, seconds: Int? = nil, isRecent: Bool = false,
    _ body: @escaping @Sendable (StoreView) throws -> R
  ) async throws -> R {
    try await faulting {
      let deadline = seconds.map { ContinuousClock.now + .seconds($0) }
      let view: @Sendable (any Reader) throws -> R = {
        try body(StoreView(store: self, reader: $0, restriction: restriction))
      }
      return isRecent
        ? try await database.readRecent(deadline: deadline, view) : try await database.read(deadline: deadline, view)
    }
  }

  /// The engine's errors become faults here; nothing above knows them.
  func faulting<R>(_ body: () throws -> R) throws -> R {
    do {
      return try body()
    } catch let error as StorageError {
      throw error.fault
    }
  }

  /// The engine's errors become faults here; nothing above knows them.
  func faulting<R>(_ body: () async throws -> R) async throws -> R {
    do {
      return try await body()
    } catch let error as StorageError {
      throw error.fault
    }
  }
}
