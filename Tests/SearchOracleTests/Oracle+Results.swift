import FHIRModel

/// `_sort` (FHIR R4 search#sort).
extension Oracle {
  /// What a resource is sorted by.
  private enum Key {
    case exact(Int128)
    case text(String)
    case real(Double)

    static func precedes(_ a: Key, _ b: Key) -> Bool {
      switch (a, b) {
      case (.exact(let a), .exact(let b)): a < b
      case (.text(let a), .text(let b)): OracleText.precedes(a, b)
      case (.real(let a), .real(let b)): a < b
      default: false
      }
    }
  }

  func sorted(_ found: Set<Int>, _ types: [String], _ parameters: [(name: String, value: String)]) throws -> [Int] {
    let creation = found.sorted()
    guard let keys = parameters.last(where: { $0.name == "_sort" })?.value.split(separator: ",") else {
      return creation
    }
    let near = parameters.first { $0.name == "near" }?.value
    var rows = creation.map { (place: $0, keys: [Key?]()) }
    var directions: [Bool] = []
    for key in keys {
      let isDescending = key.hasPrefix("-")
      let code = String(isDescending ? key.dropFirst() : key)
      guard isSortable(code, types, near) else { continue }
      directions.append(isDescending)
      for row in rows.indices { rows[row].keys.append(extreme(rows[row].place, code, isDescending, near)) }
    }
    return rows.sorted { a, b in
      for (place, isDescending) in directions.enumerated() {
        // Without a value: first ascending, last descending.
        switch (a.keys[place], b.keys[place]) {
        case (nil, nil): continue
        case (nil, _): return !isDescending
        case (_, nil): return isDescending
        case (let x?, let y?):
          if Key.precedes(x, y) { return !isDescending }
          if Key.precedes(y, x) { return isDescending }
        }
      }
      return a.place < b.place
    }
    .map(\.place)
  }

  /// Other keys are ignored.
  private func isSortable(_ code: String, _ types: [String], _ near: String?) -> Bool {
    let kinds = types.map { data.parameters($0)[code]?.type }
    guard let kind = kinds.first ?? nil, Set(kinds).count == 1 else { return false }
    return kind == .special ? code == "near" && near != nil : kind != .composite
  }

  /// Of several values the lowest ascending, the highest descending.
  private func extreme(_ place: Int, _ code: String, _ isDescending: Bool, _ near: String?) -> Key? {
    let keys = self.keys(place, code, near)
    return isDescending ? keys.max(by: Key.precedes) : keys.min(by: Key.precedes)
  }

  private func keys(_ place: Int, _ code: String, _ near: String?) -> [Key] {
    let resource = data.resources[place]
    if code == "_id" { return [.text(resource.id)] }
    if code == "_lastUpdated" { return [.exact(Int128(resource.updated))] }
    guard let definition = data.parameters(resource.type)[code] else { return [] }
    return data.values(place, definition).flatMap { value -> [Key] in
      switch value {
      case .token(_, let code): [.text(code)]
      case .string(let text): [.text(OracleText.fold(text))]
      case .reference(_, let id): [.text(id)]
      case .uri(let uri): [.text(uri)]
      // It is found by both.
      case .canonical(let whole, let url): [.text(whole), .text(url)]
      // A period by its beginning.
      case .date(let period): [.exact(Int128(period.low ?? .min))]
      case .number(let range): [.exact(range.low?.raw ?? Int128.min)]
      case .quantity(let quantity): [.exact(quantity.range.low?.raw ?? Int128.min)]
      case .position(let latitude, let longitude):
        near.flatMap(Near.init).map { [.real($0.distance(latitude, longitude))] } ?? []
      case .words, .typed, .identifier: []
      }
    }
  }
}

/// `_include`, `_revinclude` (FHIR R4 search#include).
struct OracleInclude {
  let isReverse: Bool
  let isIterative: Bool
  /// nil for `*`.
  let source: String?
  let code: String?
  let target: String?

  init(_ name: String, _ value: String, _ data: OracleData) throws {
    isReverse = name.hasPrefix("_rev")
    isIterative = name.hasSuffix(":iterate")
    let parts = value.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    source = parts[0] == "*" ? nil : parts[0]
    code = parts.count > 1 && parts[1] != "*" ? parts[1] : nil
    target = parts.count > 2 ? parts[2] : nil
    for type in [source, target].compactMap({ $0 }) where data.schema.resourceType(type) == nil {
      throw Refusal("unknown type")
    }
    if let source, let code, data.parameters(source)[code]?.type != .reference { throw Refusal("no reference") }
    guard parts.count > 1 || source == nil else { throw Refusal("no parameter") }
  }
}

extension Oracle {
  /// The places of what a page's matches bring along; a match of the page is not brought along again.
  func included(_ includes: [OracleInclude], with matches: [Int]) -> Set<Int> {
    var seen = Set(matches)
    var frontier = matches
    var applied = includes
    while !frontier.isEmpty && !applied.isEmpty {
      var next: Set<Int> = []
      for include in applied { next.formUnion(linked(include, frontier)) }
      next.subtract(seen)
      seen.formUnion(next)
      frontier = next.sorted()
      applied = includes.filter(\.isIterative)
    }
    return seen.subtracting(matches)
  }

  private func linked(_ include: OracleInclude, _ frontier: [Int]) -> Set<Int> {
    include.isReverse
      ? Set(data.resources.indices.filter { !targets($0, include).isDisjoint(with: frontier) })
      : frontier.reduce(Set()) { $0.union(targets($1, include)) }
  }

  /// What a resource refers to, as an include means it.
  private func targets(_ place: Int, _ include: OracleInclude) -> Set<Int> {
    let type = data.resources[place].type
    guard include.source == nil || include.source == type else { return [] }
    let definitions = data.parameters(type).values.filter {
      $0.type == .reference && (include.code == nil || $0.code == include.code)
    }
    return Set(definitions.flatMap { links(place, $0) }).filter {
      include.target == nil || data.resources[$0].type == include.target
    }
  }
}
