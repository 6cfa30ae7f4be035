/// A compartment of the release (resource CompartmentDefinition).
public struct CompartmentDefinition: Sendable {
  /// The resource type that names it: "Patient".
  public let code: String
  public let type: Schema.TypeID
  /// The canonical URL.
  public let url: String
  /// Per resource type that can be in it, the codes of the reference parameters that put it there.
  /// The compartment's own resource is always in it (FHIR R4 compartmentdefinition#contents), listed or not.
  public internal(set) var parameters: [Schema.TypeID: [String]]
}

extension Schema {
  /// The compartment of that code, "Patient".
  public func compartment(_ code: String) -> CompartmentDefinition? {
    compartments.first { $0.code == code }
  }
}
