/// Who is believed about who asks (`authenticationConfiguration`).
public struct AuthenticationConfiguration: Sendable, Equatable {
  /// The one issuer of Azure's form: its address, without `/.well-known/openid-configuration`.
  public var authority: String?
  /// Audiences that a token of the authority may be for; none: the service's own address.
  public var audiences: [String] = []
  /// SMART apps' issuers in Azure's form.
  public var smartIdentityProviders: [SMARTIdentityProvider] = []
  /// Any issuers of OpenID Connect.
  public var issuers: [DeclaredIssuer] = []

  public init() {}
}

/// `smartIdentityProviders`: an issuer that only the named apps' tokens are taken of.
public struct SMARTIdentityProvider: Sendable, Equatable {
  public struct Application: Sendable, Equatable {
    public var clientID: String
    public var audience: String
    /// Azure knows `Read` only.
    public var allowedDataActions: [String]

    public init(clientID: String, audience: String, allowedDataActions: [String]) {
      self.clientID = clientID
      self.audience = audience
      self.allowedDataActions = allowedDataActions
    }
  }

  public var authority: String
  public var applications: [Application]

  public init(authority: String, applications: [Application]) {
    self.authority = authority
    self.applications = applications
  }
}

/// `issuers`: an issuer of OpenID Connect, by what its tokens say.
public struct DeclaredIssuer: Sendable, Equatable {
  /// The `iss` of its tokens; its discovery document is below it (OpenID Connect Discovery 1.0 §4).
  public var url: String
  /// `aud`: one of these; none: the service's own address.
  public var audiences: [String] = []
  /// `alg`: one of these; none: those that the server takes by itself.
  public var algorithms: [String] = []
  /// Where its keys are, if not where discovery says.
  public var jwksURL: String?
  /// Claims that name roles; none: those that the server knows by itself.
  public var roleClaims: [String] = []

  public init(url: String) { self.url = url }
}
