import Base
import JSONCore

/// `ValueSet.compose.include.filter`: chooses concepts of a code system by what they say (FHIR R4
/// valueset-filter-operator).
struct ConceptFilter {
  let property: String
  let operation: String
  let value: String

  /// nil where a part is missing.
  init?(_ filter: JSONValue) {
    guard let property = filter["property"]?.string, let operation = filter["op"]?.string,
      let value = filter["value"]?.string
    else { return nil }
    (self.property, self.operation, self.value) = (property, operation, value)
  }

  /// The concepts chosen; nil where this server does not know the operator, or not for that property.
  func codes(in system: CodeSystemConcepts) -> Set<String>? {
    switch operation {
    case "is-a": return isHierarchical ? system.branch(below: value) : nil
    case "descendent-of": return isHierarchical ? system.branch(below: value).subtracting([value]) : nil
    case "is-not-a": return isHierarchical ? system.codes.subtracting(system.branch(below: value)) : nil
    case "generalizes": return isHierarchical ? system.branch(above: value) : nil
    case "=": return chosen(system) { $0 == value }
    case "in", "not-in":
      let wanted = Set(value.split(separator: ",").map { String($0.drop { $0 == " " }) })
      let found = chosen(system) { wanted.contains($0) }
      return operation == "in" ? found : system.codes.subtracting(found)
    case "exists":
      let found = chosen(system) { _ in true }
      return value == "true" ? found : system.codes.subtracting(found)
    default: return nil
    }
  }

  /// Hierarchies are those of the concepts themselves.
  private var isHierarchical: Bool { property == "concept" || property == "code" }

  private func chosen(_ system: CodeSystemConcepts, _ matches: (String) -> Bool) -> Set<String> {
    let found = system.concepts.filter { concept in
      switch property {
      case "code", "concept": matches(concept.code)
      case "display": concept.display.map(matches) ?? false
      case "parent": concept.parents.contains { matches(system.concepts[$0].code) }
      case "child": concept.children.contains { matches(system.concepts[$0].code) }
      default: concept.properties.contains { $0.code == property && matches($0.value) }
      }
    }
    return Set(found.map(\.code))
  }
}
