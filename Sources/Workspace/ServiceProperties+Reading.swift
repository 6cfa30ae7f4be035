import JSONCore

extension FHIRProperties {
  static let keys = ["resourceVersionPolicyConfiguration", "invariants", "limits"]
  /// Of Azure's model, and not there (yet).
  static let refused = [
    "accessPolicies": "access is given by roles, not by object ids",
    "acrConfiguration": "$convert-data is not there, so it needs no registry of templates",
    "exportConfiguration": "$export is not there",
    "importConfiguration": "$import is not there",
    "encryption": "keys of customers are not there; encrypt the disk",
    "implementationGuidesConfiguration": "implementation guides are not there",
  ]

  init(_ node: YAMLNode, _ service: ConfigurationMapping, _ settings: inout ServiceSettings) throws(ConfigurationError)
  {
    let mapping = try ConfigurationMapping(
      node, keys: ServiceSettings.keys + Self.keys + ServiceDefinition.readOnlyProperties, refused: Self.refused)
    try settings.read(mapping)
    self.init()
    release = try service.choice("kind") ?? .r4
    if let node = mapping.value("resourceVersionPolicyConfiguration") {
      versions = try VersionPolicyConfiguration(node)
    }
    invariants = try mapping.choice("invariants")
    guard let node = mapping.value("limits") else { return }
    let known = LimitKey.all.filter(\.isOfService).map(\.name)
    let limits = try ConfigurationMapping(node, keys: known)
    for name in known { self.limits[name] = try limits.integer(name, 1...Int.max) }
  }
}

extension DICOMProperties {
  static let keys = ["enableDataPartitions"]
  static let refused = [
    "encryption": "keys of customers are not there; encrypt the disk",
    "storageConfiguration": "the files are in the data directory",
    "bulkImportConfiguration": "bulk import is not there",
  ]

  init(_ node: YAMLNode, _ settings: inout ServiceSettings) throws(ConfigurationError) {
    let mapping = try ConfigurationMapping(
      node, keys: ServiceSettings.keys + Self.keys + ServiceDefinition.readOnlyProperties, refused: Self.refused)
    try settings.read(mapping)
    self.init()
    hasPartitions = try mapping.bool("enableDataPartitions") ?? false
  }
}

extension IoTConnectorProperties {
  static let keys = ["ingestionEndpointConfiguration", "deviceMapping"]
  static let ingestionKeys = ["eventHubName", "consumerGroup", "fullyQualifiedEventHubNamespace"]
  static let destinationKeys = ["fhirServiceResourceId", "resourceIdentityResolutionType", "fhirMapping"]
  /// As Azure's.
  static let destinationsMax = 1

  init(_ node: YAMLNode, _ service: ConfigurationMapping, _ settings: inout ServiceSettings) throws(ConfigurationError)
  {
    let mapping = try ConfigurationMapping(
      node, keys: ServiceSettings.keys + Self.keys + ServiceDefinition.readOnlyProperties)
    try settings.read(mapping)
    self.init()
    if let node = mapping.value("ingestionEndpointConfiguration") {
      let fields = try ConfigurationMapping(node, keys: Self.ingestionKeys)
      var ingestion = Ingestion()
      ingestion.eventHubName = try fields.string("eventHubName")
      ingestion.consumerGroup = try fields.string("consumerGroup")
      ingestion.fullyQualifiedEventHubNamespace = try fields.string("fullyQualifiedEventHubNamespace")
      self.ingestion = ingestion
    }
    if let node = mapping.value("deviceMapping") { deviceMapping = try Self.content(node) }
    for item in try service.list("fhirdestinations") { destinations.append(try Destination(item)) }
    guard destinations.count <= Self.destinationsMax else {
      throw ConfigurationError("there are more than \(Self.destinationsMax) 'fhirdestinations'", at: node)
    }
  }

  /// The `content` of a mapping, as JSON.
  fileprivate static func content(_ node: YAMLNode) throws(ConfigurationError) -> String {
    let mapping = try ConfigurationMapping(node, keys: ["content"])
    guard let content = mapping.value("content"), case .mapping = content.content else {
      throw ConfigurationError("'content' is missing: the mapping itself", at: node)
    }
    var writer = JSONWriter()
    content.write(to: &writer)
    return String(decoding: writer.bytes, as: UTF8.self)
  }
}

extension IoTConnectorProperties.Destination {
  init(_ node: YAMLNode) throws(ConfigurationError) {
    let mapping = try ConfigurationMapping(
      node, keys: ["name", "location", "properties"] + ServiceDefinition.readOnlyKeys)
    let name = try mapping.required("name", "the destination's name")
    guard let properties = mapping.value("properties") else {
      throw ConfigurationError("'properties' is missing", at: node)
    }
    let fields = try ConfigurationMapping(
      properties, keys: IoTConnectorProperties.destinationKeys + ServiceDefinition.readOnlyProperties)
    guard let content = fields.value("fhirMapping") else {
      throw ConfigurationError("'fhirMapping' is missing", at: properties)
    }
    self.init(
      name: name, fhirService: try fields.required("fhirServiceResourceId", "the FHIR service it writes to"),
      fhirMapping: try IoTConnectorProperties.content(content))
    resolution = try fields.choice("resourceIdentityResolutionType") ?? .lookup
  }
}
