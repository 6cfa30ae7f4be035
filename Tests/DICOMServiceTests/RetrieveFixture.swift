import Base
import BlobStore
import DICOMCore
import DICOMService
import DICOMStore
import DICOMweb
import Glibc
import ImageCodecs
import TestStores
import TestSupport

/// A DICOM service over a real store in a folder of its own, and what is asked of it.
final class RetrieveFixture: Sendable {
  let folder: TemporaryFolder
  let store: DICOMStore
  let service: DICOMService

  init(_ change: (inout DICOMServiceLimits) -> Void = { _ in }) async throws {
    folder = try TemporaryFolder()
    let database = try TestStores.open(folder.file("store.sqlite"), syncs: false)
    let blobs = try FolderBlobStore(path: folder.file("blobs"))
    store = try await DICOMStore(database, blobs: blobs, clock: .system)
    var limits = DICOMServiceLimits()
    change(&limits)
    service = DICOMService(
      store, blobs: blobs, limits: limits, clock: .system,
      software: DICOMService.Software(name: "Aceso", version: "1.2.3"))
  }

  static func run(
    _ change: (inout DICOMServiceLimits) -> Void = { _ in }, _ body: (RetrieveFixture) async throws -> Void
  ) async throws {
    let fixture = try await RetrieveFixture(change)
    do {
      try await body(fixture)
    } catch {
      await fixture.store.close()
      throw error
    }
    await fixture.store.close()
  }

  // MARK: Asking

  struct Reply {
    let status: Int
    let headers: [(name: String, value: String)]
    let announced: Int?
    let body: [UInt8]

    func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }
    var contentType: String { header("content-type") ?? "" }
    var text: String { String(decoding: body, as: UTF8.self) }
  }

  func store(_ instances: [Instance], _ version: DICOMVersion = .v2) async throws {
    for instance in instances {
      var call = DICOMCall(.store(study: nil), version: version, base: Self.base(version))
      call.accept = ["application/dicom+json"]
      call.contentType = "application/dicom"
      call.body = .whole(instance.bytes)
      let answer = try await service.perform(call, .everything)
      guard answer.status == 200 || answer.status == 202 else { throw FixtureError(what: "stored: \(answer.status)") }
    }
  }

  static func base(_ version: DICOMVersion) -> String {
    "http://localhost/default/dicom" + (version.segment.map { "/" + $0 } ?? "")
  }

  func get(
    _ interaction: DICOMInteraction, _ version: DICOMVersion = .v2, accept: String? = nil, query: String = "",
    _ change: (inout DICOMCall) -> Void = { _ in }
  ) async throws -> Reply {
    var call = DICOMCall(interaction, version: version, base: Self.base(version))
    call.accept = accept.map { [$0] } ?? []
    call.parameters = try QueryParameters(query: query)
    change(&call)
    return try await Self.collect(try await service.perform(call, .everything))
  }

  /// The status of what is refused.
  func refusal(
    _ interaction: DICOMInteraction, _ version: DICOMVersion = .v2, accept: String? = nil, query: String = ""
  ) async -> Fault.Category? {
    do {
      _ = try await get(interaction, version, accept: accept, query: query)
      return nil
    } catch {
      return (error as? Fault)?.category
    }
  }

  static func collect(_ answer: DICOMAnswer) async throws -> Reply {
    switch answer.content {
    case .empty: return Reply(status: answer.status, headers: answer.headers, announced: 0, body: [])
    case .bytes(let bytes):
      return Reply(status: answer.status, headers: answer.headers, announced: bytes.count, body: bytes)
    case .pieces(let count, let next):
      var body: [UInt8] = []
      while let piece = try await next() {
        switch piece {
        case .bytes(let bytes): body += bytes
        case .file(let file, let range):
          var bytes = [UInt8](repeating: 0, count: range.count)
          guard pread(file.descriptor, &bytes, bytes.count, range.lowerBound) == bytes.count else {
            throw FixtureError(what: "short read")
          }
          body += bytes
        }
      }
      if let count, count != body.count { throw FixtureError(what: "\(body.count) bytes, \(count) announced") }
      return Reply(status: answer.status, headers: answer.headers, announced: count, body: body)
    }
  }
}

struct FixtureError: Error { let what: String }

/// A part of a multipart answer, taken apart without the server's own code.
struct ReplyPart {
  let headers: [String: String]
  let body: [UInt8]
  var contentType: String { headers["content-type"] ?? "" }

  static func all(_ reply: RetrieveFixture.Reply) throws -> [ReplyPart] {
    guard reply.contentType.hasPrefix("multipart/related"),
      let mark = reply.contentType.range(of: "boundary=")
    else { throw FixtureError(what: "not multipart: \(reply.contentType)") }
    let boundary = reply.contentType[mark.upperBound...].prefix { $0 != ";" }.filter { $0 != "\"" }
    let delimiter = Array("--\(boundary)".utf8)
    var starts: [Int] = []
    var place = 0
    while place + delimiter.count <= reply.body.count {
      if reply.body[place] == delimiter[0], reply.body[place..<place + delimiter.count].elementsEqual(delimiter) {
        starts.append(place)
        place += delimiter.count
      } else {
        place += 1
      }
    }
    guard let last = starts.last, starts.first == 0,
      reply.body[(last + delimiter.count)...].elementsEqual(Array("--\r\n".utf8))
    else { throw FixtureError(what: "no closing boundary") }
    return try zip(starts, starts.dropFirst()).map { start, end in
      // CRLF behind the boundary, and in front of the next.
      try ReplyPart(reply.body[(start + delimiter.count + 2)..<(end - 2)])
    }
  }

  private init(_ bytes: ArraySlice<UInt8>) throws {
    let empty = Array("\r\n\r\n".utf8)
    guard let split = bytes.indices.dropLast(3).first(where: { bytes[$0..<$0 + 4].elementsEqual(empty) }) else {
      throw FixtureError(what: "a part without a header")
    }
    var headers: [String: String] = [:]
    for line in String(decoding: bytes[..<split], as: UTF8.self).split(separator: "\r\n") {
      let pair = line.split(separator: ":", maxSplits: 1)
      headers[pair[0].lowercased()] = String(pair[1].drop { $0 == " " })
    }
    self.headers = headers
    body = Array(bytes[(split + 4)...])
  }
}

extension StringProtocol {
  fileprivate func range(of text: String) -> Range<Index>? { firstRange(of: text) }
}
