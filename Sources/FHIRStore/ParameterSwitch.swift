import Base
import FHIRModel
import FHIRSearch
import JSONCore
import Storage

/// Brings parameters in and takes them out: rows of `parameter`.
struct ParameterSwitch {
  private let store: FHIRStore
  private let transaction: any Transaction

  init(_ store: FHIRStore, _ transaction: any Transaction) {
    self.store = store
    self.transaction = transaction
  }

  private static let rowsOfSource = Statement("SELECT number, type, code FROM parameter WHERE source = ? AND state < 2")
  private static let setState = Statement("UPDATE parameter SET state = ? WHERE number = ?")
  private static let taken = Statement("SELECT 1 FROM parameter WHERE type = ? AND code = ? AND state < 2")
  private static let lastNumber = Statement("SELECT coalesce(max(number), 0) FROM parameter")
  private static let insert = Statement(
    "INSERT INTO parameter (number, type, code, source, state, since) VALUES (?, ?, ?, ?, ?, ?)")
  private static let isDisabled = Statement("SELECT 1 FROM disabled_parameter WHERE url = ?")
  private static let disable = Statement.insertNew("disabled_parameter (url) VALUES (?)")
  private static let enable = Statement("DELETE FROM disabled_parameter WHERE url = ?")
  private static let withCode = Statement("SELECT key, definition FROM search_parameter WHERE code = ? ORDER BY key")

  // MARK: One definition

  /// Takes out what a SearchParameter resource brought, but on these types.
  func retire(source: Int64, except types: [String] = []) throws {
    let kept = Set(types)
    let rows = try transaction.all(Self.rowsOfSource, [.integer(source)]) { ($0.integer(0), $0.text(1)) }
    for (number, type) in rows where !kept.contains(type) { try set(.retired, number) }
  }

  /// Gives a definition numbers on the types where no other parameter has its code.
  func attach(_ definition: SearchParameterDefinition, source: Int64, _ generation: Int64) throws {
    if try transaction.first(Self.isDisabled, [.text(definition.url)], { _ in true }) != nil { return }
    let schema = store.schema
    try add(
      definition.resourceTypes(schema).map { (schema.name($0), definition.code) }, source: source, .pending, generation)
  }

  /// Gives numbers to names that have none.
  func add(
    _ names: [(type: String, code: String)], source: Int64, _ state: ParameterState, _ generation: Int64
  ) throws {
    guard !names.isEmpty else { return }
    var asked = RowBatch(columns: 2)
    for (type, code) in names { asked.append(.text(type), .text(code)) }
    var taken: Set<Int> = []
    try transaction.query(Self.taken, rows: asked) { place, _ in taken.insert(place) }
    let free = names.enumerated().filter { !taken.contains($0.offset) }.map(\.element)
    try insert(free, source: source, state, generation)
  }

  /// Gives numbers to names of which it is known that they have none.
  private func insert(
    _ names: [(type: String, code: String)], source: Int64, _ state: ParameterState, _ generation: Int64
  ) throws {
    guard !names.isEmpty else { return }
    var number = try transaction.first(Self.lastNumber) { $0.integer(0) } ?? 0
    var rows = RowBatch(columns: 6)
    for (type, code) in names {
      number += 1
      rows.append(
        .integer(number), .text(type), .text(code), .integer(source), .integer(state.rawValue), .integer(generation))
    }
    try transaction.execute(Self.insert, rows: rows)
  }

  /// Where a code became free, another definition with it takes the place.
  func reattach(code: String, _ generation: Int64) throws {
    let others = try transaction.all(Self.withCode, [.text(code)]) { ($0.integer(0), $0.blob(1)) }
    for (key, body) in others {
      guard let document = try? JSONDocument(body),
        let definition = SearchParameterDefinition(document.value, store.schema)
      else { continue }
      try attach(definition, source: key, generation)
    }
  }

  private func set(_ state: ParameterState, _ number: Int64) throws {
    try transaction.execute(Self.setState, [.integer(state.rawValue), .integer(number)])
  }

  // MARK: Switching

