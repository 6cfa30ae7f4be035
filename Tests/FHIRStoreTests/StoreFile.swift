import Base
import CZstd
import FHIRModel
import FHIRSearch
import JSONCore
import Storage
import TestStores

/// A store's tables judged from outside: the engine's library and zstd alone, and the extraction of index rows.
final class StoreFile {
  typealias Value = StoredValue

  struct Failure: Error { let text: String }

  private let tables: any StoreTables

  init(_ path: String, isWritable: Bool = false) throws {
    tables = try TestStores.tables(path, isWritable: isWritable)
  }

  var dialect: Dialect { tables.dialect }

  func execute(_ sql: String) throws { try tables.execute(sql) }

  func rows(_ sql: String) throws -> [[Value]] { try tables.rows(sql) }

  func integer(_ sql: String) throws -> Int { try tables.integer(sql) }

  /// What has another name on PostgreSQL.
  private func either(_ sqlite: String, _ postgreSQL: String) -> String { dialect == .sqlite ? sqlite : postgreSQL }

  static func decompress(_ packed: [UInt8]) throws -> [UInt8] {
    let size = ZSTD_getFrameContentSize(packed, packed.count)
    guard size < 1 << 24 else { throw Failure(text: "a body is no zstd frame") }
    var bytes = [UInt8](repeating: 0, count: Int(size))
    let code = ZSTD_decompress(&bytes, bytes.count, packed, packed.count)
    guard code == bytes.count else { throw Failure(text: "a body does not decompress") }
    return bytes
  }

  // MARK: Versions

  /// Every resource's versions in order: the content, nil for a deletion. Keyed by `Type/id`.
  func versions() throws -> [String: [[UInt8]?]] {
    let rows = try rows(
      """
      SELECT t.name || '/' || r.id, v.version, v.method, v.body
      FROM (SELECT key, version, method, body FROM resource UNION ALL
            SELECT key, version, method, body FROM resource_history) AS v
      JOIN resource AS r ON r.key = v.key JOIN resource_type AS t ON t.number = r.type ORDER BY 1, 2
      """)
    var versions: [String: [[UInt8]?]] = [:]
    for row in rows {
      let name = row[0].description
      let isDeletion = row[2].integer == 3
      guard isDeletion == (row[3] == .null) else { throw Failure(text: "\(name): a deletion with a body, or none") }
      guard row[1].integer == Int64(versions[name, default: []].count) + 1 else {
        throw Failure(text: "\(name): version \(row[1]) after \(versions[name, default: []].count)")
      }
      versions[name, default: []].append(try row[3].blob.map { try Self.decompress($0) })
    }
    return versions
  }

  // MARK: What must always hold

  /// Everything that is wrong with the store; empty when all is well.
  func complaints() -> [String] {
    do {
      if dialect == .sqlite {
        let check = try rows("PRAGMA integrity_check")
        guard check == [[.text("ok")]] else { return ["integrity: \(check)"] }
      }
      return try logComplaints() + indexComplaints() + dictionaryComplaints()
    } catch {
      return ["\(error)"]
    }
  }

  /// The change log has each version once, in an order in which times never fall.
  private func logComplaints() throws -> [String] {
    var complaints: [String] = []
    func none(_ name: String, _ sql: String) throws {
      let found = try rows(sql)
      if !found.isEmpty { complaints.append("\(name): \(found.prefix(3))") }
    }
    let all = """
      (SELECT key, version, updated, position FROM resource UNION ALL
       SELECT key, version, updated, position FROM resource_history) AS v
      """
    try none(
      "versions that the log has not",
      "SELECT key, version, updated, position FROM \(all) EXCEPT SELECT key, version, updated, position FROM change_log"
    )
    try none(
      "log entries without a version",
      "SELECT key, version, updated, position FROM change_log EXCEPT SELECT key, version, updated, position FROM \(all)"
    )
    try none("a position twice", "SELECT position FROM \(all) GROUP BY position HAVING count(*) > 1")
    try none(
      "time runs backwards",
      "SELECT a.position FROM change_log AS a JOIN change_log AS b ON b.position = a.position + 1 WHERE b.updated < a.updated"
    )
    try none(
      "a type in the log that is not the resource's",
      "SELECT c.position FROM change_log AS c JOIN resource AS r ON r.key = c.key WHERE c.type <> r.type")
    try none(
      "a gap in a history",
      """
      SELECT r.key FROM resource AS r
      WHERE r.version <> 1 + (SELECT count(*) FROM resource_history AS h WHERE h.key = r.key AND h.version < r.version)
      """)
    try none(
      "history without its resource",
      "SELECT key FROM resource_history WHERE key NOT IN (SELECT key FROM resource)")
    try none(
      "versions out of order",
      """
      SELECT a.key FROM change_log AS a JOIN change_log AS b ON a.key = b.key AND a.position < b.position
      AND a.version >= b.version
      """)
    return complaints
  }

