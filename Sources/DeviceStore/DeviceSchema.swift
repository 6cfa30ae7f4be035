import Storage

/// The tables of device services, in the database of the FHIR service that their Observations go to.
///
/// They are brought up by themselves, one transaction for each step, beside the FHIR store's own migrations.
enum DeviceSchema {
  private static let record = Statement(
    "CREATE TABLE IF NOT EXISTS device_migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL)")
  private static let recorded = Statement("SELECT count(*) FROM device_migration")
  private static let note = Statement("INSERT INTO device_migration (version, name) VALUES (?, ?)")

  private static let steps: [(name: String, statements: [Statement])] = [("messages", messages)]

  /// - Throws: `.misuse` when the tables are those of a newer program.
  static func open(_ transaction: any Transaction) throws {
    try transaction.execute(record, [])
    let done = try transaction.first(recorded) { Int($0.integer(0)) } ?? 0
    guard done <= steps.count else {
      throw StorageError(.misuse, detail: "the device tables are those of a newer program")
    }
    for (place, step) in steps.enumerated().dropFirst(done) {
      for statement in step.statements { try transaction.execute(statement, []) }
      try transaction.execute(note, [.integer(place + 1), .text(step.name)])
    }
  }

  private static let text = SQL(sqlite: "TEXT", postgreSQL: "text COLLATE \"C\"")
  private static let number = SQL(sqlite: "INTEGER", postgreSQL: "bigint")
  private static let bytes = SQL(sqlite: "BLOB", postgreSQL: "bytea")
  private static let withoutRowid = SQL(sqlite: " WITHOUT ROWID", postgreSQL: "")

  /// Times are units of 100 ns since 1970; messages of a service are numbered from 1.
  private static let messages = [
    // appended: the newest message's number; newest: its time of arrival. consumed: the number of the last message
    // whose Observations are committed.
    Statement(
      """
      CREATE TABLE device_service (
        number \(number) PRIMARY KEY, name \(text) NOT NULL UNIQUE, appended \(number) NOT NULL,
        newest \(number) NOT NULL, consumed \(number) NOT NULL)
      """),
    // Messages that came together, zstd (Segment). last: the number of the last; received: the first's time of arrival,
    // each other's is one unit later.
    Statement(
      """
      CREATE TABLE device_segment (
        service \(number) NOT NULL, last \(number) NOT NULL, count \(number) NOT NULL, received \(number) NOT NULL,
        bytes \(number) NOT NULL, body \(bytes) NOT NULL, PRIMARY KEY (service, last))
      """),
    Statement("CREATE INDEX device_segment_received ON device_segment (service, received)"),
    // How far a source was taken over into the log: what of it to ask for next.
    Statement(
      """
      CREATE TABLE device_offset (
        service \(number) NOT NULL, source \(text) NOT NULL, next \(number) NOT NULL, PRIMARY KEY (service, source))\
      \(withoutRowid)
      """),
    // Messages that came to nothing. detail: what is known of the failure, as JSON.
    Statement(
      """
      CREATE TABLE device_quarantine (
        service \(number) NOT NULL, message \(number) NOT NULL, received \(number) NOT NULL, since \(number) NOT NULL,
        kind \(text) NOT NULL, reason \(text) NOT NULL, detail \(bytes) NOT NULL, content \(bytes) NOT NULL,
        PRIMARY KEY (service, message))
      """),
    // kind: device or fhir. origin: the digest of the file that it was last read from, null without one.
    Statement(
      """
      CREATE TABLE device_mapping (
        service \(number) NOT NULL, kind \(text) NOT NULL, version \(number) NOT NULL, content \(bytes) NOT NULL,
        origin \(text), PRIMARY KEY (service, kind))\(withoutRowid)
      """),
    // Messages that are worked through again: those behind position up to last. ended: null while it goes on.
    Statement(
      """
      CREATE TABLE device_replay (
        service \(number) NOT NULL, number \(number) NOT NULL, position \(number) NOT NULL, last \(number) NOT NULL,
        messages \(number) NOT NULL, saved \(number) NOT NULL, quarantined \(number) NOT NULL, ended \(number),
        PRIMARY KEY (service, number))\(withoutRowid)
      """),
  ]
}
