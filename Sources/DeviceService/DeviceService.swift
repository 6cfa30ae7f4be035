public import Base
public import DeviceMapping
public import DeviceStore
public import FHIRService
public import FHIRStore
import JSONCore
import Synchronization

/// A device service (`iotconnector`): device messages come in, and Observations of one FHIR service come of them.
///
/// What is taken in is durable at once, in a log of the service's own in the FHIR service's store. One consumer works
/// through the log in order; Observations and the place in the log are one transaction, so that nothing is lost and
/// nothing comes twice, whenever the process ends. A message that comes to nothing is put aside with the reason.
public final class DeviceService: Sendable {
  public let configuration: DeviceConfiguration
  public let store: DeviceStore
  let fhir: FHIRService
  let fhirStore: FHIRStore
  let types: DeviceResourceTypes
  let clock: Clock
  let counts = DeviceCounts()
  let work = BackgroundWork()
  let cache = Mutex(IdentityCache())
  let mappings = Mutex<Mappings?>(nil)
  let rhythm = Mutex(Rhythm())

  /// Both mappings, read, and their common version in the store.
  struct Mappings: Sendable {
    let version: Int64
    let device: DeviceMapping
    let fhir: FHIRMapping
  }

  /// How the consumer goes.
  struct Rhythm: Sendable {
    /// Whether there was nothing to do the last time, so that what comes now may wait for others.
    var isIdle = true
    /// Messages of the next batch at most; fewer after one that failed as a whole.
    var batchMessages = Int.max
    var lastForgotten: Int64 = 0
  }

  /// - Parameters:
  ///   - fhir: where the Observations go.
  ///   - fhirStore: its store, which has the log.
  ///   - name: the name of the service, for good; unique among those of one FHIR service.
  /// - Throws: `.unsupported` for a FHIR release whose Observations are others than R4's.
  public init(
    _ fhir: FHIRService, _ fhirStore: FHIRStore, name: String,
    configuration: DeviceConfiguration = DeviceConfiguration(), clock: Clock
  ) async throws(Fault) {
    guard let types = DeviceResourceTypes(fhir.schema) else {
      throw Fault(.unsupported, "Device services write to FHIR services of release 4.0 or 4.3.")
    }
    self.types = types
    self.fhir = fhir
    self.fhirStore = fhirStore
    self.configuration = configuration
    self.clock = clock
    store = try await DeviceStore(fhirStore, name: name, clock: clock)
  }

  public var isWritable: Bool { store.isWritable }
  public var isReachable: Bool { store.isReachable }

  /// Begins to work through the log, or looks at once whether there is something to do.
  public func start() {
    work.start { [weak self] in try await self?.round() }
    work.wake()
  }

  /// Ends it, and returns when the batch under way is done.
  public func stop() async {
    await work.stop()
    await store.release()
  }

  // MARK: Messages

  /// Takes messages in; returns when they are durable.
  /// - Parameter offsets: how far sources were taken over with them (`DeviceStore.append`). What a broker has cannot be
  ///   refused, so that messages with offsets may be of any length.
  /// - Throws: `.tooLarge` for a message that is too long, `.busy` while too many wait.
  @discardableResult
  public func accept(_ messages: [MessageContent], offsets: [String: Range<Int64>]? = nil) async throws(Fault)
    -> ClosedRange<Int64>?
  {
    let most = configuration.limits.messageBytesMax
    if offsets == nil {
      for message in messages where message.body.count + message.properties.count > most {
        throw Fault(.tooLarge, "A message is longer than \(most) bytes.")
      }
    }
    guard try store.progress().waiting < configuration.limits.backlogMessagesMax else {
      throw Fault(.busy, "Too many messages wait to be worked through; try again.")
    }
    let numbers = try await store.append(messages, offsets: offsets ?? [:])
    counts.arrived(messages.count, bytes: messages.reduce(0) { $0 + $1.body.count })
    work.wake()
    return numbers
  }

  // MARK: Mappings

  /// Puts a mapping in force, for the next messages.
  /// - Parameter origin: the digest of the file it is from.
  /// - Returns: what the two mappings do not agree upon.
  /// - Throws: `MappingError` with all that is wrong, or a `Fault`.
  @discardableResult
  public func setMapping(_ kind: MappingKind, _ content: [UInt8], origin: String? = nil) async throws
    -> [MappingProblem]
  {
    let settings = configuration.mapping
    switch kind {
    case .device: _ = try DeviceMapping(content, settings: settings)
    case .fhir: _ = try FHIRMapping(content, settings: settings)
    }
    try await store.setMapping(kind, content, origin: origin)
    work.wake()
    return try currentMappings().map { $0.fhir.warnings(for: $0.device) } ?? []
  }

  /// The mappings in force; nil while one is missing.
  func currentMappings() throws -> Mappings? {
    guard let version = try store.mappingVersion() else { return nil }
    if let held = mappings.withLock({ $0 }), held.version == version { return held }
    guard let device = try store.mapping(.device), let fhir = try store.mapping(.fhir) else { return nil }
    let read = Mappings(
      version: device.version + fhir.version,
      device: try DeviceMapping(device.content, settings: configuration.mapping),
      fhir: try FHIRMapping(fhir.content, settings: configuration.mapping))
    mappings.withLock { $0 = read }
    return read
  }

  var jsonLimits: JSONLimits {
    var limits = JSONLimits()
    limits.depthMax = fhir.limits.jsonDepthMax
    limits.nodesMax = fhir.limits.jsonNodesMax
    return limits
  }
}
