import CDeviceMappings

/// A pair of mappings that comes with the project.
public struct ReadyMapping: Sendable {
  public let name: String
  public let device: [UInt8]
  public let fhir: [UInt8]

  /// All of them: `vitals` (flat messages of common vital signs), `openmhealth` (Open mHealth and IEEE 1752.1 data
  /// points), `health` (records of HealthKit and Google Fit exports).
  public static let all: [ReadyMapping] = {
    guard let first = device_mappings() else { return [] }
    return (0..<device_mappings_count()).map { place in
      let mapping = first[place]
      return ReadyMapping(
        name: mapping.name.map { String(cString: $0) } ?? "",
        device: Array(UnsafeBufferPointer(start: mapping.device, count: mapping.device_size)),
        fhir: Array(UnsafeBufferPointer(start: mapping.fhir, count: mapping.fhir_size)))
    }
  }()

  public static func named(_ name: String) -> ReadyMapping? { all.first { $0.name == name } }
}
