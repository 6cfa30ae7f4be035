public import DICOMService
public import Workspace

/// A DICOM service and the place it is reached at: `/{workspace}/{name}` for the standard's form, below it `/v1` and
/// `/v2`.
public final class DICOMMount: Sendable {
  /// The longest body of a store request, as Microsoft's.
  public static let storeBytesMax = 2 * 1024 * 1024 * 1024

  public let entrance: Entrance
  public let service: DICOMService
  /// Bytes of a store request.
  let storeBytesMax: Int
  /// Takes what a client cannot be told any more: that its answer broke off.
  let log: Log
  /// Samples of the service's own for `/metrics`; labels naming the service are added.
  let samples: @Sendable () -> [MetricSample]
  /// Whose tokens are taken; nil where nobody is asked who they are.
  public let access: ServiceAccess?
  let gate: AccessGate?

  /// The path of the service's base, without a slash at its end.
  public var path: String { entrance.path }

  /// - Parameters:
  ///   - workspace: letters, digits, hyphens; so is the name. Both stand in addresses as they are.
  ///   - storeBytesMax: a longer store request is refused with 413.
  ///   - access: whose tokens are taken and what they allow; nil lets everybody do everything.
  ///   - log: for answers that break off.
  public init(
    workspace: String, name: String, service: DICOMService, settings: ServiceSettings = ServiceSettings(),
    access: ServiceAccess? = nil,
    storeBytesMax: Int = DICOMMount.storeBytesMax, log: Log = Log(level: .warning),
    samples: @escaping @Sendable () -> [MetricSample] = { [] }
  ) {
    self.entrance = Entrance(workspace: workspace, name: name, kind: "dicom", settings: settings)
    self.service = service
    self.storeBytesMax = storeBytesMax
    self.log = log
    self.access = access
    gate = access.map { AccessGate($0) }
    self.samples = samples
  }
}
