import JSONCore

/// The search parameters: lines `P` and `Q`.
struct SearchTable {
  let package: DefinitionPackage

  /// Why a published search parameter is none of the release's base parameters; nil if it is one.
  func reasonToLeaveOut(_ parameter: JSONValue) -> String? {
    let id = parameter.text("url").without(prefix: TableGenerator.searchParameters)
    if parameter["base"] == nil { return "has no base" }
    if id.contains("-extensions-") || id.contains("-genetic-") { return "searches for an extension" }
    if id == "example" || id.hasPrefix("example-") { return "is an example" }
    let hasOther = package.searchParameters.contains {
      $0.text("url") == TableGenerator.searchParameters + "Resource-filter"
    }
    return id == "filter" && hasOther ? "is the same as Resource-filter" : nil
  }

  func lines() -> [String] {
    package.searchParameters.filter { reasonToLeaveOut($0) == nil }.flatMap(lines)
  }

  private func lines(_ parameter: JSONValue) -> [String] {
    let id = parameter.text("url").without(prefix: TableGenerator.searchParameters)
    let repair = Repairs.searchParameter(id, in: package.fhirVersion)
    let usage = parameter.text("xpathUsage")
    var result = [
      TableGenerator.line(
        "P", id, parameter.text("code"), parameter.text("name").oneLine, parameter.text("type"),
        parameter.texts("base").joined(separator: " "), repair?.expression ?? expression(parameter),
        parameter.texts("target").joined(separator: " "), parameter.texts("comparator").joined(separator: " "),
        parameter.texts("modifier").joined(separator: " "), multiple(parameter),
        usage.isEmpty ? parameter.text("processingMode") : usage,
        Self.shortened(parameter.text("description")))
    ]
    let components = parameter.list("component").map { component in
      // STU3 has a Reference where later releases have a canonical.
      let definition = component["definition"]?.string ?? component["definition"]?.text("reference") ?? ""
      return (definition.without(prefix: TableGenerator.searchParameters), expression(component))
    }
    for (definition, expression) in repair?.components ?? components {
      result.append(TableGenerator.line("Q", definition, expression))
    }
    return result
  }

  private func expression(_ value: JSONValue) -> String { Repairs.spelled(value.text("expression").oneLine) }

  private func multiple(_ parameter: JSONValue) -> String {
    let or = parameter["multipleOr"]?.bool.map { $0 ? "O" : "o" } ?? ""
    let and = parameter["multipleAnd"]?.bool.map { $0 ? "A" : "a" } ?? ""
    return or + and
  }

  /// One line. A parameter shared by several resource types describes each in a list of links,
  /// `* [Patient](patient.html): text`, which becomes "Patient: text; …".
  static func shortened(_ markdown: String) -> String {
    let items = markdown.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("* [") }
    guard !items.isEmpty else { return markdown.oneLine }
    return items.map { item in
      let name = item.dropFirst(3).prefix { $0 != "]" }
      let text = item.drop { $0 != ")" }.dropFirst().drop { $0 == ":" || $0 == " " }
      return "\(name): \(String(text).oneLine)"
    }.joined(separator: "; ")
  }
}
