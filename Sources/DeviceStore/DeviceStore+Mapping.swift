public import Base
package import Storage

/// Which of the two mappings of a device service.
public enum MappingKind: String, Sendable, CaseIterable {
  /// From messages to measurements (`devicecontent.json`).
  case device
  /// From measurements to Observations (`fhirmapping.json`).
  case fhir
}

/// A mapping's text, as it was given.
public struct StoredMapping: Sendable, Equatable {
  public let content: [UInt8]
  /// Ascends with every change.
  public let version: Int64
  /// The digest of the file that it was last read from.
  public let origin: String?
}

extension DeviceStore {
  private static let mappingRow = Statement(
    "SELECT content, version, origin FROM device_mapping WHERE service = ? AND kind = ?")
  private static let setMapping = Statement(
    """
    INSERT INTO device_mapping (service, kind, version, content, origin) VALUES (?, ?, 1, ?, ?)
    ON CONFLICT (service, kind) DO UPDATE SET version = device_mapping.version + 1, content = excluded.content,
      origin = coalesce(excluded.origin, device_mapping.origin)
    """)
  private static let versionRow = Statement(
    "SELECT coalesce(sum(version), 0), count(*) FROM device_mapping WHERE service = ?")

  public func mapping(_ kind: MappingKind) throws(Fault) -> StoredMapping? {
    try faulting {
      try database.point { reader in
        try reader.first(Self.mappingRow, [.integer(service), .text(kind.rawValue)]) {
          StoredMapping(content: $0.blob(0), version: $0.integer(1), origin: $0.optionalText(2))
        }
      }
    }
  }

  /// Puts a mapping in force, for the next messages.
  /// - Parameter origin: the digest of the file it is from; nil where it is from elsewhere.
  public func setMapping(_ kind: MappingKind, _ content: [UInt8], origin: String? = nil) async throws(Fault) {
    try await faulting {
      let service = service
      _ = try await database.write { transaction in
        try transaction.execute(
          Self.setMapping, [.integer(service), .text(kind.rawValue), .blob(content), .optional(origin)])
      }
    }
  }

  /// Changes whenever one of the mappings does; nil while one is missing.
  public func mappingVersion() throws(Fault) -> Int64? {
    try faulting { try database.point { try mappingVersion($0) } }
  }

  package func mappingVersion(_ reader: any Reader) throws -> Int64? {
    try reader.first(Self.versionRow, [.integer(service)]) { $0.integer(1) == 2 ? $0.integer(0) : nil } ?? nil
  }
}
