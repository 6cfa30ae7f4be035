import Storage
import TestStores

/// The database's tables, looked at from outside.
final class IndexFile {
  private let tables: any StoreTables

  init(_ path: String) throws { tables = try TestStores.tables(path) }

  /// Rows as texts.
  func rows(_ sql: String) throws -> [[String]] {
    try tables.rows(sql).map { $0.map { $0 == .null ? "NULL" : $0.description } }
  }

  func count(_ table: String) throws -> Int { Int(try rows("SELECT count(*) FROM \(table)")[0][0]) ?? -1 }

  /// What is wrong with the tables, by what they say of each other.
  func complaints() throws -> [String] {
    let isSQLite = tables.dialect == .sqlite
    let joined = isSQLite ? "group_concat(modality, '\\')" : "string_agg(modality, '\\')"
    let integrity = [("damaged", "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'")]
    let checks = [
      (
        "study counts",
        """
        SELECT s.key FROM study s WHERE s.instance_count <> (SELECT count(*) FROM instance i WHERE i.study = s.key)
        OR s.series_count <> (SELECT count(*) FROM series r WHERE r.study = s.key)
        OR s.newest <> (SELECT max(i.key) FROM instance i WHERE i.study = s.key)
        """
      ),
      (
        "series counts",
        """
        SELECT r.key FROM series r WHERE r.instance_count <> (SELECT count(*) FROM instance i WHERE i.series = r.key)
        OR r.newest <> (SELECT max(i.key) FROM instance i WHERE i.series = r.key)
        """
      ),
      ("instance without metadata", "SELECT key FROM instance WHERE key NOT IN (SELECT key FROM instance_metadata)"),
      ("metadata without instance", "SELECT key FROM instance_metadata WHERE key NOT IN (SELECT key FROM instance)"),
      (
        "instance without bytes",
        """
        SELECT key FROM instance WHERE blob IS NULL AND key NOT IN (SELECT key FROM instance_content)
        """
      ),
      ("bytes without instance", "SELECT key FROM instance_content WHERE key NOT IN (SELECT key FROM instance)"),
      ("instance without series", "SELECT key FROM instance WHERE series NOT IN (SELECT key FROM series)"),
      ("series without study", "SELECT key FROM series WHERE study NOT IN (SELECT key FROM study)"),
      (
        "instance without change",
        """
        SELECT key FROM instance WHERE key NOT IN (SELECT sequence FROM change_feed WHERE action = 0)
        """
      ),
      ("gap in the feed", "SELECT count(*) FROM change_feed HAVING count(*) <> coalesce(max(sequence), 0)"),
      (
        "term without owner",
        """
        SELECT text FROM term WHERE key NOT IN (SELECT key FROM study) AND key NOT IN (SELECT key FROM series)
        """
      ),
      (
        "modalities",
        """
        SELECT s.key FROM study s WHERE lower(s.modalities) <> coalesce((SELECT \(joined) FROM
        (SELECT DISTINCT modality FROM series r WHERE r.study = s.key AND modality IS NOT NULL ORDER BY 1) AS m), '')
        """
      ),
      (
        "modality terms",
        """
        SELECT r.key FROM series r WHERE modality IS NOT NULL AND NOT EXISTS
        (SELECT 1 FROM term t WHERE t.attribute = 7 AND t.text = r.modality AND t.key = r.study)
        """
      ),
    ]
    return try ((isSQLite ? integrity : []) + checks).compactMap { name, sql in
      let rows = try rows(sql)
      return rows.isEmpty ? nil : "\(name): \(rows.prefix(3))"
    }
  }
}