  /// Switches a parameter off or on again.
  /// - Parameter key: of the SearchParameter resource; nil for one of the release.
  func turn(_ isOn: Bool, _ definition: SearchParameterDefinition, key: Int64?) throws {
    let isOff = try transaction.first(Self.isDisabled, [.text(definition.url)], { _ in true }) != nil
    guard isOff == isOn else { return }
    let generation = try SearchCatalog.advance(transaction)
    let source = key ?? 0
    if isOn {
      try transaction.execute(Self.enable, [.text(definition.url)])
      if key != nil { return try attach(definition, source: source, generation) }
      try add(names(definition), source: source, .pending, generation)
      return
    }
    try checkUse(of: definition)
    try transaction.execute(Self.disable, [.text(definition.url)])
    if key != nil {
      try retire(source: source)
    } else {
      let own = Set(names(definition).map { SearchParameters.Name(resourceType: $0.type, code: $0.code) })
      let rows = try transaction.all(Self.rowsOfSource, [.integer(0)]) {
        ($0.integer(0), SearchParameters.Name(resourceType: $0.text(1), code: $0.text(2)))
      }
      for (number, name) in rows where own.contains(name) { try set(.retired, number) }
    }
    try reattach(code: definition.code, generation)
  }

  /// What is derived from a parameter has no index rows of its own.
  private func checkUse(of definition: SearchParameterDefinition) throws {
    let parameters = try SearchCatalog(transaction, store.schema).indexed
    for type in definition.resourceTypes(store.schema) {
      guard let own = parameters.parameter(type, definition.code), own.definition.url == definition.url,
        let user = parameters.derived(from: own).first
      else { continue }
      throw Fault(
        .invalid,
        "The search parameter '\(definition.url)' cannot be switched off: '\(user.definition.url)' is answered from "
          + "its index. Switch that one off first.", code: "business-rule")
    }
  }

  /// Where a definition of the release is the one that a type has under its code.
  private func names(_ definition: SearchParameterDefinition) -> [(type: String, code: String)] {
    definition.resourceTypes(store.schema).filter {
      store.published.definition($0, definition.code)?.url == definition.url
    }.map { (store.schema.name($0), definition.code) }
  }

  // MARK: Opening

  private static let liveRows = Statement("SELECT type, code FROM parameter WHERE state < 2")
  private static let disabledRows = Statement("SELECT url FROM disabled_parameter")
  private static let countRows = Statement(
    """
    SELECT t.name FROM resource_count AS c JOIN resource_type AS t ON t.number = c.type WHERE c.live > 0
    UNION
    SELECT t.name FROM resource_type AS t WHERE EXISTS (SELECT 1 FROM contained AS c WHERE c.type = t.number)
    """)

  /// Gives numbers to the release's parameters that have none: all in a fresh store, those that are new to this program
  /// in another. Where there is no resource yet, they answer at once.
  /// - Returns: the types whose resources must be indexed for them.
  static func open(_ store: FHIRStore, _ transaction: any Transaction) throws -> [String] {
    var known = Set(
      try transaction.all(liveRows) { SearchParameters.Name(resourceType: $0.text(0), code: $0.text(1)) })
    let disabled = Set(try transaction.all(disabledRows) { $0.text(0) })
    let inUse = Set(try transaction.all(countRows) { $0.text(0) })
    var fresh: [(type: String, code: String)] = []
    for (type, definitions) in SearchParameters.definitions(store.schema) {
      let name = store.schema.name(type)
      for definition in definitions where !disabled.contains(definition.url) {
        guard known.insert(SearchParameters.Name(resourceType: name, code: definition.code)).inserted else { continue }
        fresh.append((name, definition.code))
      }
    }
    guard !fresh.isEmpty else { return [] }
    let generation = try SearchCatalog.advance(transaction)
    let switches = ParameterSwitch(store, transaction)
    try switches.insert(fresh.filter { !inUse.contains($0.type) }, source: 0, .enabled, generation)
    try switches.insert(fresh.filter { inUse.contains($0.type) }, source: 0, .pending, generation)
    return Set(fresh.map(\.type)).intersection(inUse).sorted()
  }
}
