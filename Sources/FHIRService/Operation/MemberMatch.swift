import Base
import FHIRModel
import FHIRSearch
import FHIRStore
import JSONCore

extension FHIRService {
  /// Patients that one call looks at; a description that fits more of them is too wide to tell one member.
  private static let memberCandidatesMax = 1_000
  private static let memberPageCount = 100

  /// `Patient/$member-match` (Da Vinci HRex OperationDefinition/member-match): the one patient that fits a description
  /// by another payer, with a coverage that fits as well.
  ///
  /// Everything that the two resources say and a search can ask for has to be said by what is stored, too; references
  /// are left out, because they name resources of the other payer's.
  func memberMatch(_ operation: Operation, _ call: Call, _ view: StoreView) throws -> Answer {
    guard let parameters = try parameters(call) else {
      throw Fault(.invalid, "The request needs a Parameters resource as its body.", code: "required")
    }
    let member = try resource("MemberPatient", "Patient", parameters)
    let coverage = try resource("OldCoverage", "Coverage", parameters)
    let found = try match(
      SearchQuery(describing: member, self), coverage: SearchQuery(describing: coverage, self), view)
    guard let identifier = try Self.memberIdentifier(found, jsonLimits) else {
      throw Fault(.unprocessable, "No match found.", code: "not-found")
    }
    var writer = JSONWriter(reserving: 1_024)
    writer.beginObject()
    writer.member("resourceType", "Parameters")
    writer.key("parameter")
    writer.beginArray()
    writer.beginObject()
    writer.member("name", "MemberPatient")
    writer.key("resource")
    writer.patient(member.value, adding: identifier)
    writer.endObject()
    writer.endArray()
    writer.endObject()
    return Answer(200, resource: writer.bytes)
  }

  fileprivate struct Description {
    let value: JSONValue
    let type: Schema.TypeID
  }

  private func resource(_ name: String, _ typeName: String, _ parameters: JSONValue) throws(Fault) -> Description {
    let found = (parameters["parameter"]?.elements ?? []).filter { $0["name"]?.string == name }
    guard found.count == 1, let value = found[0]["resource"], value["resourceType"]?.string == typeName,
      let type = schema.resourceType(typeName)
    else {
      throw Fault(.invalid, "The body must have one parameter '\(name)' with a \(typeName).", code: "required")
    }
    return Description(value: value, type: type)
  }

  /// The only patient that fits and has a coverage that fits.
  private func match(_ patients: SearchQuery, coverage: SearchQuery, _ view: StoreView) throws -> StoredVersion {
    guard let type = coverage.types.first, let beneficiary = store.parameters.parameter(type, "beneficiary") else {
      throw Fault(.unsupported, "This release has no coverage of a beneficiary.")
    }
    var found: StoredVersion?
    var after: PagePosition?
    var candidates = 0
    repeat {
      let page = try view.search(patients, after: after, count: Self.memberPageCount, bytesMax: limits.pageBytesMax)
      candidates += page.matches.count
      for patient in page.matches {
        var own = coverage
        let reference = SearchValue.reference(type: patient.typeName, id: patient.id)
        own.criteria.append(
          .condition(SearchCondition(parameters: [beneficiary], modifier: nil, values: [reference])))
        guard try !view.ids(own, limit: 1).isEmpty else { continue }
        guard found == nil else { throw multipleMembers }
        found = patient
      }
      after = page.next
      guard after == nil || candidates < Self.memberCandidatesMax else { throw multipleMembers }
    } while after != nil
    guard let found else { throw Fault(.unprocessable, "No match found.", code: "not-found") }
    return found
  }

  private var multipleMembers: Fault {
    Fault(.unprocessable, "Found multiple matches, narrow search criteria.", code: "multiple-matches")
  }

  /// The member's own identifier: of type MB (member number, v2-0203).
  private static func memberIdentifier(_ patient: StoredVersion, _ limits: JSONLimits) throws -> JSONValue? {
    guard let body = patient.body else { return nil }
    return try JSONDocument(body.bytes, limits: limits).value["identifier"]?.elements.first { identifier in
      identifier["type"]?["coding"]?.elements.contains { $0["code"]?.string == "MB" } ?? false
    }
  }
}

extension SearchQuery {
  /// What a description does not tell of the member: bookkeeping of whoever wrote it, and whether it died, which R4's
  /// parameter says of everybody.
  private static let excluded: Set<String> = ["_profile", "_security", "_source", "deceased"]

  /// A search for resources that say everything the described one says.
  /// - Throws: `.invalid` for one that says more than a search may ask.
  fileprivate init(describing resource: FHIRService.Description, _ service: FHIRService) throws(Fault) {
    self.init(types: [resource.type])
    let known = service.store.parameters.parameters(resource.type)
    let byNumber = Dictionary(known.map { ($0.number, $0) }, uniquingKeysWith: { first, _ in first })
    let rows = try service.extractor(service.store.catalog).rows(
      of: resource.value.document, resource.value.node, resource.type)
    for row in rows {
      guard let parameter = byNumber[row.parameter], !Self.excluded.contains(parameter.code),
        !parameter.isAnsweredByResource, let value = SearchValue(row)
      else { continue }
      // The words beside a code and the identifiers of references are told in other ways too.
      if case .string = row, parameter.kind == .token { continue }
      if parameter.kind == .reference { continue }
      let modifier: SearchCondition.Modifier? = parameter.kind == .string ? .exact : nil
      criteria.append(
        .condition(SearchCondition(parameters: [parameter], modifier: modifier, values: [value])))
    }
    guard criteria.count <= service.limits.searchParametersMax else {
      throw Fault(
        .invalid, "A described resource may have at most \(service.limits.searchParametersMax) values for search.",
        code: "too-costly")
    }
  }
}

extension SearchValue {
  /// The search for what an index row says; nil for references, composites and positions.
  fileprivate init?(_ row: IndexRow) {
    switch row {
    case .token(_, let system, let code):
      if IndexRow.isPseudoSystem(system) { return nil }
      self = .token(system: system.isEmpty ? .any : .uri(system), code: code)
    case .string(_, _, let text, _): self = .string(text)
    case .date(_, let low, let high, _): self = .date(.eq, low: low, high: high)
    case .number(_, let low, let high, _): self = .number(.eq, low: low, high: high, exact: low)
    case .quantity(_, let system, let code, let low, let high, _):
      self = .quantity(
        .eq, SearchAmount(low: low, high: high, exact: low), system: system.isEmpty ? nil : system,
        code: code.isEmpty ? nil : code)
    case .uri(_, let value): self = .uri(value)
    case .reference, .composite, .position, .missing, .contained, .within: return nil
    }
  }
}

extension JSONWriter {
  /// The patient as it was described, with the identifier of the member that it is.
  fileprivate mutating func patient(_ patient: JSONValue, adding identifier: JSONValue) {
    beginObject()
    for (name, value) in patient.members where name != "identifier" {
      key(name)
      self.value(value.document, value.node)
    }
    key("identifier")
    beginArray()
    for own in patient["identifier"]?.elements ?? [] { value(own.document, own.node) }
    beginObject()
    key("type")
    beginObject()
    key("coding")
    beginArray()
    beginObject()
    member("system", "http://terminology.hl7.org/CodeSystem/v2-0203")
    member("code", "UMB")
    member("display", "Member Match")
    endObject()
    endArray()
    member("text", "Member Match")
    endObject()
    if let system = identifier["system"]?.string { member("system", system) }
    if let value = identifier["value"]?.string { member("value", value) }
    endObject()
    endArray()
    endObject()
  }
}
