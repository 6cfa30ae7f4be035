import Base
import Storage
import Testing

@Suite struct SQLTests {
  @Test("interpolated values become parameters, never text")
  func binds() {
    let name = "Robert'); DROP TABLE patient;--"
    let sql: SQL = "SELECT key FROM t WHERE name = \(name) AND n > \(7) AND r < \(1.5) AND b = \([UInt8]([1, 2]))"
    #expect(sql.text == "SELECT key FROM t WHERE name = ? AND n > ? AND r < ? AND b = ?")
    #expect(sql.binds == [.text(name), .integer(7), .real(1.5), .blob([1, 2])])
  }

  @Test("pieces splice with their parameters in order")
  func splice() {
    let conditions: [SQL] = ["a = \(1)", "b IN (\(list: [.integer(2), .text("x")]))"]
    var sql: SQL = "SELECT 1 WHERE \(conditions.joined(separator: " AND "))"
    sql += " LIMIT \(10)"
    #expect(sql.text == "SELECT 1 WHERE a = ? AND b IN (?, ?) LIMIT ?")
    #expect(sql.binds == [.integer(1), .integer(2), .text("x"), .integer(10)])
    #expect((SQL() + sql) == sql)
    #expect(SQL().isEmpty)
  }

  @Test("a piece with two forms gives each engine its own text and parameters, however it is composed")
  func dialects() {
    let test = SQL(sqlite: "instr(a, \("x")) > 0", postgreSQL: "strpos(a, \("y")) > \(0)")
    let set = SQL.list(1, "SELECT key FROM t WHERE \(test)")
    var sql: SQL = "SELECT 1 WHERE b = \(1) AND \(test)"
    sql += " AND c IN (\(set)) LIMIT \(9)"
    #expect(
      sql.text
        == "WITH keys1 (key) AS (SELECT key FROM t WHERE instr(a, ?) > 0) "
        + "SELECT 1 WHERE b = ? AND instr(a, ?) > 0 AND c IN (SELECT key FROM keys1) LIMIT ?")
    #expect(sql.binds == [.text("x"), .integer(1), .text("x"), .integer(9)])
    #expect(
      sql.text(.postgreSQL)
        == "WITH keys1 (key) AS (SELECT key FROM t WHERE strpos(a, ?) > ?) "
        + "SELECT 1 WHERE b = ? AND strpos(a, ?) > ? AND c IN (SELECT key FROM keys1) LIMIT ?")
    #expect(
      sql.binds(.postgreSQL)
        == [.text("y"), .integer(0), .integer(1), .text("y"), .integer(0), .integer(9)])
    let plain: SQL = "SELECT \(1)"
    #expect(plain.text(.postgreSQL) == plain.text && plain.binds(.postgreSQL) == plain.binds)
    let statement = Statement("SELECT \(SQL.greatest)(?, ?) FROM (SELECT 1)\(SQL.unnamed)")
    #expect(statement.text(.sqlite) == "SELECT max(?, ?) FROM (SELECT 1)")
    #expect(statement.text(.postgreSQL) == "SELECT greatest(?, ?) FROM (SELECT 1) AS d")
  }

  @Test("an empty list matches nothing instead of breaking the statement")
  func emptyList() {
    let sql: SQL = "SELECT 1 WHERE 1 IN (\(list: []))"
    #expect(sql.text == "SELECT 1 WHERE 1 IN (NULL)")
    #expect(sql.binds.isEmpty)
  }

  @Test("lists stand once before the statement, each behind those it refers to")
  func lists() {
    let first = SQL.list(1, "SELECT key FROM t WHERE a = \(1)")
    let second = SQL.list(2, "SELECT b.key FROM (\(first)) AS b WHERE c = \(2)")
    let sql: SQL = "SELECT count(*) FROM (\(second)) WHERE d = \(3) AND e IN (\(first))"
    #expect(
      sql.text == """
        WITH keys1 (key) AS (SELECT key FROM t WHERE a = ?), \
        keys2 (key) AS (SELECT b.key FROM (SELECT key FROM keys1) AS b WHERE c = ?) \
        SELECT count(*) FROM (SELECT key FROM keys2) WHERE d = ? AND e IN (SELECT key FROM keys1)
        """)
    #expect(sql.binds == [.integer(1), .integer(2), .integer(3)])
  }

  @Test("static text goes in as it stands")
  func staticText() {
    let sql: SQL = "SELECT * FROM \(unsafe: "index_token") WHERE k = \(Int64(3))"
    #expect(sql.text == "SELECT * FROM index_token WHERE k = ?")
  }

  @Test("statements have dense ids and a text for each engine")
  func statements() {
    let first = Statement("SELECT ?")
    let second = Statement(sqlite: "SELECT 1", postgreSQL: "SELECT 1::bigint")
    #expect(first != second)
    #expect(first.text(.postgreSQL) == "SELECT ?")
    #expect(second.text(.sqlite) == "SELECT 1")
    #expect(second.text(.postgreSQL) == "SELECT 1::bigint")
  }

  @Test("a batch keeps rows flat and gives them back")
  func batches() {
    var rows = RowBatch(columns: 2)
    #expect(rows.isEmpty)
    rows.append(.integer(1), .text("a"))
    rows.append(contentsOf: [2, "b", 3, nil])
    #expect(rows.rowCount == 3)
    #expect(Array(rows[2]) == [.integer(3), .null])
    rows.removeAll()
    #expect(rows.rowCount == 0)
  }

  @Test("what is printed has no data in it")
  func descriptions() {
    let error = StorageError(.constraint, engineCode: 2067, isUniqueViolation: true, detail: "Meier, 1970")
    #expect("\(error)" == "StorageError(constraint, engine code 2067)")
    #expect("\(SQLValue.text("Meier"))" == "text")
    #expect(error.fault.category == .conflict)
  }
}
