public import Base
public import FHIRModel
import FHIRSearch
public import FHIRStore
import JSONCore
import Synchronization

/// A FHIR service: interactions in, answers out. It knows neither sockets nor SQL.
public final class FHIRService: Sendable {
  public let schema: Schema
  public let limits: Limits
  public let route: Route
  /// Where its resources are.
  public let store: FHIRStore
  let clock: Clock
  let ids: IdentifierSource
  private let extractor: Mutex<(generation: Int64, extractor: IndexExtractor)>
  let check: StructureCheck
  let invariants: InvariantCheck
  private let capability: Mutex<(generation: Int64, statement: CapabilityStatement)>
  let searchParameterCheck: SearchParameterCheck
  private let software: Software
  /// Jobs that go on beside requests.
  let reindexing = BackgroundWork()
  let removal = BackgroundWork()
  /// Parameters whose index rows can be removed; nil for all that are no more.
  let removable = Mutex<Set<Int64>?>(nil)
  /// By `TypeID.rawValue`.
  private let policies: [VersionPolicy]
  private let versionPolicies: VersionPolicies
  /// The rules of the standard that a write must keep.
  let writeInvariants: InvariantExtent

  public init(
    _ store: FHIRStore, limits: Limits, clock: Clock, ids: IdentifierSource, software: Software,
    configuration: Configuration = Configuration()
  ) {
    self.schema = store.schema
    self.limits = limits
    self.route = Route(store.schema)
    self.store = store
    self.clock = clock
    self.ids = ids
    let catalog = store.catalog
    self.extractor = Mutex((catalog.generation, IndexExtractor(catalog.indexed, limits: limits)))
    self.check = StructureCheck(schema: store.schema, limits: limits)
    self.invariants = InvariantCheck(schema: store.schema, limits: limits)
    self.policies = store.schema.allTypes.map { configuration.versions[store.schema.name($0)] }
    self.writeInvariants = configuration.invariants == .all ? .requirements : .cheap
    self.versionPolicies = configuration.versions
    self.capability = Mutex(
      (
        catalog.generation,
        CapabilityStatement(
          catalog.searchable, versions: configuration.versions, software: software, date: clock.now())
      ))
    self.searchParameterCheck = SearchParameterCheck(store.schema, limits: limits)
    self.software = software
  }

  /// Extracts what resources say under a catalog's parameters.
  func extractor(_ catalog: SearchCatalog) -> IndexExtractor {
    extractor.withLock { held in
      if held.generation == catalog.generation { return held.extractor }
      let made = held.extractor.with(catalog.indexed)
      if held.generation < catalog.generation { held = (catalog.generation, made) }
      return made
    }
  }

  /// What this service can do at the moment.
  var capabilities: CapabilityStatement {
    let catalog = store.catalog
    return capability.withLock { held in
      if held.generation < catalog.generation {
        held = (
          catalog.generation,
          CapabilityStatement(catalog.searchable, versions: versionPolicies, software: software, date: clock.now())
        )
      }
      return held.statement
    }
  }

  /// What a service's owner chooses.
  public struct Configuration: Sendable, Equatable {
    public var versions = VersionPolicies()
    public var invariants = WriteInvariants.cheap

    public init() {}
  }

  func policy(_ type: Schema.TypeID) -> VersionPolicy { policies[Int(type.rawValue)] }

  /// The name and version that the capability statement tells.
  public struct Software: Sendable {
    public let name: String
    public let version: String

    public init(name: String, version: String) {
      self.name = name
      self.version = version
    }
  }

  /// Whether writes are taken; false for good after the disk failed.
  public var isWritable: Bool { store.isWritable }

  /// False while the store's database is away.
  public var isReachable: Bool { store.isReachable }

  /// A fresh id, for outcomes and bundles as well.
  public func newID() -> String { ids.next() }

  /// Carries out an interaction within what was decided.
  ///
  /// - Throws: `Fault` alone; storage errors become faults here.
  public func perform(_ call: Call, _ decision: Decision) async throws(Fault) -> Answer {
    do {
      return try await dispatch(call, decision)
    } catch let fault as Fault {
      throw fault
    } catch {
      throw Fault(.internal, "The request could not be carried out.")
    }
  }

  private func dispatch(_ call: Call, _ decision: Decision) async throws -> Answer {
    // The one place where it is decided: before the store is asked anything.
    let permit = try permit(call, decision)
    switch call.interaction {
    case .capabilities: return capabilities.answer(base: call.base, security: call.security)
    case .versions: return versions()
    case .read(let type, let id): return try read(type, id, call, permit)
    case .vread(let type, let id, let version): return try vread(type, id, version, call, permit)
    case .search(let type, let query): return try await search(type, query, call, permit)
    case .compartmentSearch(let compartment, let type, let query):
      return try await search(compartment, type, query, call, permit)
    case .history(let scope, let query): return try await history(scope, query, call, permit)
    case .bundle: return try await bundle(call, decision)
    case .fhirPath(let query): return try fhirPath(query, call)
    case .operation(let operation): return try await perform(operation, call, permit)
    default: return try await write(call, permit)
    }
  }
}
