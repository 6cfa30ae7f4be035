import FHIRModel

/// What kind of value a FHIR type is to the index; types not named here are never indexed.
enum ElementShape: Sendable {
  case boolean, integer, decimal, string, code, uri, canonical
  case date(FHIRDateTime.Form)
  case coding, codeableConcept, identifier, contactPoint, reference
  /// Since R4B: a concept, or a reference to what says it.
  case codeableReference
  case humanName, address, period, timing, quantity, money, range, sampledData, position

  /// Whether several parameters ask elements of this shape, and all for the same.
  var isReadOften: Bool {
    switch self {
    case .codeableConcept, .coding, .quantity, .humanName, .sampledData: true
    default: false
    }
  }

  private static let byName: [String: ElementShape] = [
    "boolean": .boolean, "integer": .integer, "integer64": .integer, "positiveInt": .integer, "unsignedInt": .integer,
    "decimal": .decimal,
    "string": .string, "markdown": .string, "code": .code, "id": .code, "uri": .uri, "url": .uri, "oid": .uri,
    "uuid": .uri, "canonical": .canonical, "date": .date(.date), "dateTime": .date(.dateTime),
    "instant": .date(.instant), "Coding": .coding, "CodeableConcept": .codeableConcept, "Identifier": .identifier,
    "ContactPoint": .contactPoint, "Reference": .reference, "HumanName": .humanName, "Address": .address,
    "Period": .period, "Timing": .timing, "Quantity": .quantity, "Age": .quantity, "Duration": .quantity,
    "Count": .quantity, "Distance": .quantity, "SimpleQuantity": .quantity, "MoneyQuantity": .quantity,
    "Money": .money, "Range": .range, "SampledData": .sampledData, "Location.position": .position,
    "CodeableReference": .codeableReference,
  ]

  /// For every type of a schema, by `TypeID.rawValue`.
  static func table(_ schema: Schema) -> [ElementShape?] {
    var table = [ElementShape?](repeating: nil, count: schema.allTypes.count)
    for (name, shape) in byName {
      if let type = schema.type(name) { table[Int(type.rawValue)] = shape }
    }
    // STU3's Money is a Quantity whose code is the currency; later it is a type of its own.
    if let money = schema.type("Money"), let quantity = schema.type("Quantity"), schema.isSubtype(money, of: quantity) {
      table[Int(money.rawValue)] = .quantity
    }
    return table
  }
}
