@testable import StoragePostgreSQL
import Testing

@Suite struct StatementTextTests {
  @Test(
    "parameters are numbered, not what looks like one",
    arguments: [
      ("SELECT ? + ?", "SELECT $1 + $2", 2),
      ("SELECT '?', ?", "SELECT '?', $1", 1),
      ("SELECT 'it''s ?' || ?", "SELECT 'it''s ?' || $1", 1),
      ("SELECT \"a?\" -- ?\n, ?", "SELECT \"a?\" -- ?\n, $1", 1),
      ("SELECT /* ? */ ? /* ?", "SELECT /* ? */ $1 /* ?", 1),
      ("SELECT a - ?/? FROM b", "SELECT a - $1/$2 FROM b", 2),
      ("SELECT '?", "SELECT '?", 0),
      ("", "", 0),
    ])
  func parameters(source: String, text: String, count: Int) {
    let statement = StatementText(source)
    #expect(statement.text == text)
    #expect(statement.parameterCount == count)
  }

  @Test("what would end a transaction is told by its first word")
  func control() {
    for text in ["COMMIT", " rollback TO x", ";begin", "Savepoint a", "END"] {
      #expect(StatementText(text).isTransactionControl, "\(text)")
    }
    for text in ["SELECT 1", "COMMITS", "INSERT INTO t VALUES (1)", ""] {
      #expect(!StatementText(text).isTransactionControl, "\(text)")
    }
  }

  @Test("only an insert of one row of values becomes one of many")
  func template() {
    let insert = InsertTemplate(StatementText("INSERT INTO t (a, b, c) VALUES (?, lower(?), ?) ON CONFLICT DO NOTHING"))
    #expect(
      insert?.text([TypeID.int8, TypeID.text, 0]) == """
        INSERT INTO t (a, b, c) SELECT r.p0, lower(r.p1), NULL FROM unnest(?::bigint[], ?::text[]) AS r (p0, p1) \
        ON CONFLICT DO NOTHING
        """)
    for text in [
      "INSERT INTO t (a) VALUES (?) RETURNING a", "INSERT INTO t (a) VALUES (?), (?)", "DELETE FROM t WHERE a = ?",
      "INSERT INTO t (a) VALUES (?) ON CONFLICT (a) DO UPDATE SET a = excluded.a", "INSERT INTO t (a) SELECT ?",
      "INSERT INTO t (a, b) VALUES ('?', ?)",
    ] {
      #expect(InsertTemplate(StatementText(text)) == nil, "\(text)")
    }
  }
}
