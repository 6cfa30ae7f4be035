import JSONCore
import JSONQuery

/// One match of one template on its way to a measurement.
struct Extraction {
  let template: DeviceTemplate
  let context: TemplateContext
  let settings: MappingSettings
  let received: Timestamp?
  /// Every expression's result, if someone wants to know.
  private(set) var trace: [MappingTrace.Value]?

  init(
    _ template: DeviceTemplate, _ context: TemplateContext, _ settings: MappingSettings, received: Timestamp?,
    traces: Bool = false
  ) {
    self.template = template
    self.context = context
    self.settings = settings
    self.received = received
    trace = traces ? [] : nil
  }

  mutating func measurement() throws(MappingFailure) -> Measurement {
    // The order is that of existing services: of several faults they report the first.
    guard let deviceID = try text(template.deviceID, "DeviceIdExpression", isRequired: true) else {
      throw missing("DeviceIdExpression", template.deviceID)
    }
    let occurrence = try timestamp()
    let correlationID = try text(template.correlationID, "CorrelationIdExpression", isRequired: true)
    let patientID = try text(template.patientID, "PatientIdExpression", isRequired: false)
    let encounterID = try text(template.encounterID, "EncounterIdExpression", isRequired: false)
    var properties: [Measurement.Property] = []
    properties.reserveCapacity(template.values.count)
    for value in template.values {
      if let text = try text(value.expression, value.name, isRequired: value.isRequired) {
        properties.append(Measurement.Property(name: value.name, value: text))
      }
    }
    return Measurement(
      type: template.typeName, occurrence: occurrence, ingestion: received, deviceID: deviceID, patientID: patientID,
      encounterID: encounterID, correlationID: correlationID, properties: properties)
  }

  // MARK: - Texts

  /// The text that an expression gives. What is no text counts as missing; a blank one only where one is required.
  private mutating func text(
    _ expression: TemplateExpression?, _ name: String, isRequired: Bool
  ) throws(MappingFailure) -> String? {
    guard let expression else { return nil }
    let value = try traced(expression, name)
    switch value {
    case .text(let text) where !isRequired || !Extraction.isBlank(text): return text
    case .text, .null, .none?, nil:
      if isRequired { throw missing(name, expression) }
      return nil
    }
  }

  private mutating func traced(_ expression: TemplateExpression, _ name: String) throws(MappingFailure) -> DeviceText? {
    guard trace != nil else { return try found(expression) }
    do {
      let value = try found(expression)
      record(expression, name, value.flatMap { if case .text(let text) = $0 { text } else { nil } }, nil)
      return value
    } catch {
      record(expression, name, nil, error)
      throw error
    }
  }

  private mutating func record(
    _ expression: TemplateExpression, _ name: String, _ result: String?, _ failure: MappingFailure?
  ) {
    trace?.append(
      MappingTrace.Value(
        name: name, expression: expression.text, language: expression.language.rawValue, line: expression.line,
        column: expression.column, result: result, failure: failure))
  }

  private func found(_ expression: TemplateExpression) throws(MappingFailure) -> DeviceText? {
    switch try expression.value(in: context) {
    case .none: nil
    case .node(let node): DeviceText.of(node, in: context.document, settings)
    case .computed(let value): DeviceText.of(value, in: context.document, settings)
    }
  }

  private func missing(_ name: String, _ expression: TemplateExpression) -> MappingFailure {
    expression.failure(.incompatibleData, "Unable to extract required value for [\(name)] using \(expression.text)")
  }

  private static func isBlank(_ text: String) -> Bool {
    if let first = text.utf8.first, first > 0x20, first < 0x80 { return false }
    return text.allSatisfy(\.isWhitespace)
  }

  // MARK: - Time

  private mutating func timestamp() throws(MappingFailure) -> Timestamp {
    let name = "TimestampExpression"
    for expression in template.timestamps {
      let found: Timestamp?
      do {
        found = try time(expression)
      } catch {
        record(expression, name, nil, error)
        throw error
      }
      if trace != nil { record(expression, name, found?.roundTrip, nil) }
      if let found {
        try checkAge(found, expression)
        return found
      }
    }
    guard let first = template.timestamps.first else {
      throw MappingFailure(.incompatibleData, "An expression must be set for [\(name)]")
    }
    throw missing(name, first)
  }

  private func time(_ expression: TemplateExpression) throws(MappingFailure) -> Timestamp? {
    switch try expression.value(in: context) {
    case .none: return nil
    case .node(let node):
      guard context.document.kind(node) == .string else { return nil }
      if context.document.hasEscapes(node) {
        return context.document.string(node).flatMap { Timestamp.parse($0, zone: settings.timestampZone) }
      }
      return Timestamp.parse(context.document.lexeme(node), zone: settings.timestampZone)
    case .computed(.string(let text)): return Timestamp.parse(text, zone: settings.timestampZone)
    case .computed: return nil
    }
  }

  private func checkAge(_ time: Timestamp, _ expression: TemplateExpression) throws(MappingFailure) {
    guard let received else { return }
    let seconds = (time.ticks - received.ticks) / Timestamp.ticksPerSecond
    let rest = (time.ticks - received.ticks) % Timestamp.ticksPerSecond
    if let most = settings.futureSecondsMax, seconds > most || seconds == most && rest > 0 {
      throw expression.failure(.incompatibleData, "The time is more than \(most) seconds after the message's arrival")
    }
    if let most = settings.pastSecondsMax, seconds < -most || seconds == -most && rest < 0 {
      throw expression.failure(.incompatibleData, "The time is more than \(most) seconds before the message's arrival")
    }
  }
}