  /// The index tables say of every live resource what its body says, and nothing of any other.
  private func indexComplaints() throws -> [String] {
    let found = try indexLines()
    let expected = try expectedLines()
    var complaints: [String] = []
    let extra = Set(found).subtracting(expected).sorted()
    let missing = expected.subtracting(found).sorted()
    if !extra.isEmpty { complaints.append("index: \(extra.count) rows too many: \(extra.prefix(3))") }
    if !missing.isEmpty { complaints.append("index: \(missing.count) rows missing: \(missing.prefix(3))") }
    return complaints
  }

  private var columns: [String] {
    [
      "'token', s.uri, i.code FROM index_token AS i LEFT JOIN system AS s ON s.number = i.system",
      "'string', i.folded, i.text, i.several FROM index_string AS i",
      "'reference', t.name, i.id FROM index_reference AS i LEFT JOIN resource_type AS t ON t.number = i.type",
      "'date', i.class, i.low, i.high FROM index_date AS i",
      "'number', i.class, i.low, i.high FROM index_number AS i",
      """
      'quantity', s.uri, i.code, i.class, i.low, i.high
      FROM index_quantity AS i LEFT JOIN system AS s ON s.number = i.system
      """,
      "'uri', i.value FROM index_uri AS i",
      """
      'composite', coalesce(t.name, s.uri), i.code1, s2.uri, i.text2, i.low2, i.high2, i.low3, i.high3
      FROM index_composite AS i LEFT JOIN system AS s ON s.number = i.system1
      LEFT JOIN resource_type AS t ON t.number = -i.system1
      LEFT JOIN system AS s2 ON s2.number = \(either("max", "greatest"))(i.system2, -1 - i.system2)
      """,
      "'position', i.latitude, i.longitude FROM index_position AS i",
      "'missing' FROM index_missing AS i",
    ]
  }

  /// Every row of every index table, with names for numbers: `Type/id parameter kind …`.
  func indexLines() throws -> [String] {
    var lines: [String] = []
    for columns in columns {
      let parts = columns.split(separator: "FROM", maxSplits: 1)
      let rows = try rows(
        """
        SELECT coalesce((SELECT t.name || '/' || r.id FROM resource AS r JOIN resource_type AS t ON t.number = r.type
                         WHERE r.key = i.key AND r.method <> 3), 'nobody ' || i.key),
               (SELECT p.type || '.' || p.code FROM parameter AS p WHERE p.number = i.parameter), \(parts[0])
        FROM \(parts[1])
        """)
      lines += rows.map { $0.map { Self.word($0) }.joined(separator: " ") }
    }
    return lines
  }

  private static func word(_ value: Value) -> String {
    switch value {
    case .null: ""
    case .blob(let bytes): bound(bytes)
    default: value.description
    }
  }

  /// An end of a composite's date or number on PostgreSQL: a letter, then eight bytes in the order of the values.
  private static func bound(_ bytes: [UInt8]) -> String {
    let bits = bytes.dropFirst().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    switch bytes.first {
    case UInt8(ascii: "d"): return "\(Int64(bitPattern: bits ^ 1 << 63))"
    case UInt8(ascii: "n"): return "\(Double(bitPattern: bits >> 63 == 1 ? bits & ~(1 << 63) : ~bits))"
    default: return ""
    }
  }

