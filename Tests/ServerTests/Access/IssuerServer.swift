import Base
import HTTPServer
import Identity
import JSONCore
import Synchronization

/// An OpenID Connect issuer on this machine: its description and keys, over HTTP.
final class IssuerServer: Sendable {
  private struct State {
    var keys: [(key: PrivateKey, id: String)] = []
    var requests: [String] = []
    var url = ""
  }

  private final class Shared: Sendable {
    let state = Mutex(State())
  }

  private let http: HTTPServer
  private let shared: Shared
  let url: String

  var requests: [String] { shared.state.withLock { $0.requests } }

  private init() async throws {
    let shared = Shared()
    self.shared = shared
    http = HTTPServer(host: "127.0.0.1", port: 0, eventLoops: 1) { request in
      shared.state.withLock { state in
        state.requests.append(request.target)
        switch request.target {
        case "/.well-known/openid-configuration":
          let text = #"""
            {"issuer":"\#(state.url)","jwks_uri":"\#(state.url)/keys","authorization_endpoint":"\#(state.url)/authorize",
             "token_endpoint":"\#(state.url)/token","revocation_endpoint":"\#(state.url)/revoke"}
            """#
          return HTTPResponse(status: 200, body: .bytes(Array(text.utf8)))
        case "/keys":
          let keys = JWKSet(state.keys.map { JWK($0.key.publicKey, id: $0.id) })
          return HTTPResponse(status: 200, headers: [("Cache-Control", "max-age=60")], body: .bytes(keys.json))
        default: return HTTPResponse(status: 404)
        }
      }
    }
    let url = "http://127.0.0.1:\(try await http.start().port)"
    self.url = url
    shared.state.withLock { $0.url = url }
  }

  static func run(_ body: (IssuerServer) async throws -> Void) async throws {
    let issuer = try await IssuerServer()
    do {
      try await body(issuer)
    } catch {
      await issuer.http.shutdown()
      throw error
    }
    await issuer.http.shutdown()
  }

  /// Signs with a new key from now on.
  func rotate(to id: String, keepingOld: Bool = true) throws {
    let key = try PrivateKey.generate(.p256)
    shared.state.withLock { state in
      if !keepingOld { state.keys = [] }
      state.keys.append((key, id))
    }
  }

  func token(_ claims: TestIssuer.Claims) throws -> String {
    var claims = claims
    claims.issuer = url
    guard let (key, id) = shared.state.withLock({ $0.keys.last }) else { throw WireError(what: "no key") }
    return try TestIssuer.token(claims, key: key, keyID: id)
  }
}
