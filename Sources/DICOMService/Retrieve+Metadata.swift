import Base
import DICOMStore
import DICOMweb
import Synchronization

/// Metadata (PS3.18 §10.4.1.1.2): finished JSON from the store, page by page; in XML one part for each instance.
extension Retrieve {
  func metadata(_ target: Target, _ call: DICOMCall) async throws(Fault) -> DICOMAnswer {
    let form = try call.acceptance.resultsForm()
    let store = store
    let partition = Self.partition(call)
    let version = try await Self.asking { try store.version(target, partition: partition) }
    guard let version else { throw Self.notFound(target) }
    let tag = version.entityTag(target.level)
    // RFC 9110 §8.8.3 has quotes around it, Microsoft's service has none.
    let field = call.version == .standard ? "\"\(tag)\"" : tag
    if let known = call.ifNoneMatch, Self.names(known, tag) {
      var answer = DICOMAnswer(304)
      if call.version == .standard { answer.headers = [("ETag", field)] }
      return answer
    }
    let root = call.version == .standard ? call.root : nil
    let pages = store.metadata(target, partition: partition, bulkDataRoot: root)
    var answer =
      switch form {
      case .json: try await json(MetadataSource(pages), target)
      case .xml: try await xml(MetadataSource(pages), target)
      }
    answer.headers.append(("ETag", field))
    return answer
  }

  /// Whether `If-None-Match` names a tag, with or without quotes (RFC 9110 §13.1.2).
  private static func names(_ field: String, _ tag: String) -> Bool {
    field.split(separator: ",").contains { item in
      var text = item.drop { $0 == " " }
      while text.last == " " { text.removeLast() }
      if text == "*" { return true }
      if text.hasPrefix("W/") { text = text.dropFirst(2) }
      if text.count >= 2, text.first == "\"", text.last == "\"" { text = text.dropFirst().dropLast() }
      return text == tag
    }
  }

  // MARK: JSON

  private func json(_ pages: MetadataSource, _ target: Target) async throws(Fault) -> DICOMAnswer {
    let (first, second) = try await Self.asking { (try await pages.next(), try await pages.next()) }
    guard let first else { throw Self.notFound(target) }
    let type = "application/dicom+json"
    var start: [UInt8] = []
    start.reserveCapacity(first.json.count + 2)
    start.append(UInt8(ascii: "["))
    start.append(contentsOf: first.json)
    guard let second else {
      start.append(UInt8(ascii: "]"))
      return DICOMAnswer(200, contentType: type, .bytes(start))
    }
    let queue = PieceQueue([start, [UInt8(ascii: ",")] + second.json])
    return DICOMAnswer(
      200, contentType: type,
      .pieces(count: nil) {
        try await queue.next {
          guard let page = try await pages.next() else { return nil }
          return [UInt8(ascii: ",")] + page.json
        } end: {
          [UInt8(ascii: "]")]
        }
      })
  }

  // MARK: XML

  private func xml(_ pages: MetadataSource, _ target: Target) async throws(Fault) -> DICOMAnswer {
    let writer = MultipartWriter()
    let first = try await Self.asking { try await pages.next() }
    guard let first else { throw Self.notFound(target) }
    let queue = PieceQueue([try await parts(first, writer, isFirst: true)])
    return DICOMAnswer(
      200, contentType: writer.contentType(MetadataXML.mediaType),
      .pieces(count: nil) {
        try await queue.next {
          guard let page = try await pages.next() else { return nil }
          return try await self.parts(page, writer, isFirst: false)
        } end: {
          writer.end
        }
      })
  }

  /// The data sets of a page as parts, one after the other.
  private func parts(_ page: MetadataPage, _ writer: MultipartWriter, isFirst: Bool) async throws(Fault) -> [UInt8] {
    try await threads.run { () throws(Fault) in
      var bytes: [UInt8] = []
      var isFirst = isFirst
      for object in page.objects {
        bytes += writer.head(isFirst: isFirst, [("Content-Type", MetadataXML.mediaType)])
        bytes += try MetadataXML.document(page.json[object])
        isFirst = false
      }
      return bytes
    }
  }
}

/// The pages of a target, asked for by one after the other.
private final class MetadataSource: Sendable {
  private let pages: Mutex<MetadataPages>

  init(_ pages: MetadataPages) { self.pages = Mutex(pages) }

  func next() async throws -> MetadataPage? {
    var current = pages.withLock { $0 }
    let page = try await current.next()
    let finished = current
    pages.withLock { $0 = finished }
    return page
  }
}

/// Pieces that are there, then those that are made, then the last one.
private final class PieceQueue: Sendable {
  private struct State {
    var ready: ArraySlice<[UInt8]>
    var isEnded = false
  }

  private let state: Mutex<State>

  init(_ ready: [[UInt8]]) { state = Mutex(State(ready: ready[...])) }

  func next(
    _ made: () async throws -> [UInt8]?, end: () -> [UInt8]
  ) async throws -> DICOMAnswer.Piece? {
    if let piece = state.withLock({ $0.ready.popFirst() }) { return .bytes(piece) }
    if state.withLock({ $0.isEnded }) { return nil }
    if let piece = try await made() { return .bytes(piece) }
    state.withLock { $0.isEnded = true }
    return .bytes(end())
  }
}
