import Base
import DeviceMapping
import FHIRModel
import FHIRService
import FHIRStore
import JSONCore

/// Groups of measurements become changes of Observations, as one view of the store has them.
struct Conversion {
  /// What it comes to.
  struct Result: Sendable {
    var changes: [Change] = []
    var failures: [Int64: DeviceFailure] = [:]
    var created = 0
    var updated = 0
    var unchanged = 0
    var cache = IdentityCache()
    /// Of the view that it was made with.
    var positions: [Int64] = []
  }

  private struct Pending {
    var json: [UInt8]?
    let current: StoredVersion?
    /// The newest content, parsed when the next measurements are merged into it.
    var document: JSONDocument?
    var messages: Set<Int64> = []
  }

  private let service: FHIRService
  private let types: DeviceResourceTypes
  private let mapping: FHIRMapping
  private let view: StoreView
  private let issued: Instant
  private var resolver: IdentityResolver
  private var result = Result()
  private var pending: [String: Pending] = [:]
  private var order: [String] = []

  init(
    _ service: FHIRService, _ configuration: DeviceConfiguration, _ types: DeviceResourceTypes, _ mapping: FHIRMapping,
    _ view: StoreView, _ cache: IdentityCache, issued: Instant
  ) throws {
    self.service = service
    self.types = types
    self.mapping = mapping
    self.view = view
    self.issued = issued
    resolver = try IdentityResolver(service, configuration, types, view, cache)
    result.positions = resolver.cache.positions
  }

  /// - Throws: what the store throws; that measurements come to nothing is in the result.
  mutating func convert(_ groups: [MeasurementGroup]) throws -> Result {
    for group in groups {
      switch try resolver.resolve(group) {
      case .success(let identity): try add(group.measurements[...], of: identity)
      case .failure(let failure): fail(group.measurements.compactMap(\.message), failure)
      }
    }
    for (key, update) in resolver.made.sorted(by: { $0.key.id < $1.key.id }) {
      let derived = try service.derived(key.type, id: key.id, update.json)
      if let change = try service.change(derived, on: update.current, view) { result.changes.append(change) }
    }
    for id in order { try finish(id) }
    result.cache = resolver.cache
    // What was not found may be there now that it is made.
    if !resolver.made.isEmpty { result.cache.forgetFailures() }
    return result
  }

  private mutating func fail(_ messages: some Sequence<Int64>, _ failure: DeviceFailure) {
    for message in messages where result.failures[message] == nil { result.failures[message] = failure }
  }

  // MARK: Merging

  /// Puts measurements into their Observations. Those that do not go together are put in one after the other, so that
  /// an Observation never depends on which messages came in one batch, and one bad value takes no others with it.
  private mutating func add(_ measurements: ArraySlice<Measurement>, of identity: DeviceIdentity) throws {
    guard let failure = try merge(measurements, identity) else { return }
    let isOfAll = failure.kind == .templateNotFound || failure.kind == .correlationIdNotDefined
    guard measurements.count > 1, !isOfAll else {
      return fail(measurements.compactMap(\.message), DeviceFailure(failure, .conversion))
    }
    let middle = measurements.startIndex + measurements.count / 2
    try add(measurements[..<middle], of: identity)
    try add(measurements[middle...], of: identity)
  }

  /// All of them or none; why not, if so.
  private mutating func merge(_ measurements: ArraySlice<Measurement>, _ identity: DeviceIdentity) throws
    -> MappingFailure?
  {
    guard let group = MeasurementGroup.groups(of: Array(measurements)).first else { return nil }
    let messages = measurements.compactMap(\.message)
    var staged: [(id: String, Pending)] = []
    do {
      for part in try mapping.groups(of: group) {
        let id = ObservationIdentity(of: part, patient: identity.patient, device: identity.device).id
        var entry = try pending[id] ?? stored(id)
        try merge(part, into: &entry, identity)
        entry.messages.formUnion(messages)
        staged.append((id, entry))
      }
    } catch let failure as MappingFailure {
      return failure
    }
    for (id, entry) in staged {
      if pending.updateValue(entry, forKey: id) == nil { order.append(id) }
    }
    return nil
  }

  private func stored(_ id: String) throws -> Pending {
    let current = try view.current(types.observation, id)
    return Pending(current: current, document: try current?.json.map { try JSONDocument($0) })
  }

  private func merge(_ group: ObservationGroup, into entry: inout Pending, _ identity: DeviceIdentity) throws {
    if entry.document == nil, let json = entry.json { entry.document = try JSONDocument(json) }
    guard let document = entry.document else {
      entry.json = try mapping.observation(
        for: group, subject: identity.patient, device: identity.device, encounter: identity.encounter, issued: issued)
      return
    }
    guard let merged = try mapping.merged(group, into: document) else { return }
    entry.json = merged
    entry.document = nil
  }

  // MARK: Changes

  private mutating func finish(_ id: String) throws {
    guard let entry = pending[id] else { return }
    guard let json = entry.json else {
      result.unchanged += 1
      return
    }
    do {
      let derived = try service.derived(types.observation, id: id, json)
      guard let change = try service.change(derived, on: entry.current, view) else {
        result.unchanged += 1
        return
      }
      result.changes.append(change)
      if entry.current?.body == nil { result.created += 1 } else { result.updated += 1 }
    } catch let fault as Fault where fault.category == .invalid {
      let reason = fault.reasons.first
      let place = reason?.expression.map { " (\($0))" } ?? ""
      fail(
        entry.messages,
        DeviceFailure(.invalidFhirResource, "The Observation is not valid: \(reason?.diagnostics ?? "")\(place)"))
    }
  }
}
