public import Base
import DeviceService
public import FHIRService
public import HTTPServer
public import Issuer
import Synchronization
public import Workspace

/// The server: services on one socket.
public final class Server: Sendable {
  private let http: HTTPServer
  private let edge: Edge
  private let log: Log
  /// The services it bears, which may come and go while it runs.
  public let mounts: Mounts
  private let devices: [DeviceMount]

  /// - Parameters:
  ///   - devices: device services beside them, which stay as long as it runs.
  ///   - administration: what answers below `/admin`; nil: nothing does.
  ///   - eventLoops: threads that serve connections; nil is one per core.
  ///   - audit: takes a line for each access to a service.
  ///   - tls: what the server proves itself with; nil: it speaks in the clear.
  ///   - software: what the greeting and the metrics tell.
  public init(
    _ mounts: Mounts, devices: [DeviceMount] = [], administration: Administration? = nil,
    _ configuration: ServerConfiguration, eventLoops: Int? = nil, software: FHIRService.Software,
    clock: Clock = .system, ids: IdentifierSource, log: Log, audit: AuditLog? = nil, tls: TLSIdentity? = nil
  ) {
    let edge = Edge(
      mounts, devices: devices, administration, configuration, software: software, clock: clock, ids: ids, log: log,
      audit: audit)
    let http = HTTPServer(
      host: configuration.host, port: configuration.port, limits: configuration.limits, eventLoops: eventLoops,
      clock: clock, commonFields: Edge.securityFields, tls: tls,
      streaming: { edge.streamedBytesMax($0, $1, $2) }, errorBody: { edge.refusal($0, $1) },
      observer: { edge.metrics.record($0) },
      handler: { await edge.handle($0) })
    self.edge = edge
    self.http = http
    self.log = log
    self.mounts = mounts
    self.devices = devices
  }

  /// A server of these services, which nobody administers.
  public convenience init(
    _ mounts: [FHIRMount], dicom: [DICOMMount] = [], devices: [DeviceMount] = [],
    _ configuration: ServerConfiguration, eventLoops: Int? = nil, software: FHIRService.Software,
    clock: Clock = .system, ids: IdentifierSource, log: Log, audit: AuditLog? = nil, tls: TLSIdentity? = nil
  ) {
    self.init(
      Mounts(mounts.map { .fhir($0) } + dicom.map { .dicom($0) }), devices: devices, configuration,
      eventLoops: eventLoops, software: software, clock: clock, ids: ids, log: log, audit: audit, tls: tls)
  }

  /// Begins to listen; returns the address, with the port taken.
  public func start() async throws -> HTTPAddress {
    let address = try await http.start()
    mounts.start()
    for mount in devices { mount.service.start() }
    edge.load.withLock { load in
      load = { [http] in Edge.Load(connections: http.openConnections, requestsInFlight: http.requestsInFlight) }
    }
    log.write(.info, "listening", ["host": .text(address.host), "port": .number(address.port)])
    return address
  }

  /// From now on an issuer answers below `/auth`. It is made when the server listens, since its own address is in all
  /// that it says.
  public func mount(_ issuer: Issuer) { edge.issuer.withLock { $0 = issuer } }

  /// Stops to accept, finishes what was accepted and returns when all is answered, or after
  /// `Limits.shutdownSecondsMax`.
  public func shutdown() async {
    log.write(.info, "stopping", ["connections": .number(http.openConnections)])
    await http.shutdown()
    for mount in devices { await mount.service.stop() }
    await mounts.stop()
    edge.load.withLock { $0 = nil }
    log.write(.info, "stopped")
  }
}
