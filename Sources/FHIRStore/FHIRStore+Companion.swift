package import FHIRModel
package import Storage

/// Tables of another part of the house that are in this store's database, so that what it notes and the resources it
/// writes are one commit. They have names of their own, and nobody reads resources through them.
extension FHIRStore {
  package var companion: any Database { database }
}

extension WriteScope {
  /// This transaction, for the other part's tables.
  package var companion: any Transaction { transaction }
}

extension StoreView {
  /// What this view reads from, for the other part's tables.
  package var companion: any Reader { reader }

  private static let newestOfType = Statement("SELECT max(position) FROM change_log WHERE type = ?")

  /// The position of the newest change of a resource of this type, 0 without one: as long as it stays, so does
  /// everything that was read of the type.
  package func newestPosition(of type: Schema.TypeID) throws -> Int64 {
    let number = SQLValue.integer(store.numbers.number(type))
    return try reader.first(Self.newestOfType, [number]) { $0.integer(0) } ?? 0
  }
}
