/// How a service turns what tokens say into what their bearers may do.
public struct AccessSettings: Sendable {
  /// When SMART scopes are enforced.
  public enum ScopeRule: Sendable {
    /// Whenever a token has scopes for resources, or its roles have the action `smart`: no token does more than its
    /// scopes say.
    case whenPresent
    /// Only if the roles have the action `smart`, as in Azure: else scopes are ignored and roles alone decide.
    case withSMARTAction
  }

  public var roles = RoleTable.standard
  public var scopeRule = ScopeRule.whenPresent
  /// What scopes can grant to a caller whose token has no role of this service; empty if roles are needed always.
  public var actionsWithoutRoles: DataActions = [
    .read, .write, .delete, .export, .search, .readByID, .create, .update,
  ]
  /// Apps whose actions are configured rather than in their tokens (`smartIdentityProviders`): by issuer and client.
  /// Scopes are always enforced for them.
  public var applications: [String: [String: DataActions]] = [:]
  /// Objects (`oid`) that may do everything, by issuer: API for FHIR's `accessPolicies`. Another issuer may let people
  /// choose what this claim says.
  public var accessPolicies: [String: Set<String>] = [:]
  /// The types a `fhirUser` may be of.
  public var fhirUserTypes: Set<String> = ["Patient", "Practitioner"]
  /// The types of `fhirUser` who, with `user` scopes, see their own compartment only. Whoever is of another type sees
  /// what the scopes say; in Azure nobody does.
  public var compartmentUserTypes: Set<String> = ["Patient", "Practitioner"]
  /// The addresses a `fhirUser` may be below; nil for any. Another server's `Patient/1` is not ours.
  public var fhirUserBases: Set<String>?
  /// What everybody with a scope for it may read, whichever compartment it is in.
  public var universalTypes: Set<String> = ["Location", "Organization", "Practitioner", "Medication"]
  /// Whether a device is seen only if it is the patient's or nobody's; else it is one of the universal types.
  public var restrictsDevices = true
  public var allowsMixedContexts = false
  public var allowsMixedVersions = false
  /// Whether searches with scopes that have conditions may include other resources, or reach into them by chains. The
  /// conditions hold there as well; Microsoft's server refuses.
  public var allowsJoinsUnderConditions = false
  /// Types of the service's FHIR release.
  public var isType: @Sendable (String) -> Bool = { _ in true }

  public init() {}

  /// Whether a `fhirUser` is of a type and server that count.
  func allows(_ user: FHIRUser) -> Bool {
    guard fhirUserTypes.contains(user.type) else { return false }
    guard let fhirUserBases, let base = user.base else { return true }
    return fhirUserBases.contains(base)
  }
}

/// Why nothing is allowed, rather than something denied: the token's scopes or contexts make no sense (400 in
/// Microsoft's server).
public struct AccessError: Error, Sendable, Equatable {
  public enum Code: String, Sendable { case scope, mixedVersions, mixedContexts, fhirUser, patient }

  public let code: Code
  /// For the caller.
  public let message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}

extension AccessError: CustomStringConvertible {
  /// The code alone: safe to log.
  public var description: String { "AccessError(\(code.rawValue))" }
}
