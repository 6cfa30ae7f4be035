import FHIRModel

/// The server must refuse the search.
struct Refusal: Error {
  let reason: String

  init(_ reason: String) { self.reason = reason }
}

/// R4 search, slow and obvious: every criterion is the set of resources of a type that satisfy it.
final class Oracle {
  typealias Definition = SearchParameterDefinition

  let data: OracleData
  /// The moment of `ap`, microseconds since 1970.
  let now: Int64
  /// Whether 1 kg finds 1000 g.
  let convertsUnits: Bool

  init(_ data: OracleData, now: Int64, convertsUnits: Bool) {
    self.data = data
    self.now = now
    self.convertsUnits = convertsUnits
  }

  /// A search's answer.
  struct Answer {
    /// The places of all matches, in order.
    var matches: [Int] = []
    var total: Int { matches.count }
    var count: Int?
    var wantsTotal = false
    var isCount = false
    var includes: [OracleInclude] = []
  }

  private static let resultParameters: Set<String> = [
    "_count", "_total", "_summary", "_sort", "_include", "_revinclude", "_include:iterate", "_revinclude:iterate",
    "_type", "_elements",
    "_includesCount",
  ]

  /// - Parameter type: nil for a search of the whole system, or of all that is in a compartment.
  func answer(_ type: String?, _ query: String, in compartment: OracleCompartment? = nil) throws -> Answer {
    let parameters = OracleText.parameters(query)
    let types = try self.types(type, parameters)
    var answer = Answer()
    var found = types.map { Set(data.places[$0] ?? []) }
    for (name, value) in parameters where !Self.resultParameters.contains(name) {
      // A parameter that no searched type knows is ignored.
      guard types.contains(where: { isKnown(name, $0) }) else { continue }
      if !name.hasPrefix("_has") { try requireCommon(name, types) }
      var refusal: (any Error)?
      var isRead = false
      for (place, type) in types.enumerated() {
        do {
          found[place].formIntersection(try matching(name, value, type))
          isRead = true
        } catch {
          refusal = error
          found[place] = []
        }
      }
      // A join that leads nowhere from some of the types finds none of them.
      if let refusal, !isRead || name == "_filter" { throw refusal }
    }
    var matches = found.reduce(Set()) { $0.union($1) }
    if let compartment { matches.formIntersection(members(compartment, types)) }
    answer.matches = try sorted(matches, types, parameters)
    try readResults(parameters, &answer)
    return answer
  }

  private func types(_ type: String?, _ parameters: [(name: String, value: String)]) throws -> [String] {
    var types = type.map { [$0] } ?? data.allTypes
    for (name, value) in parameters where name == "_type" {
      guard !value.isEmpty else { throw Refusal("no type") }
      let named = value.split(separator: ",").map(String.init)
      types = types.filter(named.contains)
    }
    return types
  }

  private func readResults(_ parameters: [(name: String, value: String)], _ answer: inout Answer) throws {
    for (name, value) in parameters {
      switch name {
      case "_count":
        guard let count = Int(value), count >= 0 else { throw Refusal("_count") }
        answer.count = count
      case "_total":
        guard ["none", "estimate", "accurate"].contains(value) else { throw Refusal("_total") }
        answer.wantsTotal = value == "accurate"
      case "_summary":
        guard ["true", "text", "data", "count", "false"].contains(value) else { throw Refusal("_summary") }
        answer.isCount = value == "count"
      case "_include", "_revinclude", "_include:iterate", "_revinclude:iterate":
        answer.includes.append(try OracleInclude(name, value, data))
      default: continue
      }
    }
  }

  /// One meaning for all searched types.
  private func requireCommon(_ name: String, _ types: [String]) throws {
    let code = String(name.prefix { $0 != "." && $0 != ":" })
    if Self.isSpecial(code) { return }
    let kinds = types.map { data.parameters($0)[code]?.type }
    guard Set(kinds).count == 1 else { throw Refusal("not common") }
  }

  static func isSpecial(_ code: String) -> Bool {
    ["_has", "_list", "_filter", "_type", "_text", "_content"].contains(code)
  }

