import Base
import BlobStore
import DICOMCore
import DICOMStore
import DICOMweb
import ImageCodecs

/// The retrieve transactions (PS3.18 §10.4, §9): what is asked for, from the store, in a form the client takes.
///
/// Stored bytes go out as they are, as ranges of their files. What has to be decoded, encoded or rendered is done on
/// threads of its own, so many at a time as there are processors.
final class Retrieve: Sendable {
  let store: DICOMStore
  let limits: RetrieveLimits
  let threads: RetrieveThreads

  init(_ store: DICOMStore, limits: RetrieveLimits) {
    self.store = store
    self.limits = limits
    threads = RetrieveThreads(count: limits.imageThreads, waitingMax: limits.imagesWaitingMax)
  }

  /// Carries out an interaction that retrieves.
  func perform(_ call: DICOMCall) async throws(Fault) -> DICOMAnswer {
    switch call.interaction {
    case .retrieve(let target): try await instances(target, call)
    case .metadata(let target): try await metadata(target, call)
    case .frames(let target, let numbers): try await frames(target, numbers, call)
    case .rendered(let target, let frames): try await rendered(target, frames, call)
    case .thumbnail(let target, let frames): try await thumbnail(target, frames, call)
    case .bulkData(let target, let path): try await bulkData(target, path, call)
    case .pixelData(let target): try await pixelData(target, call)
    case .wadoURI: try await wadoURI(call)
    case .store, .search, .delete, .changeFeed, .changeFeedLatest, .partitions, .capabilities:
      throw Fault(.internal, "This does not retrieve.")
    }
  }

  // MARK: From the store

  /// The instances of a target, in a stable order.
  /// - Throws: `.notFound` if there are none.
  func found(_ target: Target, _ call: DICOMCall) async throws(Fault) -> [StoredInstance] {
    let store = store
    let instances = try await Self.asking { try await store.instances(target, partition: Self.partition(call)) }
    guard !instances.isEmpty else { throw Self.notFound(target) }
    return instances
  }

  /// The only instance of a target that names one.
  func foundOne(_ target: Target, _ call: DICOMCall) async throws(Fault) -> StoredInstance {
    guard let instance = try await found(target, call).first else { throw Self.notFound(target) }
    return instance
  }

  static func partition(_ call: DICOMCall) -> String { call.partition ?? DICOMStore.defaultPartition }

  func content(_ instance: StoredInstance) async throws(Fault) -> InstanceContent {
    let store = store
    return try await Self.asking { try await store.content(instance) }
  }

  static func notFound(_ target: Target) -> Fault {
    switch target.level {
    case .study: Fault(.notFound, "The specified study cannot be found.")
    case .series: Fault(.notFound, "The specified series cannot be found.")
    case .instance: Fault(.notFound, "The specified instance cannot be found.")
    }
  }

  /// Faults of the store as those of the service.
  static func asking<R: Sendable>(_ question: () async throws -> R) async throws(Fault) -> R {
    do {
      return try await question()
    } catch let fault as Fault {
      throw fault
    } catch let error as BlobError {
      throw error.fault
    } catch {
      throw Fault(.internal, "The store failed.")
    }
  }

  /// Makes the first part at once: what fails then is told by the status, and later could only break the answer off.
  func begun(_ parts: [RetrievePart]) async throws(Fault) -> [RetrievePart] {
    guard let first = parts.first else { return parts }
    var parts = parts
    let runs = try await Self.asking { try await first.content() }
    parts[0].count = runs.reduce(0) { $0 + $1.count }
    parts[0].content = { runs }
    return parts
  }

  // MARK: Decoding

  /// Where an instance is decoded from.
  enum Source: Sendable {
    case bytes([UInt8])
    case path(String)
  }

  /// - Throws: `.notAcceptable` for one that would have to be read into memory and is too large.
  func source(_ instance: StoredInstance) async throws(Fault) -> Source {
    switch try await content(instance) {
    case .bytes(let bytes): return .bytes(bytes)
    case .blob(let blob):
      if let file = blob.file { return .path(file.path) }
      guard blob.count <= limits.remoteBytesMax else {
        throw Fault(.notAcceptable, "The instance is too large to be decoded.")
      }
      return .bytes(try await Self.asking { try await blob.readAll() })
    }
  }

  /// Reads an instance and works on it, on a thread for that.
  func decoding<R: Sendable>(
    _ instance: StoredInstance, _ work: @escaping @Sendable (DICOMFile) throws(Fault) -> R
  ) async throws(Fault) -> R {
    let source = try await source(instance)
    return try await threads.run { () throws(Fault) in
      let file: DICOMFile
      do throws(DICOMError) {
        switch source {
        case .bytes(let bytes): file = try DICOMFile(bytes)
        case .path(let path): file = try DICOMFile(path: path)
        }
      } catch {
        throw Fault(.notAcceptable, "The instance cannot be decoded: \(error.message).")
      }
      return try work(file)
    }
  }
}

extension ImageError {
  /// As Microsoft's service: what cannot be transcoded or rendered is not acceptable; what is not there, is not found.
  var fault: Fault {
    switch code {
    case .noPixelData, .noSuchFrame: Fault(.notFound, "There is no such frame: \(message).")
    case .invalidParameter: Fault(.invalid, "The picture cannot be made: \(message).")
    case .outOfMemory: Fault(.busy, "The picture cannot be made now: \(message).")
    case .unreadable: Fault(.internal, message)
    case .unsupportedTransferSyntax, .unsupportedImage, .malformedStream, .mismatch, .tooLarge, .unencodable:
      Fault(.notAcceptable, "The instance cannot be given in that form: \(message).")
    }
  }
}
