import JSONCore

/// The concepts of a CodeSystem resource and what lies above and below each (FHIR R4 codesystem.html#hierarchy).
struct CodeSystemConcepts {
  struct Concept {
    let code: String
    var display: String?
    /// Code of the property, value as text.
    var properties: [(code: String, value: String)] = []
    /// Places of the concepts directly above and below.
    fileprivate(set) var parents: [Int] = []
    fileprivate(set) var children: [Int] = []
  }

  /// Whether every concept of the code system is here (CodeSystem.content).
  let isComplete: Bool
  private(set) var concepts: [Concept] = []
  private var places: [String: Int] = [:]

  /// The properties of R4's concept-properties, and what HL7's own code systems call them.
  private static let parentCodes: Set<String> = ["parent", "subsumedBy"]
  private static let childCodes: Set<String> = ["child", "subsumes"]

  init(_ resource: JSONValue) {
    isComplete = resource["content"]?.string == "complete"
    var upward = Self.parentCodes
    var downward = Self.childCodes
    for property in resource["property"]?.elements ?? [] {
      guard let code = property["code"]?.string, let uri = property["uri"]?.string else { continue }
      if uri == "http://hl7.org/fhir/concept-properties#parent" { upward.insert(code) }
      if uri == "http://hl7.org/fhir/concept-properties#child" { downward.insert(code) }
    }
    read(resource["concept"]?.elements ?? [])
    link(upward, downward)
  }

  /// Reads concepts with those nested in them; a list instead of recursion.
  private mutating func read(_ top: [JSONValue]) {
    var waiting: [(value: JSONValue, parent: Int?)] = top.reversed().map { ($0, nil) }
    while let (value, parent) = waiting.popLast() {
      guard let code = value["code"]?.string else { continue }
      let place = add(value, code)
      if let parent { connect(parent, above: place) }
      for child in (value["concept"]?.elements ?? []).reversed() { waiting.append((child, place)) }
    }
  }

  private mutating func add(_ value: JSONValue, _ code: String) -> Int {
    if let place = places[code] { return place }
    var concept = Concept(code: code, display: value["display"]?.string)
    for property in value["property"]?.elements ?? [] {
      guard let name = property["code"]?.string,
        let member = property.members.first(where: { $0.name.hasPrefix("value") })
      else { continue }
      let value = member.value.kind == .object ? member.value["code"] : member.value
      guard let text = value.map({ $0.string ?? String(decoding: $0.json, as: UTF8.self) }) else { continue }
      concept.properties.append((name, text))
    }
    concepts.append(concept)
    places[code] = concepts.count - 1
    return concepts.count - 1
  }

  private mutating func link(_ upward: Set<String>, _ downward: Set<String>) {
    for place in concepts.indices {
      for (name, value) in concepts[place].properties {
        guard let other = places[value] else { continue }
        if upward.contains(name) { connect(other, above: place) }
        if downward.contains(name) { connect(place, above: other) }
      }
    }
  }

  private mutating func connect(_ parent: Int, above child: Int) {
    guard !concepts[child].parents.contains(parent) else { return }
    concepts[child].parents.append(parent)
    concepts[parent].children.append(child)
  }

  // MARK: Looking up

  func concept(_ code: String) -> Concept? { places[code].map { concepts[$0] } }

  var codes: Set<String> { Set(places.keys) }

  /// A code and all below it; a circle ends where it began. Empty for a code that is not here.
  func branch(below code: String) -> Set<String> { branch(code) { $0.children } }

  /// A code and all above it.
  func branch(above code: String) -> Set<String> { branch(code) { $0.parents } }

  private func branch(_ code: String, _ step: (Concept) -> [Int]) -> Set<String> {
    guard let start = places[code] else { return [] }
    var found: Set<Int> = [start]
    var waiting = [start]
    while let place = waiting.popLast() {
      for next in step(concepts[place]) where found.insert(next).inserted { waiting.append(next) }
    }
    return Set(found.map { concepts[$0].code })
  }

  /// Codes that are not in use any more (concept-properties `inactive` and `status`).
  var inactiveCodes: Set<String> {
    Set(
      concepts.filter { concept in
        concept.properties.contains { property in
          (property.code == "inactive" && property.value == "true")
            || (property.code == "status" && (property.value == "retired" || property.value == "inactive"))
        }
      }.map(\.code))
  }
}
