import DICOMService
import FHIRService
import Identity

/// Who asks a service, found out from a token once and kept with it: what rules say of him, and what they come to.
final class Caller: Sendable {
  let principal: Principal
  let decision: Decision
  let dicomDecision: DICOMDecision
  /// Who he is, as the audit log says it.
  let audit: [UInt8]
  /// See `TrustedIssuer.isStillGood`.
  private let isStillGood: (@Sendable (Principal) -> Bool)?

  init(_ principal: Principal, _ rules: AccessRules, isStillGood: (@Sendable (Principal) -> Bool)?) {
    self.principal = principal
    self.isStillGood = isStillGood
    audit = Self.audit(principal)
    decision = Decision(rules)
    dicomDecision = DICOMDecision(rules)
  }

  var isGood: Bool { isStillGood.map { $0(principal) } ?? true }
}
