import Base
public import DeviceMapping
import JSONCore

/// Why a message came to nothing. Kinds have the names of existing services' logs.
public struct DeviceFailure: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Operation: String, Sendable {
    case normalization = "Normalization"
    case conversion = "FHIRConversion"
  }

  /// Kinds beside those of mappings (`MappingFailure.Kind`).
  enum Kind: String {
    case fhirResourceNotFound = "FhirResourceNotFoundException"
    case multipleResourceFound = "MultipleResourceFoundException"
    case patientDeviceMismatch = "PatientDeviceMismatchException"
    case resourceIdentityNotDefined = "ResourceIdentityNotDefinedException"
    /// The Observation is none that the FHIR service takes.
    case invalidFhirResource = "FhirDataMappingException"
    /// Something inside.
    case unexpected = "UnexpectedException"
  }

  public let kind: String
  public let operation: Operation
  /// For the mapping's author; it may quote the mapping, never a message.
  public let reason: String
  /// What is known of the place in the mapping.
  public let place: MappingFailure?

  init(_ kind: Kind, _ reason: String) {
    self.kind = kind.rawValue
    self.operation = .conversion
    self.reason = reason
    place = nil
  }

  init(_ failure: MappingFailure, _ operation: Operation) {
    kind = failure.kind.rawValue
    self.operation = operation
    reason = failure.message
    place = failure
  }

  public var description: String { "DeviceFailure(\(kind))" }

  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("type", kind)
    writer.member("operation", operation.rawValue)
    writer.member("message", reason)
    if let template = place?.template { writer.member("template", template) }
    if let typeName = place?.typeName { writer.member("typeName", typeName) }
    if let field = place?.field { writer.member("field", field) }
    if let expression = place?.expression { writer.member("expression", expression) }
    if let line = place?.line { writer.member("line", line) }
    if let column = place?.column { writer.member("column", column) }
    if let offset = place?.offset { writer.member("offset", offset) }
    writer.endObject()
  }

  var json: [UInt8] {
    var writer = JSONWriter()
    write(to: &writer)
    return writer.bytes
  }
}
