import Base
import FHIRModel
import FHIRSearch
import JSONCore
import Synchronization

/// What this service can do, generated from what is wired (FHIR R4 capabilitystatement.html).
final class CapabilityStatement: Sendable {
  private let parameters: SearchParameters
  private let versions: VersionPolicies
  private let software: FHIRService.Software
  private let date: Instant
  /// The statement names the service's own address, so there is one for each address it is reached by.
  private let statements: Mutex<[Name: [UInt8]]>

  private struct Name: Hashable {
    let base: String
    let security: ServiceSecurity?
  }

  /// Addresses come from a header of the client's: more than these are made anew each time.
  private static let statementsMax = 8

  init(_ parameters: SearchParameters, versions: VersionPolicies, software: FHIRService.Software, date: Instant) {
    self.parameters = parameters
    self.versions = versions
    self.software = software
    self.date = date
    self.statements = Mutex([:])
  }

  /// - Parameter security: nil for a service that asks nobody who they are.
  func answer(base: String, security: ServiceSecurity?) -> Answer {
    let name = Name(base: base, security: security)
    if let known = statements.withLock({ $0[name] }) { return Answer(200, resource: known) }
    let made = statement(base, security)
    statements.withLock { statements in
      if statements.count < Self.statementsMax { statements[name] = made }
    }
    return Answer(200, resource: made)
  }

  private func statement(_ base: String, _ security: ServiceSecurity?) -> [UInt8] {
    let schema = parameters.schema
    var writer = JSONWriter(reserving: 1024 * 1024)
    writer.beginObject()
    writer.member("resourceType", "CapabilityStatement")
    writer.member("url", "\(base)/metadata")
    writer.member("version", software.version)
    writer.member("name", software.name)
    writer.member("status", "active")
    writer.member("date", date.fhir)
    writer.member("kind", "instance")
    writer.key("software")
    writer.beginObject()
    writer.member("name", software.name)
    writer.member("version", software.version)
    writer.endObject()
    writer.key("implementation")
    writer.beginObject()
    writer.member("description", software.name)
    writer.member("url", base)
    writer.endObject()
    writer.member("fhirVersion", schema.fhirVersion)
    writer.strings("format", ["application/fhir+json", "json", "application/fhir+xml", "xml"])
    writer.strings("patchFormat", ["application/json-patch+json", "application/fhir+json"])
    writer.key("rest")
    writer.beginArray()
    writer.beginObject()
    writer.member("mode", "server")
    security?.write(schema, to: &writer)
    writer.key("resource")
    writer.beginArray()
    let references = CapabilityReferences(parameters)
    for type in schema.resourceTypes where schema.name(type) != "Parameters" {
      write(type, references, base, to: &writer)
    }
    writer.endArray()
    writer.codes("interaction", ["transaction", "batch", "search-system", "history-system"])
    write(SearchQueryParser.special(schema), to: &writer)
    writer.key("operation")
    writer.beginArray()
    writer.operation("versions", "http://hl7.org/fhir/OperationDefinition/CapabilityStatement-versions")
    writer.operation("fhirpath", "\(base)/OperationDefinition/fhirpath")
    for definition in OperationDefinition.all where definition.levels[.system] != nil {
      writer.operation(definition.code.rawValue, definition.url(base))
    }
    writer.endArray()
    writer.strings("compartment", schema.compartments.map(\.url))
    writer.endObject()
    writer.endArray()
    writer.endObject()
    return writer.bytes
  }

  private func write(
    _ type: Schema.TypeID, _ references: CapabilityReferences, _ base: String, to writer: inout JSONWriter
  ) {
    let schema = parameters.schema
    writer.beginObject()
    writer.member("type", schema.name(type))
    writer.member("profile", "http://hl7.org/fhir/StructureDefinition/\(schema.name(type))")
    writer.codes(
      "interaction",
      ["read", "vread", "create", "update", "patch", "delete", "history-instance", "history-type", "search-type"])
    let policy = versions[schema.name(type)]
    writer.member("versioning", policy.rawValue)
    writer.member("readHistory", policy != .none)
    writer.member("updateCreate", true)
    writer.member("conditionalCreate", true)
    writer.member("conditionalRead", "full-support")
    writer.member("conditionalUpdate", true)
    writer.member("conditionalDelete", "multiple")
    writer.strings("searchInclude", references.included(by: type))
    writer.strings("searchRevInclude", references.includable(to: type))
    let searchable = parameters.parameters(type).filter { $0.isSearchable(schema) }
    if !searchable.isEmpty {
      writer.key("searchParam")
      writer.beginArray()
      for parameter in searchable {
        writer.beginObject()
        writer.member("name", parameter.code)
        writer.member("definition", parameter.definition.url)
        writer.member("type", "\(parameter.kind)")
        if !parameter.definition.description.isEmpty {
          writer.member("documentation", parameter.definition.description)
        }
        writer.endObject()
      }
      writer.endArray()
    }
    writer.key("operation")
    writer.beginArray()
    for definition in OperationDefinition.all where definition.isOffered(on: schema.name(type)) {
      writer.operation(definition.code.rawValue, definition.url(base))
    }
    writer.endArray()
    writer.endObject()
  }

  /// Parameters of every search.
  private func write(_ special: [(name: String, kind: SearchParameter.Kind)], to writer: inout JSONWriter) {
    writer.key("searchParam")
    writer.beginArray()
    for parameter in special {
      writer.beginObject()
      writer.member("name", parameter.name)
      writer.member("type", "\(parameter.kind)")
      writer.endObject()
    }
    writer.endArray()
  }
}

/// What searches can bring along: the reference parameters by the types that have them, and that they lead to.
private struct CapabilityReferences {
  private var included: [Schema.TypeID: [String]] = [:]
  private var includable: [Schema.TypeID: [String]] = [:]
  private let schema: Schema

  init(_ parameters: SearchParameters) {
    schema = parameters.schema
    for type in schema.resourceTypes {
      for parameter in parameters.parameters(type) where parameter.kind == .reference {
        let name = "\(schema.name(type)):\(parameter.code)"
        included[type, default: []].append(name)
        let targets = parameter.definition.targets
        for target in targets.isEmpty ? schema.resourceTypes : targets { includable[target, default: []].append(name) }
      }
    }
  }

  /// Values of `_include` for a search of a type.
  func included(by type: Schema.TypeID) -> [String] {
    ["*", "\(schema.name(type)):*"] + (included[type] ?? [])
  }

  /// Values of `_revinclude` for a search of a type.
  func includable(to type: Schema.TypeID) -> [String] { ["*:*"] + (includable[type] ?? []) }
}

extension JSONWriter {
  fileprivate mutating func strings(_ name: StaticString, _ values: [String]) {
    key(name)
    beginArray()
    for value in values { string(value) }
    endArray()
  }

  fileprivate mutating func codes(_ name: StaticString, _ values: [String]) {
    key(name)
    beginArray()
    for value in values {
      beginObject()
      member("code", value)
      endObject()
    }
    endArray()
  }

  fileprivate mutating func operation(_ name: String, _ definition: String) {
    beginObject()
    member("name", name)
    member("definition", definition)
    endObject()
  }
}
