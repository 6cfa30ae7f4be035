/// Measurements of one device, type, patient, encounter and correlation, at most one for each moment.
public struct MeasurementGroup: Sendable, Equatable {
  public let deviceID: String
  public let type: String
  public let patientID: String?
  public let encounterID: String?
  public let correlationID: String?
  public private(set) var measurements: [Measurement]

  private struct Key: Hashable {
    let deviceID: String
    let type: String
    let patientID: String?
    let encounterID: String?
    let correlationID: String?
  }

  private init(_ key: Key) {
    deviceID = key.deviceID
    type = key.type
    patientID = key.patientID
    encounterID = key.encounterID
    correlationID = key.correlationID
    measurements = []
  }

  /// Sorts measurements into groups, in the order of each group's first. Of those of one moment the one that arrived
  /// last counts.
  public static func groups(of measurements: [Measurement]) -> [MeasurementGroup] {
    var groups: [MeasurementGroup] = []
    var places: [Key: Int] = [:]
    var moments: [[Timestamp: Int]] = []
    for measurement in measurements {
      let key = Key(
        deviceID: measurement.deviceID, type: measurement.type, patientID: measurement.patientID,
        encounterID: measurement.encounterID, correlationID: measurement.correlationID)
      let place = places[key] ?? groups.count
      if place == groups.count {
        places[key] = place
        groups.append(MeasurementGroup(key))
        moments.append([:])
      }
      if let earlier = moments[place][measurement.occurrence] {
        if arrived(groups[place].measurements[earlier], before: measurement) {
          groups[place].measurements[earlier] = measurement
        }
      } else {
        moments[place][measurement.occurrence] = groups[place].measurements.count
        groups[place].measurements.append(measurement)
      }
    }
    return groups
  }

  private static func arrived(_ a: Measurement, before b: Measurement) -> Bool {
    guard let later = b.ingestion else { return false }
    return a.ingestion.map { $0 < later } ?? true
  }
}
