import JSONCore

/// Makes the table of a FHIR release from its official package.
///
/// The table is text, one record per line: the record's kind (one letter), a tab, and its fields separated by tabs,
/// empty fields at the end left out. `docs/internals/tables.md` describes every record.
///
///     F  version
///     T  name  kind  base  inherited                   a type; its first `inherited` elements are its base's
///     E  name  min..max  types  flags  value set       an element of the type above
///     I  key  severity  element  human  expression     an invariant of the type above
///     V  value set  open                               a required binding's value set
///     C  system  code…                                 codes of the value set above
///     P  url  code  name  type  base  expression  targets  comparators  modifiers  multiple  usage  description
///     Q  definition  expression                        a component of the search parameter above
///     K  code  url                                     a compartment
///     M  type  parameters                              a member type of the compartment above
///
/// Canonical URLs of the standard's own definitions are written without the part that all of their kind share.
public struct TableGenerator {
  static let structures = "http://hl7.org/fhir/StructureDefinition/"
  static let valueSets = "http://hl7.org/fhir/ValueSet/"
  static let searchParameters = "http://hl7.org/fhir/SearchParameter/"
  static let compartments = "http://hl7.org/fhir/CompartmentDefinition/"

  private let package: DefinitionPackage

  public init(_ package: DefinitionPackage) {
    self.package = package
  }

  /// The whole table.
  public func table() throws -> String {
    let types = try TypeTable(package)
    var lines = [Self.line("F", package.fhirVersion)]
    lines += types.lines()
    var codes = CodeTable(package)
    for url in types.valueSets.sorted() { lines += codes.lines(valueSet: url) }
    lines += SearchTable(package: package).lines()
    lines += compartmentLines()
    return lines.joined(separator: "\n") + "\n"
  }

  /// The published search parameters that are not in the table: URL and reason.
  public func searchParametersLeftOut() -> [(url: String, reason: String)] {
    let table = SearchTable(package: package)
    return package.searchParameters.compactMap { parameter in
      table.reasonToLeaveOut(parameter).map { (parameter.text("url"), $0) }
    }
  }

  private func compartmentLines() -> [String] {
    package.compartments.filter { $0.text("id") != "example" }.flatMap { compartment in
      let url = compartment.text("url").without(prefix: Self.compartments)
      return [Self.line("K", compartment.text("code"), url)]
        + compartment.list("resource").filter { $0["param"] != nil }.map { resource in
          // "{def}" stands for the compartment's own resource, which is in it anyway.
          let parameters = resource.texts("param").filter { $0 != "{def}" }
          return Self.line("M", resource.text("code"), parameters.joined(separator: " "))
        }
    }
  }

  static func line(_ fields: String...) -> String {
    var fields = fields
    while fields.last == "" { fields.removeLast() }
    return fields.joined(separator: "\t")
  }
}
