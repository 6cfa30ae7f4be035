import Base
package import FHIRModel
import FHIRSearch
package import FHIRStore
import JSONCore

/// A resource that another part of the house makes of what it takes in, such as an Observation of device messages:
/// checked, indexed and compressed as a client's update is, ready to be written.
package struct DerivedResource: Sendable {
  package let type: Schema.TypeID
  package let id: String
  fileprivate let resource: ResourceNode
  fileprivate let draft: Draft
}

extension FHIRService {
  /// Checks and indexes a resource of this id; needs no look at the store.
  /// - Throws: `.invalid` with what a client would be told.
  package func derived(_ type: Schema.TypeID, id: String, _ json: [UInt8]) throws -> DerivedResource {
    let resource: ResourceNode
    do throws(JSONError) {
      resource = ResourceNode(try JSONDocument(json, limits: jsonLimits))
    } catch {
      throw Fault(.invalid, error.message, code: "structure")
    }
    try check(resource, expecting: type)
    return DerivedResource(type: type, id: id, resource: resource, draft: try draft(resource, type, id, ReferenceMap()))
  }

  /// The change that writes a derived resource upon what stands; nil if it stands so already.
  /// - Parameter current: the newest version, deleted or not; nil where there is none.
  package func change(_ derived: DerivedResource, on current: StoredVersion?, _ view: StoreView) throws -> Change? {
    // What was extracted for other search parameters than those in force is made again.
    let draft =
      try store.isCurrent(derived.draft)
      ? derived.draft : draft(derived.resource, derived.type, derived.id, ReferenceMap())
    guard let current else { return store.change(derived.type, id: derived.id, method: .put, draft, current: nil) }
    guard let body = current.body else {
      return store.change(
        derived.type, id: derived.id, method: .put, draft, current: current, effect: effect(derived.type))
    }
    if body == draft.body { return nil }
    return store.change(
      derived.type, id: derived.id, method: .put, draft, current: current, indexed: try view.indexed(current),
      effect: effect(derived.type))
  }

  /// The ids of resources that have an identifier, two at most.
  /// - Parameter system: the identifier's system; nil for any.
  package func ids(
    of type: Schema.TypeID, identifier: String, system: String? = nil, _ view: StoreView
  ) throws -> [String] {
    let value = (system.map { Self.escaped($0) + "|" } ?? "") + Self.escaped(identifier)
    let query = QueryString([QueryString.Parameter(raw: "", name: "identifier", value: value)])
    return try view.ids(criteria(type, query), limit: 2)
  }

  /// FHIR R4 search#escaping.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for character in text.unicodeScalars {
      if "\\,|$".unicodeScalars.contains(character) { result.unicodeScalars.append("\\") }
      result.unicodeScalars.append(character)
    }
    return result
  }
}
