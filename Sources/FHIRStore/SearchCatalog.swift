import Base
import FHIRModel
public import FHIRSearch
import JSONCore
import Storage
import Synchronization

/// The service's search parameters at one moment: what the release publishes and its SearchParameter resources define,
/// less what is switched off.
public struct SearchCatalog: Sendable {
  /// Counts up with each change.
  public let generation: Int64
  /// Parameters that answer.
  public let searchable: SearchParameters
  /// Parameters that resources are indexed for: those that answer, and those that will once all resources are indexed.
  public let indexed: SearchParameters
  /// The generation that brought a parameter that does not answer yet, by number.
  let pending: [Int32: Int64]
  /// For a type whose resources contain others, the types of these that have parameters which do not answer yet.
  let containing: [Schema.TypeID: [Schema.TypeID]]
  /// Resources indexed before this generation are indexed anew as a whole: another version of this program did it.
  let wholeSince: Int64

  private static let generationRow = Statement("SELECT \(SettingColumn.number) FROM setting WHERE name = 'catalog'")
  private static let wholeRow = Statement(
    "SELECT \(SettingColumn.number) FROM setting WHERE name = 'extraction-since'")
  private static let parameterRows = Statement(
    "SELECT number, type, code, source, state, since FROM parameter WHERE state < 2 ORDER BY number")
  private static let definitionRows = Statement("SELECT key, definition FROM search_parameter")

  static func generation(_ reader: any Reader) throws -> Int64 {
    try reader.first(generationRow) { $0.integer(0) } ?? 0
  }

  /// Asks for the generation, in the first column; no row is 0.
  static var generationQuestion: Question { Question(generationRow) }

  /// Makes the next generation, and tells the other processes.
  static func advance(_ transaction: any Transaction) throws -> Int64 {
    let next = try generation(transaction) + 1
    try transaction.execute(setGeneration, [.integer(next)])
    try transaction.announce(FHIRStore.catalogTopic)
    return next
  }

  private static let setGeneration = Statement(
    """
    INSERT INTO setting (name, \(SettingColumn.number)) VALUES ('catalog', ?)
    ON CONFLICT (name) DO UPDATE SET \(SettingColumn.number) = excluded.\(SettingColumn.number)
    """)

  /// The catalog as it stands in the store.
  init(_ reader: any Reader, _ schema: Schema) throws {
    generation = try Self.generation(reader)
    wholeSince = try reader.first(Self.wholeRow) { $0.integer(0) } ?? 0
    let own = try Self.definitions(reader, schema)
    let byURL = Dictionary(own.values.map { ($0.url, $0) }, uniquingKeysWith: { first, _ in first })
    let published = Published(schema)
    var all: [SearchParameter] = []
    var pending: [Int32: Int64] = [:]
    var ages: [Int32: Int64] = [:]
    var fromResources: Set<Int32> = []
    try reader.query(Self.parameterRows, []) { row in
      let (typeName, code) = (row.text(1), row.text(2))
      guard let type = schema.resourceType(typeName),
        let definition = row.integer(3) == 0 ? published.definition(type, code) : own[row.integer(3)]
      else { return true }
      let number = Int32(truncatingIfNeeded: row.integer(0))
      if row.integer(4) == ParameterState.pending.rawValue { pending[number] = row.integer(5) }
      ages[number] = row.integer(5)
      if row.integer(3) != 0 { fromResources.insert(number) }
      all.append(
        SearchParameter(number: number, resourceType: type, definition: definition, schema: schema) {
          schema.searchParameter(url: $0) ?? byURL[$0]
        })
      return true
    }
    indexed = SearchParameters(schema, all, ages: SearchParameters.Ages(all: ages, own: fromResources))
    searchable =
      pending.isEmpty ? indexed : SearchParameters(indexed, withoutPending: Set(pending.keys))
    self.pending = pending
    containing = try Self.containing(all.filter { pending[$0.number] != nil }, reader, schema)
  }

  private static let containedRow = Statement("SELECT 1 FROM contained WHERE container = ? AND type = ? LIMIT 1")
  private static let typeRows = Statement("SELECT number, name FROM resource_type")

  /// Which types contain resources that parameters are of.
  private static func containing(_ parameters: [SearchParameter], _ reader: any Reader, _ schema: Schema) throws
    -> [Schema.TypeID: [Schema.TypeID]]
  {
    if parameters.isEmpty { return [:] }
    let wanted = Set(parameters.map(\.resourceType))
    let types = try reader.all(typeRows) { (number: $0.integer(0), type: schema.resourceType($0.text(1))) }
    let inner = types.filter { $0.type.map { wanted.contains($0) } ?? false }
    var containing: [Schema.TypeID: [Schema.TypeID]] = [:]
    for container in types {
      let found = try inner.filter { inner in
        try reader.first(containedRow, [.integer(container.number), .integer(inner.number)]) { _ in true } ?? false
      }
      if let type = container.type, !found.isEmpty { containing[type] = found.compactMap(\.type) }
    }
    return containing
  }

  private static func definitions(_ reader: any Reader, _ schema: Schema) throws -> [Int64: SearchParameterDefinition] {
    var found: [Int64: SearchParameterDefinition] = [:]
    try reader.query(definitionRows, []) { row in
      if let document = try? JSONDocument(row.blob(1)) {
        found[row.integer(0)] = SearchParameterDefinition(document.value, schema)
      }
      return true
    }
    return found
  }

  /// Resources of a type that were indexed for a generation before this one lack rows.
  func needed(_ type: Schema.TypeID) -> Int64 {
    ([type] + (containing[type] ?? [])).reduce(wholeSince) { needed, type in
      indexed.parameters(type).reduce(needed) { max($0, pending[$1.number] ?? 0) }
    }
  }

  /// The parameters of a resource that was indexed for a generation which its rows lack; nil where all must be made
  /// anew.
  func missing(_ type: Schema.TypeID, since generation: Int64) -> Set<Int32>? {
    if generation < wholeSince { return nil }
    var numbers: Set<Int32> = []
    for parameter in ([type] + (containing[type] ?? [])).flatMap({ indexed.parameters($0) }) {
      if let since = pending[parameter.number], since > generation { numbers.insert(parameter.number) }
    }
    return numbers
  }
}

/// How far a parameter of a resource type is.
enum ParameterState: Int64 {
  /// New resources are indexed for it; it does not answer yet.
  case pending = 0
  case enabled = 1
  /// Its index rows are being removed.
  case retired = 2
  case removed = 3
}

/// The release's parameters by type and code.
struct Published {
  private let byType: [Schema.TypeID: [String: SearchParameterDefinition]]

  init(_ schema: Schema) {
    byType = Dictionary(
      uniqueKeysWithValues: SearchParameters.definitions(schema).map { type, definitions in
        (type, Dictionary(definitions.map { ($0.code, $0) }, uniquingKeysWith: { first, _ in first }))
      })
  }

  func definition(_ type: Schema.TypeID, _ code: String) -> SearchParameterDefinition? { byType[type]?[code] }
}

/// Holds the newest catalog that was committed.
final class CatalogHolder: Sendable {
  private let held: Mutex<SearchCatalog>

  init(_ catalog: SearchCatalog) { held = Mutex(catalog) }

  var current: SearchCatalog { held.withLock { $0 } }

  func take(_ catalog: SearchCatalog) {
    held.withLock { if $0.generation < catalog.generation { $0 = catalog } }
  }
}

/// Thrown inside a transaction when changes were extracted for a catalog that is no longer the newest.
struct StaleCatalog: Error {}
