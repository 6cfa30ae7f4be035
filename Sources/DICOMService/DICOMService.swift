public import Base
public import BlobStore
public import DICOMStore
import DICOMweb
import Storage
import Synchronization

/// A DICOM service: interactions in, answers out. It knows neither sockets nor SQL.
public final class DICOMService: Sendable {
  public let limits: DICOMServiceLimits
  /// Whether instances are in data partitions, so that addresses name one.
  public let hasPartitions: Bool
  let store: DICOMStore
  let blobs: any BlobStore
  let clock: Clock
  let software: Software
  let retrieval: Retrieve
  /// Store requests under way.
  let stores = Atomic<Int>(0)

  /// The name and version that capabilities tell.
  public struct Software: Sendable {
    public let name: String
    public let version: String

    public init(name: String, version: String) {
      self.name = name
      self.version = version
    }
  }

  /// - Parameter blobs: the store's own.
  public init(
    _ store: DICOMStore, blobs: any BlobStore, limits: DICOMServiceLimits = DICOMServiceLimits(), clock: Clock,
    software: Software, hasPartitions: Bool = false
  ) {
    self.hasPartitions = hasPartitions
    self.store = store
    self.blobs = blobs
    self.limits = limits
    self.clock = clock
    self.software = software
    retrieval = Retrieve(store, blobs: blobs, limits: limits.retrieve)
  }

  /// Carries out an interaction within what was decided.
  ///
  /// - Throws: `Fault` alone; errors of the store become faults here.
  public func perform(_ call: DICOMCall, _ decision: DICOMDecision) async throws(Fault) -> DICOMAnswer {
    do {
      return try await dispatch(call, decision)
    } catch let fault as Fault {
      throw fault
    } catch let error as StorageError {
      throw error.fault
    } catch let error as BlobError {
      throw error.fault
    } catch is CancellationError {
      throw Fault(.unavailable, "The request was given up.")
    } catch {
      throw Fault(.internal, "The request could not be carried out.")
    }
  }

  private func dispatch(_ call: DICOMCall, _ decision: DICOMDecision) async throws -> DICOMAnswer {
    guard decision.allows(call.interaction) else { throw Fault(.forbidden, "Authorization failed.") }
    switch call.interaction {
    case .store(let study): return try await store(study, call)
    case .search(let scope): return try await search(scope, call)
    case .delete(let target): return try await delete(target, call)
    case .changeFeed: return try await changeFeed(call)
    case .changeFeedLatest: return try await latestChange(call)
    case .partitions: return try await partitions(call)
    case .capabilities: return try capabilities(call)
    case .retrieve, .metadata, .frames, .rendered, .thumbnail, .bulkData, .pixelData, .wadoURI:
      return try await retrieval.perform(call)
    }
  }
}

extension DICOMCall {
  /// The partition's name, also where a service has no partitions.
  var partitionName: String { partition ?? DICOMStore.defaultPartition }

  /// The acceptance that the call's headers and parameters state.
  var acceptance: Acceptance { Acceptance(accept, parameters: parameters) }

  /// A `Warning` header (RFC 7234 §5.5, PS3.18 §8.4.2), whose agent is the host; of the standard's form the service.
  func warning(_ text: String) -> (name: String, value: String) {
    let agent = version == .standard ? "\(base):" : host
    return ("Warning", "299 \(agent) \"\(text)\"")
  }
}
