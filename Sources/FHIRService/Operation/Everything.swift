import Base
import FHIRModel
import FHIRSearch
import FHIRStore
import JSONCore

extension FHIRService {
  /// `$everything` of a patient, an encounter or a group (FHIR R4 patient-operation-everything.html, …).
  ///
  /// The answer comes in phases, and a page shows one phase of one subject: the focus with what it refers to, then what
  /// is in its compartment, then its devices; then the same for each patient that it is linked to by "seealso", or for
  /// each member of a group.
  func everything(_ operation: Operation, _ call: Call, _ view: StoreView) throws -> Answer {
    let request = try EverythingRequest(
      operation, try query(operation, call), schema: schema, limits: limits, isStrict: call.preference.isStrict,
      seal: store.seal)
    guard let newest = try view.current(request.type, request.id) else { throw notFound(request.type, request.id) }
    let cursor = request.cursor ?? EverythingCursor(version: newest.version)
    let focus = cursor.version == newest.version ? newest : try view.version(request.type, request.id, cursor.version)
    let links = try EverythingLinks(focus ?? newest, schema)
    var warnings = request.query.warnings
    if request.cursor == nil, let other = links.replacedBy {
      let text =
        "The patient with id `\(request.id)` is no longer relevant. Use patient with id `\(other)` instead."
      if call.preference.isStrict { return moved(to: other, text, call) }
      warnings.append(Fault.Reason(text, code: "conflict", severity: .warning))
    }
    let page = try page(request, links.subjects, from: cursor, view)
    return Answer(200, resource: bundle(page, request, warnings, call))
  }

  private func moved(to id: String, _ text: String, _ call: Call) -> Answer {
    var answer = Answer(
      301, resource: OperationOutcome.json([Fault.Reason(text, code: "conflict", severity: .error)], id: newID()))
    answer.location = "\(call.base)/Patient/\(id)/$everything"
    return answer
  }

  private func bundle(
    _ page: EverythingPage, _ request: EverythingRequest, _ warnings: [Fault.Reason], _ call: Call
  ) -> [UInt8] {
    let address = "\(call.base)/\(schema.name(request.type))/\(request.id)/$everything"
    var links = [BundleWriter.Link("self", BundleWriter.link(address, request.query.link, request.pagingToken))]
    if let next = page.next {
      let token = request.token(next, schema: schema, seal: store.seal)
      links.append(BundleWriter.Link("next", BundleWriter.link(address, request.query.link, token)))
    }
    var bundle = BundleWriter("searchset", id: newID(), now: clock.now(), links: links)
    if !warnings.isEmpty { bundle.add(outcome: OperationOutcome.json(warnings, id: newID())) }
    for match in page.matches { bundle.add(match: match, base: call.base) }
    return bundle.finish()
  }

  // MARK: Pages

  private struct EverythingPage {
    var matches: [StoredVersion] = []
    var next: EverythingCursor?
  }

  /// Members of a group that one call goes through in search of something to show.
  private static let emptyMembersMax = 100

  /// The page at a cursor: phases without content are left out, up to the end of the subject; a group's members without
  /// content as well.
  private func page(
    _ request: EverythingRequest, _ subjects: [EverythingLinks.Subject], from start: EverythingCursor, _ view: StoreView
  ) throws -> EverythingPage {
    var cursor: EverythingCursor? = start
    var membersLeft = Self.emptyMembersMax
    let isGroup = schema.name(request.type) == "Group"
    while let here = cursor, here.subject < subjects.count {
      let subject = subjects[here.subject]
      let found = try phase(here, subject, request, view)
      cursor = following(here, found.next?.key, subjects)
      if !found.matches.isEmpty { return EverythingPage(matches: found.matches, next: cursor) }
      if let next = cursor, next.subject != here.subject {
        membersLeft -= 1
        if !isGroup || membersLeft == 0 { return EverythingPage(next: next) }
      }
    }
    return EverythingPage()
  }

  private func following(
    _ here: EverythingCursor, _ next: Int64?, _ subjects: [EverythingLinks.Subject]
  ) -> EverythingCursor? {
    var cursor = here
    if let next {
      cursor.after = next
      return cursor
    }
    cursor.after = 0
    if let phase = phases(of: subjects[here.subject].type).first(where: { $0.rawValue > here.phase.rawValue }) {
      cursor.phase = phase
      return cursor
    }
    guard here.subject + 1 < subjects.count else { return nil }
    cursor.phase = .focus
    cursor.subject += 1
    return cursor
  }

  private func phases(of type: Schema.TypeID) -> [EverythingCursor.Phase] {
    guard let compartment = schema.compartment(schema.name(type)) else { return [.focus] }
    guard schema.name(type) == "Patient" else { return [.focus, .members] }
    let countsDevices = schema.resourceType("Device").map { !(compartment.parameters[$0] ?? []).isEmpty } ?? true
    return [.focus, .dated, .members] + (countsDevices ? [] : [.devices])
  }

  private func phase(
    _ cursor: EverythingCursor, _ subject: EverythingLinks.Subject, _ request: EverythingRequest, _ view: StoreView
  ) throws -> SearchPage {
    if cursor.phase == .focus { return try focus(cursor, subject, request, view) }
    guard let search = search(cursor.phase, subject, request) else { return SearchPage() }
    return try view.search(
      search, after: cursor.after == 0 ? nil : PagePosition(key: cursor.after), count: request.count,
      bytesMax: limits.pageBytesMax,
      isFree: false)
  }

