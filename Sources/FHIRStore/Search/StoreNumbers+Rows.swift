import FHIRModel
import FHIRSearch
import Storage

extension StoreNumbers {
  /// The index rows of a parameter: a condition on the columns of its table, under an alias such as `j.`.
  func rows(of parameter: SearchParameter, _ schema: Schema, _ alias: SQL = "") -> SQL {
    let own: SQL = "\(alias)parameter = \(Int64(parameter.number))"
    guard let target = parameter.soleTarget else { return own }
    // An address names the type before the id; other URIs do not tell, and are none.
    let name = schema.name(target)
    let (glob, like) = ("http*/\(name)/*", "http%/\(name)/%")
    let isAddress = SQL(sqlite: "GLOB \(glob)", postgreSQL: "LIKE \(like)")
    return """
      \(own) AND (\(alias)type = \(number(target)) OR (\(alias)type = 0 AND \(alias)id \(isAddress)))
      """
  }

  /// The index rows of several parameters.
  func rows(of parameters: [SearchParameter], _ schema: Schema, _ alias: SQL = "") -> SQL {
    if parameters.count == 1 { return rows(of: parameters[0], schema, alias) }
    let whole = parameters.filter { $0.soleTarget == nil }.map { SQLValue.integer(Int64($0.number)) }
    var tests = parameters.filter { $0.soleTarget != nil }.map { "(\(rows(of: $0, schema, alias)))" as SQL }
    if !whole.isEmpty { tests.append("\(alias)parameter IN (\(list: whole))") }
    return SQL.anyOf(tests)
  }
}
