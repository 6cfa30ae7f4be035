import Base
import BlobStore
import DICOMCore
import DICOMService
import DICOMStore
import DICOMweb
import Foundation
import JSONCore
import Synchronization
import TestStores
import TestSupport

/// A DICOM service over a real store in a folder of its own, asked as the edge asks it.
final class ServiceFixture: Sendable {
  let folder: TemporaryFolder
  let store: DICOMStore
  let blobs: FolderBlobStore
  let service: DICOMService
  let clock: TestClock

  init(hasPartitions: Bool, _ change: (inout DICOMServiceLimits) -> Void) async throws {
    folder = try TemporaryFolder()
    clock = TestClock()
    let database = try TestStores.open(folder.file("store.sqlite"), syncs: false)
    blobs = try FolderBlobStore(path: folder.file("blobs"))
    store = try await DICOMStore(database, blobs: blobs, clock: clock.clock)
    var limits = DICOMServiceLimits()
    change(&limits)
    service = DICOMService(
      store, blobs: blobs, limits: limits, clock: clock.clock,
      software: DICOMService.Software(name: "Aceso", version: "1"), hasPartitions: hasPartitions)
  }

  static func run(
    hasPartitions: Bool = false, _ change: (inout DICOMServiceLimits) -> Void = { _ in },
    _ body: (ServiceFixture) async throws -> Void
  ) async throws {
    let fixture = try await ServiceFixture(hasPartitions: hasPartitions, change)
    do {
      try await body(fixture)
    } catch {
      await fixture.store.close()
      throw error
    }
    await fixture.store.close()
  }

  /// Blobs that are on the disk.
  func blobCount() async throws -> Int {
    let count = Mutex(0)
    try await blobs.names(olderThan: -1_000) { _ in count.withLock { $0 += 1 } }
    return count.withLock { $0 }
  }

  // MARK: Asking

  struct Reply: Sendable {
    var status: Int
    var headers: [(name: String, value: String)] = []
    var bytes: [UInt8] = []

    var text: String { String(decoding: bytes, as: UTF8.self) }
    func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }

    func json() throws -> JSONDocument { try JSONDocument(bytes) }

    /// The answer's data set.
    func dataSet() throws -> DataSet { try DICOMJSONReader.dataSet(try json()) }

    /// The ErrorComments of each item of a sequence. Readers of data sets pass over their group 0000.
    func comments(_ tag: Tag) throws -> [[String]] {
      let document = try json()
      func values(_ node: JSONNode, _ key: String) -> [JSONNode] {
        guard let attribute = document.member(node, JSONKey(key)), let values = document.member(attribute, "Value")
        else { return [] }
        return Array(document.elements(values))
      }
      return values(document.root, tag.hexadecimal).map { item in
        values(item, "00741048").flatMap { values($0, "00000902") }.compactMap { document.string($0) }
      }
    }

    /// The data sets of an answer that is a list of them.
    func dataSets() throws -> [DataSet] {
      let document = try json()
      return try document.elements(document.root).map { try DICOMJSONReader.dataSet(document, $0) }
    }
  }

  /// A request as it comes from the network: faults become the statuses that a DICOM service answers.
  func send(
    _ method: DICOMRoute.Method, _ path: String, _ version: DICOMVersion = .v2, query: String = "",
    accept: [String] = ["application/dicom+json"], contentType: String? = nil, body: DICOMBody = .whole([]),
    ifNoneMatch: String? = nil
  ) async -> Reply {
    do throws(Fault) {
      let segments = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
      let parameters = try QueryParameters(query: query)
      let route = try DICOMRoute(
        method, path.isEmpty ? [] : segments, parameters: parameters, hasPartitions: service.hasPartitions)
      var call = DICOMCall(route.interaction, version: version, base: Self.base(version))
      call.partition = route.partition
      call.parameters = parameters
      call.accept = accept
      call.contentType = contentType
      call.ifNoneMatch = ifNoneMatch
      call.body = body
      return await Self.reply(try await service.perform(call, .everything))
    } catch {
      return Reply(status: Self.status(error), bytes: Array((error.reasons.first?.diagnostics ?? "").utf8))
    }
  }

  private static func status(_ fault: Fault) -> Int {
    switch fault.category {
    case .invalid, .unsupported, .unprocessable: 400
    case .notFound: 404
    case .methodNotAllowed: 405
    case .notAcceptable: 406
    case .conflict: 409
    case .tooLarge: 413
    case .unsupportedMediaType: 415
    case .busy, .unavailable: 503
    default: 500
    }
  }

  private static func reply(_ answer: DICOMAnswer) async -> Reply {
    var reply = Reply(status: answer.status, headers: answer.headers)
    switch answer.content {
    case .empty: break
    case .bytes(let bytes): reply.bytes = bytes
    case .pieces(_, let next):
      while let piece = try? await next() {
        switch piece {
        case .bytes(let bytes): reply.bytes += bytes
        case .file(let file, let range):
          let whole = (try? Data(contentsOf: URL(fileURLWithPath: file.path))) ?? Data()
          reply.bytes += whole[range]
        }
      }
    }
    return reply
  }

  static func base(_ version: DICOMVersion) -> String {
    "https://example.org/default/dicom" + (version.segment.map { "/" + $0 } ?? "")
  }

  // MARK: Storing and reading

  /// One instance as the body itself.
  func storeSingle(_ bytes: [UInt8], _ version: DICOMVersion, path: String = "studies") async -> Reply {
    await send(.post, path, version, contentType: "application/dicom", body: .whole(bytes))
  }

  static let multipart = "multipart/related; type=\"application/dicom\"; boundary=\"b-1\""

  static func multipart(_ parts: [[UInt8]]) -> [UInt8] {
    let writer = MultipartWriter(boundary: "b-1")
    var body: [UInt8] = []
    for (number, part) in parts.enumerated() {
      body += writer.head(isFirst: number == 0, [("Content-Type", "application/dicom")]) + part
    }
    return body + writer.end
  }

  /// Instances as parts.
  func store(_ files: [TestFile], _ version: DICOMVersion, path: String = "studies") async -> Reply {
    let body = Self.multipart(files.map(\.bytes))
    return await send(.post, path, version, contentType: Self.multipart, body: .whole(body))
  }

  /// The stored bytes of an instance, nil if there is none.
  func stored(_ file: TestFile, _ version: DICOMVersion = .v2, partition: String? = nil) async -> [UInt8]? {
    let path = (partition.map { "partitions/\($0)/" } ?? "") + file.target.path
    let reply = await send(.get, path, version, accept: ["application/dicom; transfer-syntax=*"])
    return reply.status == 200 ? reply.bytes : nil
  }

  /// The metadata of an instance.
  func metadata(_ file: TestFile, _ version: DICOMVersion = .v2) async throws -> DataSet? {
    let reply = await send(.get, file.target.path + "/metadata", version)
    return reply.status == 200 ? try reply.dataSets().first : nil
  }

  /// What a search finds; an empty list for 204.
  func search(_ path: String, _ query: String, _ version: DICOMVersion = .v2) async throws -> [DataSet] {
    let reply = await send(.get, path, version, query: query)
    if reply.status == 204 { return [] }
    guard reply.status == 200 else { throw ServiceFixtureError(what: "\(reply.status): \(reply.text)") }
    return try reply.dataSets()
  }
}

