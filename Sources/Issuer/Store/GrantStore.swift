import Base
import Identity
import Storage

/// Grants with their codes and refresh tokens, sessions and launches.
struct GrantStore: Sendable {
  let database: any Database
  let clock: Clock

  /// The form in which a secret is kept.
  static func hash(_ secret: String) throws(KeyError) -> String { Base64URL.encode(try Digest.sha256.hash(secret)) }

  // MARK: Grants

  private static let insertGrant = Statement(
    """
    INSERT INTO access_grant
    (id, app, account, scopes, audiences, context, session, authenticated, expires, is_revoked)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
    """)
  private static let insertCode = Statement(
    """
    INSERT INTO authorization_code (hash, access_grant, redirect_uri, challenge, nonce, expires, is_used)
    VALUES (?, ?, ?, ?, ?, ?, 0)
    """)
  /// A grant counts as long as it is not revoked and its session, if it has one, is not over. Parameters: the moment.
  private static let liveGrants = Statement(
    """
    SELECT id, app, account, scopes, audiences, context, session, authenticated FROM access_grant AS g
    WHERE id = ? AND is_revoked = 0
    AND (session IS NULL OR EXISTS (SELECT 1 FROM login_session AS s WHERE s.hash = g.session AND s.expires > ?))
    """)
  private static let revoke = Statement("UPDATE access_grant SET is_revoked = 1 WHERE id = ?")
  private static let extend = Statement("UPDATE access_grant SET expires = ? WHERE id = ? AND expires < ?")

  private static func grant(_ row: any Row) throws -> Grant {
    Grant(
      id: row.text(0), app: row.text(1), account: row.optionalText(2), scopes: try SMARTScopes(row.text(3)),
      audiences: Registry.lines(row.text(4)), context: LaunchContext(stored: row.text(5)),
      session: row.optionalText(6), authenticated: Instant(milliseconds: row.integer(7)))
  }

  private static func insert(_ grant: Grant, until expires: Instant, _ transaction: any Transaction) throws {
    try transaction.execute(
      insertGrant,
      [
        .text(grant.id), .text(grant.app), .optional(grant.account), .text(grant.scopes.text),
        .text(grant.audiences.joined(separator: "\n")), .text(grant.context.json), .optional(grant.session),
        .integer(grant.authenticated.milliseconds), .integer(expires.milliseconds),
      ])
  }

  private static func live(_ id: String, at now: Instant, _ reader: any Reader) throws -> Grant? {
    try reader.first(liveGrants, [.text(id), .integer(now.milliseconds)], grant)
  }

  /// Keeps a grant that no code leads to.
  func add(_ grant: Grant, until expires: Instant) async throws {
    try await database.write { try Self.insert(grant, until: expires, $0) }
  }

  /// A grant that counts.
  func grant(_ id: String) async throws -> Grant? {
    let now = clock.now()
    return try await database.read { try Self.live(id, at: now, $0) }
  }

  func revoke(grant id: String) async throws {
    try await database.write { _ = try $0.execute(Self.revoke, [.text(id)]) }
  }

  // MARK: Codes

  private static let codes = Statement(
    "SELECT access_grant, redirect_uri, challenge, nonce, expires, is_used FROM authorization_code WHERE hash = ?")
  private static let useCode = Statement(
    "UPDATE authorization_code SET is_used = 1 WHERE hash = ? AND is_used = 0")

  /// Keeps a new grant with its code, and takes the launch away that it came of.
  /// - Returns: false if that launch is not there any more; then nothing is kept.
  func add(_ row: CodeRow, code: String, seconds: Int, launch: String?) async throws -> Bool {
    let now = clock.now()
    let expires = now.advanced(byMilliseconds: Int64(seconds) * 1000)
    let hash = try Self.hash(code)
    let launchHash = try launch.map { launch throws(KeyError) in try Self.hash(launch) }
    return try await database.write { transaction in
      if let launchHash {
        let count = try transaction.execute(Self.takeLaunch, [.text(launchHash), .integer(now.milliseconds)])
        guard count == 1 else { return false }
      }
      try Self.insert(row.grant, until: expires, transaction)
      try transaction.execute(
        Self.insertCode,
        [
          .text(hash), .text(row.grant.id), .text(row.redirectURI), .optional(row.challenge), .optional(row.nonce),
          .integer(expires.milliseconds),
        ])
      return true
    }
  }

