import Base
import FHIRSearch
import Storage

extension FHIRStore {
  /// Writes changes in one transaction; all of them or none. Returns when they are on the disk.
  ///
  /// `prepare` builds the changes from what it sees. It runs first outside the writer; if what it was built upon has
  /// changed by the time of the transaction, it runs again inside it, where nothing can change.
  public func write<R: Sendable>(
    within restriction: Restriction, preparing prepare: @escaping @Sendable (StoreView) throws -> Prepared<R>
  ) async throws -> R {
    try await withNewestCatalog {
      let prepared = try self.point(within: restriction, prepare)
      if prepared.changes.isEmpty { return try prepared.finish([]) }
      do {
        return try await self.inside(within: restriction) { scope in
          for guarded in prepared.guards where try !guarded(scope.view) { throw StaleBasis() }
          return try prepared.finish(scope.apply(prepared.changes))
        }
      } catch is StaleBasis {
        return try await self.inside(within: restriction) { scope in
          let prepared = try prepare(scope.view)
          return try prepared.finish(scope.apply(prepared.changes))
        }
      }
    }
  }

  /// Writes changes that a transaction prepares from its own view: for bundles whose entries depend on each other.
  public func writeInside<R: Sendable>(
    within restriction: Restriction, _ body: @escaping @Sendable (WriteScope) throws -> R
  ) async throws -> R {
    try await withNewestCatalog { try await self.inside(within: restriction, body) }
  }

  /// Catalogs change rarely: one that changed so often while a request was carried out is no coincidence.
  private static let catalogChangesMax = 10

  /// Carries out a write; again, if search parameters changed while it was prepared.
  private func withNewestCatalog<R: Sendable>(_ write: () async throws -> R) async throws -> R {
    for _ in 0..<Self.catalogChangesMax {
      do {
        return try await write()
      } catch is StaleCatalog {
        try await refreshCatalog()
      }
    }
    throw Fault(.busy, "The search parameters change too fast; try again.")
  }

  private func inside<R: Sendable>(
    within restriction: Restriction, _ body: @escaping @Sendable (WriteScope) throws -> R
  ) async throws -> R {
    let (result, grown, changesCatalog) = try await faulting {
      do {
        return try await self.run(body, within: restriction, trustsNew: true)
      } catch let error as StorageError where error.isUniqueViolation && database.isShared {
        // Two texts of a resource that differ here may be one there.
        return try await self.run(body, within: restriction, trustsNew: false)
      }
    }
    for added in grown { numbers.merge(added) }
    // It is written, whatever comes now; who meets an old catalog later reads it again.
    if changesCatalog { try? await refreshCatalog() }
    return result
  }

  private func run<R: Sendable>(
    _ body: @escaping @Sendable (WriteScope) throws -> R, within restriction: Restriction, trustsNew: Bool
  ) async throws -> (R, [StoreNumbers.Grown], changesCatalog: Bool) {
    try await database.write { transaction in
      let scope = WriteScope(
        store: self, transaction: transaction, restriction: restriction, trustsNew: trustsNew)
      let result = try body(scope)
      return (result, scope.grown, scope.changesCatalog)
    }
  }
}

/// Changes, and what to make of their outcome.
public struct Prepared<R: Sendable>: Sendable {
  public let changes: [Change]
  /// What else the changes were built upon, such as a search that found nothing: asked again inside the transaction.
  public let guards: [@Sendable (StoreView) throws -> Bool]
  /// Makes the result from what was committed, one for each change, in order.
  public let finish: @Sendable ([Committed]) throws -> R

  public init(
    _ changes: [Change], guards: [@Sendable (StoreView) throws -> Bool] = [],
    finish: @escaping @Sendable ([Committed]) throws -> R
  ) {
    self.changes = changes
    self.guards = guards
    self.finish = finish
  }
}

/// A transaction under way: what its view shows is what it has written so far.
public final class WriteScope {
  public let view: StoreView
  let transaction: any Transaction
  /// The catalog's generation before this transaction changed it.
  private var generation: Int64?
  fileprivate var changesCatalog = false
  fileprivate var grown: [StoreNumbers.Grown] = []

  private let trustsNew: Bool

  init(store: FHIRStore, transaction: any Transaction, restriction: Restriction, trustsNew: Bool) {
    self.trustsNew = trustsNew
    self.view = StoreView(store: store, reader: transaction, restriction: restriction, isUncommitted: true)
    self.transaction = transaction
  }

  /// Writes changes built from this transaction's view.
  /// - Throws: `StaleBasis` if they were built from another.
  public func apply(_ changes: [Change]) throws -> [Committed] {
    if changes.isEmpty { return [] }
    var writer = ChangeWriter(view.store, generation: generation, trustsNew: trustsNew)
    let committed = try writer.write(changes, in: transaction)
    generation = writer.generation
    grown.append(writer.grown)
    if writer.changesCatalog { changesCatalog = true }
    return committed
  }
}
