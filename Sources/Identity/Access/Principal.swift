import Base
import JSONCore

/// Where a token says who is asking and what they may: names of claims, or places (`/realm_access/roles`). Of several
/// the first that the token has counts, except for scopes, which are joined.
public struct ClaimNames: Sendable, Equatable {
  public var subject = ["sub"]
  public var roles = ["roles"]
  public var scopes = ["scope", "scp"]
  /// Wins over `scopes` where the token has it, as Microsoft's server does.
  public var rawScope: String? = "raw_scope"
  /// The second is the spelling of Azure AD B2C.
  public var fhirUser = ["fhirUser", "extension_fhirUser"]
  /// The launch context.
  public var patient = ["patient"]
  public var encounter = ["encounter"]
  public var tenant = ["tid"]
  public var objectID = ["oid"]
  public var name = ["name", "preferred_username"]

  public init() {}
}

/// Who asks: a person or an app, as a verified token, a certificate or the configuration says.
public struct Principal: Sendable, Equatable {
  /// Who, within the issuer.
  public var subject: String
  public var issuer: String
  /// The app.
  public var client: String?
  public var tenant: String?
  /// Entra's id of the user or app, which API for FHIR's access policies name.
  public var objectID: String?
  /// For pages and audit; never for decisions.
  public var name: String?
  public var roles: [String] = []
  /// The scopes as they were granted, one each.
  public var scopes: [String] = []
  /// The FHIR resource of the person who is using the app: `Practitioner/123`, or an address that ends with it.
  public var fhirUser: String?
  /// The patient of the launch context.
  public var patient: String?
  public var encounter: String?
  /// `jti`: for revocation and audit.
  public var tokenID: String?

  public init(subject: String, issuer: String, client: String? = nil) {
    self.subject = subject
    self.issuer = issuer
    self.client = client
  }

  /// Bytes of any of the texts that name somebody.
  static let nameBytesMax = 1024
  /// Roles, and scopes, of one principal.
  static let entriesMax = 300

  /// Reads a verified token.
  /// - Throws: `.claim` for a claim of the wrong kind or size, or without a subject or client.
  public init(_ token: VerifiedToken, _ names: ClaimNames = ClaimNames()) throws(TokenError) {
    let claims = token.claims
    func text(_ names: [String]) throws(TokenError) -> String? {
      for name in names {
        guard let text = try claims.string(name) else { continue }
        guard !text.isEmpty, text.utf8.count <= Principal.nameBytesMax else { throw TokenError(.claim, name) }
        return text
      }
      return nil
    }
    guard let subject = try text(names.subject) ?? token.client else { throw TokenError(.claim, names.subject.first) }
    self.init(subject: subject, issuer: token.issuer, client: token.client)
    tenant = try text(names.tenant)
    objectID = try text(names.objectID)
    // A name decides nothing: one of the wrong kind is as good as none.
    name = names.name.lazy.compactMap { claims[$0]?.string }.first
    for name in names.roles where roles.isEmpty { roles = try claims.strings(name) }
    scopes = try Principal.scopes(claims, names)
    fhirUser = try text(names.fhirUser)
    patient = try text(names.patient)
    encounter = try text(names.encounter)
    tokenID = try text(["jti"])
    guard roles.count <= Principal.entriesMax else { throw TokenError(.claim, names.roles.first) }
  }

  private static func scopes(_ claims: Claims, _ names: ClaimNames) throws(TokenError) -> [String] {
    var texts: [String] = []
    if let raw = names.rawScope { texts = try claims.strings(raw) }
    if texts.isEmpty {
      for name in names.scopes { texts += try claims.strings(name) }
    }
    var scopes: [String] = []
    for text in texts {
      for scope in text.split(separator: " ") where !scopes.contains(String(scope)) {
        scopes.append(String(scope))
        guard scopes.count <= entriesMax else { throw TokenError(.claim, names.scopes.first) }
      }
    }
    return scopes
  }
}
