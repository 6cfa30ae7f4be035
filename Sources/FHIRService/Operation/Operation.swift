public import FHIRModel
public import FHIRSearch
import FHIRStore

/// An operation as it is called (FHIR R4 operations.html).
public struct Operation: Sendable {
  public enum Code: String, Sendable, CaseIterable {
    case everything, validate, meta, includes
    case metaAdd = "meta-add"
    case metaDelete = "meta-delete"
    case memberMatch = "member-match"
    case docref
    case reindex
    /// `SearchParameter/$status`
    case status
  }

  /// What an operation is called on.
  public enum Target: Sendable {
    case system
    case type(Schema.TypeID)
    case instance(Schema.TypeID, id: String)
    case version(Schema.TypeID, id: String, version: String)
    /// What a call of the operation began.
    case job(id: String)
  }

  public let code: Code
  public let target: Target
  public let query: QueryString
  public let method: Route.Method

  /// Whether it changes something (OperationDefinition.affectsState).
  public var isWrite: Bool {
    switch code {
    case .metaAdd, .metaDelete: true
    case .reindex, .status: method != .get
    default: false
    }
  }

  /// Whether its body is a resource.
  public var takesResource: Bool { code != .status || isWrite }
}

/// What the service knows of an operation: where and how it may be called (FHIR R4 operationdefinition.html).
struct OperationDefinition: Sendable {
  enum Level: Sendable { case system, type, instance, version, job }

  let code: Operation.Code
  /// The canonical URL of the definition; of our own, its end.
  private let url: String
  /// The resource types that have it; nil for all.
  let types: Set<String>?
  /// How it is called on each level that it has. Every operation can be called by POST; by GET only one that changes
  /// nothing (FHIR R4 operations.html#executing).
  let levels: [Level: Set<Route.Method>]

  private init(
    _ code: Operation.Code, _ url: String, types: Set<String>? = nil, _ levels: [Level: Set<Route.Method>]
  ) {
    (self.code, self.url, self.types, self.levels) = (code, url, types, levels)
  }

  static let all: [OperationDefinition] = [
    OperationDefinition(
      .everything, "http://hl7.org/fhir/OperationDefinition/Patient-everything", types: ["Patient"],
      [.instance: [.get, .post]]),
    OperationDefinition(
      .everything, "http://hl7.org/fhir/OperationDefinition/Encounter-everything", types: ["Encounter"],
      [.instance: [.get, .post]]),
    OperationDefinition(
      .everything, "http://hl7.org/fhir/OperationDefinition/Group-everything", types: ["Group"],
      [.instance: [.get, .post]]),
    OperationDefinition(
      .validate, "http://hl7.org/fhir/OperationDefinition/Resource-validate",
      [.type: [.post], .instance: [.get, .post]]),
    OperationDefinition(
      .meta, "http://hl7.org/fhir/OperationDefinition/Resource-meta",
      [.system: [.get, .post], .type: [.get, .post], .instance: [.get, .post], .version: [.get, .post]]),
    OperationDefinition(.metaAdd, "http://hl7.org/fhir/OperationDefinition/Resource-meta-add", [.instance: [.post]]),
    OperationDefinition(
      .metaDelete, "http://hl7.org/fhir/OperationDefinition/Resource-meta-delete", [.instance: [.post]]),
    OperationDefinition(
      .memberMatch, "http://hl7.org/fhir/us/davinci-hrex/OperationDefinition/member-match", types: ["Patient"],
      [.type: [.post]]),
    OperationDefinition(
      .includes, "https://www.hl7.org/fhir/operation-includes.html", [.system: [.get], .type: [.get]]),
    OperationDefinition(
      .docref, "http://hl7.org/fhir/us/core/OperationDefinition/docref", types: ["DocumentReference"],
      [.type: [.get, .post]]),
    OperationDefinition(
      .reindex, "/OperationDefinition/reindex",
      [.system: [.get, .post], .instance: [.get, .post], .job: [.get, .delete]]),
    OperationDefinition(
      .status, "/OperationDefinition/search-parameter-status", types: ["SearchParameter"], [.type: [.get, .put]]),
  ]

  /// The canonical URL of the definition.
  func url(_ base: String) -> String { url.hasPrefix("/") ? base + url : url }

  /// Whether a resource type has it on one of its levels.
  func isOffered(on type: String) -> Bool {
    (types?.contains(type) ?? true) && levels.keys.contains { $0 != .system && $0 != .job }
  }

  /// The definition of `$code` on a level; nil if there is none.
  static func find(_ code: Operation.Code, _ level: Level, type: String?) -> OperationDefinition? {
    all.first { definition in
      guard definition.code == code, definition.levels[level] != nil else { return false }
      guard let types = definition.types else { return true }
      return type.map { types.contains($0) } ?? false
    }
  }
}

extension Operation.Target {
  var level: OperationDefinition.Level {
    switch self {
    case .system: .system
    case .type: .type
    case .instance: .instance
    case .version: .version
    case .job: .job
    }
  }

  public var type: Schema.TypeID? {
    switch self {
    case .system, .job: nil
    case .type(let type), .instance(let type, _), .version(let type, _, _): type
    }
  }
}
