import CSQLite
import Storage

extension StorageError {
  /// What a result code means. `detail` is SQLite's own message.
  init(sqlite code: Int32, preparing: Bool = false, detail: String) {
    self.init(
      StorageError.code(code, preparing: preparing), engineCode: code,
      isUniqueViolation: code == SQLiteCode.constraintUnique || code == SQLiteCode.constraintPrimaryKey
        || code == SQLiteCode.constraintRowID,
      detail: detail)
  }

  private static func code(_ extended: Int32, preparing: Bool) -> Code {
    switch extended & 0xFF {
    case SQLITE_BUSY, SQLITE_LOCKED: .busy
    case SQLITE_READONLY, SQLITE_PERM: .readOnly
    case SQLITE_INTERRUPT: .interrupted
    case SQLITE_IOERR, SQLITE_CANTOPEN: .io
    case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt
    case SQLITE_FULL: .full
    case SQLITE_TOOBIG: .tooLarge
    case SQLITE_CONSTRAINT: .constraint
    case SQLITE_MISUSE, SQLITE_RANGE, SQLITE_MISMATCH: .misuse
    case SQLITE_ERROR where preparing: .misuse
    default: .other
    }
  }
}

/// Extended result codes; C macros with arithmetic in them are not imported.
enum SQLiteCode {
  static let constraintUnique = SQLITE_CONSTRAINT | 8 << 8
  static let constraintPrimaryKey = SQLITE_CONSTRAINT | 6 << 8
  static let constraintRowID = SQLITE_CONSTRAINT | 10 << 8
  static let ioSync = SQLITE_IOERR | 4 << 8
  static let ioFolderSync = SQLITE_IOERR | 5 << 8
}
