/// The primitive types (FHIR R4 datatypes#primitive; integer64 since R5).
public enum Primitive: UInt8, Sendable, CaseIterable {
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

  init?(name: UnsafeBufferPointer<UInt8>) {
    let text = String(decoding: name, as: UTF8.self)
    guard let found = Self.allCases.first(where: { "\($0)" == text }) else { return nil }
    self = found
  }
}
