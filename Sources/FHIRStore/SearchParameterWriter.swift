import Base
import FHIRModel
import FHIRSearch
import JSONCore
import Storage

/// Carries what happens to SearchParameter resources over to the catalog, inside the transaction that writes them.
struct SearchParameterWriter {
  /// What becomes of one resource: nil where it defines nothing any more.
  private struct Outcome {
    let key: Int64
    let method: WriteMethod
    let definition: SearchParameterDefinition?
    let body: [UInt8]
  }

  private let store: FHIRStore
  private let transaction: any Transaction
  private let outcomes: [Outcome]
  private var schema: Schema { store.schema }

  /// - Returns: nil where no search parameter changes.
  /// - Throws: a fault where the changes cannot stand together with what there is. Nothing is written.
  init?(_ changes: [(change: Change, key: Int64)], _ store: FHIRStore, _ transaction: any Transaction) throws {
    guard let type = store.schema.resourceType("SearchParameter") else { return nil }
    let own = changes.filter { $0.change.type == type && $0.change.effect != .historyPurge }
    if own.isEmpty { return nil }
    self.store = store
    self.transaction = transaction
    outcomes = own.map { change, key in
      let body = change.body?.bytes ?? []
      let resource = body.isEmpty ? nil : (try? JSONDocument(body))?.value
      let isInForce = resource.map { $0["status"]?.string != "retired" } ?? false
      return Outcome(
        key: key, method: change.method,
        definition: isInForce ? resource.flatMap { SearchParameterDefinition($0, store.schema) } : nil, body: body)
    }
    try Self.checkNoJob(transaction)
    try check()
  }

  /// While a job is under way the parameters stay as they are: it would not know what it is doing them for.
  static func checkNoJob(_ reader: any Reader) throws {
    guard let id = try ReindexJob.activeID(reader) else { return }
    throw Fault(
      .conflict,
      "Search parameters cannot be changed while the reindex job '\(id)' is running. Wait for it, or cancel it.")
  }

  // MARK: - Rules

  private static let keyOfURL = Statement("SELECT key FROM search_parameter WHERE url = ?")
  private static let withCode = Statement("SELECT key, definition FROM search_parameter WHERE code = ? ORDER BY key")
  private static let withURL = Statement("SELECT key, definition FROM search_parameter WHERE url = ?")
  private static let withKey = Statement("SELECT key, definition FROM search_parameter WHERE key = ?")
  private static let all = Statement("SELECT key, definition FROM search_parameter ORDER BY key")

  private func stored(_ statement: Statement, _ binds: [SQLValue]) throws
    -> [(key: Int64, definition: SearchParameterDefinition)]
  {
    try transaction.all(statement, binds) { row in
      (row.integer(0), (try? JSONDocument(row.blob(1))).flatMap { SearchParameterDefinition($0.value, schema) })
    }.compactMap { key, definition in definition.map { (key, $0) } }
  }

  private var changedKeys: Set<Int64> { Set(outcomes.map(\.key)) }

  private func check() throws {
    let changed = changedKeys
    var urls: Set<String> = []
    for outcome in outcomes {
      guard let definition = outcome.definition else { continue }
      if schema.searchParameter(url: definition.url) != nil {
        throw outcome.method == .post
          ? Fault(.invalid, Self.exists(definition.url), code: "duplicate", at: "SearchParameter.url")
          : Fault(
            .methodNotAllowed,
            "The search parameter '\(definition.url)' is defined by the standard and cannot be changed.")
      }
      guard urls.insert(definition.url).inserted else {
        throw Fault(.invalid, "Input search parameters have duplicate Urls [\(definition.url)]", code: "duplicate")
      }
      let other = try transaction.first(Self.keyOfURL, [.text(definition.url)]) { $0.integer(0) }
      if let other, !changed.contains(other) {
        throw Fault(.invalid, Self.exists(definition.url), code: "duplicate", at: "SearchParameter.url")
      }
      try checkCode(definition, outcome.key)
      try checkComponents(definition)
    }
    try checkAmongEachOther()
    try checkUse()
  }

  private static func exists(_ url: String) -> String {
    "A search parameter with the same definition URL '\(url)' already exists."
  }

