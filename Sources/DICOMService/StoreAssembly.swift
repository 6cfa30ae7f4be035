import Base
import BlobStore
import DICOMCore
import DICOMweb
import Glibc
import ImageCodecs
import Synchronization

/// Makes instances of metadata and bulk data: a file of PS3.10 each, which then is stored as any other.
final class StoreAssembly: Sendable {
  typealias BulkPart = StoreMetadataReceiver.BulkPart

  private let blobs: any BlobStore
  private let limits: DICOMServiceLimits
  private let version: DICOMVersion
  private let threads: RetrieveThreads
  private let spool: SharedSpool
  private let whole = Mutex<RetrieveRun?>(nil)
  /// Bytes of the instances made so far.
  private let made = Atomic<Int>(0)

  /// What a stream tells of itself is in its first bytes.
  private static let headerBytes = 64 * 1024
  /// Bytes that are copied at once.
  private static let pieceBytes = 1024 * 1024

  init(_ service: DICOMService, _ version: DICOMVersion) {
    blobs = service.blobs
    limits = service.limits
    self.version = version
    threads = service.retrieval.files
    spool = SharedSpool(service.limits.retrieve)
  }

  // MARK: The spool

  /// Bytes of bulk data so far.
  var count: Int { spool.count }

  func append(_ bytes: [UInt8]) async throws(Fault) {
    let spool = spool
    try await threads.run { () throws(Fault) in try spool.add(bytes) }
  }

  /// All has come.
  func finish() async throws(Fault) {
    let spool = spool
    let run = try await threads.run { () throws(Fault) in try spool.finishWhole() }
    whole.withLock { $0 = run }
  }

