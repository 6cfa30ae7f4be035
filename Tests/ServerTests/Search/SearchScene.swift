import FHIRSearch
import JSONCore
import Synchronization
import Testing

/// A live server with the data of one suite; names stand for the resources that were created.
///
/// In queries and bodies `{{name}}` is the id that the server gave to what was created under the name.
final class SearchScene: Sendable {
  struct Resource: Sendable {
    let type: String
    let id: String
    /// Compact, as the create answered.
    let json: [UInt8]
  }

  @TaskLocal static var shared: SearchScene?

  let live: LiveServer
  private let resources = Mutex<[String: Resource]>([:])

  init(_ live: LiveServer) { self.live = live }

  /// The scene of the suite that runs.
  static var current: SearchScene {
    get throws { try #require(shared) }
  }

  // MARK: Data

  /// Creates a resource under a name. Unless it says otherwise itself, it gets the tag `tag`.
  @discardableResult
  func create(_ name: String, _ json: String, tag: String? = "t") async throws -> Resource {
    var body = filled(json)
    if let tag { body = #"{"meta":{"tag":[{"code":"\#(tag)"}]},"# + body.dropFirst() }
    let document = try JSONDocument(body).value
    let type = try #require(document["resourceType"]?.string)
    let reply = try await live.send("POST", "/\(type)", body)
    try #require(reply.status == 201, "\(name): \(reply.text)")
    return try keep(name, reply)
  }

  /// Updates what was created under a name.
  func update(_ name: String, _ json: String) async throws {
    let resource = try #require(self[name])
    let body = #"{"id":"\#(resource.id)","# + filled(json).dropFirst()
    let reply = try await live.send("PUT", "/\(resource.type)/\(resource.id)", body)
    try #require(reply.status == 200, "\(name): \(reply.text)")
    try keep(name, reply)
  }

  func delete(_ name: String) async throws {
    let resource = try #require(self[name])
    let reply = try await live.ask("DELETE", "/\(resource.type)/\(resource.id)")
    try #require(reply.status == 204, "\(name): \(reply.text)")
  }

  @discardableResult
  private func keep(_ name: String, _ reply: Reply) throws -> Resource {
    let value = try reply.json()
    let resource = Resource(
      type: try #require(value["resourceType"]?.string), id: try #require(value["id"]?.string), json: value.json)
    resources.withLock { $0[name] = resource }
    return resource
  }

  subscript(name: String) -> Resource? { resources.withLock { $0[name] } }

  /// The text with ids for names.
  func filled(_ text: String) -> String {
    var pieces = text.split(separator: "{{", omittingEmptySubsequences: false).map(String.init)
    for place in pieces.indices.dropFirst() {
      guard let end = pieces[place].utf8.firstRange(of: Array("}}".utf8)) else { continue }
      let name = String(pieces[place][..<end.lowerBound])
      pieces[place] = (self[name]?.id ?? "unknown-\(name)") + pieces[place][end.upperBound...]
    }
    return pieces.joined()
  }

  /// What a resource was created as; its type and id if it was not created by name.
  func name(of value: JSONValue) -> String {
    let (type, id) = (value["resourceType"]?.string ?? "", value["id"]?.string ?? "")
    let name = resources.withLock { all in all.first { $0.value.id == id && $0.value.type == type }?.key }
    return name ?? "\(type)/\(id)"
  }

  // MARK: Asking

  /// A request target from a readable one: what may not stand in a target is escaped (RFC 3986 §2.1).
  static func target(_ text: String) -> String {
    var target = ""
    for byte in text.utf8 {
      let isPlain = (0x21..<0x7F).contains(byte) && !#""<>\^`{|}"#.utf8.contains(byte)
      target +=
        isPlain ? String(UnicodeScalar(byte)) : "%" + String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
    }
    return target
  }

  /// One request, not checked.
  func ask(_ query: String, _ headers: [String: String] = [:]) async throws -> Reply {
    try await live.ask("GET", "/" + Self.target(filled(query)), headers)
  }

  /// A search to its last page, checked on the way: status, self and next links, and that every resource is what its
  /// create answered.
  func find(
    _ query: String, dropping ignored: [String] = [], sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> Found {
    let asked = filled(query)
    // A search of all types is addressed to the base itself.
    let path = asked.hasPrefix("?") ? asked : "/" + asked
    var link = live.base + path
    for text in ignored { link = link.replacingFirst(text, with: "") }
    if link.last == "?" { link.removeLast() }
    var found = Found()
    var target: String? = LiveServer.path + Self.target(path)
    while let this = target {
      try #require(found.pages.count < 200, "the pages do not end", sourceLocation: sourceLocation)
      let reply = try await live.askRoot("GET", this)
      try #require(reply.status == 200, "\(query): \(reply.text)", sourceLocation: sourceLocation)
      let page = try Page(reply.json(), self)
      let selfLink = try #require(page.links.first, sourceLocation: sourceLocation)
      #expect(selfLink.relation == "self", sourceLocation: sourceLocation)
      check(selfLink.url, against: link, isFirst: found.pages.isEmpty, sourceLocation)
      for entry in page.entries where entry.mode != "outcome" {
        guard let resource = self[entry.name] else { continue }
        #expect(
          entry.json == resource.json, "\(entry.name) differs from what its create answered",
          sourceLocation: sourceLocation)
      }
      target = page["next"].map { String($0.dropFirst(live.base.count - LiveServer.path.count)) }
      found.pages.append(page)
    }
    return found
  }

  /// The self link is what was asked; on later pages `ct` follows, and `_total` is gone.
  private func check(_ link: String, against asked: String, isFirst: Bool, _ location: SourceLocation) {
    let decoded = Self.decoded(link)
    if isFirst {
      #expect(decoded == Self.decoded(asked), sourceLocation: location)
    } else {
      let start = Self.decoded(asked).replacingFirst("&_total=accurate", with: "")
      let mark = start.contains("?") ? "&ct=" : "?ct="
      #expect(decoded.hasPrefix(start + mark), sourceLocation: location)
    }
  }

  /// A URL without its escapes.
  static func decoded(_ url: String) -> String {
    let name = url.replacing("&", with: "%26").replacing("=", with: "%3D")
    return QueryString(parsing: name).parameters.first?.name ?? ""
  }

  /// The names of all matches, in alphabetical order.
  func names(_ query: String, sourceLocation: SourceLocation = #_sourceLocation) async throws -> [String] {
    try await find(query, sourceLocation: sourceLocation).matches.sorted()
  }

  /// Asserts a row: these and no others match, each once.
  func check(_ row: SearchRow, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let found = try await find(row.query, sourceLocation: sourceLocation)
    #expect(found.matches.sorted() == row.names.sorted(), "\(row.query)", sourceLocation: sourceLocation)
    #expect(found.outcomes.isEmpty, "\(row.query)", sourceLocation: sourceLocation)
  }

  /// Asserts a refusal: the status, and words of the outcome's first issue.
  func checkRefused(
    _ query: String, _ words: [String], status: Int = 400, code: String? = nil, headers: [String: String] = [:],
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let reply = try await ask(query, headers)
    #expect(reply.status == status, "\(query.prefix(200)): \(reply.text.prefix(500))", sourceLocation: sourceLocation)
    guard reply.status == status else { return }
    let outcome = try reply.outcome()
    for word in words {
      #expect(outcome.diagnostics.contains(word), "\(query.prefix(200))", sourceLocation: sourceLocation)
    }
    if let code { #expect(outcome.code == code, "\(query.prefix(200))", sourceLocation: sourceLocation) }
  }
}

/// What a search answered, page by page.
struct Found: Sendable {
  var pages: [Page] = []

  var matches: [String] { entries("match") }
  var included: [String] { entries("include") }
  var total: Int? { pages.first?.total }
  var outcomes: [JSONValue] { pages.flatMap(\.outcomes) }
  /// Severity, code and text of all issues.
  var issues: [OutcomeIssue] {
    outcomes.flatMap { $0["issue"]?.elements ?? [] }.map { issue in
      OutcomeIssue(
        severity: issue["severity"]?.string ?? "", code: issue["code"]?.string ?? "",
        text: issue["diagnostics"]?.string ?? "")
    }
  }

  private func entries(_ mode: String) -> [String] { pages.flatMap(\.entries).filter { $0.mode == mode }.map(\.name) }
}

struct OutcomeIssue: Sendable, Equatable {
  let severity: String
  let code: String
  let text: String

  /// What is ignored with a warning.
  static func unsupported(_ text: String) -> OutcomeIssue {
    OutcomeIssue(severity: "warning", code: "not-supported", text: text)
  }
}

/// One searchset bundle (FHIR R4 bundle.html#searchset).
struct Page: Sendable {
  struct Entry: Sendable {
    let mode: String
    let name: String
    let fullURL: String
    let json: [UInt8]
  }

  let links: [(relation: String, url: String)]
  let entries: [Entry]
  let outcomes: [JSONValue]
  let total: Int?

  init(_ bundle: JSONValue, _ scene: SearchScene) throws {
    try #require(bundle["resourceType"]?.string == "Bundle")
    try #require(bundle["type"]?.string == "searchset")
    links = (bundle["link"]?.elements ?? []).map { ($0["relation"]?.string ?? "", $0["url"]?.string ?? "") }
    total = bundle["total"]?.integer
    let all = bundle["entry"]?.elements ?? []
    entries = all.map { entry in
      let resource = entry["resource"] ?? entry
      return Entry(
        mode: entry["search"]?["mode"]?.string ?? "", name: scene.name(of: resource),
        fullURL: entry["fullUrl"]?.string ?? "", json: resource.json)
    }
    outcomes = all.compactMap { $0["resource"] }.filter { $0["resourceType"]?.string == "OperationOutcome" }
    for (place, entry) in entries.enumerated() where entry.mode == "outcome" {
      #expect(place < outcomes.count, "an outcome comes first")
    }
  }

  subscript(relation: String) -> String? { links.first { $0.relation == relation }?.url }
  func names(_ mode: String) -> [String] { entries.filter { $0.mode == mode }.map(\.name) }
}

/// One row of a table: a query, and the names of what it finds.
struct SearchRow: Sendable, CustomTestStringConvertible {
  let query: String
  let names: [String]

  init(_ query: String, _ names: String) {
    self.query = query
    self.names = names.split(separator: " ").map(String.init)
  }

  var testDescription: String { query.count > 120 ? "\(query.prefix(120))…" : query }
}

/// Gives a suite one server with its data.
struct SearchSceneTrait: SuiteTrait, TestScoping {
  let fill: @Sendable (SearchScene) async throws -> Void

  @concurrent func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
  ) async throws {
    try await LiveServer.run { live in
      let scene = SearchScene(live)
      try await fill(scene)
      try await SearchScene.$shared.withValue(scene) { try await function() }
    }
  }
}

extension Trait where Self == SearchSceneTrait {
  static func scene(_ fill: @escaping @Sendable (SearchScene) async throws -> Void) -> Self {
    SearchSceneTrait(fill: fill)
  }
}

extension String {
  fileprivate func replacingFirst(_ text: String, with other: String) -> String {
    guard !text.isEmpty, let range = utf8.firstRange(of: Array(text.utf8)) else { return self }
    return self[..<range.lowerBound] + other + self[range.upperBound...]
  }
}
