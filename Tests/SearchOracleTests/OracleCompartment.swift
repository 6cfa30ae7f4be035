import FHIRModel

/// The resources that belong to one patient, encounter, … (FHIR R4 compartmentdefinition.html).
struct OracleCompartment {
  let type: String
  let id: String
}

extension Oracle {
  /// The members of a compartment that are of these types.
  func members(_ compartment: OracleCompartment, _ types: [String]) -> Set<Int> {
    guard let definition = data.schema.compartments.first(where: { $0.code == compartment.type }) else { return [] }
    var members: Set<Int> = []
    for type in types {
      guard let number = data.schema.resourceType(type) else { continue }
      let links = (definition.parameters[number] ?? []).compactMap { data.parameters(type)[$0] }
      members.formUnion(
        all(type).filter { place in
          links.contains { link in
            references(place, link).contains { $0.type == compartment.type && $0.id == compartment.id }
          }
        })
    }
    return members
  }

  /// What a resource refers to under a parameter, be it there or not; URLs of other servers' have no type.
  func references(_ place: Int, _ definition: Definition) -> [(type: String, id: String)] {
    data.values(place, definition).compactMap { value in
      guard case .reference(let type, let id) = value else { return nil }
      return data.own(type, id)
    }
  }

  // MARK: Hierarchies

  /// `location:below=Location/1`: the ids that are meant, by the parameter of the target that makes the hierarchy
  /// (FHIR R4 search#recursive).
  func branch(_ modifier: String, of id: String, _ type: String) throws -> Set<String> {
    guard let link = hierarchyLink(type) else { throw Refusal("no hierarchy") }
    var found: Set<String> = [id]
    var isGrowing = true
    while isGrowing {
      let before = found.count
      for place in data.places[type] ?? [] {
        let parents = references(place, link).filter { $0.type == type }.map(\.id)
        if modifier == "above" {
          if found.contains(data.resources[place].id) { found.formUnion(parents) }
        } else if parents.contains(where: found.contains) {
          found.insert(data.resources[place].id)
        }
      }
      isGrowing = found.count > before
    }
    return found
  }

  func hierarchyLink(_ type: String) -> Definition? {
    ["partof", "part-of"].lazy.compactMap { self.data.parameters(type)[$0] }.first {
      self.data.targets($0).contains(type)
    }
  }
}
