import Base
import FHIRModel
import FHIRSearch

/// What `$everything` is asked.
struct EverythingRequest: Sendable {
  /// The focus: the resource that the operation is called on.
  let type: Schema.TypeID
  let id: String
  let start: FHIRDateTime?
  let end: FHIRDateTime?
  let since: FHIRDateTime?
  /// The types wanted; nil for all.
  let types: Set<Schema.TypeID>?
  let count: Int
  let query: OperationQuery
  let cursor: EverythingCursor?
  let pagingToken: String?

  static let parameters: Set<String> = ["start", "end", "_since", "_type", "_count"]
  /// FHIR R4 encounter-operation-everything.html has no dates of care.
  static let encounterParameters: Set<String> = ["_since", "_type", "_count"]

  init(
    _ operation: Operation, _ parameters: QueryString, schema: Schema, limits: Limits, isStrict: Bool, seal: SipHash
  ) throws(Fault) {
    guard case .instance(let type, let id) = operation.target else {
      throw Fault(.unsupported, "$everything is called on a resource.")
    }
    (self.type, self.id) = (type, id)
    let known = schema.name(type) == "Encounter" ? Self.encounterParameters : Self.parameters
    query = try OperationQuery(parameters, known: known, isStrict: isStrict)
    start = try query.date("start")
    end = try query.date("end")
    since = try query.date("_since")
    count = try query.count(max: limits.searchCountMax) ?? limits.searchCountMax
    let names = query.all("_type").flatMap { $0.split(separator: ",") }
    types = names.isEmpty ? nil : Set(names.compactMap { schema.resourceType(String($0)) })
    pagingToken = parameters["ct"]
    cursor = pagingToken.flatMap { [query] text in
      EverythingCursor(text, for: Self.sealed(type, id, query, schema), with: seal)
    }
    if pagingToken != nil && cursor == nil {
      throw Fault(.invalid, "The paging token 'ct' is not one of this operation's.", code: "value")
    }
  }

  func wants(_ type: Schema.TypeID) -> Bool { types?.contains(type) ?? true }

  /// The token of a next page.
  func token(_ cursor: EverythingCursor, schema: Schema, seal: SipHash) -> String {
    cursor.sealed(for: Self.sealed(type, id, query, schema), with: seal)
  }

  /// What a token is bound to.
  private static func sealed(_ type: Schema.TypeID, _ id: String, _ query: OperationQuery, _ schema: Schema) -> String {
    "\(schema.name(type))/\(id)/$everything?\(query.link)"
  }
}

/// Where the next page of `$everything` starts.
struct EverythingCursor: Sendable, Equatable {
  /// What is told of each subject, one after the other.
  enum Phase: Int64, Sendable, CaseIterable {
    /// The subject and what it refers to.
    case focus = 0
    /// What is in its compartment and has a date of care, where such a date is asked for.
    case dated
    /// What else is in its compartment.
    case members
    /// Devices of the patient, which R4 does not count among its compartment.
    case devices
  }

  /// The version of the operation's focus at the first page: its list of subjects holds for all pages.
  var version: Int64
  var subject = 0
  var phase = Phase.focus
  /// The place within the phase behind which the page begins; 0 for its beginning.
  var after: Int64 = 0

  init(version: Int64) { self.version = version }

  init?(_ text: String, for query: String, with seal: SipHash) {
    guard let numbers = PagingToken(text, for: query, with: seal, count: 4)?.positions, numbers.count == 4,
      let subject = Int(exactly: numbers[1]), subject >= 0, let phase = Phase(rawValue: numbers[2])
    else { return nil }
    (version, self.subject, self.phase, after) = (numbers[0], subject, phase, numbers[3])
  }

  func sealed(for query: String, with seal: SipHash) -> String {
    PagingToken(positions: [version, Int64(subject), phase.rawValue, after]).sealed(for: query, with: seal)
  }
}
