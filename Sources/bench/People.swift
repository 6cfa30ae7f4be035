import JSONCore

/// The patients a server holds, as its own search tells, and the searches made from them.
struct People {
  struct Refusal: Error { let text: String }

  private(set) var ids: [String] = []
  private var families: [String] = []
  /// One patient as the server sends it, of middling size.
  private(set) var body: [UInt8] = []
  private let requests: Requests

  init(_ server: ServerProcess, _ requests: Requests) throws {
    self.requests = requests
    let (document, bytes) = try Self.ask(requests.get("\(requests.base)/Patient?_count=1000"), server)
    guard let entries = document.member(document.root, "entry") else { throw Refusal(text: "no patients were found") }
    for entry in document.elements(entries) {
      guard let resource = document.member(entry, "resource"), let id = document.member(resource, "id") else {
        continue
      }
      ids.append(document.string(id) ?? "")
      if let names = document.member(resource, "name"), let name = document.elements(names).first(where: { _ in true }),
        let family = document.member(name, "family").flatMap({ document.string($0) })
      {
        families.append(family)
      }
      if body.isEmpty { body = Array(bytes[document.range(resource)]) }
    }
    guard !ids.isEmpty else { throw Refusal(text: "no patients were found") }
  }

  private static func ask(_ request: [UInt8], _ server: ServerProcess) throws -> (JSONDocument, [UInt8]) {
    guard let answer = ClientConnection(port: server.port)?.exchange(request) else {
      throw Refusal(text: "a search was not answered")
    }
    let bytes = Array(answer.body)
    guard answer.status == 200 else {
      throw Refusal(
        text: "a search was refused: \(answer.status) \(String(decoding: bytes.prefix(600), as: UTF8.self))")
    }
    return (try JSONDocument(bytes), bytes)
  }

  /// What a search says it found.
  func total(_ query: String, _ server: ServerProcess) throws -> Int {
    let (document, _) = try Self.ask(requests.get("\(requests.base)/\(query)"), server)
    return document.member(document.root, "total").flatMap { document.integer($0) } ?? -1
  }

  /// Five kinds of search, each with many values in turn.
  var searches: [(name: String, queries: [String])] {
    let prefixes = families.prefix(200).map { String($0.prefix(3)) }.filter { $0.utf8.allSatisfy { $0 < 128 } }
    let codes = ["8302-2", "29463-7", "39156-5", "85354-9", "8867-4", "9279-1", "8310-5", "4548-4", "2339-0", "2093-3"]
    let months = (1...12).map { $0 < 10 ? "0\($0)" : "\($0)" }
    return [
      ("`Patient?name=` prefix", prefixes.map { "Patient?name=\($0)" }),
      ("`Observation?code=` token with system", codes.map { "Observation?code=http://loinc.org|\($0)" }),
      (
        "`Observation?patient=&code=`",
        ids.enumerated().map { "Observation?patient=Patient/\($1)&code=http://loinc.org|\(codes[$0 % codes.count])" }
      ),
      (
        "`Observation?date=ge&date=lt` one week", months.map { "Observation?date=ge2025-\($0)-08&date=lt2025-\($0)-15" }
      ),
      (
        "`Observation?code=&value-quantity=gt`",
        (160...190).map {
          "Observation?code=http://loinc.org|8302-2&value-quantity=gt\($0)|http://unitsofmeasure.org|cm"
        }
      ),
    ]
  }
}
