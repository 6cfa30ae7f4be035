import Identity

/// What of the scopes that an app asks for it may have.
struct ScopeGrants: Sendable {
  private let roles: RoleTable

  init(_ roles: RoleTable) { self.roles = roles }

  /// With a user: what the app is registered for and the user's roles allow. Scopes for a system are for apps without
  /// a user.
  func granted(_ scopes: SMARTScopes, app: App, account: Account) -> SMARTScopes {
    let registered = scopes.granted(within: app.scopes)
    var texts: [String] = []
    let allowed = permissions(account.roles)
    for text in registered.text.split(separator: " ").map(String.init) {
      guard let scope = try? SMARTScope.parse(text) else {
        if text == "fhirUser", account.fhirUser == nil || !registered.hasOpenID { continue }
        texts.append(text)
        continue
      }
      guard scope.context != .system else { continue }
      guard let allowed else {
        texts.append(text)
        continue
      }
      guard let limit = try? SMARTScopes(["\(scope.context.rawValue)/*.\(allowed.text)"]),
        let own = try? SMARTScopes([text])
      else { continue }
      let both = own.granted(within: limit).text
      if !both.isEmpty { texts.append(both) }
    }
    return (try? SMARTScopes(texts.joined(separator: " "))) ?? SMARTScopes()
  }

  /// Without a user: what the app is registered for, of scopes for a system and those of this server.
  func granted(_ scopes: SMARTScopes, app: App) -> SMARTScopes {
    let texts = scopes.granted(within: app.scopes).text.split(separator: " ").map(String.init).filter { text in
      if let scope = try? SMARTScope.parse(text) { return scope.context == .system }
      return text == IssuerScope.launch || text == IssuerScope.introspect
    }
    return (try? SMARTScopes(texts)) ?? SMARTScopes()
  }

  /// What somebody's roles allow at most, in SMART's letters; nil if they have no role that is known here: then their
  /// compartment is all that limits them. A service checks the roles themselves again, and more of them.
  private func permissions(_ names: [String]) -> SMARTScope.Permissions? {
    let known = names.compactMap { roles[$0] }
    guard !known.isEmpty else { return names.isEmpty ? nil : [] }
    var permissions: SMARTScope.Permissions = []
    for role in known {
      let actions = role.actions
      if actions.contains(.read) { permissions.formUnion(.reading) }
      if actions.contains(.readByID) { permissions.insert(.read) }
      if actions.contains(.search) { permissions.insert(.search) }
      if actions.contains(.write) { permissions.formUnion([.create, .update]) }
      if actions.contains(.create) { permissions.insert(.create) }
      if actions.contains(.update) { permissions.insert(.update) }
      if actions.contains(.delete) { permissions.insert(.delete) }
    }
    return permissions
  }

  /// Whether somebody is shown patients to choose from: those who treat them, and those whose roles let them search.
  func maySeePatients(_ account: Account) -> Bool {
    if let permissions = permissions(account.roles) { return permissions.contains(.search) }
    guard let user = account.fhirUser.flatMap({ FHIRUser($0) }) else { return false }
    return user.type == "Practitioner" || user.type == "PractitionerRole"
  }

  /// Whether a user chooses on the consent page; the others belong to what they do there anyway.
  static func isChosen(_ scope: String) -> Bool {
    !(scope == "openid" || scope == "launch" || scope.hasPrefix("launch/"))
  }

  /// For the consent page.
  static func sentence(_ text: String) -> String {
    switch text {
    case "fhirUser", "profile": return "Know who you are"
    case "offline_access": return "Keep this access after you have logged out"
    case "online_access": return "Keep this access while you are logged in"
    default:
      guard let scope = try? SMARTScope.parse(text) else { return "Use" }
      let verbs: [(SMARTScope.Permissions, String)] = [
        (.read, "read"), (.search, "search"), (.create, "create"), (.update, "change"), (.delete, "delete"),
      ]
      let words = verbs.filter { scope.permissions.contains($0.0) }.map(\.1).joined(separator: ", ")
      let what = scope.type.map { "\($0) resources" } ?? "all data"
      let whose = scope.context == .patient ? "of the chosen patient" : "that you may see"
      let narrowed = scope.conditions.isEmpty ? "" : ", some only"
      return "\(words.prefix(1).uppercased())\(words.dropFirst()) \(what) \(whose)\(narrowed)"
    }
  }
}
