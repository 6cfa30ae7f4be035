import Base
public import FHIRModel
public import Storage

extension FHIRStore {
  static let currentRow = Statement(
    "SELECT key, version, updated, method, body FROM resource WHERE type = ? AND id = ?")
  private static let historyRow = Statement(
    "SELECT version, updated, method, body FROM resource_history WHERE key = ? AND version = ?")

  /// The newest version of a resource, a deletion too; nil where there never was one, or the caller may not know.
  /// A look-up by key on the calling thread.
  public func current(_ type: Schema.TypeID, _ id: String, within restriction: Restriction) throws -> StoredVersion? {
    try database.point { try current(type, id, within: restriction, $0) }
  }

  /// The same inside a transaction or snapshot.
  public func current(_ type: Schema.TypeID, _ id: String, within restriction: Restriction, _ reader: any Reader) throws
    -> StoredVersion?
  {
    guard restriction.allows(type) else { return nil }
    return try reader.first(Self.currentRow, [.integer(numbers.number(type)), .text(id)]) { row in
      try version(
        row, key: row.integer(0), type: type, id: id, version: row.integer(1), updated: row.integer(2),
        method: row.integer(3), bodyColumn: 4)
    }
  }

  /// One version of a resource, a deletion too; nil where there is none.
  public func version(_ type: Schema.TypeID, _ id: String, _ number: Int64, within restriction: Restriction) throws
    -> StoredVersion?
  {
    try database.point { try version(type, id, number, within: restriction, $0) }
  }

  /// The same inside a transaction or snapshot.
  public func version(
    _ type: Schema.TypeID, _ id: String, _ number: Int64, within restriction: Restriction, _ reader: any Reader
  ) throws -> StoredVersion? {
    guard let newest = try current(type, id, within: restriction, reader) else { return nil }
    if newest.version == number { return newest }
    let found = try reader.first(Self.historyRow, [.integer(newest.key), .integer(number)]) { row in
      try version(
        row, key: newest.key, type: type, id: id, version: row.integer(0), updated: row.integer(1),
        method: row.integer(2), bodyColumn: 3)
    }
    if found != nil { return found }
    // Between the two look-ups the newest version may have become this one and been superseded; look once more.
    guard let again = try current(type, id, within: restriction, reader), again.version == number else { return nil }
    return again
  }

  /// Runs several reads on one snapshot, on a reader's thread.
  public func read<R: Sendable>(_ body: @escaping @Sendable (any Reader) throws -> R) async throws -> R {
    try await database.read(body)
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
      ? nil : try row.withBytes(bodyColumn) { ResourceBody(stored: try compression.decompress($0)) }
    return StoredVersion(
      key: key, type: type, typeName: schema.name(type), id: id, version: version,
      updated: Instant(milliseconds: updated), method: how, body: body)
  }
}
