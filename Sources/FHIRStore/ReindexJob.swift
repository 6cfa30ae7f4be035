public import Base
public import FHIRModel
import FHIRSearch
import Storage

/// Indexes resources for parameters that came after them, or anew as a whole: a row of `reindex_job`.
public struct ReindexJob: Sendable {
  public enum Status: Int64, Sendable {
    case queued = 0
    case running = 1
    case completed = 2
    case failed = 3
    case canceled = 4

    public var isActive: Bool { self == .queued || self == .running }
  }

  /// How a job goes about it.
  public struct Options: Sendable {
    /// Resources looked at together.
    public var resourcesPerQuery = 1_000
    /// Resources whose index rows are written in one transaction.
    public var resourcesPerWrite = 200
    /// The pause between two queries.
    public var delayMilliseconds = 0
    /// Resources that are extracted at the same time.
    public var concurrency = 4
    /// The types wanted; nil for all that need it.
    public var types: Set<Schema.TypeID>?
    /// The parameters wanted, by URL; nil for all that need it.
    public var parameters: Set<String>?

    public init() {}
  }

  /// What is done of one type.
  public struct Progress: Sendable {
    public let type: Schema.TypeID
    /// Resources to be indexed.
    public let total: Int
    public let done: Int
    public let failed: Int
    let isComplete: Bool
    /// Where it is.
    let through: Int64
  }

  let number: Int64
  public let id: String
  public let status: Status
  public let created: Instant
  public let started: Instant?
  public let updated: Instant
  public let options: Options
  /// URLs of the parameters that will answer.
  public let parameters: [String]
  /// What could not be indexed and why, as far as it is kept.
  public let failures: [String]
  public let progress: [Progress]
  /// The catalog's generation to be reached.
  public let target: Int64
  /// The newest resource at its start: later ones are indexed already.
  let last: Int64

  public var total: Int { progress.reduce(0) { $0 + $1.total } }
  public var done: Int { progress.reduce(0) { $0 + $1.done } }
  /// Where it goes on; nil when all is done.
  public var next: Progress? { progress.first { !$0.isComplete } }
}

// MARK: - Rows

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

  private static let cancelActive = Statement("UPDATE reindex_job SET status = 4 WHERE status < 2")

  /// Cancels the active job if the catalog is another than it was made for.
  static func cancelOvertaken(_ store: FHIRStore, _ transaction: any Transaction) throws -> Bool {
    guard let job = try active(transaction, store), job.target != (try SearchCatalog.generation(transaction)) else {
      return false
    }
    try transaction.execute(cancelActive, [])
    return true
  }

  // MARK: Making one

  private static let lastRow = Statement(
    "SELECT (SELECT coalesce(max(number), 0) FROM reindex_job), (SELECT coalesce(max(key), 0) FROM resource)")
  private static let insertJob = Statement(
    """
    INSERT INTO reindex_job (number, id, status, created, updated, target, last, resources_per_query,
                             resources_per_write, delay, concurrency, parameters, failures)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    """)
  private static let insertProgress = Statement(
    "INSERT INTO reindex_progress (job, type, total, done, failed, complete) VALUES (?, ?, 0, 0, 0, 0)")

  /// Makes a job for what needs it, unless one is active; one with nothing to do is canceled at once.
  @discardableResult
  static func schedule(
    _ id: String, _ store: FHIRStore, _ transaction: any Transaction, _ options: Options = Options()
  ) throws -> ReindexJob? {
    if let active = try active(transaction, store) { return active }
    let catalog = try SearchCatalog(transaction, store.schema)
    let work = try Work(catalog, store, transaction, options)
    let (number, last) = try transaction.first(lastRow) { ($0.integer(0), $0.integer(1)) } ?? (0, 0)
    let status: Status = work.types.isEmpty ? .canceled : .queued
    let now = store.clock.now().milliseconds
    try transaction.execute(
      insertJob,
      [
        .integer(number + 1), .text(id), .integer(status.rawValue), .integer(now), .integer(now),
        .integer(catalog.generation), .integer(last), .integer(options.resourcesPerQuery),
        .integer(options.resourcesPerWrite), .integer(options.delayMilliseconds), .integer(options.concurrency),
        .text(work.urls.joined(separator: "\n")),
        .text(
          work.types.isEmpty ? "There is nothing to do: every resource is indexed for every search parameter." : ""),
      ])
    var rows = RowBatch(columns: 2)
    for type in work.types { rows.append(.integer(number + 1), .integer(store.numbers.number(type))) }
    try transaction.execute(insertProgress, rows: rows)
    return try find(id, transaction, store)
  }

  /// What needs to be done: types with parameters that do not answer yet, and those that another program indexed.
  private struct Work {
    private(set) var types: [Schema.TypeID] = []
    private(set) var urls: [String] = []

    private static let outdatedRows = Statement("SELECT type FROM type_index WHERE generation < ?")

    init(_ catalog: SearchCatalog, _ store: FHIRStore, _ reader: any Reader, _ options: Options) throws {
      let outdated = Set(
        try reader.all(Self.outdatedRows, [.integer(catalog.wholeSince)]) { store.numbers.types[$0.integer(0)] })
      var seen: Set<String> = []
      for type in store.schema.resourceTypes {
        if let wanted = options.types, !wanted.contains(type) { continue }
        let waiting = catalog.indexed.parameters(type).filter { catalog.pending[$0.number] != nil }
        if let wanted = options.parameters, !waiting.contains(where: { wanted.contains($0.definition.url) }) {
          continue
        }
        guard !waiting.isEmpty || outdated.contains(type) else { continue }
        types.append(type)
        for parameter in waiting where seen.insert(parameter.definition.url).inserted {
          urls.append(parameter.definition.url)
        }
      }
    }
  }
}

extension SQLValue {
  fileprivate var integer: Int64 { if case .integer(let value) = self { value } else { 0 } }
  fileprivate var text: String { if case .text(let value) = self { value } else { "" } }
}
