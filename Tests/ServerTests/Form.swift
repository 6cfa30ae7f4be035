import FHIRModel
import FHIRXML
import JSONCore
import Testing

/// The two forms that every interaction takes and gives (FHIR R4 http#mime-type).
enum Form: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case json, xml

  var mediaType: String { "application/fhir+\(rawValue)" }
  var contentType: String { "\(mediaType); charset=utf-8" }
  var testDescription: String { rawValue }

  private static let writer = XMLForm(schema: .r4)

  /// A resource of a test, written as JSON, in this form.
  func body(_ json: String) throws -> String {
    guard self == .xml, !json.isEmpty else { return json }
    var bytes: [UInt8] = []
    try Self.writer.append(try JSONDocument(json), to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// A client that speaks one form, as the clients of other servers do: what it sends and accepts is of that form.
struct FormClient: Sendable {
  let live: LiveServer
  let form: Form

  var base: String { live.base }

  /// Runs a test against a fresh server.
  static func run(_ form: Form, _ body: (FormClient) async throws -> Void) async throws {
    try await LiveServer.run { live in try await body(FormClient(live: live, form: form)) }
  }

  func get(_ path: String, _ headers: [String: String] = [:]) async throws -> FormReply {
    try await ask("GET", path, headers)
  }

  func delete(_ path: String, _ headers: [String: String] = [:]) async throws -> FormReply {
    try await ask("DELETE", path, headers)
  }

  /// Sends a resource that is given as JSON.
  func post(_ path: String, _ json: String, _ headers: [String: String] = [:]) async throws -> FormReply {
    try await send("POST", path, form.body(json), headers)
  }

  /// Sends a resource that is given as JSON.
  func put(_ path: String, _ json: String, _ headers: [String: String] = [:]) async throws -> FormReply {
    try await send("PUT", path, form.body(json), headers)
  }

  /// Sends a resource that is given as JSON.
  func patch(_ path: String, _ json: String, _ headers: [String: String] = [:]) async throws -> FormReply {
    try await send("PATCH", path, form.body(json), headers)
  }

  /// A JSON Patch is JSON for whoever sends it.
  func jsonPatch(_ path: String, _ patch: String, _ headers: [String: String] = [:]) async throws -> FormReply {
    let type = ["Content-Type": "application/json-patch+json"]
    return try await send("PATCH", path, patch, type.merging(headers) { _, given in given })
  }

  /// Sends a body that is of this form already.
  func send(_ method: String, _ path: String, _ body: String, _ headers: [String: String] = [:]) async throws
    -> FormReply
  {
    try await ask(method, path, ["Content-Type": form.mediaType].merging(headers) { _, given in given }, body)
  }

  func ask(_ method: String, _ path: String, _ headers: [String: String] = [:], _ body: String? = nil) async throws
    -> FormReply
  {
    let accepting = ["Accept": form.mediaType].merging(headers) { _, given in given }
    return FormReply(try await live.ask(method, path, accepting, body: body), form)
  }

  /// Makes a resource and gives its id.
  func create(_ type: String, _ json: String) async throws -> String {
    let reply = try await post("/\(type)", json)
    try #require(reply.status == 201, "\(reply.text)")
    return try #require(try reply.element().text("id"))
  }

  /// The pages of a search, a history or `$everything`, from the first to the last.
  func pages(_ path: String, _ headers: [String: String] = [:], most: Int = 100) async throws -> [Element] {
    var pages: [Element] = []
    var target: String? = path
    while let here = target {
      let reply = try await get(here, headers)
      try #require(reply.status == 200, "\(here): \(reply.text)")
      let page = try reply.element()
      pages.append(page)
      target = page.link("next").map { String($0.dropFirst(base.count)) }
      try #require(pages.count <= most, "The pages of \(path) have no end.")
    }
    return pages
  }
}

/// An answer in one of the forms.
struct FormReply: Sendable {
  let reply: Reply
  let form: Form

  init(_ reply: Reply, _ form: Form) {
    self.reply = reply
    self.form = form
  }

  var status: Int { reply.status }
  var text: String { reply.text }
  func header(_ name: String) -> String? { reply.header(name) }

  /// The resource that is the body, read by a reader that is not the product's.
  func element() throws -> Element {
    switch form {
    case .json: Element(json: try reply.json())
    case .xml: try Element(xml: reply.body)
    }
  }
}