  /// Uses up a code. One that another app shows, or that does not fit, is left as it is: whoever found it must not
  /// spoil it.
  /// - Parameters:
  ///   - fits: whether redirect URI and verifier are right.
  ///   - keepsUntil: how long the grant is kept for the tokens that it gives now.
  func redeem(
    code: String, app: String, keepsUntil: Instant, fits: @escaping @Sendable (CodeRow) -> Bool
  ) async throws -> Redemption<CodeRow> {
    let hash = try Self.hash(code)
    let now = clock.now()
    return try await database.write { transaction in
      var found: (row: CodeRow, expires: Int64, isUsed: Bool)?
      let columns = try transaction.first(Self.codes, [.text(hash)]) { row in
        (
          row.text(0), row.text(1), row.optionalText(2), row.optionalText(3), row.integer(4), row.integer(5) != 0
        )
      }
      if let columns, let grant = try Self.live(columns.0, at: now, transaction) {
        found = (
          CodeRow(grant: grant, redirectURI: columns.1, challenge: columns.2, nonce: columns.3), columns.4, columns.5
        )
      }
      guard let found, found.row.grant.app == app else { return .refused }
      if found.isUsed {
        // RFC 6749 §4.1.2: what came of the first use is void as well.
        try transaction.execute(Self.revoke, [.text(found.row.grant.id)])
        return .reused
      }
      guard now.milliseconds < found.expires, fits(found.row) else { return .refused }
      guard try transaction.execute(Self.useCode, [.text(hash)]) == 1 else { return .refused }
      let until = SQLValue.integer(keepsUntil.milliseconds)
      try transaction.execute(Self.extend, [until, .text(found.row.grant.id), until])
      return .good(found.row)
    }
  }

  // MARK: Refresh tokens

  private static let refreshTokens = Statement(
    "SELECT access_grant, expires, is_used FROM refresh_token WHERE hash = ?")
  private static let insertRefreshToken = Statement(
    "INSERT INTO refresh_token (hash, access_grant, expires, is_used) VALUES (?, ?, ?, 0)")
  private static let useRefreshToken = Statement(
    "UPDATE refresh_token SET is_used = 1 WHERE hash = ? AND is_used = 0")

  func addRefreshToken(_ token: String, of grant: String, until expires: Instant) async throws {
    let hash = try Self.hash(token)
    try await database.write { transaction in
      try transaction.execute(
        Self.insertRefreshToken, [.text(hash), .text(grant), .integer(expires.milliseconds)])
      let until = SQLValue.integer(expires.milliseconds)
      _ = try transaction.execute(Self.extend, [until, .text(grant), until])
    }
  }

  /// Uses up a refresh token and keeps its successor. A second use shows that it was stolen, by the first user or the
  /// second: the grant is void (RFC 9700 §4.14.2).
  func rotate(
    _ token: String, app: String, to successor: String, until expires: Instant
  ) async throws -> Redemption<Grant> {
    let (hash, next) = (try Self.hash(token), try Self.hash(successor))
    let now = clock.now()
    return try await database.write { transaction in
      let found = try transaction.first(Self.refreshTokens, [.text(hash)]) { row in
        (grant: row.text(0), expires: row.integer(1), isUsed: row.integer(2) != 0)
      }
      guard let found, let grant = try Self.live(found.grant, at: now, transaction), grant.app == app else {
        return .refused
      }
      if found.isUsed {
        try transaction.execute(Self.revoke, [.text(grant.id)])
        return .reused
      }
      guard now.milliseconds < found.expires,
        try transaction.execute(Self.useRefreshToken, [.text(hash)]) == 1
      else { return .refused }
      let until = SQLValue.integer(expires.milliseconds)
      try transaction.execute(Self.insertRefreshToken, [.text(next), .text(grant.id), until])
      try transaction.execute(Self.extend, [until, .text(grant.id), until])
      return .good(grant)
    }
  }