  /// Whether the first step of a name means something to a type.
  func isKnown(_ name: String, _ type: String) -> Bool {
    let code = String(name.prefix { $0 != "." && $0 != ":" })
    return Self.isSpecial(code) || data.parameters(type)[code].map { $0.type != .special || code == "near" } ?? false
  }

  // MARK: Criteria

  /// The resources of a type that satisfy one parameter.
  func matching(_ name: String, _ value: String, _ type: String) throws -> Set<Int> {
    if name.hasPrefix("_has") { return try reverseChain(name, value, type) }
    if let dot = name.firstIndex(of: ".") {
      return try chain(String(name[..<dot]), type) { target in
        let rest = String(name[name.index(after: dot)...])
        guard self.isKnown(rest, target) else { return nil }
        return try self.matching(rest, value, target)
      }
    }
    let parts = name.split(separator: ":", maxSplits: 1).map(String.init)
    switch parts[0] {
    case "_list": return try list(value, type)
    case "_filter": return try filter(value, type)
    case "_text", "_content": return try fullText(name, value, type)
    case "_type":
      let types = value.split(separator: ",").map(String.init)
      guard !types.isEmpty, types.allSatisfy({ data.schema.resourceType($0) != nil }) else { throw Refusal("_type") }
      return types.contains(type) ? all(type) : []
    default: break
    }
    guard let definition = data.parameters(type)[parts[0]] else { throw Refusal("unknown parameter \(parts[0])") }
    let test = try self.test(definition, parts.count > 1 ? parts[1] : nil, value)
    return all(type).filter(test)
  }

  func all(_ type: String) -> Set<Int> { Set(data.places[type] ?? []) }

  // MARK: Joins

  /// `subject:Patient.name`: references to what satisfies the rest. Without a type: to any type that has the rest.
  func chain(_ head: String, _ type: String, _ rest: (String) throws -> Set<Int>?) throws -> Set<Int> {
    let parts = head.split(separator: ":", maxSplits: 1).map(String.init)
    guard let definition = data.parameters(type)[parts[0]], definition.type == .reference else {
      throw Refusal("no reference")
    }
    var targets = data.targets(definition)
    if parts.count > 1 {
      guard targets.contains(parts[1]) else { throw Refusal("no target of the reference") }
      targets = [parts[1]]
    }
    var wanted: Set<Int> = []
    var isRead = false
    var refusal: any Error = Refusal("no target has the rest of the chain")
    for target in targets {
      do {
        guard let found = try rest(target) else { continue }
        wanted.formUnion(found)
        isRead = true
      } catch { refusal = error }
    }
    guard isRead else { throw refusal }
    return all(type).filter { place in links(place, definition).contains { wanted.contains($0) } }
  }

  /// What a resource refers to under a parameter, as far as it is there.
  func links(_ place: Int, _ definition: Definition) -> [Int] {
    references(place, definition).compactMap { data.place($0.type, $0.id) }
  }

  /// `_has:Observation:patient:code`
  private func reverseChain(_ name: String, _ value: String, _ type: String) throws -> Set<Int> {
    let parts = name.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 4, parts.allSatisfy({ !$0.isEmpty }) else { throw Refusal("_has") }
    return try reverse(parts[1], parts[2], type) { try self.matching(parts[3], value, parts[1]) }
  }

  func reverse(_ source: String, _ code: String, _ type: String, _ rest: () throws -> Set<Int>) throws -> Set<Int> {
    guard let definition = data.parameters(source)[code], definition.type == .reference,
      data.targets(definition).contains(type)
    else { throw Refusal("_has of no reference here") }
    let linked = Set(try rest().flatMap { links($0, definition) })
    return all(type).filter(linked.contains)
  }

  private func list(_ value: String, _ type: String) throws -> Set<Int> {
    guard let item = data.parameters("List")["item"] else { return [] }
    let lists = value.split(separator: ",").compactMap { data.place("List", String($0)) }
    let items = Set(lists.flatMap { links($0, item) })
    return all(type).filter(items.contains)
  }
}
