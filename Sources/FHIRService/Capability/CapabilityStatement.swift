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
  private let statements: Mutex<[String: [UInt8]]>

  /// Addresses come from a header of the client's: more than these are made anew each time.
  private static let statementsMax = 8

  init(_ parameters: SearchParameters, versions: VersionPolicies, software: FHIRService.Software, date: Instant) {
    self.parameters = parameters
    self.versions = versions
    self.software = software
    self.date = date
    self.statements = Mutex([:])
  }

  func answer(base: String) -> Answer {
    if let known = statements.withLock({ $0[base] }) { return Answer(200, resource: known) }
    let made = statement(base)
    statements.withLock { statements in
      if statements.count < Self.statementsMax { statements[base] = made }
    }
    return Answer(200, resource: made)
  }

  private func statement(_ base: String) -> [UInt8] {
    let schema = parameters.schema
    var writer = JSONWriter(reserving: 512 * 1024)
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
    writer.key("resource")
    writer.beginArray()
    for type in schema.resourceTypes where schema.name(type) != "Parameters" { write(type, schema, base, to: &writer) }
    writer.endArray()
    writer.codes("interaction", ["transaction", "batch", "search-system", "history-system"])
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

  private func write(_ type: Schema.TypeID, _ schema: Schema, _ base: String, to writer: inout JSONWriter) {
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
