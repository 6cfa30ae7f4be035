/// What a caller may do, from the texts of the standards: Azure's roles and data actions, SMART App Launch 2.2's scopes,
/// FHIR R4's compartments. Nothing here is the server's.
struct AccessModel {
  enum Expectation: Equatable {
    case allowed
    /// 403
    case forbidden
    /// As if it were not there.
    case absent
  }

  struct Scope {
    let context: String
    let type: String
    let letters: Set<Character>
    let category: String?

    /// SMART App Launch 2.2: `read` is `rs`, `write` is `cud`, `*` is all of them.
    init(_ text: String) {
      let parts = text.split(separator: "/", maxSplits: 1)
      context = String(parts[0])
      let rest = parts[1].split(separator: "?")
      let point = rest[0].lastIndex(of: ".") ?? rest[0].endIndex
      type = String(rest[0][..<point])
      switch rest[0][rest[0].index(after: point)...] {
      case "read": letters = ["r", "s"]
      case "write": letters = ["c", "u", "d"]
      case "*": letters = ["c", "r", "u", "d", "s"]
      case let own: letters = Set(own)
      }
      category = rest.count == 2 ? String(rest[1].split(separator: "|").last ?? "") : nil
    }
  }

  let roles: [String]
  let scopes: [Scope]

  init(roles: [String], scope: String?) {
    self.roles = roles
    scopes = (scope ?? "").split(separator: " ").map { Scope(String($0)) }
  }

  /// Azure's built-in roles (Azure documentation, "Azure built-in roles for integration").
  private static let actionsOfRole: [String: Set<String>] = [
    "FHIR Data Reader": ["read"],
    "FHIR Data Writer": [
      "read", "write", "delete", "export", "validate", "reindex", "convert", "profiles", "import",
    ],
    "FHIR Data Contributor": [
      "read", "write", "delete", "hardDelete", "export", "validate", "reindex", "convert", "profiles", "import",
    ],
    "FHIR Data Exporter": ["read", "export"],
    "FHIR Data Converter": ["convert"],
    "FHIR SMART User": ["read"],
  ]

  /// A token with scopes and no role may do with resources what its scopes say.
  private var actions: Set<String> {
    if roles.isEmpty { return scopes.isEmpty ? [] : ["read", "write", "delete", "export"] }
    return roles.reduce(into: []) { $0.formUnion(Self.actionsOfRole[$1] ?? []) }
  }

  /// Roles alone decide where there are no scopes and no role that asks for them.
  private var isScoped: Bool { !scopes.isEmpty || roles.contains("FHIR SMART User") }

  /// Whether the caller may do this to some resource of the type at all.
  func permits(_ type: String, action: String, letter: Character) -> Bool {
    actions.contains(action) && (!isScoped || scopes.contains { reaches($0, type, letter) })
  }

  private func reaches(_ scope: Scope, _ type: String, _ letter: Character) -> Bool {
    guard scope.letters.contains(letter), scope.type == "*" || scope.type == type else { return false }
    // Conditions on a category can hold of types that have categories only, and compartments have members of some.
    if scope.category != nil, type != "Observation" { return false }
    guard scope.context != "system" else { return true }
    let isRead = letter == "r" || letter == "s"
    switch type {
    // Everybody's: "universal compartment resources" of Azure's service, to be read.
    case "Organization": return isRead
    // Devices are in neither compartment in R4; a patient's own are seen as well.
    case "Device": return isRead
    // The practitioner herself is in her compartment ({def}); in the patient's there are none.
    case "Practitioner": return isRead || scope.context == "user"
    default: return true
    }
  }

  /// Whether a scope lets this very resource pass.
  func sees(_ item: AccessData.Item, letter: Character) -> Bool {
    guard isScoped else { return true }
    return scopes.contains { scope in
      guard reaches(scope, item.type, letter) else { return false }
      if let category = scope.category, category != item.category { return false }
      let isRead = letter == "r" || letter == "s"
      let isUniversal = isRead && (item.type == "Organization" || item.type == "Practitioner")
      switch scope.context {
      case "system": return true
      case "patient":
        if item.type == "Device" { return item.patient == nil || item.patient == "p1" }
        return isUniversal || item.patient == "p1"
      default:
        if item.type == "Device" { return item.patient == nil }
        return isUniversal || item.practitioner == "d1"
      }
    }
  }

  /// Azure refuses includes and chains while scopes have conditions.
  var refusesJoins: Bool { scopes.contains { $0.category != nil } }

  // MARK: Interactions

  func read(_ item: AccessData.Item) -> Expectation {
    guard permits(item.type, action: "read", letter: "r") else { return .forbidden }
    return sees(item, letter: "r") ? .allowed : .absent
  }

  func search(_ item: AccessData.Item) -> Expectation {
    guard permits(item.type, action: "read", letter: "s") else { return .forbidden }
    return sees(item, letter: "s") ? .allowed : .absent
  }

  func create(_ item: AccessData.Item) -> Expectation {
    permits(item.type, action: "write", letter: "c") && sees(item, letter: "c") ? .allowed : .forbidden
  }

  /// Who may not update what stands is told so: an id that is taken cannot be told from one that is not anyway.
  func update(_ item: AccessData.Item) -> Expectation {
    permits(item.type, action: "write", letter: "u") && sees(item, letter: "u") ? .allowed : .forbidden
  }

  /// `update` needs Write; a patch needs Read and Write.
  func patch(_ item: AccessData.Item) -> Expectation {
    guard permits(item.type, action: "write", letter: "u"), actions.contains("read") else { return .forbidden }
    if sees(item, letter: "u") { return .allowed }
    return read(item) == .allowed ? .forbidden : .absent
  }

  func delete(_ item: AccessData.Item, isHard: Bool = false) -> Expectation {
    guard permits(item.type, action: "delete", letter: "d") else { return .forbidden }
    if isHard, !actions.contains("hardDelete") { return .forbidden }
    if sees(item, letter: "d") { return .allowed }
    return read(item) == .allowed ? .forbidden : .absent
  }
}
