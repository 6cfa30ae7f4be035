import Base
import FHIRModel
import FHIRSearch
import FHIRStore

extension FHIRService {
  /// FHIR R4 http#concurrency: another version than the expected one is 412.
  func checkVersion(_ expected: Int64?, _ current: StoredVersion?) throws(Fault) {
    guard let expected else { return }
    guard let current, current.version == expected else {
      throw Fault(
        .preconditionFailed, "The resource's version is not the one that the If-Match header names.", code: "conflict")
    }
  }

  /// The id of the only match, nil for none; several are 412 (FHIR R4 http#cond-update).
  func match(_ criteria: SearchQuery, _ type: Schema.TypeID, _ view: StoreView) throws
    -> String?
  {
    let ids = try view.ids(criteria, limit: 2)
    guard ids.count < 2 else {
      throw Fault(
        .preconditionFailed, "The criteria match more than one resource of type \(schema.name(type)).",
        code: "multiple-matches")
    }
    return ids.first
  }

  func stillMatchesNothing(_ criteria: SearchQuery) -> @Sendable (StoreView) throws -> Bool {
    { view in try view.ids(criteria, limit: 1).isEmpty }
  }

  func stillMatches(_ criteria: SearchQuery, _ id: String) -> @Sendable (StoreView) throws -> Bool {
    { view in try view.ids(criteria, limit: 2) == [id] }
  }
}
