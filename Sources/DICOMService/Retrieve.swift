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
  let blobs: any BlobStore
  let limits: RetrieveLimits
  /// Decode, encode and render.
  let threads: RetrieveThreads
  /// Open files while an answer is sent, and write and read spools: event loops must not wait for the disk. Who waits
  /// here has a request under way, so nobody is refused.
  let files: RetrieveThreads

  init(_ store: DICOMStore, blobs: any BlobStore, limits: RetrieveLimits) {
    self.store = store
    self.blobs = blobs
    self.limits = limits
    threads = RetrieveThreads(count: limits.imageThreads, waitingMax: limits.imagesWaitingMax)
    files = RetrieveThreads(count: limits.fileThreads, waitingMax: .max)
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
  func pages(_ target: Target, _ call: DICOMCall, after last: Int64 = 0, newest: Int64 = .max) -> InstancePages {
    InstancePages(
      store, target, Self.partition(call), pageMax: limits.pageInstancesMax, after: last, newest: newest)
  }

  /// What there is of a target.
  /// - Throws: `.notFound` if there is nothing.
  func survey(
    _ target: Target, _ call: DICOMCall, where isWanted: (StoredInstance) -> Bool = { _ in true }
  ) async throws(Fault) -> InstanceSurvey {
    let survey = try await InstanceSurvey(pages(target, call), where: isWanted)
    guard survey.count == 0 else { return survey }
    var pages = pages(target, call)
    throw try await pages.next().isEmpty ? Self.notFound(target) : Self.noFrame
  }

  /// The instances that a survey has found, without those that were stored since.
  func queue(_ survey: InstanceSurvey, _ target: Target, _ call: DICOMCall) -> InstanceQueue {
    if survey.isWhole { return InstanceQueue(survey.first) }
    return InstanceQueue(survey.first, then: pages(target, call, after: survey.firstEnd, newest: survey.last))
  }

  /// The only instance of a target that names one.
  func foundOne(_ target: Target, _ call: DICOMCall) async throws(Fault) -> StoredInstance {
    var pages = pages(target, call)
    guard let instance = try await pages.next().first else { throw Self.notFound(target) }
    return instance
  }

  static func partition(_ call: DICOMCall) -> String { call.partition ?? DICOMStore.defaultPartition }

  /// An instance's bytes: before an answer begins, on the thread of the request.
  func content(_ instance: StoredInstance) async throws(Fault) -> InstanceContent {
    let store = store
    return try await Self.asking { try await store.content(instance) }
  }

  /// The bytes of instances while an answer is sent; nil for those that were deleted meanwhile.
  func contents(_ instances: [StoredInstance]) async throws(Fault) -> [InstanceContent?] {
    let blobs = blobs
    var opened = [InstanceContent?](repeating: nil, count: instances.count)
    if instances.contains(where: { $0.blob != nil }) {
      opened = try await files.run { () throws(Fault) -> [InstanceContent?] in
        try instances.map { instance throws(Fault) -> InstanceContent? in
          do { return try instance.blob.map { .blob(try blobs.open($0)) } } catch let error as BlobError {
            if error.code == .notFound { return nil }
            throw error.fault
          } catch { throw Fault(.internal, "The store failed.") }
        }
      }
    }
    for (place, instance) in instances.enumerated() where instance.blob == nil {
      do throws(Fault) { opened[place] = try await content(instance) } catch {
        guard error.category == .notFound else { throw error }
      }
    }
    return opened
  }

  /// The bytes of an instance while an answer is sent.
  /// - Throws: `.notFound` if it was deleted meanwhile.
  func contentLater(_ instance: StoredInstance) async throws(Fault) -> InstanceContent {
    guard let content = try await contents([instance])[0] else { throw Self.notFound(instance.target) }
    return content
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

  /// What became of an attempt to decode an instance where it is.
  private enum Attempt<R: Sendable>: Sendable {
    case done(R)
    /// It is in no file.
    case remote(any Blob)
  }

  /// Reads an instance and works on it, on a thread for that.
  /// - Throws: what `work` throws; `.notAcceptable` for one that cannot be read, or that would have to be read into
  ///   memory and is too large.
  func decoding<R: Sendable>(
    _ instance: StoredInstance, _ work: @escaping @Sendable (DICOMFile) throws(Fault) -> R
  ) async throws(Fault) -> R {
    guard let name = instance.blob else {
      guard case .bytes(let bytes) = try await content(instance) else { throw Self.notFound(instance.target) }
      return try await decoding(bytes, work)
    }
    let blobs = blobs
    let attempt = try await threads.run { () throws(Fault) -> Attempt<R> in
      let blob: any Blob
      do { blob = try blobs.open(name) } catch let error as BlobError { throw error.fault } catch {
        throw Fault(.internal, "The store failed.")
      }
      guard let path = blob.file?.path else { return .remote(blob) }
      return .done(try work(try Self.read { () throws(DICOMError) in try DICOMFile(path: path) }))
    }
    switch attempt {
    case .done(let result): return result
    case .remote(let blob):
      guard blob.count <= limits.remoteBytesMax else {
        throw Fault(.notAcceptable, "The instance is too large to be decoded.")
      }
      return try await decoding(try await Self.asking { try await blob.readAll() }, work)
    }
  }

  private func decoding<R: Sendable>(
    _ bytes: [UInt8], _ work: @escaping @Sendable (DICOMFile) throws(Fault) -> R
  ) async throws(Fault) -> R {
    try await threads.run { () throws(Fault) in
      try work(try Self.read { () throws(DICOMError) in try DICOMFile(bytes) })
    }
  }

  private static func read(_ file: () throws(DICOMError) -> DICOMFile) throws(Fault) -> DICOMFile {
    do throws(DICOMError) { return try file() } catch {
      throw Fault(.notAcceptable, "The instance cannot be decoded: \(error.message).")
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
