import FHIRModel
public import FHIRService
import FHIRXML
public import Workspace

/// A FHIR service and the place it is reached at: `/{workspace}/{name}`.
public final class FHIRMount: Sendable {
  public let entrance: Entrance
  public let service: FHIRService
  /// Samples of the service's own for `/metrics`; labels naming the service are added.
  let samples: @Sendable () -> [MetricSample]
  /// Whose tokens are taken; nil where nobody is asked who they are.
  public let access: ServiceAccess?
  let gate: AccessGate?
  let representation: Representation
  /// nil for a release without Binary.
  let binary: BinaryContent?

  /// The path of the service's base, without a slash at its end.
  public var path: String { entrance.path }

  /// - Parameters:
  ///   - workspace: letters, digits, hyphens; so is the name. Both stand in addresses as they are.
  ///   - access: whose tokens are taken and what they allow; nil lets everybody do everything.
  public init(
    workspace: String, name: String, service: FHIRService, settings: ServiceSettings = ServiceSettings(),
    access: ServiceAccess? = nil,
    samples: @escaping @Sendable () -> [MetricSample] = { [] }
  ) {
    self.entrance = Entrance(workspace: workspace, name: name, kind: "fhir", settings: settings)
    self.service = service
    self.access = access
    let schema = service.schema
    gate = access.map { AccessGate($0) { schema.resourceType($0) != nil } }
    self.samples = samples
    self.representation = Representation(
      xml: XMLForm(schema: service.schema), limits: service.limits,
      release: service.schema.release)
    self.binary = BinaryContent(service.schema, representation)
  }
}
