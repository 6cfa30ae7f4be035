import BlobStore
import DICOMCore
import DICOMStore
import DICOMweb

/// An instance of a store request, after it was read.
struct StoreInstance: Sendable {
  enum Answer: Sendable {
    case stored(StoreResponse.Stored)
    case failed(StoreResponse.Failed)
  }

  /// What to answer of it, if the store takes it.
  let answer: Answer
  /// What is to be stored; nil if it cannot be.
  var new: NewInstance?
  let hasMultipleValues: Bool
  /// Bytes it had in memory as it was received.
  let receivedMemoryCount: Int

  /// Bytes it keeps in memory until it is stored.
  var keptMemoryCount: Int {
    guard let new else { return 0 }
    if case .inline(let bytes) = new.content { return new.metadata.count + bytes.count }
    return new.metadata.count
  }

  /// The answer if there is an instance of its UIDs.
  func existing(_ version: DICOMVersion) -> Answer {
    guard case .stored(let stored) = answer else { return answer }
    // PS3.7 C.5.8 has a code for it; Microsoft's service one of its own.
    let reason = version == .standard ? FailureReason.duplicateInstance : .alreadyExists
    return .failed(
      StoreResponse.Failed(sopClassUID: stored.sopClassUID, sopInstanceUID: stored.sopInstanceUID, reason: reason))
  }
}

/// Reads an instance that was received: DICOM, validation, index and metadata; and writes its blob.
struct StoreInstanceReader: Sendable {
  private let blobs: any BlobStore
  private let limits: DICOMLimits
  private let version: DICOMVersion
  private let partition: String
  private let root: String
  private let study: UID?

  init(_ service: DICOMService, _ call: DICOMCall, study: UID?) {
    blobs = service.blobs
    limits = service.limits.parsing
    version = call.version
    partition = call.partitionName
    root = call.root
    self.study = study
  }

  /// Never fails: an instance that cannot be stored says why.
  func read(_ part: StorePart) async -> StoreInstance {
    do {
      switch part {
      case .bytes(let bytes): return try await read(bytes)
      case .blob(let writer, let file): return try await read(file, writer)
      case .failed(let reason): return failed(reason == .cannotUnderstand ? unreadable : reason)
      case .refused(let failure):
        return StoreInstance(answer: .failed(failure), new: nil, hasMultipleValues: false, receivedMemoryCount: 0)
      }
    } catch {
      if case .blob(let writer, _) = part { await writer.cancel() }
      let isLimit = (error as? DICOMError).map { $0.code != .notDICOM } ?? false
      return failed(isLimit ? unreadable : .processingFailure, part.memoryCount)
    }
  }

  /// DICOM that nobody can read: the standard has a code for it.
  private var unreadable: FailureReason { version == .standard ? .cannotUnderstand : .processingFailure }

  private func failed(_ reason: FailureReason, _ count: Int = 0) -> StoreInstance {
    StoreInstance(
      answer: .failed(StoreResponse.Failed(reason: reason)), new: nil, hasMultipleValues: false,
      receivedMemoryCount: count)
  }

  private func read(_ bytes: [UInt8]) async throws -> StoreInstance {
    var instance = try read(DICOMFile(bytes, limits: limits), bytes.count)
    if instance.new == nil { return instance }
    if bytes.count <= NewInstance.inlineBytesMax {
      instance.new?.content = .inline(bytes)
      instance.new?.digest = XXH64.digest(bytes)
    } else {
      let put = try await blobs.put([bytes[...]])
      instance.new?.content = .blob(put.name, count: bytes.count)
      instance.new?.digest = put.digest
    }
    return instance
  }

  private func read(_ file: DICOMFile, _ count: Int) throws -> StoreInstance {
    let validation = InstanceValidation(file.dataSet, version, study: study)
    return try refused(file, validation, count) ?? accepted(file, validation, count)
  }

  private func read(_ file: DICOMFile, _ writer: any BlobWriter) async throws -> StoreInstance {
    var instance = try read(file, 0)
    guard instance.new != nil else {
      await writer.cancel()
      return instance
    }
    let (count, digest) = (writer.count, writer.digest)
    let name = try await writer.finish()
    do {
      if let whole = mapped(name, file) { instance = try read(whole, 0) }
    } catch {
      try? await blobs.remove([name])
      throw error
    }
    guard instance.new != nil else {
      try? await blobs.remove([name])
      return instance
    }
    instance.new?.content = .blob(name, count: count)
    instance.new?.digest = digest
    return instance
  }

  /// The file read once more, by mapping its blob: what the stream passed over tells where frames begin, and what was
  /// ambiguous in pieces may be clear in the whole. Of a deflated one nothing of that is in the file.
  private func mapped(_ name: BlobName, _ file: DICOMFile) -> DICOMFile? {
    guard !file.isDeflated, let blob = try? blobs.open(name).file else { return nil }
    return try? DICOMFile(path: blob.path, limits: limits)
  }

  private func refused(_ file: DICOMFile, _ validation: InstanceValidation, _ count: Int) -> StoreInstance? {
    var reason: FailureReason?
    if validation.isRefused { reason = .validationFailure }
    // It becomes part of headers and names.
    if !file.transferSyntax.uid.isAcceptable { reason = .processingFailure }
    guard let reason else { return nil }
    let failure = StoreResponse.Failed(
      sopClassUID: file.dataSet.uid(.sopClassUID)?.value, sopInstanceUID: file.dataSet.uid(.sopInstanceUID)?.value,
      reason: reason, comments: reason == .validationFailure ? validation.findings.map(\.comment) : nil)
    return StoreInstance(
      answer: .failed(failure), new: nil, hasMultipleValues: validation.hasMultipleValues, receivedMemoryCount: count)
  }

  /// All but the content, which comes last: what was read of it need not stay while it is written.
  private func accepted(_ file: DICOMFile, _ validation: InstanceValidation, _ count: Int) throws -> StoreInstance {
    let new = try InstanceExtractor.extract(
      file, partition: partition, dropping: validation.dropped, content: .inline([]), digest: 0)
    var comments = validation.findings.map(\.comment)
    comments += file.tolerances.list.filter { $0.kind == .truncatedValue }.prefix(1).map {
      "DICOM100: \($0.tag.description.lowercased()) - The file is cut off within this attribute."
    }
    let stored = StoreResponse.Stored(
      sopClassUID: new.sopClassUID.value, sopInstanceUID: new.instanceUID.value,
      retrieveURL: "\(root)/\(Target(study: new.studyUID, series: new.seriesUID, instance: new.instanceUID).path)",
      warning: warning(file, hasComments: !comments.isEmpty), comments: comments)
    return StoreInstance(
      answer: .stored(stored), new: new, hasMultipleValues: validation.hasMultipleValues, receivedMemoryCount: count)
  }

  private func warning(_ file: DICOMFile, hasComments: Bool) -> WarningReason? {
    if file.tolerances.contains(.truncatedValue) { return .dataSetDoesNotMatchSOPClass }
    // Microsoft's service has nothing but this for a file in implicit VR, which is as good as any other.
    if version != .standard, file.transferSyntax.encoding.isImplicit { return .dataSetDoesNotMatchSOPClass }
    guard version != .v1, hasComments else { return nil }
    return version == .v2 ? .validationWarnings : .dataSetDoesNotMatchSOPClass
  }
}
