import Base
public import FHIRModel
import Storage

extension StoreView {
  private static let currentRow = Statement(
    "SELECT key, version, updated, method, body FROM resource WHERE type = ? AND id = ?")
  private static let historyRow = Statement(
    "SELECT version, updated, method, body FROM resource_history WHERE key = ? AND version = ?")

  /// The newest version of a resource, a deletion too; nil where there never was one, or the caller may not know.
  public func current(_ type: Schema.TypeID, _ id: String) throws -> StoredVersion? {
    // What was read ahead was read for nobody in particular.
    if restriction.isUnrestricted, let known = foresight?.versions[Foresight.Name(type: type, id: id)] { return known }
    guard restriction.allows(type) else { return nil }
    let found = try reader.first(Self.currentRow, [.integer(store.numbers.number(type)), .text(id)]) { row in
      try version(
        row, key: row.integer(0), type: type, id: id, version: row.integer(1), updated: row.integer(2),
        method: row.integer(3), bodyColumn: 4)
    }
    guard let found, try shows(found.key, type) else { return nil }
    return found
  }

  /// One version of a resource, a deletion too; nil where there is none. Whether the caller may see it is told by the
  /// newest version: what an earlier one says is the caller's to look at.
  public func version(_ type: Schema.TypeID, _ id: String, _ number: Int64) throws -> StoredVersion? {
    guard let newest = try current(type, id) else { return nil }
    if newest.version == number { return newest }
    let found = try reader.first(Self.historyRow, [.integer(newest.key), .integer(number)]) { row in
      try version(
        row, key: newest.key, type: type, id: id, version: row.integer(0), updated: row.integer(1),
        method: row.integer(2), bodyColumn: 3)
    }
    if found != nil { return found }
    // Between two look-ups without a snapshot the version may have become the newest and been superseded; look again.
    guard let again = try current(type, id), again.version == number else { return nil }
    return again
  }

  private static let methodRow = Statement("SELECT method, key FROM resource WHERE type = ? AND id = ?")
  private static let keyRow = Statement(
    "SELECT type, id, version, updated, method, body FROM resource WHERE key = ?")

  /// Whether a resource is there, and not deleted.
  public func isThere(_ type: Schema.TypeID, _ id: String) throws -> Bool {
    guard restriction.allows(type) else { return false }
    let found = try reader.first(Self.methodRow, [.integer(store.numbers.number(type)), .text(id)]) {
      (method: $0.integer(0), key: $0.integer(1))
    }
    guard let found, found.method != WriteMethod.delete.rawValue else { return false }
    return try shows(found.key, type)
  }

  /// The newest versions of resources by their keys, in the keys' order, without those the caller may not know.
  public func newest(_ keys: [Int64]) throws -> [StoredVersion] {
    try keys.compactMap { key in
      try reader.first(Self.keyRow, [.integer(key)]) { row -> StoredVersion? in
        guard let type = store.numbers.types[row.integer(0)], restriction.allows(type) else { return nil }
        return try version(
          row, key: key, type: type, id: row.text(1), version: row.integer(2), updated: row.integer(3),
          method: row.integer(4), bodyColumn: 5)
      }.flatMap { try $0.flatMap { try shows(key, $0.type) ? $0 : nil } }
    }
  }

  func version(
    _ row: any Row, key: Int64, type: Schema.TypeID, id: String, version: Int64, updated: Int64, method: Int64,
    bodyColumn: Int
  ) throws -> StoredVersion {
    guard let how = WriteMethod(rawValue: method) else {
      throw StorageError(.corrupt, detail: "a row has an unknown method")
    }
    let body: ResourceBody? =
      row.isNull(bodyColumn)
      ? nil : try row.withBytes(bodyColumn) { ResourceBody(stored: try store.compression.decompress($0)) }
    return StoredVersion(
      key: key, type: type, typeName: store.schema.name(type), id: id, version: version,
      updated: Instant(milliseconds: updated), method: how, body: body)
  }
}
