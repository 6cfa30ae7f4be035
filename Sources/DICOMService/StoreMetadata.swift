import Base
import DICOMCore
import DICOMweb
import JSONCore

/// Receives metadata and bulk data apart (PS3.18 §10.5.2), and gives the instances that are made of them.
///
/// Any data set may refer to any part, so all are received first: metadata in memory, bulk data in a spool.
struct StoreMetadataReceiver: StorePartSource {
  /// A part that data sets refer to by its `Content-Location`.
  struct BulkPart: Sendable {
    let type: MediaType
    /// Its place in the spool.
    let range: Range<Int>
  }

  private enum Receiving {
    case metadata([UInt8])
    case bulk(location: String, type: MediaType, start: Int)
  }

  private let body: StoreBody
  private let limits: DICOMServiceLimits
  private let assembly: StoreAssembly
  private var reader: MultipartReader?
  private var current: Receiving?
  private var count = 0
  private var metadataCount = 0
  /// Bulk data on its way to the spool.
  private var held = ReceivedBytes()
  private var documents: [[UInt8]] = []
  private var bulk: [String: [BulkPart]] = [:]
  private var dataSets: ArraySlice<StoreDataSet>?

  /// Bytes that are given to the spool at once.
  private static let spoolPieceBytes = 1024 * 1024

  init(_ body: StoreBody, _ assembly: StoreAssembly, limits: DICOMServiceLimits) {
    self.body = body
    self.assembly = assembly
    self.limits = limits
    reader = body.multipart
    if body.multipart == nil { current = .metadata([]) }
  }

  mutating func next() async throws -> StorePart? {
    if dataSets == nil {
      try await receiveAll()
      try await assembly.finish()
      var found: [StoreDataSet] = []
      for document in documents { found += try StoreDataSet.all(in: document, isXML: body.isXML) }
      documents = []
      dataSets = found[...]
    }
    guard let dataSet = dataSets?.popFirst() else { return nil }
    return try await assembly.part(dataSet, bulk)
  }

  /// The spool has no name: it goes with its owner.
  mutating func cancel() async {}

  // MARK: Receiving

  private mutating func receiveAll() async throws {
    var isWhole = false
    while !isWhole {
      let piece: [UInt8]
      switch body.bytes {
      case .whole(let bytes):
        piece = bytes
        isWhole = true
      case .stream(let next):
        guard let bytes = try await next() else {
          isWhole = true
          continue
        }
        piece = bytes
      }
      count += piece.count
      guard count <= limits.instanceBytesMax else { throw Self.tooLarge(limits.instanceBytesMax) }
      guard let events = try reader?.append(piece) else {
        try await receive(piece[...])
        continue
      }
      for event in events {
        switch event {
        case .began(let part): try begin(part)
        case .bytes(let bytes): try await receive(bytes)
        case .ended: try await end()
        }
      }
    }
    if let reader { try reader.finish() } else { try await end() }
  }

  private static func tooLarge(_ count: Int) -> Fault {
    Fault(.tooLarge, "The request exceeded the allowed limit of \(count) bytes.")
  }

  private mutating func begin(_ header: MultipartReader.Part) throws(Fault) {
    let text = header["content-type"] ?? body.rootType ?? ""
    let type = MediaType(text)
    if type.name == MediaType(body.rootType ?? "").name {
      current = .metadata([])
    } else if let location = header["content-location"], !location.isEmpty {
      current = .bulk(location: location, type: type, start: assembly.count)
    } else {
      throw Fault(.invalid, "A part of type '\(text)' has no Content-Location that the metadata could refer to.")
    }
  }

  private mutating func receive(_ bytes: ArraySlice<UInt8>) async throws {
    switch current {
    case .metadata(var all):
      metadataCount += bytes.count
      guard metadataCount <= limits.metadataBytesMax else { throw Self.tooLarge(limits.metadataBytesMax) }
      current = nil
      all += bytes
      current = .metadata(all)
    case .bulk:
      held.append(bytes)
      if held.count >= Self.spoolPieceBytes { try await spool() }
    case nil: break
    }
  }

  private mutating func spool() async throws {
    let bytes = held.take()
    if !bytes.isEmpty { try await assembly.append(bytes) }
  }

  private mutating func end() async throws {
    defer { current = nil }
    switch current {
    case .metadata(let bytes): documents.append(bytes)
    case .bulk(let location, let type, let start):
      try await spool()
      bulk[location, default: []].append(BulkPart(type: type, range: start..<assembly.count))
    case nil: break
    }
  }
}

/// A data set of a store request's metadata.
enum StoreDataSet: Sendable {
  case json(JSONDocument, JSONNode)
  case xml([UInt8])

  /// PS3.18 §10.5.2: of JSON an array of data sets; one by itself is met. Of XML a document for each.
  /// - Throws: `.invalid` for what is no JSON.
  static func all(in bytes: [UInt8], isXML: Bool) throws(Fault) -> [StoreDataSet] {
    if isXML { return [.xml(bytes)] }
    let document: JSONDocument
    var limits = JSONLimits()
    // Each floor of items takes three of JSON's.
    limits.depthMax = 4 * (DICOMLimits().sequenceDepthMax + 2)
    do throws(JSONError) { document = try JSONDocument(bytes, limits: limits) } catch {
      throw Fault(.invalid, "The metadata is no JSON: \(error.message)")
    }
    switch document.kind(document.root) {
    case .array: return document.elements(document.root).map { .json(document, $0) }
    case .object: return [.json(document, document.root)]
    default: throw Fault(.invalid, "The metadata is no array of data sets.")
    }
  }

  /// In explicit little endian.
  /// - Throws: `DICOMError`; what `find` throws.
  func build(
    adding absent: AbsentAttributes = AbsentAttributes(), limits: DICOMLimits, _ find: @escaping BulkDataFinder
  ) throws -> DataSetBuilder {
    switch self {
    case .json(let document, let node):
      try DICOMJSONReader.build(document, node, limits: limits, adding: absent, bulkData: find)
    case .xml(let bytes): try NativeXMLReader.build(bytes, limits: limits, adding: absent, bulkData: find)
    }
  }
}
