import Base
import FHIRModel
import FHIRSearch
import Storage

/// How a job comes to be.
extension ReindexJob {
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
  private static let cancelActive = Statement("UPDATE reindex_job SET status = 4 WHERE status < 2")

  private static let nothingToDo = "There is nothing to do: every resource is indexed for every search parameter."

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
        .text(work.urls.joined(separator: "\n")), .text(work.types.isEmpty ? nothingToDo : ""),
      ])
    var rows = RowBatch(columns: 2)
    for type in work.types { rows.append(.integer(number + 1), .integer(store.numbers.number(type))) }
    try transaction.execute(insertProgress, rows: rows)
    return try find(id, transaction, store)
  }

  /// Cancels the active job if the catalog is another than it was made for.
  static func cancelOvertaken(_ store: FHIRStore, _ transaction: any Transaction) throws -> Bool {
    guard let job = try active(transaction, store), job.target != (try SearchCatalog.generation(transaction)) else {
      return false
    }
    try transaction.execute(cancelActive, [])
    return true
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
        let waiting = catalog.indexed.parameters(type).filter { catalog.pending[$0.number] != nil }
        let isWanted = Self.isWanted(type, waiting, options) && (!waiting.isEmpty || outdated.contains(type))
        // What others of the type contain is indexed with them.
        let isContainer = (catalog.containing[type] ?? []).contains { inner in
          let waiting = catalog.indexed.parameters(inner).filter { catalog.pending[$0.number] != nil }
          return Self.isWanted(inner, waiting, options)
        }
        guard isWanted || isContainer else { continue }
        types.append(type)
        for parameter in waiting where seen.insert(parameter.definition.url).inserted {
          urls.append(parameter.definition.url)
        }
      }
    }

    private static func isWanted(_ type: Schema.TypeID, _ waiting: [SearchParameter], _ options: Options) -> Bool {
      if let wanted = options.types, !wanted.contains(type) { return false }
      guard let wanted = options.parameters else { return true }
      return waiting.contains { wanted.contains($0.definition.url) }
    }
  }
}