  /// The subject and what it refers to, as far as it is wanted.
  private func focus(
    _ cursor: EverythingCursor, _ subject: EverythingLinks.Subject, _ request: EverythingRequest, _ view: StoreView
  ) throws -> SearchPage {
    var page = SearchPage()
    guard let own = try view.current(subject.type, subject.id), let body = own.body else { return page }
    // Patients it is linked to and members have their own turn.
    let excluded = ["link", "member"].compactMap { store.parameters.parameter(subject.type, $0)?.number }
    var keys: Set<Int64> = []
    var found: [StoredVersion] = [own]
    for case .reference(let parameter, let name, let id) in try rows(body, subject.type, store.catalog)
    where !excluded.contains(parameter) {
      guard let type = schema.resourceType(name), let other = try view.current(type, id), !other.isDeleted else {
        continue
      }
      found.append(other)
    }
    found = found.filter { version in
      keys.insert(version.key).inserted && request.wants(version.type)
        && request.since.map { version.updated.milliseconds >= ($0.low + 999) / 1_000 } ?? true
    }
    let begin = Int(exactly: cursor.after).map { min(max($0, 0), found.count) } ?? found.count
    page.matches = Array(found[begin...].prefix(request.count))
    if begin + page.matches.count < found.count { page.next = PagePosition(key: Int64(begin + page.matches.count)) }
    return page
  }

  // MARK: Searches

  private static let clinicalDate = "http://hl7.org/fhir/SearchParameter/clinical-date"

  /// The search of a phase; nil where it has nothing to look for.
  private func search(
    _ phase: EverythingCursor.Phase, _ subject: EverythingLinks.Subject, _ request: EverythingRequest
  ) -> SearchQuery? {
    let isDated = request.start != nil || request.end != nil
    let devices = schema.resourceType("Device").map { [$0] } ?? []
    // Patients that link to the subject are in its compartment, but are told of by their own links; and a group's
    // patients are in that group.
    let members = (schema.compartment(schema.name(subject.type))?.parameters ?? [:]).filter { type, parameters in
      !parameters.isEmpty && type != subject.type && type != request.type
    }
    let types: [Schema.TypeID] =
      switch phase {
      case .focus: []
      case .dated: isDated ? members.keys.filter(hasClinicalDate) : []
      case .members: members.keys.filter { !isDated || !hasClinicalDate($0) }
      case .devices: devices
      }
    let wanted = types.filter { request.wants($0) }.sorted()
    guard !wanted.isEmpty else { return nil }
    var search = SearchQuery(types: wanted)
    func require(_ code: String, _ value: SearchValue) {
      let parameters = wanted.compactMap { store.parameters.parameter($0, code) }
      search.criteria.append(
        .condition(SearchCondition(parameters: parameters, modifier: nil, values: [value])))
    }
    if let since = request.since { require("_lastUpdated", .date(.ge, low: since.low, high: since.high)) }
    if phase == .dated {
      // Care that overlaps the range: it ends at the start or later, and begins at the end or earlier.
      if let start = request.start { require("date", .date(.gt, low: start.low &- 1, high: start.low &- 1)) }
      if let end = request.end { require("date", .date(.lt, low: end.high &+ 1, high: end.high &+ 1)) }
    }
    if phase == .devices {
      require("patient", .reference(type: "Patient", id: subject.id))
    } else {
      restrict(&search, to: Compartment(subject.type, id: subject.id))
    }
    return search
  }

  private func hasClinicalDate(_ type: Schema.TypeID) -> Bool {
    store.parameters.parameter(type, "date")?.definition.url == Self.clinicalDate
  }
}

/// What `$everything` has to go through, as the focus tells it.
private struct EverythingLinks {
  struct Subject: Hashable {
    let type: Schema.TypeID
    let id: String
  }

  /// The focus first, then linked patients by ascending id, or a group's members as the group lists them.
  private(set) var subjects: [Subject]
  /// The patient that takes this one's place (FHIR R4 Patient.link.type).
  private(set) var replacedBy: String?

  init(_ focus: StoredVersion, _ schema: Schema) throws {
    let own = Subject(type: focus.type, id: focus.id)
    subjects = [own]
    guard let body = focus.body, let patient = schema.resourceType("Patient") else { return }
    let resource = try JSONDocument(body.bytes).value
    var others: [String] = []
    for link in resource["link"]?.elements ?? [] where focus.typeName == "Patient" {
      guard let id = Self.patient(link["other"], schema) else { continue }
      switch link["type"]?.string {
      case "seealso": others.append(id)
      case "replaced-by": replacedBy = replacedBy ?? id
      default: continue
      }
    }
    others.sort()
    for member in resource["member"]?.elements ?? []
    where focus.typeName == "Group" && member["inactive"]?.bool != true {
      if let id = Self.patient(member["entity"], schema) { others.append(id) }
    }
    var seen: Set<Subject> = [own]
    subjects += others.map { Subject(type: patient, id: $0) }.filter { seen.insert($0).inserted }
  }

  private static func patient(_ reference: JSONValue?, _ schema: Schema) -> String? {
    guard let text = reference?["reference"]?.string else { return nil }
    let parsed = FHIRReference(text, schema: schema)
    guard parsed.base == nil, FHIRReference.text(parsed.type, of: text) == "Patient" else { return nil }
    return FHIRReference.text(parsed.id, of: text)
  }
}
