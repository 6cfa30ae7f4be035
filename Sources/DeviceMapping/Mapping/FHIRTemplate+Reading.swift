import JSONCore
import JSONQuery

extension FHIRTemplate {
  /// Reads a template; nil with problems if it cannot be used.
  static func read(
    type: String, content: JSONNode?, container: JSONNode, index: Int, _ reader: inout MappingReader
  ) -> FHIRTemplate? {
    guard MappingReader.isType(type, "CodeValueFhir") else {
      let node = reader.member(container, "templateType") ?? container
      reader.report("Expected templateType 'CodeValueFhir', found '\(type)'.", at: node, "templateType")
      return nil
    }
    guard let content, reader.document.kind(content) == .object else {
      reader.report("Expected an object as the template of 'CodeValueFhir'.", at: content ?? container, "template")
      return nil
    }
    let before = reader.problems.count
    reader.typeName = reader.member(content, "typeName").flatMap { reader.document.string($0) }
    reader.checkMembers(content, ["typeName", "periodInterval", "category", "codes", "value", "components"])
    let typeName = reader.text(content, "typeName", "typeName", isRequired: true)
    if let typeName, !typeName.contains(where: { !$0.isWhitespace }) {
      reader.report("An empty typeName is not allowed.", at: reader.member(content, "typeName") ?? content, "typeName")
    }
    let interval = interval(content, &reader)
    let categories = concepts(content, &reader)
    let codes = codes(content, "codes", isRequired: true, &reader)
    let value = reader.value(content, "value", "value").flatMap { self.value($0, "value", &reader) }
    let components = components(content, &reader)
    guard reader.problems.count == before, let typeName, let interval else { return nil }
    return FHIRTemplate(
      index: index, typeName: typeName, interval: interval, categories: categories, codes: codes, value: value,
      components: components)
  }

  private static func interval(_ content: JSONNode, _ reader: inout MappingReader) -> Interval? {
    guard let node = reader.value(content, "periodInterval", "periodInterval") else { return .single }
    let names: [String: Interval] = ["correlationid": .correlation, "single": .single, "hourly": .hour, "daily": .day]
    let text = reader.text(content, "periodInterval", "periodInterval") ?? ""
    if let number = Int(text), let interval = Interval(rawValue: number) { return interval }
    if let interval = names[text.lowercased()] { return interval }
    reader.report("Property 'periodInterval' must be -1, 0, 60 or 1440.", at: node, "periodInterval")
    return nil
  }

  private static func concepts(_ content: JSONNode, _ reader: inout MappingReader) -> [Concept] {
    var concepts: [Concept] = []
    for (place, node) in (reader.array(content, "category", "category") ?? []).enumerated() {
      let field = "category[\(place)]"
      guard reader.isObject(node, field) else { continue }
      reader.checkMembers(node, ["text", "codes"], "\(field).")
      concepts.append(
        Concept(
          text: reader.text(node, "text", "\(field).text"),
          codes: codes(node, "\(field).codes", isRequired: false, &reader)))
    }
    return concepts
  }

  private static func codes(
    _ object: JSONNode, _ field: String, isRequired: Bool, checks: Bool = true, _ reader: inout MappingReader
  ) -> [Code] {
    var codes: [Code] = []
    for (place, node) in (reader.array(object, "codes", field, isRequired: isRequired) ?? []).enumerated() {
      let name = "\(field)[\(place)]"
      guard reader.isObject(node, name) else { continue }
      if checks { reader.checkMembers(node, ["code", "system", "display"], "\(name).") }
      codes.append(
        Code(
          code: reader.text(node, "code", "\(name).code"), system: reader.text(node, "system", "\(name).system"),
          display: reader.text(node, "display", "\(name).display")))
    }
    return codes
  }

  private static func components(_ content: JSONNode, _ reader: inout MappingReader) -> [Component] {
    var components: [Component] = []
    for (place, node) in (reader.array(content, "components", "components") ?? []).enumerated() {
      let field = "components[\(place)]"
      guard reader.isObject(node, field) else { continue }
      reader.checkMembers(node, ["codes", "value"], "\(field).")
      let codes = codes(node, "\(field).codes", isRequired: true, &reader)
      guard let valueNode = reader.value(node, "value", "\(field).value", isRequired: true),
        let value = value(valueNode, "\(field).value", &reader)
      else { continue }
      components.append(Component(codes: codes, value: value))
    }
    return components
  }

  /// A value; members it does not know are ignored here, as in existing services.
  private static func value(_ node: JSONNode, _ field: String, _ reader: inout MappingReader) -> Value? {
    guard reader.isObject(node, field) else { return nil }
    let name = reader.text(node, "valueName", "\(field).valueName", isRequired: true)
    guard let type = reader.text(node, "valueType", "\(field).valueType", isRequired: true),
      let valueType = valueType(type, node, field, &reader), let name
    else { return nil }
    return Value(name: name, type: valueType)
  }

  private static func valueType(
    _ name: String, _ node: JSONNode, _ field: String, _ reader: inout MappingReader
  ) -> ValueType? {
    switch name.lowercased() {
    case "sampleddata": return sampledData(node, field, &reader)
    case "quantity":
      return .quantity(
        unit: reader.text(node, "unit", "\(field).unit"), system: reader.text(node, "system", "\(field).system"),
        code: reader.text(node, "code", "\(field).code"))
    case "string": return .string
    case "codeableconcept":
      let text = reader.text(node, "text", "\(field).text")
      let codes = codes(node, "\(field).codes", isRequired: true, checks: false, &reader)
      return .codeableConcept(Concept(text: text, codes: codes))
    default:
      reader.report(
        "Property '\(field).valueType' must be SampledData, Quantity, String or CodeableConcept, not '\(name)'.",
        at: reader.member(node, "valueType") ?? node, "\(field).valueType")
      return nil
    }
  }

  private static func sampledData(_ node: JSONNode, _ field: String, _ reader: inout MappingReader) -> ValueType? {
    let unit = reader.text(node, "unit", "\(field).unit")
    guard let lexeme = reader.text(node, "defaultPeriod", "\(field).defaultPeriod", isRequired: true) else {
      return nil
    }
    guard let period = SampledSeries.ticks(period: lexeme) else {
      reader.report(
        "Property '\(field).defaultPeriod' must be a number of milliseconds above zero.",
        at: reader.member(node, "defaultPeriod") ?? node, "\(field).defaultPeriod")
      return nil
    }
    return .sampledData(period: period, lexeme: lexeme, unit: unit)
  }
}
