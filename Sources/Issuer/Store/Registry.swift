public import Base
public import Identity
public import Storage

/// Users and apps, as they are kept.
///
/// Errors of the engine are `StorageError`s.
public struct Registry: Sendable {
  let database: any Database
  let clock: Clock

  /// Opens it, bringing the schema up.
  public init(_ database: any Database, clock: Clock = .system) async throws {
    self.database = database
    self.clock = clock
    try await database.migrate(IssuerSchema.migrations)
  }

  // MARK: Users

  private static let accountsByName = Statement(
    "SELECT id, name, display_name, fhir_user, roles, password FROM account WHERE name = ?")
  private static let accountsByID = Statement(
    "SELECT id, name, display_name, fhir_user, roles, password FROM account WHERE id = ?")
  private static let allAccounts = Statement(
    "SELECT id, name, display_name, fhir_user, roles, password FROM account ORDER BY name")
  private static let insertAccount = Statement(
    """
    INSERT INTO account (id, name, display_name, fhir_user, roles, password, created) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING
    """)
  private static let setPassword = Statement("UPDATE account SET password = ? WHERE id = ?")
  private static let deleteAccount = Statement("DELETE FROM account WHERE id = ?")
  private static let endSessionsOfAccount = Statement("DELETE FROM login_session WHERE account = ?")
  private static let revokeGrantsOfAccount = Statement("UPDATE access_grant SET is_revoked = 1 WHERE account = ?")

  private static func account(_ row: any Row) throws -> Account {
    try Account(
      id: row.text(0), name: row.text(1), displayName: row.optionalText(2), fhirUser: row.optionalText(3),
      roles: lines(row.text(4)), password: PasswordHash(stored: row.text(5)))
  }

  static func lines(_ text: String) -> [String] { text.split(separator: "\n").map(String.init) }

  /// The user with this name.
  public func account(name: String) async throws -> Account? {
    try await database.read { try $0.first(Self.accountsByName, [.text(name)], Self.account) }
  }

  func account(id: String) async throws -> Account? {
    try await database.read { try $0.first(Self.accountsByID, [.text(id)], Self.account) }
  }

  /// Everybody, by name.
  public func accounts() async throws -> [Account] {
    try await database.read { try $0.all(Self.allAccounts, [], Self.account) }
  }

  /// - Throws: `RegistryError` if there is one of this name.
  public func add(_ account: Account) async throws {
    let now = clock.now().milliseconds
    let count = try await database.write { transaction in
      try transaction.execute(
        Self.insertAccount,
        [
          .text(account.id), .text(account.name), .optional(account.displayName), .optional(account.fhirUser),
          .text(account.roles.joined(separator: "\n")), .text(account.password.stored), .integer(now),
        ])
    }
    guard count == 1 else { throw RegistryError("there is a user '\(account.name)' already") }
  }

  /// Gives a user a new password. Whoever is logged in by the old one is not any more, and what they allowed is void.
  /// - Returns: false if there is no such user.
  public func setPassword(_ password: PasswordHash, of name: String) async throws -> Bool {
    try await database.write { transaction in
      guard let account = try transaction.first(Self.accountsByName, [.text(name)], Self.account) else { return false }
      try transaction.execute(Self.setPassword, [.text(password.stored), .text(account.id)])
      try Self.end(account.id, transaction)
      return true
    }
  }

  /// Removes a user with all that they allowed.
  /// - Returns: false if there is no such user.
  public func removeAccount(name: String) async throws -> Bool {
    try await database.write { transaction in
      guard let account = try transaction.first(Self.accountsByName, [.text(name)], Self.account) else { return false }
      try Self.end(account.id, transaction)
      return try transaction.execute(Self.deleteAccount, [.text(account.id)]) == 1
    }
  }

  private static func end(_ account: String, _ transaction: any Transaction) throws {
    try transaction.execute(endSessionsOfAccount, [.text(account)])
    try transaction.execute(revokeGrantsOfAccount, [.text(account)])
  }

