public import Base
public import DeviceMapping
public import DeviceStore
public import JSONCore

/// What mappings make of messages, step by step, for who writes mappings: nothing of it is stored.
public struct MappingDebugger: Sendable {
  let device: DeviceMapping?
  let fhir: FHIRMapping?
  let problems: [(kind: MappingKind, problems: [MappingProblem])]
  let limits: JSONLimits

  /// - Parameters:
  ///   - device: the text of a device mapping, nil for none.
  ///   - fhir: the text of a FHIR mapping, nil for none.
  public init(
    device: [UInt8]?, fhir: [UInt8]?, settings: MappingSettings = MappingSettings(), limits: JSONLimits = JSONLimits()
  ) {
    var problems: [(kind: MappingKind, problems: [MappingProblem])] = []
    var read: (device: DeviceMapping?, fhir: FHIRMapping?) = (nil, nil)
    do throws(MappingError) {
      read.device = try device.map { (bytes) throws(MappingError) in try DeviceMapping(bytes, settings: settings) }
    } catch {
      problems.append((.device, error.problems))
    }
    do throws(MappingError) {
      read.fhir = try fhir.map { (bytes) throws(MappingError) in try FHIRMapping(bytes, settings: settings) }
    } catch {
      problems.append((.fhir, error.problems))
    }
    if let device = read.device, let fhir = read.fhir {
      let warnings = fhir.warnings(for: device)
      if !warnings.isEmpty { problems.append((.device, warnings)) }
    }
    self.device = read.device
    self.fhir = read.fhir
    self.problems = problems
    self.limits = limits
  }

  /// Whether both mappings can be read.
  public var isSound: Bool { !problems.contains { $0.problems.contains { $0.severity == .error } } }

  // MARK: Reports

  /// A report as JSON: what is wrong with the mappings, and for each message every template's matches, values,
  /// measurements, Observations and failures.
  public func report(on messages: [StoredMessage], issued: Instant) -> [UInt8] {
    var writer = JSONWriter(reserving: 4_096)
    writer.beginObject()
    writer.key("mappings")
    writer.beginArray()
    for (kind, problems) in problems {
      for problem in problems { write(problem, of: kind, to: &writer) }
    }
    writer.endArray()
    writer.key("messages")
    writer.beginArray()
    for message in messages { write(message, issued: issued, to: &writer) }
    writer.endArray()
    writer.endObject()
    return writer.bytes
  }

  private func write(_ problem: MappingProblem, of kind: MappingKind, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("mapping", kind.rawValue)
    writer.member("level", problem.severity.rawValue)
    writer.member("message", problem.message)
    writer.member("line", problem.line)
    writer.member("column", problem.column)
    if let template = problem.template { writer.member("template", template) }
    if let typeName = problem.typeName { writer.member("typeName", typeName) }
    if let field = problem.field { writer.member("field", field) }
    writer.endObject()
  }

  private func write(_ message: StoredMessage, issued: Instant, to writer: inout JSONWriter) {
    var failures: [DeviceFailure] = []
    var measurements: [Measurement] = []
    writer.beginObject()
    do throws(MappingFailure) {
      let document = try Normalizing.document(message, limits: limits)
      writer.key("deviceEvent")
      writer.value(document, document.root)
      if let device {
        let received = Timestamp(ticks: message.received)
        let trace = device.debug(document, received: received)
        writer.key("templates")
        writer.beginArray()
        for template in trace.templates { write(template, to: &writer) }
        writer.endArray()
        // As the service does it: what stands behind a failure may be left out.
        let normalization = device.normalize(document, received: received)
        measurements = normalization.measurements
        failures = normalization.failures.map { DeviceFailure($0, .normalization) }
      }
    } catch {
      failures.append(DeviceFailure(error, .normalization))
    }
    write(measurements, &failures, issued: issued, to: &writer)
    writer.key("exceptions")
    writer.beginArray()
    for failure in failures { failure.write(to: &writer) }
    writer.endArray()
    writer.endObject()
  }

  private func write(
    _ measurements: [Measurement], _ failures: inout [DeviceFailure], issued: Instant, to writer: inout JSONWriter
  ) {
    writer.key("measurements")
    writer.beginArray()
    for measurement in measurements { measurement.write(to: &writer) }
    writer.endArray()
    writer.key("observations")
    writer.beginArray()
    for group in MeasurementGroup.groups(of: measurements) {
      do throws(MappingFailure) {
        guard let fhir else { break }
        for part in try fhir.groups(of: group) {
          writer.raw(try observation(fhir, part, issued))
        }
      } catch {
        failures.append(DeviceFailure(error, .conversion))
      }
    }
    writer.endArray()
  }

  /// Patient and Device have the ids that they get where they are made.
  private func observation(_ mapping: FHIRMapping, _ group: ObservationGroup, _ issued: Instant) throws(MappingFailure)
    -> [UInt8]
  {
    try mapping.observation(
      for: group, subject: ObservationIdentity.id(system: nil, value: group.patientID ?? "patient"),
      device: ObservationIdentity.id(system: nil, value: group.deviceID),
      encounter: group.encounterID.map { ObservationIdentity.id(system: nil, value: $0) }, issued: issued)
  }

  private func write(_ template: MappingTrace.Template, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("template", template.index)
    writer.member("templateType", template.templateType)
    writer.member("typeName", template.typeName)
    writer.member("isMatched", template.isMatched)
    if let failure = template.failure {
      writer.key("exception")
      DeviceFailure(failure, .normalization).write(to: &writer)
    }
    writer.key("matches")
    writer.beginArray()
    for match in template.matches {
      writer.beginObject()
      writer.key("matchedToken")
      writer.raw(Array(match.token.utf8))
      writer.key("values")
      writer.beginArray()
      for value in match.values { write(value, to: &writer) }
      writer.endArray()
      if let measurement = match.measurement {
        writer.key("measurement")
        measurement.write(to: &writer)
      }
      if let failure = match.failure {
        writer.key("exception")
        DeviceFailure(failure, .normalization).write(to: &writer)
      }
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
  }

  private func write(_ value: MappingTrace.Value, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("name", value.name)
    writer.member("expression", value.expression)
    writer.member("language", value.language)
    writer.member("line", value.line)
    writer.member("column", value.column)
    writer.key("result")
    if let result = value.result { writer.string(result) } else { writer.null() }
    if let failure = value.failure { writer.member("error", failure.message) }
    writer.endObject()
  }
}
