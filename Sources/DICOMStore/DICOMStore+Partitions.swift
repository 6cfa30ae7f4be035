public import Base
import Storage

/// A data partition.
public struct DataPartition: Sendable, Hashable {
  /// Microsoft's partition key; 1 is the default partition.
  public let number: Int64
  public let name: String
  public let created: Instant
}

/// Rows of `data_partition`.
enum PartitionRows {
  private static let select = Statement("SELECT number FROM data_partition WHERE name = ?")
  private static let insert = Statement(
    "INSERT INTO data_partition (number, name, created) SELECT coalesce(max(number), 0) + 1, ?, ? FROM data_partition")

  /// A partition's number; it is made where there is none.
  static func number(_ name: String, _ now: Instant, _ transaction: any Transaction) throws -> Int64 {
    if let number = try number(name, transaction) { return number }
    try transaction.execute(insert, [.text(name), .integer(now.milliseconds)])
    guard let number = try number(name, transaction) else { throw StorageError(.other, detail: "no partition") }
    return number
  }

  static func number(_ name: String, _ reader: any Reader) throws -> Int64? {
    try reader.first(select, [.text(name)]) { $0.integer(0) }
  }
}

extension DICOMStore {
  private static let allPartitions = Statement("SELECT number, name, created FROM data_partition ORDER BY number")

  /// All partitions, the default one first.
  public func dataPartitions() async throws -> [DataPartition] {
    try await faulting {
      try await database.read { reader in
        try reader.all(Self.allPartitions) { row in
          DataPartition(
            number: row.integer(0), name: row.text(1), created: Instant(milliseconds: row.integer(2)))
        }
      }
    }
  }

  /// A partition's number, nil if there is none. Not for transactions: what they see may yet be rolled back.
  func number(ofPartition name: String, _ reader: any Reader) throws -> Int64? {
    if let number = partitions[name] { return number }
    guard let number = try PartitionRows.number(name, reader) else { return nil }
    partitions.merge([name: number])
    return number
  }
}
