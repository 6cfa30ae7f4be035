/// What one caller may do with one service. Made once for a token and kept with it; asked for every interaction, of
/// bundles' entries, includes and chains too.
///
/// **Roles and scopes.** Roles say which data actions; scopes say, besides, of which types and of whom. Where scopes
/// are enforced (`AccessSettings.ScopeRule`) both must allow. A token without a role of this service can still have
/// scopes, which then grant no more than `actionsWithoutRoles`. A token with neither may do nothing.
///
/// **Contexts.** `patient/` scopes reach the compartment of the launch context's patient, or of the `fhirUser` if that
/// is a patient. `user/` scopes reach the `fhirUser`'s compartment. `system/` scopes reach everything of their types.
/// Without the claim that names whom they are about, scopes are worth nothing and the token is refused.
public struct AccessRules: Sendable {
  /// The data actions of the roles, or what stands for them.
  public let actions: DataActions
  public let dicomActions: DICOMActions
  /// The scopes that are enforced; nil if roles alone decide.
  public let scopes: SMARTScopes?
  /// The `fhirUser`, if it is used.
  public let user: FHIRUser?
  private let reaches: [Reach]
  private let settings: AccessSettings?

  /// A scope with whom it reaches.
  private struct Reach: Sendable {
    let scope: SMARTScope
    let compartment: AccessFilter.Compartment?
  }

  /// Everything: for a service without authentication, and for the server's own work.
  public static let everything = AccessRules(actions: .all, dicomActions: .all)
  /// Nothing but what is for everybody.
  public static let anonymous = AccessRules(actions: [], dicomActions: [])

  private init(actions: DataActions, dicomActions: DICOMActions) {
    self.actions = actions
    self.dicomActions = dicomActions
    scopes = nil
    user = nil
    reaches = []
    settings = nil
  }

  /// - Throws: if the scopes contradict themselves or lack the claim that says whom they are about.
  public init(_ principal: Principal, _ settings: AccessSettings = AccessSettings()) throws(AccessError) {
    let application = principal.client.flatMap { settings.applications[principal.issuer]?[$0] }
    let roles = principal.roles.compactMap { settings.roles[$0] }
    var actions = roles.reduce(into: DataActions()) { $0.formUnion($1.actions) }
    dicomActions = roles.reduce(into: DICOMActions()) { $0.formUnion($1.dicomActions) }
    if let object = principal.objectID, settings.accessPolicies[principal.issuer]?.contains(object) == true {
      actions.formUnion(.all)
    }
    let isSMART = actions.contains(.smart) || application != nil
    // Scopes that are not enforced are not read either: they may be anything.
    let isRead = isSMART || settings.scopeRule == .whenPresent
    let scopes = isRead ? try AccessRules.scopes(principal, settings) : SMARTScopes()
    let isScoped = isSMART || !scopes.resources.isEmpty
    if let application {
      actions = application
    } else if isScoped, actions.isEmpty {
      actions = settings.actionsWithoutRoles
    }
    self.actions = actions
    self.settings = settings
    guard isScoped else {
      self.scopes = nil
      user = nil
      reaches = []
      return
    }
    try AccessRules.check(scopes, settings)
    self.scopes = scopes
    user = try AccessRules.user(principal, scopes, settings)
    reaches = try AccessRules.reaches(scopes, principal, user, settings)
  }

  // MARK: scopes

  private static func scopes(_ principal: Principal, _ settings: AccessSettings) throws(AccessError) -> SMARTScopes {
    var grammar = SMARTScope.Grammar.tolerant
    grammar.isType = settings.isType
    do {
      return try SMARTScopes(principal.scopes, grammar)
    } catch {
      throw AccessError(.scope, error.message)
    }
  }

  /// The rules for combinations (Microsoft's server since 2026).
  private static func check(_ scopes: SMARTScopes, _ settings: AccessSettings) throws(AccessError) {
    if !settings.allowsMixedVersions, scopes.isVersion1, scopes.isVersion2 {
      throw AccessError(.mixedVersions, "Scopes of SMART version 1 and version 2 must not be mixed.")
    }
    if !settings.allowsMixedContexts, scopes.contexts.count > 1 {
      throw AccessError(.mixedContexts, "Scopes for patient, user and system must not be mixed.")
    }
  }

