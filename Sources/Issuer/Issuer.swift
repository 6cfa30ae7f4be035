public import Base
public import HTTPServer
public import Identity
public import Storage
import Synchronization

/// An OpenID provider inside the server, so that a machine without one has everything: people log in and choose what an
/// app may do, apps get tokens, and services learn whether a token still counts.
///
/// OpenID Connect Core and Discovery 1.0; OAuth 2.0 (RFC 6749) as RFC 9700 wants it used, with PKCE (RFC 7636),
/// revocation (RFC 7009), introspection (RFC 7662), the issuer in answers (RFC 9207) and tokens after RFC 9068; SMART
/// App Launch 2.2 with standalone and EHR launch and backend services.
public final class Issuer: Sendable {
  public let configuration: IssuerConfiguration
  public let registry: Registry
  let grants: GrantStore
  let keys: SigningKeys
  let clock: Clock
  let work: BlockingWork
  let users: Throttle
  let apps: Throttle
  let replays = ReplayCache()
  /// Checked in place of a password where there is no such user, so that an answer's time does not tell.
  let decoy: PasswordHash
  let patients: PatientSearch
  private let rotating = Mutex<Task<Void, Never>?>(nil)

  /// Patients of a service by a part of their name; for an empty text any.
  public typealias PatientSearch = @Sendable (_ text: String, _ service: String) async -> [PatientChoice]

  private static let housekeepingSeconds = 600

  /// - Parameters:
  ///   - database: of the issuer's own.
  ///   - patients: finds those that somebody may choose as the context of an app's launch.
  public init(
    _ configuration: IssuerConfiguration, _ database: any Database, clock: Clock = .system,
    patients: @escaping PatientSearch = { _, _ in [] }
  ) async throws {
    self.configuration = configuration
    self.clock = clock
    self.patients = patients
    registry = try await Registry(database, clock: clock)
    grants = GrantStore(database: database, clock: clock)
    work = BlockingWork()
    keys = SigningKeys(database, clock: clock, configuration, work: work)
    users = Throttle(configuration.throttle)
    // An app asks for several tokens at once, and each attempt counts until it is known to be right.
    var settings = configuration.throttle
    settings.perNameFree *= 4
    settings.perAddressFree *= 4
    apps = Throttle(settings)
    decoy = try PasswordHash.decoy(configuration.passwords)
    try await keys.rotate()
  }

  deinit {
    rotating.withLock { $0 }?.cancel()
    work.close()
  }

  /// Starts to make new keys in time and to remove what has expired, until `stop`.
  public func start() {
    rotating.withLock { task in
      guard task == nil else { return }
      task = Task { [weak self] in
        while !Task.isCancelled {
          // What fails has its next turn.
          try? await self?.housekeep()
          do { try await Task.sleep(for: .seconds(Self.housekeepingSeconds)) } catch { return }
        }
      }
    }
  }

  /// Ends the work in the background; the database is the caller's to close.
  public func stop() {
    rotating.withLock { task in
      task?.cancel()
      task = nil
    }
  }

  /// Makes a new key if it is time, and removes what has expired.
  public func housekeep() async throws {
    try await keys.rotate()
    try await grants.sweep()
  }

  // MARK: For services

  /// The keys that tokens of now are checked with.
  public func keySet() async throws -> JWKSet { try await keys.published() }

  /// A source of keys for a `TokenVerifier`, which asks nobody over the network.
  public var keySource: KeySource {
    var settings = KeySource.Settings()
    settings.maxAgeSeconds = 60
    settings.refreshSecondsMin = 5
    // The address is never connected to: what would be fetched from it is at hand.
    return KeySource(.keySet("https://localhost/jwks"), settings: settings, clock: clock) { [weak self] _ in
      guard let self else { throw TokenError(.keysUnavailable) }
      return FetchedDocument(try await keySet().json)
    }
  }

  /// Whether what a token came of still counts: false once somebody revoked it, logged out of it, or is no user any
  /// more.
  /// - Parameter grant: the token's claim `grant`.
  public func isActive(grant: String) async throws -> Bool { try await grants.grant(grant) != nil }