  // MARK: Apps

  private static let appsByID = Statement(
    """
    SELECT id, name, method, credential, redirect_uris, logout_uris, scopes, roles, is_trusted FROM app WHERE id = ?
    """)
  private static let allApps = Statement(
    """
    SELECT id, name, method, credential, redirect_uris, logout_uris, scopes, roles, is_trusted FROM app ORDER BY id
    """)
  private static let insertApp = Statement(
    """
    INSERT INTO app (id, name, method, credential, redirect_uris, logout_uris, scopes, roles, is_trusted, created)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
    """)
  private static let insertOrigin = Statement(
    "INSERT INTO app_origin (origin, app) VALUES (?, ?) ON CONFLICT DO NOTHING")
  private static let deleteApp = Statement("DELETE FROM app WHERE id = ?")
  private static let deleteOrigins = Statement("DELETE FROM app_origin WHERE app = ?")
  private static let revokeGrantsOfApp = Statement("UPDATE access_grant SET is_revoked = 1 WHERE app = ?")
  private static let origins = Statement("SELECT 1 FROM app_origin WHERE origin = ? LIMIT 1")

  private static func app(_ row: any Row) throws -> App {
    let credential = row.text(3)
    let authentication: App.Authentication =
      switch row.text(2) {
      case "client_secret": .secret(try ClientSecret(stored: credential))
      case "private_key_jwt": .keys(try JWKSet(Array(credential.utf8)))
      default: .none
      }
    return try App(
      id: row.text(0), name: row.text(1), authentication: authentication, redirectURIs: lines(row.text(4)),
      logoutURIs: lines(row.text(5)), scopes: SMARTScopes(row.text(6)), roles: lines(row.text(7)),
      isTrusted: row.integer(8) != 0)
  }

  /// The app with this id.
  public func app(_ id: String) async throws -> App? {
    try await database.read { try $0.first(Self.appsByID, [.text(id)], Self.app) }
  }

  /// All apps, by id.
  public func apps() async throws -> [App] {
    try await database.read { try $0.all(Self.allApps, [], Self.app) }
  }

  /// - Throws: `RegistryError` if there is one with this id.
  public func add(_ app: App) async throws {
    let now = clock.now().milliseconds
    let credential: String? =
      switch app.authentication {
      case .none: nil
      case .secret(let secret): secret.stored
      case .keys(let keys): String(decoding: keys.json, as: UTF8.self)
      }
    let isNew = try await database.write { transaction in
      let count = try transaction.execute(
        Self.insertApp,
        [
          .text(app.id), .text(app.name), .text(app.methodName), .optional(credential),
          .text(app.redirectURIs.joined(separator: "\n")), .text(app.logoutURIs.joined(separator: "\n")),
          .text(app.scopes.text), .text(app.roles.joined(separator: "\n")), .integer(app.isTrusted ? 1 : 0),
          .integer(now),
        ])
      guard count == 1 else { return false }
      for origin in Set(app.redirectURIs.map(App.origin)) where origin.hasPrefix("http") {
        try transaction.execute(Self.insertOrigin, [.text(origin), .text(app.id)])
      }
      return true
    }
    guard isNew else { throw RegistryError("there is an app '\(app.id)' already") }
  }

  /// Removes an app; what it was allowed is void.
  /// - Returns: false if there is no such app.
  public func removeApp(_ id: String) async throws -> Bool {
    try await database.write { transaction in
      try transaction.execute(Self.revokeGrantsOfApp, [.text(id)])
      try transaction.execute(Self.deleteOrigins, [.text(id)])
      return try transaction.execute(Self.deleteApp, [.text(id)]) == 1
    }
  }

  /// Whether pages of this origin are an app's.
  func isOrigin(_ origin: String) async throws -> Bool {
    try await database.read { try $0.first(Self.origins, [.text(origin)]) { _ in true } } ?? false
  }
}
