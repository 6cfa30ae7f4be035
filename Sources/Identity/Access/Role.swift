public import JSONCore

/// A role: a name for data actions. Tokens carry names; what they mean is the service's.
public struct Role: Sendable, Equatable {
  public let name: String
  /// The definition's id in Azure, where it has one: tokens may carry it instead of the name.
  public let id: String?
  public let actions: DataActions
  public let dicomActions: DICOMActions

  public init(_ name: String, id: String? = nil, _ actions: DataActions = [], dicom: DICOMActions = []) {
    self.name = name
    self.id = id
    self.actions = actions
    dicomActions = dicom
  }

  /// The built-in roles of Azure Health Data Services, with the data actions that Azure publishes for them.
  public static let azure: [Role] = [
    Role("FHIR Data Reader", id: "4c8d0bbc-75d3-4935-991f-5f3c56d81508", [.read]),
    Role(
      "FHIR Data Writer", id: "3f88fce4-5892-4214-ae73-ba5294559913",
      [
        .read, .write, .delete, .export, .resourceValidate, .reindex, .convertData, .editProfileDefinitions, .import,
      ]),
    Role("FHIR Data Exporter", id: "3db33094-8700-4567-8da5-1501d4e7e843", [.read, .export]),
    Role("FHIR Data Importer", id: "4465e953-8ced-4406-a58e-0f6e3f3b530b", [.read, .import]),
    Role("FHIR Data Converter", id: "a1705bd2-3a8f-45a5-8683-466fcfd5cc24", [.convertData]),
    Role("FHIR Data Contributor", id: "5a1fc7df-4bf1-4951-a576-89034ee01acd", .all),
    Role("FHIR SMART User", id: "4ba50f17-9666-485c-a643-ff00808643f0", [.read, .readByID, .search, .smart]),
    Role(
      "FHIR Data Bulk Operator", id: "804db8d3-32c7-4ad4-a975-3f6f90d5f5f5",
      [.read, .write, .delete, .export, .reindex, .import, .hardDelete, .bulkOperator]),
    Role("Search Parameter Manager", .searchParameter),
    Role("DICOM Data Owner", id: "58a3b984-7adf-4c20-983a-32417c86fbc8", dicom: .all),
    Role("DICOM Data Reader", dicom: .read),
  ]

  /// The roles that Microsoft's open-source FHIR server ships, with its names; the first two double as the open-source
  /// DICOM server's.
  public static let openSource: [Role] = [
    Role("globalReader", [.read, .resourceValidate], dicom: .read),
    Role("globalAdmin", .all, dicom: .all),
    Role("globalExporter", [.read, .export]),
    Role("globalConverter", [.read, .convertData]),
    Role("globalImporter", [.read, .import]),
    Role("globalWriter", DataActions.all.subtracting([.hardDelete, .editProfileDefinitions])),
    Role("smartUser", DataActions.all.union(.smart)),
  ]
}

/// Why a text defines no role.
public struct RoleError: Error, Sendable, Equatable {
  /// For whoever wrote it.
  public let message: String

  init(_ message: String) { self.message = message }
}

extension Role {
  static let nameBytesMax = 256
  static let patternsMax = 200

  /// Reads a role of a file, in either of two forms:
  ///
  ///     { "name": "auditor", "service": "fhir", "dataActions": ["read", "export"], "notDataActions": [], "scopes": ["/"] }
  ///     { "roleName": "Auditor", "permissions": [{ "dataActions": ["Microsoft.HealthcareApis/…/read"] }] }
  ///
  /// The first is the open-source servers' (`service` says whose short names it uses, `fhir` if absent), the second is
  /// Azure's definition of a role, as it stands or below `properties`.
  /// - Throws: what is wrong, with the member's name; an action that does not exist is an error.
  public init(_ json: JSONValue) throws(RoleError) {
    let json = json["properties"] ?? json
    guard let name = json["name"]?.string ?? json["roleName"]?.string ?? json["Name"]?.string,
      (1...Role.nameBytesMax).contains(name.utf8.count)
    else { throw RoleError("A role has a name of at most \(Role.nameBytesMax) bytes.") }
    let service = json["service"]?.string ?? "fhir"
    guard service == "fhir" || service == "dicom" else {
      throw RoleError("The role '\(name)' is for the service '\(service)', which is neither fhir nor dicom.")
    }
    // The only scope there is; any other would have to mean something, and does not.
    for scope in json["scopes"]?.elements ?? [] where scope.string != "/" {
      throw RoleError("The role '\(name)' has a scope that is not \"/\".")
    }
    let permissions = json["permissions"]?.elements ?? [json]
    var actions: DataActions = []
    var dicom: DICOMActions = []
    for permission in permissions {
      let granted = try Role.actions("dataActions", permission, name, service)
      let refused = try Role.actions("notDataActions", permission, name, service)
      actions.formUnion(granted.0.subtracting(refused.0))
      dicom.formUnion(granted.1.subtracting(refused.1))
    }
    let id = json["roleName"] == nil ? nil : json["name"]?.string
    self.init(json["roleName"]?.string ?? name, id: id, actions, dicom: dicom)
  }

  private static func actions(
    _ member: JSONKey, _ json: JSONValue, _ role: String, _ service: String
  ) throws(RoleError) -> (DataActions, DICOMActions) {
    guard let list = json[member] else { return ([], []) }
    guard list.kind == .array, list.count <= patternsMax else {
      throw RoleError("The role '\(role)' has a member \(member.name) that is no array of at most \(patternsMax).")
    }
    var fhir: DataActions = []
    var dicom: DICOMActions = []
    for element in list.elements {
      guard let pattern = element.string,
        let named = ActionPattern.actions(pattern, isDICOM: service == "dicom")
      else {
        throw RoleError(
          "The role '\(role)' names a data action that does not exist: '\((element.string ?? "").prefix(100))'.")
      }
      fhir.formUnion(named.0)
      dicom.formUnion(named.1)
    }
    return (fhir, dicom)
  }
}

/// The roles of a service, by name and by id.
public struct RoleTable: Sendable {
  private var roles: [String: Role] = [:]

  /// A role that is defined later takes the place of an earlier one with its name.
  public init(_ roles: [Role]) {
    for role in roles {
      self.roles[role.name] = role
      if let id = role.id { self.roles[id] = role }
    }
  }

  /// Azure's and the open-source servers' roles.
  public static let standard = RoleTable(Role.azure + Role.openSource)

  /// The role with this name or id, byte by byte; nil if there is none.
  public subscript(_ name: String) -> Role? { roles[name] }
}
