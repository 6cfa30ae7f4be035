public import FHIRModel
import Storage

/// A range of keys of one type: so many resources as one task indexes at a time.
public struct ReindexRange: Sendable {
  public let type: Schema.TypeID
  /// Resources in it that need it.
  public internal(set) var count = 0
  /// The keys are above this…
  let after: Int64
  /// …and up to this.
  public internal(set) var through: Int64
  /// Whether the type has no more.
  public internal(set) var isLast = false
  fileprivate var bytes = 0

  /// Resources of a range: some milliseconds of work.
  private static let countMax = 128
  /// Bytes of a range's stored bodies.
  private static let bytesMax = 256 * 1024

  fileprivate var isFull: Bool { count >= Self.countMax || bytes >= Self.bytesMax }

  fileprivate init(_ type: Schema.TypeID, after: Int64) {
    self.type = type
    self.after = after
    through = after
  }
}

extension FHIRStore {
  private static let keyRows = Statement(
    """
    SELECT r.key, \(SQL.greatest)(r.indexed, t.generation), length(r.body)
    FROM (SELECT key FROM resource\(SQL.byLiveIndex)
          WHERE type = ? AND method <> 3 AND key > ? AND key <= ? ORDER BY key LIMIT ?) AS s
      \(SQL.join) resource AS r ON r.key = s.key \(SQL.join) type_index AS t ON t.type = r.type
    ORDER BY r.key
    """)

  /// The next ranges of a job, at least one: what one query finds.
  /// - Parameter after: the last key that was looked at; nil for where the job is.
  public func reindexRanges(
    _ job: ReindexJob, _ progress: ReindexJob.Progress, _ catalog: SearchCatalog, after: Int64?
  ) async throws -> [ReindexRange] {
    let start = after ?? progress.through
    let needed = catalog.needed(progress.type)
    let binds: [SQLValue] = [
      .integer(numbers.number(progress.type)), .integer(start), .integer(job.last),
      .integer(job.options.resourcesPerQuery),
    ]
    return try await faulting {
      try await database.read { reader in
        var ranges: [ReindexRange] = []
        var range = ReindexRange(progress.type, after: start)
        var seen = 0
        try reader.query(Self.keyRows, binds) { row in
          seen += 1
          range.through = row.integer(0)
          if row.integer(1) >= needed { return true }
          range.count += 1
          range.bytes += Int(row.integer(2))
          if range.isFull {
            ranges.append(range)
            range = ReindexRange(progress.type, after: range.through)
          }
          return true
        }
        if seen < job.options.resourcesPerQuery {
          range.isLast = true
          ranges.append(range)
        } else if range.through > range.after {
          ranges.append(range)
        }
        return ranges
      }
    }
  }
}
