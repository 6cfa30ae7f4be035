/// The measurements that one Observation is made of, with the time it spans.
public struct ObservationGroup: Sendable, Equatable {
  public let deviceID: String
  /// The measurements' type, which is the Observation's `code.text`.
  public let typeName: String
  public let patientID: String?
  public let encounterID: String?
  public let correlationID: String?
  public internal(set) var start: Timestamp
  public internal(set) var end: Timestamp
  /// The third part of the identifier: the window, or the correlation id.
  public let segment: String
  /// By value name, sorted by time.
  private(set) var samples: [String: [Sample]] = [:]

  struct Sample: Sendable, Equatable {
    let time: Timestamp
    let value: String
  }

  init(_ group: MeasurementGroup, start: Timestamp, end: Timestamp, segment: String) {
    deviceID = group.deviceID
    typeName = group.type
    patientID = group.patientID
    encounterID = group.encounterID
    correlationID = group.correlationID
    self.start = start
    self.end = end
    self.segment = segment
  }

  /// Of two values at one moment the first counts; a group of measurements has none.
  mutating func add(_ measurement: Measurement) {
    for property in measurement.properties {
      let sample = Sample(time: measurement.occurrence, value: property.value)
      // Taken out, so that it is not copied when it grows.
      var known = samples.removeValue(forKey: property.name) ?? []
      if let last = known.last, last.time >= sample.time {
        let place = known.firstIndex { $0.time >= sample.time } ?? known.count
        if known[place].time != sample.time { known.insert(sample, at: place) }
      } else {
        known.append(sample)
      }
      samples[property.name] = known
    }
  }
}

extension FHIRMapping {
  /// Cuts a group of measurements into Observations: by instant, hour or day, or all of one correlation id.
  /// - Throws: `templateNotFound`, `correlationIdNotDefined`.
  public func groups(of group: MeasurementGroup) throws(MappingFailure) -> [ObservationGroup] {
    let template = try template(group.type)
    switch template.interval {
    case .correlation: return [try correlated(group)]
    case .single: return windows(group, length: nil)
    case .hour: return windows(group, length: 3_600 * Timestamp.ticksPerSecond)
    case .day: return windows(group, length: Timestamp.ticksPerDay)
    }
  }

  private func correlated(_ group: MeasurementGroup) throws(MappingFailure) -> ObservationGroup {
    guard let correlationID = group.correlationID, correlationID.contains(where: { !$0.isWhitespace }),
      let first = group.measurements.first
    else {
      throw MappingFailure(
        .correlationIdNotDefined, "The type '\(group.type)' is grouped by correlation id, but has none.",
        typeName: group.type)
    }
    let times = group.measurements.map(\.occurrence)
    var result = ObservationGroup(
      group, start: times.min() ?? first.occurrence, end: times.max() ?? first.occurrence, segment: correlationID)
    for measurement in group.measurements.sorted(by: { $0.occurrence < $1.occurrence }) { result.add(measurement) }
    return result
  }

  private func windows(_ group: MeasurementGroup, length: Int64?) -> [ObservationGroup] {
    var places: [Timestamp: Int] = [:]
    var windows: [ObservationGroup] = []
    for measurement in group.measurements {
      var start = measurement.occurrence
      var end = start
      if let length {
        start = start.floored(to: length, zone: settings.windowZone)
        end = start.advanced(by: length - 1)
      }
      let place = places[start] ?? windows.count
      if place == windows.count {
        places[start] = place
        windows.append(ObservationGroup(group, start: start, end: end, segment: segment(start, end)))
      }
      windows[place].add(measurement)
    }
    return windows
  }

  private func segment(_ start: Timestamp, _ end: Timestamp) -> String {
    let hasFraction = settings.identifiesFractions && start == end
    return start.segment(withFraction: hasFraction) + "." + end.segment(withFraction: hasFraction)
  }
}