struct ServiceFixtureError: Error { let what: String }

/// A clock that a test moves.
final class TestClock: Sendable {
  private let now = Mutex(Instant(milliseconds: 1_700_000_000_000))

  var clock: Clock { Clock { [self] in now.withLock { $0 } } }
  func advance(milliseconds: Int64) { now.withLock { $0 = $0.advanced(byMilliseconds: milliseconds) } }
  var instant: Instant { now.withLock { $0 } }
}

/// A DICOM file made for a test: a small instance whose attributes are chosen.
struct TestFile: Sendable {
  let study: String
  let series: String
  let instance: String
  let bytes: [UInt8]

  typealias Element = (tag: Tag, vr: VR, value: String)

  private static let number = Atomic<Int>(1)

  /// A UID that no other call gives.
  static func uid() -> String { "1.2.826.0.1.3680043.9.7.\(number.wrappingAdd(1, ordering: .relaxed).newValue)" }

  var target: Target {
    func trimmed(_ text: String) -> UID { UID(text.filter { $0 != " " && $0 != "\0" }) }
    return Target(study: trimmed(study), series: trimmed(series), instance: trimmed(instance))
  }
  var seriesPath: String { Target(study: target.study, series: UID(series)).path }
  var studyPath: String { Target(study: target.study).path }

  /// - Parameters:
  ///   - elements: beside, or in place of, what every instance has.
  ///   - removed: left out.
  ///   - pixels: bytes of pixel data, which are 0, 1, 2, …
  init(
    study: String = uid(), series: String = uid(), instance: String = uid(), _ elements: [Element] = [],
    without removed: [Tag] = [], pixels: Int = 0, transferSyntax: TransferSyntax = .explicitVRLittleEndian
  ) throws {
    (self.study, self.series, self.instance) = (study, series, instance)
    var all: [Element] = [
      (.sopClassUID, .UI, "1.2.840.10008.5.1.4.1.1.7"), (.sopInstanceUID, .UI, instance), (.patientID, .LO, "P-1"),
      (.studyInstanceUID, .UI, study), (.seriesInstanceUID, .UI, series),
    ]
    all.removeAll { element in removed.contains(element.tag) || elements.contains { $0.tag == element.tag } }
    var builder = DataSetBuilder()
    for element in (all + elements).sorted(by: { $0.tag < $1.tag }) {
      try builder.append(element.tag, element.vr, element.value)
    }
    if pixels > 0 { try builder.append(.pixelData, .OW, bytes: (0..<pixels).map { UInt8(truncatingIfNeeded: $0) }) }
    let meta = try FileMetaInformation.encoded(
      mediaStorageSOPClassUID: "1.2.840.10008.5.1.4.1.1.7", mediaStorageSOPInstanceUID: UID(instance),
      transferSyntax: transferSyntax)
    let dataSet = try builder.dataSet().encoded(as: transferSyntax.encoding)
    bytes = DICOMFile.prefix + meta + dataSet
  }
}

extension DataSet {
  /// Tags of the outermost data set.
  var tags: Set<Tag> { Set(elements.map(\.tag)) }

  /// The items of a sequence.
  func items(_ tag: Tag) -> [DataSet] { self[tag]?.items.map(\.dataSet) ?? [] }
}
