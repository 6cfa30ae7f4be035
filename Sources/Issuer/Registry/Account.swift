public import Identity

/// Somebody who can log in.
public struct Account: Sendable, Equatable {
  /// `sub` of tokens: never given to anybody else.
  public var id: String
  /// What is typed to log in.
  public var name: String
  /// For pages and `name` of identity tokens.
  public var displayName: String?
  /// The FHIR resource that stands for them: `Practitioner/123`, or an address that ends so.
  public var fhirUser: String?
  /// Names of roles, as services know them.
  public var roles: [String]
  public var password: PasswordHash

  static let nameBytesMax = 128

  /// - Throws: `RegistryError` for a name, resource or role that is none.
  public init(
    id: String, name: String, displayName: String? = nil, fhirUser: String? = nil, roles: [String] = [],
    password: PasswordHash
  ) throws(RegistryError) {
    guard Self.isName(name) else {
      throw RegistryError("a user's name has 1 to \(Self.nameBytesMax) letters, digits and any of . _ - @ +")
    }
    if let fhirUser, FHIRUser(fhirUser) == nil {
      throw RegistryError("'\(fhirUser.prefix(100))' is no FHIR resource such as Practitioner/123")
    }
    if let displayName, !RegistryError.isShown(displayName) {
      throw RegistryError("a user's full name has 1 to 200 bytes and no control characters")
    }
    for role in roles where !RegistryError.isShown(role) {
      throw RegistryError("a role's name has 1 to 200 bytes and no control characters")
    }
    self.id = id
    self.name = name
    self.displayName = displayName
    self.fhirUser = fhirUser
    self.roles = roles
    self.password = password
  }

  static func isName(_ text: String) -> Bool {
    (1...nameBytesMax).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: "._-@+".utf8.contains(byte)
        }
      }
  }

  /// The patient that this person is, if they are one.
  var ownPatient: String? {
    guard let fhirUser, let user = FHIRUser(fhirUser), user.type == "Patient" else { return nil }
    return user.id
  }
}

/// Why a user or an app cannot be as it was described.
public struct RegistryError: Error, Sendable, Equatable, CustomStringConvertible {
  /// For whoever described it.
  public let message: String
  public var description: String { message }

  public init(_ message: String) { self.message = message }

  static func isShown(_ text: String) -> Bool {
    (1...200).contains(text.utf8.count) && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
  }
}
