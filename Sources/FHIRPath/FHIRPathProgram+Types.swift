public import FHIRModel

extension FHIRPathProgram {
  /// The types that the expression's items may have on foci of a type, without data; nil where that cannot be told.
  /// FHIRPath's own types stand as the primitives that hold such values (`System.String` as `string`).
  /// - Throws: `.semantic` for a name that none of the possible types has, as strict reading does.
  public func resultTypes(from context: Schema.TypeID) throws(FHIRPathError) -> Set<Schema.TypeID>? {
    let typing = StaticTyping(syntax, typeNames: typeNames, schema: schema, context: context)
    guard let kinds = try typing.resultKinds() else { return nil }
    var types: Set<Schema.TypeID> = []
    for kind in kinds {
      switch kind {
      case .fhir(let type): types.insert(type)
      case .system(let system):
        guard let type = schema.type(system.primitiveName) else { return nil }
        types.insert(type)
      }
    }
    return types
  }
}

extension SystemType {
  /// The FHIR type that holds such values (FHIR R4 fhirpath.html#types).
  fileprivate var primitiveName: String {
    switch self {
    case .boolean, .string, .integer, .decimal, .date, .dateTime, .time:
      rawValue.prefix(1).lowercased() + rawValue.dropFirst()
    case .quantity: "Quantity"
    case .any: "System.Any"
    }
  }
}
