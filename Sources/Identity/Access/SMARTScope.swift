/// A scope for FHIR resources (SMART App Launch 2.2, Scopes for requesting FHIR resources):
///
///     patient/Observation.rs?category=laboratory
///     user/*.cruds
///     system/Patient.read          version 1
///
/// `init` reads it, `text` writes it in one spelling.
public struct SMARTScope: Sendable, Hashable {
  /// Whose data.
  public enum Context: String, Sendable, CaseIterable {
    /// The patient of the launch context.
    case patient
    /// All that the person who uses the app may see.
    case user
    /// All that the app may see, without a person.
    case system
  }

  /// What may be done; the letters of version 2.
  public struct Permissions: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// c: create
    public static let create = Permissions(rawValue: 1)
    /// r: read, vread, history of one resource
    public static let read = Permissions(rawValue: 2)
    /// u: update, patch; also where it creates
    public static let update = Permissions(rawValue: 4)
    /// d: delete
    public static let delete = Permissions(rawValue: 8)
    /// s: search and history of a type or the system
    public static let search = Permissions(rawValue: 16)

    /// `.read` of version 1
    public static let reading: Permissions = [.read, .search]
    /// `.write` of version 1
    public static let writing: Permissions = [.create, .update, .delete]
    public static let all: Permissions = [.create, .read, .update, .delete, .search]

    static let letters: [(UInt8, Permissions)] = [
      (UInt8(ascii: "c"), .create), (UInt8(ascii: "r"), .read), (UInt8(ascii: "u"), .update),
      (UInt8(ascii: "d"), .delete), (UInt8(ascii: "s"), .search),
    ]

    /// In the order of the standard: `cruds`.
    public var text: String {
      String(decoding: Permissions.letters.filter { contains($0.1) }.map(\.0), as: UTF8.self)
    }
  }

  public enum Version: Sendable, Hashable { case v1, v2 }

  /// A condition on the resources: a search parameter and its value, as in a query.
  public struct Condition: Sendable, Hashable, Comparable {
    public let parameter: String
    public let value: String

    public init(_ parameter: String, _ value: String) {
      self.parameter = parameter
      self.value = value
    }

    public static func < (lhs: Condition, rhs: Condition) -> Bool {
      (lhs.parameter, lhs.value) < (rhs.parameter, rhs.value)
    }
  }

  public let context: Context
  /// nil for `*`: every type.
  public let type: String?
  public let permissions: Permissions
  public let version: Version
  /// All must hold; in order, without repetitions.
  public let conditions: [Condition]

  public init(
    _ context: Context, _ type: String?, _ permissions: Permissions, version: Version = .v2,
    conditions: [Condition] = []
  ) {
    self.context = context
    self.type = type
    self.permissions = permissions
    self.version = version
    self.conditions = Set(conditions).sorted()
  }

  /// FHIR's names of types: a capital letter, then letters.
  static func isTypeName(_ text: some StringProtocol) -> Bool {
    guard (2...64).contains(text.utf8.count), let first = text.utf8.first, (65...90).contains(first) else {
      return false
    }
    return text.utf8.allSatisfy { (65...90).contains($0) || (97...122).contains($0) }
  }
}

/// Why a text is no scope.
public struct ScopeError: Error, Sendable, Equatable {
  public enum Code: String, Sendable {
    case malformed, type, permissions, condition, tooLong, mixedVersions, mixedContexts
  }

  public let code: Code
  /// For the caller, whose scope it is.
  public let message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}

extension ScopeError: CustomStringConvertible {
  /// The code alone: safe to log.
  public var description: String { "ScopeError(\(code.rawValue))" }
}

extension SMARTScope {
  /// The scope in one spelling: letters in order, conditions sorted, what a scope must not hold percent-encoded.
  public var text: String {
    var text = "\(context.rawValue)/\(type ?? "*")."
    switch (version, permissions) {
    case (.v1, .all): text += "*"
    case (.v1, .reading): text += "read"
    case (.v1, .writing): text += "write"
    default: text += permissions.text
    }
    for (place, condition) in conditions.enumerated() {
      text += place == 0 ? "?" : "&"
      text += PercentCoding.encode(condition.parameter) + "=" + PercentCoding.encode(condition.value)
    }
    return text
  }

  /// Whether everything this scope grants is granted by another: the same context, every type or the same, all letters,
  /// and no condition that this one does not have.
  public func isCovered(by other: SMARTScope) -> Bool {
    other.context == context && (other.type == nil || other.type == type)
      && other.permissions.isSuperset(of: permissions)
      && other.conditions.allSatisfy { conditions.contains($0) }
  }

  /// What both scopes grant; nil if that is nothing.
  public func intersection(_ other: SMARTScope) -> SMARTScope? {
    guard context == other.context, type == nil || other.type == nil || type == other.type else { return nil }
    let both = permissions.intersection(other.permissions)
    guard !both.isEmpty else { return nil }
    return SMARTScope(
      context, type ?? other.type, both, version: version, conditions: conditions + other.conditions)
  }
}
