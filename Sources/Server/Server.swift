public import Base
import DeviceService
public import FHIRService
public import HTTPServer
import Synchronization

/// The server: services on one socket.
public final class Server: Sendable {
  private let http: HTTPServer
  private let edge: Edge
  private let log: Log
  private let services: [FHIRService]
  private let devices: [DeviceMount]

  /// - Parameters:
  ///   - dicom: DICOM services beside the FHIR services.
  ///   - devices: device services beside them.
  ///   - eventLoops: threads that serve connections; nil is one per core.
  ///   - software: what the greeting and the metrics tell.
  public init(
    _ mounts: [FHIRMount], dicom: [DICOMMount] = [], devices: [DeviceMount] = [],
    _ configuration: ServerConfiguration, eventLoops: Int? = nil, software: FHIRService.Software,
    clock: Clock = .system, ids: IdentifierSource, log: Log
  ) {
    let edge = Edge(
      mounts, dicom: dicom, devices: devices, configuration, software: software, clock: clock, ids: ids, log: log)
    let streaming: HTTPServer.StreamedBodies = { method, target, _ in edge.streamedBytesMax(method, target) }
    let http = HTTPServer(
      host: configuration.host, port: configuration.port, limits: configuration.limits, eventLoops: eventLoops,
      clock: clock, commonFields: Edge.securityFields,
      streaming: dicom.isEmpty ? nil : streaming, errorBody: { edge.refusal($0, $1) },
      observer: { edge.metrics.record($0) },
      handler: { await edge.handle($0) })
    self.edge = edge
    self.http = http
    self.log = log
    services = mounts.map(\.service)
    self.devices = devices
  }

  /// Begins to listen; returns the address, with the port taken.
  public func start() async throws -> HTTPAddress {
    let address = try await http.start()
    for service in services { service.start() }
    for mount in devices { mount.service.start() }
    edge.load.withLock { load in
      load = { [http] in Edge.Load(connections: http.openConnections, requestsInFlight: http.requestsInFlight) }
    }
    log.write(.info, "listening", ["host": .text(address.host), "port": .number(address.port)])
    return address
  }

  /// Stops to accept, finishes what was accepted and returns when all is answered, or after
  /// `Limits.shutdownSecondsMax`.
  public func shutdown() async {
    log.write(.info, "stopping", ["connections": .number(http.openConnections)])
    await http.shutdown()
    for mount in devices { await mount.service.stop() }
    for service in services { await service.stop() }
    edge.load.withLock { $0 = nil }
    log.write(.info, "stopped")
  }
}
