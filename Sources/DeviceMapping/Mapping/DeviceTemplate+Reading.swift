import JSONCore

extension DeviceTemplate {
  private static let members = [
    "typeName", "typeMatchExpression", "deviceIdExpression", "timestampExpression", "patientIdExpression",
    "encounterIdExpression", "correlationIdExpression", "values",
  ]

  /// Reads a template; nil with problems if it cannot be used.
  static func read(
    type: String, content: JSONNode?, container: JSONNode, index: Int, _ reader: inout MappingReader,
    _ settings: MappingSettings
  ) -> DeviceTemplate? {
    guard
      let kind = Kind.allCases.first(where: { MappingReader.isType(type, $0.rawValue, takesSuffix: $0.takesSuffix) })
    else {
      let node = reader.member(container, "templateType") ?? container
      reader.report("No template type matches '\(type)'.", at: node, "templateType")
      return nil
    }
    guard let content, reader.document.kind(content) == .object else {
      reader.report("Expected an object as the template of '\(kind.rawValue)'.", at: content ?? container, "template")
      return nil
    }
    var fields = DeviceTemplateFields(kind, content, settings)
    return fields.read(index, members + (kind == .calculated ? ["defaultExpressionLanguage"] : []), &reader)
  }
}

/// The members of one template while they are read.
private struct DeviceTemplateFields {
  let kind: DeviceTemplate.Kind
  let content: JSONNode
  let settings: MappingSettings
  var language = TemplateExpression.Language.jsonPath

  init(_ kind: DeviceTemplate.Kind, _ content: JSONNode, _ settings: MappingSettings) {
    self.kind = kind
    self.content = content
    self.settings = settings
  }

  mutating func read(_ index: Int, _ members: [String], _ reader: inout MappingReader) -> DeviceTemplate? {
    reader.typeName = reader.member(content, "typeName").flatMap { reader.document.string($0) }
    let before = reader.problems.count
    reader.checkMembers(content, members)
    let typeName = reader.text(content, "typeName", "typeName", isRequired: true)
    if kind == .calculated, let node = reader.value(content, "defaultExpressionLanguage", "defaultExpressionLanguage") {
      language = language(node, "defaultExpressionLanguage", &reader) ?? .jsonPath
    }
    let typeMatch = expression("typeMatchExpression", isRequired: true, &reader)
    let deviceID: TemplateExpression?
    let timestamps: [TemplateExpression?]
    switch kind {
    case .calculated, .jsonPath:
      deviceID = expression("deviceIdExpression", isRequired: true, &reader)
      timestamps = [expression("timestampExpression", isRequired: true, &reader)]
    case .iotJsonPath:
      deviceID = fixed("deviceIdExpression", "$.SystemProperties.iothub-connection-device-id", &reader)
      timestamps = [
        fixed("timestampExpression", "$.Properties.iothub-creation-time-utc", &reader),
        fixed("timestampExpression", "$.SystemProperties.iothub-enqueuedtime", &reader),
      ]
    case .iotCentralJsonPath:
      deviceID = fixed("deviceIdExpression", "$.deviceId", &reader)
      timestamps = [fixed("timestampExpression", "$.enqueuedTime", &reader)]
    }
    let patientID = expression("patientIdExpression", &reader)
    let encounterID = expression("encounterIdExpression", &reader)
    let correlationID = expression("correlationIdExpression", &reader)
    let values = values(&reader)
    guard reader.problems.count == before, let typeName, let typeMatch, let deviceID else { return nil }
    return DeviceTemplate(
      kind: kind, index: index, typeName: typeName, typeMatch: typeMatch, deviceID: deviceID,
      timestamps: timestamps.compactMap(\.self), patientID: patientID, encounterID: encounterID,
      correlationID: correlationID, values: values)
  }

  private func fixed(_ field: String, _ text: String, _ reader: inout MappingReader) -> TemplateExpression? {
    TemplateExpression(text, .jsonPath, at: content, field: field, &reader, settings)
  }

  private func language(
    _ node: JSONNode, _ field: String, _ reader: inout MappingReader
  ) -> TemplateExpression.Language? {
    switch reader.document.string(node)?.lowercased() {
    case "jsonpath": return .jsonPath
    case "jmespath": return .jmesPath
    default:
      reader.report("Property '\(field)' must be 'JsonPath' or 'JmesPath'.", at: node, field)
      return nil
    }
  }

  private func expression(
    _ name: String, isRequired: Bool = false, _ reader: inout MappingReader
  ) -> TemplateExpression? {
    expression(in: content, name, name, isRequired: isRequired, &reader)
  }

  /// A text, or in calculated templates also an object with the text and its language.
  private func expression(
    in object: JSONNode, _ name: String, _ field: String, isRequired: Bool, _ reader: inout MappingReader
  ) -> TemplateExpression? {
    guard let node = reader.value(object, name, field, isRequired: isRequired) else { return nil }
    guard kind == .calculated, reader.document.kind(node) == .object else {
      guard let text = reader.text(object, name, field) else { return nil }
      return compiled(text, language, node, field, isRequired: isRequired, &reader)
    }
    guard let text = reader.text(node, "value", "\(field).value", isRequired: true) else { return nil }
    var language = language
    if let named = reader.value(node, "language", "\(field).language") {
      guard let known = self.language(named, "\(field).language", &reader) else { return nil }
      language = known
    }
    return compiled(text, language, reader.member(node, "value") ?? node, field, isRequired: isRequired, &reader)
  }

  private func compiled(
    _ text: String, _ language: TemplateExpression.Language, _ node: JSONNode, _ field: String, isRequired: Bool,
    _ reader: inout MappingReader
  ) -> TemplateExpression? {
    guard text.contains(where: { !$0.isWhitespace }) else {
      if isRequired { reader.report("The expression of '\(field)' is empty.", at: node, field) }
      return nil
    }
    return TemplateExpression(text, language, at: node, field: field, &reader, settings)
  }

  private func values(_ reader: inout MappingReader) -> [DeviceTemplate.Value] {
    var values: [DeviceTemplate.Value] = []
    for (place, node) in (reader.array(content, "values", "values") ?? []).enumerated() {
      let field = "values[\(place)]"
      guard reader.isObject(node, field) else { continue }
      reader.checkMembers(node, ["valueName", "valueExpression", "required"], "\(field).")
      let name = reader.text(node, "valueName", "\(field).valueName", isRequired: true)
      let expression = expression(
        in: node, "valueExpression", "\(field).valueExpression", isRequired: true, &reader)
      let isRequired = reader.bool(node, "required", "\(field).required")
      if let name, let expression {
        values.append(DeviceTemplate.Value(name: name, expression: expression, isRequired: isRequired))
      }
    }
    return values
  }
}