  private static let names = SearchParameters.names(.r4)
  private static let extractor = IndexExtractor(
    SearchParameters(
      .r4, numbers: Dictionary(uniqueKeysWithValues: names.enumerated().map { ($0.element, Int32($0.offset)) })),
    limits: Limits())

  private func expectedLines() throws -> Set<String> {
    var lines: Set<String> = []
    let live = try rows(
      """
      SELECT t.name, r.id, r.body FROM resource AS r JOIN resource_type AS t ON t.number = r.type WHERE r.method <> 3
      """)
    for row in live {
      let document = try JSONDocument(Self.decompress(row[2].blob ?? []))
      guard let type = Schema.r4.resourceType(row[0].description) else { throw Failure(text: "an unknown type") }
      guard document.value["id"]?.string == row[1].description else { throw Failure(text: "a body of another id") }
      for index in try Self.extractor.rows(of: document, document.root, type) {
        let name = Self.names[Int(index.parameter)]
        lines.insert("\(row[0])/\(row[1]) \(name.resourceType).\(name.code) \(Self.line(index))")
      }
    }
    return lines
  }

  private static func line(_ row: IndexRow) -> String {
    switch row {
    case .token(_, let system, let code): return "token \(system) \(code)"
    case .string(_, let folded, let text, let several): return "string \(folded) \(text) \(several ? 1 : 0)"
    case .reference(_, let type, let id): return "reference \(type) \(id)"
    case .date(_, let low, let high, let several):
      let day: Double = 86_400_000_000
      let length = Double(high) - Double(low)
      let span = length < day ? 0 : length < 31 * day ? 1 : length < 366 * day ? 2 : 3
      return "date \(span + (several ? 4 : 0)) \(low) \(high)"
    case .number(_, let low, let high, let several):
      return "number \((several ? 2 : 0) + (low < high ? 1 : 0)) \(low) \(high)"
    case .quantity(_, let system, let code, let low, let high, let several):
      return "quantity \(system) \(code) \((several ? 2 : 0) + (low < high ? 1 : 0)) \(low) \(high)"
    case .uri(_, let value): return "uri \(value)"
    case .position(_, let latitude, let longitude): return "position \(latitude) \(longitude)"
    case .missing: return "missing"
    case .contained(let place, let container, let type, let id): return "contained \(place) \(container) \(type) \(id)"
    case .within(let place, let row): return "within \(place) \(line(row))"
    case .composite(let row):
      let bounds = [row.bounds2, row.bounds3].map { bounds in
        switch bounds {
        case .none: " "
        case .date(let low, let high): "\(low) \(high)"
        case .number(let low, let high): "\(low) \(high)"
        }
      }
      return "composite \(row.system1) \(row.code1) \(row.system2) \(row.text2) \(bounds[0]) \(bounds[1])"
    }
  }

  /// A code without its system is looked for in the systems noted for its parameter: all must be noted.
  private func dictionaryComplaints() throws -> [String] {
    let system = try rows(
      """
      SELECT DISTINCT i.parameter, i.system FROM index_token AS i JOIN system AS s ON s.number = i.system
      WHERE \(either("unicode", "ascii"))(s.uri) <> 1 EXCEPT SELECT parameter, system FROM parameter_system
      """)
    let unit = try rows(
      "SELECT DISTINCT parameter, system, code FROM index_quantity EXCEPT SELECT parameter, system, code FROM parameter_unit"
    )
    let unknown = try rows(
      """
      SELECT system FROM (SELECT system FROM index_token UNION SELECT system FROM index_quantity) AS u
      WHERE system <> 0 AND system NOT IN (SELECT number FROM system)
      """)
    let counted = try rows(
      """
      SELECT type, count(*) FROM resource WHERE method <> 3 GROUP BY type
      EXCEPT SELECT type, live FROM resource_count
      """)
    return (counted.isEmpty ? [] : ["resources not counted: \(counted.prefix(3))"])
      + (system.isEmpty ? [] : ["systems not noted: \(system.prefix(3))"])
      + (unit.isEmpty ? [] : ["units not noted: \(unit.prefix(3))"])
      + (unknown.isEmpty ? [] : ["systems without a name: \(unknown.prefix(3))"])
  }
}
