/// The primitive types (FHIR R4 datatypes#primitive; integer64 since R5).
public enum Primitive: String, Sendable, CaseIterable {
  case base64Binary, boolean, canonical, code, date, dateTime, decimal, id, instant, integer, integer64, markdown, oid
  case positiveInt, string, time, unsignedInt, uri, url, uuid, xhtml

  /// How a primitive's value stands in JSON (FHIR R4 json#primitive).
  public enum JSONForm: Sendable {
    case boolean, number, string
  }

  public var jsonForm: JSONForm {
    switch self {
    case .boolean: .boolean
    // R5 json#primitive: integer64 is a string, since many JSON readers keep numbers as doubles.
    case .decimal, .integer, .positiveInt, .unsignedInt: .number
    default: .string
    }
  }
}
