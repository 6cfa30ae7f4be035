import Base
import FHIRModel
import FHIRSearch
import FHIRStore
import JSONCore

extension FHIRService {
  /// Labels of one kind that `$meta` of a type or the system lists.
  private static let labelsMax = 1_000

  /// `$meta` (FHIR R4 resource-operation-meta.html): a resource's `meta`, or the profiles, tags and security labels in
  /// use in a type or the system.
  func meta(_ operation: Operation, _ view: StoreView) throws -> Answer {
    switch operation.target {
    case .system, .job: return try labels(schema.resourceTypes, view)
    case .type(let type): return try labels([type], view)
    case .instance(let type, let id):
      guard let found = try view.current(type, id) else { throw notFound(type, id) }
      return try metaAnswer(found)
    case .version(let type, let id, let version):
      guard let number = Int64(version), let found = try view.version(type, id, number), try shows(found, view) else {
        throw notFound(type, id, version)
      }
      return try metaAnswer(found)
    }
  }

  /// `$meta-add` and `$meta-delete` (FHIR R4 resource-operation-meta-add.html, …-delete.html): an update of the
  /// resource with other labels. The standard allows labels to change without a new version (resource.html#Meta); a
  /// version that changes would break every copy known by its tag, so there is a new one.
  func changeMeta(_ operation: Operation, _ call: Call, _ permit: Permit) async throws -> Answer {
    guard case .instance(let type, let id) = operation.target else {
      throw Fault(.unsupported, "This operation is called on a resource.")
    }
    let labels = try metaParameter(call)
    let ifMatch = try expectedVersion(call.conditions.ifMatch)
    let keepsMetaHistory = call.query["_meta-history"] != "false"
    let service = self
    return try await store.write(within: permit.restriction) { view in
      guard let current = try view.current(type, id) else { throw service.notFound(type, id) }
      guard let body = current.body else { throw service.gone(type, id) }
      let resource = ResourceNode(
        try body.changing(labels, isAddition: operation.code == .metaAdd, limits: service.jsonLimits))
      try service.checkStructure(resource, expecting: type)
      var request = WriteRequest(
        type: type, target: .update(id: id), resource: resource, ifMatch: ifMatch, freshID: id)
      request.keepsMetaHistory = keepsMetaHistory
      request.permit = permit
      let step = try service.step(request, nil, ReferenceMap(), view)
      return Prepared(step.changes, guards: step.guards) { committed in
        guard let change = committed.first, let body = change.change.body else {
          return try service.metaAnswer(current)
        }
        var json: [UInt8] = []
        body.append(to: &json, type: current.typeName, id: id, version: change.version, updated: change.updated)
        return try service.metaAnswer(json, change.version, change.updated)
      }
    }
  }

  func gone(_ type: Schema.TypeID, _ id: String) -> Fault {
    Fault(.gone, "Resource type '\(schema.name(type))' with id '\(id)' has been deleted.")
  }

  private func metaParameter(_ call: Call) throws(Fault) -> JSONValue {
    let found = try parameters(call)?["parameter"]?.elements.filter { $0["name"]?.string == "meta" } ?? []
    guard found.count == 1, let meta = found[0]["valueMeta"] else {
      throw Fault(.invalid, "The body must have one parameter 'meta' with a valueMeta.", code: "required")
    }
    return meta
  }

  // MARK: Answers

  private func metaAnswer(_ found: StoredVersion) throws -> Answer {
    guard let json = found.json else { throw gone(found.type, found.id) }
    return try metaAnswer(json, found.version, found.updated)
  }

  private func metaAnswer(_ json: [UInt8], _ version: Int64, _ updated: Instant) throws -> Answer {
    var answer = Answer(200, resource: Self.returned(try JSONDocument(json, limits: jsonLimits).value["meta"]?.json))
    answer.version = version
    answer.lastModified = updated
    return answer
  }

