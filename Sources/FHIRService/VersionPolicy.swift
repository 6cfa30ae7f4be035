public import FHIRModel

/// How a service treats the versions of a resource type (http://hl7.org/fhir/versioning-policy).
public enum VersionPolicy: String, Sendable, CaseIterable {
  /// Versions are numbered; those superseded are not kept.
  case none = "no-version"
  /// Superseded versions are kept.
  case versioned
  /// As `versioned`, and an update must name the version that it was built upon (If-Match).
  case versionedUpdate = "versioned-update"
}

/// The policy of each resource type.
public struct VersionPolicies: Sendable, Equatable {
  /// Of all types that have none of their own.
  public var standard = VersionPolicy.versioned
  /// By the type's name.
  public var ofTypes: [String: VersionPolicy] = [:]

  public init() {}

  /// Takes over `policy` for all types, or `Type=policy` for one.
  /// - Returns: false for a text that is neither.
  public mutating func add(_ text: some StringProtocol) -> Bool {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard let name = parts.last, let policy = VersionPolicy(rawValue: String(name)) else { return false }
    guard parts.count == 2 else {
      standard = policy
      return true
    }
    guard let first = parts[0].first, first.isASCII, first.isUppercase else { return false }
    ofTypes[String(parts[0])] = policy
    return true
  }

  /// The names of `ofTypes` that are no resource types of any of these releases.
  public func unknownTypes(in schemas: [Schema]) -> [String] {
    ofTypes.keys.filter { name in !schemas.contains { $0.resourceType(name) != nil } }.sorted()
  }

  public subscript(type: String) -> VersionPolicy { ofTypes[type] ?? standard }
}

/// Which of the standard's own rules (ElementDefinition.constraint) a write must keep.
public enum WriteInvariants: String, Sendable, CaseIterable {
  /// Those whose cost the element they stand at bounds.
  case cheap
  /// All that are requirements.
  case all
}
