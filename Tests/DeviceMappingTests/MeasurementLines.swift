import DeviceMapping
import JSONCore

/// A measurement in one line: `type device time name=value …`.
func line(_ measurement: Measurement) -> String {
  var parts = [measurement.type, measurement.deviceID, measurement.occurrence.shortest]
  if let patient = measurement.patientID { parts.append("patient:\(patient)") }
  if let encounter = measurement.encounterID { parts.append("encounter:\(encounter)") }
  if let correlation = measurement.correlationID { parts.append("correlation:\(correlation)") }
  return (parts + measurement.properties.map { "\($0.name)=\($0.value)" }).joined(separator: " ")
}

func lines(_ mapping: DeviceMapping, _ message: JSONDocument) -> [String] {
  let result = mapping.normalize(message)
  return result.measurements.map(line) + result.failures.map { "\($0.kind) \($0.field ?? "")" }
}

func sameJSON(_ a: JSONValue, _ b: JSONValue) -> Bool {
  guard a.kind == b.kind else { return false }
  switch a.kind {
  case .number: return a.json == b.json
  case .string: return a.string == b.string
  case .array: return a.count == b.count && zip(a.elements, b.elements).allSatisfy { sameJSON($0, $1) }
  case .object:
    return a.count == b.count
      && a.members.allSatisfy { name, value in b[JSONKey(name)].map { sameJSON(value, $0) } ?? false }
  default: return true
  }
}
