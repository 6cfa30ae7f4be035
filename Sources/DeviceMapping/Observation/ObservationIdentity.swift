/// How an Observation of device data is found again: by an identifier made of what it is about, whose hash is its id.
/// Both are the same, byte for byte, as those of existing services, so that a series goes on after a migration.
public struct ObservationIdentity: Sendable, Equatable {
  /// The system of the identifier and of the codings for type and value names.
  public static let system = "https://azure.microsoft.com/en-us/services/iomt-fhir-connector/"

  /// `identifier.value`: patient, device, type and segment, between points.
  public let value: String
  /// The logical id: SHA-256 of system and value with an underscore between them, in hexadecimal digits.
  public let id: String

  /// - Parameters:
  ///   - patient: the Patient's logical id.
  ///   - device: the Device's logical id.
  public init(of group: ObservationGroup, patient: String, device: String) {
    value = "\(patient).\(device).\(group.typeName).\(group.segment)"
    id = ObservationIdentity.id(system: ObservationIdentity.system, value: value)
  }

  /// The id that existing services derive from an identifier; also for the Patients and Devices they make.
  public static func id(system: String?, value: String) -> String {
    SHA256.hexadecimal("\(system ?? "")_\(value)".utf8)
  }
}
