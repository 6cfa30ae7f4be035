import Base
import FHIRModel
import FHIRPath
import JSONCore

/// A resource as the oracle keeps it.
struct OracleResource {
  let type: String
  let id: String
  let document: JSONDocument
  /// Microseconds since 1970, of a whole millisecond.
  let updated: Int64
}

/// All current resources in order of creation, and what each says under each search parameter.
final class OracleData {
  typealias Definition = SearchParameterDefinition

  let schema = Schema.r4
  let resources: [OracleResource]
  /// The places of each type's resources.
  let places: [String: [Int]]
  private let byReference: [String: Int]
  private var definitions: [String: [String: Definition]] = [:]
  private var programs: [String: FHIRPathProgram] = [:]
  private var read: [String: [[OracleValue]?]] = [:]
  private var combined: [String: [[[[OracleValue]]]?]] = [:]
  /// Texts for full-text search, by their kind and the resource's place.
  var texts: [String: [Int: [String]]] = [:]

  init(_ resources: [OracleResource]) {
    self.resources = resources
    places = Dictionary(grouping: resources.indices) { resources[$0].type }
    byReference = Dictionary(
      uniqueKeysWithValues: resources.indices.map { ("\(resources[$0].type)/\(resources[$0].id)", $0) })
  }

  func place(_ type: String, _ id: String) -> Int? { byReference["\(type)/\(id)"] }

  /// What a reference refers to: a URL below the server's own address is a reference to its own resource (FHIR R4
  /// search#reference). Other URLs have no type.
  func own(_ type: String, _ id: String) -> (type: String, id: String) {
    guard type.isEmpty, id.hasPrefix(OracleServer.base + "/") else { return (type, id) }
    let parts = id.dropFirst(OracleServer.base.count + 1).split(separator: "/").map(String.init)
    guard parts.count == 2, schema.resourceType(parts[0]) != nil else { return (type, id) }
    return (parts[0], parts[1])
  }

  /// The types searched where none is named.
  lazy var allTypes = schema.resourceTypes.map { schema.name($0) }

  /// Codes that no element of a resource answers.
  private static let queryOnly: Set<String> = [
    "_text", "_content", "_query", "_filter", "_has", "_in", "_list", "_type",
  ]

  /// A type's search parameters by code; the type's own before those of its bases, the first of two with one code.
  func parameters(_ type: String) -> [String: Definition] {
    if let known = definitions[type] { return known }
    var found: [String: Definition] = [:]
    for base in [type, "DomainResource", "Resource"] {
      if base == "DomainResource" && ["Bundle", "Binary", "Parameters"].contains(type) { continue }
      for definition in schema.searchParameters where !Self.queryOnly.contains(definition.code) {
        if definition.base.contains(where: { schema.name($0) == base }), found[definition.code] == nil {
          found[definition.code] = definition
        }
      }
    }
    definitions[type] = found
    return found
  }

  func targets(_ definition: Definition) -> [String] {
    definition.targets.isEmpty ? allTypes : definition.targets.map { schema.name($0) }
  }

  // MARK: Values

  /// What a resource says under a parameter.
  func values(_ place: Int, _ definition: Definition) -> [OracleValue] {
    if let known = read[definition.url]?[place] { return known }
    let resource = resources[place]
    var reader = OracleReader(schema: schema)
    reader.codeSystem = Self.codeSystems["\(resource.type).\(definition.code)"] ?? OracleReader.unknownSystem
    if definition.targets.count == 1 { reader.soleTarget = schema.name(definition.targets[0]) }
    var values: [OracleValue] = []
    if let expression = definition.expression {
      for item in evaluate(expression, [root(resource)], resource) { values += reader.values(item, definition.type) }
      if let whole = Self.withoutTargetType(expression) {
        // `patient` is `subject` where the address tells a patient; identifiers do not tell.
        values.removeAll { $0.isOpaque }
        for item in evaluate(whole, [root(resource)], resource) {
          values += reader.values(item, definition.type).filter(\.isIdentifier)
        }
      }
    }
    if read[definition.url] == nil {
      read[definition.url] = Array(repeating: nil, count: resources.count)
    }
    read[definition.url]?[place] = values
    return values
  }