  /// The grant of a refresh token that could be used now, and until when.
  func grant(refreshToken token: String) async throws -> (grant: Grant, expires: Instant)? {
    let hash = try Self.hash(token)
    let now = clock.now()
    return try await database.read { reader in
      let found = try reader.first(Self.refreshTokens, [.text(hash)]) { row in
        (grant: row.text(0), expires: row.integer(1), isUsed: row.integer(2) != 0)
      }
      guard let found, !found.isUsed, now.milliseconds < found.expires else { return nil }
      guard let grant = try Self.live(found.grant, at: now, reader) else { return nil }
      return (grant, Instant(milliseconds: found.expires))
    }
  }

  /// The grant of a refresh token, used or not.
  func grantID(refreshToken token: String) async throws -> (grant: String, app: String)? {
    let hash = try Self.hash(token)
    let now = clock.now()
    return try await database.read { reader in
      guard let id = try reader.first(Self.refreshTokens, [.text(hash)], { $0.text(0) }) else { return nil }
      return try Self.live(id, at: now, reader).map { ($0.id, $0.app) }
    }
  }

  // MARK: Sessions

  private static let sessions = Statement(
    "SELECT account, authenticated FROM login_session WHERE hash = ? AND expires > ?")
  private static let insertSession = Statement(
    "INSERT INTO login_session (hash, account, authenticated, expires) VALUES (?, ?, ?, ?)")
  private static let deleteSession = Statement("DELETE FROM login_session WHERE hash = ?")

  /// Whose session a cookie is, and since when.
  func session(_ hash: String) async throws -> (account: String, authenticated: Instant)? {
    let now = clock.now().milliseconds
    return try await database.read { reader in
      try reader.first(Self.sessions, [.text(hash), .integer(now)]) { row in
        (row.text(0), Instant(milliseconds: row.integer(1)))
      }
    }
  }

  func addSession(_ hash: String, account: String, seconds: Int) async throws {
    let now = clock.now()
    let expires = now.advanced(byMilliseconds: Int64(seconds) * 1000)
    try await database.write { transaction in
      _ = try transaction.execute(
        Self.insertSession,
        [.text(hash), .text(account), .integer(now.milliseconds), .integer(expires.milliseconds)])
    }
  }

  func endSession(_ hash: String) async throws {
    try await database.write { _ = try $0.execute(Self.deleteSession, [.text(hash)]) }
  }

  // MARK: Launches

  private static let launches = Statement(
    "SELECT app, account, context FROM launch WHERE hash = ? AND expires > ?")
  private static let insertLaunch = Statement(
    "INSERT INTO launch (hash, app, account, context, expires) VALUES (?, ?, ?, ?, ?)")
  private static let takeLaunch = Statement("DELETE FROM launch WHERE hash = ? AND expires > ?")

  /// An EHR's launch.
  struct Launch: Sendable {
    /// nil for any.
    var app: String?
    /// nil for anybody.
    var account: String?
    var context: LaunchContext
  }

  func add(_ launch: Launch, handle: String, seconds: Int) async throws {
    let hash = try Self.hash(handle)
    let expires = clock.now().advanced(byMilliseconds: Int64(seconds) * 1000).milliseconds
    try await database.write { transaction in
      _ = try transaction.execute(
        Self.insertLaunch,
        [
          .text(hash), .optional(launch.app), .optional(launch.account), .text(launch.context.json),
          .integer(expires),
        ])
    }
  }

  func launch(_ handle: String) async throws -> Launch? {
    let hash = try Self.hash(handle)
    let now = clock.now().milliseconds
    return try await database.read { reader in
      try reader.first(Self.launches, [.text(hash), .integer(now)]) { row in
        Launch(
          app: row.optionalText(0), account: row.optionalText(1), context: LaunchContext(stored: row.text(2)))
      }
    }
  }

  // MARK: What has expired

  private static let expired = [
    Statement("DELETE FROM authorization_code WHERE expires <= ?"),
    Statement("DELETE FROM refresh_token WHERE expires <= ?"),
    Statement("DELETE FROM launch WHERE expires <= ?"),
    Statement("DELETE FROM login_session WHERE expires <= ?"),
    Statement("DELETE FROM access_grant WHERE expires <= ?"),
  ]

  /// Removes what nobody can use any more.
  func sweep() async throws {
    let now = SQLValue.integer(clock.now().milliseconds)
    try await database.write { transaction in
      for statement in Self.expired { try transaction.execute(statement, [now]) }
    }
  }
}
