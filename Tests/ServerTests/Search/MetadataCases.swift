import JSONCore
import Testing

/// The capability statement lists what works, and nothing else (FHIR R4 capabilitystatement.html): everything in it is
/// asked for, strictly.
@Suite(.scene { _ in }) struct MetadataCases {
  private static let strict = ["Prefer": "handling=strict"]
  /// Parameters in one request.
  private static let chunk = 24

  private struct Listed {
    let type: String
    let parameters: [(name: String, kind: String)]
    let includes: [String]
    let reverseIncludes: [String]
    let operations: Set<String>

    init(_ resource: JSONValue) throws {
      type = try #require(resource["type"]?.string)
      parameters = try MetadataCases.parameters(resource)
      includes = (resource["searchInclude"]?.elements ?? []).compactMap(\.string)
      reverseIncludes = (resource["searchRevInclude"]?.elements ?? []).compactMap(\.string)
      operations = Set((resource["operation"]?.elements ?? []).compactMap { $0["name"]?.string })
    }
  }

  private static func parameters(_ holder: JSONValue) throws -> [(name: String, kind: String)] {
    try (holder["searchParam"]?.elements ?? []).map {
      (try #require($0["name"]?.string), try #require($0["type"]?.string))
    }
  }

  private static func statement(_ scene: SearchScene) async throws -> (rest: JSONValue, types: [Listed]) {
    let rest = try #require(try await scene.ask("metadata").json()["rest"]?[0])
    return (rest, try (rest["resource"]?.elements ?? []).map(Listed.init))
  }

  // MARK: Parameters

  private static let gender = "http://hl7.org/fhir/administrative-gender"

  /// A parameter with each of R4's modifiers for its kind (search.html §2.1.1.5), and a value that fits.
  private static func queries(_ name: String, _ kind: String) -> [String] {
    let missing = "\(name):missing=false"
    if name == "_id" { return ["_id=x", "_id:not=y", missing] }
    switch kind {
    case "string": return [missing] + ["", ":exact", ":contains"].map { "\(name)\($0)=x" }
    case "token":
      let valueSet = "http://hl7.org/fhir/ValueSet/administrative-gender"
      return [
        missing, "\(name)=x", "\(name)=\(gender)|", "\(name)=|x", "\(name):not=x", "\(name):text=x",
        "\(name):in=\(valueSet)", "\(name):not-in=\(valueSet)", "\(name):above=\(gender)|male",
        "\(name):below=\(gender)|male", "\(name):of-type=a|b|c",
      ]
    case "reference":
      return [missing, "\(name)=x", "\(name)=Patient/x", "\(name)=http://h/Patient/x", "\(name):identifier=a|b"]
    case "uri": return [missing] + ["", ":above", ":below"].map { "\(name)\($0)=http://h/x" }
    case "date", "number", "quantity":
      let value = kind == "date" ? "2020-01-01" : "5"
      return [missing] + ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"].map { "\(name)=\($0)\(value)" }
    case "special": return ["\(name)=1|1|5|km", missing]
    default: return [missing]
    }
  }

  /// Finds those that are not answered; a request asks for many of them at once.
  private static func refused(_ scene: SearchScene, _ path: String, _ queries: [String]) async throws -> [String] {
    guard !queries.isEmpty else { return [] }
    let reply = try await scene.ask("\(path)?_summary=count&\(queries.joined(separator: "&"))", strict)
    if reply.status == 200, try reply.json()["entry"] == nil { return [] }
    if queries.count == 1 { return ["\(path)?\(queries[0]): \(reply.text.prefix(300))"] }
    let half = queries.count / 2
    return try await refused(scene, path, Array(queries.prefix(half)))
      + refused(scene, path, Array(queries.dropFirst(half)))
  }

  private static func chunks(_ all: [String], _ length: Int) -> [[String]] {
    stride(from: 0, to: all.count, by: length).map { Array(all[$0..<min($0 + length, all.count)]) }
  }

  @Test(.timeLimit(.minutes(10))) func everyListedParameterAnswers() async throws {
    let scene = try SearchScene.current
    let (rest, types) = try await Self.statement(scene)
    #expect(types.count == 145)
    var refused: [String] = []
    // What all types have is asked in full for the first, and by one value for the others.
    var known: Set<String> = []
    for listed in types {
      let queries = listed.parameters.flatMap { parameter in
        let all = Self.queries(parameter.name, parameter.kind)
        let isKnown = parameter.name.hasPrefix("_") && !known.insert(parameter.name).inserted
        return isKnown ? Array(all.suffix(1)) : all
      }
      for some in Self.chunks(queries, Self.chunk) { refused += try await Self.refused(scene, listed.type, some) }
    }
    #expect(refused == [])
    let special = try Self.parameters(rest)
    #expect(
      Set(special.map(\.name)) == ["_type", "_content", "_filter", "_has", "_list", "_not-referenced", "_text"])
    let values = [
      "_type": "_type=Patient", "_content": "_content=x", "_text": "_text=x", "_filter": "_filter=_id eq x",
      "_has": "_has:Observation:patient:code=x", "_list": "_list=x", "_not-referenced": "_not-referenced=*:*",
    ]
    for (name, _) in special {
      let query = try #require(values[name])
      #expect(try await Self.refused(scene, "Patient", [query]) == [])
      #expect(try await Self.refused(scene, "", [query]) == [])
    }
  }

