public import Base
public import FHIRModel
public import FHIRSearch

/// One resource's next version, ready to be written: built outside the writer (parsed, indexed, compressed), so that
/// the transaction only checks what it was built upon and writes rows.
public struct Change: Sendable {
  /// What the change was built upon; it is checked inside the transaction.
  public enum Basis: Sendable, Equatable {
    /// A fresh server-assigned id: nothing can be there.
    case new
    /// Nothing was there.
    case absent
    /// This version was the newest.
    case version(key: Int64, Int64)
  }

  /// What a change does to the versions that stand.
  public enum Effect: Sendable, Equatable {
    /// A new version; the one it supersedes goes to the history.
    case version
    /// A new version in the place of the one it supersedes, which is not kept.
    case replacement
    /// Superseded versions are removed for good; the newest stays.
    case historyPurge
    /// All versions are removed for good.
    case purge
  }

  public let type: Schema.TypeID
  public let id: String
  public let method: WriteMethod
  public let effect: Effect
  public let basis: Basis
  /// nil for a deletion.
  public let body: ResourceBody?
  let packed: [UInt8]?
  /// Index rows that the new version has and the old one had not, and the other way round.
  let added: [IndexRow]
  let removed: [IndexRow]
  /// The catalog's generation that the new version's rows were extracted for; nil without a new version.
  let generation: Int64?
  /// The generation of the rows that the difference was made to; nil where nothing was compared.
  let comparedGeneration: Int64?

  /// Whether it makes a version.
  public var isVersion: Bool { effect == .version || effect == .replacement }
}

/// What became of a change.
public struct Committed: Sendable {
  public let change: Change
  public let key: Int64
  public let version: Int64
  public let updated: Instant
}

/// Thrown inside a transaction when a change's basis no longer holds: prepare anew and try again.
public struct StaleBasis: Error {
  public init() {}
}

/// A resource's content ready to be stored: its canonical form, compressed, and what it says for search.
public struct Draft: Sendable {
  public let body: ResourceBody
  public let rows: [IndexRow]
  /// The generation of the catalog that the rows were extracted for.
  let generation: Int64
  let packed: [UInt8]
}

extension FHIRStore {
  /// - Parameter rows: what the resource says under the parameters of `catalog`.
  public func draft(_ body: ResourceBody, rows: [IndexRow], for catalog: SearchCatalog) throws -> Draft {
    try faulting {
      Draft(body: body, rows: rows, generation: catalog.generation, packed: try compression.compress(body.bytes))
    }
  }

  /// Whether a draft was extracted for the parameters that are in force.
  public func isCurrent(_ draft: Draft) -> Bool { draft.generation == catalog.generation }

  /// Prepares a new version.
  /// - Parameters:
  ///   - draft: the new content; nil for a deletion.
  ///   - current: the newest version, deleted or not; nil where there is none.
  ///   - indexed: what the index says about the newest version; nil where it is deleted or absent, and where its index
  ///     stays as it is.
  public func change(
    _ type: Schema.TypeID, id: String, method: WriteMethod, _ draft: Draft?, current: StoredVersion?,
    indexed: IndexedRows? = nil, isNew: Bool = false, effect: Change.Effect = .version
  ) -> Change {
    let rows = draft?.rows ?? []
    let basis: Change.Basis =
      if let current { .version(key: current.key, current.version) } else { isNew ? .new : .absent }
    let (added, removed) = indexed.map { $0.difference(to: rows) } ?? (rows, [])
    return Change(
      type: type, id: id, method: method, effect: effect, basis: basis, body: draft?.body, packed: draft?.packed,
      added: added, removed: removed, generation: draft?.generation, comparedGeneration: indexed?.generation)
  }
}

extension IndexedRows {
  /// What must be added to the index and removed from it for a resource that says this now.
  func difference(to new: [IndexRow]) -> (added: [IndexRow], removed: [IndexRow]) {
    if rows.isEmpty { return (new, []) }
    let old = Set(rows)
    let kept = Set(new)
    return (new.filter { !old.contains($0) }, rows.filter { !kept.contains($0) })
  }
}
