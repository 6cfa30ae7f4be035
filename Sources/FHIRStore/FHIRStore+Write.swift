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
    let prepared = try point(within: restriction, prepare)
    if prepared.changes.isEmpty { return try prepared.finish([]) }
    do {
      return try await writeInside(within: restriction) { scope in
        for guarded in prepared.guards where try !guarded(scope.view) { throw StaleBasis() }
        return try prepared.finish(scope.apply(prepared.changes))
      }
    } catch is StaleBasis {
      return try await writeInside(within: restriction) { scope in
        let prepared = try prepare(scope.view)
        return try prepared.finish(scope.apply(prepared.changes))
      }
    }
  }

  /// Writes changes that a transaction prepares from its own view: for bundles whose entries depend on each other.
  public func writeInside<R: Sendable>(
    within restriction: Restriction, _ body: @escaping @Sendable (WriteScope) throws -> R
  ) async throws -> R {
    let (result, grown) = try await faulting {
      try await database.write { transaction in
        let scope = WriteScope(store: self, transaction: transaction, restriction: restriction)
        let result = try body(scope)
        return (result, scope.grown)
      }
    }
    for added in grown { numbers.merge(added) }
    return result
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
  private let transaction: any Transaction
  fileprivate var grown: [StoreNumbers.Grown] = []

  init(store: FHIRStore, transaction: any Transaction, restriction: Restriction) {
    self.view = StoreView(store: store, reader: transaction, restriction: restriction)
    self.transaction = transaction
  }

  /// Writes changes built from this transaction's view.
  /// - Throws: `StaleBasis` if they were built from another.
  public func apply(_ changes: [Change]) throws -> [Committed] {
    if changes.isEmpty { return [] }
    var writer = ChangeWriter(view.store)
    let committed = try writer.write(changes, in: transaction)
    grown.append(writer.grown)
    return committed
  }
}