  /// What the standard defines for other types only is not known, and what is not listed is not answered.
  @Test(.timeLimit(.minutes(10))) func nothingElseAnswers() async throws {
    let scene = try SearchScene.current
    let (_, types) = try await Self.statement(scene)
    let all = Set(types.flatMap { $0.parameters.map(\.name) }).union(["_query", "_in", "x", "phonetic2"])
    for listed in types {
      let others = all.subtracting(listed.parameters.map(\.name)).sorted()
      for some in Self.chunks(others, 150) {
        let reply = try await scene.ask("\(listed.type)?" + some.map { "\($0)=x" }.joined(separator: "&"))
        #expect(reply.status == 200, "\(listed.type): \(reply.text.prefix(300))")
        let issues = try reply.json()["entry"]?[0]?["resource"]?["issue"]?.elements ?? []
        #expect(issues.count == some.count, "\(listed.type)")
        #expect(issues.allSatisfy { $0["code"]?.string == "not-supported" })
      }
    }
  }

  // MARK: Includes

  @Test(.timeLimit(.minutes(10))) func everyListedIncludeAnswers() async throws {
    let scene = try SearchScene.current
    let (_, types) = try await Self.statement(scene)
    var refused: [String] = []
    for listed in types {
      let references = listed.parameters.filter { $0.kind == "reference" }.map { "\(listed.type):\($0.name)" }
      #expect(Set(listed.includes) == Set(references).union(["*", "\(listed.type):*"]), "\(listed.type)")
      #expect(listed.reverseIncludes.contains("*:*"))
      let queries = listed.includes.map { "_include=\($0)" } + listed.reverseIncludes.map { "_revinclude=\($0)" }
      for some in Self.chunks(queries, 150) { refused += try await Self.refused(scene, listed.type, some) }
      for other in listed.parameters.filter({ $0.kind != "reference" }).prefix(1) {
        try await scene.checkRefused("\(listed.type)?_include=\(listed.type):\(other.name)", ["_include"])
      }
    }
    #expect(refused == [])
    let patient = try #require(types.first { $0.type == "Patient" })
    #expect(patient.includes.contains("Patient:general-practitioner"))
    #expect(Set(["Observation:subject", "Provenance:target"]).isSubset(of: patient.reverseIncludes))
    #expect(!patient.reverseIncludes.contains("Patient:organization"))
  }

  // MARK: Operations and compartments

  /// How each operation is called on a type that has it, and what says that it is there.
  private static func call(_ name: String, _ type: String) -> (method: String, path: String, body: String?) {
    switch name {
    case "validate": ("POST", "/\(type)/$validate", #"{"resourceType":"\#(type)"}"#)
    case "meta", "includes", "docref", "status": ("GET", "/\(type)/$\(name)", nil)
    case "everything": ("GET", "/\(type)/x/$everything", nil)
    case "reindex": ("GET", "/\(type)/x/$reindex", nil)
    default:
      ("POST", name == "member-match" ? "/\(type)/$\(name)" : "/\(type)/x/$\(name)", #"{"resourceType":"Parameters"}"#)
    }
  }

  @Test(.timeLimit(.minutes(10))) func everyListedOperationIsThere() async throws {
    let scene = try SearchScene.current
    let (rest, types) = try await Self.statement(scene)
    let all = Set(types.flatMap(\.operations))
    for listed in types {
      for name in all.sorted() {
        let call = Self.call(name, listed.type)
        let reply =
          if let body = call.body {
            try await scene.live.send(call.method, call.path, body)
          } else {
            try await scene.live.ask(call.method, call.path)
          }
        // A resource that is not there is 404 too, but in other words.
        let isRouted = reply.status != 405 && !reply.text.contains("The route for ")
        #expect(isRouted == listed.operations.contains(name), "\(call): \(reply.status) \(reply.text.prefix(200))")
      }
    }
    for url in rest["compartment"]?.elements.compactMap(\.string) ?? [] {
      let name = try #require(url.split(separator: "/").last)
      let reply = try await scene.ask("\(name.prefix(1).uppercased())\(name.dropFirst())/x/*", Self.strict)
      #expect(reply.status == 200, "\(url): \(reply.text.prefix(200))")
    }
  }
}
