public import JSONCore
import JSONQuery

/// What a message came to.
public struct Normalization: Sendable, Equatable {
  public var measurements: [Measurement] = []
  public var failures: [MappingFailure] = []

  public init() {}

  /// Neither measured nor failed: no template is about the message.
  public var isDropped: Bool { measurements.isEmpty && failures.isEmpty }
}

/// A device mapping (`CollectionContent`): the templates that turn messages into measurements. Every template is tried
/// on every message.
public struct DeviceMapping: Sendable {
  let templates: [DeviceTemplate]
  /// For each template what a message it is about must have, so that most are passed by.
  private let requirements: [JSONNames.Requirement]
  public let settings: MappingSettings

  /// Reads a mapping, with or without the mark before UTF-8.
  /// - Throws: `MappingError` with all that is wrong.
  public init(_ bytes: [UInt8], settings: MappingSettings = MappingSettings()) throws(MappingError) {
    try self.init(json: try MappingReader.parse(bytes), settings: settings)
  }

  /// Reads a mapping.
  /// - Throws: `MappingError` with all that is wrong.
  public init(json: JSONDocument, settings: MappingSettings = MappingSettings()) throws(MappingError) {
    var reader = MappingReader(json)
    var templates: [DeviceTemplate] = []
    for (index, entry) in reader.templates("CollectionContent", max: settings.templatesMax).enumerated() {
      reader.template = index
      reader.typeName = nil
      if let template = DeviceTemplate.read(
        type: entry.type, content: entry.content, container: entry.container, index: index, &reader, settings)
      {
        templates.append(template)
      }
    }
    guard reader.problems.isEmpty else { throw MappingError(reader.problems) }
    self.templates = templates
    requirements = templates.map(\.typeMatch.requirement)
    self.settings = settings
  }

  /// The templates' type names and the names of their values, in order.
  public var types: [(typeName: String, valueNames: [String])] {
    templates.map { ($0.typeName, $0.values.map(\.name)) }
  }

  // MARK: - Normalization

  /// Takes the measurements from a message.
  /// - Parameters:
  ///   - message: see `DeviceMessage`.
  ///   - received: when it arrived.
  public func normalize(_ message: JSONDocument, received: Timestamp? = nil) -> Normalization {
    var result = Normalization()
    guard message.kind(message.root) == .object else {
      result.failures = [DeviceMapping.noObject]
      return result
    }
    let names = JSONNames(of: message)
    for (index, requirement) in requirements.enumerated() where names.mayMeet(requirement) {
      let template = templates[index]
      do {
        try normalize(message, template, received, &result.measurements)
      } catch {
        result.failures.append(attributed(error, to: template))
        if !settings.isolatesTemplates { break }
      }
    }
    return result
  }

  private static let noObject = MappingFailure(.invalidDataFormat, "The message is no JSON object.")

  private func normalize(
    _ message: JSONDocument, _ template: DeviceTemplate, _ received: Timestamp?, _ measurements: inout [Measurement]
  ) throws(MappingFailure) {
    let event = TemplateContext(document: message, start: nil, overlay: nil)
    for match in try template.typeMatch.matches(in: event) {
      guard measurements.count < settings.measurementsMax else {
        throw template.typeMatch.failure(
          .incompatibleData, "The message has more than \(settings.measurementsMax) measurements")
      }
      let context = try self.context(template, message, match)
      var extraction = Extraction(template, context, settings, received: received)
      measurements.append(try extraction.measurement())
    }
  }

  /// Where a template's expressions look for one match.
  private func context(
    _ template: DeviceTemplate, _ message: JSONDocument, _ match: TemplateValue
  ) throws(MappingFailure) -> TemplateContext {
    switch match {
    case .node(let node):
      guard template.seesEvent else { return TemplateContext(document: message, start: node, overlay: nil) }
      return TemplateContext(document: message, start: nil, overlay: JSONOverlay(DeviceMapping.matchedToken, node))
    case .none: return TemplateContext(document: message, start: nil, overlay: nil)
    case .computed(let value):
      // A computed token is in no document yet: the event is written anew, with the token in it.
      var writer = JSONWriter(reserving: message.byteCount + 256)
      writer.beginObject()
      for (key, member) in message.members(message.root) where !message.keyEquals(key, DeviceMapping.matchedToken) {
        writer.key(message, key)
        writer.value(message, member)
      }
      writer.key("matchedToken")
      JMESPath.write(value, of: message, to: &writer)
      writer.endObject()
      do {
        return TemplateContext(document: try JSONDocument(writer.bytes), start: nil, overlay: nil)
      } catch {
        throw template.typeMatch.failure(.templateExpression, "the matched token is nested too deeply or too large")
      }
    }
  }

  private static let matchedToken: JSONKey = "matchedToken"

  private func attributed(_ failure: MappingFailure, to template: DeviceTemplate) -> MappingFailure {
    MappingFailure(
      failure.kind, failure.message, template: template.index, typeName: template.typeName, field: failure.field,
      expression: failure.expression, line: failure.line, column: failure.column, offset: failure.offset)
  }

  // MARK: - Debugging

  /// What a message does to every template: matches, each expression's value, measurements and failures. Unlike
  /// `normalize` it goes on behind a failure.
  public func debug(_ message: JSONDocument, received: Timestamp? = nil) -> MappingTrace {
    guard message.kind(message.root) == .object else { return MappingTrace(templates: []) }
    return MappingTrace(templates: templates.map { trace($0, message, received) })
  }

  private func trace(_ template: DeviceTemplate, _ message: JSONDocument, _ received: Timestamp?)
    -> MappingTrace.Template
  {
    var matches: [MappingTrace.Match] = []
    var failure: MappingFailure?
    do throws(MappingFailure) {
      let event = TemplateContext(document: message, start: nil, overlay: nil)
      for match in try template.typeMatch.matches(in: event).prefix(settings.measurementsMax) {
        matches.append(try trace(match, template, message, received))
      }
    } catch {
      failure = attributed(error, to: template)
    }
    return MappingTrace.Template(
      index: template.index, templateType: template.kind.rawValue, typeName: template.typeName, matches: matches,
      failure: failure)
  }

  private func trace(
    _ match: TemplateValue, _ template: DeviceTemplate, _ message: JSONDocument, _ received: Timestamp?
  ) throws(MappingFailure) -> MappingTrace.Match {
    var extraction = Extraction(
      template, try context(template, message, match), settings, received: received, traces: true)
    var measurement: Measurement?
    var failure: MappingFailure?
    do throws(MappingFailure) {
      measurement = try extraction.measurement()
    } catch {
      failure = attributed(error, to: template)
    }
    var writer = JSONWriter()
    switch match {
    case .node(let node): writer.value(message, node)
    case .computed(let value): JMESPath.write(value, of: message, to: &writer)
    case .none: writer.null()
    }
    return MappingTrace.Match(
      token: String(decoding: writer.bytes, as: UTF8.self), values: extraction.trace ?? [], measurement: measurement,
      failure: failure)
  }
}
