extension Workspaces {
  /// The keys of the outermost mapping.
  static let keys = ["server", "limits", "workspaces"]

  /// Reads a declaration, such as `aceso.yaml`.
  /// - Parameter file: its name for messages.
  /// - Throws: `ConfigurationError` with the place of the first mistake.
  public init(yaml text: String, file: String? = nil, references: References? = nil) throws(ConfigurationError) {
    do throws(ConfigurationError) {
      var root = try YAMLDocument(text).root
      if let references { root = try references.resolved(root) }
      try self.init(root)
    } catch {
      var error = error
      error.file = file
      throw error
    }
  }

  /// Reads a declaration.
  public init(_ node: YAMLNode) throws(ConfigurationError) {
    let mapping = try ConfigurationMapping(node, keys: Self.keys)
    if let server = mapping.value("server") { try self.server.read(server) }
    if let limits = mapping.value("limits") { try self.server.readLimits(limits) }
    guard node["workspaces"] != nil else { return }
    var workspaces: [Workspace] = []
    for item in try mapping.list("workspaces") {
      let workspace = try Workspace(item)
      guard !workspaces.contains(where: { $0.name == workspace.name }) else {
        throw ConfigurationError("the workspace '\(workspace.name)' stands here a second time", at: item)
      }
      workspaces.append(workspace)
    }
    self.workspaces = workspaces
  }
}

extension Workspace {
  /// The keys of a workspace; those that only a server tells are taken and left alone, so that what was read can be
  /// sent back.
  static let keys = ["name", "location", "tags"] + ServiceDefinition.Kind.allCases.map(\.rawValue)
  static let readOnlyKeys = ["id", "type", "apiVersion", "etag", "systemData", "properties"]
  static let refused = ["identity": "there is no managed identity here"]

  public static let resourceType = "Microsoft.HealthcareApis/workspaces"

  /// - Parameter name: from the address it was sent to; nil: the declaration says it.
  public init(_ node: YAMLNode, name: String? = nil) throws(ConfigurationError) {
    let mapping = try ConfigurationMapping(node, keys: Self.keys + Self.readOnlyKeys, refused: Self.refused)
    self.init(name: try Self.name(mapping, name))
    try ServiceDefinition.check(type: Self.resourceType, mapping)
    location = try mapping.string("location")
    tags = try mapping.texts("tags") ?? [:]
    if let properties = mapping.value("properties") { try Self.check(properties) }
    for kind in ServiceDefinition.Kind.allCases {
      for item in try mapping.list(kind.rawValue) {
        let service = try ServiceDefinition(item, kind: kind, workspace: self.name)
        // One address for each, whatever its kind.
        guard !services.contains(where: { $0.name == service.name }) else {
          throw ConfigurationError("the service '\(service.name)' stands here a second time", at: item)
        }
        services.append(service)
      }
    }
  }

  /// A workspace has no properties here but those that a server tells.
  private static func check(_ node: YAMLNode) throws(ConfigurationError) {
    let mapping = try ConfigurationMapping(
      node, keys: ServiceDefinition.readOnlyProperties + ["publicNetworkAccess"])
    guard let access = mapping.value("publicNetworkAccess"), try mapping.string("publicNetworkAccess") != "Enabled"
    else {
      return
    }
    throw ConfigurationError("'publicNetworkAccess' is said of each service, not of the workspace", at: access)
  }

  private static func name(_ mapping: ConfigurationMapping, _ given: String?) throws(ConfigurationError) -> String {
    let name =
      if let given { given } else { try mapping.required("name", "the workspace's name") }
    guard ServiceName.isWorkspace(name) else {
      let place = mapping.value("name") ?? mapping.node
      throw ConfigurationError(
        "'\(name)' is no name of a workspace: 1 to \(ServiceName.bytesMax) lower-case letters and digits, and none of "
          + ServiceName.reserved.sorted().joined(separator: ", "), at: place)
    }
    if let own = try mapping.string("name"), own != name {
      throw ConfigurationError("the name '\(own)' is not that of the address, '\(name)'", at: mapping.node)
    }
    return name
  }
}

extension ServiceDefinition {
  static let keys = ["name", "kind", "location", "tags", "properties"]
  static let readOnlyKeys = ["id", "type", "apiVersion", "etag", "systemData", "dependsOn"]
  static let refused = ["identity": "there is no managed identity here"]
  static let readOnlyProperties = [
    "provisioningState", "eventState", "privateEndpointConnections", "serviceUrl", "hostName",
  ]

  public static func resourceType(_ kind: Kind) -> String { "\(Workspace.resourceType)/\(kind.rawValue)" }

  /// - Parameters:
  ///   - workspace: the name of the workspace that it is in.
  ///   - name: from the address it was sent to; nil: the declaration says it.
  public init(_ node: YAMLNode, kind: Kind, workspace: String, name: String? = nil) throws(ConfigurationError) {
    let ownKeys = kind == .iotconnector ? ["fhirdestinations"] : []
    let mapping = try ConfigurationMapping(
      node, keys: Self.keys + ownKeys + Self.readOnlyKeys, refused: Self.refused)
    let name = try Self.name(mapping, workspace, name)
    try Self.check(type: Self.resourceType(kind), mapping)
    let properties = mapping.value("properties") ?? YAMLNode(.mapping([]), line: node.line, column: node.column)
    var settings = ServiceSettings()
    switch kind {
    case .fhir:
      self.init(name: name, .fhir(try FHIRProperties(properties, mapping, &settings)))
    case .dicom:
      try Self.checkNoKind(mapping)
      self.init(name: name, .dicom(try DICOMProperties(properties, &settings)))
    case .iotconnector:
      try Self.checkNoKind(mapping)
      self.init(name: name, .iotconnector(try IoTConnectorProperties(properties, mapping, &settings)))
    }
    self.settings = settings
    location = try mapping.string("location")
    tags = try mapping.texts("tags") ?? [:]
  }

  private static func name(_ mapping: ConfigurationMapping, _ workspace: String, _ given: String?)
    throws(ConfigurationError) -> String
  {
    var own = try mapping.string("name")
    // ARM templates name a child `{workspace}/{service}`.
    if let text = own, text.hasPrefix("\(workspace)/") { own = String(text.dropFirst(workspace.count + 1)) }
    guard let name = given ?? own else {
      throw ConfigurationError("'name' is missing: the service's name", at: mapping.node)
    }
    guard ServiceName.isService(name) else {
      throw ConfigurationError(
        "'\(name)' is no name of a service: 1 to \(ServiceName.bytesMax) lower-case letters, digits, and hyphens between "
          + "them", at: mapping.value("name") ?? mapping.node)
    }
    if let own, own != name {
      throw ConfigurationError("the name '\(own)' is not that of the address, '\(name)'", at: mapping.node)
    }
    return name
  }

  static func check(type: String, _ mapping: ConfigurationMapping) throws(ConfigurationError) {
    guard let given = try mapping.string("type"), given.lowercased() != type.lowercased() else { return }
    throw ConfigurationError("the type '\(given)' is not '\(type)'", at: mapping.node)
  }

  private static func checkNoKind(_ mapping: ConfigurationMapping) throws(ConfigurationError) {
    guard let kind = mapping.value("kind") else { return }
    throw ConfigurationError("only fhirservices have a 'kind'", at: kind)
  }
}