  private static func user(
    _ principal: Principal, _ scopes: SMARTScopes, _ settings: AccessSettings
  ) throws(AccessError) -> FHIRUser? {
    // Apps without a person: what the claim says is about nobody.
    guard scopes.contexts.contains(.patient) || scopes.contexts.contains(.user) else { return nil }
    guard let text = principal.fhirUser else { return nil }
    let known = FHIRUser(text).flatMap { settings.allows($0) ? $0 : nil }
    // Where the patient is known, who holds the app does not matter: a parent may be of any type.
    if !scopes.contexts.contains(.user), principal.patient != nil { return known }
    guard let user = known else {
      let types = settings.fhirUserTypes.sorted().joined(separator: " or ")
      throw AccessError(.fhirUser, "The fhirUser claim is no address of a \(types) of this server.")
    }
    return user
  }

  private static func reaches(
    _ scopes: SMARTScopes, _ principal: Principal, _ user: FHIRUser?, _ settings: AccessSettings
  ) throws(AccessError) -> [Reach] {
    var reaches: [Reach] = []
    for scope in scopes.normalised {
      switch scope.context {
      case .system: reaches.append(Reach(scope: scope, compartment: nil))
      case .patient:
        let id = try patient(principal, user)
        reaches.append(Reach(scope: scope, compartment: AccessFilter.Compartment(type: "Patient", id: id)))
      case .user:
        guard let user else {
          throw AccessError(.fhirUser, "Scopes for the user need a fhirUser claim, which the token does not have.")
        }
        let isBound = settings.compartmentUserTypes.contains(user.type)
        let own = AccessFilter.Compartment(type: user.type, id: user.id)
        reaches.append(Reach(scope: scope, compartment: isBound ? own : nil))
      }
    }
    return reaches
  }

  private static func patient(_ principal: Principal, _ user: FHIRUser?) throws(AccessError) -> String {
    guard let text = principal.patient else {
      guard let user, user.type == "Patient" else {
        throw AccessError(
          .patient, "Scopes for a patient need a patient or a fhirUser claim that names one, which the token lacks.")
      }
      return user.id
    }
    if FHIRUser.isID(text) { return text }
    guard let patient = FHIRUser(text), patient.base == nil, patient.type == "Patient" else {
      throw AccessError(.patient, "The patient claim is no id of a patient.")
    }
    return patient.id
  }

  // MARK: decisions

  /// Whether the caller may do anything at all: what a batch needs before its entries are looked at.
  public var allowsSomething: Bool { !actions.isEmpty && (scopes == nil || !reaches.isEmpty) }

  /// Whether an interaction may be done.
  /// - Parameters:
  ///   - type: the resource's type; nil for the whole system, whose answer then has a filter for each type that may be
  ///     seen. For `include` and `chain` the type that is reached.
  public func decision(_ interaction: FHIRInteraction, _ type: String? = nil) -> AccessDecision {
    if interaction.isAnonymous { return .allowed }
    guard let alternatives = interaction.requiredActions else { return allowsSomething ? .allowed : .denied }
    guard alternatives.contains(where: { actions.isSuperset(of: $0) }) else { return .denied }
    if interaction.isWrite, let type,
      !actions.isSuperset(of: FHIRInteraction.additionalActions(forWriting: type))
    {
      return .denied
    }
    guard scopes != nil, let settings else { return .allowed }
    return scoped(interaction, type, settings)
  }

  private func scoped(
    _ interaction: FHIRInteraction, _ type: String?, _ settings: AccessSettings
  ) -> AccessDecision {
    guard let alternatives = interaction.requiredPermissions else { return .denied }
    let isExport = interaction == .export || interaction == .exportStatus || interaction == .exportCancel
    let isJoin = interaction == .include || interaction == .chain
    var filters: [AccessFilter] = []
    for letters in alternatives {
      guard let found = self.filters(letters, type, interaction, isExport: isExport, settings) else { continue }
      for filter in found where !filters.contains(filter) { filters.append(filter) }
    }
    guard !filters.isEmpty else { return .denied }
    if isJoin, !settings.allowsJoinsUnderConditions, reaches.contains(where: { !$0.scope.conditions.isEmpty }) {
      return .denied
    }
    if filters.contains(where: { $0.isOpen && ($0.type == nil || $0.type == type) }) { return .allowed }
    return .restricted(filters)
  }

