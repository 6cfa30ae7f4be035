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
    guard restriction.allows(type) else { return nil }
    return try reader.first(Self.currentRow, [.integer(store.numbers.number(type)), .text(id)]) { row in
      try version(
        row, key: row.integer(0), type: type, id: id, version: row.integer(1), updated: row.integer(2),
        method: row.integer(3), bodyColumn: 4)
    }
  }

  /// One version of a resource, a deletion too; nil where there is none.
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
