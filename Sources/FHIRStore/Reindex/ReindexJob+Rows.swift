import Base
import Storage

/// Jobs as rows of `reindex_job` and `reindex_progress`.
extension ReindexJob {
  private static let activeRow = Statement("SELECT id FROM reindex_job WHERE status < 2")
  private static let columns: SQL = """
    SELECT number, id, status, created, started, updated, target, last, resources_per_query, resources_per_write,
           delay, concurrency, parameters, failures FROM reindex_job
    """
  private static let progressRows = Statement(
    """
    SELECT p.type, p.total, p.done, p.failed, p.complete, CASE WHEN t.next = ? THEN t.through ELSE 0 END
    FROM reindex_progress AS p JOIN type_index AS t ON t.type = p.type WHERE p.job = ? ORDER BY p.type
    """)

  static func activeID(_ reader: any Reader) throws -> String? { try reader.first(activeRow) { $0.text(0) } }

  static func active(_ reader: any Reader, _ store: FHIRStore) throws -> ReindexJob? {
    try load("\(columns) WHERE status < 2", reader, store)
  }

  static func find(_ id: String, _ reader: any Reader, _ store: FHIRStore) throws -> ReindexJob? {
    try load("\(columns) WHERE id = \(id)", reader, store)
  }

  private static func load(_ sql: SQL, _ reader: any Reader, _ store: FHIRStore) throws -> ReindexJob? {
    guard let row = try reader.first(sql, { row in (0..<14).map { row.value($0) } }) else { return nil }
    let (number, target) = (row[0].integer, row[6].integer)
    let progress = try reader.all(progressRows, [.integer(target), .integer(number)]) { row -> Progress? in
      store.numbers.types[row.integer(0)].map { type in
        Progress(
          type: type, total: Int(row.integer(1)), done: Int(row.integer(2)), failed: Int(row.integer(3)),
          isComplete: row.integer(4) != 0, through: row.integer(5))
      }
    }
    var options = Options()
    options.resourcesPerQuery = Int(row[8].integer)
    options.resourcesPerWrite = Int(row[9].integer)
    options.delayMilliseconds = Int(row[10].integer)
    options.concurrency = Int(row[11].integer)
    return ReindexJob(
      number: number, id: row[1].text, status: Status(rawValue: row[2].integer) ?? .failed,
      created: Instant(milliseconds: row[3].integer),
      started: row[4] == .null ? nil : Instant(milliseconds: row[4].integer),
      updated: Instant(milliseconds: row[5].integer), options: options, parameters: lines(row[12].text),
      failures: lines(row[13].text), progress: progress.compactMap { $0 }, target: target, last: row[7].integer)
  }

  private static func lines(_ text: String) -> [String] { text.split(separator: "\n").map(String.init) }
}

extension SQLValue {
  fileprivate var integer: Int64 { if case .integer(let value) = self { value } else { 0 } }
  fileprivate var text: String { if case .text(let value) = self { value } else { "" } }
}