  /// The filters under which all these letters are granted; nil if one of them is not granted at all.
  ///
  /// Where several letters are needed, each may come from another scope with other conditions: what is done must then
  /// pass the filters of each. They are joined pair by pair, so that the result is one list of alternatives.
  private func filters(
    _ letters: SMARTScope.Permissions, _ type: String?, _ interaction: FHIRInteraction, isExport: Bool,
    _ settings: AccessSettings
  ) -> [AccessFilter]? {
    var result: [AccessFilter]?
    for (_, letter) in SMARTScope.Permissions.letters where letters.contains(letter) {
      var own: [AccessFilter] = []
      for reach in reaches where reach.scope.permissions.contains(letter) {
        guard reach.scope.type == nil || type == nil || reach.scope.type == type else { continue }
        // Bulk export is for apps without a person.
        guard !isExport || reach.scope.context == .system else { continue }
        own += filters(reach, type, interaction, settings)
      }
      guard !own.isEmpty else { return nil }
      result = result.map { AccessRules.joined($0, own) } ?? own
      if result?.isEmpty == true { return nil }
    }
    return result
  }

  private static func joined(_ one: [AccessFilter], _ other: [AccessFilter]) -> [AccessFilter] {
    var result: [AccessFilter] = []
    var seen: Set<AccessFilter> = []
    for a in one {
      for b in other {
        guard a.type == nil || b.type == nil || a.type == b.type else { continue }
        // Two compartments at once would need a filter that holds both; none is given then.
        guard a.compartment == nil || b.compartment == nil || a.compartment == b.compartment else { continue }
        let filter = AccessFilter(
          type: a.type ?? b.type, compartment: a.compartment ?? b.compartment,
          conditions: Set(a.conditions + b.conditions).sorted(), missing: Set(a.missing + b.missing).sorted())
        if seen.insert(filter).inserted { result.append(filter) }
      }
    }
    return result
  }

  /// What one scope lets pass.
  private func filters(
    _ reach: Reach, _ type: String?, _ interaction: FHIRInteraction, _ settings: AccessSettings
  ) -> [AccessFilter] {
    let scope = reach.scope
    let wanted = type ?? scope.type
    guard let compartment = reach.compartment else {
      return [AccessFilter(type: wanted, conditions: scope.conditions)]
    }
    var filters = [AccessFilter(type: wanted, compartment: compartment, conditions: scope.conditions)]
    // What is for everybody may be read, not written: a compartment is the only thing that makes a resource one's own.
    guard !interaction.isWrite, !isExport(interaction) else { return filters }
    var open = settings.universalTypes
    if !settings.restrictsDevices { open.insert("Device") }
    for name in open.sorted() where wanted == nil || wanted == name {
      filters.append(AccessFilter(type: name, conditions: scope.conditions))
    }
    if settings.restrictsDevices, wanted == nil || wanted == "Device" {
      filters.append(AccessFilter(type: "Device", conditions: scope.conditions, missing: ["patient"]))
      if compartment.type == "Patient" {
        // R4 has no devices in the patient's compartment.
        let own = SMARTScope.Condition("patient", "Patient/\(compartment.id)")
        filters.append(AccessFilter(type: "Device", conditions: scope.conditions + [own]))
      }
    }
    return filters
  }

  private func isExport(_ interaction: FHIRInteraction) -> Bool {
    interaction == .export || interaction == .exportStatus || interaction == .exportCancel
  }

  /// Whether an interaction with a DICOM service may be done. Scopes are about FHIR: whoever is bound by them may do
  /// here what the roles say, unless they are about one patient or person, of whom a DICOM service knows nothing.
  public func allows(_ interaction: DICOMInteractionKind) -> Bool {
    guard let required = interaction.requiredActions else { return true }
    guard dicomActions.isSuperset(of: required) else { return false }
    return reaches.allSatisfy { $0.scope.context == .system }
  }
}