  /// A code means one thing on a type.
  private func checkCode(_ definition: SearchParameterDefinition, _ key: Int64) throws {
    let changed = changedKeys
    let own = try stored(Self.withCode, [.text(definition.code)]).filter { !changed.contains($0.key) }.map(\.definition)
    for type in definition.resourceTypes(schema) {
      let published = store.published.definition(type, definition.code)
      let others = own.filter { $0.resourceTypes(schema).contains(type) } + [published].compactMap { $0 }
      for other in others where !definition.agrees(with: other, on: type, schema) {
        throw Fault(
          .invalid,
          "A search parameter with the same code value '\(definition.code)' already exists for base type "
            + "'\(schema.name(type))': '\(other.url)'.", code: "duplicate", at: "SearchParameter.code")
      }
    }
  }

  private func checkComponents(_ definition: SearchParameterDefinition) throws {
    guard definition.type == .composite else { return }
    let parts = try definition.components.map { try find($0.definition) }
    let flaws = SearchParameterCheck.flaws(ofComponents: parts, definition)
    if !flaws.isEmpty { throw Fault(.invalid, flaws) }
  }

  private func find(_ url: String) throws -> SearchParameterDefinition? {
    if let published = schema.searchParameter(url: url) { return published }
    if let new = outcomes.first(where: { $0.definition?.url == url }) { return new.definition }
    let changed = changedKeys
    return try stored(Self.withURL, [.text(url)]).first { !changed.contains($0.key) }?.definition
  }

  private func checkAmongEachOther() throws {
    var byCode: [String: [SearchParameterDefinition]] = [:]
    for case let definition? in outcomes.map(\.definition) { byCode[definition.code, default: []].append(definition) }
    var duplicates: Set<String> = []
    for (code, definitions) in byCode where definitions.count > 1 {
      var earlier: [Schema.TypeID: SearchParameterDefinition] = [:]
      for definition in definitions {
        for type in definition.resourceTypes(schema) {
          guard let other = earlier[type] else {
            earlier[type] = definition
            continue
          }
          if !definition.agrees(with: other, on: type, schema) { duplicates.insert("(\(schema.name(type)), \(code))") }
        }
      }
    }
    guard duplicates.isEmpty else {
      let list = duplicates.sorted().prefix(10).joined(separator: ", ")
      throw Fault(.invalid, "Input search parameters have duplicate codes [\(list)]", code: "duplicate")
    }
  }

  /// What a composite is made of stays as it is.
  private func checkUse() throws {
    let changed = changedKeys
    var lost: Set<String> = []
    for outcome in outcomes {
      guard let old = try stored(Self.withKey, [.integer(outcome.key)]).first?.definition else { continue }
      if let new = outcome.definition, new.url == old.url, new.indexesLike(old) { continue }
      lost.insert(old.url)
    }
    if lost.isEmpty { return }
    for (key, definition) in try stored(Self.all, []) where !changed.contains(key) {
      guard let component = definition.components.first(where: { lost.contains($0.definition) }) else { continue }
      throw Fault(
        .conflict,
        "The search parameter '\(component.definition)' is a component of '\(definition.url)', which would mean "
          + "something else without it.")
    }
  }

  // MARK: - Writing

  private static let forget = Statement("DELETE FROM search_parameter WHERE key = ?")
  private static let forgetSwitch = Statement("DELETE FROM disabled_parameter WHERE url = ?")
  private static let keep = Statement(
    "INSERT INTO search_parameter (key, url, code, definition) VALUES (?, ?, ?, ?)")

  func apply() throws {
    let switches = ParameterSwitch(store, transaction)
    let generation = try SearchCatalog.advance(transaction)
    var freed: Set<String> = []
    for outcome in outcomes {
      let old = try stored(Self.withKey, [.integer(outcome.key)]).first?.definition
      try transaction.execute(Self.forget, [.integer(outcome.key)])
      guard let old else { continue }
      let new = outcome.definition
      if new == nil { try transaction.execute(Self.forgetSwitch, [.text(old.url)]) }
      let keeps = new.map { $0.indexesLike(old) } ?? false
      try switches.retire(
        source: outcome.key, except: keeps ? new.map { $0.resourceTypes(schema).map { schema.name($0) } } ?? [] : [])
      freed.insert(old.code)
    }
    for outcome in outcomes {
      guard let definition = outcome.definition else { continue }
      try transaction.execute(
        Self.keep,
        [.integer(outcome.key), .text(definition.url), .text(definition.code), .blob(outcome.body)])
    }
    for outcome in outcomes {
      guard let definition = outcome.definition else { continue }
      try switches.attach(definition, source: outcome.key, generation)
    }
    for code in freed.sorted() { try switches.reattach(code: code, generation) }
  }
}
