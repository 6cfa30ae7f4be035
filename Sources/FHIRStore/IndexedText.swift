import Storage

/// Texts in the columns of PostgreSQL's indexes, whose entries have 2,704 bytes at most: a long one is its beginning
/// and a digest of all of it, so that equal texts stay equal. SQLite has all of every text.
enum IndexedText {
  /// A text of as many bytes is kept as it is; two of them have room in one entry.
  static let bytesMax = 1_000
  /// Bytes of the beginning.
  private static let headBytesMax = 900

  static func cut(_ text: String) -> String {
    guard text.utf8.count > bytesMax else { return text }
    // FNV-1a
    let digest = text.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    return "\(head(text))…\(String(digest, radix: 16))"
  }

  /// What such a text, or one that is a beginning of it, has in common with its form in an index.
  static func head(_ text: String) -> String {
    guard text.utf8.count > headBytesMax else { return text }
    var end = text.utf8.index(text.startIndex, offsetBy: headBytesMax)
    while end > text.startIndex, UTF8.isContinuation(text.utf8[end]) { end = text.utf8.index(before: end) }
    return String(text[..<end])
  }

  /// A text that such a column is compared with.
  static func sql(_ text: String) -> SQL {
    text.utf8.count > bytesMax ? SQL(sqlite: "\(text)", postgreSQL: "\(cut(text))") : "\(text)"
  }

  /// Several of them, with commas between.
  static func sql(list texts: [String]) -> SQL {
    let whole: SQL = "\(list: texts.map { .text($0) })"
    guard texts.contains(where: { $0.utf8.count > bytesMax }) else { return whole }
    return SQL(sqlite: whole, postgreSQL: "\(list: texts.map { .text(cut($0)) })")
  }
}
