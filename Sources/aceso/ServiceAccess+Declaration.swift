import Identity
import Server
import Workspace

extension ServiceAccess {
  /// What a service's declaration says of who is let in.
  init(_ declared: AuthenticationConfiguration) throws(AdministrationError) {
    var settings = AccessSettings()
    var issuers: [TrustedIssuer] = []
    if let authority = declared.authority { issuers.append(TrustedIssuer(url: authority)) }
    for issuer in declared.issuers { issuers.append(try TrustedIssuer(issuer)) }
    for provider in declared.smartIdentityProviders {
      var issuer = TrustedIssuer(url: provider.authority)
      issuer.audiences = provider.applications.map(\.audience)
      issuer.clients = Set(provider.applications.map(\.clientID))
      issuers.append(issuer)
      for application in provider.applications {
        settings.applications[provider.authority, default: [:]][application.clientID] = .read
      }
    }
    for issuer in issuers where !OpenIDConfiguration.isFetchable(issuer.url, allowsLoopback: true) {
      throw Self.invalid("the issuer '\(issuer.url)' is no https address, nor one of this machine")
    }
    self.init(issuers: issuers, audiences: declared.audiences, settings: settings)
  }

  fileprivate static func invalid(_ reason: String) -> AdministrationError {
    AdministrationError(400, "InvalidRequestContent", "'authenticationConfiguration': \(reason)")
  }
}

extension TrustedIssuer {
  fileprivate init(_ declared: DeclaredIssuer) throws(AdministrationError) {
    self.init(url: declared.url, keys: declared.jwksURL.map { .address($0) } ?? .discovery)
    audiences = declared.audiences
    if !declared.roleClaims.isEmpty { claims.roles = declared.roleClaims }
    guard !declared.algorithms.isEmpty else { return }
    algorithms = []
    for name in declared.algorithms {
      guard let algorithm = SignatureAlgorithm(rawValue: name) else {
        let known = SignatureAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")
        throw ServiceAccess.invalid("'\(name)' is none of the algorithms \(known)")
      }
      algorithms.insert(algorithm)
    }
  }
}
