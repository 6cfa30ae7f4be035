public import FHIRModel
import Storage

/// What a view has read ahead of being asked.
struct Foresight: Sendable {
  struct Name: Hashable {
    let type: Schema.TypeID
    let id: String
  }

  /// The newest versions; nil where there is none.
  var versions: [Name: StoredVersion?] = [:]
  var rows: [Int64: IndexedRows] = [:]

  /// What the index says about a version, if that is the one that was read.
  func indexed(_ resource: StoredVersion) -> IndexedRows? {
    let known = versions[Name(type: resource.type, id: resource.id)]
    guard case .some(.some(let version)) = known, version.version == resource.version else { return nil }
    return rows[resource.key]
  }
}

extension StoreView {
  private static let currentRow = Statement(
    "SELECT key, version, updated, method, body FROM resource WHERE type = ? AND id = ?")

  /// The same view, after it has read what stands under these names and what the index says about it: in two round
  /// trips for all instead of two for each. A view to which reading is no way reads nothing ahead. What was read ahead
  /// is shown by the views within this one that show everything, and by no other.
  ///
  /// It goes on showing what it has read, so it is for what is checked when it is written.
  public func foreseeing(_ names: [(type: Schema.TypeID, id: String)]) throws -> StoreView {
    guard names.count > 1, store.database.isShared else { return self }
    var foresight = Foresight()
    // A name that stands twice is asked once.
    var asked: [Foresight.Name] = []
    var rows = RowBatch(columns: 2)
    for (type, id) in names {
      let name = Foresight.Name(type: type, id: id)
      guard foresight.versions.updateValue(nil, forKey: name) == nil else { continue }
      asked.append(name)
      rows.append(.integer(store.numbers.number(type)), .text(id))
    }
    var standing: [StoredVersion] = []
    try reader.query(Self.currentRow, rows: rows) { index, row in
      let name = asked[index]
      let version = try version(
        row, key: row.integer(0), type: name.type, id: name.id, version: row.integer(1), updated: row.integer(2),
        method: row.integer(3), bodyColumn: 4)
      foresight.versions.updateValue(version, forKey: name)
      standing.append(version)
    }
    if !standing.isEmpty {
      for (version, rows) in zip(standing, try indexed(standing)) { foresight.rows[version.key] = rows }
    }
    var view = self
    view.foresight = foresight
    return view
  }
}