  private static func returned(_ meta: [UInt8]?) -> [UInt8] {
    var writer = JSONWriter(reserving: 256)
    writer.beginObject()
    writer.member("resourceType", "Parameters")
    if let meta {
      writer.key("parameter")
      writer.beginArray()
      writer.beginObject()
      writer.member("name", "return")
      writer.key("valueMeta")
      writer.raw(meta)
      writer.endObject()
      writer.endArray()
    }
    writer.endObject()
    return writer.bytes
  }

  private func labels(_ types: [Schema.TypeID], _ view: StoreView) throws -> Answer {
    let profiles = try view.labels("_profile", types, max: Self.labelsMax)
    let security = try view.labels("_security", types, max: Self.labelsMax)
    let tags = try view.labels("_tag", types, max: Self.labelsMax)
    guard max(profiles.count, security.count, tags.count) <= Self.labelsMax else {
      throw Fault(.unprocessable, "More than \(Self.labelsMax) labels of one kind are in use.", code: "too-costly")
    }
    var writer = JSONWriter(reserving: 256)
    writer.beginObject()
    writer.labels("profile", profiles) { writer, label in writer.string(label.code) }
    writer.labels("security", security, JSONWriter.coding)
    writer.labels("tag", tags, JSONWriter.coding)
    writer.endObject()
    let isEmpty = profiles.isEmpty && security.isEmpty && tags.isEmpty
    // FHIR has no empty objects: where nothing is in use, there is no Meta to return.
    return Answer(200, resource: Self.returned(isEmpty ? nil : writer.bytes))
  }
}

extension JSONWriter {
  fileprivate mutating func labels(
    _ name: StaticString, _ labels: [StoreView.Label], _ write: (inout JSONWriter, StoreView.Label) -> Void
  ) {
    guard !labels.isEmpty else { return }
    key(name)
    beginArray()
    for label in labels { write(&self, label) }
    endArray()
  }

  fileprivate static func coding(_ writer: inout JSONWriter, _ label: StoreView.Label) {
    writer.beginObject()
    if !label.system.isEmpty { writer.member("system", label.system) }
    writer.member("code", label.code)
    writer.endObject()
  }
}

// MARK: - Changing labels

extension ResourceBody {
  /// The resource with labels added or removed. A tag or security label is its system and code, a profile its whole URL
  /// (FHIR R4 resource-operation-meta-add.html); version and display do not count.
  fileprivate func changing(_ labels: JSONValue, isAddition: Bool, limits: JSONLimits) throws -> JSONDocument {
    let resource = try JSONDocument(bytes, limits: limits).value
    var writer = JSONWriter(reserving: bytes.count + 256)
    writer.beginObject()
    for (name, value) in resource.members where name != "meta" {
      writer.key(name)
      writer.value(value.document, value.node)
    }
    writer.key("meta")
    writer.beginObject()
    let meta = resource["meta"]
    let sets = ["profile", "security", "tag"]
    for (name, value) in meta?.members ?? [] where !sets.contains(name) {
      writer.key(name)
      writer.value(value.document, value.node)
    }
    for name in sets {
      let standing = meta?[JSONKey(name)]?.elements ?? []
      let given = labels[JSONKey(name)]?.elements ?? []
      let list =
        isAddition
        ? standing + Self.absent(given, from: standing) : Self.absent(standing, from: given, keepingDuplicates: true)
      guard !list.isEmpty else { continue }
      writer.key(name)
      writer.beginArray()
      for label in list { writer.value(label.document, label.node) }
      writer.endArray()
    }
    writer.endObject()
    writer.endObject()
    return try JSONDocument(writer.bytes, limits: limits)
  }

  private struct Identity: Hashable {
    let system: String?
    let code: String?
  }

  private static func identity(_ label: JSONValue) -> Identity {
    if let profile = label.string { return Identity(system: nil, code: profile) }
    return Identity(system: label["system"]?.string, code: label["code"]?.string)
  }

  private static func absent(
    _ labels: [JSONValue], from others: [JSONValue], keepingDuplicates: Bool = false
  ) -> [JSONValue] {
    var seen = Set(others.map { identity($0) })
    return labels.filter { keepingDuplicates ? !seen.contains(identity($0)) : seen.insert(identity($0)).inserted }
  }
}
