public import JSONCore

/// A FHIR mapping (`CollectionFhir`): what Observations measurements become, one template for each type.
public struct FHIRMapping: Sendable {
  let templates: [FHIRTemplate]
  private let places: [String: Int]
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
    var templates: [FHIRTemplate] = []
    var places: [String: Int] = [:]
    for (index, entry) in reader.templates("CollectionFhir", max: settings.templatesMax).enumerated() {
      reader.template = index
      reader.typeName = nil
      guard
        let template = FHIRTemplate.read(
          type: entry.type, content: entry.content, container: entry.container, index: index, &reader)
      else { continue }
      let key = template.typeName.lowercased()
      if places[key] != nil, let content = entry.content {
        let node = reader.member(content, "typeName") ?? content
        reader.report("Duplicate template for the type name '\(template.typeName)'.", at: node, "typeName")
      }
      places[key] = templates.count
      templates.append(template)
    }
    guard reader.problems.isEmpty else { throw MappingError(reader.problems) }
    self.templates = templates
    self.places = places
    self.settings = settings
  }

  /// The template of a type, in any case of its letters.
  func template(_ typeName: String) throws(MappingFailure) -> FHIRTemplate {
    guard let place = places[typeName.lowercased()] else {
      throw MappingFailure(.templateNotFound, "No FHIR template exists for the type '\(typeName)'.", typeName: typeName)
    }
    return templates[place]
  }

  /// What two mappings that belong together do not agree upon: types without a template, values that no template uses.
  public func warnings(for mapping: DeviceMapping) -> [MappingProblem] {
    var warnings: [MappingProblem] = []
    for template in mapping.templates {
      func warn(_ message: String, _ place: TemplateExpression, _ field: String) {
        warnings.append(
          MappingProblem(
            .warning, message, line: place.line, column: place.column, template: template.index,
            typeName: template.typeName, field: field))
      }
      guard let place = places[template.typeName.lowercased()] else {
        warn("No FHIR template exists for the type '\(template.typeName)'.", template.typeMatch, "typeName")
        continue
      }
      let fhir = templates[place]
      let used = Set([fhir.value?.name].compactMap(\.self) + fhir.components.map(\.value.name))
      for (place, value) in template.values.enumerated() where !used.contains(value.name) {
        warn(
          "The value '\(value.name)' is used by no FHIR template of '\(template.typeName)'.", value.expression,
          "values[\(place)].valueName")
      }
    }
    return warnings
  }
}
