/// The scopes of a request or token: for resources, for the launch, for identity, and others that are not SMART's.
public struct SMARTScopes: Sendable, Equatable {
  /// A context that an app asks for (`launch/patient`), or says it was launched with (`launch`).
  public struct Launch: Sendable, Hashable {
    /// nil for `launch`: the context is the EHR's.
    public let context: String?
    /// `?role=`, for the fhirContext.
    public let role: String?

    public init(_ context: String?, role: String? = nil) {
      self.context = context
      self.role = role
    }

    public var text: String {
      guard let context else { return "launch" }
      return "launch/\(context)" + (role.map { "?role=\(PercentCoding.encode($0))" } ?? "")
    }
  }

  public private(set) var resources: [SMARTScope] = []
  public private(set) var launches: [Launch] = []
  public private(set) var hasOpenID = false
  public private(set) var hasFHIRUser = false
  /// `profile`, which version 1 used for the same.
  public private(set) var hasProfile = false
  /// A refresh token that outlives the session.
  public private(set) var hasOfflineAccess = false
  /// A refresh token that ends with the session.
  public private(set) var hasOnlineAccess = false
  public private(set) var others: [String] = []

  public init() {}

  /// Reads scopes, each on its own.
  /// - Throws: for the first that begins like a scope for resources and is none.
  public init(_ scopes: [String], _ grammar: SMARTScope.Grammar = .standard) throws(ScopeError) {
    for scope in scopes { try insert(scope, grammar) }
  }

  /// Reads the value of a `scope` parameter or claim.
  public init(_ text: String, _ grammar: SMARTScope.Grammar = .standard) throws(ScopeError) {
    try self.init(text.split(separator: " ").map(String.init), grammar)
  }

  private mutating func insert(_ text: String, _ grammar: SMARTScope.Grammar) throws(ScopeError) {
    switch text {
    case "openid": hasOpenID = true
    case "fhirUser": hasFHIRUser = true
    case "profile": hasProfile = true
    case "offline_access": hasOfflineAccess = true
    case "online_access": hasOnlineAccess = true
    default:
      if let launch = SMARTScopes.launch(text) {
        if !launches.contains(launch) { launches.append(launch) }
      } else if let scope = try SMARTScope.parse(text, grammar) {
        if !resources.contains(scope) { resources.append(scope) }
      } else if !others.contains(text) {
        others.append(text)
      }
    }
  }

  private static func launch(_ text: String) -> Launch? {
    if text == "launch" { return Launch(nil) }
    guard text.hasPrefix("launch/") else { return nil }
    let parts = text.dropFirst(7).split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    guard let context = parts.first, !context.isEmpty, context.utf8.allSatisfy({ (97...122).contains($0 | 32) }) else {
      return nil
    }
    guard parts.count == 2 else { return Launch(String(context)) }
    guard parts[1].hasPrefix("role="), let role = PercentCoding.decode(parts[1].dropFirst(5)), !role.isEmpty else {
      return nil
    }
    return Launch(String(context), role: role)
  }

  /// The scopes as one text, each in its one spelling, without those that others cover.
  public var text: String {
    var parts: [String] = []
    if hasOpenID { parts.append("openid") }
    if hasFHIRUser { parts.append("fhirUser") }
    if hasProfile { parts.append("profile") }
    if hasOfflineAccess { parts.append("offline_access") }
    if hasOnlineAccess { parts.append("online_access") }
    parts += launches.map(\.text) + normalised.map(\.text) + others
    return parts.joined(separator: " ")
  }

  /// The scopes for resources without those that another covers.
  public var normalised: [SMARTScope] {
    var kept: [SMARTScope] = []
    for (place, scope) in resources.enumerated() {
      let isRedundant = resources.enumerated().contains { other in
        other.offset != place && scope.isCovered(by: other.element)
          && (!other.element.isCovered(by: scope) || other.offset < place)
      }
      if !isRedundant { kept.append(scope) }
    }
    return kept
  }

  public var contexts: Set<SMARTScope.Context> { Set(resources.map(\.context)) }
  public var isVersion1: Bool { resources.contains { $0.version == .v1 } }
  public var isVersion2: Bool { resources.contains { $0.version == .v2 } }
}

extension SMARTScopes {
  /// Whether everything these grant is among what is allowed, letter by letter: several scopes may allow one together.
  public func isSubset(of allowed: SMARTScopes) -> Bool {
    let isCovered = resources.allSatisfy { scope in
      SMARTScope.Permissions.letters.filter { scope.permissions.contains($0.1) }.allSatisfy { letter in
        let part = SMARTScope(scope.context, scope.type, letter.1, conditions: scope.conditions)
        return allowed.resources.contains { part.isCovered(by: $0) }
      }
    }
    return isCovered && launches.allSatisfy { allowed.launches.contains($0) }
      && (!hasOpenID || allowed.hasOpenID) && (!hasFHIRUser || allowed.hasFHIRUser)
      && (!hasProfile || allowed.hasProfile) && (!hasOfflineAccess || allowed.hasOfflineAccess)
      && (!hasOnlineAccess || allowed.hasOnlineAccess) && others.allSatisfy { allowed.others.contains($0) }
  }

  /// What is granted of these scopes when no more than `allowed` may be: what is allowed as a whole keeps its
  /// spelling, the rest is narrowed to what is allowed of it, or left out. Where a request mixes both versions, what is
  /// granted is of version 2, because a token must not mix them.
  public func granted(within allowed: SMARTScopes) -> SMARTScopes {
    var granted = SMARTScopes()
    let isMixed = isVersion1 && isVersion2
    for scope in isMixed ? resources.map(\.version2) : resources {
      var alone = SMARTScopes()
      alone.resources = [scope]
      if alone.isSubset(of: allowed) {
        granted.append(scope)
      } else {
        for other in allowed.resources {
          guard let both = scope.intersection(other) else { continue }
          for part in both.spellable { granted.append(part) }
        }
      }
    }
    granted.launches = launches.filter { allowed.launches.contains($0) }
    granted.hasOpenID = hasOpenID && allowed.hasOpenID
    granted.hasFHIRUser = hasFHIRUser && allowed.hasFHIRUser
    granted.hasProfile = hasProfile && allowed.hasProfile
    granted.hasOfflineAccess = hasOfflineAccess && allowed.hasOfflineAccess
    granted.hasOnlineAccess = hasOnlineAccess && allowed.hasOnlineAccess
    granted.others = others.filter { allowed.others.contains($0) }
    granted.resources = granted.normalised
    return granted
  }

  private mutating func append(_ scope: SMARTScope) {
    if !resources.contains(scope) { resources.append(scope) }
  }
}

extension SMARTScope {
  /// The same in the words of version 2.
  fileprivate var version2: SMARTScope { SMARTScope(context, type, permissions, conditions: conditions) }

  /// Version 1 has words for reading and writing only: what it cannot say is not granted, because a token must not mix
  /// the versions.
  fileprivate var spellable: [SMARTScope] {
    guard version == .v1 else { return [self] }
    guard conditions.isEmpty else { return [] }
    if permissions == .all { return [self] }
    return [Permissions.reading, .writing].filter { permissions.isSuperset(of: $0) }
      .map { SMARTScope(context, type, $0, version: .v1) }
  }
}
