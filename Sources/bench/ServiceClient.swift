import JSONCore

/// Asks a service one thing at a time, and reads its answers.
struct ServiceClient {
  struct Refusal: Error { let text: String }

  let server: ServerProcess
  let requests: Requests

  func answer(_ request: [UInt8]) throws -> JSONDocument {
    guard let answer = ClientConnection(port: server.port)?.exchange(request) else {
      throw Refusal(text: "a request was not answered")
    }
    guard answer.status == 200 else {
      let line = String(decoding: request.prefix { $0 != 13 }.prefix(300), as: UTF8.self)
      let body = String(decoding: answer.body.prefix(600), as: UTF8.self)
      throw Refusal(text: "refused: \(line): \(answer.status) \(body)")
    }
    return try JSONDocument(Array(answer.body))
  }

  func search(_ query: String) throws -> SearchAnswer { SearchAnswer(document: try answer(requests.search(query))) }

  /// The page at a link of the service's own.
  func page(at url: String) throws -> SearchAnswer { SearchAnswer(document: try answer(requests.get(url))) }
}

/// A searchset.
struct SearchAnswer {
  let document: JSONDocument

  var total: Int? { document.member(document.root, "total").flatMap { document.integer($0) } }

  /// The resources of the page, without outcomes.
  var resources: [FoundResource] {
    resources { $0 != "outcome" }
  }

  /// What the server says about the search itself.
  var outcomes: [String] {
    resources { $0 == "outcome" }.flatMap { $0.values("issue", "diagnostics") }
  }

  private func resources(_ mode: (String?) -> Bool) -> [FoundResource] {
    guard let entries = document.member(document.root, "entry") else { return [] }
    return document.elements(entries).compactMap { entry in
      let search = document.member(entry, "search").flatMap { document.member($0, "mode") }
      guard mode(search.flatMap { document.string($0) }) else { return nil }
      return document.member(entry, "resource").map { FoundResource(document: document, node: $0) }
    }
  }

  /// The path and query of a link, as requests name it.
  func link(_ relation: String) -> String? {
    guard let links = document.member(document.root, "link") else { return nil }
    for link in document.elements(links) {
      guard document.member(link, "relation").flatMap({ document.string($0) }) == relation,
        let url = document.member(link, "url").flatMap({ document.string($0) })
      else { continue }
      // http://host/path: the path begins at the third slash.
      let parts = url.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: true)
      return parts.count == 3 ? "/\(parts[2])" : nil
    }
    return nil
  }
}

/// A resource of an answer.
struct FoundResource {
  let document: JSONDocument
  let node: JSONNode

  /// What is at a path of member names, through all elements of arrays.
  func objects(_ path: String...) -> [FoundResource] { objects(at: path) }

  /// The texts at a path; numbers as they are written.
  func values(_ path: String...) -> [String] {
    objects(at: path).map { document.string($0.node) ?? String(decoding: document.lexeme($0.node), as: UTF8.self) }
  }

  var id: String { values("id").first ?? "" }

  private func objects(at path: [String]) -> [FoundResource] {
    path.reduce([node]) { nodes, name in
      nodes.flatMap { document.member($0, JSONKey(name)).map(elements) ?? [] }
    }.map { FoundResource(document: document, node: $0) }
  }

  private func elements(_ node: JSONNode) -> [JSONNode] {
    document.kind(node) == .array ? Array(document.elements(node)) : [node]
  }
}
