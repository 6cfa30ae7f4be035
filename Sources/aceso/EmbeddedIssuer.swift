import HTTPServer
import Identity
import Issuer
import Server
import Storage
import Synchronization

/// The issuer inside the server, as the services see it: they ask it for its keys without a socket.
final class EmbeddedIssuer: Sendable {
  /// The server's address, without a slash at its end.
  let base: String
  private let running = Mutex<(issuer: Issuer, database: any Database)?>(nil)

  init(base: String) { self.base = base }

  /// What its tokens have as `iss`.
  var address: String { base + "/auth" }

  /// nil before it is open.
  var issuer: Issuer? { running.withLock { $0?.issuer } }

  /// - Parameter mounts: services that tokens are for, and whose patients can be chosen.
  func open(_ place: StorePlace, _ mounts: Mounts) async throws {
    let configuration = IssuerConfiguration(address: address, audiences: mounts.all.map { base + $0.entrance.path })
    let database = try place.openIssuer()
    do {
      let issuer = try await Issuer(configuration, database) { [base] text, audience in
        for case .fhir(let mount) in mounts.all where base + mount.path == audience {
          return await PatientPicker(service: mount.service, base: audience).search(text)
        }
        return []
      }
      issuer.start()
      running.withLock { $0 = (issuer, database) }
    } catch let error as StorageError {
      await database.close()
      throw StorePlace.failure("of users and apps", error)
    }
  }

  func close() async {
    guard let (issuer, database) = running.withLock({ $0 }) else { return }
    issuer.stop()
    await database.close()
  }

  /// What lets in whom this issuer vouches for, beside those whom `other` does.
  /// - Parameter path: the service's, for which its tokens must be.
  func access(_ path: String, beside other: ServiceAccess?) -> ServiceAccess {
    var own = TrustedIssuer(url: address)
    own.audiences = [base + path]
    var access = other ?? ServiceAccess(issuers: [], audiences: [])
    access.issuers.append(own)
    return answering(access)
  }

  /// The same, with this issuer's documents from memory: it may be declared like any other.
  func answering(_ access: ServiceAccess) -> ServiceAccess {
    var result = access
    let fetch = access.fetch
    result.fetch = { [self] asked in
      guard asked.hasPrefix(address + "/") else { return try await fetch(asked) }
      return try await document(asked)
    }
    return result
  }

  private func document(_ asked: String) async throws -> FetchedDocument {
    let path = asked.dropFirst(address.count).split(separator: "/").map(String.init)
    let request = HTTPRequest(method: .get, target: "/auth/" + path.joined(separator: "/"), host: "localhost")
    guard let response = await issuer?.respond(to: request, path: path, query: ""), response.status == 200,
      case .bytes(let bytes) = response.body
    else { throw TokenError(.keysUnavailable) }
    return FetchedDocument(Array(bytes))
  }
}
