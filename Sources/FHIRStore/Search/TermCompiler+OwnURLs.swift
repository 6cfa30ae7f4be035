import FHIRModel
import FHIRSearch
import Storage

/// References that were stored as absolute URLs of this very service: "a relative reference resolving to the same value
/// as a specified absolute URL, or vice versa, qualifies" (FHIR R4 search#reference).
///
/// They are stored as they were written, since the service may be reached at several addresses. So a search looks for
/// both forms, at the address it was asked at; and only under parameters that have such URLs at all, which is one seek
/// to know.
extension TermCompiler {
  private static let below = Statement(
    "SELECT 1 FROM index_reference WHERE parameter = ? AND type = 0 AND id >= ? AND id < ? LIMIT 1")
  private static let found = Statement(
    "SELECT 1 FROM index_reference WHERE parameter = ? AND type = 0 AND id = ? LIMIT 1")

  /// The service's address, where a reference under one of the parameters stands as a URL below it; else nil.
  func ownURLs(_ base: String?, _ parameters: [SearchParameter]) throws -> String? {
    guard let base else { return nil }
    let (first, end) = ("\(base)/", "\(base)0")
    let areThere = try parameters.contains { parameter in
      try reader.first(Self.below, [.integer(Int64(parameter.number)), .text(first), .text(end)]) { _ in true } ?? false
    }
    return areThere ? base : nil
  }

  /// The URLs that say the same as an id of one of the types; none without an address.
  func urls(of id: String, _ types: [Int64], below base: String?) -> [String] {
    guard let base else { return [] }
    return types.compactMap { numbers.types[$0] }.map { ReferenceForm.prefix(base, store.schema.name($0)) + id }
  }

  /// Those under a parameter.
  func urls(of id: String, _ types: [Int64], _ parameter: SearchParameter, below base: String?) throws -> [String] {
    let urls = urls(of: id, types, below: base)
    // What is not there would cost a single reference the order of its keys.
    guard urls.count == 1 else { return urls }
    return try urls.filter { url in
      try reader.first(Self.found, [.integer(Int64(parameter.number)), .text(url)]) { _ in true } ?? false
    }
  }

  /// - Parameter base: the service's address, if URLs below it have to be looked for.
  func referenceForms(_ target: Schema.TypeID, below base: String?) -> ReferenceForms {
    ReferenceForms(
      type: numbers.number(target), prefix: base.map { ReferenceForm.prefix($0, store.schema.name(target)) })
  }
}

extension SearchParameter {
  /// Whether its rows may be references to a type.
  func mayRefer(to target: Schema.TypeID) -> Bool { soleTarget.map { $0 == target } ?? true }
}

/// How references to resources of one type stand in `index_reference`: by type and id, or as URLs of this service.
///
/// Rows are named by their alias.
enum ReferenceForm {
  case typed(Int64)
  /// What the URLs begin with: `http://host/workspace/fhir/Patient/`.
  case url(String)

  static func prefix(_ base: String, _ typeName: String) -> String { "\(base)/\(typeName)/" }

  /// The row refers to the resource with an id.
  func leads(from row: SQL, to id: SQL) -> SQL {
    switch self {
    case .typed(let type): "\(row).type = \(type) AND \(row).id = \(id)"
    case .url(let prefix): "\(row).type = 0 AND \(row).id = \(prefix) || \(id)"
    }
  }

  /// The row refers to a resource of the type.
  func isAny(_ row: SQL) -> SQL {
    switch self {
    case .typed(let type): "\(row).type = \(type)"
    case .url(let prefix):
      // '0' comes next to '/'.
      "\(row).type = 0 AND \(row).id >= \(prefix) AND \(row).id < \(prefix.dropLast() + "0")"
    }
  }

  /// The id of what the row refers to.
  func id(_ row: SQL) -> SQL {
    switch self {
    case .typed: "\(row).id"
    case .url(let prefix):
      "substr(\(row).id, \(SQL.count(prefix.unicodeScalars.count + 1)))"
    }
  }

  /// A row of `index_reference` alone refers to one of some ids, which are a SELECT.
  func isAmong(_ ids: SQL) -> SQL {
    switch self {
    case .typed(let type): "type = \(type) AND id IN (\(ids))"
    case .url(let prefix): "type = 0 AND id IN (SELECT \(prefix) || id FROM (\(ids))\(SQL.unnamed))"
    }
  }
}

/// Both forms at once, or the one that occurs. A join asks for them as rows of a table of its own: as alternatives they
/// would double what stands around them, at each step of a chain.
struct ReferenceForms {
  let type: Int64
  /// What the URLs begin with; nil where there are none.
  let prefix: String?

  var all: [ReferenceForm] { [.typed(type)] + (prefix.map { [.url($0)] } ?? []) }
  var isOne: Bool { prefix == nil }

  /// The row refers to a resource of the type.
  func isAny(_ row: SQL) -> SQL {
    isOne ? ReferenceForm.typed(type).isAny(row) : SQL.anyOf(all.map { "(\($0.isAny(row)))" })
  }

  /// The id of what such a row refers to.
  func id(_ row: SQL) -> SQL {
    guard let prefix else { return ReferenceForm.typed(type).id(row) }
    return "CASE WHEN \(row).type = 0 THEN \(ReferenceForm.url(prefix).id(row)) ELSE \(row).id END"
  }

  /// The table of the forms, to be joined before the rows; nothing for one.
  func table(_ alias: SQL) -> SQL {
    isOne ? "" : " CROSS JOIN (SELECT 0 AS form UNION ALL SELECT 1) AS \(alias)"
  }

  /// The row refers in the table's form to the resource with an id.
  func leads(from row: SQL, to id: SQL, _ alias: SQL) -> SQL {
    guard let prefix else { return ReferenceForm.typed(type).leads(from: row, to: id) }
    return """
      \(row).type = CASE \(alias).form WHEN 0 THEN \(type) ELSE 0 END
        AND \(row).id = CASE \(alias).form WHEN 0 THEN \(id) ELSE \(prefix) || \(id) END
      """
  }
}