  /// The values of a composite's components, for each element that has a value of every one.
  func combinations(_ place: Int, _ definition: Definition) -> [[[OracleValue]]] {
    if let known = combined[definition.url]?[place] { return known }
    let resource = resources[place]
    var found: [[[OracleValue]]] = []
    for element in evaluate(definition.expression ?? "{}", [root(resource)], resource) {
      let parts = definition.components.map { component -> [OracleValue] in
        guard let part = schema.searchParameter(url: component.definition) else { return [] }
        var reader = OracleReader(schema: schema)
        reader.isComponent = true
        reader.codeSystem = Self.codeSystems["\(resource.type).\(part.code)"] ?? OracleReader.unknownSystem
        return evaluate(component.expression, [element], resource).flatMap { reader.values($0, part.type) }
      }
      if parts.allSatisfy({ !$0.isEmpty }) { found.append(parts) }
    }
    if combined[definition.url] == nil {
      combined[definition.url] = Array(repeating: nil, count: resources.count)
    }
    combined[definition.url]?[place] = found
    return found
  }

  /// What an expression leads to in a resource.
  func nodes(_ expression: String, _ resource: OracleResource) -> [FHIRPathNode] {
    evaluate(expression, [root(resource)], resource).compactMap { if case .node(let node) = $0 { node } else { nil } }
  }

  private func root(_ resource: OracleResource) -> FHIRPathItem {
    guard let type = schema.type(resource.type) else { preconditionFailure("an unknown type") }
    return .node(FHIRPathNode(document: resource.document, value: resource.document.root, type: type))
  }

  private func evaluate(_ expression: String, _ focus: [FHIRPathItem], _ resource: OracleResource) -> [FHIRPathItem] {
    var program = programs[expression]
    if program == nil {
      program = try? FHIRPathProgram(expression, schema: schema)
      programs[expression] = program
    }
    guard let program, case .node(let whole) = root(resource) else { return [] }
    var context = FHIRPathContext(focus: focus, now: Instant(milliseconds: 0))
    context.resource = whole
    return (try? program.evaluate(in: context)) ?? []
  }

  /// "The implicit system" of a code is what the element's value set defines (FHIR R4 search#token); those that occur.
  private static let codeSystems = [
    "Patient.gender": "http://hl7.org/fhir/administrative-gender",
    "Practitioner.gender": "http://hl7.org/fhir/administrative-gender",
    "Observation.status": "http://hl7.org/fhir/observation-status",
    "Encounter.status": "http://hl7.org/fhir/encounter-status",
    "Patient.address-use": "http://hl7.org/fhir/address-use",
    "Location.status": "http://hl7.org/fhir/location-status",
    "List.status": "http://hl7.org/fhir/list-status",
    "Group.type": "http://hl7.org/fhir/group-type",
    "ValueSet.status": "http://hl7.org/fhir/publication-status",
    "MedicationRequest.status": "http://hl7.org/fhir/CodeSystem/medicationrequest-status",
    "MedicationRequest.intent": "http://hl7.org/fhir/CodeSystem/medicationrequest-intent",
    "DiagnosticReport.status": "http://hl7.org/fhir/diagnostic-report-status",
    "DocumentReference.status": "http://hl7.org/fhir/document-reference-status",
    "DocumentReference.relation": "http://hl7.org/fhir/document-relationship-type",
  ]

  /// `Observation.subject.where(resolve() is Patient)` without the condition; nil where there is none.
  private static func withoutTargetType(_ expression: String) -> String? {
    let pieces = expression.split(separator: ".where(resolve() is ", omittingEmptySubsequences: false)
    guard pieces.count > 1 else { return nil }
    return String(pieces[0]) + pieces.dropFirst().map { String($0.drop { $0 != ")" }.dropFirst()) }.joined()
  }
}

extension OracleValue {
  /// Whether nothing says what it leads to: an identifier, or an address without a type.
  fileprivate var isOpaque: Bool {
    if case .reference("", let id) = self { return id.hasPrefix("urn:") }
    return isIdentifier
  }

  fileprivate var isIdentifier: Bool { if case .identifier = self { true } else { false } }
}