  private func read(_ range: Range<Int>) async throws(Fault) -> [UInt8] {
    switch whole.withLock({ $0 }) {
    case .bytes(let bytes)?: return Array(bytes[range.clamped(to: bytes.indices)])
    case .file(let file, _)?:
      return try await threads.run { () throws(Fault) in
        var done = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, filled in
          while done < range.count {
            let place = buffer.baseAddress.map { $0 + done }
            let count = pread(file.descriptor, place, range.count - done, range.lowerBound + done)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { break }
            done += count
          }
          filled = done
        }
        guard done == range.count else { throw Fault(.unavailable, "The server's disk failed.") }
        return bytes
      }
    case .blob?, nil: throw Fault(.internal, "The bulk data is not there.")
    }
  }

  // MARK: An instance

  /// Why a data set cannot become an instance.
  private struct Refusal: Error {
    let reason: FailureReason
    let tag: Tag?
    let text: String
  }

  /// A data set with what it refers to. One that cannot be made into an instance says why.
  /// - Throws: what the store throws.
  func part(
    _ dataSet: StoreDataSet, _ bulk: [String: [BulkPart]]
  ) async throws -> StorePart {
    var known: DataSet?
    do {
      var pixels: String?
      let outline = try dataSet.build(limits: limits.parsing) { wanted in
        if wanted.tag == .pixelData, wanted.isOutermost { pixels = wanted.uri }
        return .bytes([])
      }
      let described = try outline.dataSet(limits: limits.parsing)
      known = described
      let frames = try pixels.flatMap { try Self.frames($0, bulk) }
      let coding = try await coding(frames, described)
      let builder = try dataSet.build(adding: coding.absent, limits: limits.parsing) { wanted in
        if wanted.tag == .pixelData, wanted.isOutermost, coding.transferSyntax.isEncapsulated, let frames {
          return .fragments(frames.map(\.range))
        }
        return .outside(try Self.value(wanted, bulk))
      }
      return try await part(builder, described, coding.transferSyntax)
    } catch let refusal as Refusal {
      return .refused(failure(refusal, known))
    } catch let error as DICOMError {
      let reason: FailureReason = version == .standard ? .cannotUnderstand : .processingFailure
      return .refused(failure(Refusal(reason: reason, tag: error.tag, text: error.message), known))
    }
  }

  private func failure(_ refusal: Refusal, _ dataSet: DataSet?) -> StoreResponse.Failed {
    // Microsoft's service knows no other code for what it cannot process.
    let reason = version == .standard ? refusal.reason : .processingFailure
    let place = refusal.tag.map { "\($0.description.lowercased()) - " } ?? ""
    return StoreResponse.Failed(
      sopClassUID: dataSet?.uid(.sopClassUID)?.value, sopInstanceUID: dataSet?.uid(.sopInstanceUID)?.value,
      reason: reason, comments: ["DICOM100: \(place)\(refusal.text)"])
  }

  /// The part that an element refers to.
  private static func value(
    _ wanted: BulkDataReference, _ bulk: [String: [BulkPart]]
  ) throws(Refusal) -> Range<Int> {
    guard let parts = bulk[wanted.uri], let part = parts.first else {
      throw Refusal(
        reason: .cannotUnderstand, tag: wanted.tag, text: "No part of the request has the BulkDataURI as its location.")
    }
    guard parts.count == 1 else {
      throw Refusal(
        reason: .cannotUnderstand, tag: wanted.tag, text: "Several parts of the request have the same location.")
    }
    return part.range
  }

  /// The parts that pixel data refers to: one, or one for each frame, which have the same location or `/frames/{n}`
  /// behind it.
  private static func frames(
    _ uri: String, _ bulk: [String: [BulkPart]]
  ) throws(Refusal) -> [BulkPart]? {
    if let parts = bulk[uri] { return parts }
    var parts: [BulkPart] = []
    while let part = bulk["\(uri)/frames/\(parts.count + 1)"]?.first { parts.append(part) }
    guard !parts.isEmpty else {
      throw Refusal(
        reason: .cannotUnderstand, tag: .pixelData, text: "No part of the request has the BulkDataURI as its location.")
    }
    return parts
  }

  // MARK: Transfer syntax

  private struct Coding {
    var transferSyntax = TransferSyntax.explicitVRLittleEndian
    var absent = AbsentAttributes()
  }

  /// How the pixel data is coded: as its parts' `Content-Type` says, or else as its own first bytes say (PS3.18
  /// §8.7.3).
  private func coding(
    _ frames: [BulkPart]?, _ dataSet: DataSet
  ) async throws -> Coding {
    guard let frames, let first = frames.first else { return Coding() }
    func refused(_ text: String) -> Refusal {
      Refusal(reason: .transferSyntaxNotSupported, tag: .pixelData, text: text)
    }
    let named = first.type["transfer-syntax"].map { TransferSyntax(uid: UID($0.filter { $0 != " " })) }
    if let named, !named.isKnown { throw refused("The transfer syntax is not known.") }
    let isOctets = first.type.name == "application/octet-stream"
    if isOctets, named.map({ !$0.isEncapsulated }) ?? true {
      // PS3.18 §8.7.3.5: never big endian. Native pixels are the same in both forms of little endian.
      if let named, named != .explicitVRLittleEndian, named != .implicitVRLittleEndian {
        throw refused("Uncompressed pixel data has to be in explicit little endian.")
      }
      guard frames.count == 1 else { throw refused("Uncompressed frames have to be in one part.") }
      return Coding()
    }
    let head = try await read(first.range.prefix(Self.headerBytes))
    let description = StreamDescription(head)
    let usual = Acceptance.transferSyntaxes(of: first.type.name).map { TransferSyntax(uid: $0) }
    let found = description?.transferSyntax.flatMap { usual.contains($0) ? $0 : nil }
    let isTold = Self.toldTypes.contains(first.type.name)
    guard let syntax = named ?? (isTold ? found : usual.first), syntax.isEncapsulated else {
      throw refused("The transfer syntax of '\(first.type.name)' cannot be told.")
    }
    var coding = Coding(transferSyntax: syntax)
    if let description { Self.describe(description, frames.count, &coding.absent) }
    return coding
  }

  /// Types whose streams say which of several transfer syntaxes they are of.
  private static let toldTypes: Set<String> = ["image/jpeg", "image/jls", "image/x-jls", "image/jp2"]

  /// The Image Pixel Description Macro (PS3.3 C.7.6.3) where metadata leaves it out.
  private static func describe(_ stream: StreamDescription, _ frames: Int, _ absent: inout AbsentAttributes) {
    absent.add(.samplesPerPixel, stream.samples)
    absent.add(.photometricInterpretation, .CS, stream.photometricInterpretation)
    if stream.samples > 1 { absent.add(.planarConfiguration, 0) }
    if frames > 1 { absent.add(.numberOfFrames, .IS, "\(frames)") }
    absent.add(.rows, stream.rows)
    absent.add(.columns, stream.columns)
    absent.add(.bitsAllocated, stream.precision > 8 ? 16 : 8)
    absent.add(.bitsStored, stream.precision)
    absent.add(.highBit, stream.precision - 1)
    absent.add(.pixelRepresentation, stream.isSigned ? 1 : 0)
  }

  // MARK: The file

  private func part(_ builder: DataSetBuilder, _ dataSet: DataSet, _ syntax: TransferSyntax) async throws -> StorePart {
    let meta = try FileMetaInformation.encoded(
      mediaStorageSOPClassUID: dataSet.uid(.sopClassUID) ?? "",
      mediaStorageSOPInstanceUID: dataSet.uid(.sopInstanceUID) ?? "", transferSyntax: syntax)
    let head = DICOMFile.prefix + meta
    let count = head.count + builder.count
    guard count <= limits.instanceBytesMax else {
      throw Refusal(reason: .cannotUnderstand, tag: nil, text: "The instance is too large.")
    }
    // Many data sets may refer to one part: what is made of a request is no more than a request may be.
    guard made.add(count, ordering: .relaxed).newValue <= limits.instanceBytesMax else {
      throw Fault(.tooLarge, "The instances of the request have more than \(limits.instanceBytesMax) bytes together.")
    }
    guard count > limits.instanceMemoryBytesMax else {
      var bytes = head
      bytes.reserveCapacity(count)
      try await give(builder) { bytes += $0 }
      return .bytes(bytes)
    }
    let writer = try await blobs.create()
    do {
      var stream = DICOMStream(limits: limits.parsing)
      try stream.append(head)
      try await writer.append(head)
      try await give(builder) { piece in
        try stream.append(piece)
        try await writer.append(piece)
      }
      return .blob(writer, try stream.finish())
    } catch {
      await writer.cancel()
      throw error
    }
  }

  /// The bytes of a data set with those outside, in pieces.
  private func give(_ builder: DataSetBuilder, to consume: ([UInt8]) async throws -> Void) async throws {
    var place = 0
    for value in builder.outside {
      try await consume(Array(builder.bytes[place..<value.place]))
      place = value.place
      var range = value.range
      while !range.isEmpty {
        let piece = range.prefix(Self.pieceBytes)
        try await consume(try await read(piece))
        range = piece.upperBound..<range.upperBound
      }
    }
    try await consume(Array(builder.bytes[place...]))
  }
}
