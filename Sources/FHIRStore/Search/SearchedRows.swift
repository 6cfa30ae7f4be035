import Storage

/// What a search looks at: resources, or those that they contain.
enum SearchedRows {
  case resources
  case contained

  var table: SQL { self == .resources ? "resource" : "contained" }

  /// Rows of the table that are of a type and there, under an alias such as `i.`.
  func ofType(_ type: Int64, _ alias: SQL = "") -> SQL {
    switch self {
    case .resources: "\(alias)type = \(type) AND \(alias)method <> 3"
    case .contained: "\(alias)type = \(type)"
    }
  }
}
