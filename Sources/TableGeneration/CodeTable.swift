import JSONCore

/// The codes of required bindings' value sets: lines `V` and `C`.
struct CodeTable {
  let package: DefinitionPackage
  private var isOpen = false
  private var systems: [String] = []
  private var codes: [String: [String]] = [:]

  init(_ package: DefinitionPackage) {
    self.package = package
  }

  /// The lines of one value set.
  mutating func lines(valueSet url: String) -> [String] {
    isOpen = false
    systems = []
    codes = [:]
    expand(url, depth: 0)
    var result = [TableGenerator.line("V", url.without(prefix: TableGenerator.valueSets), isOpen ? "open" : "")]
    for system in systems {
      result.append((["C", system] + (codes[system] ?? [])).joined(separator: "\t"))
    }
    return result
  }

  private mutating func expand(_ url: String, depth: Int) {
    guard depth < 16, let compose = package.valueSets[url]?["compose"] else {
      // LOINC's own answer lists, for example, are not in the package.
      isOpen = true
      return
    }
    for include in compose.list("include") { add(include, depth: depth) }
    for exclude in compose.list("exclude") { remove(exclude) }
  }

  private mutating func add(_ include: JSONValue, depth: Int) {
    for url in include.texts("valueSet") { expand(url.withoutVersion, depth: depth + 1) }
    let system = include.text("system")
    guard !system.isEmpty else { return }
    // An intersection of a system and a value set, or a filter, is not worked out here.
    if include["filter"] != nil || include["valueSet"] != nil { isOpen = true }
    if !systems.contains(system) { systems.append(system) }
    let listed = include.list("concept").map { $0.text("code") }
    append(listed.isEmpty ? allCodes(system) : listed, of: system)
  }

  private mutating func append(_ list: [String], of system: String) {
    var seen = Set(codes[system] ?? [])
    codes[system, default: []] += list.filter { seen.insert($0).inserted }
  }

  /// A whole code system's codes.
  private mutating func allCodes(_ url: String) -> [String] {
    guard let system = package.codeSystems[url], system.text("content") == "complete" else {
      isOpen = true
      return []
    }
    var result: [String] = []
    // Parents before their children, in the order of the definition.
    var rest = Array(system.list("concept").reversed())
    while let concept = rest.popLast() {
      result.append(concept.text("code"))
      rest += concept.list("concept").reversed()
    }
    return result
  }

  private mutating func remove(_ exclude: JSONValue) {
    let listed = Set(exclude.list("concept").map { $0.text("code") })
    // Without a list it takes away what is not worked out here; what remains is a superset.
    guard !listed.isEmpty else { return }
    codes[exclude.text("system")]?.removeAll { listed.contains($0) }
  }
}
