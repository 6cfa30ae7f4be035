public import Base

/// Everything that a server is told to be: where it listens and what it bears, and the workspaces with their services.
public struct Workspaces: Sendable, Equatable {
  public var server = ServerConfiguration()
  /// nil where nothing is said of workspaces at all: the server then has those of its own choice.
  public var workspaces: [Workspace]?

  public init() {}
}

/// A workspace: the boundary around services that belong together, as `Microsoft.HealthcareApis/workspaces`.
public struct Workspace: Sendable, Equatable {
  /// Lower-case letters and digits, see `ServiceName`.
  public var name: String
  /// Kept and told again; it means nothing here.
  public var location: String?
  public var tags: [String: String] = [:]
  public var services: [ServiceDefinition] = []

  public init(name: String) { self.name = name }

  public func service(_ kind: ServiceDefinition.Kind, _ name: String) -> ServiceDefinition? {
    services.first { $0.kind == kind && $0.name == name }
  }
}

/// A service of a workspace, in Azure's resource model: what somebody wants it to be.
public struct ServiceDefinition: Sendable, Equatable {
  /// The raw value is the collection's name in addresses and declarations.
  public enum Kind: String, Sendable, CaseIterable {
    case fhir = "fhirservices"
    case dicom = "dicomservices"
    case iotconnector = "iotconnectors"
  }

  /// What only services of one kind have.
  public enum Properties: Sendable, Equatable {
    case fhir(FHIRProperties)
    case dicom(DICOMProperties)
    case iotconnector(IoTConnectorProperties)
  }

  /// Lower-case letters, digits and hyphens, see `ServiceName`.
  public var name: String
  public var location: String?
  public var tags: [String: String] = [:]
  /// What every service has.
  public var settings = ServiceSettings()
  public var properties: Properties

  public init(name: String, _ properties: Properties) {
    self.name = name
    self.properties = properties
  }

  public var kind: Kind {
    switch properties {
    case .fhir: .fhir
    case .dicom: .dicom
    case .iotconnector: .iotconnector
    }
  }
}

/// What every service has at its door.
public struct ServiceSettings: Sendable, Equatable {
  /// nil: the server's.
  public var cors: CORSConfiguration?
  /// `publicNetworkAccess`: false lets in callers from the server's private networks only.
  public var isPublic = true
  /// Beside the server's own.
  public var network = NetworkAccess()
  public var clients = ClientLimits()
  /// Who is believed about who asks; nil: no authentication.
  public var authentication: AuthenticationConfiguration?

  public init() {}
}

/// What only FHIR services have.
public struct FHIRProperties: Sendable, Equatable {
  /// `kind`: 3.0, 4.0, 4.3 or 5.0.
  public var release: Release = .r4
  /// nil: the server's.
  public var versions: VersionPolicyConfiguration?
  /// nil: the server's.
  public var invariants: InvariantsChecked?
  /// Limits that differ from the server's, by their name in a declaration.
  public var limits: [String: Int] = [:]

  public init() {}

  /// Releases of FHIR by their `kind`.
  public enum Release: String, Sendable, CaseIterable {
    case stu3 = "fhir-Stu3"
    case r4 = "fhir-R4"
    case r4b = "fhir-R4B"
    case r5 = "fhir-R5"

    /// As in `fhirVersion` parameters: `4.0`.
    public var number: String {
      switch self {
      case .stu3: "3.0"
      case .r4: "4.0"
      case .r4b: "4.3"
      case .r5: "5.0"
      }
    }
  }

  /// The server's limits with the service's own in their place.
  public func limits(over limits: Limits) -> Limits {
    var result = limits
    for (name, value) in self.limits {
      guard let key = LimitKey.named(name), key.isOfService else { continue }
      result[keyPath: key.path] = value
    }
    return result
  }
}

/// What only DICOM services have.
public struct DICOMProperties: Sendable, Equatable {
  /// `enableDataPartitions`
  public var hasPartitions: Bool

  public init(hasPartitions: Bool = false) { self.hasPartitions = hasPartitions }
}

/// What only device services have.
public struct IoTConnectorProperties: Sendable, Equatable {
  /// Where messages come from; every member is a text as given.
  public struct Ingestion: Sendable, Equatable {
    public var eventHubName: String?
    public var consumerGroup: String?
    public var fullyQualifiedEventHubNamespace: String?

    public init() {}
  }

  /// Where observations go (`fhirdestinations`).
  public struct Destination: Sendable, Equatable {
    /// `Create` or `Lookup`.
    public enum Resolution: String, Sendable, CaseIterable { case create = "Create", lookup = "Lookup" }

    public var name: String
    /// `/workspaces/{workspace}/fhirservices/{service}`, or the name of a service of the same workspace.
    public var fhirService: String
    public var resolution = Resolution.lookup
    /// The content of `fhirMapping` as JSON.
    public var fhirMapping: String

    public init(name: String, fhirService: String, fhirMapping: String) {
      self.name = name
      self.fhirService = fhirService
      self.fhirMapping = fhirMapping
    }
  }

  public var ingestion: Ingestion?
  /// The content of `deviceMapping` as JSON.
  public var deviceMapping: String?
  public var destinations: [Destination] = []

  public init() {}
}

/// How versions of resources are kept (`resourceVersionPolicyConfiguration`).
public struct VersionPolicyConfiguration: Sendable, Equatable {
  public enum Policy: String, Sendable, CaseIterable {
    case none = "no-version"
    case versioned
    case versionedUpdate = "versioned-update"
  }

  /// `default`
  public var standard = Policy.versioned
  /// `resourceTypeOverrides`, by the type's name.
  public var ofTypes: [String: Policy] = [:]

  public init() {}
}

/// Which of the standard's own rules a write must keep.
public enum InvariantsChecked: String, Sendable, CaseIterable { case cheap, all }
