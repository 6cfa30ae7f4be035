import Base
import FHIRModel
import FHIRSearch
import FHIRStore

/// The `If-None-Match` header of a write (RFC 9110 §13.1.2): what must not stand.
enum NoneMatch: Sendable, Equatable {
  /// `*`: any version.
  case any
  case versions([Int64])

  /// - Throws: `.invalid` for anything but `*` and weak tags with a version.
  init(header: String) throws(Fault) {
    if header.drop(while: { $0 == " " }) == "*" {
      self = .any
      return
    }
    var versions: [Int64] = []
    for tag in header.split(separator: ",", omittingEmptySubsequences: false) {
      guard let version = EntityTag(String(tag))?.version else {
        throw Fault(
          .invalid, "The If-None-Match header must be * or weak entity tags with versions, such as W/\"1\".")
      }
      versions.append(version)
    }
    self = .versions(versions)
  }
}

extension FHIRService {
  /// What a write demands of the version that stands: RFC 9110 §13.2.2, FHIR R4 http#concurrency and the type's
  /// version policy.
  func checkConditions(of request: WriteRequest, _ current: StoredVersion?) throws(Fault) {
    if let expected = request.ifMatch, current?.version != expected {
      // STU3 http#concurrency has 409 where later releases have 412.
      throw Fault(
        isSTU3 ? .conflict : .preconditionFailed,
        "The resource's version is not the one that the If-Match header names.", code: "conflict")
    }
    guard let current else { return }
    switch request.ifNoneMatch {
    case .any? where !current.isDeleted:
      throw Fault(
        .preconditionFailed, "The resource exists, which the header 'If-None-Match: *' rules out.", code: "conflict")
    case .versions(let versions)? where versions.contains(current.version):
      throw Fault(
        .preconditionFailed, "The resource's version is one that the If-None-Match header rules out.",
        code: "conflict")
    default: break
    }
    guard policy(request.type) == .versionedUpdate, request.ifMatch == nil, request.isUpdate else { return }
    throw Fault(
      isSTU3 ? .preconditionFailed : .invalid,
      "Resources of type \(schema.name(request.type)) are updated only with an If-Match header that names the version "
        + "the update was built upon.", code: "required")
  }

  private var isSTU3: Bool { schema.release == "3.0" }

  /// Headers that make no sense together or with the interaction, before anything is looked up.
  func checkHeaders(_ call: Call) throws(Fault) {
    let conditions = call.conditions
    if case .create = call.interaction {
      guard conditions.ifMatch == nil, conditions.ifNoneMatch == nil else {
        throw Fault(
          .invalid,
          "A create has no version that If-Match or If-None-Match could be compared with; If-None-Exist makes it "
            + "conditional.")
      }
      return
    }
    guard conditions.ifNoneExist == nil else {
      throw Fault(.invalid, "The If-None-Exist header is for creates (POST) only.")
    }
    guard conditions.ifMatch == nil || conditions.ifNoneMatch?.contains("*") != true else {
      throw Fault(
        .invalid,
        "If-Match demands that the resource exists, and 'If-None-Match: *' that it does not; send one of them.")
    }
  }

  /// The id of the only match, nil for none; several are 412 (FHIR R4 http#cond-update).
  func match(_ criteria: SearchQuery, _ type: Schema.TypeID, _ view: StoreView) throws
    -> String?
  {
    let ids = try view.ids(resolved(criteria, view), limit: 2)
    guard ids.count < 2 else {
      throw Fault(
        .preconditionFailed, "The criteria match more than one resource of type \(schema.name(type)).",
        code: "multiple-matches")
    }
    return ids.first
  }

  func stillMatchesNothing(_ criteria: SearchQuery) -> @Sendable (StoreView) throws -> Bool {
    { view in try view.ids(self.resolved(criteria, view), limit: 1).isEmpty }
  }

  func stillMatches(_ criteria: SearchQuery, _ id: String) -> @Sendable (StoreView) throws -> Bool {
    { view in try view.ids(self.resolved(criteria, view), limit: 2) == [id] }
  }
}
