import Base
import BlobStore
import DICOMCore
import DICOMweb

/// The form of a store request's body.
struct StoreBody: Sendable {
  let bytes: DICOMBody
  /// Nil for a body that is one representation itself.
  let multipart: MultipartReader?
  /// The type of a part that does not tell its own (RFC 2387 §3.1).
  let rootType: String?

  private static let metadataTypes = ["application/dicom+json", "application/dicom+xml"]

  /// - Throws: `.unsupportedMediaType`, `.invalid`.
  init(_ call: DICOMCall, limits: DICOMServiceLimits) throws(Fault) {
    bytes = call.body
    let type = MediaType(call.contentType ?? "")
    switch type.name {
    case "application/dicom":
      multipart = nil
      rootType = nil
    case "application/dicom+json", "application/dicom+xml":
      multipart = nil
      rootType = type.name
    case "multipart/related":
      guard type["start"] == nil else {
        throw Fault(.invalid, "The start parameter in multipart/related request is not supported.")
      }
      multipart = try MultipartReader(boundary: type["boundary"], limits: limits.multipart)
      rootType = type["type"]
    default: throw Self.unsupported(call.contentType ?? "")
    }
  }

  /// Whether it has metadata and bulk data, and not instances (PS3.18 §10.5.2).
  var hasMetadata: Bool { rootType.map { Self.metadataTypes.contains(MediaType($0).name) } ?? false }

  /// Of metadata: whether it is XML, and not JSON.
  var isXML: Bool { rootType.map { MediaType($0).name == Self.metadataTypes[1] } ?? false }

  static func unsupported(_ type: String) -> Fault {
    Fault(.unsupportedMediaType, "The specified content type '\(type)' is not supported.")
  }
}

/// Gives the instances of a store request one after the other.
protocol StorePartSource {
  /// The next instance; nil after the last.
  mutating func next() async throws -> StorePart?
  /// Takes back what is half received.
  mutating func cancel() async
}

/// An instance as it was received.
enum StorePart: Sendable {
  /// All of it, its preamble cleared.
  case bytes([UInt8])
  /// A long one: it is in the blob, and what is not pixels is in the file.
  case blob(any BlobWriter, DICOMFile)
  /// It could not be read; nothing of it is left.
  case failed(FailureReason)
  /// The same, and it is known which instance it is.
  case refused(StoreResponse.Failed)

  var memoryCount: Int {
    if case .bytes(let bytes) = self { return bytes.count }
    return 0
  }

  /// What is in front of `DICM` may be anything, a program for instance (PS3.10 §7.1): it is set to zeros.
  static func clearPreamble(_ bytes: inout [UInt8]) {
    guard bytes.count >= 132, bytes[128..<132].elementsEqual("DICM".utf8) else { return }
    for place in 0..<128 { bytes[place] = 0 }
  }
}

/// Receives instances one after the other from a store request's body: short ones into memory, long ones into blobs
/// while they are read.
struct StorePartReceiver: StorePartSource {
  private var reader: MultipartReader?
  private let rootType: String?
  private let bytes: DICOMBody
  private var events: ArraySlice<MultipartReader.Event> = []
  private var isAtEnd = false
  private let blobs: any BlobStore
  private let limits: DICOMServiceLimits
  private var part: Receiving?

  /// A part that is being received.
  private struct Receiving {
    var memory = ReceivedBytes()
    var count = 0
    var blob: (writer: any BlobWriter, stream: DICOMStream)?
    var failure: FailureReason?
  }

  /// Bytes that are given to a blob at once.
  private static let blobPieceBytes = 1024 * 1024

  init(_ body: StoreBody, blobs: any BlobStore, limits: DICOMServiceLimits) {
    bytes = body.bytes
    reader = body.multipart
    rootType = body.rootType
    self.blobs = blobs
    self.limits = limits
    if body.multipart == nil { part = Receiving() }
  }

  /// The next instance; nil after the last.
  /// - Throws: what the body throws; `.unsupportedMediaType`, `.invalid` and `.tooLarge` for the request as a whole.
  mutating func next() async throws -> StorePart? {
    while true {
      while let event = events.popFirst() {
        switch event {
        case .began(let part): try begin(part)
        case .bytes(let bytes): try await receive(bytes)
        case .ended: return try await end()
        }
      }
      if isAtEnd { return nil }
      guard let piece = try await nextPiece() else {
        isAtEnd = true
        if let reader {
          try reader.finish()
          return nil
        }
        return try await end()
      }
      if reader != nil {
        events = try reader?.append(piece)[...] ?? []
      } else {
        try await receive(piece[...])
      }
    }
  }

  /// Takes back what is half received.
  mutating func cancel() async {
    let blob = part?.blob
    part = nil
    await blob?.writer.cancel()
  }

  private var wholeIsRead = false

  private mutating func nextPiece() async throws -> [UInt8]? {
    switch bytes {
    case .whole(let bytes):
      guard !wholeIsRead else { return nil }
      wholeIsRead = true
      return bytes
    case .stream(let next): return try await next()
    }
  }

  private mutating func begin(_ header: MultipartReader.Part) throws(Fault) {
    let type = header["content-type"] ?? rootType ?? ""
    guard MediaType(type).name == "application/dicom" else { throw StoreBody.unsupported(type) }
    part = Receiving()
  }

  private mutating func receive(_ bytes: ArraySlice<UInt8>) async throws {
    guard var part = self.part.take() else { return }
    defer { self.part = part }
    part.count += bytes.count
    guard part.count <= limits.instanceBytesMax else {
      throw Fault(.tooLarge, "The request exceeded the allowed limit of \(limits.instanceBytesMax) bytes.")
    }
    if part.failure != nil { return }
    part.memory.append(bytes)
    if part.blob == nil, part.count > limits.instanceMemoryBytesMax {
      part.blob = (try await blobs.create(), DICOMStream(limits: limits.parsing))
      try await write(&part, isStart: true)
    } else if part.blob != nil, part.memory.count >= Self.blobPieceBytes {
      try await write(&part)
    }
  }

  /// Gives what has come to the blob and to the reader of DICOM.
  private func write(_ part: inout Receiving, isStart: Bool = false) async throws {
    var bytes = part.memory.take()
    if isStart { StorePart.clearPreamble(&bytes) }
    do {
      try part.blob?.stream.append(bytes)
      try await part.blob?.writer.append(bytes)
    } catch let error as DICOMError {
      await fail(&part, error)
    }
  }

  /// Nothing of the part stays, and what is still to come of it is passed over.
  private func fail(_ part: inout Receiving, _ error: DICOMError) async {
    part.failure = error.code == .notDICOM ? .processingFailure : .cannotUnderstand
    let writer = part.blob?.writer
    part.blob = nil
    part.memory = ReceivedBytes()
    await writer?.cancel()
  }

  private mutating func end() async throws -> StorePart? {
    guard var part = self.part.take() else { return nil }
    guard part.blob != nil, part.failure == nil else {
      if let failure = part.failure { return .failed(failure) }
      var bytes = part.memory.take()
      StorePart.clearPreamble(&bytes)
      return .bytes(bytes)
    }
    do {
      try await write(&part)
      if let failure = part.failure { return .failed(failure) }
      guard let file = try part.blob?.stream.finish(), let writer = part.blob?.writer else { return nil }
      return .blob(writer, file)
    } catch let error as DICOMError {
      await fail(&part, error)
      return .failed(part.failure ?? .processingFailure)
    } catch {
      await part.blob?.writer.cancel()
      throw error
    }
  }
}
