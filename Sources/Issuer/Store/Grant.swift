import Base
import Identity

/// What an app was allowed: by a user, or, without one, by its registration.
struct Grant: Sendable {
  let id: String
  let app: String
  /// nil for an app by itself.
  let account: String?
  let scopes: SMARTScopes
  let audiences: [String]
  let context: LaunchContext
  /// The session that a grant with `online_access` ends with.
  let session: String?
  let authenticated: Instant
}

/// A code as it was given out.
struct CodeRow: Sendable {
  let grant: Grant
  let redirectURI: String
  let challenge: String?
  let nonce: String?
}

/// What became of a code or a refresh token that somebody showed.
enum Redemption<Value: Sendable>: Sendable {
  case good(Value)
  /// Unknown, expired, void, or another app's.
  case refused
  /// It was used before: all that came of it is void now.
  case reused
}
