import CPostgreSQL
import Storage

/// An `INSERT … VALUES (…)` that can take many rows at once: `INSERT … SELECT … FROM unnest(…)` over an array for each
/// parameter. The server then runs one statement instead of one for each row.
struct InsertTemplate {
  /// Up to VALUES.
  private let head: String
  /// The list of values, cut at its parameters.
  private let pieces: [String]
  private let tail: String

  var parameterCount: Int { pieces.count - 1 }

  /// From so many rows on it is worth the arrays.
  static let rowsMin = 4

  /// Nil for any other statement. One that updates what is there, or returns rows, is left as it is: it may meet a
  /// row twice, which PostgreSQL refuses within one statement (21000), or be asked for its rows one by one.
  init?(_ text: StatementText) {
    guard text.verb == "INSERT", text.parameterCount > 0 else { return nil }
    let source = text.source
    guard let values = source.firstRange(of: "VALUES (") else { return nil }
    let list = source[values.upperBound...]
    var depth = 1
    var end = list.startIndex
    while end < list.endIndex {
      let character = list[end]
      if character == "'" || character == "\"" { return nil }
      if character == "(" { depth += 1 }
      if character == ")" { depth -= 1 }
      if depth == 0 { break }
      end = list.index(after: end)
    }
    guard depth == 0 else { return nil }
    let rest = list[list.index(after: end)...]
    let words = rest.split(whereSeparator: \.isWhitespace).joined(separator: " ").uppercased()
    guard words.isEmpty || words.hasPrefix("ON CONFLICT ") && words.hasSuffix("DO NOTHING"), !rest.contains("?") else {
      return nil
    }
    head = String(source[..<values.lowerBound])
    guard !head.contains("?") else { return nil }
    pieces = list[..<end].split(separator: "?", omittingEmptySubsequences: false).map { String($0) }
    tail = String(rest)
    guard pieces.count == text.parameterCount + 1 else { return nil }
  }

  /// The statement for columns of these types, and an array for each; 0 is a column of nulls alone, which has none.
  func text(_ types: [Oid]) -> String {
    var list = pieces[0]
    var arrays: [String] = []
    var names: [String] = []
    for (column, type) in types.enumerated() {
      if type == 0 {
        list += "NULL"
      } else {
        arrays.append("?::\(TypeID.arrayName(type))")
        names.append("p\(column)")
        list += "r.p\(column)"
      }
      list += pieces[column + 1]
    }
    return "\(head)SELECT \(list) FROM unnest(\(arrays.joined(separator: ", "))) "
      + "AS r (\(names.joined(separator: ", ")))\(tail)"
  }

  /// The type of each column; nil where one has values of two kinds, or none has any value.
  static func types(_ rows: RowBatch) -> [Oid]? {
    var types = [Oid](repeating: 0, count: rows.columns)
    var column = 0
    for value in rows.values {
      let type = TypeID.of(value)
      if type != 0, types[column] != type {
        guard types[column] == 0 else { return nil }
        types[column] = type
      }
      column = column + 1 == rows.columns ? 0 : column + 1
    }
    return types.contains { $0 != 0 } ? types : nil
  }

  /// A column as an array in the binary format (array_send in arrayfuncs.c): dimensions, whether there are nulls, the
  /// type, the length and first index of the one dimension; then each element's length, -1 for null, and bytes.
  static func array(_ rows: RowBatch, column: Int, type: Oid) throws(StorageError) -> SQLValue {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(20 + rows.rowCount * 12)
    func append(_ word: Int32) { withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) } }
    func append(long word: UInt64) {
      append(8)
      withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
    }
    for word in [1, 1, Int32(bitPattern: type), Int32(clamping: rows.rowCount), 1] { append(word) }
    for row in 0..<rows.rowCount {
      switch rows.values[row * rows.columns + column] {
      case .null: append(-1)
      case .integer(let integer): append(long: UInt64(bitPattern: integer))
      case .real(let real): append(long: real.bitPattern)
      case .text(let value):
        let text = Parameters.text(value)
        append(Int32(clamping: text.utf8.count))
        bytes.append(contentsOf: text.utf8)
      case .blob(let blob):
        append(Int32(clamping: blob.count))
        bytes.append(contentsOf: blob)
      }
      guard bytes.count < Parameters.valueBytesMax else {
        throw StorageError(.tooLarge, detail: "a batch has a column of more than \(Parameters.valueBytesMax) bytes")
      }
    }
    return .blob(bytes)
  }
}

extension TypeID {
  static func arrayName(_ type: Oid) -> String {
    switch type {
    case int8: "bigint[]"
    case float8: "double precision[]"
    case bytea: "bytea[]"
    default: "text[]"
    }
  }

  static func array(of type: Oid) -> Oid {
    switch type {
    case int8: 1016
    case float8: 1022
    case bytea: 1001
    default: 1009
    }
  }
}
