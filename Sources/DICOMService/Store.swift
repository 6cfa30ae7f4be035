import Base
import BlobStore
import DICOMCore
import DICOMStore
import DICOMweb
import Synchronization

extension DICOMService {
  /// STOW-RS (PS3.18 §10.5): instances in a multipart body, or one as the body itself; or metadata and bulk data apart.
  ///
  /// Instances are received one after the other, read and written several at a time, and stored in one transaction, or
  /// a few for very many. What cannot be stored leaves nothing behind.
  func store(_ study: UID?, _ call: DICOMCall) async throws -> DICOMAnswer {
    let form = try call.acceptance.dataSetForm()
    let body = try StoreBody(call, limits: limits)
    // One more than allowed is counted for the moment until it is refused.
    defer { stores.subtract(1, ordering: .relaxed) }
    guard stores.add(1, ordering: .relaxed).newValue <= limits.storesMax else {
      throw Fault(.busy, "The server stores as many requests as it can; try again later.")
    }
    let request = StoreRequest(self, call, study: study)
    let response = try await request.run(body)
    var answer = DICOMAnswer(response.response.status)
    if response.response.status != 204 {
      switch form {
      case .json:
        answer = DICOMAnswer(
          response.response.status, contentType: "application/dicom+json", .bytes(response.response.json()))
      case .xml:
        answer = DICOMAnswer(
          response.response.status, contentType: "application/dicom+xml", .bytes(response.response.xml()))
      }
    }
    if response.hasMultipleValues {
      answer.headers.append(
        call.warning("One or more indexed Dicom tag(s) have multiple values, only first value is indexed."))
    }
    return answer
  }
}

/// A store request that is being carried out.
private struct StoreRequest: Sendable {
  private let service: DICOMService
  private let reader: StoreInstanceReader
  private let call: DICOMCall
  private let study: UID?
  private let limits: DICOMServiceLimits

  init(_ service: DICOMService, _ call: DICOMCall, study: UID?) {
    self.service = service
    self.call = call
    self.study = study
    limits = service.limits
    reader = StoreInstanceReader(service, call, study: study)
  }

  struct Outcome: Sendable {
    var response: StoreResponse
    var hasMultipleValues = false
  }

  /// Instances on their way from the body to the store.
  private struct Progress {
    var outcome: Outcome
    /// Answers by the instances' places in the request.
    var answers: [Int: StoreInstance.Answer] = [:]
    /// Read and written, but not stored.
    var ready: [(place: Int, instance: StoreInstance)] = []
    var readyBytes = 0
    /// Instances that the group works on, and their bytes in memory.
    var pendingCount = 0
    var pendingBytes = 0
  }

  func run(_ body: StoreBody) async throws -> Outcome {
    let studyURL = study.map { "\(call.root)/\(Target(study: $0).path)" }
    var progress = Progress(outcome: Outcome(response: StoreResponse(call.version, studyURL: studyURL)))
    do {
      try await withThrowingTaskGroup(of: (Int, StoreInstance).self) { group in
        do {
          try await receive(body, &group, &progress)
        } catch {
          // What others of the request have written meanwhile must be known to be taken back.
          while let done = try? await group.next() { take(done, &progress) }
          throw error
        }
      }
      try await storeReady(&progress)
    } catch {
      await takeBack(progress.ready.map(\.instance))
      throw error
    }
    for (_, answer) in progress.answers.sorted(by: { $0.key < $1.key }) {
      switch answer {
      case .stored(let stored): progress.outcome.response.stored.append(stored)
      case .failed(let failed): progress.outcome.response.failed.append(failed)
      }
    }
    return progress.outcome
  }

  private typealias Group = ThrowingTaskGroup<(Int, StoreInstance), any Error>

  private func parts(_ body: StoreBody) -> any StorePartSource {
    guard body.hasMetadata else { return StorePartReceiver(body, blobs: service.blobs, limits: limits) }
    return StoreMetadataReceiver(body, StoreAssembly(service, call.version), limits: limits)
  }

  private func receive(_ body: StoreBody, _ group: inout Group, _ progress: inout Progress) async throws {
    var parts = parts(body)
    var place = 0
    do {
      while let part = try await parts.next() {
        let (reader, number) = (reader, place)
        progress.pendingCount += 1
        progress.pendingBytes += part.memoryCount
        group.addTask { (number, await reader.read(part)) }
        place += 1
        while progress.pendingCount >= limits.pendingInstancesMax || progress.pendingBytes >= limits.pendingBytesMax {
          guard let done = try await group.next() else { break }
          take(done, &progress)
          if isBatch(progress) { try await storeReady(&progress) }
        }
      }
    } catch {
      await parts.cancel()
      throw error
    }
    while let done = try await group.next() { take(done, &progress) }
  }

  private func isBatch(_ progress: Progress) -> Bool {
    progress.ready.count >= limits.batchInstancesMax || progress.readyBytes >= limits.batchBytesMax
  }

  private func take(_ done: (Int, StoreInstance), _ progress: inout Progress) {
    let (place, instance) = done
    progress.pendingCount -= 1
    progress.pendingBytes -= instance.receivedMemoryCount
    progress.outcome.hasMultipleValues = progress.outcome.hasMultipleValues || instance.hasMultipleValues
    progress.answers[place] = instance.answer
    guard instance.new != nil else { return }
    progress.ready.append((place, instance))
    progress.readyBytes += instance.keptMemoryCount
  }

  /// One transaction with all that is ready, in the order of the request.
  private func storeReady(_ progress: inout Progress) async throws {
    let ready = progress.ready.sorted { $0.place < $1.place }
    progress.ready = []
    progress.readyBytes = 0
    let instances = ready.compactMap(\.instance.new)
    guard !instances.isEmpty else { return }
    // What fails here is the store's to tidy: a commit whose outcome is unknown may need the blobs.
    let outcomes = try await service.store.store(instances)
    for (entry, outcome) in zip(ready, outcomes) where outcome == .exists {
      progress.answers[entry.place] = entry.instance.existing(call.version)
    }
  }

  /// Removes what was written and will not be stored.
  private func takeBack(_ instances: [StoreInstance]) async {
    let blobs = instances.compactMap { instance -> BlobName? in
      guard case .blob(let name, _)? = instance.new?.content else { return nil }
      return name
    }
    // What stays after a failure is swept later.
    if !blobs.isEmpty { try? await service.blobs.remove(blobs) }
  }
}
