import Base
import FHIRModel
import FHIRSearch
import FHIRStore
import JSONCore
import Storage
import TestStores

/// A store with what a service adds to it: bodies are parsed and indexed, changes prepared.
struct StoreFixture: Sendable {
  let store: FHIRStore
  let extractor: IndexExtractor

  /// A resource's next content; a deletion where there is none.
  struct Edit: Sendable {
    var type: String
    var id: String
    /// The members after `resourceType`.
    var content: String?

    static func put(_ type: String, _ id: String, _ content: String) -> Edit {
      Edit(type: type, id: id, content: content)
    }
    static func delete(_ type: String, _ id: String) -> Edit { Edit(type: type, id: id, content: nil) }
  }

  struct NoSuchType: Error {}

  init(_ database: any Database, clock: Clock = .system) async throws {
    store = try await FHIRStore(database, schema: .r4, clock: clock)
    extractor = IndexExtractor(store.catalog.indexed, limits: Limits())
  }

  init(path: String, clock: Clock = .system) async throws {
    try await self.init(TestStores.open(path), clock: clock)
  }

  static func body(_ type: String, _ id: String, _ content: String) throws -> ResourceBody {
    let document = try JSONDocument("{\"resourceType\":\"\(type)\"\(content.isEmpty ? "" : ",")\(content)}")
    return ResourceBody(document, document.root, type: type, id: id)
  }

  static func type(_ name: String) throws -> Schema.TypeID {
    guard let type = Schema.r4.resourceType(name) else { throw NoSuchType() }
    return type
  }

  func rows(_ body: ResourceBody, _ type: Schema.TypeID) throws -> [IndexRow] {
    let document = try JSONDocument(body.bytes)
    return try extractor.rows(of: document, document.root, type)
  }

  func change(_ edit: Edit, _ view: StoreView) throws -> Change {
    let current = try view.current(Self.type(edit.type), edit.id)
    return try change(edit, current: current, indexed: current.map { try view.indexed($0) })
  }

  func change(_ edit: Edit, current: StoredVersion?, indexed: IndexedRows?) throws -> Change {
    let type = try Self.type(edit.type)
    let draft = try edit.content.map { content in
      let body = try Self.body(edit.type, edit.id, content)
      return try store.draft(body, rows: rows(body, type), for: store.catalog)
    }
    return store.change(
      type, id: edit.id, method: draft == nil ? .delete : .put, draft, current: current,
      indexed: indexed)
  }

  /// All edits in one transaction, prepared outside of it.
  @discardableResult
  func write(_ edits: [Edit]) async throws -> [Committed] {
    try await store.write(within: .none) { view in
      Prepared(try edits.map { try change($0, view) }) { $0 }
    }
  }

  @discardableResult
  func put(_ type: String, _ id: String, _ content: String) async throws -> Committed? {
    try await write([.put(type, id, content)]).first
  }

  @discardableResult
  func delete(_ type: String, _ id: String) async throws -> Committed? {
    try await write([.delete(type, id)]).first
  }

  func current(_ type: String, _ id: String) throws -> StoredVersion? {
    let type = try Self.type(type)
    return try store.point(within: .none) { try $0.current(type, id) }
  }

  func query(_ type: String, _ query: String) throws -> SearchQuery {
    let parser = SearchQueryParser(store.parameters, limits: Limits(), clock: .system, isStrict: true)
    return try parser.parse(QueryString(parsing: query), types: type.isEmpty ? [] : [Self.type(type)])
  }

  func ids(_ type: String, _ text: String) async throws -> [String] {
    let query = try query(type, text)
    return try await store.read(within: .none) { try $0.ids(query, limit: 100_000) }
  }

  func close() async { await store.close() }
}
