/// A resource that stands for a person: `fhirUser` of a token (SMART App Launch, OpenID Connect), a launch context's
/// patient.
public struct FHIRUser: Sendable, Hashable {
  /// The address before the type, without its slash; nil for a relative reference.
  public let base: String?
  public let type: String
  public let id: String

  public init(type: String, id: String) {
    base = nil
    self.type = type
    self.id = id
  }

  /// Reads `Practitioner/123` or an `http` address that ends so; nil for anything else.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard text.utf8.count <= 2048, parts.count >= 2 else { return nil }
    let type = parts[parts.count - 2]
    let id = parts[parts.count - 1]
    guard SMARTScope.isTypeName(type), FHIRUser.isID(id) else { return nil }
    if parts.count == 2 {
      base = nil
    } else {
      guard text.hasPrefix("https://") || text.hasPrefix("http://"), parts.count >= 5, !parts[2].isEmpty,
        text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") })
      else { return nil }
      base = parts[..<(parts.count - 2)].joined(separator: "/")
    }
    self.type = String(type)
    self.id = String(id)
  }

  /// FHIR R4 datatypes#id.
  static func isID(_ text: some StringProtocol) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
          true
        default: false
        }
      }
  }

  /// `Practitioner/123`
  public var reference: String { "\(type)/\(id)" }
}
