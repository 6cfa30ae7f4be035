import Base
import FHIRModel
import FHIRSearch
import FHIRStore
import JSONCore

/// `SearchParameter/$status`: which search parameters answer, and switching them off and on.
extension FHIRService {
  func statuses(_ query: QueryString, _ view: StoreView) throws -> Answer {
    var wanted: [String: Set<String>] = [:]
    for parameter in query.parameters where parameter.name != "_format" && parameter.name != "_pretty" {
      guard ["url", "code", "resourcetype"].contains(parameter.name) else {
        throw Fault(
          .invalid, "$status knows the parameters url, code and resourcetype, not '\(parameter.name.prefix(80))'.",
          code: "not-supported")
      }
      wanted[parameter.name, default: []].formUnion(parameter.value.split(separator: ",").map(String.init))
    }
    let types = wanted["resourcetype"].map { names in names.compactMap { schema.type($0) } }
    let found = try view.parameterStatuses().filter { status in
      let definition = status.definition
      return (wanted["url"]?.contains(definition.url) ?? true) && (wanted["code"]?.contains(definition.code) ?? true)
        && (types?.contains { type in definition.base.contains { schema.isSubtype(type, of: $0) } } ?? true)
    }
    return answer(found)
  }

  private func answer(_ statuses: [ParameterStatus]) -> Answer {
    var writer = JSONWriter(reserving: 256 + statuses.count * 160)
    writer.beginObject()
    writer.member("resourceType", "Parameters")
    if !statuses.isEmpty {
      writer.key("parameter")
      writer.beginArray()
      for status in statuses {
        writer.beginObject()
        writer.member("name", "searchParameterStatus")
        writer.key("part")
        writer.beginArray()
        writer.parameter("url", "valueUrl", status.definition.url)
        writer.parameter("status", "valueString", status.state.rawValue)
        writer.endArray()
        writer.endObject()
      }
      writer.endArray()
    }
    writer.endObject()
    return Answer(200, resource: writer.bytes)
  }

  // MARK: Switching

  func changeStatuses(_ call: Call, _ permit: Permit) async throws -> Answer {
    let wanted = try switches(call)
    let all = try await store.read(within: permit.restriction) { try $0.parameterStatuses() }
    var changes: [(ParameterStatus, isOn: Bool)] = []
    for (url, isOn) in wanted {
      guard let status = all.first(where: { $0.definition.url == url }) else {
        throw Fault(.notFound, "There is no search parameter '\(url.prefix(160))'.")
      }
      if !isOn { try checkSwitchable(status) }
      changes.append((status, isOn))
    }
    try await store.turn(changes)
    let urls = Set(wanted.map(\.url))
    return try await store.read(within: permit.restriction) { view in
      self.answer(try view.parameterStatuses().filter { urls.contains($0.definition.url) })
    }
  }

  /// URLs with whether they are to be on.
  private func switches(_ call: Call) throws -> [(url: String, isOn: Bool)] {
    let entries = try parameters(call)?["parameter"]?.elements ?? []
    guard !entries.isEmpty else {
      throw Fault(.invalid, "The body must be Parameters with at least one 'searchParameterStatus'.", code: "required")
    }
    var found: [(url: String, isOn: Bool)] = []
    for entry in entries {
      let parts = entry["part"]?.elements ?? []
      func text(_ name: String) -> String? {
        parts.first { $0["name"]?.string == name }?.members.first { $0.name.hasPrefix("value") }?.value.string
      }
      guard entry["name"]?.string == "searchParameterStatus", let url = text("url"), !url.isEmpty else {
        throw Fault(.invalid, "Each 'searchParameterStatus' must name one search parameter by its 'url'.")
      }
      guard let status = text("status"), status == "Supported" || status == "Disabled" else {
        throw Fault(.invalid, "A search parameter's status can be set to Supported or Disabled.", code: "value")
      }
      guard !found.contains(where: { $0.url == url }) else {
        throw Fault(.invalid, "The search parameter '\(url.prefix(160))' is named more than once.", code: "duplicate")
      }
      found.append((url, status == "Supported"))
    }
    return found
  }

  /// What the server itself relies upon cannot be switched off.
  private func checkSwitchable(_ status: ParameterStatus) throws(Fault) {
    let definition = status.definition
    let isNeeded =
      ["_id", "_lastUpdated"].contains(definition.code) || SearchParameters.queryOnly.contains(definition.code)
    let compartment = schema.compartments.first { compartment in
      compartment.parameters.contains { type, codes in
        codes.contains(definition.code) && definition.base.contains { schema.isSubtype(type, of: $0) }
      }
    }
    guard isNeeded || compartment != nil else { return }
    let use = compartment.map { "the \($0.code) compartment is made of it" } ?? "every search may need it"
    throw Fault(
      .invalid, "The search parameter '\(definition.url)' cannot be switched off: \(use).", code: "business-rule")
  }
}

// MARK: - SearchParameter resources

extension FHIRService {
  /// Why a resource cannot be carried out as a search parameter; empty for resources of other types.
  func searchParameterFlaws(_ resource: ResourceNode, _ type: Schema.TypeID) -> [Fault.Reason] {
    guard schema.name(type) == "SearchParameter" else { return [] }
    return searchParameterCheck.flaws(of: JSONValue(resource.document, resource.node))
  }

  /// The release's own search parameters cannot be deleted, and one that there is not is told.
  func checkDeletion(of type: Schema.TypeID, _ id: String, _ current: StoredVersion?) throws(Fault) {
    guard current == nil, schema.name(type) == "SearchParameter" else { return }
    if schema.searchParameter(url: "http://hl7.org/fhir/SearchParameter/\(id)") != nil {
      throw Fault(.methodNotAllowed, "The search parameter '\(id)' is defined by the standard and cannot be deleted.")
    }
    throw notFound(type, id)
  }
}
