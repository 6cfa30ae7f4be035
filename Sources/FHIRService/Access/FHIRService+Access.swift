import Base
import FHIRModel
import FHIRSearch
import FHIRStore
import Identity

/// Permissions where a resource's content tells.
extension FHIRService {
  func notAllowed(_ type: Schema.TypeID, _ id: String?) -> Fault {
    let which = id.map { "'\(schema.name(type))/\($0)'" } ?? "a resource of type '\(schema.name(type))'"
    return Fault(.forbidden, "The access token does not allow this interaction with \(which).")
  }

  // MARK: Versions

  /// Whether an earlier version may be seen: what it said then may be about somebody else.
  func shows(_ version: StoredVersion, _ view: StoreView) throws -> Bool {
    let extent = view.extent(version.type)
    guard case .matching = extent, let body = version.body else { return extent.isSomething }
    if try view.current(version.type, version.id)?.version == version.version { return true }
    let catalog = store.catalog
    let rows = try rows(body, version.type, catalog)
    return ResourceMatch(type: version.type, id: version.id, rows: rows, parameters: catalog.indexed).isWithin(extent)
  }

  // MARK: Writing

  /// The version that a write changes; nil where there is none, and where the caller may not know of one.
  /// - Throws: `.forbidden` for one that the caller may read and not write.
  func writable(_ request: WriteRequest, _ id: String, _ view: StoreView) throws -> StoredVersion? {
    if let current = try view.current(request.type, id) { return current }
    guard let access = request.permit.access else { return nil }
    let readable = try view.within(restriction(.read, access)).current(request.type, id)
    guard readable == nil else { throw notAllowed(request.type, id) }
    return nil
  }

  /// Refuses to make a resource where one stands that the caller may not change, known or not.
  func checkIsFree(_ request: WriteRequest, _ id: String, _ view: StoreView) throws {
    guard request.permit.access != nil, try view.hides(request.type, id) else { return }
    throw notAllowed(request.type, id)
  }

  /// Refuses what the caller might not write as it would be stored.
  /// - Parameter isNew: whether nothing stands there yet.
  func checkStored(_ draft: Draft, _ request: WriteRequest, _ id: String, isNew: Bool) throws {
    guard let access = request.permit.access else { return }
    var restriction = request.permit.restriction
    if request.permit.interaction == .update, isNew { restriction = self.restriction(.updateCreate, access) }
    try check(draft, request.type, id, within: restriction)
  }

  func check(_ draft: Draft, _ type: Schema.TypeID, _ id: String, within restriction: Restriction) throws {
    if restriction.isUnrestricted { return }
    let match = ResourceMatch(type: type, id: id, rows: draft.rows, parameters: store.catalog.indexed)
    guard match.isWithin(restriction.extent(type)) else { throw notAllowed(type, nil) }
  }

  /// Whether what was written may be told as it stands: who may change a resource without reading it is told nothing
  /// that he did not say.
  func mayRead(_ type: Schema.TypeID, _ permit: Permit) -> Bool {
    permit.access.map { restriction(.read, $0).allows(type) } ?? true
  }

  /// A view's guards, asked within what the view itself sees.
  static func within(
    _ restriction: Restriction, _ guards: [@Sendable (StoreView) throws -> Bool]
  ) -> [@Sendable (StoreView) throws -> Bool] {
    guards.map { held in { view in try held(view.within(restriction)) } }
  }
}
