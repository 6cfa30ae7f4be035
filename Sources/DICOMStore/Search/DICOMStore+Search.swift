import Base
import DICOMCore
public import DICOMweb
import JSONCore
import Storage

extension DICOMStore {
  /// Matches that remain behind a page are counted up to this.
  public static let remainingMax = 1_000

  /// Searches for studies, series or instances (QIDO-RS, PS3.18 §10.6), newest first.
  ///
  /// An entity's values are those of its newest instance. RetrieveURLs are given if the query has a root for them.
  /// - Parameter countsRemaining: whether to count what is behind the page; without, `remaining` is 0 or at least 1.
  public func search(
    _ query: DICOMQuery, partition: String, countsRemaining: Bool = true
  ) async throws -> SearchResult {
    try await faulting {
      do {
        return try await database.read { [self] in
          try Search(self, query, partition: partition, $0)?.result(countsRemaining) ?? .none
        }
      } catch is SearchMisuse {
        throw Fault(.invalid, "An attribute cannot be matched in this way.")
      }
    }
  }

  /// The statements of a search, for tests of how they are carried out.
  func searchStatements(_ query: DICOMQuery, partition: String) async throws -> [SQL] {
    try await database.read { [self] in
      try Search(self, query, partition: partition, $0).map { [$0.page] } ?? []
    }
  }
}

/// A search on its way, within one snapshot.
struct Search {
  private let store: DICOMStore
  private let query: DICOMQuery
  private let reader: any Reader
  private let plan: SearchPlan
  private let form: AnswerForm

  /// Nil if the partition, the study or the series is not there.
  init?(_ store: DICOMStore, _ query: DICOMQuery, partition: String, _ reader: any Reader) throws {
    guard let number = try store.number(ofPartition: partition, reader) else { return nil }
    let scope = query.scope
    var within: DICOMStore.Place?
    if let study = scope.study {
      let target = scope.series.map { Target(study: study, series: $0) } ?? Target(study: study)
      guard let place = try DICOMStore.place(target, partition: number, reader) else { return nil }
      within = place
    }
    let compiler = SearchConditionCompiler(partition: number, dialect: store.database.dialect)
    let conditions = try query.conditions.map { try compiler.condition($0) }
    self.store = store
    self.query = query
    self.reader = reader
    plan = try SearchPlan(scope.level, partition: number, within: within, conditions, reader)
    form = AnswerForm(query)
  }

  private static let studyColumns: SQL = """
    s.uid, s.newest, s.attributes, s.modalities, s.series_count, s.instance_count
    """

  /// The rows of a page, and of one more match, which tells whether there are others behind it.
  var page: SQL {
    let keys = plan.keys(limit: query.limit + 1, offset: query.offset)
    return switch plan.level {
    case .study:
      "SELECT \(Self.studyColumns) FROM (\(keys)) AS k JOIN study s ON s.key = k.key ORDER BY s.key DESC"
    case .series:
      """
      SELECT \(Self.studyColumns), r.uid, r.newest, r.attributes, r.instance_count
      FROM (\(keys)) AS k JOIN series r ON r.key = k.key JOIN study s ON s.key = r.study ORDER BY r.key DESC
      """
    case .instance:
      """
      SELECT \(Self.studyColumns), r.uid, r.newest, r.attributes, r.instance_count, i.uid, i.key, i.attributes, t.text
      FROM (\(keys)) AS k JOIN instance i ON i.key = k.key JOIN series r ON r.key = i.series
      JOIN study s ON s.key = i.study JOIN uid t ON t.number = i.transfer_syntax ORDER BY i.key DESC
      """
    }
  }

  func result(_ countsRemaining: Bool) throws -> SearchResult {
    var rows: [AnswerRow] = []
    var hasMore = false
    try reader.query(page) { row in
      guard rows.count < query.limit else {
        hasMore = true
        return false
      }
      rows.append(AnswerRow(row, plan.level))
      return true
    }
    let matches = try rows.map { row in
      try row.match(form, root: query.retrieveRoot) { try metadata($0) }
    }
    guard hasMore else { return SearchResult(matches: matches, remaining: 0, isRemainingExact: true) }
    guard countsRemaining else { return SearchResult(matches: matches, remaining: 1, isRemainingExact: false) }
    let most = DICOMStore.remainingMax
    let behind = query.offset + query.limit
    let count = try reader.first(plan.remaining(behind: behind, upTo: most + 1)) { Int($0.integer(0)) } ?? 1
    return SearchResult(matches: matches, remaining: min(count, most), isRemainingExact: count <= most)
  }

  private static let metadataRow = Statement("SELECT body FROM instance_metadata WHERE key = ?")

  private func metadata(_ watermark: Int64) throws -> JSONDocument? {
    var json: [UInt8] = []
    _ = try reader.first(Self.metadataRow, [.integer(watermark)]) { row in
      try row.withBytes(0) { try store.compression.decompress($0, to: &json) }
    }
    return InstanceExtractor.document(json)
  }
}
