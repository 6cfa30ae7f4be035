public import Identity

/// A patient whom somebody may choose as the context of a launch.
public struct PatientChoice: Sendable, Equatable {
  /// The logical id of the Patient resource.
  public var id: String
  public var name: String
  /// As it is shown: a date, or nothing.
  public var birthDate: String?

  public init(id: String, name: String, birthDate: String? = nil) {
    self.id = id
    self.name = name
    self.birthDate = birthDate
  }
}

/// What an embedded issuer is and how long what it gives is good.
public struct IssuerConfiguration: Sendable {
  /// The issuer's own address as everybody knows it, without a slash at its end: `iss` of every token, and what all its
  /// endpoints are below.
  public var address: String
  /// The bases of the services that tokens are for: what `aud` of a request may name (SMART App Launch 2.2, §2.0.7).
  public var audiences: [String]
  /// What the roles of users mean, to grant no scope that they do not allow.
  public var roles = RoleTable.standard
  public var codeSeconds = 60
  /// SMART: an hour at most.
  public var accessTokenSeconds = 3600
  /// Of backend services (SMART App Launch 2.2, §4.2.6: five minutes at most).
  public var backendTokenSeconds = 300
  /// From the last use. ONC (g)(10) asks for three months.
  public var refreshTokenSeconds = 180 * 24 * 3600
  /// From logging in to logging in again.
  public var sessionSeconds = 12 * 3600
  /// How long an EHR's launch handle waits for its app.
  public var launchSeconds = 300
  /// From one signing key to the next.
  public var keyRotationSeconds = 90 * 24 * 3600
  /// How long a key is published before it signs.
  public var keyLeadSeconds = 24 * 3600
  /// What a password's hash costs.
  public var passwords = PasswordHash.Parameters.recommended
  public var throttle = Throttle.Settings()
  /// Patients shown on one page of the picker.
  public var patientChoicesMax = 20

  public init(address: String, audiences: [String]) {
    self.address = address
    self.audiences = audiences
  }

  /// Whether browsers come by TLS.
  var isSecure: Bool { address.hasPrefix("https://") }

  /// The audience that a request means: a slash at the end does not matter.
  func audience(_ text: String) -> String? {
    func trimmed(_ text: String) -> Substring { text.last == "/" ? text.dropLast() : text[...] }
    return audiences.first { trimmed($0) == trimmed(text) }
  }
}

/// Scopes of the issuer's own.
public enum IssuerScope {
  /// Making launch contexts: for an EHR that launches apps.
  public static let launch = "aceso.launch"
  /// Asking about tokens of other apps: for resource servers.
  public static let introspect = "aceso.introspect"
}