  // MARK: Requests

  /// Answers a request.
  /// - Parameters:
  ///   - path: the segments below the issuer's address.
  ///   - query: as received, without the question mark.
  ///   - client: the address of whoever asks, where a proxy hides it; else the connection's.
  public func respond(
    to request: HTTPRequest, path: [String], query: some StringProtocol, client: String? = nil
  ) async -> HTTPResponse {
    let exchange = Exchange(request: request, query: String(query), client: client ?? request.remoteAddress)
    var response: HTTPResponse
    do {
      if request.method == .options {
        response = try await preflight(exchange, path)
      } else {
        response = try await route(exchange, path)
      }
    } catch let error as OAuthError {
      response = error.response
    } catch is StorageError {
      response = OAuthError.unavailable.response
    } catch {
      response = OAuthError(.serverError, "The server failed.").response
    }
    return await shared(response, exchange, path)
  }

  /// A request and where it came from.
  struct Exchange: Sendable {
    let request: HTTPRequest
    let query: String
    /// The address of whoever asks.
    let client: String
  }

  private func route(_ exchange: Exchange, _ path: [String]) async throws -> HTTPResponse {
    let (get, post) = (exchange.request.method == .get, exchange.request.method == .post)
    let isRead = get || exchange.request.method == .head
    switch path {
    case [".well-known", "openid-configuration"] where isRead: return discovery()
    case ["jwks"] where isRead: return try await jwks()
    case ["style.css"] where isRead: return Page.styleResponse
    case ["authorize"] where get || post: return try await authorize(exchange)
    case ["token"] where post: return try await token(exchange)
    case ["revoke"] where post: return try await revoke(exchange)
    case ["introspect"] where post: return try await introspect(exchange)
    case ["userinfo"] where get || post: return try await userinfo(exchange)
    case ["launch"] where post: return try await launch(exchange)
    case ["end_session"] where get || post: return try await endSession(exchange)
    default:
      guard let methods = Self.methods(path) else {
        return HTTPResponse(
          status: 404, headers: [("Content-Type", "text/plain")], body: .bytes(Array("Not found\n".utf8)))
      }
      return HTTPResponse(status: 405, headers: [("Allow", methods)])
    }
  }

  private static func methods(_ path: [String]) -> String? {
    switch path {
    case [".well-known", "openid-configuration"], ["jwks"], ["style.css"]: "GET, HEAD, OPTIONS"
    case ["authorize"], ["userinfo"], ["end_session"]: "GET, POST, OPTIONS"
    case ["token"], ["revoke"], ["introspect"], ["launch"]: "POST, OPTIONS"
    default: nil
    }
  }

  // MARK: Other origins

  /// What browsers of apps may call (SMART App Launch 2.2, §2.0.13): documents about the issuer from anywhere,
  /// endpoints of apps from the pages of registered ones. Pages for people from nowhere.
  private func allowedOrigin(_ exchange: Exchange, _ path: [String]) async -> String? {
    guard let origin = exchange.request.header("origin") else { return nil }
    switch path {
    case [".well-known", "openid-configuration"], ["jwks"]: return "*"
    case ["token"], ["revoke"], ["userinfo"]:
      return (try? await registry.isOrigin(origin)) == true ? origin : nil
    default: return nil
    }
  }

  private func preflight(_ exchange: Exchange, _ path: [String]) async throws -> HTTPResponse {
    guard let methods = Self.methods(path) else { return HTTPResponse(status: 404) }
    var response = HTTPResponse(status: 204, headers: [("Allow", methods)])
    guard await allowedOrigin(exchange, path) != nil else { return response }
    response.headers += [
      ("Access-Control-Allow-Methods", methods), ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
      ("Access-Control-Max-Age", "3600"),
    ]
    return response
  }

  private func shared(_ response: HTTPResponse, _ exchange: Exchange, _ path: [String]) async -> HTTPResponse {
    guard let origin = await allowedOrigin(exchange, path) else { return response }
    var response = response
    response.headers.append(("Access-Control-Allow-Origin", origin))
    if origin != "*" { response.headers.append(("Vary", "Origin")) }
    return response
  }
}
